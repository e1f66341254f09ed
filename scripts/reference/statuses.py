"""The canonical statuses: what they are called, how they follow each other, and whose fault a reason is."""

from hub.status import (
    FAULT,
    LANGUAGES,
    RULES,
    VALUES,
    Axis,
    HeadlineValue,
    Reason,
    Status,
    full_name,
    label,
)

from . import tables

HOW = """\
A shop or carrier has its own codes; each adapter's table puts them onto these. Their names are the words of triggers in
`flows.yaml` and the right side of a merchant's own map (`statuses:`). What the rules mean is told in
[concepts.md](../concepts.md)."""


def page() -> str:
    parts = (f"## {str(axis).capitalize()}\n\n{_axis(VALUES[axis])}" for axis in Axis)
    return tables.page("Statuses", HOW, *parts, _headlines(), _reasons())


def _axis(statuses: tuple[Status, ...]) -> str:
    rows = (
        (f"`{full_name(each)}`", _final(each), *(label(each, locale).label for locale in LANGUAGES))
        for each in statuses
    )
    return tables.table(("status", "", *LANGUAGES), rows)


def _final(status: Status) -> str:
    return "final" if RULES[status].final else ""


def _headlines() -> str:
    rows = (
        (f"`{each}`", label(each, "en").stage, *(label(each, locale).label for locale in LANGUAGES))
        for each in HeadlineValue
    )
    return "## Headline\n\nWhat the customer reads, derived from all axes.\n\n" + tables.table(
        ("headline", "stage", *LANGUAGES), rows
    )


def _reasons() -> str:
    rows = ((f"`{each}`", str(FAULT[each])) for each in Reason)
    return "## Reasons\n\nWhy, and whose fault it is.\n\n" + tables.table(("reason", "fault"), rows)
