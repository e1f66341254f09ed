"""What passes between reading, deciding and writing in the apply drain."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hub.model import ChannelClosed, Linked, Receipt, Reply
from hub.status import Mode

from .facts import StoredFact
from .occasions import Occasion
from .own_events import Told
from .react import Reaction

REFOLD = "hub.refold"
"""Topic of the hub's own events that fold an order again (a newly mapped code)."""

REWATCH = "hub.rewatch"
"""Topic of the hub's own events that give clocks to orders under way."""

ChannelRecord = Receipt | Reply | Linked | ChannelClosed


@dataclass(slots=True)
class Event:
    """A stored event with its records, or the reason why it has none."""

    id: int
    connection: str
    subject: str
    received_at: datetime
    mode: Mode
    records: Sequence[Any] = ()
    error: str = ""
    refold: bool = False
    """The hub's own: codes changed their meaning; `body` says what they meant before."""
    body: Any = None
    rewatch: bool = False
    """The hub's own: orders under way get the clocks of flows that are new; `body` says which orders are next."""
    news: Occasion | None = None
    """The hub's own: something happened that is no status."""


@dataclass(slots=True)
class Wanted:
    """What one order is to be shown: events with the records that are for it, and due timers."""

    events: list[Event] = field(default_factory=list)
    records: list[tuple[Event, Any]] = field(default_factory=list)
    timers: list[Any] = field(default_factory=list)

    def take(self, event: Event, records: Sequence[Any]) -> None:
        if not self.events or self.events[-1] is not event:
            self.events.append(event)
        self.records += [(event, record) for record in records]


@dataclass(slots=True)
class OrderPlan:
    """Everything one transaction writes for one order."""

    order_id: str
    rev: int
    row: dict[str, Any] | None = None
    """Columns of the order's row; None: only timers of its runs or escalations were due."""
    customer: dict[str, Any] | None = None
    customer_was: str = ""
    """Whose order it was until now, when that changed."""
    consents: list[tuple[datetime, bool]] = field(default_factory=list)
    """What the order newly says of marketing: when, and whether it is allowed."""
    facts: list[tuple[StoredFact, int]] = field(default_factory=list)
    """New facts and the event each came with."""
    needless: list[tuple[str, str]] = field(default_factory=list)
    """(subject, key) of stored facts that can never matter any more."""
    numbers: list[str] = field(default_factory=list)
    polls: list[dict[str, Any]] = field(default_factory=list)
    unmapped: list[dict[str, Any]] = field(default_factory=list)
    lines: list[dict[str, Any]] = field(default_factory=list)
    reaction: Reaction = field(default_factory=Reaction)
    fired_timers: list[int] = field(default_factory=list)
    homeless: str = ""
    """Why nothing can be decided on this order now: its events and timers are not spent on it."""
    postponed: list[int] = field(default_factory=list)
    """Timers that come due again later, because their order is homeless."""
    climbed: list[tuple[dict[str, Any], dict[str, Any], str]] = field(default_factory=list)
    """Matters as they were and as they are, and the clock that ran out (acknowledge, due)."""
    notices: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    """What a person should look at: occasion, subject, what it is."""
    rested: list[str] = field(default_factory=list)
    """Surveys whose partial answer has rested."""
    unreceipted: list[int] = field(default_factory=list)
    """Messages whose channel gives receipts and gave none in time."""


@dataclass(slots=True)
class Batch:
    """What one transaction writes."""

    orders: list[OrderPlan] = field(default_factory=list)
    channel: list[tuple[Event, ChannelRecord]] = field(default_factory=list)
    done: list[int] = field(default_factory=list)
    orphans: list[tuple[int, str]] = field(default_factory=list)
    """Event id and the order or parcel it waits for, as a subject."""
    waiting: list[tuple[int, str]] = field(default_factory=list)
    """The same for what else an event speaks of: another copy of it waits for that."""
    dead: list[tuple[int, str]] = field(default_factory=list)
    """Event id and reason."""
    own: list[Told] = field(default_factory=list)
    """Happenings of a source's own."""
    rewatch: list[Any] = field(default_factory=list)
    """Bodies of events by which orders under way get their clocks."""
    rereads: list[tuple[str, str, str]] = field(default_factory=list)
    """Connection, poll kind, ref."""

    seconds: float = 0
    """How long it took to decide."""

    def empty(self) -> bool:
        return not (self.orders or self.done or self.orphans or self.dead)

    def size(self) -> int:
        """How much was done, for a drain that goes on until nothing is left."""
        return len(self.done) + len(self.orphans) + len(self.dead) + len(self.orders)
