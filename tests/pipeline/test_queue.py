"""`mode: queue`: a new occurrence waits until the run before it has ended, on both databases."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from hub.pipeline.queue import WHY
from hub.store.database import Database
from hub.store.tables import runs, timeline

from .fakes import Desk, notify, order, world

QUEUE: Mapping[str, Any] = {
    "on": "order.on_hold", "mode": "queue", "steps": [{"wait": "3h"}, notify("order-on-hold")],
}  # fmt: skip


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


def stood(it: Desk) -> list[tuple[int, str, str]]:
    return [(row.occurrence, row.state, row.reason) for row in it.rows(runs)]


async def held(it: Desk, *hours: int) -> None:
    """The order is put on hold at these hours, and taken on again half an hour later."""
    for hour in hours:
        await it.hear(order(f"{hour}:00", "order.on_hold"), at=f"{hour}:01")
        await it.hear(order(f"{hour}:30", "order.processing"), at=f"{hour}:31")


async def test_a_new_occurrence_waits_its_turn_and_begins_when_the_former_is_done(db: Database) -> None:
    it = Desk(db, world({"held": QUEUE}))
    await held(it, 10, 11, 12)
    assert stood(it) == [(1, "waiting", ""), (2, "waiting", WHY), (3, "waiting", WHY)]
    it = Desk(db, it.world, it.clock, it.said)  # the hub is started anew
    await it.wait(minutes=31)
    assert stood(it) == [(1, "done", ""), (2, "waiting", ""), (3, "waiting", WHY)]
    await it.wait(hours=3)
    assert stood(it) == [(1, "done", ""), (2, "done", ""), (3, "waiting", "")]
    await it.wait(hours=3)
    assert stood(it) == [(1, "done", ""), (2, "done", ""), (3, "done", "")]
    done = [(row.doc["result"], row.at.hour) for row in it.rows(timeline, timeline.c.kind == "run")]
    assert done == [
        ("started", 10), (WHY, 11), (WHY, 12), ("done", 13),
        ("started", 13), ("done", 16), ("started", 16), ("done", 19),
    ]  # fmt: skip


async def test_what_stops_a_run_stops_those_that_wait_behind_it(db: Database) -> None:
    it = Desk(db, world({"held": {**QUEUE, "stop_on": "order.packed"}}))
    await held(it, 10, 11)
    await it.hear(order("12:00", "order.packed"), at="12:01")
    assert stood(it) == [(1, "stopped", "order.packed"), (2, "stopped", "order.packed")]
    assert it.messages() == []


async def test_a_run_that_is_parked_makes_way(db: Database) -> None:
    broken = [{"wait": "1h"}, {"wait": {"until": "order.placed_at", "or": "stop"}}, notify("order-on-hold")]
    it = Desk(db, world({"held": {**QUEUE, "steps": broken}}))
    await held(it, 10)
    row = it.rows(runs)[0]
    spoilt = {**row.doc, "run": {**row.doc["run"], "path": [7, 7, 7]}}
    await it.db.write(lambda connection: connection.execute(runs.update().values(doc=spoilt)))
    await it.hear(order("10:50", "order.on_hold"), at="10:51")
    assert [(each.occurrence, each.state) for each in it.rows(runs)] == [(1, "parked"), (2, "waiting")]
    assert stood(it)[1][2] == "", "nothing is before it"


async def test_a_shadow_waits_for_no_live_run_and_lets_none_wait(db: Database) -> None:
    it = Desk(db, world({"held": QUEUE}))
    await held(it, 10)
    it.go_live(replace(world({"held": {**QUEUE, "state": "shadow"}})))
    await held(it, 11)
    assert [(row.shadow, row.state, row.reason) for row in it.rows(runs)] == [(0, "waiting", ""), (1, "waiting", "")]
    await held(it, 12)
    assert stood(it)[2] == (3, "waiting", WHY), "it waits for the shadow before it"


async def test_a_run_that_is_over_is_not_restarted_by_the_very_news_that_ended_it(db: Database) -> None:
    ends = [{"wait": {"event": "order.on_hold", "up_to": "2d"}}, notify("order-on-hold")]
    it = Desk(db, world({"held": {"on": "order.on_hold", "steps": ends}}))
    await held(it, 10)
    await it.hear(order("11:00", "order.on_hold"), at="11:01")
    assert stood(it) == [(1, "done", ""), (2, "waiting", "")]
