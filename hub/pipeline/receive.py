"""Receiving: verify over the exact bytes, store, and only then answer. Nothing else happens on the request path."""

import base64
import json
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from hub.clock import Clock
from hub.plugin import Answer, Raw, Received, RefusedError, UnreadableError, WebhookRequest, digest
from hub.status import Mode
from hub.store.database import Database, GroupCommit, insert_new, is_trouble
from hub.store.tables import TENANT, InboxState, connections, inbox, slot_of_subject

from .crash import crash_point
from .listen import event_received
from .world import World

log = logging.getLogger("hub.receive")

REFUSED = Answer(401, "refused\n")
UNKNOWN = Answer(404, "not found\n")
EVERY = timedelta(minutes=1)
KEPT_OF_UNREADABLE = 64 * 1024
"""Bytes kept of a believed body that nobody can read, for the dead letter."""


@dataclass(frozen=True, slots=True)
class Count:
    """What became of requests: accepted (events that were new), repeated, refused, unreadable."""

    accepted: int = 0


class Receiver:
    """Takes webhooks in and puts events on disk, many in one commit."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        world: Callable[[], World],
        wake: Callable[[], None],
    ) -> None:
        self.db, self.clock, self.world, self.wake = db, clock, world, wake
        self.group: GroupCommit[list[dict[str, Any]]] = GroupCommit(db, self._commit)
        self.counts: Counter[tuple[str, str]] = Counter()
        self.heard: dict[str, datetime] = {}

    async def webhook(self, connection: str, request: WebhookRequest) -> Answer:
        """The answer for the sender; a database that cannot take it raises, and the web says 503."""
        world = self.world()
        adapter = world.adapters.get(connection)
        if adapter is None:
            return UNKNOWN
        try:
            received = adapter.verify(request)
            rows = [self.row(connection, raw, Mode.LIVE) for raw in received.events]
        except RefusedError as refusal:
            self.counts[connection, "refused"] += 1
            log.info("a webhook for %s was refused: %s", connection, refusal)
            return REFUSED
        except UnreadableError as error:
            received, rows = self._unreadable(connection, request, str(error))
        except Exception as error:  # a plugin's bug: not believed, so not answered as if it were
            self.counts[connection, "failed"] += 1
            log.warning("verify of %s raised %s", connection, type(error).__name__)
            return Answer(500, "this request could not be checked\n")
        if rows:
            new = await self.put(rows)
            self.counts[connection, "accepted"] += new
            self.counts[connection, "repeated"] += len(rows) - new
        crash_point("before-answer")
        return received.answer

    def _unreadable(
        self, connection: str, request: WebhookRequest, reason: str
    ) -> tuple[Received, list[dict[str, Any]]]:
        """Believed, but nobody can read it: kept as a dead letter, and the sender need not send it again."""
        self.counts[connection, "unreadable"] += 1
        kept = base64.b64encode(request.body[:KEPT_OF_UNREADABLE]).decode()
        raw = Raw({"base64": kept}, f"connection:{connection}", digest(request.body))
        row = {**self.row(connection, raw, Mode.LIVE), "state": InboxState.DEAD, "error": reason}
        return Received(), [row]

    def row(self, connection: str, raw: Raw, mode: Mode) -> dict[str, Any]:
        """The inbox row of a raw event."""
        return inbox_row(connection, raw, mode, self.clock)

    async def put(self, rows: list[dict[str, Any]]) -> int:
        """Store rows, sharing a commit; returns how many were new. On disk when this returns."""
        new: int = await self.group.put(rows)
        crash_point("after-inbox-commit")
        if new:
            self.wake()
        return new

    def _heard_of(self, connection: sa.Connection, sources: set[str]) -> None:
        """Note a sign of life, once a minute for each connection: this is on the way of every webhook."""
        now = self.clock.now()
        for source in sources:
            if abs(now - self.heard.get(source, now - EVERY)) >= EVERY:
                connection.execute(insert_new(connections, self.db.dialect).values(tenant=TENANT, name=source))
                mine = sa.update(connections).where(connections.c.name == source)
                connection.execute(mine.values(last_event_at=now, last_webhook_at=now))
                self.heard[source] = now

    def _commit(self, connection: sa.Connection, items: list[list[dict[str, Any]]]) -> Sequence[int]:
        crash_point("before-inbox-commit")
        new = new_events(connection, self.db.dialect, [row for rows in items for row in rows])
        # Also what is known already: a poll may have been faster than the webhook.
        self._heard_of(connection, {row["connection"] for rows in items for row in rows})
        return [_claim(rows, new) for rows in items]


def inbox_row(connection: str, raw: Raw, mode: Mode, clock: Clock) -> dict[str, Any]:
    """The inbox row of a raw event."""
    return {
        "tenant": TENANT,
        "slot": slot_of_subject(connection, raw.subject),
        "connection": connection,
        "dedupe_key": raw.dedupe_key,
        "subject": raw.subject,
        "topic": raw.topic,
        "body": raw.body,
        "occurred_at": raw.occurred_at,
        "received_at": clock.now(),
        "mode": mode.value,
        "state": InboxState.PENDING,
        "error": "",
    }


def new_events(connection: sa.Connection, dialect: str, rows: Sequence[dict[str, Any]]) -> set[tuple[str, str]]:
    """Insert the events that are not there yet, in one statement; returns (connection, dedupe key) of those. Listeners
    hear of them."""
    if not rows:
        return set()
    statement = insert_new(inbox, dialect).returning(inbox.c.connection, inbox.c.dedupe_key, inbox.c.subject)
    try:
        with connection.begin_nested():
            found = connection.execute(statement, list(rows)).all()
    except Exception as error:
        if is_trouble(error) or not any(map(_fault_of, rows)):
            raise
        found = connection.execute(statement, [_storable(row) for row in rows]).all()
    for row in found:
        event_received(connection, row.connection, row.subject)
    return {(row.connection, row.dedupe_key) for row in found}


def _fault_of(row: Mapping[str, Any]) -> str:
    """Why an event cannot be stored as it is: its plugin's fault; empty: it can."""
    try:
        json.dumps(row["body"], ensure_ascii=False).encode()
        for name in _TEXTS:
            row[name].encode()
    except (TypeError, ValueError, AttributeError, RecursionError) as error:
        return f"its plugin made an event of it that cannot be stored: {type(error).__name__}"
    return "an event with a NUL in it" if any("\0" in row[name] for name in _TEXTS) else ""


def _storable(row: dict[str, Any]) -> dict[str, Any]:
    """A row that can be stored: the event itself, or a dead letter in its place, so that it keeps no other waiting."""
    fault = _fault_of(row)
    if not fault:
        return row
    texts = {name: ascii(row[name]).strip("'") for name in _TEXTS}
    return {**row, **texts, "body": {"unstorable": ascii(row["body"])}, "state": InboxState.DEAD, "error": fault}


_TEXTS = ("dedupe_key", "subject", "topic")


def _claim(rows: Sequence[dict[str, Any]], new: set[tuple[str, str]]) -> int:
    """How many of a request's rows were new; of two equal requests in one commit the first counts."""
    mine = {(row["connection"], row["dedupe_key"]) for row in rows} & new
    new -= mine
    return len(mine)
