"""Named queries on errands: what is to be done outside beside messages."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from .tables import ALL_SLOTS, TENANT, Slots, errands, in_slots

UNDONE = ("failed", "stopped", "dismissed")
"""States in which an errand ended without being done."""
STOPPED = "its run was stopped"
"""The reason of an errand that is not done, or not tried again, because nobody wants it any more."""
EMPTIED = ("body", "note")
"""Parts of an errand's document that may hold personal data; they go when it is done."""


def errands_of(connection: sa.Connection, order_id: str) -> Sequence[Any]:
    """What was asked for outside about an order, the oldest first."""
    query = sa.select(errands).where(errands.c.tenant == TENANT, errands.c.order_id == order_id)
    return connection.execute(query.order_by(errands.c.id)).all()


def failed_errands(connection: sa.Connection, limit: int = 1000) -> Sequence[Any]:
    """What could not be done and waits for a person, the oldest first."""
    query = sa.select(errands).where(errands.c.tenant == TENANT, errands.c.state == "failed")
    return connection.execute(query.order_by(errands.c.id).limit(limit)).all()


def replay_errand(connection: sa.Connection, errand_id: int, now: datetime) -> bool:
    """A failed errand is due again, under the same key; False when it is not a failed one."""
    return try_again(connection, now, errands.c.id == errand_id, errands.c.state == "failed") == 1


def try_again(connection: sa.Connection, now: datetime, *which: Any) -> int:
    """Errands that ended undone are due again, as if they had never been tried; returns how many."""
    found = connection.execute(
        sa.select(errands).where(errands.c.tenant == TENANT, errands.c.state.in_(UNDONE), *which)
    ).all()
    for row in found:
        values: Mapping[str, Any] = {
            "state": "due", "due_at": now, "reason": "", "tries": 0, "owner": "", "finished_at": None,
            "doc": {**row.doc, "since": now.isoformat()},
        }  # fmt: skip
        connection.execute(sa.update(errands).where(errands.c.id == row.id).values(**values))
    return len(found)


def dismiss_errand(connection: sa.Connection, errand_id: int, reason: str) -> bool:
    """A failed errand is put aside with a reason; False when it is not a failed one."""
    which = sa.update(errands).where(errands.c.tenant == TENANT, errands.c.id == errand_id, errands.c.state == "failed")
    return connection.execute(which.values(state="dismissed", reason=reason)).rowcount == 1


def stop_errands(connection: sa.Connection, run_keys: Sequence[str], now: datetime) -> None:
    """What stopped runs had asked for and is not on the wire yet is not done any more; what is, is not tried again."""
    theirs = sa.update(errands).where(errands.c.tenant == TENANT, errands.c.run_key.in_(run_keys))
    due = theirs.where(sa.text("errands.state = 'due'"))
    connection.execute(due.values(state="stopped", reason=STOPPED, finished_at=now))
    connection.execute(theirs.where(sa.text("errands.state = 'on_wire'")).values(reason=STOPPED))


def ready_errands(slots: Slots = ALL_SLOTS) -> tuple[Any, ...]:
    """What is true of errands whose turn it is: one order's errands to one connection are done one after the other, so
    none goes before an earlier one has ended."""
    earlier = errands.alias("earlier")
    unfinished = sa.exists().where(
        earlier.c.tenant == TENANT,
        earlier.c.order_id == errands.c.order_id,
        earlier.c.connection == errands.c.connection,
        earlier.c.id < errands.c.id,
        sa.text("earlier.state IN ('due', 'on_wire')"),
    )
    mine = (errands.c.tenant == TENANT, sa.text("errands.state = 'due'"))
    return (*mine, in_slots(errands.c.slot, slots), ~unfinished)


def next_errand_at() -> sa.Select[Any]:
    """When the next errand is due."""
    return sa.select(sa.func.min(errands.c.due_at)).where(*ready_errands())
