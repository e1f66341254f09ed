"""The named queries of people who look and mend: commands and the console. Each takes a connection inside a
transaction; what is changed while a hub runs is found by its next tick.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from .database import insert_new
from .tables import (
    TENANT,
    InboxState,
    attempts,
    connections,
    errands,
    escalations,
    facts,
    inbox,
    messages,
    meta,
    numbers,
    orders,
    polls,
    runs,
    timeline,
    timers,
    unmapped,
    watches,
)

DISMISSED = "dismissed: "
"""How the reason of a dead letter begins that a person put aside."""

STATES: Mapping[str, int] = {
    "pending": InboxState.PENDING,
    "done": InboxState.DONE,
    "orphan": InboxState.ORPHAN,
    "dead": InboxState.DEAD,
    "dismissed": InboxState.DISMISSED,
}
"""The states of an event, in words."""

Row = Any
Rows = Sequence[Any]


def state_word(state: int) -> str:
    """The word for a state of an event."""
    return next((word for word, number in STATES.items() if number == state), str(state))


# ------------------------------------------------------------------------------------------------ orders


def find_orders(connection: sa.Connection, wanted: str, most: int = 50) -> Rows:
    """Orders by their number (`1001`, `#1001`), a parcel's number, the platform's own reference, or our id."""
    bare = wanted.strip()
    spellings = {bare, bare.removeprefix("#"), f"#{bare.removeprefix('#')}"}
    parcel = "".join(bare.split()).upper()
    holders = sa.select(numbers.c.order_id).where(numbers.c.tenant == TENANT, numbers.c.number == parcel)
    query = sa.select(orders).where(
        orders.c.tenant == TENANT,
        sa.or_(orders.c.number.in_(spellings), orders.c.ref == bare, orders.c.id == bare, orders.c.id.in_(holders)),
    )
    return connection.execute(query.order_by(orders.c.created_at.desc()).limit(most)).all()


def _of_order(connection: sa.Connection, table: sa.Table, order_id: str) -> Rows:
    query = sa.select(table).where(table.c.tenant == TENANT, table.c.order_id == order_id)
    return connection.execute(query.order_by(table.c.id)).all()


def numbers_of(connection: sa.Connection, order_id: str) -> list[str]:
    """The numbers of an order's parcels."""
    query = sa.select(numbers.c.number).where(numbers.c.tenant == TENANT, numbers.c.order_id == order_id)
    return [row.number for row in connection.execute(query.order_by(numbers.c.number))]


def timeline_of(connection: sa.Connection, order_id: str) -> Rows:
    """What happened to an order, in the order in which it was recorded."""
    return _of_order(connection, timeline, order_id)


def messages_of(connection: sa.Connection, order_id: str) -> Rows:
    """The messages about an order."""
    return _of_order(connection, messages, order_id)


def runs_of(connection: sa.Connection, order_id: str) -> Rows:
    """The runs for an order and its parcels."""
    return _of_order(connection, runs, order_id)


def escalations_of(connection: sa.Connection, order_id: str) -> Rows:
    """The matters of an order that called for a person."""
    return _of_order(connection, escalations, order_id)


def watches_of(connection: sa.Connection, order_id: str) -> Rows:
    """What policies wait for about an order, and what became of it, the oldest first."""
    theirs = (watches.c.tenant == TENANT, watches.c.order_id == order_id)
    return connection.execute(sa.select(watches).where(*theirs).order_by(watches.c.since_at, watches.c.key)).all()


def attempts_of(connection: sa.Connection, message_ids: Sequence[int]) -> Mapping[int, Rows]:
    """Message id → its attempts, in order."""
    found: dict[int, list[Row]] = {}
    query = sa.select(attempts).where(attempts.c.message_id.in_(message_ids)).order_by(attempts.c.id)
    for row in connection.execute(query) if message_ids else ():
        found.setdefault(row.message_id, []).append(row)
    return found


# ------------------------------------------------------------------------------------------------ events


def list_events(
    connection: sa.Connection, *, state: str | None = None, source: str | None = None, limit: int = 50
) -> Rows:
    """The newest events first, without their bodies."""
    columns = [column for column in inbox.c if column.name != "body"]
    query = sa.select(*columns).where(inbox.c.tenant == TENANT)
    if state is not None:
        query = query.where(sa.text(f"inbox.state = {STATES[state]}"))
    if source is not None:
        query = query.where(inbox.c.connection == source)
    return connection.execute(query.order_by(inbox.c.id.desc()).limit(limit)).all()


def find_event(connection: sa.Connection, event_id: int) -> Row | None:
    """One event whole."""
    return connection.execute(sa.select(inbox).where(inbox.c.tenant == TENANT, inbox.c.id == event_id)).first()


def replay_event(connection: sa.Connection, event_id: int) -> str:
    """Let an event be applied again; returns the state it was in, or an empty text when there is none."""
    return _set_event(connection, event_id, {"state": InboxState.PENDING, "error": "", "done_at": None})


def dismiss_event(connection: sa.Connection, event_id: int, reason: str, now: datetime) -> str:
    """Put an event aside for good; returns the state it was in, or an empty text when there is none."""
    values = {"state": InboxState.DISMISSED, "error": f"{DISMISSED}{reason}", "done_at": now}
    return _set_event(connection, event_id, values)


def _set_event(connection: sa.Connection, event_id: int, values: Mapping[str, Any]) -> str:
    row = find_event(connection, event_id)
    if row is None:
        return ""
    connection.execute(sa.update(inbox).where(inbox.c.id == event_id).values(**values))
    if row.state == InboxState.DEAD:
        for order_id in orders_of(connection, row.connection, row.subject):
            count_dead(connection, order_id)
    return state_word(row.state)


def orders_of(connection: sa.Connection, source: str, subject: str) -> list[str]:
    """Ids of the orders that an event speaks of by its subject: its own, or all that hold the parcel's number."""
    kind, _, ref = subject.partition(":")
    if kind == "order":
        return [f"{source}:{ref}"]
    holders = sa.select(numbers.c.order_id).where(numbers.c.tenant == TENANT, numbers.c.number == ref)
    return list(connection.execute(holders).scalars()) if kind == "parcel" else []


def count_dead(connection: sa.Connection, order_id: str) -> None:
    """Write on an order how many dead letters speak of it or its parcels. Counted anew, so that it cannot drift."""
    source, _, ref = order_id.partition(":")
    own, parcels = f"order:{ref}", [f"parcel:{number}" for number in numbers_of(connection, order_id)]
    ours = sa.or_(inbox.c.subject != own, inbox.c.connection == source)  # another shop may have the same reference
    spoken = (inbox.c.tenant == TENANT, inbox.c.subject.in_([own, *parcels]), ours)
    dead = sa.select(sa.func.count()).where(sa.text("inbox.state = 9"), *spoken).scalar_subquery()
    mine = sa.update(orders).where(orders.c.tenant == TENANT, orders.c.id == order_id)
    connection.execute(mine.values(incomplete=dead))


# ------------------------------------------------------------------------------------------------ dead letters


def dead_events(connection: sa.Connection, limit: int = 1000) -> Rows:
    """Events that cannot be processed."""
    return list_events(connection, state="dead", limit=limit)


def failed_messages(connection: sa.Connection, limit: int = 1000) -> Rows:
    """Messages that nobody received and nobody has put aside."""
    open_yet = sa.not_(messages.c.reason.startswith(DISMISSED, autoescape=True))
    query = sa.select(messages).where(messages.c.tenant == TENANT, messages.c.state == "failed", open_yet)
    query = query.where(messages.c.shadow == 0)  # in shadow nobody was to hear it
    return connection.execute(query.order_by(messages.c.id.desc()).limit(limit)).all()


def parked_runs(connection: sa.Connection, limit: int = 1000) -> Rows:
    """Runs that could not go on."""
    query = sa.select(runs).where(runs.c.tenant == TENANT, runs.c.state == "parked")
    return connection.execute(query.order_by(runs.c.id.desc()).limit(limit)).all()


def stuck_timers(connection: sa.Connection, limit: int = 1000) -> Rows:
    """Timers whose work failed and that were set aside."""
    query = sa.select(timers).where(timers.c.tenant == TENANT, timers.c.state == 9)
    return connection.execute(query.order_by(timers.c.id.desc()).limit(limit)).all()


def replay_message(connection: sa.Connection, message_id: int, now: datetime) -> bool:
    """A failed message is due again, with every channel untried; False when it is not a failed one."""
    row = connection.execute(_failed(message_id)).first()
    if row is None:
        return False
    doc = {**row.doc, "tried": [], "why": {}, "first_try_at": None}
    values = {"state": "due", "due_at": now, "reason": "", "tries": 0, "connection": "", "owner": "", "doc": doc}
    connection.execute(sa.update(messages).where(messages.c.id == message_id).values(**values, finished_at=None))
    return True


def dismiss_message(connection: sa.Connection, message_id: int, reason: str) -> bool:
    """A failed message stays failed and is shown no longer; False when it is not a failed one."""
    if connection.execute(_failed(message_id)).first() is None:
        return False
    which = sa.update(messages).where(messages.c.id == message_id)
    connection.execute(which.values(reason=f"{DISMISSED}{reason}"))
    return True


def _failed(message_id: int) -> sa.Select[Any]:
    return sa.select(messages).where(
        messages.c.tenant == TENANT, messages.c.id == message_id, messages.c.state == "failed"
    )


def replay_run(connection: sa.Connection, run_id: int, now: datetime) -> bool:
    """A parked run goes on where it stands; False when it is not a parked one."""
    row = connection.execute(_parked(run_id)).first()
    if row is None:
        return False
    doc = {**row.doc, "run": {**row.doc["run"], "steps": 0}}  # it was parked for taking too many
    values = {"state": "waiting", "reason": "", "ended_at": None, "doc": doc}
    connection.execute(sa.update(runs).where(runs.c.id == run_id).values(**values))
    timer = {
        "tenant": TENANT, "slot": row.slot, "key": f"run:{row.key}", "kind": "run", "ref": row.key,
        "order_id": row.order_id, "due_at": now, "state": 0,
    }  # fmt: skip
    connection.execute(insert_new(timers, connection.dialect.name).values(**timer))
    which = sa.update(timers).where(timers.c.tenant == TENANT, timers.c.key == timer["key"])
    connection.execute(which.values(due_at=now, state=0))
    return True


def dismiss_run(connection: sa.Connection, run_id: int, reason: str, now: datetime) -> bool:
    """A parked run is stopped; False when it is not a parked one."""
    if connection.execute(_parked(run_id)).first() is None:
        return False
    values = {"state": "stopped", "reason": f"{DISMISSED}{reason}", "ended_at": now}
    connection.execute(sa.update(runs).where(runs.c.id == run_id).values(**values))
    return True


def _parked(run_id: int) -> sa.Select[Any]:
    return sa.select(runs).where(runs.c.tenant == TENANT, runs.c.id == run_id, runs.c.state == "parked")


def set_timer(connection: sa.Connection, timer_id: int, *, again: bool) -> bool:
    """A timer that was set aside fires again, or never; False when it is not such a one."""
    which = sa.update(timers).where(timers.c.tenant == TENANT, timers.c.id == timer_id, timers.c.state == 9)
    return connection.execute(which.values(state=0 if again else 1)).rowcount == 1


# ------------------------------------------------------------------------------------------------ escalations


_PRESSING = sa.case({"critical": 0, "high": 1, "normal": 2, "low": 3}, value=escalations.c.severity, else_=4)
_UNRESOLVED = sa.and_(sa.text("escalations.state <> 'resolved'"), escalations.c.state != "shadow")


def open_matters(connection: sa.Connection) -> Rows:
    """Escalations that nobody has resolved, the most pressing first, each with its order's number."""
    query = _matters().where(_UNRESOLVED)
    return connection.execute(query.order_by(_PRESSING, escalations.c.due_at, escalations.c.id)).all()


def find_matters(connection: sa.Connection, begins: str, *, closed: bool = False) -> Rows:
    """Unresolved escalations whose id begins so, or any, each with its order's number; two at most."""
    query = _matters().where(escalations.c.uid.startswith(begins, autoescape=True))
    return connection.execute((query if closed else query.where(_UNRESOLVED)).limit(2)).all()


def matter_history(connection: sa.Connection, matter: Any) -> Rows:
    """Lines of the timeline about one escalation."""
    mine = (timeline.c.order_id == matter.order_id, timeline.c.kind == "escalation", timeline.c.subject == matter.uid)
    query = sa.select(timeline).where(timeline.c.tenant == TENANT, *mine)
    return connection.execute(query.order_by(timeline.c.id)).all()


def _matters() -> sa.Select[Any]:
    of_order = sa.and_(orders.c.tenant == escalations.c.tenant, orders.c.id == escalations.c.order_id)
    query = sa.select(escalations, orders.c.number).select_from(escalations.outerjoin(orders, of_order))
    return query.where(escalations.c.tenant == TENANT)


# ------------------------------------------------------------------------------------------------ unmapped codes


def unmapped_codes(connection: sa.Connection) -> Rows:
    """Codes that nobody mapped, the most frequent first."""
    query = sa.select(unmapped).where(unmapped.c.tenant == TENANT)
    return connection.execute(query.order_by(unmapped.c.count.desc(), unmapped.c.connection, unmapped.c.code)).all()


def codes_said(connection: sa.Connection) -> Rows:
    """Every code that facts hold (source, vocabulary, code), and how many hold it."""
    code = (facts.c.source, facts.c.vocabulary, facts.c.code)
    query = sa.select(*code, sa.func.count().label("many")).where(facts.c.tenant == TENANT)
    return connection.execute(query.group_by(*code).order_by(sa.desc("many"), *code)).all()


# ------------------------------------------------------------------------------------------------ shadow


SINCE = "shadow_since"
"""Key in `meta`: since when the whole hub runs in shadow, as an ISO time; empty: it does not."""


def shadow_since(connection: sa.Connection) -> datetime | None:
    """Since when the whole hub runs in shadow; None: it is live."""
    said = connection.execute(sa.select(meta.c.value).where(meta.c.key == SINCE)).scalar()
    return datetime.fromisoformat(said) if said else None


def begun_in_shadow(connection: sa.Connection) -> tuple[int, int]:
    """How many runs wait, and how many messages are due, that end in shadow whatever the hub is now."""
    waiting = _count(connection, runs, sa.text("runs.state = 'waiting'"), runs.c.shadow == 1)
    return waiting, _count(connection, messages, sa.text("messages.state = 'due'"), messages.c.shadow == 1)


def kept_from_customers(connection: sa.Connection) -> int:
    """Messages to customers that were made live and are due: a hub in shadow sends none of them."""
    theirs = sa.not_(messages.c.recipient.startswith("staff:"))
    return _count(connection, messages, sa.text("messages.state = 'due'"), messages.c.shadow == 0, theirs)


def shadow_messages(connection: sa.Connection, since: datetime) -> Rows:
    """Messages made in shadow since then, the oldest first, each with its order's number and, where it would have been
    sent, its `content`."""
    query = _shadows().where(messages.c.created_at >= since)
    return connection.execute(query.order_by(messages.c.created_at, messages.c.id)).all()


def find_shadow_message(connection: sa.Connection, message_id: int) -> Row | None:
    """One of them; None: none with this id was made in shadow."""
    return connection.execute(_shadows().where(messages.c.id == message_id)).first()


def heard_live(connection: sa.Connection, since: datetime) -> Rows:
    """What customers really heard since then, each with its order's number."""
    reached = ("sent", "delivered", "read", "uncertain")
    query = sa.select(messages, orders.c.number).select_from(messages.outerjoin(orders, _OF_ORDER))
    theirs = (messages.c.tenant == TENANT, messages.c.recipient == "customer", messages.c.finished_at >= since)
    return connection.execute(query.where(*theirs, messages.c.state.in_(reached)).order_by(messages.c.id)).all()


_OF_ORDER = sa.and_(orders.c.tenant == messages.c.tenant, orders.c.id == messages.c.order_id)


def _shadows() -> sa.Select[Any]:
    kept = sa.and_(attempts.c.message_id == messages.c.id, attempts.c.outcome == "shadow")
    both = messages.outerjoin(orders, _OF_ORDER).outerjoin(attempts, kept)
    query = sa.select(messages, orders.c.number, attempts.c.content).select_from(both)
    return query.where(messages.c.tenant == TENANT, sa.text("messages.shadow = 1"))


def new_orders(connection: sa.Connection, since: datetime) -> Rows:
    """Orders that came to be known since then, the oldest first; what was merged into another is none."""
    mine = (orders.c.tenant == TENANT, orders.c.created_at >= since, orders.c.headline != "")
    return connection.execute(sa.select(orders).where(*mine).order_by(orders.c.created_at, orders.c.id)).all()


def matters_in_shadow(connection: sa.Connection, since: datetime) -> Rows:
    """Matters that would have been raised since then, the oldest first."""
    mine = (escalations.c.tenant == TENANT, escalations.c.state == "shadow", escalations.c.opened_at >= since)
    return connection.execute(sa.select(escalations).where(*mine).order_by(escalations.c.id)).all()


NOT_DONE = "in shadow, so not done: "
"""How the line of an effect begins that a shadow's run asked for and nobody outside may feel."""


def not_done_in_shadow(connection: sa.Connection, since: datetime) -> Rows:
    """Lines of such effects since then (`doc`: flow, result), the oldest first."""
    said = sa.type_coerce(timeline.c.doc, sa.Text).contains(NOT_DONE, autoescape=True)
    mine = (timeline.c.tenant == TENANT, timeline.c.kind == "run", timeline.c.recorded_at >= since)
    return connection.execute(sa.select(timeline.c.doc).where(*mine, said).order_by(timeline.c.id)).all()


# ------------------------------------------------------------------------------------------------ the whole


def connection_rows(connection: sa.Connection) -> Mapping[str, Row]:
    """Connection → what the hub noted about it."""
    rows = connection.execute(sa.select(connections).where(connections.c.tenant == TENANT)).all()
    return {row.name: row for row in rows}


def health_polls(connection: sa.Connection) -> Mapping[str, Row]:
    """Connection → the daily question whether its webhooks are still registered."""
    query = sa.select(polls).where(polls.c.tenant == TENANT, polls.c.kind == "health", polls.c.state == 0)
    return {row.connection: row for row in connection.execute(query)}


def failing_polls(connection: sa.Connection) -> Mapping[str, tuple[int, str]]:
    """Connection → how many of its questions fail at present, and the newest error."""
    query = sa.select(polls).where(polls.c.tenant == TENANT, polls.c.state == 0, polls.c.failures > 0)
    found: dict[str, tuple[int, str]] = {}
    for row in connection.execute(query.order_by(polls.c.due_at)):
        found[row.connection] = (found.get(row.connection, (0, ""))[0] + 1, row.error)
    return found


def failing_sends(connection: sa.Connection) -> Mapping[str, tuple[int, str]]:
    """Channel connection → how many messages wait after a try that failed, and why the latest did."""
    query = sa.select(messages.c.connection, messages.c.reason).where(messages.c.tenant == TENANT, messages.c.tries > 0)
    found: dict[str, tuple[int, str]] = {}
    for row in connection.execute(query.where(sa.text("messages.state = 'due'")).order_by(messages.c.due_at)):
        found[row.connection] = (found.get(row.connection, (0, ""))[0] + 1, row.reason)
    return found


def last_sent(connection: sa.Connection, name: str) -> datetime | None:
    """When a channel last took a message."""
    query = sa.select(attempts.c.finished_at).where(attempts.c.tenant == TENANT, attempts.c.connection == name)
    took = query.where(attempts.c.outcome.in_(("accepted", "duplicate"))).order_by(attempts.c.id.desc()).limit(1)
    found: datetime | None = connection.scalar(took)
    return found


def unpause(connection: sa.Connection, name: str, now: datetime) -> bool:
    """A connection is at work again and asks at once; True when it was paused."""
    row = connection.execute(
        sa.select(connections.c.paused).where(connections.c.tenant == TENANT, connections.c.name == name)
    ).first()
    which = sa.update(connections).where(connections.c.tenant == TENANT, connections.c.name == name)
    connection.execute(which.values(paused="", paused_until=None))
    asked = sa.update(polls).where(polls.c.tenant == TENANT, polls.c.connection == name, polls.c.state == 0)
    connection.execute(asked.where(polls.c.failures > 0).values(due_at=now))
    put_off = sa.update(errands).where(errands.c.connection == name, sa.text("errands.state = 'due'"))
    connection.execute(put_off.where(errands.c.due_at > now, errands.c.tries == 0).values(due_at=now))
    waiting = sa.update(messages).where(messages.c.connection == name, sa.text("messages.state = 'due'"))
    connection.execute(waiting.where(messages.c.due_at > now, messages.c.tries == 0).values(due_at=now))
    return row is not None and bool(row.paused)


def _count(connection: sa.Connection, table: sa.Table, *where: Any) -> int:
    found: int = connection.execute(sa.select(sa.func.count()).select_from(table).where(*where)).scalar_one()
    return found


def queues(connection: sa.Connection, now: datetime) -> Mapping[str, int]:
    """How much waits where."""
    due = sa.text("messages.state = 'due'")
    return {
        "orders": _count(connection, orders),
        "events to apply": _count(connection, inbox, sa.text("inbox.state = 0")),
        "messages due": _count(connection, messages, due, messages.c.due_at <= now),
        "messages for later": _count(connection, messages, due, messages.c.due_at > now),
        "messages held": _count(connection, messages, sa.text("messages.state = 'held'")),
        "messages on the wire": _count(connection, messages, sa.text("messages.state = 'on_wire'")),
        "calls and write-backs due": _count(connection, errands, sa.text("errands.state = 'due'")),
        "runs that wait": _count(connection, runs, sa.text("runs.state = 'waiting'")),
        "timers due": _count(connection, timers, sa.text("timers.state = 0"), timers.c.due_at <= now),
        "questions due": _count(connection, polls, sa.text("polls.state = 0"), polls.c.due_at <= now),
    }


def matters(connection: sa.Connection, now: datetime) -> Mapping[str, int]:
    """What waits for a person."""
    day_ago = now - timedelta(days=1)
    return {
        "dead events": _count(connection, inbox, sa.text("inbox.state = 9")),
        "failed messages": len(failed_messages(connection)),
        "parked runs": len(parked_runs(connection)),
        "failed calls and write-backs": _count(connection, errands, errands.c.state == "failed"),
        "timers set aside": len(stuck_timers(connection)),
        "orphans over a day": _count(connection, inbox, sa.text("inbox.state = 2"), inbox.c.received_at < day_ago),
        "unmapped codes": _count(connection, unmapped),
        "escalations nobody took": _count(connection, escalations, sa.text("escalations.state = 'open'")),
        "escalations taken": _count(connection, escalations, sa.text("escalations.state = 'acknowledged'")),
        "escalations overdue": _count(connection, escalations, _UNRESOLVED, escalations.c.due_at < now),
        "uncertain messages": _count(connection, messages, messages.c.state == "uncertain"),
    }
