"""The table in code against the table as data."""

import csv
from pathlib import Path

import pytest

import plugins.carriers.nova_poshta as package
from hub.status import Shipment, Status, full_name
from plugins.carriers.nova_poshta import NovaPoshta
from plugins.carriers.nova_poshta.statuses import BAD_NUMBER, BASIS, RELATIONS, STATUSES, VOCABULARY

CODES = STATUSES[VOCABULARY]
with (Path(package.__file__).parent / "codes.csv").open(encoding="utf-8", newline="") as file:
    ROWS = {row["native_code"]: row for row in csv.DictReader(file)}

OURS = {"7/doors", BAD_NUMBER}
"""Codes that the adapter makes of another field; `docs/decisions/` says why."""


def _bare(status: Status | None) -> str:
    return full_name(status).partition(".")[2] if status is not None else ""


def test_the_table_has_every_code_of_the_data_and_only_named_ones_more() -> None:
    assert set(CODES) - OURS == set(ROWS)
    assert set(CODES) >= OURS


@pytest.mark.parametrize("code", ROWS)
def test_a_code_means_what_the_data_says(code: str) -> None:
    row, meaning = ROWS[code], CODES[code]
    assert _bare(meaning.status) == row["canonical_status"]
    assert (meaning.reason or "") == row["reason"]
    assert meaning.label == row["native_label_original"]


@pytest.mark.parametrize("code", [code for code, row in ROWS.items() if row["final(yes/no)"] == "yes"])
def test_a_final_code_is_final(code: str) -> None:
    assert CODES[code].final is True


def test_delivery_with_cash_under_way_is_not_final() -> None:
    assert CODES["10"].status == Shipment.DELIVERED
    assert CODES["10"].final is False


def test_arriving_at_the_branch_on_the_way_to_a_door_is_not_ready_for_pickup() -> None:
    assert CODES["7"].status == Shipment.READY_FOR_PICKUP
    assert CODES["7/doors"].status == Shipment.ARRIVED_AT_BRANCH


def test_every_known_type_of_follow_up_waybill_has_a_relation() -> None:
    assert set(STATUSES[BASIS]) == set(RELATIONS)


def test_the_code_of_a_bad_number_tells_staff_and_moves_nothing() -> None:
    assert CODES[BAD_NUMBER].status is None
    assert CODES[BAD_NUMBER].reason == "number_invalid"


def test_the_adapter_brings_these_tables() -> None:
    assert NovaPoshta.statuses is STATUSES
