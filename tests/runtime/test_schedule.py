"""Recurring work: one node fires each instant, whatever ticks, fails or is killed."""

import asyncio
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from hub.config.scalars import MistakeError
from hub.runtime.schedule import JOBS, KEPT, count_orphans, fire_due, forget_ended_polls, forget_old_events, next_run
from hub.runtime.schedule import prepare as prepare_jobs
from hub.store.database import Database
from hub.store.migrate import upgrade
from hub.store.tables import TENANT, InboxState, inbox, links, polls, schedules

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
HOURLY = "30 * * * *"


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    upgrade(database)
    yield database
    database.close()


def _row(db: Database, name: str) -> Any:
    return db.run(lambda connection: connection.execute(sa.select(schedules).where(schedules.c.id == name)).one())


def _job(db: Database, next_run_at: datetime, spec: str = HOURLY) -> None:
    row = {"tenant": TENANT, "id": "count", "spec": spec, "next_run_at": next_run_at}
    db.run(lambda connection: connection.execute(sa.insert(schedules).values(**row)))


def test_an_instant_is_fired_once_and_the_row_moves_on(db: Database) -> None:
    fired: list[datetime] = []
    jobs = {"count": (HOURLY, lambda connection, now: fired.append(now))}
    _job(db, NOW)
    assert db.run(lambda connection: fire_due(connection, NOW, jobs)) == ["count"]
    assert db.run(lambda connection: fire_due(connection, NOW, jobs)) == []
    assert fired == [NOW]
    assert _row(db, "count").next_run_at == datetime(2026, 11, 24, 8, 30, tzinfo=UTC)


async def test_of_many_nodes_that_tick_at_once_one_fires(db: Database, database_url: str) -> None:
    """Each node has connections of its own; the row that is compared and swapped decides."""
    fired: list[datetime] = []
    jobs = {"count": (HOURLY, lambda connection, now: fired.append(now))}
    _job(db, NOW)
    nodes = [Database(database_url) for _ in range(4)]
    try:
        won = await asyncio.gather(*(node.write(lambda connection: fire_due(connection, NOW, jobs)) for node in nodes))
    finally:
        for node in nodes:
            node.close()
    assert sorted(won) == [[], [], [], ["count"]]
    assert fired == [NOW]
    assert _row(db, "count").version == 1


def test_a_node_that_read_the_row_before_another_fired_does_nothing(db: Database) -> None:
    """The swap compares the instant: what was read before is not good any more."""
    jobs = {"count": (HOURLY, lambda connection, now: None)}
    _job(db, NOW)
    swap = (
        sa.update(schedules)
        .where(schedules.c.id == "count", schedules.c.next_run_at == NOW)
        .values(next_run_at=NOW + timedelta(hours=1))
    )
    assert db.run(lambda connection: connection.execute(swap)).rowcount == 1
    assert db.run(lambda connection: connection.execute(swap)).rowcount == 0
    assert db.run(lambda connection: fire_due(connection, NOW, jobs)) == []


def test_a_node_killed_in_the_middle_leaves_the_work_to_the_next(db: Database) -> None:
    def killed(connection: sa.Connection, now: datetime) -> None:
        raise KeyboardInterrupt

    _job(db, NOW)
    with pytest.raises(KeyboardInterrupt):
        db.run(lambda connection: fire_due(connection, NOW, {"count": (HOURLY, killed)}))
    assert _row(db, "count").next_run_at == NOW
    fired: list[datetime] = []
    jobs = {"count": (HOURLY, lambda connection, now: fired.append(now))}
    assert db.run(lambda connection: fire_due(connection, NOW + timedelta(seconds=1), jobs)) == ["count"]
    assert len(fired) == 1


def test_a_job_that_fails_harms_no_other_and_comes_again_in_time(
    db: Database, caplog: pytest.LogCaptureFixture
) -> None:
    def spoils(connection: sa.Connection, now: datetime) -> None:
        connection.execute(sa.insert(inbox), [_event("half done", InboxState.DONE, NOW)])
        raise ValueError("words that may hold anything")

    fired: list[datetime] = []
    jobs = {"bad": (HOURLY, spoils), "count": (HOURLY, lambda connection, now: fired.append(now))}
    for name in jobs:
        row = {"tenant": TENANT, "id": name, "spec": HOURLY, "next_run_at": NOW}
        db.run(lambda connection, row=row: connection.execute(sa.insert(schedules).values(**row)))  # type: ignore[misc]
    assert sorted(db.run(lambda connection: fire_due(connection, NOW, jobs))) == ["bad", "count"]
    assert fired == [NOW]
    assert db.run(lambda connection: connection.execute(sa.select(inbox)).all()) == [], "none of its work is kept"
    assert _row(db, "bad").next_run_at == datetime(2026, 11, 24, 8, 30, tzinfo=UTC)
    assert "the job 'bad' failed: ValueError" in caplog.text
    assert "words" not in caplog.text


def test_what_was_missed_while_all_were_down_fires_once(db: Database) -> None:
    fired: list[datetime] = []
    jobs = {"count": (HOURLY, lambda connection, now: fired.append(now))}
    _job(db, NOW - timedelta(days=3))
    for second in range(3):
        db.run(lambda connection, s=second: fire_due(connection, NOW + timedelta(seconds=s), jobs))  # type: ignore[misc]
    assert fired == [NOW]


def test_a_job_of_a_later_release_is_left_alone(db: Database) -> None:
    _job(db, NOW)
    assert db.run(lambda connection: fire_due(connection, NOW, {})) == []
    assert _row(db, "count").next_run_at == NOW


def test_every_job_has_a_row_and_a_changed_line_takes_effect(db: Database) -> None:
    db.run(lambda connection: prepare_jobs(connection, db.dialect, NOW))
    rows = db.run(lambda connection: connection.execute(sa.select(schedules)).all())
    assert {row.id for row in rows} == set(JOBS)
    assert all(row.next_run_at > NOW for row in rows)
    other = sa.update(schedules).where(schedules.c.id == "count-orphans").values(spec="0 0 1 1 *")
    db.run(lambda connection: connection.execute(other))
    db.run(lambda connection: prepare_jobs(connection, db.dialect, NOW + timedelta(hours=1)))
    assert _row(db, "count-orphans").spec == JOBS["count-orphans"][0]
    assert _row(db, "forget-old-events").next_run_at == next_run(JOBS["forget-old-events"][0], NOW), "not put off"


def test_a_line_that_never_fires_is_refused() -> None:
    with pytest.raises(MistakeError, match="never comes"):
        next_run("0 0 31 2 *", NOW)


# ------------------------------------------------------------------------------------------------ the jobs


def _event(key: str, state: int, done_at: datetime | None, received_at: datetime = NOW) -> dict[str, Any]:
    return {
        "tenant": TENANT, "slot": 0, "connection": "shop", "dedupe_key": key, "subject": f"order:{key}", "topic": "",
        "body": {}, "occurred_at": None, "received_at": received_at, "mode": "live", "state": state, "error": "",
        "done_at": done_at,
    }  # fmt: skip


def test_only_what_was_processed_long_ago_is_forgotten(db: Database) -> None:
    long_ago = NOW - KEPT - timedelta(minutes=1)
    rows = [
        _event("old", InboxState.DONE, long_ago),
        _event("young", InboxState.DONE, NOW - timedelta(days=1)),
        _event("dead", InboxState.DEAD, None, long_ago),
        _event("waits", InboxState.ORPHAN, None, long_ago),
    ]
    db.run(lambda connection: connection.execute(sa.insert(inbox), rows))
    db.run(lambda connection: forget_old_events(connection, NOW))
    left = db.run(lambda connection: connection.execute(sa.select(inbox.c.dedupe_key).order_by(inbox.c.id)).scalars())
    assert list(left) == ["young", "dead", "waits"]


def test_questions_and_links_end_some_day(db: Database) -> None:
    long_ago = NOW - KEPT - timedelta(days=1)
    question = {"tenant": TENANT, "slot": 0, "connection": "np", "kind": "parcel", "due_at": long_ago}
    asked = [
        {**question, "ref": "over", "state": 1, "last_at": long_ago},
        {**question, "ref": "goes on", "state": 0, "last_at": long_ago},
        {**question, "ref": "just over", "state": 1, "last_at": NOW},
    ]
    link = {"tenant": TENANT, "purpose": "acknowledge", "ref": "x"}
    made = [
        {**link, "token_hash": "a", "expires_at": long_ago},
        {**link, "token_hash": "b", "expires_at": NOW - timedelta(days=1)},
    ]
    db.run(lambda connection: connection.execute(sa.insert(polls), asked))
    db.run(lambda connection: connection.execute(sa.insert(links), made))
    db.run(lambda connection: forget_ended_polls(connection, NOW))
    refs = db.run(lambda connection: connection.execute(sa.select(polls.c.ref)).scalars().all())
    assert sorted(refs) == ["goes on", "just over"]
    tokens = db.run(lambda connection: connection.execute(sa.select(links.c.token_hash)).scalars().all())
    assert list(tokens) == ["b"]


def test_events_that_nobody_claims_are_told_of_after_a_day(db: Database, caplog: pytest.LogCaptureFixture) -> None:
    yesterday = NOW - timedelta(days=1, minutes=1)
    rows = [_event("lost", InboxState.ORPHAN, None, yesterday), _event("early", InboxState.ORPHAN, None)]
    db.run(lambda connection: connection.execute(sa.insert(inbox), rows))
    with caplog.at_level(logging.WARNING, "hub.schedule"):
        db.run(lambda connection: count_orphans(connection, NOW))
    assert [record.getMessage().split(";")[0] for record in caplog.records] == [
        "1 events have waited over a day for an order that nobody knows"
    ]
