"""When flows with other clocks (`stalled`, `late`) go live: the orders that are under way get theirs, some at a time
and in the background, for each batch of them is an event in the inbox that brings the next one.
"""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hub.plugin import digest
from hub.status import HeadlineValue
from hub.store.database import insert_new
from hub.store.tables import TENANT, InboxState, inbox, meta, orders, slot_of

from .batch import REWATCH
from .dates import LATE
from .news import SOURCE
from .remap import look_again
from .stays import STALLED
from .world import World

CHUNK = 500
CLOCKS = "clocks"
"""The key under which it is noted which clocks the orders have."""
FINISHED = (HeadlineValue.DELIVERED, HeadlineValue.CANCELLED, HeadlineValue.RETURNED, HeadlineValue.REFUNDED)
"""Headlines of orders of which nothing more is expected; an empty one is of an order that was merged."""


def note_clocks(connection: sa.Connection, dialect: str, world: World, now: datetime) -> bool:
    """Compare the clocks of the live flows with those that the orders have; when they differ, all are to be looked at
    anew. Returns whether they do."""
    said = digest(*sorted(_clocks(world)))
    before = connection.execute(sa.select(meta.c.value).where(meta.c.key == CLOCKS)).scalar()
    if before == said or (before is None and not _clocks(world)):
        return False
    connection.execute(sa.delete(meta).where(meta.c.key == CLOCKS))
    connection.execute(sa.insert(meta).values(key=CLOCKS, value=said))
    connection.execute(insert_new(inbox, dialect).values(**_event(said, "", now)))
    return True


def _clocks(world: World) -> list[str]:
    flows = {flow.name: flow for flows in world.flows_by_word.values() for flow in flows}
    return [
        f"{flow.name}|{word}|{given.length}|{flow.shops}"
        for flow in flows.values()
        for word, given in flow.given.items()
        if word.startswith((STALLED, LATE))
    ]


def look_at_some(connection: sa.Connection, dialect: str, body: dict[str, Any], now: datetime) -> None:
    """The next orders get their clocks; behind them comes the next such event. One of former flows does nothing."""
    current = connection.execute(sa.select(meta.c.value).where(meta.c.key == CLOCKS)).scalar()
    if body["clocks"] != current:
        return
    under_way = (orders.c.tenant == TENANT, orders.c.headline.not_in([*FINISHED, ""]), orders.c.id > body["after"])
    some = sa.select(orders.c.id, orders.c.connection).where(*under_way).order_by(orders.c.id).limit(CHUNK)
    rows = connection.execute(some).all()
    if rows:
        connection.execute(insert_new(inbox, dialect), [look_again(row.connection, row.id, [], now) for row in rows])
        connection.execute(insert_new(inbox, dialect).values(**_event(body["clocks"], rows[-1].id, now)))


def _event(clocks: str, after: str, now: datetime) -> dict[str, Any]:
    return {
        "tenant": TENANT,
        "slot": slot_of(REWATCH),
        "connection": SOURCE,
        "dedupe_key": digest(REWATCH, clocks, after, now.isoformat()),
        "subject": REWATCH,
        "topic": REWATCH,
        "body": {"clocks": clocks, "after": after},
        "received_at": now,
        "mode": "live",
        "state": InboxState.PENDING,
    }
