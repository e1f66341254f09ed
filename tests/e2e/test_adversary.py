"""What a hostile stranger tried: each of these once lost an event, told a customer twice, or kept others waiting."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hub.model import Customer
from hub.pipeline.receive import inbox_row
from hub.plugin import Raw
from hub.status import Mode
from hub.store import tables
from tests.pipeline.fakes import moment, notify, order, parcel, scan

from .hamlet import Hamlet, hamlet

PHONE = Customer(email="o@x.example", phone="+380501112233")


def packed(*numbers: str, ref: str = "f") -> Any:
    return parcel(ref, "09:00", "shipment.announced", numbers=numbers)


def says(template: str, *via: str, **more: Any) -> dict[str, Any]:
    return notify(template, via=list(via), **more)


async def together(it: Hamlet, *events: tuple[str, Raw]) -> None:
    """Events of several connections in one commit."""
    await it.hub.receiver.put([inbox_row(name, raw, Mode.LIVE, it.clock) for name, raw in events])
    await it.hub.quiet()


# ------------------------------------------------------------------------------------------------ nothing is lost


@pytest.mark.parametrize("first", ["post", "shop"])
async def test_a_carrier_speaks_of_a_parcel_in_the_batch_that_brings_its_order(
    tmp_path: Path, database_url: str, first: str
) -> None:
    async with hamlet(tmp_path, database=database_url) as it:
        events = [
            ("post", it.board.raw("parcel:P1", scan("P1", "in_transit", "09:50"))),
            ("shop", it.board.raw("order:1", order("09:00", "order.processing", parcels=(packed("P1"),)))),
        ]
        await together(it, *sorted(events, key=lambda each: each[0] != first))
        assert [row.headline for row in await it.rows(tables.orders)] == ["in_transit"]
        assert {row.state for row in await it.rows(tables.inbox)} == {1}


async def test_no_event_is_set_aside_because_the_database_was_locked(tmp_path: Path) -> None:
    async with hamlet(tmp_path) as it:
        await it.hub.db.write(lambda connection: connection.exec_driver_sql("PRAGMA busy_timeout=1").close())
        other = sqlite3.connect(tmp_path / "hub.db", isolation_level=None, timeout=10)
        await it.store("shop", it.board.raw("order:1", order("09:00", "order.processing")))
        other.execute("BEGIN IMMEDIATE")
        while it.hub.engine.health()["apply"] != "OperationalError":
            await asyncio.sleep(0.001)
        other.execute("COMMIT")
        other.close()
        await it.hub.quiet()
        assert [row.state for row in await it.rows(tables.inbox)] == [1]


async def test_timers_fire_while_a_crowd_of_events_waits(tmp_path: Path, database_url: str) -> None:
    flows = {"later": {"on": "order.received", "steps": [{"wait": "1h"}, says("order-received", "mail", urgent=True)]}}
    async with hamlet(tmp_path, flows, database=database_url) as it:
        await it.hear("shop", "order:1", order("09:59", "order.received", placed="09:59"))
        crowd = [it.board.raw(f"order:{n}", order("09:00", "order.packed", ref=f"{n}")) for n in range(2, 300)]
        it.clock.move_to(moment("11:00"))
        await it.store("shop", *crowd)
        while not await it.rows(tables.messages):
            await asyncio.sleep(0)
        pending = sa.text("inbox.state = 0")
        assert len(await it.rows(tables.inbox, pending)) > 100
        await it.hub.quiet()
        assert it.said() == ["order-received"]
