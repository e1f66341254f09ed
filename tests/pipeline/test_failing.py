"""Connections that fail, and credentials that end, as flows hear of them."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest

from hub.pipeline.failing import tell_expiring
from hub.plugin import Config, FailureError, Transient
from hub.store.database import Database
from hub.store.tables import escalations, messages, runs

from .fakes import CONNECTIONS, Desk, Letters, moment, notify, order, world

SAYS = {"on": "order.packed", "steps": [notify("packed", via=["mail"])]}


def hearing(word: str, reason: str) -> Mapping[str, Any]:
    return {"on": word, "steps": [{"escalate": {"to": "support", "reason": reason}}]}


FAILING = {"says": SAYS, "failing": hearing("connection.failing", "{{ connection.name }}: {{ connection.error }}")}


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


def reasons(it: Desk) -> list[str]:
    return [row.reason for row in it.rows(escalations)]


async def test_a_pause_for_a_fault_of_ours_is_told_by_the_merchants_own_flow(db: Database) -> None:
    it = Desk(db, world(FAILING))
    it.channel("mail").answers.append(Config("wrong password"))
    await it.hear(order("10:00", "order.packed"))
    await it.wait(minutes=2)
    assert reasons(it) == ["mail: wrong password"]
    assert it.rows(messages, messages.c.template == "staff-connection-paused") == []


async def test_without_one_the_hub_tells_it(db: Database) -> None:
    it = Desk(db, world({"says": SAYS}))
    it.channel("mail").answers.append(Config("wrong password"))
    await it.hear(order("10:00", "order.packed"))
    await it.wait(minutes=2)
    assert len(it.rows(messages, messages.c.template == "staff-connection-paused")) > 0


@pytest.mark.parametrize(("shops", "told"), [(["main"], False), (["another"], True)])
async def test_a_flow_of_another_shop_keeps_the_hub_from_telling_nothing(
    db: Database, shops: list[str], told: bool
) -> None:
    it = Desk(db, world({**FAILING, "failing": {**FAILING["failing"], "shops": shops}}))
    it.channel("mail").answers.append(Config("wrong password"))
    await it.hear(order("10:00", "order.packed"))
    await it.wait(minutes=2)
    assert bool(it.rows(messages, messages.c.template == "staff-connection-paused")) is told
    assert bool(reasons(it)) is not told


async def test_a_breaker_that_opens_is_told_once(db: Database) -> None:
    it = Desk(db, world(FAILING))
    mail: Any = it.channel("mail")
    for _ in range(5):
        with pytest.raises(FailureError):
            await mail.client.get("https://mail.example/")
    mail.answers += [Transient("it answered 500")] * 2
    await it.hear(order("10:00", "order.packed", ref="1"), order("10:00", "order.packed", ref="2"))
    await it.wait(minutes=20)
    assert [reason.partition(":")[0] for reason in reasons(it)] == ["mail"]


async def test_one_failure_opens_nothing(db: Database) -> None:
    it = Desk(db, world(FAILING))
    it.channel("mail").answers.append(Transient("it answered 500"))
    await it.hear(order("10:00", "order.packed"))
    await it.wait(minutes=2)
    assert reasons(it) == []


# ------------------------------------------------------------------------------------------------ credentials

EXPIRING = {"expiring": hearing("connection.expiring", "{{ connection.name }}")}


async def look(it: Desk) -> None:
    now = it.clock.now()
    it.db.run(lambda connection: tell_expiring(connection, it.db.dialect, it.world, now))
    await it.settle()


async def test_the_end_of_a_key_is_told_two_weeks_before_and_once(db: Database) -> None:
    ends = [replace(each, expires=date(2026, 3, 20)) if each.name == "post" else each for each in CONNECTIONS]
    it = Desk(db, world(EXPIRING, connections=ends))
    await look(it)
    assert it.rows(runs) == []
    it.clock.move_to(moment("+3 10:00"))
    for _ in range(2):
        await look(it)
    assert reasons(it) == ["post"]
    values = it.rows(runs)[0].doc["run"]["values"]["connection"]
    assert values["expires_at"] == {"$time": "2026-03-19T22:00:00+00:00"}, "midnight in Kyiv"


async def test_a_plugin_that_knows_the_end_says_so_when_the_file_goes_live(db: Database) -> None:
    class Ending(Letters):
        name = "ending"

        def expires_at(self) -> datetime | None:
            return moment("+10 10:00")

    ends = [replace(each, adapter=Ending) if each.name == "mail" else each for each in CONNECTIONS]
    it = Desk(db, world(EXPIRING, connections=ends))
    await it.settle()
    assert reasons(it) == ["mail"]
