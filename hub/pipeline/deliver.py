"""The drain that delivers: guards, *on the wire* committed, handed over, outcome recorded.

No transaction is open while a channel is spoken to. A message is claimed and committed *on the wire* in one step, and
never more of them than the channels can take at that moment; so a crash can repeat at most what was on the wire, and
each of those is counted as `unknown` when the hub comes back.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa

from hub.clock import Clock, pause
from hub.plugin import Accepted, Duplicate, FailureError, Outcome, Transient, Unknown
from hub.plugin import Config as OurFault
from hub.plugin.http import client_state
from hub.store.database import Database, is_trouble, upsert
from hub.store.tables import ALL_SLOTS, TENANT, Slots, attempts, links, messages, orders, timers

from .alarms import alarm_of, matter_of
from .around import LEASE, Capacity, Departure, Outbox
from .breaker import COUNTED, add_sent, hold
from .crash import crash_point
from .gone import is_one_too_many, lock_customers
from .listen import message_moved
from .matters import open_matter, shop_of_matter
from .outbox import look, owner
from .record import Left, Recorder
from .shadow import SHADOW
from .unheard import unheard_rows
from .world import World

log = logging.getLogger("hub.deliver")

SLACK = timedelta(seconds=5)
"""How much longer than its channel's own time-out an attempt may take before it is given up as unknown."""
TOGETHER = 0.02
"""Seconds that a place which has become free waits for others, while more than half of its channel's are taken."""
RECORD_AGAIN = 0.5
"""Seconds after which an outcome that could not be recorded is tried again; the database itself waits some as well."""
KEPT = 30
"""How often; after that its lease decides."""


class DeliverDrain:
    """Takes due messages to their channels. `drain()` returns once nothing is due that could leave now; what is on
    the wire goes on and calls `wake` when it is done."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        world: Callable[[], World],
        wake: Callable[[], None],
        *,
        jitter: bool = True,
    ) -> None:
        self.db, self.clock, self.world, self.wake = db, clock, world, wake
        self.me = owner()
        self.recorder = Recorder(db.dialect, jitter)
        self.on_wire: dict[asyncio.Task[None], Departure] = {}
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self.trouble: dict[str, str] = {}
        """Channel → why it last failed for a reason that may pass."""
        self.deciding = asyncio.Lock()
        """Held from the look at the outbox until what leaves is on its way: its holder finds nothing in between."""

    async def recover(self) -> int:
        """After a start: what another process left on the wire may have gone. Each is counted as `unknown`."""
        return await self._reclaim(messages.c.owner != self.me, "the hub stopped while it was on the wire")

    async def free(self) -> None:
        """Messages that were meant for a channel that is gone from the file are anybody's again."""
        channels = ["", *self.world().of_kind("channel")]
        stranded = sa.update(messages).where(sa.text("messages.state = 'due'"), messages.c.connection.not_in(channels))
        await self.db.write(lambda connection: connection.execute(stranded.values(connection="", tries=0)))

    async def _reclaim(self, whose: Any, reason: str) -> int:
        """Messages on the wire that nobody holds any more."""
        rows = await self.db.read(
            lambda connection: connection.execute(
                sa.select(messages).where(sa.text("messages.state = 'on_wire'"), whose)
            ).all()
        )
        held = {departure.message.id for departure in self.on_wire.values()}
        lost = [row for row in rows if row.id not in held]
        for row in lost:
            await self._record(self.world(), Left(row, row.connection, 0), Unknown(reason))
        return len(lost)

    async def drain(self, slots: Slots = ALL_SLOTS) -> int:
        """Send what can leave now; returns how many left or were decided otherwise."""
        total = await self._reclaim(messages.c.lease_until < self.clock.now(), "its outcome could not be recorded")
        while True:
            async with self.deciding:
                done = await self._some(slots)
            if not done:
                return total
            total += done

    async def _some(self, slots: Slots) -> int:
        world, now = self.world(), self.clock.now()
        capacity = self._capacity(world, slots)
        outbox = await self.db.read(lambda connection: look(connection, world, now, capacity))
        done = len(outbox.departures) + len(outbox.changes)
        if not done:
            return 0
        leaving = await self.db.write(lambda connection: self._commit(connection, outbox, world, now))
        crash_point("after-claim")
        for departure in leaving:
            task = asyncio.create_task(self._send(world, departure))
            self.on_wire[task] = departure
            places = world.channel(departure.connection).limits.concurrency
            task.add_done_callback(partial(self._landed, places))
        return done

    async def settle(self) -> None:
        """Wait until what is on the wire now has landed."""
        if self.on_wire:
            await asyncio.wait(list(self.on_wire))

    def _landed(self, places: int, task: asyncio.Task[None]) -> None:
        departure = self.on_wire.pop(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("recording an outcome failed: %s", type(task.exception()).__name__)
        taken = sum(each.connection == departure.connection for each in self.on_wire.values())
        if taken <= places // 2:
            self.wake()
        else:  # a look costs much the same for one place as for four; those that land meanwhile share it
            asyncio.get_running_loop().call_later(TOGETHER, self.wake)

    def _capacity(self, world: World, slots: Slots) -> Capacity:
        used = Counter(departure.connection for departure in self.on_wire.values())
        free, cooling = {}, {}
        for name in world.of_kind("channel"):
            channel = world.channel(name)
            free[name] = channel.limits.concurrency - used[name]
            breaker = client_state(channel.client)
            if breaker is not None and breaker.open and breaker.retry_at is not None:
                cooling[name] = breaker.retry_at
        busy = frozenset(d.message.order_id for d in self.on_wire.values() if d.message.order_id)
        return Capacity(free, busy, cooling, slots)

    # -- before the wire

    def _commit(self, connection: sa.Connection, outbox: Outbox, world: World, now: datetime) -> list[Departure]:
        for message_id, values in outbox.changes:
            if connection.execute(_if_due(message_id).values(**values)).rowcount:
                message_moved(connection, self.db.dialect, world, message_id, values.get("state", ""), now)
        leaving, counted = [], []
        limited = {departure.message.customer_id for departure in outbox.departures if departure.limits}
        lock_customers(connection, self.db.dialect, limited)
        for departure in outbox.departures:
            if not _still_so(connection, departure):
                continue  # its order changed since the look: it is looked at again
            if departure.limits and is_one_too_many(connection, departure.limits, departure.message, now):
                continue  # something else went out to its customer since
            doc = {
                **departure.message.doc,
                "first_try_at": departure.message.doc.get("first_try_at") or now.isoformat(),
                "others": departure.others,
                "entry": departure.entry,
                "stands_by": departure.stands_by,
                **({"promise": departure.promise.to_json()} if departure.promise is not None else {}),
                COUNTED: True,
            }
            if departure.message.shadow:
                if self._record_shadow(connection, departure, doc, world, now):
                    counted.append(departure.message)
                    self._alarms(connection, departure, world, now)
                continue
            claim = {
                "which": departure.message.id, "owner": self.me, "lease_until": now + LEASE,
                "connection": departure.connection, "doc": doc,
            }  # fmt: skip
            if connection.execute(_CLAIM, claim).rowcount != 1:
                continue
            content = {"subject": departure.outgoing.subject, "text": departure.outgoing.text}
            attempt = {
                "tenant": TENANT, "message_id": departure.message.id, "connection": departure.connection,
                "key": departure.outgoing.key, "address_hash": departure.address_hash, "content": content,
                "started_at": now,
            }  # fmt: skip
            row = connection.execute(sa.insert(attempts), attempt)
            departure.attempt_id = row.inserted_primary_key[0]  # type: ignore[index]
            if departure.links:
                # The token of a purpose is the same each time: a new message with it makes it last longer.
                renew = upsert(links, self.db.dialect, keys=("tenant", "token_hash"), change=("expires_at",))
                connection.execute(renew, departure.links)
            self._alarms(connection, departure, world, now)
            self._watch(connection, departure)
            leaving.append(departure)
            counted.append(departure.message)
        add_sent(connection, self.db.dialect, counted, now)
        for flow, pace in outbox.held.items():
            rows = hold(connection, self.db.dialect, flow, pace, world, now)
            if rows is not None:
                open_matter(connection, self.db.dialect, rows, world, now)
        if outbox.look_at:
            ours = (timers.c.tenant == TENANT, timers.c.key.in_(outbox.look_at), sa.text("timers.state = 0"))
            connection.execute(sa.update(timers).where(*ours).values(due_at=now))
        for row in outbox.unheard:
            self._unheard(connection, row, world, now)
        return leaving

    def _watch(self, connection: sa.Connection, departure: Departure) -> None:
        """What it promises is looked at before it runs out."""
        if departure.timer is not None:
            clock = upsert(timers, self.db.dialect, keys=("tenant", "key"), change=("due_at", "state"))
            connection.execute(clock, departure.timer)

    def _record_shadow(
        self, connection: sa.Connection, departure: Departure, doc: Any, world: World, now: datetime
    ) -> bool:
        """It would have left now: it ends here, with all that its reader would have read. Its links open nothing.
        False: something else became of it meanwhile."""
        ends = _if_due(departure.message.id).values(
            state="suppressed", reason=SHADOW, connection=departure.connection, finished_at=now, doc=doc
        )
        if connection.execute(ends).rowcount != 1:
            return False
        self._watch(connection, departure)
        said = departure.outgoing
        content = {"subject": said.subject, "text": said.text, "html": said.html, "form": departure.form}
        connection.execute(
            sa.insert(attempts).values(
                tenant=TENANT, message_id=departure.message.id, connection=departure.connection, key=said.key,
                outcome=SHADOW, content=content, started_at=now, finished_at=now,
            )
        )  # fmt: skip
        message_moved(connection, self.db.dialect, world, departure.message.id, "suppressed", now)
        return True

    def _unheard(self, connection: sa.Connection, row: Any, world: World, now: datetime) -> None:
        """Nobody could be reached: failing over never hides the failure."""
        rows = unheard_rows(row, world, now)
        if rows is not None:
            open_matter(connection, self.db.dialect, rows, world, now)

    def _alarms(self, connection: sa.Connection, departure: Departure, world: World, now: datetime) -> None:
        """Somebody is called about the policies that it has broken by leaving."""
        for each in departure.breaks:
            alarm = alarm_of(each, departure.message)
            rows = matter_of(alarm, world, now, shop_of_matter({"order_id": alarm.order_id}, world))
            open_matter(connection, self.db.dialect, rows, world, now)

    # -- on the wire

    async def _send(self, world: World, departure: Departure) -> None:
        channel = world.channel(departure.connection)
        crash_point("before-send")
        deadline = (channel.limits.timeout * 3 + SLACK).total_seconds()
        try:
            async with asyncio.timeout(deadline):
                outcome: Outcome = await channel.send(departure.outgoing)
        except FailureError as failure:
            outcome = failure.outcome
        except TimeoutError:
            outcome = Unknown("no answer in time")
        except Exception as error:  # a plugin's bug: the message may have gone
            log.warning("channel %s raised %s", departure.connection, type(error).__name__)
            outcome = Unknown(f"the channel failed: {type(error).__name__}")
        crash_point("after-send")
        left = Left(departure.message, departure.connection, departure.attempt_id, departure.outgoing.to)
        await self._record(world, left, outcome)

    # -- after the wire

    async def _record(self, world: World, left: Left, outcome: Outcome) -> None:
        self.outcomes[left.connection, type(outcome).__name__.lower()] += 1
        self._log(left.connection, outcome)
        crash_point("before-mark")
        await self._mark(world, left, outcome)
        crash_point("after-mark")

    def _log(self, connection: str, outcome: Outcome) -> None:
        """A channel in trouble is logged when that begins, and not for each message."""
        if isinstance(outcome, OurFault) or (isinstance(outcome, Transient) and not outcome.unsent):
            if self.trouble.get(connection) != outcome.reason:
                log.warning("sending by %s failed: %s", connection, outcome.reason)
            self.trouble[connection] = outcome.reason
        elif isinstance(outcome, Accepted | Duplicate):
            self.trouble.pop(connection, None)

    async def _mark(self, world: World, left: Left, outcome: Outcome) -> None:
        """Record an outcome. While the database is in trouble it is kept: forgotten, the message would go again."""
        for again in range(KEPT, -1, -1):
            try:
                await self.db.write_grouped(
                    lambda connection: self.recorder.mark(connection, world, left, outcome, self.clock.now())
                )
                return
            except Exception as error:
                if not again or not is_trouble(error):
                    raise
                log.warning("an outcome cannot be recorded yet (%s); it is tried again", type(error).__name__)
                await pause(RECORD_AGAIN)
        raise AssertionError("unreachable")


_REV = sa.select(orders.c.rev).where(orders.c.tenant == TENANT, orders.c.id == sa.bindparam("order_id"))


def _still_so(connection: sa.Connection, departure: Departure) -> bool:
    """Whether the order is what the guards saw when they let the message go."""
    if not departure.rev:
        return True
    return bool(connection.execute(_REV, {"order_id": departure.message.order_id}).scalar() == departure.rev)


_CLAIM = (
    sa.update(messages)
    .where(messages.c.id == sa.bindparam("which"), sa.text("messages.state = 'due'"))
    .values(state="on_wire", tries=messages.c.tries + 1)
)


def _if_due(message_id: int) -> Any:
    return sa.update(messages).where(messages.c.id == message_id, sa.text("messages.state = 'due'"))
