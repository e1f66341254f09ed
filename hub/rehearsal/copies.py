"""A live order in a rehearsal: the rows that say how it stands, as they are in the hub's own database."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hub.pipeline.around import address_hash
from hub.pipeline.customer import CUSTOMER, ORDER
from hub.pipeline.rewatch import CLOCKS
from hub.store.tables import (
    TENANT,
    attempts,
    claims,
    consents,
    contacts,
    customers,
    errands,
    escalations,
    facts,
    flow_versions,
    inbox,
    messages,
    meta,
    mutes,
    numbers,
    optouts,
    orders,
    questions,
    runs,
    suppressions,
    surveys,
    tags,
    timers,
    watches,
)

Row = Mapping[str, Any]
OF_THE_ORDER = (facts, numbers, runs, timers, escalations, errands, surveys, watches)
OF_THE_CUSTOMER = (contacts, optouts, consents, questions)
UNDER_WAY: Mapping[str, str] = {"messages": "sent", "errands": "done"}
"""What is on the wire at this moment counts as gone: a copy learns no more of it."""


def order_rows(connection: sa.Connection, order_id: str, now: datetime) -> list[tuple[sa.Table, Sequence[Row]]]:
    """Everything that decides what an order will hear, of the order itself and of its customer; nothing of the shop's
    other orders but what was said to this customer, which counts for caps."""
    copy = _Copy(connection, now)
    (order,) = copy.of(orders, orders.c.id == order_id)
    customer = order["customer_id"]
    mine = copy.of(messages, messages.c.order_id == order_id)
    theirs = copy.of(messages, messages.c.customer_id == customer, messages.c.order_id != order_id) if customer else []
    said = [*mine, *(row for row in theirs if row["finished_at"] is not None)]
    rows = [(table, copy.of(table, table.c.order_id == order_id)) for table in OF_THE_ORDER]
    versions = {row["version"] for table, some in rows if table is runs for row in some}
    whose = {CUSTOMER: customer, ORDER: order_id}
    return [
        (orders, [order]),
        *rows,
        (messages, said),
        (attempts, copy.of(attempts, attempts.c.message_id.in_([row["id"] for row in said]))),
        (customers, copy.of(customers, customers.c.id == customer)),
        *((table, copy.of(table, table.c.customer_id == customer)) for table in OF_THE_CUSTOMER),
        *((table, copy.marks(table, whose)) for table in (mutes, tags)),
        (claims, copy.of(claims, claims.c.home.in_([order_id, customer]))),
        (suppressions, copy.suppressed(order_id, customer)),
        (flow_versions, copy.of(flow_versions, flow_versions.c.version.in_(versions))),
        (inbox, copy.waiting(order)),
        (meta, [dict(row._mapping) for row in connection.execute(sa.select(meta).where(meta.c.key == CLOCKS))]),
    ]


class _Copy:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self.connection, self.now = connection, now

    def of(self, table: sa.Table, *where: Any) -> list[Row]:
        """Rows of a table, in the order of their keys."""
        query = sa.select(table).where(table.c.tenant == TENANT, *where).order_by(*table.primary_key)
        return [self._settled(table, dict(row._mapping)) for row in self.connection.execute(query)]

    def _settled(self, table: sa.Table, row: dict[str, Any]) -> Row:
        gone = UNDER_WAY.get(table.name)
        if gone is None or row["state"] != "on_wire":
            return row
        return {**row, "state": gone, "owner": "", "lease_until": None, "finished_at": self.now}

    def marks(self, table: sa.Table, whose: Mapping[str, str]) -> list[Row]:
        """Mutes and tags of the customer and the order."""
        return self.of(
            table, sa.or_(*(sa.and_(table.c.scope == scope, table.c.ref == ref) for scope, ref in whose.items()))
        )

    def suppressed(self, order_id: str, customer: str) -> list[Row]:
        """Which of the addresses that were written to, or that the customer has, are dead."""
        written = sa.select(attempts.c.address_hash).join(messages, messages.c.id == attempts.c.message_id)
        hashes = set(self.connection.execute(written.where(messages.c.order_id == order_id)).scalars())
        person = self.of(customers, customers.c.id == customer)
        linked = self.of(contacts, contacts.c.customer_id == customer)
        channels = set(self.connection.execute(sa.select(suppressions.c.channel).distinct()).scalars())
        known = {row[name] for row in person for name in ("email", "phone")} | {row["address"] for row in linked}
        hashes |= {address_hash(channel, address) for channel in channels for address in known if address}
        return self.of(suppressions, suppressions.c.address_hash.in_(hashes - {""}))

    def waiting(self, order: Row) -> list[Row]:
        """Events about it that are not applied yet."""
        held = [row["number"] for row in self.of(numbers, numbers.c.order_id == order["id"])]
        own = (inbox.c.connection == order["connection"], inbox.c.subject == f"order:{order['ref']}")
        others = [f"news:{order['id']}", f"refold:{order['id']}", *(f"parcel:{number}" for number in held)]
        return self.of(inbox, sa.text("inbox.state = 0"), sa.or_(sa.and_(*own), inbox.c.subject.in_(others)))
