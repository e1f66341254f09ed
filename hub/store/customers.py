"""Customers as people look them up: by an order's number, an address, or their own id."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from .queries import find_orders
from .tables import TENANT, contacts, customers, mutes, orders, suppressions, tags


def find_customers(connection: sa.Connection, wanted: str) -> Sequence[Any]:
    """Who has this e-mail, phone or id, or placed the order of this number."""
    bare = wanted.strip().lower()
    digits = "".join(each for each in bare if each.isdigit())
    phones = {bare, f"+{digits}", digits} if len(digits) >= 7 else {bare}
    buyers = {row.customer_id for row in find_orders(connection, wanted) if row.customer_id}
    by = (
        sa.func.lower(sa.literal_column("email")) == bare,
        sa.func.lower(sa.literal_column("phone")).in_(sorted(phones)),
        customers.c.id.in_(sorted(buyers | {wanted.strip()})),
    )
    query = sa.select(customers).where(customers.c.tenant == TENANT, sa.or_(*by))
    return connection.execute(query.order_by(customers.c.id).limit(20)).all()


def contacts_of(connection: sa.Connection, customer_id: str) -> dict[str, Any]:
    """Channel → the row of its address and state, where something is known of it."""
    mine = contacts.c.tenant == TENANT, contacts.c.customer_id == customer_id
    return {row.channel: row for row in connection.execute(sa.select(contacts).where(*mine))}


def orders_of_customer(connection: sa.Connection, customer_id: str) -> Sequence[Any]:
    """Their orders, the newest first."""
    mine = orders.c.tenant == TENANT, orders.c.customer_id == customer_id
    return connection.execute(sa.select(orders).where(*mine).order_by(orders.c.created_at.desc())).all()


def marks_of(connection: sa.Connection, table: sa.Table, customer_id: str, order_ids: Sequence[str]) -> Sequence[Any]:
    """Rows of `tags` or `mutes` on a customer and their orders."""
    assert table is tags or table is mutes
    on = sa.or_(
        sa.and_(table.c.scope == "customer", table.c.ref == customer_id),
        sa.and_(table.c.scope == "order", table.c.ref.in_(order_ids)),
    )
    return connection.execute(sa.select(table).where(table.c.tenant == TENANT, on).order_by(table.c.at)).all()


def suppression(connection: sa.Connection, channel: str, address_hash: str) -> Any:
    """Why an address is not used, or None."""
    return connection.execute(sa.select(suppressions).where(*_is(channel, address_hash))).first()


def revive(connection: sa.Connection, channel: str, address_hash: str) -> bool:
    """Use an address again. False: nothing kept it from being used."""
    gone = connection.execute(sa.delete(suppressions).where(*_is(channel, address_hash)))
    return bool(gone.rowcount)


def _is(channel: str, address_hash: str) -> tuple[Any, ...]:
    mine = (suppressions.c.tenant == TENANT, suppressions.c.channel == channel)
    return (*mine, suppressions.c.address_hash == address_hash)
