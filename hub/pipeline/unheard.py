"""When nobody could be reached with a transactional message: `contact.unheard` calls a person."""

from datetime import datetime
from typing import Any

from hub.flows.model import Escalate, Severity
from hub.store.tables import TENANT

from .ladder import EscalationRows, escalation_rows
from .plain import key_of
from .shadow import realm
from .world import World


def unheard_rows(row: Any, world: World, now: datetime) -> EscalationRows | None:
    """The matter to open for a failed message, or None where the merchant wants none (or it was for staff)."""
    connection = row.order_id.partition(":")[0]
    if row.cls != "transactional" or row.recipient != "customer" or connection not in world.config.connections:
        return None
    shop = world.shop_of(connection)
    rule = world.config.contact_of(shop).unheard
    if rule is None:
        return None
    step = Escalate("unheard", rule.escalate, "", Severity.HIGH, rule.due)
    uid = key_of(TENANT, "unheard", row.key)[:24]
    rows = escalation_rows(
        uid,
        key_of(TENANT, realm("unheard", bool(row.shadow)), row.order_id),
        step,
        f"{row.template}: {row.reason}" if row.reason else f"{row.template}: nobody could be reached",
        order_id=row.order_id,
        run_key=row.run_key,
        flow=row.flow,
        subject=row.subject,
        word=row.word,
        world=world,
        now=now,
        shop=shop,
        template="staff-unheard",
        shadow=bool(row.shadow),
    )
    tried = [*row.doc.get("tried", ())]
    for message in rows.messages:
        message["doc"]["extra"] = {"message": {"template": row.template, "tried": tried}}
    return rows
