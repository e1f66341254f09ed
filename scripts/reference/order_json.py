"""The shape of the order as JSON in docs/targets.md, from the table that writes it."""

from hub.flows.types import NAMES, Field
from hub.pipeline.order_json import KEPT_BACK, PARTS, fields_of

from . import tables

BEGIN, END = "<!-- order: written by scripts/docs -->\n", "<!-- end -->\n"


def within(text: str) -> str:
    """The page with its tables as they should be; the rest is written by hand."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError("docs/targets.md lacks the marks of its tables")
    return f"{before}{BEGIN}\n{shape()}\n{END}{after}"


def shape() -> str:
    """A table for each record that can stand in it, in the order in which they are met."""
    records = list(dict.fromkeys(NAMES[name].record for name in PARTS))
    for record in records:  # it grows while it is read
        records += [each.record for each in fields_of(record) if each.record and each.record not in records]
    parts = tables.table(("`data.…`", "is"), ((f"`{name}`", NAMES[name].written) for name in PARTS))
    kept_back = ", ".join(f"`{record}.{field}`" for record, field in sorted(KEPT_BACK))
    rows = ((f"`{record}`", ", ".join(map(_field, fields_of(record)))) for record in records)
    return f"{parts}\n\n{tables.table(('record', 'fields'), rows)}\n\nNot in it: {kept_back}.\n"


def _field(each: Field) -> str:
    return f"`{each.name}` ({each.written})" if each.written != "text" else f"`{each.name}`"
