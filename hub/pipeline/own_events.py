"""Happenings of an outside system's own (`{event: name}`, FLOWS 3): whose they are, and how flows are let know of them.

They come with an event in the inbox, as records of its plugin, and become news of the hub (`news`): so each is on disk
with what caused it, acts once for its key, and is applied in its order's turn.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from hub.flows.types import event_word
from hub.model import EventAbout, OwnEvent
from hub.plugin import Adapter, Carrier, Channel
from hub.store.tables import TENANT, customers, orders

from .customer import identified
from .news import home_of
from .occasions import Occasion
from .plain import number_of, to_plain
from .state import OrderView
from .world import World

NUMBER = "number:"
"""Begins the subject of what is about a parcel, until it is known which of its order's parcels that is."""
MAY_TELL: Mapping[type[Adapter[Any]], frozenset[EventAbout]] = {
    Carrier: frozenset({EventAbout.PARCEL, EventAbout.NOTHING}),
    Channel: frozenset({EventAbout.CUSTOMER, EventAbout.NOTHING}),
}
"""Of what the kinds that know no orders can tell; a platform of all."""


def undeclared(adapter: Adapter[Any], record: OwnEvent) -> str:
    """Why a plugin may not tell of this, as an error; empty: it may."""
    declared = adapter.events_of(adapter.settings).get(record.name)
    if declared is None:
        return f"{adapter.name} told of an event that it does not declare"
    if declared is not record.about:
        return f"{adapter.name} declares '{record.name}' to be about {declared}, and told it of {record.about}"
    known = next((about for kind, about in MAY_TELL.items() if isinstance(adapter, kind)), frozenset(EventAbout))
    return "" if record.about in known else f"{adapter.name} cannot know of {record.about}"


@dataclass(frozen=True, slots=True)
class Whose:
    """Where one happening belongs: arguments of `report`."""

    home: str
    kind: str
    subject: str


@dataclass(frozen=True, slots=True)
class Told:
    """A happening that is to be told, with where it came from."""

    record: OwnEvent
    source: str
    whose: Whose

    def arguments(self) -> dict[str, Any]:
        """What `report` is called with."""
        record, whose = self.record, self.whose
        return {
            "home": whose.home,
            "word": event_word(record.name),
            "kind": whose.kind,
            "subject": whose.subject,
            "occurrence": number_of(self.source, record.name, record.key),
            "at": record.at,
            "source": self.source,
            "data": to_plain(dict(record.data)),
        }


def placed(
    connection: sa.Connection,
    record: OwnEvent,
    source: str,
    world: World,
    holders: Callable[[str], Sequence[str]],
    known: Callable[[str], bool],
) -> tuple[list[Told], str]:
    """Whom an event is told, and the order or parcel for which it waits; empty: for none."""
    found, missing = _whose(connection, record, source, world, holders, known)
    return [Told(record, source, whose) for whose in found], missing


def _whose(
    connection: sa.Connection,
    record: OwnEvent,
    source: str,
    world: World,
    holders: Callable[[str], Sequence[str]],
    known: Callable[[str], bool],
) -> tuple[list[Whose], str]:
    match record.about:
        case EventAbout.NOTHING:
            return [Whose(home_of("connection", source), "connection", source)], ""
        case EventAbout.PARCEL:
            subject = NUMBER + record.ref
            ids = holders(record.ref)
            return [Whose(each, "shipment", subject) for each in ids], "" if ids else f"parcel:{record.ref}"
        case EventAbout.CUSTOMER:
            return _newest_order(connection, record.ref, world.shop_of(source).key), ""
    own = f"{source}:{record.ref}"
    ids = [own] if known(own) else _of_number(connection, record.ref, world.shop_of(source).key)
    return [Whose(each, "order", each) for each in ids], "" if ids else f"order:{record.ref}"


def _of_number(connection: sa.Connection, number: str, shop: str) -> list[str]:
    """The orders of a shop with this number: a warehouse knows them by nothing else."""
    same = (orders.c.tenant == TENANT, orders.c.number == number, orders.c.shop == shop)
    return list(connection.execute(sa.select(orders.c.id).where(*same).order_by(orders.c.id)).scalars())


def _newest_order(connection: sa.Connection, ref: str, shop: str) -> list[Whose]:
    """What happens to a customer is told with their newest order; of somebody who never ordered nobody is told."""
    address = ref.strip().lower()
    by = (sa.func.lower(sa.literal_column("email")) == address, sa.func.lower(sa.literal_column("phone")) == address)
    named = sa.select(customers.c.id).where(customers.c.tenant == TENANT, customers.c.shop == shop, sa.or_(*by))
    people = {*connection.execute(named).scalars(), identified(shop, ref)}
    theirs = sa.select(orders.c.id, orders.c.customer_id).where(
        orders.c.tenant == TENANT, orders.c.customer_id.in_(sorted(people))
    )
    row = connection.execute(theirs.order_by(orders.c.created_at.desc(), orders.c.id.desc()).limit(1)).first()
    return [Whose(row.id, "customer", row.customer_id)] if row is not None else []


def located(news: Sequence[Occasion], order: OrderView) -> list[Occasion]:
    """The same, with the parcels that numbers stand for; what is about a number that the order no longer holds is left
    out."""
    parcels = {leg.number.number: each.id for each in order.shipments for leg in each.legs}
    found: list[Occasion] = []
    for each in news:
        number = each.subject.removeprefix(NUMBER)
        if number == each.subject:
            found.append(each)
        elif number in parcels:
            found.append(replace(each, subject=parcels[number]))
    return found
