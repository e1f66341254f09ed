"""Record what became of an attempt, in one transaction: the message's next state, its address, its connection."""

import random
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from hub.plugin import Accepted, Duplicate, Outcome
from hub.store.database import insert_new, upsert
from hub.store.rows import change_row, rows_of
from hub.store.tables import (
    TENANT,
    InboxState,
    attempts,
    connections,
    contacts,
    inbox,
    messages,
    suppressions,
    timers,
)

from .after import PAUSE, Attempted, Verdict, after
from .failing import left_alone, paused
from .listen import message_moved
from .news import shop_about
from .plain import receipt_subject
from .staff import tell_notice
from .states import MessageState, done_with
from .world import World

_CAME_EARLY = (
    sa.update(inbox)
    .where(sa.text("inbox.state = 2"), inbox.c.tenant == TENANT, inbox.c.subject == sa.bindparam("of"))
    .values(state=InboxState.PENDING)
)
"""Receipts that were faster than the answer."""
_AGAIN = sa.update(connections).where(connections.c.name == sa.bindparam("of"), connections.c.paused != "")
_AGAIN = _AGAIN.values(paused="")


class Left:
    """A message that was on the wire, the attempt it was (0: not known any more), and the address it went to."""

    def __init__(self, row: Any, connection: str, attempt_id: int, to: str = "") -> None:
        self.row, self.connection, self.attempt_id, self.to = row, connection, attempt_id, to


class Recorder:
    """Writes outcomes. `jitter`: whether waits are spread."""

    def __init__(self, dialect: str, jitter: bool) -> None:
        self.dialect, self.jitter = dialect, jitter

    def mark(self, connection: sa.Connection, world: World, left: Left, outcome: Outcome, now: datetime) -> None:
        """What became of a message that was on the wire, on its attempt and on itself."""
        (row,) = rows_of(connection, messages.c.id, [left.row.id])
        kind = type(outcome).__name__.lower()
        if row.state == "on_wire" or left.attempt_id:
            self._mark_attempt(connection, left, outcome, kind, now)
        if row.state != "on_wire":  # a receipt was faster
            return
        if left.connection not in world.adapters:
            verdict = Verdict(MessageState.DUE, "the channel is gone", now, next_channel=True)
        else:
            verdict = after(outcome, self._attempted(world, row, left.connection, now))
        self._apply(connection, row, left, verdict, kind, world, now)

    def _mark_attempt(self, connection: sa.Connection, left: Left, outcome: Outcome, kind: str, now: datetime) -> None:
        values: dict[str, Any] = {"outcome": kind, "finished_at": now, "reason": getattr(outcome, "reason", "")}
        if isinstance(outcome, Accepted | Duplicate):
            values["provider_id"] = outcome.provider_id
        if left.attempt_id:
            change_row(connection, attempts.c.id, left.attempt_id, values)
        else:
            which = sa.and_(attempts.c.message_id == left.row.id, attempts.c.outcome == "")
            connection.execute(sa.update(attempts).where(which).values(**values))
        if values.get("provider_id"):
            early = receipt_subject(left.connection, values["provider_id"])
            connection.execute(_CAME_EARLY, {"of": early})

    def _attempted(self, world: World, row: Any, connection: str, now: datetime) -> Attempted:
        channel, doc = world.channel(connection), row.doc
        first = doc.get("first_try_at")
        contact = world.config.contact_of(shop_about(row.order_id, world))
        return Attempted(
            now=now,
            tries=max(row.tries, 1),
            first_try_at=datetime.fromisoformat(first) if first else now,
            others=bool(doc.get("others")),
            honours_keys=channel.honours_keys,
            receipts=world.gives_receipts(connection),
            receipt_wait=timedelta(0) if doc.get("urgent") else contact.receipt.get(connection, channel.receipt_wait),
            uncertain=world.connection(connection).uncertain,
            unknowns=doc.get("unknowns", 0),
            stands_by=bool(doc.get("stands_by")),
            jitter=random.uniform(0.8, 1.2) if self.jitter else 1.0,
        )

    def _apply(
        self,
        connection: sa.Connection,
        row: Any,
        left: Left,
        verdict: Verdict,
        kind: str,
        world: World,
        now: datetime,
    ) -> None:
        doc: dict[str, Any] = dict(row.doc)
        channel = left.connection
        values: dict[str, Any] = {"state": verdict.state.value, "reason": verdict.reason, "owner": ""}
        if kind == "unknown":
            doc |= {"unknowns": doc.get("unknowns", 0) + 1, "perhaps": channel}
        if verdict.state.value == "due":
            values |= {"due_at": verdict.due_at or now}
            if not verdict.counts:
                values["tries"] = max(row.tries - 1, 0)
            if verdict.next_channel:
                doc = done_with(doc, channel, verdict.reason, everywhere=verdict.everywhere)
                values |= {"tries": 0, "connection": ""}
        else:
            values["finished_at"] = now
        change_row(connection, messages.c.id, row.id, {**values, "doc": doc})
        message_moved(connection, self.dialect, world, row.id, verdict.state, now)
        if verdict.receipt_by is not None:
            self._await_receipt(connection, row, verdict.receipt_by)
        self._address(connection, row, left, verdict, now)
        if kind == "permanent":
            self._refused(connection, row, channel, verdict.reason, world, now)
        if verdict.paused:
            pause_connection(connection, self.dialect, channel, verdict.paused, world, now)
        elif kind == "transient":
            left_alone(connection, self.dialect, channel, world, now)
        elif kind in ("accepted", "duplicate"):
            resume_connection(connection, channel)

    def _refused(
        self, connection: sa.Connection, row: Any, channel: str, reason: str, world: World, now: datetime
    ) -> None:
        """This text, or this sender: staff are told once per template and channel."""
        notice = {"kind": "refused", "channel": channel, "template": row.template, "said": reason}
        tell_notice(connection, self.dialect, f"refused|{channel}|{row.template}", notice, world, now)

    def _await_receipt(self, connection: sa.Connection, row: Any, until: datetime) -> None:
        """No receipt by then: the next channel (FLOWS 6)."""
        timer = {
            "tenant": TENANT,
            "slot": row.slot,
            "key": f"receipt:{row.id}",
            "kind": "receipt",
            "ref": str(row.id),
            "order_id": row.order_id,
            "due_at": until,
            "state": 0,
        }
        connection.execute(upsert(timers, self.dialect, keys=("tenant", "key"), change=("due_at", "state")), [timer])

    def _address(self, connection: sa.Connection, row: Any, left: Left, verdict: Verdict, now: datetime) -> None:
        channel = left.connection
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
                connection.execute(insert_new(suppressions, self.dialect).values(**values))
        if verdict.closed and row.customer_id:
            # Who never linked anything (mail, SMS) has no contact yet.
            contact = {
                "tenant": TENANT, "customer_id": row.customer_id, "channel": channel, "address": left.to,
                "state": "closed", "reason": verdict.reason, "at": now,
            }  # fmt: skip
            keys, change = ("tenant", "customer_id", "channel"), ("state", "reason", "at")
            connection.execute(upsert(contacts, self.dialect, keys=keys, change=change), [contact])


def pause_connection(
    connection: sa.Connection, dialect: str, name: str, reason: str, world: World, now: datetime
) -> None:
    """Our own fault: the connection pauses, no attempt is used up, staff are told once per pause."""
    row = connection.execute(sa.select(connections).where(connections.c.name == name)).first()
    fresh = row is None or not row.paused
    values = {"paused": reason, "paused_until": now + PAUSE}
    if row is None:
        connection.execute(sa.insert(connections).values(tenant=TENANT, name=name, paused_at=now, **values))
    else:
        changed = {**values, "paused_at": now} if fresh else values
        connection.execute(sa.update(connections).where(connections.c.name == name).values(**changed))
    if fresh:
        paused(connection, dialect, name, reason, world, now)


def resume_connection(connection: sa.Connection, name: str) -> None:
    """It was asked with success: a pause is over."""
    connection.execute(_AGAIN, {"of": name})
