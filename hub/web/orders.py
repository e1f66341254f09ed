"""The page of an order by its signed link: who may read it, and what they read. Opening it writes nothing; a button
on it ends a kind of message. Missing, unknown and expired links, and those of orders that are gone, look alike."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hub.flows.check import all_steps
from hub.flows.model import Ask, Notify, State
from hub.pipeline.documents import OrderDoc, load
from hub.pipeline.facts import StoredFact
from hub.pipeline.leaving import proves
from hub.pipeline.questions import ask
from hub.pipeline.state import OrderView
from hub.pipeline.topics import TOPICS
from hub.pipeline.view import view
from hub.pipeline.world import World
from hub.plugin import AddressKind
from hub.store.consents import NOTHING_SAID, REFUSABLE, set_consent, standings
from hub.store.links import chat_purpose, find_link, link_secret, order_of, token_for
from hub.store.tables import TENANT, contacts, facts, orders

from .order_page import Reader

PAGE = "page"
"""The channel of what is asked on a page of ours."""
MOST_MERGES = 5
"""How many orders deep one may be merged into another."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What a good link opens: the order, and who reads."""

    order: OrderView
    reader: Reader


@dataclass(frozen=True, slots=True)
class _Held:
    """A good link: whose it is, how it came to them, and the order that it was given for."""

    customer: str
    channel: str
    row: Any
    doc: OrderDoc


def open_order(connection: sa.Connection, world: World, token: str, now: datetime) -> Opened | None:
    """A handful of look-ups by key, however many orders there are."""
    held = _held(connection, world, token, now)
    order = _standing(connection, world, held) if held is not None else None
    if held is None or order is None:
        return None
    return Opened(order, _reader(connection, world, held, now))


def leave(connection: sa.Connection, world: World, token: str, cls: str, now: datetime) -> bool:
    """No more messages of a kind, by any channel. False for a link that is none, or a kind that is not offered."""
    held = _held(connection, world, token, now)
    if held is None or cls not in _kinds(world):
        return False
    dialect = connection.dialect.name
    set_consent(connection, dialect, customer_id=held.customer, cls=cls, given=False, at=now, how="order page")
    return True


def ask_shop(connection: sa.Connection, world: World, token: str, form: Mapping[str, str], now: datetime) -> str | None:
    """Keep what somebody asks on the page: a word of the pages for what became of it; None for a link that is none. The
    same words of one day are one question: a form is easily sent twice."""
    held = _held(connection, world, token, now)
    order = _standing(connection, world, held) if held is not None else None
    if held is None or order is None:
        return None
    topic, text = form.get("topic", ""), form.get("ask", "").strip()
    if topic not in TOPICS or not text:
        return "unasked"
    kept = ask(
        connection, connection.dialect.name, world, customer_id=held.customer, order_id=order.id, channel=PAGE,
        topic=topic, text=text, occasion=f"{PAGE}|{topic}|{text}|{now:%Y-%m-%d}", at=now, now=now,
    )  # fmt: skip
    return "asked" if kept else "asked_much"


def _held(connection: sa.Connection, world: World, token: str, now: datetime) -> _Held | None:
    """An order whose customer became another one (a corrected address) is not shown to the former one."""
    link = find_link(connection, token, "order", now)
    if link is None:
        return None
    customer, channel, order_id = order_of(link.ref)
    row = _row(connection, order_id)
    if row is None or row.customer_id != customer or row.connection not in world.config.connections:
        return None
    doc = load(row.doc)
    return _Held(customer, channel, row, doc) if doc.removed_at is None and doc.snapshot is not None else None


def _row(connection: sa.Connection, order_id: str) -> Any:
    return connection.execute(sa.select(orders).where(orders.c.tenant == TENANT, orders.c.id == order_id)).first()


def _standing(connection: sa.Connection, world: World, held: _Held) -> OrderView | None:
    """The order as it stands, or the one that it was merged into."""
    row, doc = held.row, held.doc
    for _ in range(MOST_MERGES):
        if doc.removed_at is not None or doc.snapshot is None:
            return None
        if not doc.merged_into:
            said = sa.select(facts).where(facts.c.tenant == TENANT, facts.c.order_id == row.id)
            known = [StoredFact.from_row(each) for each in connection.execute(said)]
            return view(row.id, row.connection, doc, known, world)
        row = _row(connection, f"{row.connection}:{doc.merged_into}")
        if row is None:
            return None
        doc = load(row.doc)
    return None


def _reader(connection: sa.Connection, world: World, held: _Held, now: datetime) -> Reader:
    theirs = contacts.c.tenant == TENANT, contacts.c.customer_id == held.customer
    linked = {row.channel: row.state for row in connection.execute(sa.select(contacts).where(*theirs))}
    chats = [name for name in world.of_kind("channel") if world.channel(name).address_kind is AddressKind.LINK]
    return Reader(
        invited=tuple(_invitations(connection, world, held, [name for name in chats if name not in linked], now)),
        joined=tuple(world.channel(name).label for name in chats if linked.get(name) == "open"),
        may_leave=tuple(_may_leave(connection, world, held)),
    )


def _invitations(
    connection: sa.Connection, world: World, held: _Held, chats: Sequence[str], now: datetime
) -> Iterator[tuple[str, str]]:
    """Deep links that were made with the message that brought the reader here, where that proves who they are."""
    assert held.doc.snapshot is not None
    through = world.adapters.get(held.channel)
    kind = getattr(through, "address_kind", None)
    if kind is None or not proves(kind, held.doc.snapshot.customer):
        return
    secret = link_secret(connection) if chats else b""
    for name in chats:
        token = token_for(secret, chat_purpose(name), held.customer)
        url = world.channel(name).link_url(token)
        if url and find_link(connection, token, chat_purpose(name), now) is not None:
            yield world.channel(name).label, url


def _may_leave(connection: sa.Connection, world: World, held: _Held) -> Sequence[str]:
    """The kinds of message that this customer may get, beside news of orders."""
    allows = held.doc.snapshot is not None and held.doc.snapshot.customer.accepts_marketing
    standing = standings(connection, [held.customer]).get(held.customer, NOTHING_SAID)
    return [each for each in _kinds(world) if not standing.refusal(each, order_allows=allows)]


def _kinds(world: World) -> Sequence[str]:
    """The kinds of message that this shop sends beside news of orders."""
    steps = (step for flow in world.config.flows.values() if flow.state is State.LIVE for step in all_steps(flow.steps))
    said = {step.cls for step in steps if isinstance(step, Notify | Ask) and step.to == "customer"}
    return [each for each in REFUSABLE if each in said]
