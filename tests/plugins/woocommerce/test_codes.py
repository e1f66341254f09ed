"""The project's copy of the published code table against the status table; each difference has its reason here."""

import csv
from pathlib import Path

import plugins.platforms.woocommerce as adapter
from hub.status import full_name, lookup

from .telling import TABLES

ADDITIONS = {
    ("woocommerce.status", "new"): "filtered out by WooCommerce itself, beside the drafts",
    ("woocommerce.payment", "refunds:all"): "money that went back in whole without the status saying so",
}
"""Rows of ours that the published table does not have."""


def rows() -> list[dict[str, str]]:
    path = Path(adapter.__file__).with_name("codes.csv")
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_published_code_means_what_the_page_says() -> None:
    assert len(rows()) == 19
    for row in rows():
        found = lookup(row["code"], plugin=TABLES[row["vocabulary"]])
        assert found is not None, row
        status = found.meaning.status
        assert (full_name(status) if status else "none") == row["meaning"], row
        assert (found.meaning.reason or "") == row["reason"], row


def test_every_code_of_ours_is_published_or_has_its_reason() -> None:
    published = {(row["vocabulary"], row["code"]) for row in rows()}
    ours = {(vocabulary, code) for vocabulary, table in TABLES.items() for code in table.exact}
    assert ours - published == set(ADDITIONS)


def test_nothing_is_read_by_pattern() -> None:
    assert not any(table.patterns for table in TABLES.values())


def test_a_status_of_nobody_s_is_not_guessed() -> None:
    for code in ("wc-shipped", "wc-packing", "shipped", "delivered"):
        assert lookup(code, plugin=TABLES["woocommerce.status"]) is None
