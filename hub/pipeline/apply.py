"""The drain that normalises, applies and reacts: raw events in, statuses, runs, messages and timers out.

A batch is read and computed outside the writer, and written whole in one transaction: all of it happened, or none. It
is cut by time, so that waiting requests go first. A batch that fails is taken again one event at a time, and the bad
one becomes a dead letter; nothing else waits for it.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hub.clock import Clock, monotonic
from hub.model import (
    ChannelClosed,
    Checkpoint,
    Linked,
    Merged,
    OrderSnapshot,
    OwnEvent,
    ParcelNews,
    Receipt,
    RefKind,
    Removed,
    Reply,
    Reread,
    Retraction,
    StatusEvent,
)
from hub.status import Mode
from hub.store.database import Database, is_trouble
from hub.store.tables import ALL_SLOTS, TENANT, Slots, in_slots, inbox, meta, numbers, orders, timers

from .appointments import read_homes
from .batch import Batch, Event, Wanted
from .crash import crash_point
from .fault import fault
from .loading import load_orders
from .orders import claims_at_homes, plan_order
from .own_events import placed as placed_own
from .reading import Reader, StuckError
from .world import World
from .write import StaleError, write_batch

log = logging.getLogger("hub.apply")

BATCH = 200
SMALLEST = 20
MOST_MISSING = 20
"""How many unknown orders and parcels an event may wait for; one that speaks of more is a dead letter."""
TRYING = "trying"
"""The key under which the event is noted that is being tried after a start."""
CAREFUL = 50
"""How many events that wait at a start are taken one by one."""
MOST_TRIES = 5
"""A hub that is killed from outside again and again dies over an innocent event too; two deaths prove nothing."""
BUDGET = 0.010
"""Seconds that deciding a batch should take: batches grow and shrink towards it, so that requests come in between."""


class ApplyDrain:
    """`drain()` does everything due: pending events first, then due timers of runs. Idempotent."""

    def __init__(self, db: Database, clock: Clock, world: Callable[[], World]) -> None:
        self.db, self.clock, self.world = db, clock, world
        self.size = SMALLEST
        """How many events the next batch reads: as many as the last ones could decide within the budget."""
        self.deciding = asyncio.Lock()
        """Held from reading a batch to its being written: no other configuration goes live in between."""
        self.slots = ALL_SLOTS
        self.reader = Reader()
        self.tried_before = False
        self.timers_first = False
        """Whose turn it is to be decided first, so that a crowd of the ones never keeps the others waiting."""

    async def drain(self, slots: Slots = ALL_SLOTS) -> int:
        """Work until nothing is pending in these slots; returns how many events and timers were done."""
        self.slots = slots
        if not self.tried_before:
            async with self.deciding:
                await self._carefully()
            self.tried_before = True
        total = 0
        while True:
            async with self.deciding:
                done = await self._batch(self.size)
            total += done
            if not done:
                return total

    async def _carefully(self) -> None:
        """After a start, the first events one by one, each try noted before: one that killed the hub (its plugin runs
        out of memory, crashes the interpreter) is met again, and after five deaths it is set aside unread."""
        for _ in range(CAREFUL):
            tried = await self.db.write(lambda connection: note_try(connection, self.slots))
            if tried is None:
                break
            event, tries = tried
            if tries > MOST_TRIES:
                log.error("event %d ended the hub %d times and is set aside", event.id, MOST_TRIES)
                reason = f"the hub died {MOST_TRIES} times while it was being applied"
                await self._park(self.world(), self.clock.now(), Taken((event,)), reason)
            else:
                await self._batch(1, timers_first=False)
        await self.db.write(forget_tries)

    async def _batch(self, limit: int, *, timers_first: bool | None = None) -> int:
        world, now, taken = self.world(), self.clock.now(), Taken(slots=self.slots)
        self.timers_first = not self.timers_first
        first = self.timers_first if timers_first is None else timers_first
        try:
            await self.db.read(lambda connection: taken.read(connection, now, limit, timers_first=first))
            if not taken.events and not taken.timers:
                return 0
            taken.said = await self.reader.read(taken.events, world)
            batch = await self.db.read(lambda connection: plan_batch(connection, world, now, taken))
            if limit > 1:
                self.size = next_size(limit, batch.seconds)
            crash_point("after-plan")
            await self.db.write(lambda connection: write_batch(connection, self.db.dialect, batch, world, now))
        except StaleError:
            return 1  # somebody else changed an order meanwhile: read again
        except StuckError as stuck:
            await self._park(world, now, taken.only(stuck.event_id), str(stuck))
            return 1
        except Exception as error:
            if is_trouble(error):
                raise  # of the database's own; it is no event's fault
            if limit == 1:
                log.error("an event or timer cannot be applied and is set aside: %s", fault(error))
                await self._park(world, now, taken, "applying it failed; the log names the error")
                return 1
            log.error("a batch failed, its events are taken one by one: %s", fault(error))
            return await self._one_by_one()
        crash_point("after-apply")
        return batch.size()

    async def _one_by_one(self) -> int:
        done = 0
        for _ in range(BATCH):
            step = await self._batch(1)
            if not step:
                break
            done += step
        return max(done, 1)

    async def _park(self, world: World, now: datetime, taken: "Taken", reason: str) -> None:
        """The single event or timer that makes a batch fail is set aside with its reason."""

        def park(connection: sa.Connection) -> None:
            for row in taken.events:
                write_batch(connection, self.db.dialect, Batch(dead=[(row.id, reason)]), world, now)
            for timer in taken.timers:
                connection.execute(sa.update(timers).where(timers.c.id == timer.id).values(state=9))

        await self.db.write(park)


def note_try(connection: sa.Connection, slots: Slots = ALL_SLOTS) -> tuple[Any, int] | None:
    """The oldest event that waits and how often it is being tried now, noted in the database; None: there is none."""
    event = connection.execute(_pending(1, slots)).first()
    if event is None:
        return None
    noted = connection.execute(sa.select(meta.c.value).where(meta.c.key == TRYING)).scalar() or ""
    which, _, often = noted.partition(":")
    tries = int(often) + 1 if which == str(event.id) else 1
    forget_tries(connection)
    connection.execute(sa.insert(meta).values(key=TRYING, value=f"{event.id}:{tries}"))
    return event, tries


def forget_tries(connection: sa.Connection) -> None:
    """No event is being tried."""
    connection.execute(sa.delete(meta).where(meta.c.key == TRYING))


def next_size(size: int, seconds: float) -> int:
    """How many events the next batch takes, after one of this size took so long."""
    if seconds > BUDGET:
        return max(SMALLEST, size // 2)
    return min(BATCH, size * 2) if seconds < BUDGET / 2 else size


def _pending(limit: int, slots: Slots, *, newest: bool = False) -> sa.Select[Any]:
    order = inbox.c.id.desc() if newest else inbox.c.id
    pending = sa.select(inbox).where(sa.text("inbox.state = 0"), in_slots(inbox.c.slot, slots))
    return pending.order_by(order).limit(limit)


def _of_same_subjects(rows: Sequence[Any], limit: int) -> sa.Select[Any]:
    """What waits of the same orders: what was said of one before (that it was imported, above all) is not passed by."""
    slots, subjects = {row.slot for row in rows}, {row.subject for row in rows}
    same = sa.select(inbox).where(sa.text("inbox.state = 0"), inbox.c.slot.in_(slots), inbox.c.subject.in_(subjects))
    return same.order_by(inbox.c.id).limit(limit)


def _due(now: datetime, limit: int, slots: Slots) -> sa.Select[Any]:
    return (
        sa.select(timers)
        .where(sa.text("timers.state = 0"), timers.c.due_at <= now, in_slots(timers.c.slot, slots))
        .order_by(timers.c.due_at, timers.c.id)
        .limit(limit)
    )


@dataclass(slots=True)
class Taken:
    """What a batch is made of: rows of events and of timers. One of a single thing holds an event or a timer."""

    events: Sequence[Any] = ()
    timers: Sequence[Any] = ()
    timers_first: bool = False
    said: Sequence[Event] = ()
    """The events as their plugins read them."""
    slots: Slots = ALL_SLOTS

    def only(self, event_id: int) -> "Taken":
        """One event of these."""
        return Taken([row for row in self.events if row.id == event_id])

    def read(self, connection: sa.Connection, now: datetime, limit: int, *, timers_first: bool) -> None:
        """Take what is due, the oldest first. A crowd leaves room for some timers, and for the newest events: news of
        today does not wait behind an import (the order of work does not matter to a fold)."""
        self.timers_first = timers_first
        if limit == 1 and timers_first:
            self.timers = connection.execute(_due(now, 1, self.slots)).all()
            if self.timers:
                return
        self.events = connection.execute(_pending(limit, self.slots)).all()
        if len(self.events) == limit > 1:
            newest = connection.execute(_pending(limit // 2, self.slots, newest=True)).all()
            before = connection.execute(_of_same_subjects(newest, limit)).all()
            both = {row.id: row for row in (*self.events[: limit - limit // 2], *newest, *before)}
            self.events = [both[event_id] for event_id in sorted(both)]
        room = max(limit - len(self.events), limit // 4)
        self.timers = connection.execute(_due(now, room, self.slots)).all() if room else ()


def plan_batch(connection: sa.Connection, world: World, now: datetime, taken: Taken) -> Batch:
    """Decide what becomes of what is due; writes nothing."""
    started = monotonic()
    batch = Batch()
    wanted = _sort(taken.said, connection, batch, world)
    later = _refolds_alone(wanted)
    for timer in taken.timers:
        wanted.setdefault(timer.order_id, Wanted()).timers.append(timer)
    if taken.timers_first:
        timed = {timer.order_id: wanted[timer.order_id] for timer in taken.timers}
        wanted = timed | wanted
    read = read_homes(connection, world, {home: want.timers for home, want in wanted.items()}, now)
    loaded = load_orders(connection, world, wanted, claims_at_homes(wanted, read, world, now))
    batch.orders = [plan_order(order_id, want, loaded[order_id], world, now, read) for order_id, want in wanted.items()]
    batch.done += sorted({event.id for want in wanted.values() for event in want.events} - later)
    for plan in batch.orders:
        if plan.homeless:
            told = [event.id for event in wanted[plan.order_id].events if not event.refold]
            batch.dead += [(event_id, plan.homeless) for event_id in told]
    batch.seconds = monotonic() - started
    return batch


def _sort(events: Iterable[Event], connection: sa.Connection, batch: Batch, world: World) -> dict[str, Wanted]:
    """Whom each event speaks of. An event may touch several orders; it counts as done with the first that wants it."""
    wanted: dict[str, Wanted] = {}
    holders = _Numbers(connection)
    known = _Known(connection)
    events = list(events)
    arriving = {
        f"{event.connection}:{record.ref}"
        for event in events
        for record in event.records
        if isinstance(record, OrderSnapshot)
    }
    for event in events:
        if event.error:
            batch.dead.append((event.id, event.error))
            continue
        if event.refold:
            wanted.setdefault(event.subject.removeprefix("refold:"), Wanted()).take(event, ())
            continue
        if event.rewatch:
            batch.rewatch.append(event.body)
            batch.done.append(event.id)
            continue
        if event.news is not None:
            wanted.setdefault(event.subject.removeprefix("news:"), Wanted()).take(event, ())
            continue
        _place(connection, event, batch, wanted, holders, known, arriving, world)
    return wanted


def _refolds_alone(wanted: Mapping[str, Wanted]) -> set[int]:
    """An order whose codes changed their meaning is folded again by itself, for that is silent; what else is told of it
    waits for the next batch. Returns the ids of the events that wait."""
    later: set[int] = set()
    for want in wanted.values():
        if any(event.refold for event in want.events):
            later |= {event.id for event in want.events if not event.refold}
            want.events, want.records = [event for event in want.events if event.refold], []
    return later


def _place(
    connection: sa.Connection,
    event: Event,
    batch: Batch,
    wanted: dict[str, Wanted],
    holders: "_Numbers",
    known: "_Known",
    arriving: set[str],
    world: World,
) -> None:
    placed, missing = False, dict[str, None]()
    for record in event.records:
        match record:
            case OrderSnapshot() | Removed() | Merged() | StatusEvent() | Retraction():
                ref = record.order_ref if isinstance(record, StatusEvent | Retraction) else record.ref
                order_id = f"{event.connection}:{ref}"
                if isinstance(record, OrderSnapshot) or order_id in arriving or known(order_id):
                    wanted.setdefault(order_id, Wanted()).take(event, (record,))
                    placed = True
                else:
                    missing[f"order:{ref}"] = None
                    if isinstance(record, StatusEvent | Retraction):  # else there is nothing left to read
                        batch.rereads.append((event.connection, "order", ref))
            case Checkpoint() | ParcelNews():
                held_by = holders(record.number)
                for order_id in held_by:
                    wanted.setdefault(order_id, Wanted()).take(event, (record,))
                placed = placed or bool(held_by)
                if not held_by:
                    missing[f"parcel:{record.number}"] = None
            case OwnEvent():
                told, unknown = placed_own(
                    connection, record, event.connection, world, holders,
                    lambda order_id: order_id in arriving or known(order_id),
                )  # fmt: skip
                batch.own += told if event.mode is Mode.LIVE else ()  # what is imported is no news
                missing |= {unknown: None} if unknown else {}
            case Reread():
                batch.rereads += _asked(record, event.connection, world, holders)
            case Receipt() | Reply() | Linked() | ChannelClosed():
                batch.channel.append((event, record))
    _wait(event, batch, list(missing), placed=placed)


def _asked(hint: Reread, source: str, world: World, holders: "_Numbers") -> list[tuple[str, str, str]]:
    """Who is asked because of a hint: whoever gave it; about a parcel, of which only carriers know, the one that
    follows its number."""
    if hint.kind is not RefKind.PARCEL:
        return [(source, "order", hint.ref)]
    if not holders(hint.ref):
        return []  # a hint at somebody else's parcel; one of ours is asked about as soon as its order names it
    carrier = source if source in world.of_kind("carrier") else world.carrier_for(hint.ref, "")
    return [(carrier, "parcel", hint.ref)] if carrier else []


def _wait(event: Event, batch: Batch, missing: Sequence[str], *, placed: bool) -> None:
    """What an event says of orders and parcels that nobody knows yet waits for each of them."""
    if len(missing) > MOST_MISSING:
        batch.dead.append((event.id, f"it speaks of {len(missing)} orders or parcels that nobody knows"))
    elif missing and not placed:
        batch.orphans.append((event.id, missing[0]))
        batch.waiting += [(event.id, subject) for subject in missing[1:]]
    else:
        batch.waiting += [(event.id, subject) for subject in missing]
        batch.done += [] if placed else [event.id]


class _Numbers:
    """Number → orders that hold it."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection, self.found = connection, dict[str, tuple[str, ...]]()

    def __call__(self, number: str) -> tuple[str, ...]:
        if number not in self.found:
            rows = self.connection.execute(
                sa.select(numbers.c.order_id).where(numbers.c.tenant == TENANT, numbers.c.number == number)
            )
            self.found[number] = tuple(sorted(row.order_id for row in rows))
        return self.found[number]


class _Known:
    """Whether an order is in the database."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection, self.found = connection, dict[str, bool]()

    def __call__(self, order_id: str) -> bool:
        if order_id not in self.found:
            row = self.connection.execute(
                sa.select(orders.c.id).where(orders.c.tenant == TENANT, orders.c.id == order_id)
            ).first()
            self.found[order_id] = row is not None
        return self.found[order_id]
