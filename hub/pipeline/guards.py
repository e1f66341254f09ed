"""What becomes of a message when it is due: the guards of FLOWS 7, in their order; the first that objects names the
outcome. Pure: values in, a decision out. Asked in the same moment in which the message is committed *on the wire*.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from hub.config.model import Cap, Contact, Quiet
from hub.flows.model import first_real

DATA_WAITS = timedelta(hours=12)
"""How long a message waits for the data its text needs; then it ends as missing-data."""
LOOK_AGAIN = timedelta(minutes=10)
NEXT_AFTER = timedelta(minutes=15)
"""How long a temporary failure is retried on one channel when another is left (FLOWS 6)."""
AHEAD_OF_QUIET = timedelta(minutes=5)
"""How long before quiet hours a wait ends that must not end in them: what is due at their very beginning is in them."""


INSTANT = timedelta(microseconds=1)
UTC_ZONE = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Drop:
    """The message ends here: `state` suppressed, superseded or failed; or it goes no further until a person says so:
    held."""

    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class Defer:
    """Not now: due again at `until`."""

    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Via:
    """Send through this channel; `silent`: without ringing where the channel can."""

    connection: str
    silent: bool = False
    passed: tuple[tuple[str, str], ...] = ()
    """Channels that were passed over, and why."""


Decision = Drop | Defer | Via


@dataclass(frozen=True, slots=True)
class Option:
    """One channel of a message's list, as things stand now. `closed` says why it cannot be used; `waits_until` that
    it can, but only later (paused, cooling off)."""

    connection: str
    rings: bool
    closed: str = ""
    waits_until: datetime | None = None
    needless: str = ""
    """Why it is closed, where that is nobody's failure: there is nothing to mend, and nobody is called."""
    entry: int = -1
    """Its place in the list; providers of one failover share it. -1: a channel by itself."""

    def waits(self, now: datetime) -> bool:
        return self.waits_until is not None and self.waits_until > now


@dataclass(frozen=True, slots=True)
class Question:
    """Everything the guards look at."""

    now: datetime
    cls: str
    urgent: bool
    staff: bool
    created_at: datetime
    before_at: datetime | None
    stopped: str = ""
    untrue: str = ""
    superseded: bool = False
    overtaken: bool = False
    missing: tuple[str, ...] = ()
    against: str = ""
    """The policy that is against it, and why."""
    forbidden: str = ""
    """Why the class is not allowed for this person (no consent, opted out)."""
    options: Sequence[Option] = ()
    tried: Sequence[tuple[str, str]] = ()
    """Channels of the list that are done with, and why."""
    zones: Sequence[ZoneInfo] = (UTC_ZONE,)
    """The clocks that the recipient may live by: what is quiet on one of them is quiet."""
    first_try_at: datetime | None = None
    held: str = ""
    """Why the breaker of its flow holds it."""


def decide(ask: Question, contact: Contact, capped: Callable[[str], bool]) -> Decision:
    """The decision on a message that is due. `capped(connection)`: whether a cap is used up for it there."""
    for guard in (_alive, _still_true, _still_news, _has_data, _keeps_policies, _allowed, _in_time):
        objection = guard(ask)
        if objection is not None:
            return objection
    chosen = _choose(ask, contact, capped)
    return Drop("held", ask.held) if ask.held and isinstance(chosen, Via) else chosen


def _alive(ask: Question) -> Decision | None:
    return Drop("suppressed", ask.stopped) if ask.stopped else None


def _still_true(ask: Question) -> Decision | None:
    return Drop("suppressed", f"no-longer-true: {ask.untrue}") if ask.untrue else None


def _still_news(ask: Question) -> Decision | None:
    if ask.superseded:
        return Drop("superseded", "superseded")
    return Drop("suppressed", "overtaken") if ask.overtaken else None


def _has_data(ask: Question) -> Decision | None:
    if not ask.missing:
        return None
    fields = ", ".join(ask.missing)
    if ask.now >= ask.created_at + DATA_WAITS:
        return Drop("suppressed", f"missing-data: {fields}")
    return Defer(min(ask.now + LOOK_AGAIN, ask.created_at + DATA_WAITS), f"waits for {fields}")


def _keeps_policies(ask: Question) -> Decision | None:
    return Drop("suppressed", ask.against) if ask.against else None


def _allowed(ask: Question) -> Decision | None:
    return Drop("suppressed", ask.forbidden) if ask.forbidden else None


def _in_time(ask: Question) -> Decision | None:
    late = ask.before_at is not None and ask.now > ask.before_at
    return Drop("suppressed", "too-late") if late else None


def _choose(ask: Question, contact: Contact, capped: Callable[[str], bool]) -> Decision:
    passed = [*ask.tried, *((option.connection, option.closed) for option in ask.options if option.closed)]
    usable = [option for option in ask.options if not option.closed]
    if not usable:
        return _nobody(ask, passed)
    morning = _wait_for_morning(ask, contact, usable[0])
    if morning is not None:
        return morning
    free = usable if ask.urgent or ask.staff else [option for option in usable if not capped(option.connection)]
    passed += [(option.connection, "capped") for option in usable if option not in free]
    if not free:
        if ask.cls != "transactional":
            return Drop("suppressed", "capped")
        free = [option for option in usable if _place(option) == _place(usable[-1])]
    return _now_or_later(ask, contact, _one_of_each(free, ask.now), passed)


def _place(option: Option) -> tuple[int, str]:
    return (option.entry, "" if option.entry >= 0 else option.connection)


def _one_of_each(options: Sequence[Option], now: datetime) -> list[Option]:
    """Of each failover the provider to use: the first that does not wait, else the one that waits least."""
    chosen: dict[tuple[int, str], Option] = {}
    for option in options:
        held = chosen.get(_place(option))
        if held is None or (held.waits(now) and _ready_at(option, now) < _ready_at(held, now)):
            chosen[_place(option)] = option
    return list(chosen.values())


def _ready_at(option: Option, now: datetime) -> datetime:
    return max(option.waits_until or now, now)


def _nobody(ask: Question, passed: Sequence[tuple[str, str]]) -> Drop:
    """The list is used up."""
    needless = next((option.needless for option in ask.options if option.needless), "")
    if needless:
        return Drop("suppressed", needless)
    said = "; ".join(f"{name}: {why}" for name, why in passed)
    return Drop("failed", f"nobody could be reached: {said or 'no channel'}")


def _now_or_later(
    ask: Question, contact: Contact, options: Sequence[Option], passed: list[tuple[str, str]]
) -> Decision:
    waiting = [option for option in options if option.waits(ask.now)]
    ready = [option for option in options if option not in waiting]
    if waiting and options[0] in waiting:
        patience = (ask.first_try_at or ask.created_at) + NEXT_AFTER
        if not ready:
            return Defer(min(option.waits_until for option in waiting if option.waits_until), "channel pauses")
        if ask.now < patience and not ask.urgent:
            return Defer(min(patience, options[0].waits_until or patience), "channel pauses")
        passed.append((options[0].connection, "pauses"))
    first = ready[0]
    return _in_quiet(ask, contact, first, ready, tuple(passed))


def _in_quiet(
    ask: Question, contact: Contact, first: Option, ready: Sequence[Option], passed: tuple[tuple[str, str], ...]
) -> Decision:
    """Deferred, never dropped because of the hour, never past the deadline (FLOWS 7, quiet hours 1, 2, 4, 5)."""
    quiet = contact.quiet
    if ask.urgent or ask.staff or quiet is None or not silent_for(quiet, first):
        return Via(first.connection, passed=passed)
    if quiet_until(quiet, ask.now, *ask.zones) is None:
        return Via(first.connection, passed=passed)
    morning = _wait_for_morning(ask, contact, first)
    if morning is not None:
        return morning
    other = next((option for option in ready if not silent_for(quiet, option)), None)
    if other is not None:
        return Via(other.connection, passed=(*passed, (first.connection, "quiet")))
    if ask.cls == "transactional":
        return Via(first.connection, silent=True, passed=passed)
    return Drop("suppressed", "too-late")


def _wait_for_morning(ask: Question, contact: Contact, option: Option) -> Defer | None:
    """Quiet hours, rule 2: the end of quiet is not after `before`."""
    quiet = contact.quiet
    if ask.urgent or ask.staff or quiet is None or not silent_for(quiet, option):
        return None
    until = quiet_until(quiet, ask.now, *ask.zones)
    in_time = until is not None and (ask.before_at is None or until <= ask.before_at)
    return Defer(until, "quiet") if until is not None and in_time else None


def silent_for(quiet: Quiet, option: Option) -> bool:
    """Whether quiet hours are for this channel."""
    return option.connection in quiet.channels if quiet.channels is not None else option.rings


def quiet_span(quiet: Quiet, moment: datetime, *zones: ZoneInfo) -> tuple[datetime, datetime] | None:
    """From when until when the quiet lasts that holds at `moment`, on any of the clocks; None: it is not quiet. Where
    it is quiet on one or the other of them all day long, the first alone counts: what is said has to be said sometime.
    """
    span = next((each for zone in zones if (each := _span_on(quiet, moment, zone))), None)
    while span is not None and span[1] - span[0] < timedelta(days=1):
        touching = [
            each for zone in zones for at in (span[0] - INSTANT, span[1]) if (each := _span_on(quiet, at, zone))
        ]
        if not touching:
            return span
        span = min(span[0], *(each[0] for each in touching)), max(span[1], *(each[1] for each in touching))
    return span and _span_on(quiet, moment, zones[0])


def _span_on(quiet: Quiet, moment: datetime, zone: ZoneInfo) -> tuple[datetime, datetime] | None:
    """The same on one clock."""
    today = moment.astimezone(zone).date()
    nights = (_night(quiet.start, quiet.end, day, zone) for day in (today, today - timedelta(days=1)))
    return next(((begins, ends) for begins, ends in nights if begins <= moment < ends), None)


@lru_cache(maxsize=2_000)
def _night(start: time, end: time, day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The quiet that begins on a day. Right on days of 23 and 25 hours: a clock time that comes twice means the first,
    and one that does not exist the first that does. Kept, because a country may have thirty clocks."""
    until = day + timedelta(days=int(start >= end))
    return first_real(datetime.combine(day, start), zone), first_real(datetime.combine(until, end), zone)


def quiet_until(quiet: Quiet, now: datetime, *zones: ZoneInfo) -> datetime | None:
    """When the quiet that holds now ends; None: it is not quiet."""
    span = quiet_span(quiet, now, *zones)
    return span[1] if span else None


def before_quiet(
    quiet: Quiet, option: Option, *zones: ZoneInfo, due_at: datetime, before_at: datetime, now: datetime
) -> datetime:
    """When a wait that would end at `due_at` is to end, so that what is said then neither rings at night nor comes too
    late (quiet hours, rule 3): as planned, or a little before the quiet begins."""
    span = quiet_span(quiet, due_at, *zones) if silent_for(quiet, option) else None
    if span is None or span[1] <= before_at or before_at < due_at or span[0] <= now:
        return due_at
    return max(span[0] - AHEAD_OF_QUIET, now)


def is_capped(
    caps: Sequence[Cap], sent: Sequence[tuple[datetime, str, str]], *, connection: str, cls: str, now: datetime
) -> bool:
    """Whether one more by this channel or of this class would be too many. `sent`: (when, connection, class)."""
    return any(_used_up(cap, sent, connection, cls, now) for cap in caps)


def _used_up(cap: Cap, sent: Sequence[tuple[datetime, str, str]], connection: str, cls: str, now: datetime) -> bool:
    if not cap.counts(connection) or cap.cls not in (None, cls):
        return False
    counted = [at for at, by, kind in sent if now - at < cap.per and cap.counts(by) and cap.cls in (None, kind)]
    return len(counted) >= cap.at_most
