"""The checkout as its tests see it: what git knows, and nothing of what lies beside."""

import ast
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


@cache
def files() -> tuple[Path, ...]:
    """Every file that belongs to the project."""
    told = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return tuple(path for name in told.split("\0") if name and (path := ROOT / name).is_file())


def texts() -> Iterator[tuple[Path, str]]:
    """Every file that is text, with it."""
    for path in files():
        body = path.read_bytes()
        if b"\0" not in body[:1024]:
            yield path.relative_to(ROOT), body.decode("utf-8", "replace")


def modules(*folders: str) -> Iterator[tuple[Path, ast.Module]]:
    """Every Python file below these folders, parsed."""
    for path in files():
        name = path.relative_to(ROOT)
        if path.suffix == ".py" and any(name.is_relative_to(folder) for folder in folders):
            yield name, ast.parse(path.read_text("utf-8"))


def imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and module of every import: relative ones with their dots, `from . import a, b` as two."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, each.name) for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, "." * node.level + node.module
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, "." * node.level + each.name) for each in node.names)


@cache
def project() -> dict[str, Any]:
    """pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
