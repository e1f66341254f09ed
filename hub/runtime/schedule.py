"""Recurring work of the hub itself. One firing is decided by a compare-and-swap row, so that any number of nodes may
tick; what was missed while all were down fires once, and killing a node loses nothing.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from hub.flows.cron import cron_of
from hub.pipeline.fault import fault
from hub.store.database import insert_new
from hub.store.tables import TENANT, inbox, links, polls, schedules, timers

log = logging.getLogger("hub.schedule")

KEPT = timedelta(days=90)
"""How long processed raw events and their dedupe keys stay (the replay window)."""
CHUNK = 5_000

Job = Callable[[sa.Connection, datetime], None]


def forget_old_events(connection: sa.Connection, now: datetime) -> None:
    """Delete processed events past the replay window, some at a time."""
    old = (
        sa.select(inbox.c.id)
        .where(sa.text("inbox.state = 1"), inbox.c.done_at < now - KEPT)
        .order_by(inbox.c.done_at)
        .limit(CHUNK)
    )
    connection.execute(sa.delete(inbox).where(inbox.c.id.in_(old.scalar_subquery())))


def forget_ended_polls(connection: sa.Connection, now: datetime) -> None:
    """Delete questions that are over for good, and links that lapsed long ago."""
    asked_at = sa.func.coalesce(polls.c.last_at, polls.c.due_at)
    connection.execute(sa.delete(polls).where(polls.c.state == 1, asked_at < now - KEPT))
    connection.execute(sa.delete(links).where(links.c.expires_at < now - KEPT))


def forget_fired_timers(connection: sa.Connection, now: datetime) -> None:
    """Delete timers that fired or were called off long ago, some at a time; what is set aside stays."""
    old = sa.select(timers.c.id).where(timers.c.state == 1, timers.c.due_at < now - KEPT).order_by(timers.c.id)
    connection.execute(sa.delete(timers).where(timers.c.id.in_(old.limit(CHUNK).scalar_subquery())))


def count_orphans(connection: sa.Connection, now: datetime) -> None:
    """Say so when events still wait for an order that never came."""
    waiting = connection.execute(
        sa.select(sa.func.count())
        .select_from(inbox)
        .where(sa.text("inbox.state = 2"), inbox.c.received_at < now - timedelta(days=1))
    ).scalar_one()
    if waiting:
        log.warning("%d events have waited over a day for an order that nobody knows; see `hub event list`", waiting)


JOBS: Mapping[str, tuple[str, Job]] = {
    "forget-old-events": ("*/10 * * * *", forget_old_events),
    "forget-fired-timers": ("17 * * * *", forget_fired_timers),
    "forget-ended-polls": ("23 3 * * *", forget_ended_polls),
    "count-orphans": ("5 8 * * *", count_orphans),
}


def next_run(spec: str, now: datetime) -> datetime:
    """The next instant of a five-field cron line after `now`, in UTC; missed ones are not made up for."""
    return cron_of(spec).next_after(now, ZoneInfo("UTC"))


def prepare(connection: sa.Connection, dialect: str, now: datetime, jobs: Mapping[str, tuple[str, Job]] = JOBS) -> None:
    """A row for each job; a changed cron line takes effect."""
    for name, (spec, _) in jobs.items():
        row = {"tenant": TENANT, "id": name, "spec": spec, "next_run_at": next_run(spec, now)}
        connection.execute(insert_new(schedules, dialect).values(**row))
        changed = sa.update(schedules).where(schedules.c.id == name, schedules.c.spec != spec)
        connection.execute(changed.values(spec=spec, next_run_at=row["next_run_at"]))
        # The clock may have been ahead for a while.
        late = sa.update(schedules).where(schedules.c.id == name, schedules.c.next_run_at > row["next_run_at"])
        connection.execute(late.values(next_run_at=row["next_run_at"]))


def fire_due(connection: sa.Connection, now: datetime, jobs: Mapping[str, tuple[str, Job]] = JOBS) -> list[str]:
    """Fire what is due and what this node wins: the work and the move of the row are one transaction."""
    fired = []
    for row in connection.execute(sa.select(schedules).where(schedules.c.next_run_at <= now)).all():
        if row.id not in jobs:
            continue
        won = connection.execute(
            sa.update(schedules)
            .where(schedules.c.id == row.id, schedules.c.next_run_at == row.next_run_at)
            .values(next_run_at=next_run(row.spec, now), version=schedules.c.version + 1)
        )
        if won.rowcount == 1:
            _do(connection, row.id, jobs[row.id][1], now)
            fired.append(row.id)
    return fired


def _do(connection: sa.Connection, name: str, job: Job, now: datetime) -> None:
    """A job that fails harms no other; it comes again at its next instant."""
    try:
        with connection.begin_nested():
            job(connection, now)
    except Exception as error:
        log.error("the job '%s' failed: %s", name, fault(error))
