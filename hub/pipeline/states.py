"""The states of a message and the moves between them: a table, and no other move exists (docs/message-states.md)."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class MessageState(StrEnum):
    """Where a message stands (DESIGN 3)."""

    DUE = "due"
    ON_WIRE = "on_wire"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"
    SUPPRESSED = "suppressed"
    SUPERSEDED = "superseded"
    HELD = "held"
    UNCERTAIN = "uncertain"


_S = MessageState

MOVES: Mapping[str, frozenset[str]] = {
    _S.DUE: frozenset({_S.ON_WIRE, _S.SUPPRESSED, _S.SUPERSEDED, _S.HELD, _S.FAILED, _S.DELIVERED, _S.READ}),
    _S.ON_WIRE: frozenset({_S.SENT, _S.DELIVERED, _S.READ, _S.DUE, _S.FAILED, _S.UNCERTAIN, _S.SUPPRESSED}),
    _S.SENT: frozenset({_S.DELIVERED, _S.READ, _S.DUE, _S.FAILED}),
    _S.UNCERTAIN: frozenset({_S.DELIVERED, _S.READ, _S.SENT, _S.DUE}),
    _S.DELIVERED: frozenset({_S.READ}),
    _S.READ: frozenset(),
    _S.FAILED: frozenset({_S.DUE, _S.DELIVERED, _S.READ}),
    _S.SUPPRESSED: frozenset(),
    _S.SUPERSEDED: frozenset(),
    _S.HELD: frozenset({_S.DUE, _S.SUPPRESSED}),
}
"""A failed message becomes due again when staff replay it; a late receipt corrects the record, also while the message
waits for the next channel: once it has reached somebody nothing more is tried."""

FINISHED = frozenset({_S.SENT, _S.DELIVERED, _S.READ, _S.FAILED, _S.SUPPRESSED, _S.SUPERSEDED, _S.UNCERTAIN})
REACHED = frozenset({_S.SENT, _S.DELIVERED, _S.READ, _S.UNCERTAIN})


def done_with(doc: Mapping[str, Any], connection: str, why: str, *, everywhere: bool = True) -> dict[str, Any]:
    """A message's document once this channel is done with it: the list goes on, and the reason is kept for people.
    `everywhere`: the other providers of its failover are done with it too."""
    others = [each for each in doc.get("entry", ()) if everywhere and each not in (connection, *doc.get("tried", ()))]
    return {
        **doc,
        "tried": [*doc.get("tried", ()), connection, *others],
        "why": {**doc.get("why", {}), connection: why, **dict.fromkeys(others, f"{connection}: {why}")},
        "first_try_at": None,
        "perhaps": "",
    }
