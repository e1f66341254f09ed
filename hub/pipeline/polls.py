"""The drain that asks: platforms for changed orders, carriers for parcels, channels for receipts and replies, and each
outside system daily whether our webhooks are still registered. Events and the new cursor are stored in one transaction.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from hub.clock import Clock
from hub.plugin import Config as OurFault
from hub.plugin import FailureError, Permanent, Platform, Raw, TrackRequest, Transient, UnreadableError
from hub.status import Mode
from hub.store.database import Database, insert_new, upsert
from hub.store.tables import ALL_SLOTS, TENANT, Slots, connections, in_slots, numbers, orders, polls, slot_of

from .asking import DAILY, pace
from .crash import crash_point
from .documents import load
from .failing import left_alone, paused
from .fault import fault
from .receive import inbox_row, new_events
from .silence import Silences, tell_mended
from .world import World

log = logging.getLogger("hub.poll")

BACKOFF = tuple(timedelta(seconds=s) for s in (15, 60, 300, 900, 1800))
PAUSE = timedelta(minutes=15)
UNREACHABLE_EVERY = timedelta(minutes=1)
"""How often a platform is polled by a hub that no webhook can reach."""
LIMIT = 500
LOOK_AHEAD = timedelta(minutes=5)
"""A parcel that is due within this time is asked about together with those that are due."""


class PollDrain:
    """Asks what is due. One question at a time per connection; connections do not wait for each other."""

    def __init__(self, db: Database, clock: Clock, world: Callable[[], World], wake: Callable[[], None]) -> None:
        self.db, self.clock, self.world, self.wake = db, clock, world, wake
        self.asking: dict[str, asyncio.Task[None]] = {}
        self.silences = Silences()

    async def prepare(self) -> None:
        """One row for everything that is to be asked again and again; rows of gone connections end, and those of one
        that is back go on. Called again when the clock was put back."""
        world, now = self.world(), self.clock.now()
        rows = list(standing_polls(world, now))

        def write(connection: sa.Connection) -> None:
            names = list(world.config.connections)
            connection.execute(sa.update(polls).where(polls.c.connection.not_in(names)).values(state=1))
            standing = polls.c.kind.in_(("list", "channel", "health"))
            connection.execute(sa.update(polls).where(standing).values(state=1))
            asked = (polls.c.kind == "parcel", polls.c.connection.in_(names), polls.c.state == 1)
            unfinished = sa.or_(polls.c.until_at.is_(None), polls.c.until_at > now)
            connection.execute(sa.update(polls).where(*asked, unfinished).values(state=0))
            if rows:
                keys = ("tenant", "connection", "kind", "ref")
                connection.execute(upsert(polls, self.db.dialect, keys=keys, change=("every", "state")), rows)
            connection.execute(_due_too_late(now))

        await self.db.write(write)

    async def drain(self, slots: Slots = ALL_SLOTS) -> int:
        """Start asking whatever is due and not being asked already; returns how many questions were begun."""
        now = self.clock.now()
        due = await self.db.read(lambda connection: _due(connection, now, list(self.asking), slots))
        by_connection: dict[str, list[Any]] = {}
        for row in due:
            by_connection.setdefault(row.connection, []).append(row)
        begun = 0
        for name, rows in by_connection.items():
            if name in self.asking or name not in self.world().adapters:
                continue
            rows += await self._soon(name, rows, now)
            begun += len(rows)
            task = asyncio.create_task(self._ask(name, rows))
            self.asking[name] = task
            task.add_done_callback(lambda done, name=name: self._asked(name, done))  # type: ignore[misc]
        return begun

    async def _soon(self, name: str, rows: Sequence[Any], now: datetime) -> Sequence[Any]:
        """Parcels that come due shortly, to fill the request that is made anyway."""
        parcels = [row.id for row in rows if row.kind == "parcel"]
        room = -len(parcels) % max(self.world().carrier(name).batch, 1) if parcels else 0
        if not room:
            return ()
        return await self.db.read(lambda connection: _due_soon(connection, name, parcels, now + LOOK_AHEAD, room))

    async def settle(self) -> None:
        """Wait until what is being asked now is answered."""
        if self.asking:
            await asyncio.wait(list(self.asking.values()))

    def _asked(self, name: str, task: asyncio.Task[None]) -> None:
        self.asking.pop(name, None)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("polling %s failed: %s", name, fault(error))
        self.wake()

    async def _ask(self, name: str, rows: Sequence[Any]) -> None:
        parcels = [row for row in rows if row.kind == "parcel"]
        others = [row for row in rows if row.kind != "parcel"]
        world = self.world()
        for row in others:
            await self._guarded(world, name, [row], self._question(world, name, row))
        if parcels:
            batch = max(world.carrier(name).batch, 1)
            for start in range(0, len(parcels), batch):
                some = parcels[start : start + batch]
                await self._guarded(world, name, some, self._track(world, name, some))

    async def _guarded(self, world: World, name: str, rows: Sequence[Any], question: Any) -> None:
        """A failure is recorded on what was asked; it harms nothing else."""
        try:
            await question
        except FailureError as failure:
            if isinstance(failure.outcome, Permanent) and len(rows) > 1 and not all(row.failures for row in rows):
                for row in rows:  # one that is refused must not spoil it for the others
                    await self._guarded(world, name, [row], self._track(world, name, [row]))
                return
            log.warning("asking %s failed: %s", name, failure.outcome.reason)
            await self._failed(world, name, rows, failure)
        except UnreadableError as error:
            # What cannot be read is said to staff; a log it might fill with what stands in it.
            log.warning("polling %s: the answer cannot be read", name)
            await self._failed(world, name, rows, FailureError(Transient(f"the answer cannot be read: {error}")))
        except Exception as error:  # a plugin's bug
            log.warning("polling %s raised %s", name, fault(error))
            await self._failed(world, name, rows, FailureError(Transient(f"the plugin failed: {type(error).__name__}")))

    def _question(self, world: World, name: str, row: Any) -> Any:
        match row.kind:
            case "order":
                return self._fetch(world, name, row)
            case "health":
                return self._register(world, name, row)
            case _:
                return self._page(world, name, row)

    # -- the questions

    async def _page(self, world: World, name: str, row: Any) -> None:
        """Pages of a platform or a channel, until there are no more; each is stored before the next is asked for."""
        adapter: Any = world.adapters[name]
        cursor, more = row.cursor, True
        importing = isinstance(adapter, Platform) and not await self._imported(name)
        mode = Mode.IMPORT if importing else Mode.LIVE
        while more:
            page = await adapter.poll(cursor)
            if page.more and page.cursor == cursor:
                raise FailureError(Transient("it says that there is more, and gives no way to it"))
            cursor, more = page.cursor, page.more
            due = None if more else self.clock.now() + timedelta(seconds=row.every)
            done = {"imported_at": self.clock.now()} if importing and not more else {}
            await self._store(name, page.events, mode, row, due, {"cursor": cursor}, done)

    async def _imported(self, name: str) -> bool:
        row = await self.db.read(
            lambda connection: connection.execute(
                sa.select(connections.c.imported_at).where(connections.c.name == name)
            ).first()
        )
        return row is not None and row.imported_at is not None

    async def _fetch(self, world: World, name: str, row: Any) -> None:
        """One order as it is now; asked once, and once more where a hint came meanwhile."""
        events = await world.platform(name).fetch(row.ref)
        now = self.clock.now()

        def write(connection: sa.Connection) -> None:
            self._store_events(connection, name, events, Mode.LIVE, now)
            _answered(connection, row, now, state=1)

        await self.db.write(write)
        crash_point("after-poll")
        if events:
            self.wake()

    async def _track(self, world: World, name: str, rows: Sequence[Any]) -> None:
        phones = await self.db.read(lambda connection: _phones(connection, [row.ref for row in rows]))
        wishes = [TrackRequest(row.ref, phones.get(row.ref, "")) for row in rows]
        events = await world.carrier(name).track(wishes)
        await self._store_many(name, events, rows, snapshots=world.carrier(name).snapshots)

    async def _register(self, world: World, name: str, row: Any) -> None:
        url = world.webhook_url(name)
        lines = await world.adapters[name].register(url)
        for line in lines:
            log.info("%s: %s", name, line)
        now = self.clock.now()

        def write(connection: sa.Connection) -> None:
            _answered(connection, row, now, due_at=now + DAILY)
            if url is not None and row.last_at is not None:  # the first look makes what was never there
                tell_mended(connection, self.db.dialect, name, lines, world, now)
            if url is not None:  # without an address nobody need have been asked: that is no sign of life
                _touch(connection, self.db.dialect, name, last_event_at=now, paused="")

        await self.db.write(write)

    # -- what is stored

    async def _store(
        self,
        name: str,
        events: Sequence[Raw],
        mode: Mode,
        row: Any,
        due: datetime | None,
        changes: dict[str, Any],
        of_connection: dict[str, Any],
    ) -> None:
        now = self.clock.now()
        values = {"last_at": now, "failures": 0, "error": "", **changes}
        if due is not None:
            values["due_at"] = due

        def write(connection: sa.Connection) -> None:
            new = self._store_events(connection, name, events, mode, now)
            connection.execute(sa.update(polls).where(polls.c.id == row.id).values(**values))
            if row.kind == "list" and mode is Mode.LIVE:
                self.silences.polled(name, [raw for raw in events if raw.dedupe_key in new], now)
                if due is not None:  # the last page
                    self.silences.tell(connection, self.db.dialect, name, self.world(), now)
            if of_connection:
                _touch(connection, self.db.dialect, name, **of_connection)

        await self.db.write(write)
        crash_point("after-poll")
        if events:
            self.wake()

    async def _store_many(self, name: str, events: Sequence[Raw], rows: Sequence[Any], *, snapshots: bool) -> None:
        now = self.clock.now()
        before = {f"parcel:{row.ref}": row.cursor for row in rows}
        changed = [again(raw, now) for raw in events if raw.dedupe_key != before.get(raw.subject)]
        last = {raw.subject: raw.dedupe_key for raw in events} if snapshots else {}

        def write(connection: sa.Connection) -> None:
            self._store_events(connection, name, changed if snapshots else events, Mode.LIVE, now)
            for row in rows:
                over = row.until_at is not None and row.until_at <= now
                answer = last.get(f"parcel:{row.ref}", row.cursor)
                due = now + pace(row._mapping, now)
                _answered(connection, row, now, cursor=answer, due_at=due, state=1 if over else 0)

        await self.db.write(write)
        crash_point("after-poll")
        self.wake()

    def _store_events(
        self, connection: sa.Connection, name: str, events: Sequence[Raw], mode: Mode, now: datetime
    ) -> set[str]:
        """The dedupe keys of those that are new."""
        new = new_events(connection, self.db.dialect, [inbox_row(name, raw, mode, self.clock) for raw in events])
        _touch(connection, self.db.dialect, name, last_event_at=now, paused="")
        return {key for _, key in new}

    async def _failed(self, world: World, name: str, rows: Sequence[Any], failure: FailureError) -> None:
        now, outcome = self.clock.now(), failure.outcome

        def write(connection: sa.Connection) -> None:
            for row in rows:
                wait = PAUSE if isinstance(outcome, OurFault) else BACKOFF[min(row.failures, len(BACKOFF) - 1)]
                asked = outcome.not_before if isinstance(outcome, Transient) else None
                due = max(now + wait, asked or now)
                values = {"failures": row.failures + 1, "error": outcome.reason, "due_at": due}
                if isinstance(outcome, Permanent) and row.kind == "order":
                    values["state"] = 1  # asked once; another hint asks again
                connection.execute(sa.update(polls).where(polls.c.id == row.id).values(**values))
            if isinstance(outcome, OurFault):
                self._pause(connection, world, name, outcome.reason, now)
            else:
                left_alone(connection, self.db.dialect, name, world, now)

        await self.db.write(write)

    def _pause(self, connection: sa.Connection, world: World, name: str, reason: str, now: datetime) -> None:
        row = connection.execute(sa.select(connections).where(connections.c.name == name)).first()
        fresh = row is None or not row.paused
        values = {"paused": reason, "paused_until": now + PAUSE}
        _touch(connection, self.db.dialect, name, **(values | {"paused_at": now} if fresh else values))
        if fresh:
            paused(connection, self.db.dialect, name, reason, world, now)


def _due(connection: sa.Connection, now: datetime, asking: Sequence[str], slots: Slots) -> Sequence[Any]:
    """The oldest that are due; a crowd of a connection that is being asked takes nobody's place."""
    return connection.execute(
        sa.select(polls)
        .where(
            sa.text("polls.state = 0"),
            polls.c.due_at <= now,
            polls.c.connection.not_in(asking),
            in_slots(polls.c.slot, slots),
        )
        .order_by(polls.c.due_at, polls.c.id)
        .limit(LIMIT)
    ).all()


def _due_soon(connection: sa.Connection, name: str, taken: Sequence[int], until: datetime, limit: int) -> Sequence[Any]:
    return connection.execute(
        sa.select(polls)
        .where(sa.text("polls.state = 0"), polls.c.due_at <= until, polls.c.connection == name)
        .where(polls.c.kind == "parcel", polls.c.id.not_in(taken))
        .order_by(polls.c.due_at, polls.c.id)
        .limit(limit)
    ).all()


def _answered(connection: sa.Connection, row: Any, now: datetime, cursor: Any = None, **values: Any) -> None:
    """A question was answered. When it is next due stays, where a hint has asked for an answer newer than this one."""
    this = sa.update(polls).where(polls.c.id == row.id)
    connection.execute(this.values(last_at=now, failures=0, error="", cursor=cursor))
    connection.execute(this.where(polls.c.due_at == row.due_at).values(**values))


def again(raw: Raw, now: datetime) -> Raw:
    """A change of what a carrier answers, as an event of its own, for it may be a change back (STATUS.md 3)."""
    return replace(raw, dedupe_key=f"{raw.dedupe_key}|{now.isoformat()}")


def _due_too_late(now: datetime) -> sa.Update:
    """What is due later than its own pace allows (the clock was ahead for a while) is due now."""
    due = sa.type_coerce(polls.c.due_at, sa.BigInteger)  # microseconds, as they are stored
    beyond = due - sa.cast(polls.c.every, sa.BigInteger) * 1_000_000
    tomorrow = round((now + DAILY).timestamp() * 1_000_000)
    return sa.update(polls).where(sa.text("polls.state = 0"), beyond > tomorrow).values(due_at=now)


def _touch(connection: sa.Connection, dialect: str, name: str, **values: Any) -> None:
    connection.execute(insert_new(connections, dialect).values(tenant=TENANT, name=name))
    connection.execute(sa.update(connections).where(connections.c.name == name).values(**values))


def _phones(connection: sa.Connection, refs: Sequence[str]) -> dict[str, str]:
    """The recipient's phone for each number, where an order tells it: it unlocks details at some carriers."""
    rows = connection.execute(
        sa.select(numbers.c.number, orders.c.doc)
        .join(orders, sa.and_(orders.c.tenant == numbers.c.tenant, orders.c.id == numbers.c.order_id))
        .where(numbers.c.tenant == TENANT, numbers.c.number.in_(refs))
    )
    found = {}
    for row in rows:
        snapshot = load(row.doc).snapshot
        if snapshot is not None:
            address = snapshot.address.phone if snapshot.address else ""
            found[row.number] = address or snapshot.customer.phone
    return found


def standing_polls(world: World, now: datetime) -> Sequence[dict[str, Any]]:
    """What is asked again and again, for each connection."""
    reachable = world.config.hub.public_url is not None
    rows = []
    for name, each in world.config.connections.items():
        every: timedelta | None = None
        if each.kind == "platform":
            own = each.poll_every or world.platform(name).poll_every
            every = own if reachable or each.poll_every else min(own, UNREACHABLE_EVERY)
        elif each.kind == "channel":
            own_pace = world.channel(name).asks_every(world.webhook_url(name))
            every = (each.poll_every or own_pace) if own_pace else None
        if every is not None:
            rows.append(_standing(name, "list" if each.kind == "platform" else "channel", every, now))
        rows.append(_standing(name, "health", DAILY, now))
    return rows


def _standing(name: str, kind: str, every: timedelta, now: datetime) -> dict[str, Any]:
    return {
        "tenant": TENANT,
        "slot": slot_of(name),
        "connection": name,
        "kind": kind,
        "ref": "",
        "due_at": now,
        "state": 0,
        "every": int(every.total_seconds()) or 1,
    }
