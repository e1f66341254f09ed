"""What a carrier announces itself: we do not ring a second time, and nobody is called because nobody rang."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hub.config.model import Contact, Unheard
from hub.model import Customer
from hub.status import Shipment
from hub.store.database import Database
from hub.store.tables import escalations, messages

from .fakes import CONNECTIONS, Desk, notify, order, parcel, scan, world

BOTH = Customer(email="o@x.example", phone="+380671234567")
NO_MAIL = Customer(phone="+380671234567")
OUT = "shipment.out_for_delivery"


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'hub.db'}")
    yield database
    database.close()


def desk(db: Database, *steps: Any, on: str = OUT, tells: Any = frozenset({Shipment.OUT_FOR_DELIVERY})) -> Desk:
    contact = Contact({"default": ("sms", "mail")}, settle=timedelta(0), unheard=Unheard("support"))
    its = [replace(each, tells=tells) if each.name == "post" else each for each in CONNECTIONS]
    said = list(steps) or [notify("out-for-delivery")]
    return Desk(db, world({"coming": {"on": on, "steps": said}}, contact=contact, connections=its))


async def out(it: Desk, customer: Customer = BOTH, code: str = "out_for_delivery") -> None:
    await it.hear(order("10:00", "order.packed", customer=customer, parcels=(parcel("1", "10:00", numbers=["P1"]),)))
    await it.hear(scan("P1", code, "10:02"), at="10:02")


def said(it: Desk) -> list[tuple[str, str, str]]:
    rows = it.rows(messages, messages.c.recipient == "customer")
    return [(row.state, row.connection, row.reason) for row in rows]


async def test_what_the_carrier_tells_is_only_written(db: Database) -> None:
    it = desk(db)
    await out(it)
    assert said(it) == [("sent", "mail", "")]
    assert not it.channel("sms").sent


@pytest.mark.parametrize(
    ("tells", "step", "on"),
    [
        pytest.param(frozenset(), {}, OUT, id="the carrier says nothing"),
        pytest.param(frozenset({Shipment.DELIVERED}), {}, OUT, id="it says something else"),
        pytest.param(None, {"echo": True}, OUT, id="the merchant wants it all the same"),
        pytest.param(None, {}, "order.packed", id="it is about something else"),
    ],
)
async def test_else_it_rings(db: Database, tells: Any, step: Any, on: str) -> None:
    it = desk(
        db,
        notify("order-received", **step),
        on=on,
        tells=frozenset({Shipment.OUT_FOR_DELIVERY}) if tells is None else tells,
    )
    await out(it)
    assert said(it) == [("sent", "sms", "")]


async def test_urgent_is_not_to_say_it_twice(db: Database) -> None:
    it = desk(db, notify("out-for-delivery", urgent=True))
    await out(it)
    assert said(it) == [("sent", "mail", "")]


async def test_only_the_first_word_of_a_run_is_the_carriers(db: Database) -> None:
    it = desk(db, notify("out-for-delivery"), {"wait": "2h"}, notify("order-received"))
    await out(it)
    await it.wait(hours=2, minutes=1)
    assert [(state, by) for state, by, _ in said(it)] == [("sent", "mail"), ("sent", "sms")]


async def test_what_staff_are_told_is_not_the_carriers(db: Database) -> None:
    it = desk(db, notify("order-received", to="support", via=["sms", "mail"]))
    people = {name: replace(each, addresses={"sms": "+380501112233"}) for name, each in it.world.config.people.items()}
    it.go_live(replace(it.world, config=replace(it.world.config, people=people)))
    await out(it)
    assert len(it.channel("sms").sent) == 1


async def test_where_no_quiet_channel_is_left_nothing_is_missing(db: Database) -> None:
    it = desk(db)
    await out(it, NO_MAIL)
    assert said(it) == [("suppressed", "", "the carrier tells this itself")]
    assert it.rows(escalations) == [], "nobody is unheard: the carrier has told them"


async def test_a_condition_can_ask(db: Database) -> None:
    choose = {"choose": [
        {"when": "shipment.carrier_tells.exists(each, each == 'out_for_delivery')", "steps": [{"stop": "told"}]},
        {"else": [notify("out-for-delivery")]},
    ]}  # fmt: skip
    it = desk(db, choose)
    await out(it)
    assert said(it) == []
