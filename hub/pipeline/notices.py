"""What a person should look at, of one order's news: known codes that only staff should see, sources that contradict
each other or take something back, reasons that staff are always told, a cancelled order whose parcel travels on, orders
that were deleted or merged (STATUS.md 1, 2, 4, 5, 7). Pure.
"""

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Any

from hub.status import RULES, TELL_STAFF, Axis, Fact, Folded, Line, Mode, Order, Reason, Status, Verdict

from .facts import StoredFact
from .react import Reaction
from .shadow import SHADOW
from .state import OrderView, ShipmentView

Notice = tuple[str, str, dict[str, Any]]
"""Occasion (told once), subject, what it is."""

LEARNT = frozenset({Verdict.SAME, Verdict.CLAIM, Verdict.STALE})
"""Verdicts of a word that moves nothing, and may still bring a reason that nobody knew."""
TRAVELLING = frozenset({"on_the_way", "near"})
"""Stages in which a parcel is moving."""


@dataclass(frozen=True, slots=True)
class TakenBack:
    """A word that a source has just taken back, of one subject, and how the subject stood before and after that."""

    by: StoredFact
    event_id: int
    axis: Axis
    subject: str
    fact: Fact
    before: Status | None
    after: Status | None


def taken_back(new: Sequence[tuple[StoredFact, int]], before: OrderView, after: OrderView) -> Iterator[TakenBack]:
    """What new retractions undo of what had counted until now."""
    by = {fact.retracts: (fact, event_id) for fact, event_id in new if fact.retracts}
    for axis, subject, folded in after.axes() if by else ():
        was = before.folded(axis, subject)
        counted = {line.fact.key for line in was.lines if line.verdict is not Verdict.RETRACTED}
        for line in folded.with_verdict(Verdict.RETRACTED):
            if line.fact.key in by and line.fact.key in counted:
                yield TakenBack(*by[line.fact.key], axis, subject, line.fact, was.state, folded.state)


def notices_of(
    new: Sequence[tuple[StoredFact, int]],
    before: OrderView,
    after: OrderView,
    reaction: Reaction,
    *,
    shadow: bool = False,
) -> list[Notice]:
    """Of new facts only; what an import or a new mapping (which comes with no fact) brings is no news to anybody. That
    a flow in shadow would have called somebody tells nobody; `shadow`: the whole hub is."""
    keys = {fact.key for fact, _ in new if fact.mode is Mode.LIVE}
    called = {row["subject"] for row in reaction.escalations if shadow or row["state"] != SHADOW}
    found: list[Notice] = []
    for _, subject, folded in after.axes():
        known = {line.fact.reason for line in folded.lines if line.fact.mode is Mode.LIVE and line.fact.key not in keys}
        for line in folded.lines:
            if line.fact.key in keys:
                found += _of_line(line, subject, known, told=subject in called)
    undone = (each for each in taken_back(new, before, after) if each.by.mode is Mode.LIVE)
    found += (_of_retraction(each) for each in undone if each.before is not each.after)
    found += _moving(before, after, keys)
    if after.gone and not before.gone:
        kind = "merged" if after.doc.merged_into else "removed"
        found.append((f"{kind}|{after.id}", "", {"kind": kind, "source": after.connection}))
    return found


def _of_line(line: Line, subject: str, known: Set[Reason | None], *, told: bool) -> Iterator[Notice]:
    """`known`: reasons that had been heard of the subject before."""
    fact = line.fact
    reason = fact.reason.value if fact.reason else ""
    notice = {"source": fact.source, "said": _said(fact), "reason": reason}
    match line.verdict:
        case Verdict.CONTRADICTION:
            pair = f"{line.before.value if line.before else ''}|{fact.value.value if fact.value else ''}"
            yield f"contradiction|{subject}|{pair}", subject, {**notice, "kind": "contradiction"}
        case Verdict.FLAGGED:
            yield f"flagged|{subject}|{reason}", subject, {**notice, "kind": "flagged"}
        case Verdict.FOREIGN:
            yield f"foreign|{subject}", subject, {**notice, "kind": "foreign"}
    learnt = line.verdict in LEARNT and fact.reason not in known
    if (line.verdict is Verdict.MOVE or learnt) and fact.reason in TELL_STAFF and not told:
        yield f"trouble|{subject}|{reason}", subject, {**notice, "kind": "trouble"}


def _of_retraction(each: TakenBack) -> Notice:
    occasion = f"retracted|{each.subject}|{each.fact.key}"
    return occasion, each.subject, {"kind": "retracted", "source": each.by.source, "said": _said(each.fact)}


def _said(fact: Fact) -> str:
    return fact.native.label or fact.native.code


def _moving(before: OrderView, after: OrderView, keys: Set[str]) -> Iterator[Notice]:
    """Parcels that travel to the customer though the order is cancelled, once either of the two is news."""
    if after.order.state is not Order.CANCELLED:
        return
    for each in after.live:
        if not _travels(each):
            continue
        was = next((former for former in before.shipments if former.id == each.id), None)
        cancelled = before.order.state is not Order.CANCELLED and _is_among(after.order, keys)
        set_off = not (was and _travels(was)) and _is_among(each.folded, keys)
        if cancelled or set_off:
            yield f"moving|{each.id}", each.id, {"kind": "moving", "source": after.connection}


def _travels(each: ShipmentView) -> bool:
    return each.status is not None and RULES[each.status].stage in TRAVELLING and not each.pickup


def _is_among(folded: Folded, keys: Set[str]) -> bool:
    return folded.fact is not None and folded.fact.key in keys
