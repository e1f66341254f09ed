"""What is known of a customer beside what their orders say: consents, tags of our own, questions, and mutes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hub.config.model import Shop
from hub.flows.model import Mute, Tag
from hub.model import OrderSnapshot
from hub.store.consents import NOTHING_SAID, Standing, standings
from hub.store.database import insert_new, upsert
from hub.store.tables import TENANT, mutes, questions, tags

from .news import is_home
from .plain import key_of

CUSTOMER, ORDER = "customer", "order"
"""What a tag or a mute is on."""
Tags = Mapping[str, bool]
"""Tag → whether it is there: one that was taken off hides the shop's own of that name."""


@dataclass(frozen=True, slots=True)
class About:
    """What is known beside one order's document."""

    standing: Standing = NOTHING_SAID
    order_tags: Tags = field(default_factory=dict)
    customer_tags: Tags = field(default_factory=dict)
    open_questions: int = 0
    last_heard_at: datetime | None = None

    def tagged(self, scope: str, changes: Tags) -> "About":
        """With tags put on or taken off."""
        if scope == ORDER:
            return replace(self, order_tags={**self.order_tags, **changes})
        return replace(self, customer_tags={**self.customer_tags, **changes})


NOTHING_KNOWN = About()


def customer_id_of(snapshot: OrderSnapshot, shop: str, order_id: str) -> str:
    """One person of one shop: by e-mail, else phone, else the platform's own reference, else only this order."""
    customer = snapshot.customer
    return identified(shop, customer.email.strip().lower() or customer.phone.strip() or customer.ref or order_id)


def identified(shop: str, identity: str) -> str:
    """The id of the person whom this identifies in a shop."""
    return key_of(shop, identity)[:24]


def _on(table: sa.Table) -> sa.ColumnElement[bool]:
    """On one of these orders or customers (`_among`)."""
    among = {scope: table.c.ref.in_(sa.bindparam(scope, expanding=True)) for scope in (ORDER, CUSTOMER)}
    return sa.or_(*(sa.and_(table.c.scope == scope, each) for scope, each in among.items()))


def _among(order_ids: Iterable[str], people: Iterable[str]) -> dict[str, list[str]]:
    return {ORDER: sorted(order_ids), CUSTOMER: sorted(people)}


def with_tags(own: Iterable[str], changes: Tags) -> list[str]:
    """The shop's tags and ours, without what was taken off."""
    kept = [tag for tag in own if changes.get(tag, True)]
    return kept + [tag for tag, there in changes.items() if there and tag not in kept]


def read_about(connection: sa.Connection, whose: Mapping[str, str]) -> dict[str, About]:
    """Order → what is known; `whose`: order → its customer. Three queries, however many orders."""
    people = {customer for customer in whose.values() if customer}
    standing = standings(connection, people)
    marked = _tags(connection, whose.keys(), people)
    asked = _questions(connection, people)
    return {
        order_id: About(
            standing.get(customer, NOTHING_SAID),
            marked.get((ORDER, order_id), {}),
            marked.get((CUSTOMER, customer), {}),
            *asked.get(customer, (0, None)),
        )
        for order_id, customer in whose.items()
    }


_TAGS = sa.select(tags).where(tags.c.tenant == TENANT, _on(tags)).order_by(tags.c.at, tags.c.tag)


def _tags(
    connection: sa.Connection, order_ids: Iterable[str], people: Iterable[str]
) -> dict[tuple[str, str], dict[str, bool]]:
    found: dict[tuple[str, str], dict[str, bool]] = {}
    for row in connection.execute(_TAGS, _among(order_ids, people)):
        found.setdefault((row.scope, row.ref), {})[row.tag] = bool(row.present)
    return found


_QUESTIONS = (
    sa.select(
        questions.c.customer_id,
        (sa.func.count() - sa.func.count(questions.c.answered_at)).label("open"),
        sa.func.max(questions.c.asked_at).label("last"),
    )
    .where(questions.c.tenant == TENANT, questions.c.customer_id.in_(sa.bindparam("people", expanding=True)))
    .group_by(questions.c.customer_id)
)


def _questions(connection: sa.Connection, people: Iterable[str]) -> dict[str, tuple[int, datetime | None]]:
    """Customer → how many of their questions wait for an answer, and when they asked last."""
    rows = connection.execute(_QUESTIONS, {"people": sorted(people)})
    return {row.customer_id: (row.open, row.last) for row in rows}


def mark_rows(
    step: Mute | Tag, order_id: str, customer_id: str, flow: str, now: datetime, shop: Shop
) -> list[dict[str, Any]]:
    """The rows of a mute or of tags; none where nobody is known who could have them."""
    ref = customer_id if step.who == CUSTOMER else order_id
    if not ref or is_home(order_id):
        return []
    on = {"tenant": TENANT, "scope": step.who, "ref": ref, "at": now, "how": flow}
    if isinstance(step, Mute):
        until = step.length.after(now, shop.timezone, shop.hours)
        return [{**on, "cls": each.value, "until_at": until} for each in step.classes]
    changed = {**dict.fromkeys(step.add, 1), **dict.fromkeys(step.remove, 0)}
    return [{**on, "tag": tag, "present": present} for tag, present in changed.items()]


def write_marks(
    connection: sa.Connection, dialect: str, muted: Sequence[dict[str, Any]], tagged: Sequence[dict[str, Any]]
) -> None:
    """Of two mutes the longer holds; of two words on a tag the newer."""
    if muted:
        connection.execute(insert_new(mutes, dialect), muted)
        keys = ("scope", "ref", "cls")
        mine = (mutes.c[key] == sa.bindparam(f"b_{key}") for key in keys)
        longer = sa.update(mutes).where(mutes.c.tenant == TENANT, *mine, mutes.c.until_at < sa.bindparam("until_at"))
        values = [{**{f"b_{key}": row[key] for key in keys}, **_changed(row)} for row in muted]
        changes: dict[str, Any] = {name: sa.bindparam(name) for name in ("until_at", "at", "how")}
        connection.execute(longer.values(changes), values)
    if tagged:
        last = {(row["scope"], row["ref"], row["tag"]): row for row in tagged}
        put = upsert(tags, dialect, keys=("tenant", "scope", "ref", "tag"), change=("present", "at", "how"))
        connection.execute(put, list(last.values()))


def _changed(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("until_at", "at", "how")}


_MUTED = sa.select(mutes.c.scope, mutes.c.ref, mutes.c.cls).where(
    mutes.c.tenant == TENANT, mutes.c.until_at > sa.bindparam("now"), _on(mutes)
)


def read_mutes(
    connection: sa.Connection, order_ids: Iterable[str], people: Iterable[str], now: datetime
) -> frozenset[tuple[str, str, str]]:
    """(scope, ref, class) of all that is muted now, in one query."""
    rows = connection.execute(_MUTED, {"now": now, **_among(order_ids, people)})
    return frozenset((row.scope, row.ref, row.cls) for row in rows)
