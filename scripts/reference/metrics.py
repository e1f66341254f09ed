"""The metrics, from the calls that write them: `_metric(name, help, kind, rows)`, the labels from the rows."""

import ast
import inspect
from collections.abc import Iterator

from hub.web import metrics

from . import tables


def page() -> str:
    how = "`GET /metrics`, in Prometheus' text format. Counts by connection and state; nothing about any person."
    rows = (
        (f"`{name}`", kind, ", ".join(f"`{each}`" for each in labels), text) for name, kind, labels, text in _read()
    )
    return tables.page("Metrics", how, tables.table(("name", "kind", "labels", "what it counts"), rows))


def _read() -> Iterator[tuple[str, str, list[str], str]]:
    for node in ast.walk(ast.parse(inspect.getsource(metrics))):
        match node:
            case ast.Call(
                func=ast.Name(id="_metric"),
                args=[
                    ast.Constant(value=str(name)),
                    ast.Constant(value=str(text)),
                    ast.Constant(value=str(kind)),
                    rows,
                ],
            ):
                yield name, kind, _labels(rows), text


def _labels(rows: ast.expr) -> list[str]:
    first = next((each for each in ast.walk(rows) if isinstance(each, ast.Dict)), None)
    return [str(key.value) for key in first.keys if isinstance(key, ast.Constant)] if first else []
