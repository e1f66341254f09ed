"""What truly happened between two states of an order: the triggers that flows listen to, and the values that waits and
`stop_on` do. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import dropwhile
from typing import Any

from hub.status import Axis, Fact, Folded, Verdict, full_name, steps_back, triggers

from .state import OrderView

RECEIVED, DELIVERED = "order.received", "order.delivered"


@dataclass(frozen=True, slots=True)
class Occasion:
    """A trigger that truly happened to a subject."""

    word: str
    subject_kind: str
    subject: str
    occurrence: int
    at: datetime
    cause: Fact | None
    entered: Any = None  # the status, for freshness; None: it is no status
    implied: bool = False
    names: Mapping[str, Any] = field(default_factory=dict)
    """What is frozen for conditions and texts: `question`, `answer`, …"""
    changed: tuple[str, ...] = ()
    source: str = ""
    """The connection it came from, where no fact says it."""
    flow: str = ""
    """The one flow that it is for (its own cron line, its own stay); empty: for all that listen."""
    run: str = ""
    """The one run whose matter it is (FLOWS 2.3); waits and `stop_on` of others do not hear it."""
    data: Any = None
    """What a source added, for `event.data`; None: nothing."""
    shadow: bool = False
    """Whether it only would have happened: then only what is in shadow hears it."""


@dataclass(frozen=True, slots=True)
class Happened:
    """A value that was reached, or something that happened: its word, whose, and the one run that hears of it."""

    word: str
    subject: str
    run: str = ""
    shadow: bool = False


def occasions(before: OrderView | None, after: OrderView) -> list[Occasion]:
    """The triggers between two states of an order, `order.received` and the roll-up among them."""
    found: list[Occasion] = []
    counters = {each.id for each in after.shipments if each.pickup}
    if (before is None or before.snapshot is None) and after.snapshot is not None:
        found.append(Occasion(RECEIVED, "order", after.id, 1, after.snapshot.placed_at, _first(after.order)))
    for axis, subject, folded in after.axes():
        earlier = before.folded(axis, subject) if before else Folded()
        for fired in triggers(axis, earlier, folded):
            if fired.implied and subject in counters:
                continue  # nothing is shipped to a counter of the shop
            kind = "shipment" if axis is Axis.SHIPMENT else "order"
            found.append(
                Occasion(
                    fired.word, kind, subject, fired.occurrence, fired.at, fired.cause, fired.status, fired.implied
                )
            )
    if after.delivered and not (before and before.delivered):
        last = _what_delivered(after)
        if last is not None and not _only_steps_back(before, after, last):
            found.append(Occasion(DELIVERED, "order", after.id, 1, last.at, last))
    once: dict[tuple[str, str], Occasion] = {}
    for occasion in found:
        once.setdefault((occasion.word, occasion.subject), occasion)
    return list(once.values())


def _what_delivered(after: OrderView) -> Fact | None:
    """The fact with which the last parcel was delivered: its own, or the shop's that it closed the order (E2)."""
    folds = [each.folded for each in after.live]
    if any(folded.state is not each.status for folded, each in zip(folds, after.live, strict=True)):
        folds.append(after.order)
    return max((line.fact for folded in folds for line in folded.moves), key=lambda fact: fact.at, default=None)


def _only_steps_back(before: OrderView | None, after: OrderView, last: Fact) -> bool:
    """Whether something was taken back since, and what delivered the last parcel was known before that."""
    if before is None:
        return False
    both = [(before.folded(axis, subject), folded) for axis, subject, folded in after.axes()]
    known = any(line.fact.key == last.key for was, _ in both for line in was.lines)
    return known and any(steps_back(was, folded) for was, folded in both)


def said_else_since(folded: Folded, cause: Fact) -> bool:
    """Whether a witness of the same rank has said anything else since; a fold without the cause says nothing of it."""
    since = list(dropwhile(lambda line: line.fact is not cause, folded.lines))[1:]
    return any(line.verdict in (Verdict.MOVE, Verdict.STALE, Verdict.CONTRADICTION) for line in since)


def _first(folded: Folded) -> Fact | None:
    return folded.lines[0].fact if folded.lines else None


def happenings(before: OrderView | None, after: OrderView) -> list[Happened]:
    """Values that were reached (entered, or passed) since: what `stop_on` and waits listen to."""
    found = []
    for axis, subject, folded in after.axes():
        earlier = before.folded(axis, subject) if before else Folded()
        whose = subject if axis is Axis.SHIPMENT else after.id
        for value in type(folded.state) if folded.state is not None else ():
            again = folded.entered.get(value, 0) > earlier.entered.get(value, 0)
            if again or (folded.reached(value) and not earlier.reached(value)):
                found.append(Happened(full_name(value), whose))
    if after.delivered and not (before and before.delivered):
        found.append(Happened(DELIVERED, after.id))
    return found
