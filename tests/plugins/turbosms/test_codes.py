"""The project's copy of the published tables against the tables in code; each difference has its reason here and in
docs/decisions/0022."""

import csv
from pathlib import Path

import pytest

import plugins.channels.turbosms as package
from hub.plugin import Config, Duplicate, Permanent, Suppress, Transient, Unknown
from plugins.channels.turbosms.statuses import CODES, REPEATED, STATES, SUCCESS, state_of, verdict

with (Path(package.__file__).parent / "codes.csv").open(encoding="utf-8", newline="") as file:
    ROWS = list(csv.DictReader(file))
PUBLISHED = {int(row["code"]): row for row in ROWS if row["vocabulary"] == "code"}
REFUSALS = {code: row for code, row in PUBLISHED.items() if row["class"] != "success"}
WORDS = [row for row in ROWS if row["vocabulary"] != "code"]
OURS = {each.number: each for each in CODES}

CLASSES = {
    "config: stop channel": Config,
    "pause channel, alert; retry after top-up": Config,
    "bug": Permanent,
    "permanent": Permanent,
    "permanent (account setting)": Permanent,
    "split the batch": Permanent,
    "permanent, this recipient": Suppress,
    "opt-out: suppress this phone": Suppress,
    "already in this batch: ignore": Duplicate,
    "already sent < 90 s ago: treat as success-unknown": Duplicate,
    "idempotent replay: use returned result": Duplicate,
    "uncertain, do not resend blindly": Unknown,
    "transient: retry with the same sequence_id": Transient,
}

DIFFERENCES = {
    302: (Config, "the sender is a setting, so it is wrong for every message"),
    400: (Config, "the README of the dossier and FLOWS 6 call an unregistered sender our fault"),
    401: (Config, "the README of the dossier and FLOWS 6 call an inactive sender our fault"),
}

KINDS = {"still open": None, "delivered": "delivered", "read": "read", "failed": "failed"}
WORD_DIFFERENCES = {("callback", "READ"): "read"}
"""The page counts it as delivered; it is more than that."""


def test_every_published_code_is_in_the_table_and_none_more() -> None:
    assert set(OURS) == set(REFUSALS)
    assert set(PUBLISHED) - set(REFUSALS) == SUCCESS
    assert len(OURS) == len(CODES)


@pytest.mark.parametrize("code", REFUSALS)
def test_a_code_means_what_the_page_says(code: int) -> None:
    wanted = DIFFERENCES[code][0] if code in DIFFERENCES else CLASSES[REFUSALS[code]["class"]]
    assert type(verdict(code, "")) is wanted


@pytest.mark.parametrize("code", PUBLISHED.keys() & OURS.keys())
def test_a_code_has_its_published_name(code: int) -> None:
    published = PUBLISHED[code]["name"]
    assert OURS[code].name.endswith(published.removeprefix("…"))
    assert published.startswith("…") or OURS[code].name == published


def test_only_the_stop_list_closes_the_channel() -> None:
    closed = [each.number for each in CODES if isinstance(each.verdict, Suppress) and each.verdict.blocked]
    assert closed == [404]


@pytest.mark.parametrize("row", WORDS, ids=lambda row: f"{row['vocabulary']}-{row['code']}")
def test_a_word_means_what_the_page_says(row: dict[str, str]) -> None:
    wanted = WORD_DIFFERENCES.get((row["vocabulary"], row["code"]), KINDS[row["class"]])
    assert state_of(row["code"]) == wanted


def test_no_word_is_ours_alone() -> None:
    assert set(STATES) == {row["code"].casefold() for row in WORDS}


def test_the_name_outweighs_the_number() -> None:
    """Copies of the table give 306 two meanings and 505 two places."""
    assert verdict(306, "INVALID_PHONE") == OURS[305].verdict
    assert verdict(505, "FAILED_SMS_SEND") == OURS[503].verdict
    assert verdict(404, "A_NAME_OF_NEXT_YEAR") == OURS[404].verdict


def test_what_nobody_foresaw_is_the_messages_and_never_the_addresss() -> None:
    assert verdict(777, "SOMETHING_NEW") == Permanent("TurboSMS refused the message (code 777)")


def test_a_repeat_is_no_refusal() -> None:
    assert verdict(REPEATED, "FAILED_DUPLICATE_REQUEST") == Duplicate()
