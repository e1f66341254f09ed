"""What a change of state starts (STATUS.md, section 7; occurrence: FLOWS.md 2.2)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from ._axes import Axis, Order, Payment, Return, Shipment, Status, full_name
from ._facts import Fact
from ._fold import Folded, Line, Verdict, passes

COUNTED: frozenset[Status] = frozenset(
    {
        Order.ON_HOLD,
        Payment.PAYMENT_FAILED,
        Shipment.ON_HOLD,
        Shipment.OUT_FOR_DELIVERY,
        Shipment.DELIVERY_FAILED,
        Shipment.PROBLEM,
        Return.REQUESTED,
    }
)
"""Values whose every entry is an occurrence of its own; of all others n stays 1."""


@dataclass(frozen=True, slots=True)
class Fired:
    """A trigger: `word` as flows name it, the n-th `occurrence`, and the event's own time and fact.

    `implied`: nobody said it; a later value proves it.
    """

    word: str
    status: Status
    occurrence: int
    at: datetime
    implied: bool
    cause: Fact | None


def triggers(axis: Axis, before: Folded, after: Folded) -> tuple[Fired, ...]:
    """The net move between two folds of one subject, and the shipping that it implies.

    Values passed in between fire nothing, nor does a step back that only a retraction caused. Whether the subject was
    imported, and whether the news is fresh, is for the caller to ask.
    """
    entry = _last_entry(after)
    if after.state is None or entry is None or not _is_news(before, after, entry):
        return ()
    moved = Fired(full_name(after.state), after.state, occurrence(after), entry.fact.at, False, entry.fact)
    shipped = _implied_shipping(before, after) if axis is Axis.SHIPMENT else None
    return (moved,) if shipped is None else (shipped, moved)


def occurrence(folded: Folded) -> int:
    """Which occurrence of its present state a subject is in; 0 without a state."""
    if folded.state is None:
        return 0
    return folded.entered[folded.state] if folded.state in COUNTED else 1


def is_fresh(status: Status, at: datetime, now: datetime, fresh: timedelta, deadline: datetime | None = None) -> bool:
    """Whether a status entered `at` is still news: for `fresh`, a parcel to be collected until its deadline."""
    if status is Shipment.READY_FOR_PICKUP and deadline is not None:
        return now <= deadline
    return now - at <= fresh


def steps_back(before: Folded, after: Folded) -> bool:
    """Whether something was taken back since, and the state rests on a fact that was known before."""
    taken_back = _keys(after.with_verdict(Verdict.RETRACTED)) - _keys(before.with_verdict(Verdict.RETRACTED))
    return bool(taken_back) and after.fact is not None and after.fact.key in _keys(before.lines)


def _last_entry(folded: Folded) -> Line | None:
    """The line that last made the present state happen: the move into it, or its latest genuine repetition."""
    return next((line for line in reversed(folded.lines) if line.occurrence and line.after is folded.state), None)


def _is_news(before: Folded, after: Folded, entry: Line) -> bool:
    if after.state is not before.state:
        return not steps_back(before, after)
    earlier = _last_entry(before)
    newer = earlier is not None and entry.fact.at > earlier.fact.at
    return newer and after.state in COUNTED and occurrence(after) > occurrence(before)


def _keys(lines: tuple[Line, ...]) -> set[str]:
    return {line.fact.key for line in lines}


def _implied_shipping(before: Folded, after: Folded) -> Fired | None:
    """`shipment.shipped`, when this change holds the first proof of movement and rests at another value."""
    if before.reached(Shipment.SHIPPED) or after.state in (None, Shipment.SHIPPED, Shipment.CANCELLED):
        return None
    for line in after.lines:
        if line.occurrence and line.after is not None and passes(line.after, Shipment.SHIPPED):
            word = full_name(Shipment.SHIPPED)
            return Fired(word, Shipment.SHIPPED, 1, line.fact.at, True, line.fact)
    return None
