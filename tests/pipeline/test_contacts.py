"""Rules of a shop's own: wherever the merchant's rules are asked, those of the order's shop answer."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import time, timedelta
from pathlib import Path
from typing import Any

import pytest

from hub.config.model import Cap, Contact, Quiet, Unheard
from hub.model import Customer
from hub.store.database import Database
from hub.store.tables import attempts, escalations, messages, runs, timers
from tests.ground.repository import ROOT

from .fakes import Desk, moment, notify, order, world

BOTH = Customer(email="o@x.example", phone="+380671234567", accepts_marketing=True)
COMMON = Contact(
    {"default": ("sms", "mail"), "one": ("bot",)}, settle=timedelta(0), receipt={"sms": timedelta(hours=2)}
)
FEEDBACK = {"class": "feedback"}


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'hub.db'}")
    yield database
    database.close()


def desk(db: Database, step: dict[str, Any], **own: Any) -> Desk:
    """A hub whose common rules are replaced, key by key, by those of its shop."""
    flows = {"packed": {"on": "order.packed", "steps": [notify("order-received", **step)]}}
    return Desk(db, world(flows, contact=COMMON, contacts={"main": replace(COMMON, **own)}))


def packed(ref: str = "1", at: str = "09:59") -> Any:
    return order(at, "order.packed", ref=ref, customer=BOTH)


def channels(it: Desk) -> list[str]:
    return [row.connection for row in it.rows(attempts)]


@pytest.mark.parametrize(("own", "left"), [({}, ["sms"]), ({"routes": {"default": ("mail",)}}, ["mail"])])
async def test_its_routes(db: Database, own: Any, left: list[str]) -> None:
    it = desk(db, {}, **own)
    await it.hear(packed(), at="10:00")
    assert channels(it) == left


@pytest.mark.parametrize(("own", "due"), [({}, "10:00"), ({"settle": timedelta(minutes=5)}, "10:05")])
async def test_how_long_it_settles(db: Database, own: Any, due: str) -> None:
    it = desk(db, {}, **own)
    await it.hear(packed(), at="10:00")
    assert [row.due_at for row in it.rows(messages)] == [moment(due)]


@pytest.mark.parametrize(("own", "until"), [({}, None), ({"quiet": Quiet(time(11), time(15))}, "13:00")])
async def test_when_it_is_quiet(db: Database, own: Any, until: str | None) -> None:
    it = desk(db, {}, **own)
    await it.hear(packed(), at="10:00")
    (row,) = it.rows(messages)
    assert (row.state, row.reason) == (("due", "quiet") if until else ("sent", ""))
    assert until is None or row.due_at == moment(until)


@pytest.mark.parametrize(("own", "due"), [({}, "11:30"), ({"quiet": Quiet(time(13), time(15))}, "10:55")])
async def test_a_wait_ends_before_its_quiet(db: Database, own: Any, due: str) -> None:
    steps = [{"wait": "1h30m"}, notify("order-received", before="order.placed_at + minutes(270)")]
    flows = {"packed": {"on": "order.packed", "steps": steps}}
    it = Desk(db, world(flows, contact=COMMON, contacts={"main": replace(COMMON, **own)}))
    await it.hear(packed(), at="10:00")
    assert [row.due_at for row in it.rows(timers)] == [moment(due)]


@pytest.mark.parametrize(("own", "by"), [({}, ["sms"]), ({"receipt": {"sms": timedelta(minutes=5)}}, ["sms", "mail"])])
async def test_how_long_a_receipt_is_waited_for(db: Database, own: Any, by: list[str]) -> None:
    it = desk(db, {}, **own)
    await it.hear(packed(), at="10:00")
    await it.wait(minutes=6)
    assert channels(it) == by


@pytest.mark.parametrize(("own", "left"), [({}, 2), ({"caps": (Cap(1, timedelta(days=1)),)}, 1)])
async def test_its_caps(db: Database, own: Any, left: int) -> None:
    it = desk(db, FEEDBACK, **own)
    await it.hear(packed("1"), at="10:00")
    await it.hear(packed("2"), at="10:10")
    assert len(channels(it)) == left


@pytest.mark.parametrize(("own", "starts"), [({}, 1), ({"fresh": timedelta(hours=1)}, 0)])
async def test_what_is_old_news(db: Database, own: Any, starts: int) -> None:
    it = desk(db, {}, **own)
    await it.hear(packed(at="08:00"), at="10:00")
    assert len(it.rows(runs)) == starts


@pytest.mark.parametrize(("own", "told"), [({}, []), ({"unheard": Unheard("manager")}, ["manager"])])
async def test_whom_it_tells_that_nobody_could_be_reached(db: Database, own: Any, told: list[str]) -> None:
    it = desk(db, {"via": "one"}, **own)
    await it.hear(packed(), at="10:00")
    assert [row.rung for row in it.rows(escalations)] == told


READERS = ("pipeline", "runtime", "web", "cli", "insight", "sandbox")


@pytest.mark.parametrize("floor", READERS)
def test_nobody_asks_the_common_rules_past_the_shop(floor: str) -> None:
    """Whoever needs a rule asks `contact_of(shop)`, or `all_contacts`."""
    found = [
        f"{path.relative_to(ROOT)}: {line}"
        for path in sorted((ROOT / "hub" / floor).rglob("*.py"))
        for line in path.read_text("utf-8").splitlines()
        if re.search(r"\bconfig\.contact\b", line)
    ]
    assert found == []
