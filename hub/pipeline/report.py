"""The figures of a shop for a length of time, as `schedule` offers them (FLOWS 3)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hub.status import Axis, Shipment, Verdict
from hub.store.tables import TENANT, Utc, escalations, messages, orders, timeline

from .documents import load
from .states import REACHED


def figures(connection: sa.Connection, shop: str, since: datetime, until: datetime) -> Mapping[str, Any]:
    """What happened in a shop from `since` to just before `until`, and what is open now."""
    own = sa.select(orders.c.id).where(orders.c.tenant == TENANT, orders.c.shop == shop)

    def count(table: sa.Table, at: sa.Column[Any], *where: Any) -> int:
        during = (table.c.tenant == TENANT, at >= since, at < until)
        query = sa.select(sa.func.count()).select_from(table).where(*during, *where)
        return connection.execute(query).scalar_one()

    said = (messages.c.recipient == "customer", messages.c.order_id.in_(own))
    raised = sa.and_(escalations.c.order_id.in_(own), escalations.c.state != "shadow")
    late = sa.func.coalesce(escalations.c.resolved_at, sa.literal(until, Utc)) > escalations.c.due_at
    unresolved = (
        sa.select(sa.func.count())
        .select_from(escalations)
        .where(escalations.c.tenant == TENANT, sa.text("state <> 'resolved'"), raised)
    )
    return {
        "since": since,
        "until": until,
        "orders": _came_in(connection, shop, since, until),
        "delivered": len(_delivered(connection, own, since, until)),
        "messages_sent": count(messages, messages.c.finished_at, *said, messages.c.state.in_(sorted(REACHED))),
        "messages_failed": count(messages, messages.c.finished_at, *said, messages.c.state == "failed"),
        "escalations_opened": count(escalations, escalations.c.opened_at, raised),
        "escalations_overdue": count(escalations, escalations.c.due_at, raised, late),
        "escalations_open": connection.execute(unresolved).scalar_one(),
    }


def _came_in(connection: sa.Connection, shop: str, since: datetime, until: datetime) -> int:
    """Orders that were new; what an import brought was not."""
    during = (orders.c.tenant == TENANT, orders.c.shop == shop, orders.c.created_at >= since)
    docs = connection.execute(sa.select(orders.c.doc).where(*during, orders.c.created_at < until)).scalars()
    return sum(not load(doc).imported for doc in docs)


def _delivered(connection: sa.Connection, own: sa.Select[Any], since: datetime, until: datetime) -> set[str]:
    """Parcels that were handed over."""
    during = (timeline.c.tenant == TENANT, timeline.c.kind == "status", timeline.c.at >= since, timeline.c.at < until)
    moves = sa.select(timeline.c.subject, timeline.c.doc).where(*during, timeline.c.order_id.in_(own))
    handed = (Axis.SHIPMENT.value, Verdict.MOVE.value, Shipment.DELIVERED.value)
    rows = connection.execute(moves).all()
    return {row.subject for row in rows if (row.doc["axis"], row.doc["verdict"], row.doc["after"]) == handed}
