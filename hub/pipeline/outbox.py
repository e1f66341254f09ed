"""Look at the outbox: which due messages some channel has room for, and what becomes of each. Writes nothing; what it
decides is committed *on the wire* by the drain before the first byte leaves.
"""

import logging
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from hub.store.tables import Slots, in_slots, messages

from .around import FEW, Capacity, Outbox, read_around
from .fault import fault
from .leaving import Leaving
from .world import World

log = logging.getLogger("hub.deliver")


def look(connection: sa.Connection, world: World, now: datetime, capacity: Capacity) -> Outbox:
    """Decide on the due messages that some channel has room for; writes nothing."""
    queued = [row for name in capacity.free for row in _due(connection, name, capacity.free[name], capacity, now)]
    # What no channel was chosen for yet is looked at as far as there are places left for it, and when there are none
    # one of it, for the urgent: each look costs by the messages that it reads.
    places = sum(max(free, 0) for free in capacity.free.values())
    unplaced = min(max(places - len(queued), 1), FEW) if places else 0
    due = [*queued, *_due(connection, "", unplaced, capacity, now)]
    if not due:
        return Outbox()
    due.sort(key=lambda each: (not each.doc.get("urgent"), each.due_at, each.id))
    try:
        return _decide(connection, world, now, capacity, due)
    except sa.exc.SQLAlchemyError:
        raise  # of the database's; it is no message's fault
    except Exception as error:
        log.error("deciding on due messages failed; they are taken one by one: %s", fault(error))
        return _one_by_one(connection, world, now, capacity, due)


def _one_by_one(
    connection: sa.Connection, world: World, now: datetime, capacity: Capacity, due: Sequence[Any]
) -> Outbox:
    """A message that makes the look fail (its order cannot be read, its text raises) ends as failed, and keeps nobody
    else waiting. Where that is true of all and they are several orders', the fault is not theirs."""
    whole, spoilt, free, busy = Outbox(seen=len(due)), [], dict(capacity.free), set(capacity.busy)
    for row in due:
        if row.order_id in busy:
            continue
        try:
            one = _decide(connection, world, now, replace(capacity, free=free, busy=frozenset(busy)), [row])
        except sa.exc.SQLAlchemyError:
            raise
        except Exception as error:
            spoilt.append((row, error))
            continue
        whole.add(one)
        for departure in one.departures:
            free[departure.connection] -= 1
            busy |= {row.order_id} - {""}
    if len(spoilt) == len(due) and len({row.order_id for row, _ in spoilt}) > 1:
        raise spoilt[0][1]
    for row, its_fault in spoilt:
        log.error("message %d cannot be decided on and is set aside: %s", row.id, fault(its_fault))
        reason = f"it cannot be decided on: {type(its_fault).__name__}"
        whole.changes.append((row.id, {"state": "failed", "reason": reason, "finished_at": now}))
        whole.unheard.append(row)
    return whole


def _decide(connection: sa.Connection, world: World, now: datetime, capacity: Capacity, due: Sequence[Any]) -> Outbox:
    outbox = Outbox(seen=len(due))
    around = read_around(connection, world, due, now)
    room, taken = dict(capacity.free), set(capacity.busy)
    leaving = [Leaving(row, world, now, around, capacity, room, outbox) for row in due]
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


def _due(connection: sa.Connection, name: str, limit: int, capacity: Capacity, now: datetime) -> Sequence[Any]:
    """The oldest that are due, by as many as may leave. What cannot leave beside another message of its order takes
    nobody's place."""
    if limit <= 0:
        return ()
    asked = {"name": name, "now": now, "busy": sorted(capacity.busy)}
    oldest = connection.execute(_can_leave(capacity.slots, limit), asked).all()
    if len(oldest) < limit:
        return oldest
    # What quiet hours kept until the morning is a crowd; what is urgent does not wait behind it.
    newest = connection.execute(_can_leave(capacity.slots, FEW, newest=True), asked)
    known = {row.id for row in oldest}
    return [*oldest, *(row for row in newest if row.doc.get("urgent") and row.id not in known)]


@cache
def _can_leave(slots: Slots, limit: int, *, newest: bool = False) -> sa.Select[Any]:
    by_time = (messages.c.due_at, messages.c.id)
    return (
        sa.select(messages)
        .where(sa.text("messages.state = 'due'"), messages.c.connection == sa.bindparam("name"))
        .where(messages.c.due_at <= sa.bindparam("now"), in_slots(messages.c.slot, slots))
        .where(messages.c.order_id.not_in(sa.bindparam("busy", expanding=True)))
        .order_by(*(each.desc() if newest else each for each in by_time))
        .limit(limit)
    )


def owner() -> str:
    """A name for one process's hold on messages."""
    return uuid.uuid4().hex
