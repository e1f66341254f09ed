"""The project's copy of the published code tables against the status table; each difference has its reason here."""

import csv
from pathlib import Path

import plugins.platforms.shopify as adapter
from hub.status import full_name, lookup

from .telling import TABLES

DIFFERENCES = {
    (
        "shopify.display",
        "null",
    ): "a webhook's null hides holds and picking: said as the event `placed`, never as a state",
}
"""Rows of the published tables that are not rows of ours."""

ADDITIONS = {
    ("shopify.financial", "refunded/part"): "amounts outrank words",
    ("shopify.order", "placed"): "the beginning of every order's history",
    ("shopify.order", "cancelled/staff"): "listed as a reason without a target: the shop's own wish",
}
"""Rows of ours that the published tables do not have."""


def rows() -> list[dict[str, str]]:
    path = Path(adapter.__file__).with_name("codes.csv")
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_published_code_means_what_the_page_says() -> None:
    for row in rows():
        name = (row["vocabulary"], row["code"])
        found = lookup(row["code"], plugin=TABLES[row["vocabulary"]])
        if name in DIFFERENCES:
            assert found is None, name
            continue
        assert found is not None, name
        status = found.meaning.status
        assert (full_name(status) if status else "none") == row["meaning"], name
        assert (found.meaning.reason or "") == row["reason"], name


def test_every_code_of_ours_is_published_or_has_its_reason() -> None:
    published = {(row["vocabulary"], row["code"].casefold()) for row in rows()}
    ours = {(vocabulary, code) for vocabulary, table in TABLES.items() for code in (*table.exact,)}
    assert ours - published == set(ADDITIONS)


def test_only_disputes_are_read_by_pattern() -> None:
    assert [name for name, table in TABLES.items() if table.patterns] == ["shopify.dispute"]


def test_a_code_is_found_whatever_its_case() -> None:
    for code in ("IN_TRANSIT", "in_transit"):
        found = lookup(code, plugin=TABLES["shopify.event"])
        assert found is not None and found.meaning.label == "In transit"
