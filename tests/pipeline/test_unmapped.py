"""Codes that nobody mapped: one row for each however it is spelled, told once, with a few parcels to look at."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hub.status import Meaning, Mode, Shipment
from hub.store.database import Database
from hub.store.tables import facts, messages, unmapped

from .fakes import Desk, order, parcel, scan, world

DELIVERED = Meaning(Shipment.DELIVERED, "")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    db = Database(f"sqlite:///{tmp_path / 'hub.db'}")
    yield Desk(db, world())
    db.close()


def listed(desk: Desk) -> list[tuple[str, int, list[tuple[str, str]]]]:
    """(code as it was first sent, how often it was seen, the examples) of each row."""
    return [
        (row.code, row._mapping["count"], [(each["order"], each["subject"]) for each in row.examples])
        for row in desk.rows(unmapped)
    ]


def told(desk: Desk) -> list[str]:
    rows = desk.rows(messages, messages.c.template == "staff-unmapped-status")
    return [row.doc["extra"]["unmapped"]["code"] for row in rows if row.recipient == "staff:iryna"]


def sent(*numbers: str) -> Any:
    return order("09:00", "order.packed", parcels=(parcel("1", "09:00", numbers=numbers),))


async def test_a_code_is_one_however_it_is_spelled(desk: Desk) -> None:
    await desk.hear(sent("P1"), at="10:00")
    await desk.hear(scan("P1", "Weird", "10:05"), at="10:06")
    await desk.hear(scan("P1", " WEIRD ", "10:10"), scan("P1", "other", "10:11"), at="10:12")
    assert [(code, count) for code, count, _ in listed(desk)] == [("Weird", 2), ("other", 1)]
    assert told(desk) == ["Weird", "other"]


async def test_its_examples_are_different_parcels_and_not_more_than_three(desk: Desk) -> None:
    await desk.hear(sent("P1", "P2", "P3", "P4"), at="10:00")
    for number in ("P1", "P1", "P2", "P3", "P4"):
        await desk.hear(scan(number, "weird", f"10:{len(desk.said):02}"), at="10:30")
    (row,) = listed(desk)
    assert row == ("weird", 5, [("shop:1", "n:P1"), ("shop:1", "n:P2"), ("shop:1", "n:P3")])


async def test_what_an_import_brings_is_listed_and_told_when_it_comes_again(desk: Desk) -> None:
    await desk.hear(sent("P1"), at="10:00", mode=Mode.IMPORT)
    await desk.hear(scan("P1", "weird", "10:05"), at="10:06", mode=Mode.IMPORT)
    assert ([code for code, *_ in listed(desk)], told(desk)) == (["weird"], [])
    await desk.hear(scan("P1", "weird", "10:10"), at="10:11")
    await desk.hear(scan("P1", "weird", "10:15"), at="10:16")
    assert told(desk) == ["weird"]


async def test_a_mapped_code_is_listed_no_more_however_it_is_spelled(desk: Desk) -> None:
    await desk.hear(sent("P1"), at="10:00")
    await desk.hear(scan("P1", "Weird", "10:05"), scan("P1", " WEIRD ", "10:10"), at="10:12")
    desk.go_live(world(statuses={"post": {"weird": DELIVERED}}))
    await desk.settle()
    assert listed(desk) == []


async def test_a_code_that_lost_its_meaning_is_one_again(desk: Desk) -> None:
    desk.go_live(world(statuses={"post": {"weird": DELIVERED}}))
    await desk.hear(sent("P1", "P2"), at="10:00")
    await desk.hear(scan("P1", "Weird", "10:05"), scan("P1", " WEIRD ", "10:10"), at="10:12")
    await desk.hear(scan("P2", "weird", "10:15"), at="10:16")
    desk.go_live(world())
    await desk.settle()
    ((code, *rest),) = listed(desk)
    assert (code.strip().lower(), rest) == ("weird", [3, [("shop:1", "n:P1"), ("shop:1", "n:P2")]])
    assert (len(desk.rows(facts, facts.c.source == "post")), told(desk)) == (3, [])
