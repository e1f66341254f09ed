"""Look at the outbox: which due messages some channel has room for, and what becomes of each. Writes nothing; what it
decides is committed *on the wire* by the drain before the first byte leaves.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hub.store.tables import (
    messages,
)

from .around import FEW, Capacity, Outbox, read_around
from .leaving import Leaving
from .world import World


def look(connection: sa.Connection, world: World, now: datetime, capacity: Capacity) -> Outbox:
    """Decide on the due messages that some channel has room for; writes nothing."""
    due = [row for name in ("", *capacity.free) for row in _due(connection, name, capacity, now)]
    outbox = Outbox(seen=len(due))
    if not due:
        return outbox
    around = read_around(connection, world, due, now)
    room, taken = dict(capacity.free), set(capacity.busy)
    leaving = [
        Leaving(row, world, now, around, capacity, room, outbox)
        for row in sorted(due, key=lambda each: (each.due_at, each.id))
    ]
    around.suppressed.ask(each for one in leaving for each in one.addresses())
    for one in leaving:
        row = one.row
        if row.order_id and row.order_id in taken:
            continue
        one.go()
        if outbox.departures and outbox.departures[-1].message is row:
            taken.add(row.order_id)
            around.leaves(row, outbox.departures[-1].connection, now)
    return outbox


def _due(connection: sa.Connection, name: str, capacity: Capacity, now: datetime) -> Sequence[Any]:
    """The oldest that are due, by as many as may leave. What cannot leave beside another message of its order takes
    nobody's place."""
    limit = capacity.free.get(name, FEW)
    if limit <= 0:
        return ()
    return connection.execute(
        sa.select(messages)
        .where(sa.text("messages.state = 'due'"), messages.c.connection == name, messages.c.due_at <= now)
        .where(messages.c.order_id.not_in(sorted(capacity.busy)))
        .order_by(messages.c.due_at, messages.c.id)
        .limit(limit)
    ).all()


def owner() -> str:
    """A name for one process's hold on messages."""
    return uuid.uuid4().hex
