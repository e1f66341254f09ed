"""What is known around a handful of due messages: read in a few queries, whatever their number."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from hub.plugin import Outgoing
from hub.store.consents import Standing, standings
from hub.store.links import link_secret
from hub.store.rows import rows_of
from hub.store.tables import (
    ALL_SLOTS,
    TENANT,
    Slots,
    attempts,
    connections,
    contacts,
    customers,
    escalations,
    messages,
    numbers,
    orders,
    runs,
    suppressions,
    surveys,
)

from .customer import read_mutes
from .documents import load
from .loading import Loaded, load_documents, meet_customers
from .news import is_home
from .shadow import SHADOW
from .state import OrderView
from .view import view
from .world import World

LEASE = timedelta(seconds=60)
LINK_LIVES = timedelta(days=60)
FEW = 20
WENT_OUT = ("", "accepted", "duplicate", "unknown")
"""Outcomes of attempts that said something, or may have; none yet: on the wire."""
WOULD_HAVE = (*WENT_OUT, SHADOW)
"""Those that count for a message in shadow, which is held against all that its reader would have heard."""
NEWEST_FIRST = orders.c.created_at.desc()
ABOUT_ALL_ORDERS = ("order-status", "chat-linked")
"""Templates that speak of all orders of a customer."""


@dataclass(slots=True)
class Departure:
    """A message that leaves: what is handed over, by whom, and the rows that say so."""

    message: Any
    connection: str
    outgoing: Outgoing
    attempt_id: int = 0
    address_hash: str = ""
    links: list[dict[str, Any]] = field(default_factory=list)
    rev: int = 0
    """The revision of the order that it was decided on; 0: it is about none."""
    others: bool = False
    """Whether another channel of its list could still be used."""
    form: str = ""
    """The form of its text: mail, sms, chat, page."""
    entry: tuple[str, ...] = ()
    """The providers of the failover that it leaves by; empty: by a channel of its own."""
    stands_by: bool = False
    """Whether another of them could take it now."""


@dataclass(slots=True)
class Outbox:
    """What one look at the outbox decided."""

    departures: list[Departure] = field(default_factory=list)
    changes: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    unheard: list[Any] = field(default_factory=list)
    seen: int = 0

    def add(self, other: "Outbox") -> None:
        """What another look decided as well."""
        self.departures += other.departures
        self.changes += other.changes
        self.unheard += other.unheard


@dataclass(frozen=True, slots=True)
class Capacity:
    """How many more each channel can take at this moment, and which orders have a message on the wire."""

    free: Mapping[str, int]
    busy: frozenset[str]
    cooling: Mapping[str, datetime]
    """Connection → when its breaker lets the next try through."""
    slots: Slots = ALL_SLOTS


def address_hash(connection: str, address: str) -> str:
    """What is stored of an address that is not to be used again."""
    return hashlib.sha256(f"{connection}\0{address.strip().lower()}".encode()).hexdigest()


@dataclass(slots=True)
class Around:
    """What is known around a handful of due messages."""

    loaded: Mapping[str, Loaded]
    views: dict[str, OrderView]
    runs: Mapping[str, Any]
    contacts: Mapping[tuple[str, str], Any]
    suppressed: "_Suppressed"
    standings: Mapping[str, Standing]
    muted: frozenset[tuple[str, str, str]]
    """(customer or order, whose, class) that nothing is said about now."""
    sent: dict[tuple[bool, str], list[tuple[datetime, str, str]]]
    """(whether shadows count too, customer) → what went out to them."""
    later: Mapping[str, Sequence[Any]]
    alike: Mapping[tuple[str, str], Sequence[Any]]
    """(order, number) → messages of other orders whose things travel in the same parcel."""
    escalations: Mapping[str, Any]
    surveys: Mapping[str, Any]
    paused: Mapping[str, tuple[str, datetime | None]]
    threads: Mapping[tuple[str, str], str]
    customers: Mapping[str, Any]
    their_orders: Mapping[str, Sequence[str]]
    secret: bytes

    def leaves(self, row: Any, connection: str, now: datetime) -> None:
        """What leaves in this very look counts for the caps of the next one."""
        for shadows in (True,) if row.shadow else (True, False):
            self.sent.setdefault((shadows, row.customer_id), []).append((now, connection, row.cls))


def read_around(connection: sa.Connection, world: World, due: Sequence[Any], now: datetime) -> Around:
    ids = {row.customer_id for row in due if row.customer_id}
    asked = {row.customer_id for row in due if row.template in ABOUT_ALL_ORDERS and row.customer_id}
    their: dict[str, list[str]] = {}
    for row in rows_of(connection, orders.c.customer_id, asked, NEWEST_FIRST):
        if row.headline and len(their.setdefault(row.customer_id, [])) < 5:  # none: merged into another
            their[row.customer_id].append(row.id)
    about = {row.order_id for row in due if row.order_id and not is_home(row.order_id)}
    order_ids = about | {each for some in their.values() for each in some}
    loaded = load_documents(connection, order_ids)
    meet_customers(connection, loaded)
    views = {
        order_id: view(order_id, it.connection, it.doc, it.facts, world)
        for order_id, it in loaded.items()
        if it.rev and it.connection in world.config.connections
    }
    alone = {row.customer_id for row in due if row.order_id not in views} - {""}
    caps = [cap for each in world.config.all_contacts for cap in each.caps]
    since = now - max((cap.per for cap in caps), default=timedelta(0))
    later: dict[str, list[Any]] = {}
    for row in rows_of(connection, messages.c.order_id, about):
        later.setdefault(row.order_id, []).append(row)
    uids = {row.doc["escalation"] for row in due if "escalation" in row.doc}
    asked_of = {row.doc["survey"] for row in due if "survey" in row.doc}
    return Around(
        loaded=loaded,
        views=views,
        runs={row.key: row for row in rows_of(connection, runs.c.key, {r.run_key for r in due if r.run_key})},
        contacts={(r.customer_id, r.channel): r for r in rows_of(connection, contacts.c.customer_id, ids)},
        suppressed=_Suppressed(connection),
        standings=standings(connection, ids),
        muted=read_mutes(connection, order_ids, ids, now),
        sent=_sent(connection, ids, since) if caps and ids else {},
        later=later,
        alike=_alike(connection, {row.order_id for row in due if row.word.startswith("shipment.")}),
        surveys={row.id: row for row in rows_of(connection, surveys.c.id, asked_of)},
        escalations={row.uid: row for row in rows_of(connection, escalations.c.uid, uids)},
        paused={row.name: (row.paused, row.paused_until) for row in connection.execute(_PAUSED)},
        threads=_threads(connection, order_ids),
        customers={row.id: row for row in rows_of(connection, customers.c.id, alone)},
        their_orders=their,
        secret=link_secret(connection),
    )


_PAUSED = sa.select(connections).where(connections.c.paused != "")


def _went_out(of_late: sa.ColumnElement[bool]) -> sa.Select[Any]:
    customers: Any = sa.bindparam("customers", expanding=True)
    return (
        sa.select(
            messages.c.shadow, messages.c.customer_id, messages.c.cls, attempts.c.connection,
            sa.func.max(attempts.c.started_at).label("at"),
        )
        .join(attempts, attempts.c.message_id == messages.c.id)
        .where(messages.c.tenant == TENANT, messages.c.customer_id.in_(customers), of_late)
        .where(attempts.c.started_at >= sa.bindparam("since"), attempts.c.outcome.in_(WOULD_HAVE))
        .group_by(messages.c.id, messages.c.shadow, messages.c.customer_id, messages.c.cls, attempts.c.connection)
    )  # fmt: skip


# Two halves, each of which the index of customers answers alone: a message finishes after its last attempt.
_WENT_OUT = tuple(
    _went_out(of_late)
    for of_late in (messages.c.finished_at >= sa.bindparam("since"), messages.c.finished_at.is_(None))
)


def _sent(
    connection: sa.Connection, ids: set[str], since: datetime
) -> dict[tuple[bool, str], list[tuple[datetime, str, str]]]:
    """Customer → (when, connection, class) of what went out to them, or may have, or would have: attempts, because a
    message that nobody confirmed moves on to another channel. What was tried again under the same key counts once."""
    found: dict[tuple[bool, str], list[tuple[datetime, str, str]]] = {}
    for half in _WENT_OUT:
        for row in connection.execute(half, {"customers": sorted(ids), "since": since}):
            for shadows in (True,) if row.shadow else (True, False):
                found.setdefault((shadows, row.customer_id), []).append((row.at, row.connection, row.cls))
    return found


def _shared() -> sa.Select[Any]:
    mine, theirs = numbers.alias(), numbers.alias()
    return (
        sa.select(mine.c.order_id, mine.c.number, theirs.c.order_id.label("other"))
        .join(theirs, sa.and_(theirs.c.tenant == mine.c.tenant, theirs.c.number == mine.c.number))
        .where(mine.c.tenant == TENANT, mine.c.order_id.in_(sa.bindparam("ids", expanding=True)))
        .where(theirs.c.order_id != mine.c.order_id)
    )


_SHARED = _shared()


def _alike(connection: sa.Connection, order_ids: set[str]) -> Mapping[tuple[str, str], Sequence[Any]]:
    if not order_ids:
        return {}
    shared = connection.execute(_SHARED, {"ids": sorted(order_ids)}).all()
    others = {each.other for each in shared}
    docs = {row.id: load(row.doc) for row in rows_of(connection, orders.c.id, others)}
    said: dict[tuple[str, str], list[Any]] = {}
    for row in rows_of(connection, messages.c.order_id, others):
        said.setdefault((row.order_id, row.subject), []).append(row)
    found: dict[tuple[str, str], list[Any]] = {}
    for each in shared:
        its = f"{each.other}/{docs[each.other].ids.get(each.number, '')}"
        found.setdefault((each.order_id, each.number), []).extend(said.get((each.other, its), ()))
    return found


class _Suppressed:
    """Whether an address is not to be used again; asked once, about the addresses at hand."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection, self.found = connection, set[tuple[str, str]]()

    def ask(self, candidates: Iterable[tuple[str, str]]) -> None:
        hashes = sorted({address_hash(channel, address) for channel, address in candidates if address})
        if hashes:
            where = (suppressions.c.tenant == TENANT, suppressions.c.address_hash.in_(hashes))
            rows = self.connection.execute(sa.select(suppressions.c.channel, suppressions.c.address_hash).where(*where))
            self.found = {(row.channel, row.address_hash) for row in rows}

    def __call__(self, channel: str, address: str) -> bool:
        return (channel, address_hash(channel, address)) in self.found


def _first_attempts() -> sa.Select[Any]:
    first = (
        sa.select(messages.c.order_id, attempts.c.connection, sa.func.min(attempts.c.id).label("id"))
        .join(messages, messages.c.id == attempts.c.message_id)
        .where(messages.c.tenant == TENANT, messages.c.order_id.in_(sa.bindparam("ids", expanding=True)))
        .where(messages.c.recipient == "customer", attempts.c.outcome != SHADOW)
        .group_by(messages.c.order_id, attempts.c.connection)
        .subquery()
    )
    both = sa.select(first.c.order_id, first.c.connection, attempts.c.key)
    return both.join(attempts, attempts.c.id == first.c.id)


_FIRST_ATTEMPTS = _first_attempts()


def _threads(connection: sa.Connection, order_ids: set[str]) -> Mapping[tuple[str, str], str]:
    """(order, connection) → key of the first attempt, so that later mails join its thread."""
    if not order_ids:
        return {}
    rows = connection.execute(_FIRST_ATTEMPTS, {"ids": sorted(order_ids)})
    return {(row.order_id, row.connection): row.key for row in rows}
