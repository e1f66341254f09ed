"""The drain that delivers: guards, *on the wire* committed, handed over, outcome recorded.

No transaction is open while a channel is spoken to. A message is claimed and committed *on the wire* in one step, and
never more of them than the channels can take at that moment; so a crash can repeat at most what was on the wire, and
each of those is counted as `unknown` when the hub comes back.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from hub.clock import Clock
from hub.plugin import Accepted, Duplicate, FailureError, Outcome, Unknown
from hub.plugin.http import client_state
from hub.store.database import Database, insert_new
from hub.store.tables import TENANT, attempts, connections, contacts, links, messages, slot_of, suppressions

from .after import Attempted, Verdict, after
from .crash import crash_point
from .outbox import LEASE, Capacity, Departure, Outbox, look, owner
from .plain import key_of
from .unheard import unheard_rows
from .world import World

log = logging.getLogger("hub.deliver")

SLACK = timedelta(seconds=5)
"""How much longer than its channel's own time-out an attempt may take before it is given up as unknown."""


class DeliverDrain:
    """Takes due messages to their channels. `drain()` returns once nothing is due that could leave now; what is on
    the wire goes on and calls `wake` when it is done."""

    def __init__(
        self, db: Database, clock: Clock, world: Callable[[], World], wake: Callable[[], None], jitter: bool = True
    ) -> None:
        self.db, self.clock, self.world, self.wake = db, clock, world, wake
        self.me = owner()
        self.jitter = jitter
        self.on_wire: dict[asyncio.Task[None], Departure] = {}
        self.outcomes: Counter[tuple[str, str]] = Counter()

    async def recover(self) -> int:
        """After a start: what another process left on the wire may have gone. Each is counted as `unknown`."""
        rows = await self.db.read(
            lambda connection: connection.execute(
                sa.select(messages).where(sa.text("messages.state = 'on_wire'"), messages.c.owner != self.me)
            ).all()
        )
        world = self.world()
        for row in rows:
            await self._record(
                world, _Left(row, row.connection, 0), Unknown("the hub stopped while it was on the wire")
            )
        return len(rows)

    async def drain(self) -> int:
        """Send what can leave now; returns how many left or were decided otherwise."""
        total = 0
        while True:
            world, now = self.world(), self.clock.now()
            capacity = self._capacity(world)
            outbox = await self.db.read(lambda c, w=world, n=now, k=capacity: look(c, w, n, k))  # type: ignore[misc]
            done = len(outbox.departures) + len(outbox.changes)
            if not done:
                return total
            total += done
            leaving = await self.db.write(lambda c, o=outbox, w=world, n=now: self._commit(c, o, w, n))  # type: ignore[misc]
            crash_point("after-claim")
            for departure in leaving:
                task = asyncio.create_task(self._send(world, departure))
                self.on_wire[task] = departure
                task.add_done_callback(self._landed)

    async def settle(self) -> None:
        """Wait until nothing is on the wire."""
        while self.on_wire:
            await asyncio.wait(list(self.on_wire))

    def _landed(self, task: asyncio.Task[None]) -> None:
        self.on_wire.pop(task, None)
        if not task.cancelled() and task.exception() is not None:
            log.error("recording an outcome failed: %s", type(task.exception()).__name__)
        self.wake()

    def _capacity(self, world: World) -> Capacity:
        used = Counter(departure.connection for departure in self.on_wire.values())
        free, cooling = {}, {}
        for name in world.of_kind("channel"):
            channel = world.channel(name)
            free[name] = channel.limits.concurrency - used[name]
            breaker = client_state(channel.client)
            if breaker is not None and breaker.open and breaker.retry_at is not None:
                cooling[name] = breaker.retry_at
        busy = frozenset(d.message.order_id for d in self.on_wire.values() if d.message.order_id)
        return Capacity(free, busy, cooling)

    # -- before the wire

    def _commit(self, connection: sa.Connection, outbox: Outbox, world: World, now: datetime) -> list[Departure]:
        for message_id, values in outbox.changes:
            connection.execute(_if_due(message_id).values(**values))
        leaving = []
        for departure in outbox.departures:
            doc = {
                **departure.message.doc,
                "first_try_at": departure.message.doc.get("first_try_at") or now.isoformat(),
            }
            claim = _if_due(departure.message.id).values(
                state="on_wire", owner=self.me, lease_until=now + LEASE, connection=departure.connection,
                tries=messages.c.tries + 1, doc=doc,
            )  # fmt: skip
            if connection.execute(claim).rowcount != 1:
                continue
            content = {"subject": departure.outgoing.subject, "text": departure.outgoing.text}
            row = connection.execute(
                sa.insert(attempts).values(
                    tenant=TENANT,
                    message_id=departure.message.id,
                    connection=departure.connection,
                    key=departure.outgoing.key,
                    address_hash=departure.address_hash,
                    content=content,
                    started_at=now,
                )
            )
            departure.attempt_id = row.inserted_primary_key[0]  # type: ignore[index]
            if departure.links:
                connection.execute(insert_new(links, self.db.dialect), departure.links)
            leaving.append(departure)
        for row in outbox.unheard:
            self._unheard(connection, row, world, now)
        return leaving

    def _unheard(self, connection: sa.Connection, row: Any, world: World, now: datetime) -> None:
        """Nobody could be reached: failing over never hides the failure."""
        rows = unheard_rows(row, world, now)
        if rows is None:
            return
        from hub.store.tables import escalations, timers

        connection.execute(insert_new(escalations, self.db.dialect).values(**rows.escalation))
        for each in rows.messages:
            connection.execute(insert_new(messages, self.db.dialect).values(**each))
        for timer in rows.timers:
            connection.execute(insert_new(timers, self.db.dialect).values(**timer))

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
        await self._record(world, _Left(departure.message, departure.connection, departure.attempt_id), outcome)

    # -- after the wire

    async def _record(self, world: World, left: "_Left", outcome: Outcome) -> None:
        kind = type(outcome).__name__.lower()
        self.outcomes[left.connection, kind] += 1
        crash_point("before-mark")
        await self.db.write_grouped(lambda connection: self._mark(connection, world, left, outcome, kind))
        crash_point("after-mark")

    def _mark(self, connection: sa.Connection, world: World, left: "_Left", outcome: Outcome, kind: str) -> None:
        row = connection.execute(sa.select(messages).where(messages.c.id == left.row.id)).one()
        if row.state != "on_wire":
            return
        now = self.clock.now()
        self._mark_attempt(connection, left, outcome, kind, now)
        if left.connection not in world.adapters:
            verdict = Verdict(state=_due(), reason="the channel is gone", due_at=now, next_channel=True)
        else:
            verdict = after(outcome, self._attempted(world, row, left.connection, now))
        self._apply(connection, row, left.connection, verdict, kind, world, now)

    def _mark_attempt(
        self, connection: sa.Connection, left: "_Left", outcome: Outcome, kind: str, now: datetime
    ) -> None:
        values: dict[str, Any] = {"outcome": kind, "finished_at": now, "reason": getattr(outcome, "reason", "")}
        if isinstance(outcome, Accepted | Duplicate):
            values["provider_id"] = outcome.provider_id
        which = (
            attempts.c.id == left.attempt_id
            if left.attempt_id
            else sa.and_(attempts.c.message_id == left.row.id, attempts.c.outcome == "")
        )
        connection.execute(sa.update(attempts).where(which).values(**values))

    def _attempted(self, world: World, row: Any, connection: str, now: datetime) -> Attempted:
        channel, doc = world.channel(connection), row.doc
        first = doc.get("first_try_at")
        return Attempted(
            now=now,
            tries=max(row.tries, 1),
            first_try_at=datetime.fromisoformat(first) if first else now,
            others=bool(self._others(world, row, connection)),
            honours_keys=channel.honours_keys,
            receipts=channel.receipts,
            receipt_wait=timedelta(0)
            if doc.get("urgent")
            else world.config.contact.receipt.get(connection, channel.receipt_wait),
            uncertain=world.connection(connection).uncertain,
            unknowns=doc.get("unknowns", 0),
            jitter=random.uniform(0.8, 1.2) if self.jitter else 1.0,
        )

    def _others(self, world: World, row: Any, connection: str) -> list[str]:
        via = row.doc.get("via", "default")
        names = world.config.contact.routes.get(via, ()) if isinstance(via, str) else via
        done = {connection, *row.doc.get("tried", ())}
        return [name for name in names if name not in done]

    def _apply(
        self,
        connection: sa.Connection,
        row: Any,
        channel: str,
        verdict: Verdict,
        kind: str,
        world: World,
        now: datetime,
    ) -> None:
        doc: dict[str, Any] = dict(row.doc)
        values: dict[str, Any] = {"state": verdict.state.value, "reason": verdict.reason, "owner": ""}
        if kind == "unknown":
            doc["unknowns"] = doc.get("unknowns", 0) + 1
        if verdict.state.value == "due":
            values |= {"due_at": verdict.due_at or now}
            if not verdict.counts:
                values["tries"] = max(row.tries - 1, 0)
            if verdict.next_channel:
                doc |= {"tried": [*doc.get("tried", ()), channel], "first_try_at": None}
                values |= {"tries": 0, "connection": ""}
        else:
            values["finished_at"] = now
        connection.execute(sa.update(messages).where(messages.c.id == row.id).values(**values, doc=doc))
        self._address(connection, row, channel, verdict, now)
        if verdict.paused:
            self._pause(connection, channel, verdict, world, now)
        elif kind in ("accepted", "duplicate"):
            connection.execute(
                sa.update(connections)
                .where(connections.c.name == channel, connections.c.paused != "")
                .values(paused="")
            )

    def _address(self, connection: sa.Connection, row: Any, channel: str, verdict: Verdict, now: datetime) -> None:
        if verdict.dead:
            hashes = connection.execute(
                sa.select(attempts.c.address_hash).where(
                    attempts.c.message_id == row.id, attempts.c.connection == channel
                )
            )
            for each in {found.address_hash for found in hashes if found.address_hash}:
                values = {
                    "tenant": TENANT,
                    "channel": channel,
                    "address_hash": each,
                    "reason": verdict.reason,
                    "at": now,
                }
                connection.execute(insert_new(suppressions, self.db.dialect).values(**values))
        if verdict.closed and row.customer_id:
            where = (contacts.c.customer_id == row.customer_id, contacts.c.channel == channel)
            connection.execute(sa.update(contacts).where(*where).values(state="closed", reason=verdict.reason, at=now))

    def _pause(self, connection: sa.Connection, name: str, verdict: Verdict, world: World, now: datetime) -> None:
        """Our own fault: the connection pauses, no attempt is used up, staff are told once per pause."""
        row = connection.execute(sa.select(connections).where(connections.c.name == name)).first()
        fresh = row is None or not row.paused
        values = {"paused": verdict.paused, "paused_until": verdict.due_at}
        if row is None:
            connection.execute(sa.insert(connections).values(tenant=TENANT, name=name, paused_at=now, **values))
        else:
            changed = {**values, "paused_at": now} if fresh else values
            connection.execute(sa.update(connections).where(connections.c.name == name).values(**changed))
        if fresh:
            tell_staff_paused(connection, self.db.dialect, name, verdict.paused, world, now)


class _Left:
    """A message that was on the wire, and the attempt it was (0: not known any more)."""

    def __init__(self, row: Any, connection: str, attempt_id: int) -> None:
        self.row, self.connection, self.attempt_id = row, connection, attempt_id


def _due() -> Any:
    from .states import MessageState

    return MessageState.DUE


def _if_due(message_id: int) -> Any:
    return sa.update(messages).where(messages.c.id == message_id, sa.text("messages.state = 'due'"))


def tell_staff_paused(
    connection: sa.Connection, dialect: str, name: str, reason: str, world: World, now: datetime
) -> None:
    """The people who look after connections hear of a pause, by every channel of theirs but the paused one."""
    rung = _caretakers(world)
    if rung is None:
        return
    for person in rung.people:
        row = {
            "tenant": TENANT,
            "slot": slot_of(name),
            "key": key_of(TENANT, "paused", name, now.isoformat(), person),
            "template": "staff-connection-paused",
            "cls": "transactional",
            "recipient": f"staff:{person}",
            "state": "due",
            "due_at": now,
            "created_at": now,
            "doc": {
                "via": [each for each in rung.via if each != name],
                "urgent": True,
                "extra": {"connection": paused_names(name, reason, world)},
            },
        }
        connection.execute(insert_new(messages, dialect).values(**row))


def paused_names(name: str, reason: str, world: World) -> Mapping[str, Any]:
    """`connection`, as the text for staff reads it."""
    each = world.config.connections.get(name)
    return {"name": name, "kind": each.kind if each else "", "plugin": each.plugin if each else "", "error": reason}


def _caretakers(world: World) -> Any:
    staff = world.config.staff
    return next((staff[name] for name in ("integrator", "manager") if name in staff), next(iter(staff.values()), None))
