"""Markdown, as little of it as the pages need."""

from collections.abc import Iterable

WRITTEN = "Written from what the code runs on (`scripts/docs`); do not edit."


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table; a bar inside a cell stays a bar."""
    cells = [list(head), *map(list, rows)]
    lines = ["| " + " | ".join(" ".join(each.split()).replace("|", "\\|") for each in row) + " |" for row in cells]
    return "\n".join([lines[0], "|" + " --- |" * len(cells[0]), *lines[1:]])


def page(title: str, *parts: str) -> str:
    """A whole page, its parts a blank line apart."""
    return "\n\n".join([f"# {title}", WRITTEN, *(part.strip() for part in parts if part.strip())]) + "\n"


def sentence(doc: str | None) -> str:
    """The first paragraph of a docstring, on one line."""
    return " ".join((doc or "").strip().partition("\n\n")[0].split())
