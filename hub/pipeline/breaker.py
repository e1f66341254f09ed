"""The breaker of a flow (FLOWS 11): a flow that says far more in an hour than it ever does is held, and a person is
asked. What it has to say stands in the outbox, held, until it is released or dropped.

What leaves is counted by flow and hour, so that a look reads a handful of rows, however many orders there are. The
usual is that of the same weekday and hour on the flow's clock, over the four weeks before; weeks before the flow first
spoke do not count, and where there is none the floor alone holds.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from statistics import median
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from hub.config.lengths import first_real
from hub.config.model import BreakerRule, Shop
from hub.flows.model import Escalate, Severity
from hub.store.tables import TENANT, escalations, flow_hours, messages, orders

from .ladder import EscalationRows, escalation_rows
from .matters import Act, Wish, act
from .news import home_of, shop_of_home
from .plain import key_of, to_plain
from .shadow import realm
from .staff import first_group
from .world import World

WEEKS = 4
KEPT = timedelta(weeks=WEEKS + 1)
TEMPLATE = "staff-breaker"
DROPPED = "dropped by hand"
COUNTED, RELEASED = "counted", "released"
"""In a message's document: it was counted when it first left; a person has let it go."""
_WAITS = (messages.c.tenant == TENANT, sa.text("messages.state = 'held'"))
Whose = tuple[str, bool]
"""A flow, and whether it is what its shadows say."""


@dataclass(slots=True)
class Pace:
    """How much a flow has said this hour (`said`: what counts against its `limit`; `all`: everything), and whether it
    is held already."""

    limit: int
    said: int = 0
    all: int = 0
    held: bool = False

    @property
    def over(self) -> bool:
        """Whether one more would be too many."""
        return self.held or self.said >= self.limit

    def why(self) -> str:
        """What is said of a message that is held."""
        return f"the breaker: more than {self.limit} in an hour; see `hub breaker`"


def counts(row: Any) -> bool:
    """Whether a message is a flow's to a customer that has not left before, and nobody has let go."""
    new = COUNTED not in row.doc and RELEASED not in row.doc
    return bool(row.flow) and new and not row.recipient.startswith("staff:")


def whose(row: Any) -> Whose:
    """Whose pace a message belongs to."""
    return row.flow, bool(row.shadow)


def limit_of(rule: BreakerRule, usual: Sequence[int]) -> int:
    """How much a flow may say in an hour that said so much in this hour of the weeks before."""
    return max(rule.floor, int(rule.times * median(usual))) if usual else rule.floor


def hour_of(moment: datetime) -> datetime:
    """The beginning of the hour, in UTC."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def hours_before(now: datetime, shop: Shop) -> list[datetime]:
    """The same weekday and hour of the weeks before, on the shop's clock: what leaves when quiet hours end leaves an
    hour sooner or later when the clocks are changed."""
    wall = now.astimezone(shop.timezone).replace(tzinfo=None)
    return [hour_of(first_real(wall - timedelta(weeks=week), shop.timezone)) for week in range(1, WEEKS + 1)]


# ------------------------------------------------------------------------------------------------ read


def _paces() -> sa.Select[Any]:
    other = flow_hours.alias()
    first = (
        sa.select(sa.func.min(other.c.hour))
        .where(other.c.tenant == flow_hours.c.tenant, other.c.flow == flow_hours.c.flow)
        .where(other.c.shadow == flow_hours.c.shadow)
        .scalar_subquery()
    )
    hours = flow_hours.c.hour.in_(sa.bindparam("hours", expanding=True))
    return sa.select(flow_hours, first.label("first")).where(
        flow_hours.c.tenant == TENANT, flow_hours.c.flow.in_(sa.bindparam("flows", expanding=True)), hours
    )


_HOURS = _paces()
OPEN = sa.text("flow_hours.held_at IS NOT NULL AND flow_hours.settled_at IS NULL")
NOT_OPEN = sa.or_(flow_hours.c.held_at.is_(None), flow_hours.c.settled_at.is_not(None))
_HELD = sa.select(flow_hours.c.flow, flow_hours.c.shadow).where(flow_hours.c.tenant == TENANT, OPEN)


def read_paces(connection: sa.Connection, world: World, due: Iterable[Any], now: datetime) -> dict[Whose, Pace]:
    """The paces of the flows that have something due for customers."""
    flows = {row.flow for row in due if counts(row)}
    if not flows:
        return {}
    before = {flow: hours_before(now, shop_of_flow(flow, world)) for flow in flows}
    present = hour_of(now)
    hours = {present, *(hour for some in before.values() for hour in some)}
    rows = connection.execute(_HOURS, {"flows": sorted(flows), "hours": sorted(hours)}).all()
    held = {(row.flow, bool(row.shadow)) for row in connection.execute(_HELD)}
    found: dict[Whose, Pace] = {}
    for flow in flows:
        rule = world.config.contact_of(shop_of_flow(flow, world)).breaker
        for shadow in (False, True):
            mine = {row.hour: row for row in rows if (row.flow, bool(row.shadow)) == (flow, shadow)}
            found[flow, shadow] = _pace(mine, present, before[flow], rule)
            found[flow, shadow].held = (flow, shadow) in held
    return found


def _pace(mine: Mapping[datetime, Any], present: datetime, before: Sequence[datetime], rule: BreakerRule) -> Pace:
    first = min((row.first for row in mine.values()), default=present)
    usual = [mine[hour].sent if hour in mine else 0 for hour in before if hour >= first]
    row = mine.get(present)
    return Pace(limit_of(rule, usual), row.sent - row.excused if row else 0, row.sent if row else 0)


def shop_of_flow(flow: str, world: World) -> Shop:
    """The shop on whose clock a flow's hours are: its first."""
    found = world.config.flows.get(flow)
    named = next((each for each in (found.shops if found else None) or () if each in world.config.shops), None)
    return world.config.shops[named] if named else next(iter(world.config.shops.values()))


# ------------------------------------------------------------------------------------------------ counted


@cache
def _add(dialect: str) -> Any:
    make = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = make(flow_hours)
    added = {name: flow_hours.c[name] + statement.excluded[name] for name in ("sent", "excused")}
    return statement.on_conflict_do_update(index_elements=["tenant", "flow", "shadow", "hour"], set_=added)


def add_sent(connection: sa.Connection, dialect: str, left: Iterable[Any], now: datetime) -> None:
    """Count messages that leave for the first time; what a person has let go is no reason to hold others."""
    counted: dict[Whose, list[int]] = {}
    for row in left:
        if row.flow and COUNTED not in row.doc and not row.recipient.startswith("staff:"):
            count = counted.setdefault(whose(row), [0, 0])
            count[0] += 1
            count[1] += RELEASED in row.doc
    if counted:
        rows = [
            {"tenant": TENANT, "flow": flow, "shadow": int(shadow), "hour": hour_of(now), "sent": sent, "excused": let}
            for (flow, shadow), (sent, let) in sorted(counted.items())
        ]
        connection.execute(_add(dialect), rows)


# ------------------------------------------------------------------------------------------------ held


def hold(
    connection: sa.Connection, dialect: str, flow: Whose, pace: Pace, world: World, now: datetime
) -> EscalationRows | None:
    """A flow is held from now on; gives the matter to raise. None: it is held already, or the file names nobody."""
    name, shadow = flow
    if flow in {(row.flow, bool(row.shadow)) for row in connection.execute(_HELD)}:
        return None
    row = {"tenant": TENANT, "flow": name, "shadow": int(shadow), "hour": hour_of(now), "sent": 0, "excused": 0}
    connection.execute(_add(dialect), [row])
    which = (flow_hours.c[key] == row[key] for key in ("tenant", "flow", "shadow", "hour"))
    held = sa.update(flow_hours).where(*which)
    connection.execute(held.values(held_at=now, settled_at=None, most=pace.limit))
    group = first_group(world)
    if not group:
        return None
    home = home_of("flow", name)
    reason = f"{name} has said {pace.all} things in an hour, and at most {pace.limit} are usual: the rest is held"
    rows = escalation_rows(
        key_of(TENANT, "breaker", realm(name, shadow), now)[:24], matter_key(flow),
        Escalate("breaker", group, reason, Severity.HIGH), reason, order_id=home, run_key="", flow=name, subject=home,
        word="", world=world, now=now, shop=shop_of_home(home, world), template=TEMPLATE, shadow=shadow,
    )  # fmt: skip
    for message in rows.messages:
        message["doc"]["extra"] = to_plain({"notice": {"kind": "breaker", "count": pace.all}})
    return rows


def matter_key(flow: Whose) -> str:
    """The key of the matter about a flow that is held."""
    return key_of(TENANT, realm("breaker", flow[1]), flow[0])


# ------------------------------------------------------------------------------------------------ let go


def held_flows(connection: sa.Connection) -> list[dict[str, Any]]:
    """What is held: flow, shadow, messages (how many), since, sent (in the hour when it was held), most; the fullest
    first."""
    waiting = sa.select(messages.c.flow, messages.c.shadow, sa.func.count().label("many")).where(*_WAITS)
    found = {
        (row.flow, row.shadow): {"flow": row.flow, "shadow": bool(row.shadow), "messages": row.many}
        for row in connection.execute(waiting.group_by(messages.c.flow, messages.c.shadow))
    }
    for row in connection.execute(sa.select(flow_hours).where(flow_hours.c.tenant == TENANT, OPEN)):
        one = found.setdefault((row.flow, row.shadow), {"flow": row.flow, "shadow": bool(row.shadow), "messages": 0})
        one |= {"since": row.held_at, "sent": row.sent, "most": row.most}
    return sorted(found.values(), key=lambda each: (-each["messages"], each["flow"]))


def held_messages(connection: sa.Connection, flow: str, limit: int) -> Sequence[Any]:
    """The oldest messages of a flow that are held, each with its order's number."""
    of_order = sa.and_(orders.c.tenant == messages.c.tenant, orders.c.id == messages.c.order_id)
    both = sa.select(messages, orders.c.number).select_from(messages.outerjoin(orders, of_order))
    mine = both.where(*_WAITS, messages.c.flow == flow).order_by(messages.c.id).limit(limit)
    return connection.execute(mine).all()


def release(connection: sa.Connection, dialect: str, flow: str, world: World, now: datetime) -> int | None:
    """Let a flow go on. What it held is due again and passes all other guards; returns how much that was. None: nothing
    of it is held."""
    rows = connection.execute(sa.select(messages.c.id, messages.c.doc).where(*_WAITS, messages.c.flow == flow)).all()
    if not _settle(connection, dialect, flow, world, now, "released") and not rows:
        return None
    again = sa.update(messages).where(messages.c.id == sa.bindparam("which"))
    due = {"state": "due", "reason": "", "due_at": now, "tries": 0, "connection": ""}
    if rows:
        changed = [{"which": row.id, "said": {**row.doc, RELEASED: True}} for row in rows]
        connection.execute(again.values(**due, doc=sa.bindparam("said", type_=messages.c.doc.type)), changed)
    return len(rows)


def drop(connection: sa.Connection, dialect: str, flow: str, reason: str, world: World, now: datetime) -> int | None:
    """Let a flow go on without what it held, which is never said; returns how much that was. None: nothing of it is
    held."""
    never = {"state": "suppressed", "reason": f"{DROPPED}: {reason}", "finished_at": now}
    done = connection.execute(sa.update(messages).where(*_WAITS, messages.c.flow == flow).values(**never))
    settled = _settle(connection, dialect, flow, world, now, f"dropped: {reason}")
    return done.rowcount if settled or done.rowcount else None


def _settle(connection: sa.Connection, dialect: str, flow: str, world: World, now: datetime, note: str) -> bool:
    """Whether a flow was held; it is no longer, what it has said so far does not count against it any more, and nobody
    has to decide."""
    mine = (flow_hours.c.tenant == TENANT, flow_hours.c.flow == flow, OPEN)
    settled = sa.update(flow_hours).where(*mine).values(settled_at=now, excused=flow_hours.c.sent)
    raised = sa.select(escalations.c.uid).where(
        escalations.c.tenant == TENANT, escalations.c.key == matter_key((flow, False)),
        sa.text("escalations.state <> 'resolved'"),
    )  # fmt: skip
    for uid in connection.execute(raised).scalars().all():
        act(connection, dialect, uid, Act(Wish.RESOLVE, note=note), world, now)
    return connection.execute(settled).rowcount > 0


def forget_hours(connection: sa.Connection, now: datetime) -> None:
    """Hours of which nothing is asked any more."""
    old = (flow_hours.c.tenant == TENANT, flow_hours.c.hour < now - KEPT, NOT_OPEN)
    connection.execute(sa.delete(flow_hours).where(*old))
