"""What came of a rehearsal, as data: what was said and raised, and what was done outside, in its order.

It is read from the rows that the hub has written, after each instant: what is only so for a while (a message that waits
for the morning) is overwritten later.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from hub.pipeline.news import is_home
from hub.plugin import CouponWish, TagWish, WriteBack
from hub.store.tables import attempts, errands, escalations, messages, surveys, tags


class Kind(StrEnum):
    """What can come of a rehearsal (FLOWS 12)."""

    MESSAGE = "message"
    DEFERRED = "deferred"
    SUPPRESSED = "suppressed"
    ESCALATION = "escalation"
    CALL = "call"
    WRITE_BACK = "write_back"
    TAG = "tag"
    COUPON = "coupon"
    SURVEY = "survey"


@dataclass(frozen=True, slots=True)
class Effect:
    """One of them. `what`: the template, the staff group, the target, what is written, the tag (`-vip`: taken off), the
    survey. `to`: `customer`, or people of the staff. `why`: of what waits or does not leave. `text`: subject and words,
    the reason of a matter, the body of a call as JSON, the note that is written."""

    at: datetime
    kind: Kind
    what: str
    via: str = ""
    to: tuple[str, ...] = ()
    text: str = ""
    why: str = ""
    flow: str = ""
    locale: str = ""
    order: str = ""
    """Id of the order that it is about; empty: of none (a schedule, a connection)."""


@dataclass(slots=True)
class Trace:
    """Reads what is new since the last look."""

    calls: Mapping[str, Any]
    """Key of an errand → what was handed over: its row forgets it once it is done."""
    locales: Mapping[str, str]
    """Key of an attempt → the language in which it was worded."""
    attempt: int = 0
    matter: int = 0
    seen: set[tuple[Any, ...]] = field(default_factory=set)

    def look(self, connection: sa.Connection, now: datetime) -> list[Effect]:
        """The new ones, by time; at one instant in the order of their kinds, and of what was written first."""
        found = [
            *self._messages(connection),
            *self._waiting(connection, now),
            *self._ended(connection, now),
            *self._matters(connection),
            *self._outside(connection),
            *self._tags(connection),
            *self._surveys(connection),
        ]
        return sorted(found, key=lambda effect: effect.at)

    def _new(self, *what: Any) -> bool:
        fresh = what not in self.seen
        self.seen.add(what)
        return fresh

    def _messages(self, connection: sa.Connection) -> Iterator[Effect]:
        query = (
            sa.select(
                attempts,
                *(messages.c[name] for name in ("template", "recipient", "flow", "run_key", "order_id", "doc")),
            )
            .join(messages, messages.c.id == attempts.c.message_id)
            .where(attempts.c.id > self.attempt)
            .order_by(attempts.c.id)
        )
        told: dict[tuple[Any, ...], list[Any]] = {}
        for row in connection.execute(query):
            self.attempt = row.id
            if row.outcome not in ("accepted", "duplicate") or row.doc.get("escalation"):
                continue  # what a ladder says belongs to its matter
            staff = row.recipient.startswith("staff:")
            together = (row.run_key or row.id, row.template, row.started_at) if staff else (row.id,)
            told.setdefault(together, []).append(row)
        for rows in told.values():
            first = rows[0]
            yield Effect(
                first.started_at,
                Kind.MESSAGE,
                first.template,
                via=first.connection,
                to=tuple(_reader(row.recipient) for row in rows),
                text="\n".join(each for each in (first.content["subject"], first.content["text"]) if each),
                flow=first.flow,
                locale=self.locales.get(first.key, ""),
                order=_order(first.order_id),
            )

    def _waiting(self, connection: sa.Connection, now: datetime) -> Iterator[Effect]:
        query = sa.select(messages).where(sa.text("messages.state = 'due'"), messages.c.reason != "")
        for row in connection.execute(query.order_by(messages.c.id)):
            if self._new("due", row.id, row.due_at, row.reason) and not row.doc.get("escalation"):
                yield _unsaid(row, Kind.DEFERRED, now)

    def _ended(self, connection: sa.Connection, now: datetime) -> Iterator[Effect]:
        ended = messages.c.state.in_(("suppressed", "superseded", "held", "failed"))
        for row in connection.execute(sa.select(messages).where(ended).order_by(messages.c.id)):
            if self._new("ended", row.id, row.finished_at) and not row.doc.get("escalation"):
                yield _unsaid(row, Kind.SUPPRESSED, row.finished_at or now)

    def _matters(self, connection: sa.Connection) -> Iterator[Effect]:
        query = sa.select(escalations).where(escalations.c.id > self.matter).order_by(escalations.c.id)
        for row in connection.execute(query):
            self.matter = row.id
            if row.state != "shadow":
                yield Effect(
                    row.opened_at, Kind.ESCALATION, row.rung, text=row.reason, why=row.severity, flow=row.flow,
                    order=_order(row.order_id),
                )  # fmt: skip

    def _outside(self, connection: sa.Connection) -> Iterator[Effect]:
        query = sa.select(errands).where(errands.c.state == "done").order_by(errands.c.id)
        for row in connection.execute(query):
            if self._new("done", row.id, row.finished_at):
                said = self.calls.get(row.key)
                if isinstance(said, TagWish) or (row.kind == Kind.COUPON and said is None):
                    continue  # told with the tags; there were as many coupons as there may be
                what, text = (
                    _written(said) if isinstance(said, WriteBack | CouponWish) else (row.connection, _json(said))
                )
                yield Effect(
                    row.finished_at, Kind(row.kind), what, via=row.connection, text=text, flow=row.flow,
                    order=_order(row.order_id),
                )  # fmt: skip

    def _tags(self, connection: sa.Connection) -> Iterator[Effect]:
        for row in connection.execute(sa.select(tags).order_by(tags.c.at, tags.c.tag)):
            if self._new("tag", row.scope, row.ref, row.tag, row.present, row.at):
                sign = "" if row.present else "-"
                yield Effect(row.at, Kind.TAG, sign + row.tag, to=(row.scope,), flow=row.how, order=row.ref)

    def _surveys(self, connection: sa.Connection) -> Iterator[Effect]:
        query = sa.select(surveys).where(surveys.c.shadow == 0).order_by(surveys.c.opened_at, surveys.c.id)
        for row in connection.execute(query):
            if self._new("survey", row.id):
                yield Effect(row.opened_at, Kind.SURVEY, row.name, to=("customer",), order=row.order_id)


def _reader(recipient: str) -> str:
    kind, _, person = recipient.partition(":")
    return person if kind == "staff" else "customer"


def _unsaid(row: Any, kind: Kind, at: datetime) -> Effect:
    return Effect(
        at, kind, row.template, via=row.connection, to=(_reader(row.recipient),), why=row.reason or row.state,
        flow=row.flow, order=_order(row.order_id),
    )  # fmt: skip


def _order(order_id: str) -> str:
    return "" if is_home(order_id) else order_id


def _written(wish: WriteBack | CouponWish) -> tuple[str, str]:
    """What is written into a shop's order: a status, else a number, else words; how much a coupon is worth."""
    if isinstance(wish, CouponWish):
        return (f"{wish.percent}%" if wish.percent is not None else str(wish.amount)), wish.code
    what = wish.status.value if wish.status is not None else "tracking" if wish.tracking_number else "note"
    return what, wish.note or wish.tracking_number


def _json(said: Any) -> str:
    return "" if said is None else json.dumps(said, ensure_ascii=False, sort_keys=True)


def plain(effects: Sequence[Effect]) -> list[dict[str, Any]]:
    """For programs: what is empty is left out."""
    rows = []
    for each in effects:
        row = {name: getattr(each, name) for name in Effect.__dataclass_fields__}
        kept = {name: value for name, value in row.items() if value}
        rows.append({**kept, "at": each.at.isoformat(), "kind": each.kind.value})
    return rows
