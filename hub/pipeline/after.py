"""What a message becomes after an attempt: a function of the outcome and of what is known. No database, no dice."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hub.plugin import Accepted, Config, Duplicate, Outcome, Permanent, Suppress, Transient, Unknown

from .guards import NEXT_AFTER
from .states import MessageState

SCHEDULE: Sequence[timedelta] = tuple(timedelta(seconds=s) for s in (15, 60, 300, 1800, 7200, 21600, 43200))
"""Waits between the tries of one channel."""

PAUSE = timedelta(minutes=15)
"""How long a connection pauses for a fault of ours before it is tried again by one message."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to write. `next_channel`: this channel is done with; the list goes on. `everywhere`: so are the other
    providers of its failover, for it was not the provider's fault. `paused`: why the connection pauses. `dead`: the
    address is not used again; `closed`: its owner closed the channel."""

    state: MessageState
    reason: str = ""
    due_at: datetime | None = None
    counts: bool = True
    next_channel: bool = False
    everywhere: bool = False
    paused: str = ""
    dead: bool = False
    closed: bool = False
    receipt_by: datetime | None = None


@dataclass(frozen=True, slots=True)
class Attempted:
    """What is known when an outcome comes in. `tries`: with this channel, this one counted."""

    now: datetime
    tries: int
    first_try_at: datetime
    others: bool
    """Whether a channel is left behind this one."""
    honours_keys: bool
    receipts: bool
    receipt_wait: timedelta
    uncertain: str
    unknowns: int = 0
    """How often it was uncertain before."""
    stands_by: bool = False
    """Whether another provider of its failover could take it now."""
    jitter: float = 1.0


def after(outcome: Outcome, given: Attempted) -> Verdict:
    """The message's next state and when it is due again."""
    match outcome:
        case Accepted() | Duplicate():
            return _sent(given)
        case Transient(reason=reason, not_before=asked, unsent=True):
            return _unsent(reason, asked, given)
        case Transient(reason=reason, not_before=asked):
            return _again(reason, asked, given)
        case Config(reason=reason):
            return _pausing(reason, given)
        case Suppress(reason=reason, blocked=blocked):
            done = Verdict(MessageState.DUE, reason, given.now, next_channel=True, everywhere=True)
            return replace(done, dead=not blocked, closed=blocked)
        case Permanent(reason=reason):
            return Verdict(MessageState.DUE, reason, given.now, next_channel=True, everywhere=True)
        case Unknown(reason=reason):
            return _perhaps(reason, given)
    raise AssertionError(outcome)


def _sent(given: Attempted) -> Verdict:
    waits = given.now + given.receipt_wait if given.receipts else None
    return Verdict(MessageState.SENT, receipt_by=waits)


def _impatient(given: Attempted) -> bool:
    return given.others and given.now - given.first_try_at >= NEXT_AFTER


def _no_later_than_the_next(due: datetime, given: Attempted) -> datetime:
    return min(due, given.first_try_at + NEXT_AFTER) if given.others else due


def _pausing(reason: str, given: Attempted) -> Verdict:
    """Our own fault: no attempt is used up, and the list goes on as after a temporary failure; another provider of the
    same failover, who has no such trouble, takes it at once."""
    if given.stands_by:
        return Verdict(MessageState.DUE, reason, given.now, counts=False, paused=reason)
    if _impatient(given):
        return Verdict(MessageState.DUE, reason, given.now, counts=False, next_channel=True, paused=reason)
    due = _no_later_than_the_next(given.now + PAUSE, given)
    return Verdict(MessageState.DUE, reason, due, counts=False, paused=reason)


def _unsent(reason: str, asked: datetime | None, given: Attempted) -> Verdict:
    """A limit of our own held it back: no try is used up, and nobody waits longer than that."""
    if _impatient(given):
        return Verdict(MessageState.DUE, reason, given.now, counts=False, next_channel=True)
    due = max(asked or given.now + SCHEDULE[0], given.now)
    return _not_before(asked, Verdict(MessageState.DUE, reason, due, counts=False), given)


def _again(reason: str, asked: datetime | None, given: Attempted) -> Verdict:
    if _impatient(given) or given.tries > len(SCHEDULE):
        return Verdict(MessageState.DUE, reason, given.now, next_channel=True)
    wait = SCHEDULE[given.tries - 1] * given.jitter
    due = max(given.now + wait, asked or given.now)
    return _not_before(asked, Verdict(MessageState.DUE, reason, due), given)


def _not_before(asked: datetime | None, again: Verdict, given: Attempted) -> Verdict:
    """Who asks for quiet until after the next channel's turn is not tried when that comes."""
    assert again.due_at is not None
    due = _no_later_than_the_next(again.due_at, given)
    return replace(again, due_at=due, next_channel=asked is not None and asked > due)


def _perhaps(reason: str, given: Attempted) -> Verdict:
    """It may have gone. It never moves the cascade on by itself; where it is to be tried again without a key, another
    provider of the same failover may do that as well as this one."""
    if given.honours_keys and given.tries <= len(SCHEDULE):
        return Verdict(MessageState.DUE, reason, given.now + SCHEDULE[given.tries - 1] * given.jitter)
    if given.receipts:
        return _sent(given)
    if given.uncertain == "maybe_never" or given.unknowns >= 1:
        return Verdict(MessageState.UNCERTAIN, reason)
    again = Verdict(MessageState.DUE, reason, given.now + SCHEDULE[0] * given.jitter)
    return replace(again, next_channel=given.stands_by)
