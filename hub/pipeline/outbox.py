"""Look at the outbox: which due messages some channel has room for, and what becomes of each. Writes nothing; what it
decides is committed *on the wire* by the drain before the first byte leaves.
"""

import logging
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hub.store.tables import in_slots, messages

from .around import FEW, Capacity, Outbox, read_around
from .fault import fault
from .leaving import Leaving
from .world import World

log = logging.getLogger("hub.deliver")


def look(connection: sa.Connection, world: World, now: datetime, capacity: Capacity) -> Outbox:
    """Decide on the due messages that some channel has room for; writes nothing."""
    due = [row for name in ("", *capacity.free) for row in _due(connection, name, capacity, now)]
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


def _due(connection: sa.Connection, name: str, capacity: Capacity, now: datetime) -> Sequence[Any]:
    """The oldest that are due, by as many as may leave. What cannot leave beside another message of its order takes
    nobody's place."""
    limit = capacity.free.get(name, FEW)
    if limit <= 0:
        return ()
    can_leave = (
        sa.select(messages)
        .where(sa.text("messages.state = 'due'"), messages.c.connection == name, messages.c.due_at <= now)
        .where(messages.c.order_id.not_in(sorted(capacity.busy)), in_slots(messages.c.slot, capacity.slots))
    )
    oldest = connection.execute(can_leave.order_by(messages.c.due_at, messages.c.id).limit(limit)).all()
    if len(oldest) < limit:
        return oldest
    # What quiet hours kept until the morning is a crowd; what is urgent does not wait behind it.
    newest = connection.execute(can_leave.order_by(messages.c.due_at.desc(), messages.c.id.desc()).limit(FEW))
    known = {row.id for row in oldest}
    return [*oldest, *(row for row in newest if row.doc.get("urgent") and row.id not in known)]


def owner() -> str:
    """A name for one process's hold on messages."""
    return uuid.uuid4().hex
