"""Questions of customers: kept with a topic, told to flows (`customer.asked`), and answered by a person or at once."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from hub.plugin import AddressKind
from hub.status import HeadlineValue
from hub.store.database import insert_new
from hub.store.tables import TENANT, messages, orders, questions, runs, slot_of

from .names import known
from .news import NOBODY, report, shop_about
from .plain import key_of, number_of, to_plain
from .shadow import write_messages
from .world import World

ASKED, ORDERED = "customer.asked", "customer.ordered"
ANSWER, RECEIVED = "question-answered", "question-received"
HUB = "hub"
"""Who answered what the hub answers by itself."""
LONGEST = 2000
MOST_OPEN = 20
"""Questions of one customer that may wait at once; what comes beyond is not kept: nobody asks so many."""
_OVER = [
    each.value
    for each in (
        HeadlineValue.CANCELLED, HeadlineValue.DELIVERED, HeadlineValue.RETURNED, HeadlineValue.REFUNDED,
    )
]  # fmt: skip


def ask(
    connection: sa.Connection,
    dialect: str,
    world: World,
    *,
    customer_id: str,
    order_id: str,
    channel: str,
    topic: str,
    text: str,
    occasion: str,
    at: datetime,
    now: datetime,
    answered: bool = False,
) -> str:
    """Keep a question and let flows know; `occasion` is what it is known by, so that the same is kept once. `answered`:
    the hub does so at once. Returns its id; empty: there are too many already."""
    question = key_of(TENANT, "question", customer_id, order_id, occasion)[:24]
    mine = (questions.c.tenant == TENANT, questions.c.customer_id == customer_id, questions.c.answered_at.is_(None))
    waiting = connection.execute(sa.select(questions.c.id).where(*mine)).scalars().all()
    if question in waiting:
        return question
    if len(waiting) >= MOST_OPEN:
        return ""
    row = {
        "tenant": TENANT, "id": question, "order_id": order_id, "customer_id": customer_id, "channel": channel,
        "topic": topic, "text": text[:LONGEST], "asked_at": at, "answered_at": now if answered else None,
        "answered_by": HUB if answered else "",
    }  # fmt: skip
    if connection.execute(insert_new(questions, dialect).values(**row)).rowcount != 1 or not order_id:
        return question
    if world.hears(ASKED):
        about = connection.execute(sa.select(orders.c.number).where(*_is(order_id))).scalar() or ""
        names = {"question": known(text=row["text"], topic=topic, channel=channel, asked_at=at, about=about)}
        _tell(connection, dialect, world, order_id, customer_id, ASKED, "question", question, at, now, names)
    return question


def ordered(
    connection: sa.Connection,
    dialect: str,
    world: World,
    new: Sequence[tuple[str, str, datetime]],
    now: datetime,
) -> None:
    """Orders that were seen for the first time: (order, customer, when it was placed). Their customers' other orders
    hear of it, in one query; a flow that begins with it begins at the new one. Old orders, of an import above all, are
    no news."""
    fresh = [each for each in new if each[1] and now - each[2] <= _fresh(each[0], world)]
    if not fresh or not world.hears(ORDERED):
        return
    others = _waiting(connection, {customer for _, customer, _ in fresh})
    had = _earlier(connection, {customer for _, customer, _ in fresh})
    for order_id, customer, placed_at in fresh:
        subject: dict[str, Any] = {"kind": "order", "subject": order_id, "occurrence": number_of(order_id)}
        if had.get(customer, 0) > 1:
            report(connection, dialect, world, home=order_id, word=ORDERED, **subject, at=placed_at, now=now)
        for other in others.get(customer, ()):
            if other != order_id:
                subject["subject"] = other
                report(
                    connection, dialect, world, home=other, word=ORDERED, **subject, at=placed_at, now=now, flow=NOBODY
                )


def _fresh(order_id: str, world: World) -> timedelta:
    return world.config.contact_of(shop_about(order_id, world)).fresh


def newest_order(connection: sa.Connection, customer_ids: Iterable[str]) -> tuple[str, str]:
    """(customer, order) that what somebody writes is about: their newest open order, else their newest."""
    mine = (orders.c.tenant == TENANT, orders.c.customer_id.in_(sorted(customer_ids)), orders.c.headline != "")
    over = sa.case((orders.c.headline.in_(_OVER), 1), else_=0)
    newest = sa.select(orders.c.customer_id, orders.c.id).where(*mine)
    row = connection.execute(newest.order_by(over, orders.c.created_at.desc(), orders.c.id.desc()).limit(1)).first()
    return (row.customer_id, row.id) if row is not None else ("", "")


def open_questions(connection: sa.Connection) -> Sequence[Any]:
    """What nobody has answered yet, the oldest first, with the number of its order."""
    joined = sa.and_(orders.c.tenant == questions.c.tenant, orders.c.id == questions.c.order_id)
    query = sa.select(questions, orders.c.number).outerjoin(orders, joined)
    waiting = query.where(questions.c.tenant == TENANT, questions.c.answered_at.is_(None))
    return connection.execute(waiting.order_by(questions.c.asked_at, questions.c.id)).all()


def find_questions(connection: sa.Connection, prefix: str) -> Sequence[Any]:
    """The questions whose id begins so."""
    query = sa.select(questions).where(questions.c.tenant == TENANT, questions.c.id.startswith(prefix, autoescape=True))
    return connection.execute(query.limit(2)).all()


def answer(
    connection: sa.Connection, dialect: str, world: World, row: Any, text: str, *, by: str, now: datetime
) -> bool:
    """Close a question with a person's words, and send them by the channel it came by, else by mail. False: it was
    answered already."""
    mine = (questions.c.tenant == TENANT, questions.c.id == row.id, questions.c.answered_at.is_(None))
    done = sa.update(questions).where(*mine).values(answered_at=now, answered_by=by, answer=text)
    if connection.execute(done).rowcount != 1:
        return False
    asked = known(text=row.text, topic=row.topic, channel=row.channel, asked_at=row.asked_at, answer=text)
    message = {
        "tenant": TENANT,
        "slot": slot_of(row.order_id),
        "key": key_of(TENANT, ANSWER, row.id),
        "order_id": row.order_id,
        "customer_id": row.customer_id,
        "template": ANSWER,
        "cls": "transactional",
        "recipient": "customer",
        "state": "due",
        "due_at": now,
        "created_at": now,
        "doc": {"via": answered_by(world, row.channel), "extra": to_plain({"question": asked})},
    }
    write_messages(connection, dialect, world, [message])
    return True


def answered_by(world: World, channel: str) -> list[str]:
    """The channels that an answer is tried by."""
    names = world.of_kind("channel")
    mails = [name for name in names if world.channel(name).address_kind is AddressKind.EMAIL and name != channel]
    return ([channel] if channel in names else []) + mails


def _tell(
    connection: sa.Connection,
    dialect: str,
    world: World,
    order_id: str,
    customer_id: str,
    word: str,
    kind: str,
    subject: str,
    at: datetime,
    now: datetime,
    names: Mapping[str, Any],
) -> None:
    """The order's flows begin by it. Runs of the customer's other orders only hear of it: `customer.*` counts for the
    run's customer (FLOWS 2.3)."""
    its: dict[str, Any] = {"kind": kind, "subject": subject, "occurrence": number_of(subject), "names": names}
    report(connection, dialect, world, home=order_id, word=word, **its, at=at, now=now)
    for other in _waiting(connection, {customer_id}).get(customer_id, ()):
        if other != order_id:
            report(connection, dialect, world, home=other, word=word, **its, at=at, now=now, flow=NOBODY)


def _waiting(connection: sa.Connection, customer_ids: Iterable[str]) -> dict[str, list[str]]:
    """Customer → their orders with runs that wait, or whose messages have yet to leave."""
    at_work = sa.or_(
        sa.exists().where(runs.c.tenant == TENANT, runs.c.order_id == orders.c.id, sa.text("runs.state = 'waiting'")),
        sa.exists().where(
            messages.c.tenant == TENANT, messages.c.order_id == orders.c.id, messages.c.state == "due"
        ),
    )  # fmt: skip
    query = sa.select(orders.c.customer_id, orders.c.id).where(
        orders.c.tenant == TENANT, orders.c.customer_id.in_(sorted(customer_ids)), at_work
    )
    found: dict[str, list[str]] = {}
    for row in connection.execute(query):
        found.setdefault(row.customer_id, []).append(row.id)
    return found


def _earlier(connection: sa.Connection, customer_ids: Iterable[str]) -> dict[str, int]:
    """Customer → how many orders of theirs are known."""
    query = sa.select(orders.c.customer_id, sa.func.count().label("n")).where(
        orders.c.tenant == TENANT, orders.c.customer_id.in_(sorted(customer_ids))
    )
    return {row.customer_id: row.n for row in connection.execute(query.group_by(orders.c.customer_id))}


def _is(order_id: str) -> tuple[Any, Any]:
    return orders.c.tenant == TENANT, orders.c.id == order_id
