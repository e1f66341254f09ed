"""What commands print: tables for people (with rich on a terminal, aligned text elsewhere), JSON for programs."""

import dataclasses
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any

import click

from hub.clock import SystemClock, aware

from ._errors import one_line


def print_json(value: Any) -> None:
    """One JSON document; times in UTC."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=_jsonable))


def _jsonable(value: Any) -> Any:
    if isinstance(value, datetime):
        return aware(value).isoformat()
    if isinstance(value, Enum):
        return value.value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence | set | frozenset):
        return list(value)
    return str(value)


def moment(at: datetime | None) -> str:
    """A time on this machine's clock, for people."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S") if at else ""


def whose_clock() -> str:
    """Which clock `moment` speaks of: a server's is often not the shop's."""
    return f"times are {SystemClock().now().astimezone():%Z (UTC%z)}"


def cell(value: object) -> str:
    """A value in a table. What came from outside cannot steer the terminal."""
    if value is None:
        return ""
    return moment(value) if isinstance(value, datetime) else one_line(value)


def printable(text: str) -> str:
    """A text of several lines that cannot steer the terminal."""
    return "".join(each if each.isprintable() or each == "\n" else " " for each in str(text))


def print_table(headings: Sequence[str], rows: Sequence[Sequence[object]], *, empty: str = "nothing") -> None:
    """Rows under headings; `empty` is said when there are none."""
    cells = [[cell(value) for value in row] for row in rows]
    if not cells:
        click.echo(empty)
    elif sys.stdout.isatty():
        _rich_table(headings, cells)
    else:
        _plain_table(headings, cells)


WHOLE = frozenset({"at", "id", "number", "numbers", "return", "since", "state", "status"})
"""Columns that are never folded: what is copied from them must be whole."""


def _rich_table(headings: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold", no_wrap=heading in WHOLE)
    for row in cells:
        table.add_row(*map(Text, row))
    Console().print(table)


def _plain_table(headings: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    rows = [list(headings), *cells]
    widths = [max(len(row[place]) for row in rows) for place in range(len(headings))]
    for row in rows:
        click.echo("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


def title(text: str) -> None:
    """A heading above a part of the output."""
    click.echo()
    click.secho(text, bold=True)


def counted(number: int, word: str, plural: str = "") -> str:
    """`1 order`, `2 orders`."""
    return f"{number} {word if number == 1 else plural or word + 's'}"
