"""Who is called when a policy is broken, and warned before it is (FLOWS 9). Pure: rows come out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hub.config.lengths import opens_at
from hub.config.model import Rung, Shop
from hub.flows.model import Escalate, Severity
from hub.store.tables import TENANT

from .ladder import EscalationRows, escalation_rows
from .plain import key_of, to_plain
from .sentences import Broken
from .shadow import realm
from .staff import told_rows
from .world import World

MANAGER = "manager"
TEMPLATE = "staff-policy"


@dataclass(frozen=True, slots=True)
class Alarm:
    """A broken policy, and what its text reads of it (`policy.…`). `occasion`: what it is known by, so that the same is
    raised once."""

    policy: str
    occasion: str
    order_id: str
    subject: str
    word: str
    said: Mapping[str, Any]
    reason: str
    shadow: bool


def alarm_of(broken: Broken, row: Any) -> Alarm:
    """A message has left that a policy speaks against."""
    said = {"name": broken.policy, "kind": broken.kind, "template": row.template}
    return Alarm(
        broken.policy, f"{broken.policy}|{row.key}", row.order_id, row.subject or row.order_id, row.word, said,
        f"{row.template} left all the same: {broken.why}", bool(row.shadow),
    )  # fmt: skip


def matter_of(alarm: Alarm, world: World, now: datetime, shop: Shop) -> EscalationRows:
    """The matter to raise: one for each policy and subject while it is open. No run made it."""
    step = Escalate(alarm.policy, group_of(world).name, "", Severity.HIGH)
    uid = key_of(TENANT, "policy", realm(alarm.occasion, alarm.shadow))[:24]
    key = key_of(TENANT, realm(f"policy|{alarm.policy}", alarm.shadow), alarm.subject)
    rows = escalation_rows(
        uid, key, step, f"policy {alarm.policy}: {alarm.reason}", order_id=alarm.order_id, run_key=uid, flow="",
        subject=alarm.subject, word=alarm.word, world=world, now=now, shop=shop, template=TEMPLATE, shadow=alarm.shadow,
    )  # fmt: skip
    for message in rows.messages:
        message["doc"]["extra"] = to_plain({"policy": dict(alarm.said)})
    return rows


def warning_of(alarm: Alarm, until: datetime, world: World, now: datetime, shop: Shop) -> list[dict[str, Any]]:
    """What the same people hear while it can still be kept, within their hours; pointless when it is too late."""
    group = group_of(world)
    rows = told_rows(
        group, TEMPLATE, f"policy|{alarm.occasion}", {"policy": dict(alarm.said)}, now,
        order_id=alarm.order_id, subject=alarm.subject, shadow=alarm.shadow,
    )  # fmt: skip
    starts = opens_at(group.hours, now, shop.timezone)
    return [{**row, "due_at": starts, "before_at": until} for row in rows]


def group_of(world: World) -> Rung:
    """`manager`, else the first group of the file; nobody, where it has none."""
    staff = world.config.staff
    return staff.get(MANAGER) or next(iter(staff.values()), Rung(MANAGER, (), ()))
