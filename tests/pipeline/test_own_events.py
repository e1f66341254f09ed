"""Events of a source's own: whose they are, what flows make of them, over a real database."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pytest

from hub.model import Customer, EventAbout, OwnEvent
from hub.pipeline.receive import inbox_row
from hub.pipeline.world import World
from hub.plugin import Raw
from hub.status import Mode
from hub.store.database import Database
from hub.store.tables import InboxState, escalations, inbox, messages, runs

from .fakes import (
    CONNECTIONS,
    ORDER,
    Desk,
    Shoplet,
    _insert,
    connection,
    moment,
    notify,
    order,
    parcel,
    world,
)


class Warehouse(Shoplet):
    """Knows of orders of the shop what the shop does not."""

    name = "warehouse"
    events: ClassVar[Mapping[str, EventAbout]] = {
        "pick-short": EventAbout.ORDER,
        "weighed": EventAbout.PARCEL,
        "called": EventAbout.CUSTOMER,
        "gate-open": EventAbout.NOTHING,
    }


def of(**flows: Mapping[str, Any]) -> World:
    return world(flows, connections=(*CONNECTIONS, connection("warehouse", Warehouse, shop="main")))


def happened(name: str, ref: str = "", key: str = "1", **more: Any) -> OwnEvent:
    return OwnEvent(name, key, more.pop("at", moment("10:05")), Warehouse.events[name], ref, more)


async def tell(it: Desk, event: OwnEvent, at: str = "10:05", mode: Mode = Mode.LIVE, source: str = "warehouse") -> None:
    """The warehouse sends something; then everything that can happen at this moment happens."""
    it.clock.move_to(max(moment(at), it.clock.now()))
    key = str(len(it.said))
    it.said[key] = event
    row = inbox_row(source, Raw(key, f"event:{key}", key), mode, it.clock)
    await it.db.write(partial(_insert, rows=[row]))
    await it.settle()


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'hub.db'}")
    yield database
    database.close()


SHORT: Mapping[str, Any] = {
    "on": {"event": "pick-short"},
    "when": "event.data.missing > 1",
    "steps": [
        {"escalate": {"to": "support", "reason": "{{ order.number }}: {{ event.data.sku }} ({{ event.source }})"}}
    ],
}


def reasons(it: Desk) -> list[str]:
    return [row.reason for row in it.rows(escalations)]


async def test_a_flow_begins_by_it_and_reads_what_it_says(db: Database) -> None:
    it = Desk(db, of(short=SHORT))
    await it.hear(order("10:00", "order.received"))
    await tell(it, happened("pick-short", "#1", sku="COFFEE", missing=2))
    assert reasons(it) == ["#1: COFFEE (warehouse)"]
    (run,) = it.rows(runs)
    assert (run.word, run.subject_kind, run.subject) == ("event.pick-short", "order", ORDER)


async def test_told_again_it_is_the_same_and_another_key_is_another(db: Database) -> None:
    it = Desk(db, of(short=SHORT))
    await it.hear(order("10:00", "order.received"))
    for key in ("1", "1", "2"):
        await tell(it, happened("pick-short", "#1", key, sku="COFFEE", missing=2))
    assert len(it.rows(runs)) == 2


async def test_a_condition_on_what_it_says_counts(db: Database) -> None:
    it = Desk(db, of(short=SHORT))
    await it.hear(order("10:00", "order.received"))
    await tell(it, happened("pick-short", "#1", sku="COFFEE", missing=1))
    assert not it.rows(runs)


async def test_it_waits_for_an_order_that_nobody_knows_yet(db: Database) -> None:
    it = Desk(db, of(short=SHORT))
    await tell(it, happened("pick-short", "#1", sku="COFFEE", missing=2), at="10:00")
    assert [row.state for row in it.rows(inbox)] == [InboxState.ORPHAN]
    await it.hear(order("10:01", "order.received"), at="10:01")
    assert reasons(it) == ["#1: COFFEE (warehouse)"]


async def test_a_shop_tells_of_its_own_orders_by_their_reference(db: Database) -> None:
    shop = connection("shop", Warehouse, shop="main")
    it = Desk(db, world({"short": SHORT}, connections=(shop, *CONNECTIONS[1:])))
    await it.hear(order("10:00", "order.received"))
    await tell(it, happened("pick-short", "1", sku="TEA", missing=2), source="shop")
    assert reasons(it) == ["#1: TEA (shop)"]


async def test_one_about_a_parcel_is_about_that_parcel(db: Database) -> None:
    heavy = {
        "on": {"event": "weighed"},
        "steps": [{"escalate": {"to": "support", "reason": "{{ shipment.tracking_number }}"}}],
    }
    it = Desk(db, of(heavy=heavy))
    first, second = (parcel(ref, "10:00", "shipment.announced", numbers=(ref.upper(),)) for ref in ("p1", "p2"))
    await it.hear(order("10:00", "order.received", parcels=(first, second)))
    await tell(it, happened("weighed", "P2"))
    assert reasons(it) == ["P2"]
    assert [(row.subject_kind, row.subject) for row in it.rows(runs)] == [("shipment", f"{ORDER}/p2")]


async def test_one_about_a_customer_comes_with_their_newest_order(db: Database) -> None:
    called = {"on": {"event": "called"}, "steps": [{"escalate": {"to": "support", "reason": "{{ order.number }}"}}]}
    it = Desk(db, of(called=called))
    person = Customer(email="o@x.example", phone="+380501234567")
    await it.hear(order("10:00", "order.received", customer=person), at="10:00")
    await it.hear(order("10:01", "order.received", ref="2", customer=person), at="10:01")
    await tell(it, happened("called", "O@x.example "))
    assert reasons(it) == ["#2"]
    await tell(it, happened("called", "nobody@x.example", "2"))
    assert len(it.rows(runs)) == 1, "nobody who never ordered is told of"


async def test_one_about_nothing_needs_no_order(db: Database) -> None:
    gate = {
        "on": {"event": "gate-open"},
        "steps": [{"escalate": {"to": "support", "reason": "{{ event.data.gate }}"}}],
    }
    it = Desk(db, of(gate=gate))
    await tell(it, happened("gate-open", gate="4"))
    assert reasons(it) == ["4"]


async def test_it_ends_a_wait_and_stops_a_run(db: Database) -> None:
    waits = {
        "on": "order.received",
        "steps": [
            {"wait": {"event": {"event": "pick-short"}, "up_to": "1d"}},
            {"choose": [{"when": 'waited == "event.pick-short"', "steps": [notify("order-received")]}]},
        ],
    }
    stops = {"on": "order.received", "stop_on": [{"event": "pick-short"}], "steps": [{"wait": "1d"}]}
    it = Desk(db, of(waits=waits, stops=stops))
    await it.hear(order("10:00", "order.received"))
    await tell(it, happened("pick-short", "#1"))
    assert [(row.flow, row.state, row.reason) for row in it.rows(runs)] == [
        ("waits", "done", ""),
        ("stops", "stopped", "event.pick-short"),
    ]
    assert [row.template for row in it.rows(messages)] == ["order-received"]


async def test_what_is_old_or_imported_begins_nothing(db: Database) -> None:
    it = Desk(db, of(short=SHORT))
    await it.hear(order("10:00", "order.received"))
    await tell(it, happened("pick-short", "#1", "1", sku="A", missing=2, at=moment("-3 10:00")))
    await tell(it, happened("pick-short", "#1", "2", sku="A", missing=2), mode=Mode.IMPORT)
    assert not it.rows(runs)


async def test_what_was_not_declared_is_a_dead_letter(db: Database) -> None:
    it = Desk(db, of(short=SHORT))
    await it.hear(order("10:00", "order.received"))
    await tell(it, OwnEvent("gate-shut", "1", moment("10:05")))
    await tell(it, OwnEvent("pick-short", "1", moment("10:05")))
    assert [row.error for row in it.rows(inbox) if row.state == InboxState.DEAD] == [
        "warehouse told of an event that it does not declare",
        "warehouse declares 'pick-short' to be about order, and told it of nothing",
    ]


async def test_a_shadow_hears_it_and_nobody_outside_does(db: Database) -> None:
    it = Desk(db, of(short={**SHORT, "state": "shadow"}))
    await it.hear(order("10:00", "order.received"))
    await tell(it, happened("pick-short", "#1", sku="COFFEE", missing=2))
    assert [row.state for row in it.rows(escalations)] == ["shadow"]


@pytest.mark.parametrize(("about", "ref"), [(EventAbout.ORDER, ""), (EventAbout.NOTHING, "1")])
def test_an_event_has_a_reference_to_what_it_is_about(about: EventAbout, ref: str) -> None:
    with pytest.raises(ValueError, match="reference"):
        OwnEvent("x", "1", moment("10:00"), about, ref)


def test_an_event_has_a_key() -> None:
    with pytest.raises(ValueError, match="key"):
        OwnEvent("x", "", moment("10:00"))
