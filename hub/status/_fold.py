"""From a set of facts to a state (STATUS.md, section 3): pure, and blind to the order in which facts arrived."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from ._axes import RANK, RULES, Axis, Payment, Return, Shipment, Status
from ._facts import Fact, Level, Precision, Reason, Way

SKEW = timedelta(minutes=15)
"""A move back by an event must be at least this much later than the last accepted fact: devices' clocks differ."""

FOREIGN_BEFORE = timedelta(hours=48)
"""What a number says from before the order was placed, by more than this, is of another parcel."""

AGAIN: Mapping[Status, timedelta] = {
    Shipment.DELIVERY_FAILED: timedelta(hours=6),
    Payment.PAYMENT_FAILED: timedelta(hours=6),
}
"""Values that can truly happen again without having been left, and how much later another event must say so."""

_NUMBERED = frozenset({Axis.SHIPMENT, Axis.RETURN})
_GOING_BACK = frozenset({Shipment.RETURNING, Shipment.RETURNED})
_MOVEMENTS: frozenset[Status] = frozenset(
    {
        Shipment.SHIPPED,
        Shipment.IN_TRANSIT,
        Shipment.ON_HOLD,
        Shipment.ARRIVED_AT_BRANCH,
        Shipment.OUT_FOR_DELIVERY,
        Shipment.DELIVERY_FAILED,
        Shipment.READY_FOR_PICKUP,
    }
)


class Verdict(StrEnum):
    """What became of a fact."""

    MOVE = "move"
    SAME = "same"
    CLAIM = "claim"
    STALE = "stale"
    CONTRADICTION = "contradiction"
    FLAGGED = "flagged"
    FOREIGN = "foreign"
    QUARANTINE = "quarantine"
    NOTHING = "nothing"
    RETRACTED = "retracted"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of history: a fact, what became of it, and the state before and after it.

    `occurrence` is n when this line is the n-th time that `after` truly happened, and 0 when nothing happened.
    """

    fact: Fact
    verdict: Verdict
    before: Status | None
    after: Status | None
    occurrence: int = 0


@dataclass(frozen=True, slots=True)
class Folded:
    """What all facts of one subject and axis come to.

    `since` is the `at` of `fact`, the one that moved the subject into `state`. `lines` holds every fact in the order in
    which it counted; `entered` how often each value truly happened.
    """

    state: Status | None = None
    since: datetime | None = None
    reason: Reason | None = None
    fact: Fact | None = None
    lines: tuple[Line, ...] = ()
    entered: Mapping[Status, int] = field(default_factory=dict)

    @property
    def moves(self) -> tuple[Line, ...]:
        return self.with_verdict(Verdict.MOVE)

    @property
    def contradictions(self) -> tuple[Line, ...]:
        return self.with_verdict(Verdict.CONTRADICTION)

    def with_verdict(self, verdict: Verdict) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.verdict is verdict)

    def reached(self, value: Status) -> bool:
        """Whether `value` was entered, or passed: a value of the usual road lies behind what was entered.

        Off the road (holds, troubles, void values, the way back) a value counts only when it was entered itself.
        """
        return value in self.entered or any(passes(entered, value) for entered in self.entered)


def passes(entered: Status, value: Status) -> bool:
    """Whether a subject that is in `entered` must have been in `value`, or has gone past it on the usual road."""
    proven = RULES[entered].proves
    on_the_road = RULES[value].proves is value
    return on_the_road and proven is not None and type(proven) is type(value) and RANK[value] <= RANK[proven]


def fold(axis: Axis, facts: Iterable[Fact], *, followed: bool = False, placed_at: datetime | None = None) -> Folded:
    """Fold the facts of one subject and axis, in any order and with any repeats.

    `followed`: a carrier connection follows the parcel. `placed_at`: when the order was placed, to know foreign facts.
    """
    return walk(axis, in_order(distinct(facts)), followed=followed, placed_at=placed_at)


def distinct(facts: Iterable[Fact]) -> list[Fact]:
    """Per key the smallest record."""
    kept: dict[str, Fact] = {}
    for fact in facts:
        other = kept.get(fact.key)
        if other is None or _record(fact) < _record(other):
            kept[fact.key] = fact
    return list(kept.values())


def in_order(facts: Iterable[Fact]) -> list[Fact]:
    """By time; at equal times the lower rank first, so that the later stage stands; then by key."""
    return sorted(facts, key=lambda fact: (fact.at, _rank(fact.value), fact.key))


def walk(axis: Axis, facts: list[Fact], *, followed: bool, placed_at: datetime | None) -> Folded:
    """Step through facts as they stand; each key may come once."""
    if any(fact.axis is not axis for fact in facts):
        raise ValueError(f"only facts of the {axis} axis can be folded together")
    gone = frozenset(fact.retracts for fact in facts if fact.retracts)
    steps = _Walk(axis, gone, followed, placed_at)
    said = [fact for fact in facts if not fact.retracts]
    steps.lead = max((fact.level for fact in said if steps.testifies(fact)), default=Level.SHOP)
    for fact in said:
        steps.take(fact)
    return Folded(steps.state, steps.since, steps.reason, steps.fact, tuple(steps.lines), steps.entered)


def allowed(state: Status | None, value: Status, way: Way = Way.NONE) -> bool:
    """Whether the table of moves lets a fact lead from `state` to another `value`."""
    if state is None:
        return True
    rule = RULES[state]
    if RANK[value] > rule.rank:
        return value not in rule.not_to
    return value in rule.back_to or (way is Way.OUT and value in rule.out_to)


def read_way(value: Status, way: Way, state: Status | None) -> Status:
    """What a parcel's value says given the way it travels: a hand-over on the way back is to the sender."""
    if value is Shipment.DELIVERED:
        back = way is Way.BACK or (state in _GOING_BACK and way is not Way.OUT)
        return Shipment.RETURNED if back else value
    return Shipment.RETURNING if way is Way.BACK and value in _MOVEMENTS else value


def return_by_parcel(value: Shipment) -> Return | None:
    """What a customer's return parcel says of its return case; None when it says nothing."""
    if value is Shipment.DELIVERED:
        return Return.RETURNED
    return Return.RETURNING if value in _MOVEMENTS else None


@dataclass(slots=True)
class _Walk:
    """Where the fold stands between two facts."""

    axis: Axis
    gone: frozenset[str]
    followed: bool
    placed_at: datetime | None
    lead: int = Level.SHOP
    state: Status | None = None
    since: datetime | None = None
    reason: Reason | None = None
    fact: Fact | None = None
    accepted_at: datetime | None = None
    counted_at: datetime | None = None
    said: dict[tuple[str, str], tuple[Status, Way]] = field(default_factory=dict)
    """Source and what it spoke of → its last word, of those that tell states."""
    entered: dict[Status, int] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)

    def take(self, fact: Fact) -> None:
        before, value = self.state, self._read(fact)
        repeated = value is not None and self._repeats(fact)
        verdict = self._unfolded(fact) if value is None else self._judge(fact, value, repeated=repeated)
        occurrence = 0
        if value is not None and verdict is Verdict.MOVE:
            occurrence = self._enter(fact, value)
        elif verdict is Verdict.SAME and value is self.state:
            occurrence = self._confirm(fact, repeated=repeated)
        self.lines.append(Line(fact, verdict, before, self.state, occurrence))

    def testifies(self, fact: Fact) -> bool:
        """Whether this fact makes its source a witness whose level can outrank others'."""
        return (
            self.axis is Axis.SHIPMENT
            and fact.value is not None
            and fact.level is not Level.PERSON
            and fact.key not in self.gone
            and not self._foreign(fact)
        )

    def _foreign(self, fact: Fact) -> bool:
        return (
            self.placed_at is not None
            and self.axis in _NUMBERED
            and fact.level is not Level.PERSON
            and fact.at < self.placed_at - FOREIGN_BEFORE
        )

    def _unfolded(self, fact: Fact) -> Verdict:
        if fact.key in self.gone:
            return Verdict.RETRACTED
        if self._foreign(fact):
            return Verdict.FOREIGN
        if not fact.known:
            return Verdict.QUARANTINE
        return Verdict.NOTHING if fact.reason is None else Verdict.FLAGGED

    def _read(self, fact: Fact) -> Status | None:
        """The value that counts; None when the fact is not in the set that is folded."""
        value = fact.value
        if value is None or fact.key in self.gone or self._foreign(fact):
            return None
        if self.axis is not Axis.SHIPMENT or fact.level is Level.PERSON:
            return value
        if self.followed and fact.level is Level.SHOP and value is not Shipment.CANCELLED:
            return Shipment.ANNOUNCED  # the shop cannot know before the carrier
        return read_way(value, fact.way, self.state)

    def _judge(self, fact: Fact, value: Status, *, repeated: bool) -> Verdict:
        if self.axis is Axis.SHIPMENT and fact.level < self.lead and value is not Shipment.CANCELLED:
            return Verdict.CLAIM
        if repeated or value is self.state:
            return Verdict.SAME
        if fact.level is Level.PERSON:
            return Verdict.MOVE
        if not allowed(self.state, value, fact.way):
            return Verdict.CONTRADICTION if RULES[value].final else Verdict.STALE
        return Verdict.STALE if self._too_soon(fact, value) else Verdict.MOVE

    def _repeats(self, fact: Fact) -> bool:
        """Whether a source of states, not events, only says its last word (value and way) again. Remembers it."""
        if not fact.snapshot or fact.value is None:
            return False
        whose, word = (fact.source, fact.about), (fact.value, fact.way)
        last, self.said[whose] = self.said.get(whose), word
        return last == word

    def _too_soon(self, fact: Fact, value: Status) -> bool:
        if self.state is None or self.accepted_at is None or fact.snapshot:
            return False
        return RANK[value] < RANK[self.state] and fact.at - self.accepted_at < SKEW

    def _enter(self, fact: Fact, value: Status) -> int:
        self.state, self.since, self.reason, self.fact = value, fact.at, fact.reason, fact
        return self._count(fact, value)

    def _confirm(self, fact: Fact, *, repeated: bool) -> int:
        """Refresh the reason, and count a genuine second time. The stay in the state goes on.

        A source of states that only repeats its last word proves nothing new of that moment: an event soon after may
        still lead back. So it does not matter how often it repeats it.
        """
        self.accepted_at = self.accepted_at if repeated else fact.at
        self.reason = fact.reason or self.reason
        state, wait = self.state, AGAIN.get(self.state) if self.state else None
        if state is None or wait is None or self.counted_at is None or not _is_event(fact):
            return 0
        return self._count(fact, state) if fact.at - self.counted_at >= wait else 0

    def _count(self, fact: Fact, value: Status) -> int:
        self.accepted_at = self.counted_at = fact.at
        self.entered[value] = self.entered.get(value, 0) + 1
        return self.entered[value]


def _is_event(fact: Fact) -> bool:
    """Whether the source's own clock says that something happened at this time."""
    return not fact.snapshot and fact.precision is not Precision.SEEN


def _rank(value: Status | None) -> int:
    return -1 if value is None else RANK[value]


def _record(fact: Fact) -> tuple[object, ...]:
    """A total order of records, by their content; the time leads, and what we received last decides last."""
    native = fact.native
    return (
        fact.at,
        -_rank(fact.value),
        fact.retracts or "",
        fact.reason or "",
        fact.source,
        -fact.level,
        fact.snapshot,
        fact.way,
        fact.precision,
        (native.vocabulary, native.code, native.label, native.reason or ""),
        not fact.known,
        fact.subject,
        fact.about,
        fact.received_at,
        fact.mode,
    )
