"""The tables in code against the tables as data."""

import csv
from pathlib import Path

import pytest

import plugins.carriers.inpost as package
from hub.status import Order, Shipment, Status, full_name, storage_rule
from plugins.carriers.inpost import InPost
from plugins.carriers.inpost.statuses import BAD_NUMBER, GROUP, REMINDERS, STATUSES, VOCABULARY, WAITS_AT, vocabulary_of

DATA = {VOCABULARY: "codes.csv", GROUP: "group_codes.csv"}
OURS = {VOCABULARY: {BAD_NUMBER}, GROUP: set[str]()}
"""Codes that the adapter makes; `docs/decisions/` says why."""


def _rows(name: str) -> list[dict[str, str]]:
    with (Path(package.__file__).parent / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


ROWS = [(vocabulary, row) for vocabulary, name in DATA.items() for row in _rows(name)]


def _bare(status: Status | None) -> str:
    return full_name(status).partition(".")[2] if status is not None else ""


@pytest.mark.parametrize(("vocabulary", "count"), [(VOCABULARY, 58), (GROUP, 63)])
def test_a_table_has_every_code_of_the_data_and_only_named_ones_more(vocabulary: str, count: int) -> None:
    codes = {row["native_code"] for its, row in ROWS if its == vocabulary}
    assert len(codes) == count
    assert set(STATUSES[vocabulary]) == codes | OURS[vocabulary]


@pytest.mark.parametrize(("vocabulary", "row"), ROWS, ids=[row["native_code"] for _, row in ROWS])
def test_a_code_means_what_the_data_says(vocabulary: str, row: dict[str, str]) -> None:
    meaning = STATUSES[vocabulary][row["native_code"]]
    assert _bare(meaning.status) == row["canonical_status"]
    assert (meaning.reason or "") == row["reason"]
    assert meaning.label == (row["native_label_original"] or row["native_label_en"])
    assert bool(meaning.final) is (row["final(yes/no)"] == "yes")
    assert vocabulary_of(row["native_code"]) == vocabulary


@pytest.mark.parametrize(
    "code", [code for code in STATUSES[VOCABULARY] if "taken_by_courier" in code or "from_sender" in code]
)
def test_the_first_mile_is_never_a_delivery(code: str) -> None:
    wanted = Shipment.RETURNING if code.endswith("customer_service_point") else Shipment.SHIPPED
    assert STATUSES[VOCABULARY][code].status is wanted


def test_a_warehouses_words_are_of_the_order() -> None:
    rows = STATUSES[GROUP]
    assert (rows["FUL.1001"].status, rows["FUL.1002"].status) == (Order.PICKING, Order.PACKED)


def test_what_waits_is_ready_and_a_reminder_changes_nothing() -> None:
    assert {STATUSES[VOCABULARY][code].status for code in WAITS_AT} == {Shipment.READY_FOR_PICKUP}
    for code in REMINDERS:
        assert STATUSES[vocabulary_of(code)][code].status in (Shipment.READY_FOR_PICKUP, Shipment.OUT_FOR_DELIVERY)


def test_a_complaint_a_loss_and_a_bad_number_have_the_reasons_that_staff_are_told_of() -> None:
    rows = STATUSES[VOCABULARY]
    assert [rows[code].reason for code in ("claimed", "missing", BAD_NUMBER)] == ["complaint", "lost", "number_invalid"]
    assert rows[BAD_NUMBER].status is None


def test_the_hubs_storage_rule_is_for_this_carrier() -> None:
    rule = storage_rule(InPost.name, "locker")
    assert rule is not None and rule.free is not None and rule.free.total_seconds() == 48 * 3600
    assert rule.basis == "estimated"
    assert [getattr(storage_rule(InPost.name, kind), "free", None) for kind in ("partner", "branch")] == [None, None]


def test_the_adapter_brings_these_tables() -> None:
    assert InPost.statuses is STATUSES
    assert InPost.snapshots is False
