"""The project's copy of the published tables against the tables in code; each difference has its reason here and in
docs/decisions/0022."""

import csv
from datetime import UTC, datetime
from pathlib import Path

import pytest

import plugins.channels.smsapi as package
from hub.plugin import Config, Duplicate, Permanent, Suppress, Transient
from plugins.channels.smsapi.sandbox import WORDS
from plugins.channels.smsapi.statuses import ERRORS, NAMES, RECEIPTS, START, STOP, Wait, verdict

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)

with (Path(package.__file__).parent / "codes.csv").open(encoding="utf-8", newline="") as file:
    ROWS = list(csv.DictReader(file))
PUBLISHED = {int(row["code"]): row["class"] for row in ROWS if row["vocabulary"] == "error"}
STATUSES = {row["code"]: row for row in ROWS if row["vocabulary"] == "receipt"}

CLASSES = {
    "retry with backoff (same idx)": Transient,
    "retry": Transient,
    "wait ≥ 60 s": Transient,
    "permanent": Permanent,
    "permanent (shorten)": Permanent,
    "bug": Permanent,
    "split": Permanent,
    "permanent, recipient": Suppress,
    "config": Config,
    "stop channel": Config,
    "pause, alert": Config,
    "already sent": Duplicate,
}

DIFFERENCES = {70: (Config, "the address for receipts is made of hub.public_url, so it is wrong for every message")}

KINDS = {"still open": None, "delivered": "delivered", "failed": "failed"}


def test_every_published_error_is_in_the_table_and_none_more() -> None:
    assert set(ERRORS) == set(PUBLISHED)


@pytest.mark.parametrize("code", PUBLISHED)
def test_an_error_means_what_the_page_says(code: int) -> None:
    wanted = DIFFERENCES[code][0] if code in DIFFERENCES else CLASSES[PUBLISHED[code]]
    assert type(verdict(code, NOW)) is wanted


def test_the_waits_are_those_of_the_page() -> None:
    waits = {code: (row.length.total_seconds(), row.unsent) for code, row in ERRORS.items() if isinstance(row, Wait)}
    assert waits == {52: (60, False), 202: (10, True), 203: (30, False)}


def test_a_number_may_be_wrong_or_forbidden_and_closes_nothing() -> None:
    assert verdict(13, NOW) == Suppress("SMSAPI says that this number is invalid or on the blacklist")


def test_what_nobody_foresaw_is_the_messages_and_never_the_addresss() -> None:
    assert verdict(4711, NOW) == Permanent("SMSAPI refused the message (error 4711)")


def test_every_published_status_is_in_the_table_and_none_more() -> None:
    assert set(RECEIPTS) == set(STATUSES)
    assert {str(code): word for code, word in WORDS.items()} == {code: row["name"] for code, row in STATUSES.items()}


@pytest.mark.parametrize("code", STATUSES)
def test_a_status_means_what_the_page_says(code: str) -> None:
    assert RECEIPTS[code] == KINDS[STATUSES[code]["class"]]


def test_404_is_delivered() -> None:
    """Status numbers look like those of HTTP, and are not."""
    assert RECEIPTS["404"] == "delivered"


def test_every_failure_has_words_for_staff() -> None:
    assert set(NAMES) == {code for code, state in RECEIPTS.items() if state == "failed"}


def test_nobody_stops_and_starts_with_one_word() -> None:
    assert not STOP & START
    assert {each.casefold() for each in STOP | START} == STOP | START
