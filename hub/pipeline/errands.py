"""The drain that does what is to be done outside beside messages: calls of targets, and what is written into shops.

The discipline is the outbox's (`deliver`): no transaction is open while somebody is spoken to; an errand is committed
*on the wire* before the first byte leaves, and never more of them than the connection may be asked at once; what was
on the wire when the hub stopped is counted and tried again under the same key.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from random import uniform
from typing import Any

import sqlalchemy as sa

from hub.clock import Clock, pause
from hub.plugin import (
    CouponWish,
    FailureError,
    Permanent,
    Platform,
    TagScope,
    TagWish,
    Target,
    TargetAnswer,
    TargetCall,
    Unknown,
    WriteBack,
    WriteBackStatus,
)
from hub.plugin.http import client_state
from hub.store.coupons import coupon_code, give_back, reserve
from hub.store.database import Database, is_trouble, upsert
from hub.store.errands import EMPTIED, STOPPED, ready_errands
from hub.store.links import link_secret
from hub.store.tables import ALL_SLOTS, TENANT, Slots, connections, errands, timeline, timers

from .around import LEASE
from .crash import crash_point
from .deliver import KEPT, RECORD_AGAIN, SLACK
from .errand import Verdict, after_cooling, after_failure, after_removal
from .failing import left_alone
from .outbox import owner
from .plain import to_plain
from .record import pause_connection, resume_connection
from .world import World

log = logging.getLogger("hub.errands")

TOO_MANY = "no coupon: there were as many as 'at_most' allows"
FEW = 50
"""How many errands of one connection that cannot be asked now are put off at once."""
ASKS = {"call": 1, "write_back": 3, "coupon": 2, "tag": 2}
"""How many whole exchanges with the other side one errand may take; what is over before its lease is."""


@dataclass(slots=True)
class _Look:
    """What becomes of the due errands: those that leave now, and those of which something else is known."""

    leaving: list[Any] = field(default_factory=list)
    rests: list[tuple[Any, Verdict]] = field(default_factory=list)
    secret: bytes = b""
    """With which the codes of coupons are made, where there is one among them."""


class ErrandDrain:
    """Does due errands. `drain()` returns once nothing is due that could be done now; what is on the wire goes on.
    `wake` is called when a connection has room again, `told` when a run is to hear what became of its errand."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        world: Callable[[], World],
        wake: Callable[[], None],
        told: Callable[[], None],
        *,
        jitter: bool = True,
    ) -> None:
        self.db, self.clock, self.world, self.wake, self.told = db, clock, world, wake, told
        self.me = owner()
        self.jitter = jitter
        self.on_wire: dict[asyncio.Task[None], Any] = {}
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self.secret = b""
        """With which the codes of coupons are made."""
        self.deciding = asyncio.Lock()
        """Held from the look at what is due until what leaves is on its way: its holder finds nothing in between."""

    async def recover(self) -> int:
        """After a start: what another process left on the wire may have been done."""
        return await self._reclaim(errands.c.owner != self.me, "the hub stopped while it was on the wire")

    async def _reclaim(self, whose: Any, reason: str) -> int:
        rows = await self.db.read(
            lambda connection: connection.execute(
                sa.select(errands).where(errands.c.tenant == TENANT, sa.text("errands.state = 'on_wire'"), whose)
            ).all()
        )
        held = {row.id for row in self.on_wire.values()}
        lost = [row for row in rows if row.id not in held]
        for row in lost:
            await self._record(self.world(), row, FailureError(Unknown(reason)))
        return len(lost)

    async def drain(self, slots: Slots = ALL_SLOTS) -> int:
        """Do what can be done now; returns how many errands left or were decided on."""
        total = await self._reclaim(errands.c.lease_until < self.clock.now(), "its outcome could not be recorded")
        while True:
            async with self.deciding:
                done = await self._some(slots)
            if not done:
                return total
            total += done

    async def settle(self) -> None:
        """Wait until what is on the wire now has landed."""
        if self.on_wire:
            await asyncio.wait(list(self.on_wire))

    # -- before the wire

    async def _some(self, slots: Slots) -> int:
        world, now = self.world(), self.clock.now()
        look = await self.db.read(lambda connection: self._look(connection, world, now, slots))
        if not look.leaving and not look.rests:
            return 0
        leaving = await self.db.write(lambda connection: self._commit(connection, look, world, now))
        self.secret = look.secret or self.secret
        crash_point("after-claim")
        for row in leaving:
            task = asyncio.create_task(self._send(world, row))
            self.on_wire[task] = row
            task.add_done_callback(self._landed)
        return len(look.leaving) + len(look.rests)

    def _look(self, connection: sa.Connection, world: World, now: datetime, slots: Slots) -> _Look:
        look, used = _Look(), Counter(row.connection for row in self.on_wire.values())
        if world.shadow:
            return look  # what was asked for live waits until the hub is live again
        paused = _paused(connection, now)
        due = sa.select(errands).where(*ready_errands(slots), errands.c.due_at <= now)
        due = due.order_by(errands.c.due_at, errands.c.id)
        asked = [*world.of_kind("platform"), *world.of_kind("target")]
        for name in asked:
            adapter = world.adapters[name]
            mine = due.where(errands.c.connection == name)
            state = client_state(adapter.client)
            if name in paused:
                until, why = paused[name]
                rows = connection.execute(mine.limit(FEW)).all()
                look.rests += [(row, Verdict("due", why, until, counts=False)) for row in rows]
            elif state.open and state.retry_at is not None and state.retry_at > now:
                rows = connection.execute(mine.limit(FEW)).all()
                look.rests += [(row, after_cooling(state.retry_at, since=_since(row), now=now)) for row in rows]
            elif (free := adapter.limits.concurrency - used[name]) > 0:
                look.leaving += connection.execute(mine.limit(free)).all()
        elsewhere = due.where(errands.c.connection.not_in(asked)).limit(FEW)
        look.rests += [(row, after_removal(since=_since(row), now=now)) for row in connection.execute(elsewhere)]
        if any(row.kind == "coupon" for row in look.leaving):
            look.secret = link_secret(connection)
        return look

    def _commit(self, connection: sa.Connection, look: _Look, world: World, now: datetime) -> list[Any]:
        for row, verdict in look.rests:
            self._apply(connection, row, verdict, world, now, was="due")
        leaving = []
        for row in look.leaving:
            if row.kind == "coupon" and not self._may_be_made(connection, row, now):
                self._too_many(connection, row, now)
                continue
            claim = sa.update(errands).where(errands.c.id == row.id, sa.text("errands.state = 'due'"))
            doc = {**row.doc, "since": row.doc.get("since") or now.isoformat()}
            claim = claim.values(
                state="on_wire", reason="", owner=self.me, lease_until=now + LEASE, tries=errands.c.tries + 1, doc=doc
            )
            if connection.execute(claim).rowcount == 1:
                leaving.append(row)
        return leaving

    def _may_be_made(self, connection: sa.Connection, row: Any, now: datetime) -> bool:
        """Whether one more coupon is within bounds; it is counted from now on."""
        doc = row.doc
        at_most = [(scope, most, timedelta(seconds=per)) for scope, most, per in doc["at_most"]]
        return reserve(
            connection, self.db.dialect, row.key,
            customer_id=doc["customer_id"], shop=doc["shop"], at_most=at_most, now=now,
        )  # fmt: skip

    def _too_many(self, connection: sa.Connection, row: Any, now: datetime) -> None:
        """There is no coupon, and that is no failure: the run goes on."""
        which = sa.update(errands).where(errands.c.id == row.id, sa.text("errands.state = 'due'"))
        values = {"state": "done", "reason": TOO_MANY, "finished_at": now, "answer": {"coupon": None}}
        if connection.execute(which.values(**values)).rowcount == 1:
            self.outcomes[row.connection, "done"] += 1
            self._tell_run(connection, row, f"{row.step}: {TOO_MANY}", now)

    # -- on the wire

    async def _send(self, world: World, row: Any) -> None:
        adapter = world.adapters[row.connection]
        crash_point("before-send")
        deadline = adapter.limits.timeout * (2 + ASKS[row.kind]) + SLACK
        try:
            async with asyncio.timeout(deadline.total_seconds()):
                outcome: TargetAnswer | FailureError = await _do(adapter, row, self.secret)
        except FailureError as failure:
            outcome = failure
        except NotImplementedError:
            outcome = FailureError(Permanent(f"{adapter.label} cannot do this"))
        except TimeoutError:
            outcome = FailureError(Unknown("no answer in time"))
        except Exception as error:  # a plugin's bug: it may have been done
            log.warning("connection %s raised %s", row.connection, type(error).__name__)
            outcome = FailureError(Unknown(f"the connection failed: {type(error).__name__}"))
        crash_point("after-send")
        await self._record(world, row, outcome)

    def _landed(self, task: asyncio.Task[None]) -> None:
        self.on_wire.pop(task, None)
        if not task.cancelled() and task.exception() is not None:
            log.error("recording an outcome failed: %s", type(task.exception()).__name__)
        self.wake()
        self.told()

    # -- after the wire

    async def _record(self, world: World, row: Any, outcome: TargetAnswer | FailureError) -> None:
        """Record an outcome. While the database is in trouble it is kept, as the outbox does."""
        crash_point("before-mark")
        for again in range(KEPT, -1, -1):
            try:
                await self.db.write_grouped(
                    lambda connection: self._mark(connection, world, row, outcome, self.clock.now())
                )
                break
            except Exception as error:
                if not again or not is_trouble(error):
                    raise
                log.warning("an outcome cannot be recorded yet (%s); it is tried again", type(error).__name__)
                await pause(RECORD_AGAIN)
        crash_point("after-mark")

    def _mark(
        self, connection: sa.Connection, world: World, left: Any, outcome: TargetAnswer | FailureError, now: datetime
    ) -> None:
        row = connection.execute(sa.select(errands).where(errands.c.id == left.id)).one()
        if row.state != "on_wire":
            return
        if isinstance(outcome, TargetAnswer):
            self._done(connection, row, outcome, now)
            return
        jitter = uniform(0.8, 1.0) if self.jitter else 1.0
        verdict = after_failure(outcome, tries=row.tries, since=_since(row), now=now, jitter=jitter)
        if row.reason == STOPPED and verdict.state == "due":
            verdict = replace(verdict, state="stopped", reason=STOPPED)
        self._apply(connection, row, verdict, world, now, was="on_wire")

    def _done(self, connection: sa.Connection, row: Any, answer: TargetAnswer, now: datetime) -> None:
        doc = {name: value for name, value in row.doc.items() if name not in EMPTIED}
        heard: dict[str, Any] = {"status": answer.status}
        if row.kind == "coupon":
            until = datetime.fromisoformat(row.doc["valid_until"])
            heard = {"coupon": to_plain({"code": coupon_code(self.secret, row.key), "valid_until": until})}
        if row.doc.get("holds"):  # only a run that waits reads it
            heard |= {"text": answer.text} | ({} if answer.json is None else {"json": answer.json})
        values = {"state": "done", "reason": "", "owner": "", "finished_at": now, "doc": doc, "answer": heard}
        connection.execute(sa.update(errands).where(errands.c.id == row.id).values(**values))
        resume_connection(connection, row.connection)
        self.outcomes[row.connection, "done"] += 1
        said = f" ({answer.status})" if row.kind == "call" else ""
        self._tell_run(connection, row, f"{row.step}: done by {row.connection}{said}", now)

    def _apply(
        self, connection: sa.Connection, row: Any, verdict: Verdict, world: World, now: datetime, *, was: str
    ) -> None:
        """Write what an errand becomes that is not done."""
        values: dict[str, Any] = {"state": verdict.state, "reason": verdict.reason, "owner": ""}
        values |= {"due_at": verdict.due_at} if verdict.state == "due" else {"finished_at": now}
        if was == "on_wire" and not verdict.counts:
            values["tries"] = max(row.tries - 1, 0)
        which = sa.update(errands).where(errands.c.id == row.id, errands.c.state == was)
        if connection.execute(which.values(**values)).rowcount != 1:
            return
        if was == "on_wire" or verdict.state == "failed":
            outcome = "paused" if verdict.paused else "again" if verdict.state == "due" else verdict.state
            self.outcomes[row.connection, outcome] += 1
        if verdict.paused:
            pause_connection(connection, self.db.dialect, row.connection, verdict.paused, world, now)
        elif was == "on_wire" and verdict.state == "due":
            left_alone(connection, self.db.dialect, row.connection, world, now)
        if verdict.state == "failed":
            self._failed(connection, row, verdict, now)

    def _failed(self, connection: sa.Connection, row: Any, verdict: Verdict, now: datetime) -> None:
        """Staff are told in the order's turn, where it shows whether the run is parked because of it."""
        if row.kind == "coupon":
            give_back(connection, row.key)
        log.warning("%s of flow %s by %s failed for good", row.step, row.flow, row.connection)
        self._tell_run(connection, row, f"{row.step}: failed at {row.connection}: {verdict.reason}", now)

    def _tell_run(self, connection: sa.Connection, row: Any, text: str, now: datetime) -> None:
        """A line for people, and a timer by which the run hears of it in its order's turn."""
        if not row.order_id.startswith("~"):
            line = {"kind": "errand", "subject": "", "at": now, "recorded_at": now, "doc": {"text": text}}
            connection.execute(sa.insert(timeline).values(tenant=TENANT, order_id=row.order_id, event_id=None, **line))
        timer = {
            "tenant": TENANT, "slot": row.slot, "key": f"errand:{row.key}", "kind": "errand", "ref": row.key,
            "order_id": row.order_id, "due_at": now, "state": 0,
        }  # fmt: skip
        keys, change = ("tenant", "key"), ("due_at", "state")
        connection.execute(upsert(timers, self.db.dialect, keys=keys, change=change), [timer])


async def _do(adapter: Any, row: Any, secret: bytes) -> TargetAnswer:
    """Have it done; `FailureError` when it was not. `secret`: with which the codes of coupons are made."""
    doc = row.doc
    if row.kind == "call":
        if not isinstance(adapter, Target):
            raise FailureError(Permanent(f"'{row.connection}' is no target any more"))
        return await adapter.call(TargetCall(row.key, doc["method"], doc["path"], doc["body"]))
    if not isinstance(adapter, Platform):
        raise FailureError(Permanent(f"'{row.connection}' is no platform any more"))
    if row.kind == "coupon":
        await adapter.make_coupon(_coupon(row, coupon_code(secret, row.key)))
        return TargetAnswer(200)
    if row.kind == "tag":
        if not doc["ref"]:
            raise FailureError(Permanent("the shop does not say whose order it is"))
        await adapter.tag(TagWish(row.key, TagScope(doc["scope"]), doc["ref"], tuple(doc["add"]), tuple(doc["remove"])))
        return TargetAnswer(200)
    wish = WriteBack(
        order_ref=row.order_id.partition(":")[2],
        key=row.key,
        status=WriteBackStatus(doc["status"]) if doc["status"] else None,
        note=doc["note"],
        tracking_number=doc.get("tracking_number", ""),
        tracking_url=doc.get("tracking_url", ""),
        carrier=doc.get("carrier", ""),
    )
    if wish.status is None and not wish.note and not wish.tracking_number:
        raise FailureError(Permanent("there is no tracking number that could be written"))
    await adapter.write_back(wish)
    return TargetAnswer(200)


def _coupon(row: Any, code: str) -> CouponWish:
    percent, amount = (None if row.doc[name] is None else Decimal(row.doc[name]) for name in ("percent", "amount"))
    return CouponWish(row.key, code, datetime.fromisoformat(row.doc["valid_until"]), percent, amount)


def _since(row: Any) -> datetime:
    """When an errand was first tried, or first due."""
    since = row.doc.get("since")
    return datetime.fromisoformat(since) if since else row.created_at


def _paused(connection: sa.Connection, now: datetime) -> dict[str, tuple[datetime, str]]:
    rows = connection.execute(
        sa.select(connections).where(connections.c.paused != "", connections.c.paused_until > now)
    )
    return {row.name: (row.paused_until, row.paused) for row in rows}
