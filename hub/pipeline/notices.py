"""What a person should look at, of one order's news: known codes that only staff should see, sources that contradict
each other, reasons that staff are always told, orders that were deleted or merged (STATUS.md 1, 2, 5). Pure.
"""

from collections.abc import Sequence
from typing import Any

from hub.status import TELL_STAFF, Line, Mode, Verdict

from .documents import OrderDoc
from .facts import StoredFact
from .react import Reaction
from .state import OrderView

Notice = tuple[str, str, dict[str, Any]]
"""Occasion (told once), subject, what it is."""


def notices_of(
    new: Sequence[tuple[StoredFact, int]], before: OrderDoc, after: OrderView, reaction: Reaction, *, refolded: bool
) -> list[Notice]:
    """Of new facts only; what an import or a new mapping brings is no news to anybody."""
    keys = {fact.key for fact, _ in new if fact.mode is Mode.LIVE}
    called = {row["subject"] for row in reaction.escalations}
    found: list[Notice] = []
    for _, subject, folded in after.axes():
        for line in folded.lines:
            if line.fact.key in keys and not refolded:
                found += _of_line(line, subject, after.id, told=subject in called)
    if after.gone and not (before.removed_at or before.merged_into):
        kind = "merged" if after.doc.merged_into else "removed"
        found.append((f"{kind}|{after.id}", "", {"kind": kind, "source": after.connection}))
    return found


def _of_line(line: Line, subject: str, order_id: str, *, told: bool) -> list[Notice]:
    fact = line.fact
    said = fact.native.label or fact.native.code
    reason = fact.reason.value if fact.reason else ""
    notice = {"source": fact.source, "said": said, "reason": reason}
    if line.verdict is Verdict.CONTRADICTION:
        pair = f"{line.before.value if line.before else ''}|{fact.value.value if fact.value else ''}"
        return [(f"contradiction|{subject}|{pair}", subject, {**notice, "kind": "contradiction"})]
    if line.verdict is Verdict.FLAGGED:
        return [(f"flagged|{subject}|{reason}", subject, {**notice, "kind": "flagged"})]
    if line.verdict is Verdict.FOREIGN:
        return [(f"foreign|{subject}", subject, {**notice, "kind": "foreign"})]
    if line.verdict is Verdict.MOVE and fact.reason in TELL_STAFF and not told:
        return [(f"trouble|{subject}|{reason}", subject, {**notice, "kind": "trouble"})]
    return []
