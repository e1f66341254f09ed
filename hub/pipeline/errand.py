"""What is to be done outside beside messages, as rows: how a step becomes an errand, what an attempt makes of it, and
what a run is told. Pure.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from hub.config.model import Shop
from hub.flows.check import all_steps
from hub.flows.model import Call, Coupon, Flow, IfFails, Outside, Spoken, Tag, WriteBack
from hub.flows.run import Reach, Reached, why_parked
from hub.plugin import BODILESS, FailureError, Transient, Unknown
from hub.plugin import Config as OurFault
from hub.store.tables import TENANT, slot_of

from .after import PAUSE
from .customer import CUSTOMER
from .order_json import as_json, order_json
from .plain import key_of
from .said import said_as
from .state import OrderView

SCHEDULE: Sequence[timedelta] = tuple(timedelta(seconds=s) for s in (30, 300, 1800, 7200, 14400, 25200, 36000))
"""Waits between the 8 tries; together 23 hours and 36 minutes."""
WINDOW = timedelta(hours=24)
"""From the first look on; what is still not done then has failed."""
GONE_FROM_FILE = timedelta(hours=1)
"""How long an errand rests whose connection is not in the file."""

SHORTEST = SCHEDULE[0]


class OfRun(Protocol):
    """What an errand is named after: the run that asks for it."""

    key: str
    flow: str
    subject_kind: str
    subject: str
    word: str
    occurrence: int
    event: Mapping[str, Any]


def call_doc(effect: Reach, row: OfRun, names: Mapping[str, Any]) -> dict[str, Any]:
    """What a call says. It is fixed when the step is done: under one key always the same is said."""
    step = effect.step
    assert isinstance(step, Call)
    if step.method in BODILESS:
        body = None
    elif effect.body is not None:
        body = as_json(dict(effect.body))
    else:
        body = order_json(names, row.word, row.event.get("occurred_at") or names["now"])
    return {"method": step.method, "path": step.path, "body": body}


def coupon_doc(step: Coupon, customer_id: str, shop: Shop, now: datetime) -> dict[str, Any]:
    """What a coupon is to be worth, and how many there may be. Its code is made when it is (`hub.store.coupons`)."""
    return {
        "percent": None if step.percent is None else str(step.percent),
        "amount": None if step.amount is None else str(step.amount),
        "valid_until": step.valid.after(now, shop.timezone, shop.hours).isoformat(),
        "customer_id": customer_id,
        "shop": shop.key,
        "at_most": [[each.scope, each.most, each.per.total_seconds()] for each in step.at_most],
    }


def tag_doc(step: Tag, order: OrderView) -> dict[str, Any]:
    """Which tags are to be put on and taken off in the shop; of a customer whom the shop does not know, none."""
    known = order.snapshot.customer.ref if order.snapshot is not None else ""
    ref = known if step.who == CUSTOMER else order.id.partition(":")[2]
    return {"scope": step.who, "ref": ref, "add": list(step.add), "remove": list(step.remove)}


def _ending(step: Outside | Tag) -> dict[str, Any]:
    """Whether the run waits for it, and what becomes of a run that has gone on. A tag is on our side in any case."""
    if isinstance(step, Tag):
        return {"holds": False, "if_fails": str(IfFails.CONTINUE)}
    return {"holds": step.holds, "if_fails": str(step.if_fails) if isinstance(step.if_fails, str) else ""}


KINDS: Mapping[type[Any], str] = {Call: "call", WriteBack: "write_back", Coupon: "coupon", Tag: "tag"}


def errand_row(
    step: Outside | Tag, row: OfRun, order_id: str, connection: str, doc: Any, now: datetime
) -> dict[str, Any]:
    """The row of the table. Its key is content: the run's own parts and the step, never its place or the time."""
    key = key_of(TENANT, row.flow, row.subject_kind, row.subject, row.word, row.occurrence, step.id)
    return {
        "tenant": TENANT,
        "slot": slot_of(order_id),
        "key": key,
        "kind": KINDS[type(step)],
        "order_id": order_id,
        "run_key": row.key,
        "flow": row.flow,
        "step": step.id,
        "connection": connection,
        "state": "due",
        "due_at": now,
        "doc": {**doc, **_ending(step)},
        "created_at": now,
    }


def became_of(errands: Sequence[Any], run_key: str, step: str) -> Reached | None:
    """What became of the step of a run, by the errands of its order (rows with state, reason, answer)."""
    own = next((each for each in errands if each.run_key == run_key and each.step == step), None)
    if own is None or own.state in ("due", "on_wire"):
        return None
    return Reached(response=own.answer or {}) if own.state == "done" else Reached(failed=own.reason or own.state)


def why_parked_by(flow: Flow, run_key: str, errands: Sequence[Any], ended: Set[str]) -> str:
    """Why a run that went on meanwhile is parked: something it had asked for has failed, and its step says stop."""
    steps = {said_as(each, run_key): each for each in all_steps(flow.steps)}
    for each in errands:
        step = steps.get(each.step)
        if each.key not in ended or each.run_key != run_key or each.state != "failed":
            continue
        if isinstance(step, Call | WriteBack | Spoken) and not step.holds and step.if_fails is IfFails.STOP:
            return why_parked(step, each.reason)
    return ""


def tracking_of(names: Mapping[str, Any]) -> dict[str, str]:
    """Number, link and carrier of the run's parcel; of an order's run, those of its newest parcel that has a number."""
    numbered = [each for each in names.get("shipments", ()) if each.get("tracking_number")]
    parcel = names.get("shipment") or (numbered[-1] if numbered else {})
    return {name: str(parcel[name]) for name in ("tracking_number", "tracking_url", "carrier") if parcel.get(name)}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an errand becomes. `counts`: a try is used up; `paused`: why the connection pauses."""

    state: str
    reason: str = ""
    due_at: datetime | None = None
    counts: bool = True
    paused: str = ""


def after_failure(failure: FailureError, *, tries: int, since: datetime, now: datetime, jitter: float = 1.0) -> Verdict:
    """What a failed try makes of an errand. `tries`: this one counted; `since`: when it was first due."""
    match failure.outcome:
        case Transient(reason=reason, not_before=asked, unsent=True):
            return _again(reason, asked or now + SHORTEST, since, now, counts=False)
        case Transient(reason=reason, not_before=asked):
            return _next_try(reason, asked, tries, since, now, jitter)
        case Unknown(reason=reason):  # it may have been done; its key makes a repeat recognisable
            return _next_try(reason, None, tries, since, now, jitter)
        case OurFault(reason=reason):
            return Verdict("due", reason, now + PAUSE, counts=False, paused=reason)
        case other:
            return Verdict("failed", other.reason)


def after_cooling(until: datetime, *, since: datetime, now: datetime) -> Verdict:
    """What becomes of an errand while its connection is out of order and is not asked before `until`."""
    return _again("not asked: out of order", until, since, now, counts=False)


def after_removal(*, since: datetime, now: datetime) -> Verdict:
    """What becomes of an errand while its connection is not in the file, or is there as something else."""
    return _again("the connection is not in the file", now + GONE_FROM_FILE, since, now, counts=False)


def _next_try(
    reason: str, asked: datetime | None, tries: int, since: datetime, now: datetime, jitter: float
) -> Verdict:
    if tries > len(SCHEDULE):
        return Verdict("failed", f"{reason}; tried {tries} times")
    due = now + SCHEDULE[tries - 1] * jitter
    return _again(reason, max(due, asked or due), since, now, counts=True)


def _again(reason: str, due: datetime, since: datetime, now: datetime, *, counts: bool) -> Verdict:
    """Due again, unless that would be later than it is worth trying."""
    if due > since + WINDOW:
        return Verdict("failed", f"{reason}; not done within {WINDOW // timedelta(hours=1)} hours", counts=counts)
    return Verdict("due", reason, max(due, now), counts=counts)
