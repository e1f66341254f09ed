"""The ground under the pipeline: transactions, types, migrations, links, and work that only one node may do."""

import asyncio
import threading
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.runtime import schedule
from hub.store.database import Database, DatabaseBusyError, GroupCommit
from hub.store.errands import ready_errands
from hub.store.links import find_link, link_row, link_secret, make_link_secret, token_for, token_hash
from hub.store.migrate import alembic_config, current, newest, upgrade
from hub.store.tables import Json, Utc, errands, links, meta, metadata, polls, schedules

from .fakes import moment

NOW = moment("10:00")


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    """An empty database of this release."""
    database = Database(database_url)
    upgrade(database)
    yield database
    database.close()


# ------------------------------------------------------------------------------------------------ group commit


def put(connection: sa.Connection, keys: Sequence[str]) -> Sequence[str]:
    for key in keys:
        connection.execute(sa.insert(meta).values(key=key, value="x"))
    return [key.upper() for key in keys]


def kept(db: Database) -> set[str]:
    return set(db.run(lambda connection: connection.execute(sa.select(meta.c.key)).scalars().all()))


async def test_what_waits_shares_a_commit_and_each_gets_its_own_result(db: Database) -> None:
    sizes: list[int] = []

    def commit(connection: sa.Connection, keys: list[str]) -> Sequence[str]:
        sizes.append(len(keys))
        return put(connection, keys)

    group = GroupCommit(db, commit)
    keys = [f"k{number}" for number in range(250)]
    assert await asyncio.gather(*map(group.put, keys)) == [key.upper() for key in keys]
    assert sizes == [100, 100, 50]
    assert kept(db) == set(keys)


async def test_what_cannot_be_stored_fails_alone(db: Database) -> None:
    group = GroupCommit(db, put)
    results = await asyncio.gather(*map(group.put, ["a", "b", "a"]), return_exceptions=True)
    assert results[:2] == ["A", "B"]
    assert isinstance(results[2], sa.exc.IntegrityError)
    assert kept(db) == {"a", "b"}
    assert await group.put("c") == "C", "and the next one is taken"


async def test_the_databases_own_trouble_is_told_to_everyone_and_leaves_nothing(db: Database) -> None:
    tries: list[int] = []

    def half(connection: sa.Connection, keys: list[str]) -> Sequence[str]:
        tries.append(len(put(connection, keys)))
        raise sa.exc.TimeoutError("no connection is free")

    group = GroupCommit(db, half)
    results = await asyncio.gather(*map(group.put, ["a", "b", "c"]), return_exceptions=True)
    assert [type(each) for each in results] == [sa.exc.TimeoutError] * 3
    assert (kept(db), tries) == (set(), [3]), "a database in trouble is not asked three times more"


async def test_a_sender_that_went_away_harms_nobody(db: Database) -> None:
    group = GroupCommit(db, put)
    gone, stays = asyncio.create_task(group.put("a")), asyncio.create_task(group.put("b"))
    await asyncio.sleep(0)
    gone.cancel()
    assert await stays == "B"
    assert kept(db) == {"a", "b"}, "it was on its way to the disk"


async def test_a_transaction_happens_whole_or_not_at_all(db: Database) -> None:
    def half(connection: sa.Connection) -> None:
        put(connection, ["a"])
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        await db.write(half)
    assert kept(db) == set()


def test_no_error_text_shows_what_was_to_be_stored(db: Database) -> None:
    with pytest.raises(sa.exc.IntegrityError) as caught:
        db.run(
            lambda connection: [
                connection.execute(sa.insert(meta).values(key="k", value="+380671234567")) for _ in "12"
            ]
        )
    assert "+380671234567" not in str(caught.value)


# ------------------------------------------------------------------------------------------------ SQLite's own


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "hub.db"


def test_a_second_hub_on_the_same_file_is_refused(path: Path) -> None:
    first, second = Database(f"sqlite:///{path}"), Database(f"sqlite:///{path}")
    first.hold()
    first.hold()  # twice is no harm
    with pytest.raises(DatabaseBusyError, match=r"another hub is at work on .*hub\.db; stop it first"):
        second.hold()
    first.close()
    second.hold()
    second.close()


def test_what_is_committed_is_on_the_disk(path: Path) -> None:
    """WAL alone would lose answered events at a power cut."""
    database = Database(f"sqlite:///{path}")
    for engine in (database.writer, database.reader):
        with engine.connect() as connection:
            found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]
            assert found == ["wal", 2]
    database.close()


# ------------------------------------------------------------------------------------------------ types

TIMES = st.datetimes(
    datetime(1930, 1, 1),
    datetime(2200, 1, 1),
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45))]),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(TIMES, TIMES)
@settings(max_examples=50, deadline=None)
def test_times_keep_their_microseconds_and_their_order(one: datetime, other: datetime) -> None:
    kind: Any = Utc()
    dialect = sa.create_engine("sqlite://").dialect
    stored = [kind.process_bind_param(each, dialect) for each in (one, other)]
    assert [kind.process_result_value(each, dialect) for each in stored] == [one, other]
    assert (stored[0] < stored[1]) is (one < other)


@given(JSON)
@settings(max_examples=50, deadline=None)
def test_json_comes_back_as_it_was(value: Any) -> None:
    kind, dialect = Json(), sa.create_engine("sqlite://").dialect
    assert kind.process_result_value(kind.process_bind_param(value, dialect), dialect) == value


def test_both_types_keep_nothing_as_nothing() -> None:
    dialect = sa.create_engine("sqlite://").dialect
    kinds: list[Any] = [Utc(), Json()]
    for kind in kinds:
        assert kind.process_result_value(kind.process_bind_param(None, dialect), dialect) is None


# ------------------------------------------------------------------------------------------------ migrations


def test_an_empty_database_is_brought_to_just_these_tables(db: Database) -> None:
    assert current(db) == newest() is not None
    with db.writer.connect() as connection, warnings.catch_warnings():
        # SQLite does not tell what an index on an expression is made of; that it is there is seen below.
        warnings.filterwarnings("ignore", "(autogenerate skipping|Skipped unsupported).*expression-based")
        context = MigrationContext.configure(connection, opts={"compare_type": _differs, "include_name": _ours})
        assert compare_metadata(context, metadata) == []
    declared = {index.name for table in metadata.tables.values() for index in table.indexes}
    listed = "pg_indexes" if db.dialect == "postgresql" else "(SELECT name AS indexname FROM sqlite_master)"
    there = db.run(lambda connection: connection.exec_driver_sql(f"SELECT indexname FROM {listed} x").scalars().all())
    assert declared <= set(there)


def _differs(context: Any, inspected: Any, column: Any, found: Any, wanted: Any) -> bool:
    """Whether a column's type differs from what is declared, our own types taken for what they are stored as."""
    plain = wanted.impl if isinstance(wanted, sa.types.TypeDecorator) else wanted
    affinity = plain._type_affinity
    integers = {sa.Integer, sa.BigInteger}
    same = found._type_affinity is affinity or {found._type_affinity, affinity} <= integers
    return not same


def _ours(name: str | None, kind: str, parents: Any) -> bool:
    return name != "alembic_version"


def test_a_database_of_this_release_is_left_alone(db: Database) -> None:
    db.run(lambda connection: put(connection, ["kept"]))
    assert upgrade(db) == []
    assert kept(db) == {"kept"}


def test_a_database_of_the_first_release_is_brought_up_with_what_is_in_it(db: Database) -> None:
    with db.writer.begin() as connection:
        command.downgrade(alembic_config(connection), "0001")
    assert current(db) == "0001"
    columns = "tenant, slot, connection, kind, ref, due_at, state, every, failures, error"
    old = f"INSERT INTO polls ({columns}) VALUES ('main', 1, 'post', 'parcel', 'P1', 5, 0, 60, 0, '')"
    db.run(lambda connection: connection.exec_driver_sql(old))
    assert upgrade(db)[0] == "0002"
    (row,) = db.run(lambda connection: connection.execute(sa.select(polls)).all())
    assert (row.ref, row.every, row.slow_at) == ("P1", 60, None)


# ------------------------------------------------------------------------------------------------ links


def test_a_token_is_160_bits_that_only_this_hub_can_make(db: Database) -> None:
    db.run(lambda connection: make_link_secret(connection, db.dialect))
    secret = db.run(link_secret)
    db.run(lambda connection: make_link_secret(connection, db.dialect))
    assert db.run(link_secret) == secret, "made once"
    token = token_for(secret, "unsubscribe", "c1")
    assert (len(token), token) == (27, token_for(secret, "unsubscribe", "c1"))
    others = {
        token_for(secret, "acknowledge", "c1"),
        token_for(secret, "unsubscribe", "c2"),
        token_for(b"", "unsubscribe", "c1"),
    }
    assert len(others | {token}) == 4


@pytest.mark.parametrize(
    ("token", "purpose", "at", "found"),
    [
        ("good", "unsubscribe", NOW, True),
        ("good", "unsubscribe", NOW + timedelta(days=1), True),
        ("good", "unsubscribe", NOW + timedelta(days=1, seconds=1), False),
        ("good", "acknowledge", NOW, False),
        ("gooe", "unsubscribe", NOW, False),
        ("", "unsubscribe", NOW, False),
    ],
)
def test_a_link_opens_its_own_door_while_it_lasts(
    db: Database, token: str, purpose: str, at: datetime, found: bool
) -> None:
    row = link_row("good", "unsubscribe", "c1", NOW + timedelta(days=1))
    assert row["token_hash"] == token_hash("good") != "good", "the token itself is stored nowhere"
    db.run(lambda connection: connection.execute(sa.insert(links).values(**row)))
    assert (db.run(lambda connection: find_link(connection, token, purpose, at)) is not None) is found


# ------------------------------------------------------------------------------------------------ the clock that ticks


def later(minutes: int) -> datetime:
    return NOW + timedelta(minutes=minutes)


def test_a_job_fires_once_for_all_the_times_that_were_missed(db: Database) -> None:
    fired: list[datetime] = []
    jobs = {"j": ("*/5 * * * *", lambda connection, now: fired.append(now))}
    row = {"id": "j", "spec": "*/5 * * * *", "next_run_at": later(5)}
    db.run(lambda connection: connection.execute(sa.insert(schedules).values(**row)))

    def tick(minutes: int) -> list[str]:
        return db.run(lambda connection: schedule.fire_due(connection, later(minutes), jobs))

    assert [tick(minutes) for minutes in (4, 5, 5, 9, 47, 49, 50)] == [[], ["j"], [], [], ["j"], [], ["j"]]
    assert fired == [later(5), later(47), later(50)]


def test_of_two_nodes_one_fires(database_url: str) -> None:
    nodes = [Database(database_url) for _ in range(2)]
    upgrade(nodes[0])
    fired: list[str] = []
    jobs = {f"j{each}": ("*/5 * * * *", lambda connection, now: fired.append("x")) for each in range(5)}
    rows = [{"id": name, "spec": spec, "next_run_at": NOW} for name, (spec, _) in jobs.items()]
    nodes[0].run(lambda connection: connection.execute(sa.insert(schedules), rows))
    together = threading.Barrier(2)

    def tick(node: Database) -> list[str]:
        together.wait()
        return node.run(lambda connection: schedule.fire_due(connection, NOW, jobs))

    with ThreadPoolExecutor(2) as threads:
        won = list(threads.map(tick, nodes))
    assert sorted(won[0] + won[1]) == sorted(jobs)
    assert len(fired) == len(jobs)
    for node in nodes:
        node.close()


def test_a_row_that_moved_meanwhile_is_not_fired(db: Database) -> None:
    """The other node won between our looking and our claiming."""
    fired: list[datetime] = []

    def steal(connection: sa.Connection, now: datetime) -> None:
        fired.append(now)
        connection.execute(sa.update(schedules).values(next_run_at=later(60)))

    jobs = dict.fromkeys(("a", "b"), ("*/5 * * * *", steal))
    rows = [{"id": name, "spec": "*/5 * * * *", "next_run_at": NOW} for name in jobs]
    db.run(lambda connection: connection.execute(sa.insert(schedules), rows))
    assert len(db.run(lambda connection: schedule.fire_due(connection, NOW, jobs))) == 1
    assert len(fired) == 1


def test_a_changed_cron_line_takes_effect_and_an_unchanged_one_keeps_its_time(db: Database) -> None:
    def due() -> dict[str, datetime]:
        rows = db.run(lambda connection: connection.execute(sa.select(schedules)).all())
        return {row.id: row.next_run_at for row in rows}

    db.run(lambda connection: schedule.prepare(connection, db.dialect, NOW))
    first = due()
    assert set(first) == set(schedule.JOBS)
    db.run(
        lambda connection: connection.execute(
            sa.update(schedules).where(schedules.c.id == "count-orphans").values(spec="0 0 * * *")
        )
    )
    db.run(lambda connection: schedule.prepare(connection, db.dialect, NOW + timedelta(days=3)))
    assert {name for name, at in due().items() if at != first[name]} == {"count-orphans"}


def test_looking_for_orphans_walks_no_other_events(db: Database) -> None:
    """A hub with a million processed events applies the next one as fast as the first."""
    if db.dialect != "sqlite":
        return
    which = "inbox.state = 2 AND tenant = 'main' AND subject IN ('a') AND connection = 'x'"
    wake = f"UPDATE inbox SET state = 0 WHERE {which}"
    with db.writer.begin() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {wake}").all()
    assert "ix_inbox_orphans" in str(plan)


def test_what_is_to_be_done_outside_walks_nothing_that_is_done(db: Database) -> None:
    """A shop that calls a target every five minutes asks as fast in its second year as on its first day."""
    if db.dialect != "sqlite":
        return
    query = sa.select(errands.c.id).where(*ready_errands())
    text = query.compile(dialect=db.writer.dialect, compile_kwargs={"literal_binds": True})
    with db.writer.begin() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}").all()
    assert "ix_errands_undone" in str(plan)
