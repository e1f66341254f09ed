"""Events that both parsers tell alike: the same event from a webhook and from a poll is one event."""

from datetime import datetime

from hub.model import RefKind, StatusEvent
from hub.status import Native

from .statuses import ORDER, TRANSACTION


def placed(ref: str, at: datetime) -> StatusEvent:
    """Every order was placed once: this stands at the beginning of its history and moves nothing later.

    A webhook's `fulfillment_status: null` hides holds and picking, so it is no word on where the order is now.
    """
    return StatusEvent(RefKind.ORDER, ref, ref, Native(ORDER, "placed"), at, event_id=f"placed:{ref}")


def transaction_event(ref: str, ident: str, word: str, kind: str, at: datetime) -> StatusEvent:
    native = Native(TRANSACTION, f"{word}/{kind}" if kind else word)
    return StatusEvent(RefKind.ORDER, ref, ref, native, at, event_id=f"transaction:{ident}")


def event_key(ident: str) -> str:
    return f"fulfillment_event:{ident}"
