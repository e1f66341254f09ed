"""How a run goes on: pure decisions, effects as data. Rows are read and written around it, not in it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from hub.config.lengths import OFFICE, Hours

from .model import (
    Ask,
    Call,
    Choose,
    Coupon,
    Escalate,
    Expression,
    Flow,
    IfFails,
    Mute,
    Notify,
    Otherwise,
    Outside,
    Spoken,
    Step,
    Stop,
    Tag,
    Unknown,
    WaitEvent,
    WaitFor,
    WaitThat,
    WaitUntil,
    WriteBack,
    lists_in,
)
from .why import what_was_read

MAX_STEPS = 1000
SAID = "~said"
"""What a run hears of a message of its own when it waits for what becomes of it; no trigger is called so."""


class RunState(StrEnum):
    """Where a run stands. `waiting` is the only one that goes on."""

    WAITING = "waiting"
    DONE = "done"
    STOPPED = "stopped"
    RESTARTED = "restarted"
    PARKED = "parked"
    HELD_OUT = "held-out"


@dataclass(frozen=True, slots=True)
class Run:
    """One flow at work for one subject. `path` leads to the step it stands at: step, branch, step, branch, step …

    `due_at` is when its wait ends by time (None: only by an event). `since` is when the wait began. `values` are what
    conditions read of the run itself (`waited`). `steps` counts executed steps.
    """

    path: tuple[int, ...] = (0,)
    state: RunState = RunState.WAITING
    since: datetime | None = None
    due_at: datetime | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    steps: int = 0
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """What is stored of it beside its state."""
        return {
            "path": list(self.path),
            "since": self.since.isoformat() if self.since else None,
            "due_at": self.due_at.isoformat() if self.due_at else None,
            "values": dict(self.values),
            "steps": self.steps,
        }

    @classmethod
    def from_json(cls, doc: Mapping[str, Any], state: str) -> "Run":
        """The run again."""
        since, due_at = (datetime.fromisoformat(doc[name]) if doc.get(name) else None for name in ("since", "due_at"))
        return cls(tuple(doc["path"]), RunState(state), since, due_at, doc["values"], doc["steps"])


@dataclass(frozen=True, slots=True)
class SayTo:
    """Effect: say what the step says; `extra` and `before` are computed."""

    step: Notify
    before: datetime | None
    extra: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Open:
    """Effect: open the escalation of this step."""

    step: Escalate


@dataclass(frozen=True, slots=True)
class Reach:
    """Effect: have this step done outside. `body`: what a call says, computed (None: not the step's to say)."""

    step: Outside
    body: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Reached:
    """What became of a step outside: `failed` says why it never will be; else it is done, and a call was answered."""

    failed: str = ""
    response: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Invite:
    """Effect: open the survey of this step, and invite to it."""

    step: Ask


@dataclass(frozen=True, slots=True)
class Mark:
    """Effect: keep messages back, or put tags on and take them off, as the step says."""

    step: Mute | Tag


@dataclass(frozen=True, slots=True)
class Note:
    """Effect: a line of the trace; for a choice the condition that decided it, and what was read for it."""

    text: str
    rule: str = ""
    read: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Exceeded:
    """Effect: this expression took more steps than one may, and counts as unknown; staff are told (FLOWS 4)."""

    expression: Expression


Effect = SayTo | Open | Invite | Mark | Reach | Note | Exceeded


Planned = Callable[[Notify, datetime, datetime], datetime]
"""(what is said behind a wait, when the wait would end, from when on it is pointless to say) → when the wait ends."""


def as_it_is(step: Notify, due: datetime, before: datetime) -> datetime:
    """Quiet hours move nothing."""
    return due


Settle = Callable[[Effect, Run], Run]
"""Does what a step asks for, and gives the run back with what it learnt by it (the matter that it raised)."""


def as_it_was(effect: Effect, run: Run) -> Run:
    """An effect of which the run learns nothing."""
    return run


Became = Callable[[Outside | Spoken], Reached | None]
"""What became of a step of the run that is done or said outside; None: nothing yet."""


def not_yet(step: Outside | Spoken) -> Reached | None:
    """Nothing was done outside."""
    return None


Into = Callable[[tuple[int, ...]], None]
"""Told of a list of steps that the run goes into: the path of the list."""


def unseen(path: tuple[int, ...]) -> None:
    """Nobody keeps count."""


Resolved = Callable[[Run], bool]
"""Whether the matter that the run raised last is resolved."""


def unresolved(run: Run) -> bool:
    """Nobody has resolved anything."""
    return False


Failed = Callable[[Exception], str]
"""What an error is called in the reason of a parked run; its own words may hold anybody's data."""


def its_kind(error: Exception) -> str:
    """The class of an error alone."""
    return type(error).__name__


@dataclass(frozen=True, slots=True)
class Moment:
    """What a run sees when it is moved: the names of its order now (given the run's own values), what just happened,
    the time and the zone.

    `planned` may end a wait sooner, so that quiet hours do not make its message late. `settle` is told each effect
    before the next step looks at anything."""

    names: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    now: datetime
    zone: ZoneInfo
    happened: frozenset[str] = frozenset()
    planned: Planned = as_it_is
    settle: Settle = as_it_was
    failed: Failed = its_kind
    hours: Hours = OFFICE
    """Of the shop: working lengths count within these."""
    became: Became = not_yet
    resolved: Resolved = unresolved
    into: Into = unseen


def first_unmet(conditions: Sequence[Expression], names: Mapping[str, Any]) -> tuple[Expression | None, Any]:
    """The first condition that does not hold, with its value; None: all do."""
    values = ((condition, condition.value(names)) for condition in conditions)
    return next(((condition, value) for condition, value in values if value is not True), (None, True))


def why_unmet(condition: Expression, value: Any) -> str:
    """Why a condition with this value does not hold."""
    if not isinstance(value, Unknown):
        return f"{condition.text}: not met"
    if value.exceeded:
        return f"{condition.text}: it takes too many steps, and is not known"
    missing = ", ".join(value.fields) or "something it reads"
    return f"{condition.text}: {missing} is not known"


def proceed(flow: Flow, run: Run, moment: Moment) -> tuple[Run, list[Effect]]:
    """Move a run on as far as it goes now: through its wait, if that is over, and the steps behind it. Never raises:
    a run whose step cannot be done is parked at it."""
    effects: list[Effect] = []

    def settle(effect: Effect, run: Run) -> Run:
        effects.append(effect)
        return moment.settle(effect, run)

    heard = replace(moment, settle=settle)
    run = _guarded(flow, run, heard, _through_wait) if run.since is not None else run
    while run.state is RunState.WAITING and run.since is None:
        run = _guarded(flow, run, heard, _next)
    return run, effects


def _guarded(flow: Flow, run: Run, moment: Moment, move: Callable[[Flow, Run, Moment], Run]) -> Run:
    """One move; whatever goes wrong in it is this run's trouble, and not that of the event which moved the run."""
    try:
        return move(flow, run, moment)
    except Exception as error:
        said = f"{_where(flow, run)} failed: {moment.failed(error)}"
        return replace(run, state=RunState.PARKED, reason=said, due_at=None)


def _where(flow: Flow, run: Run) -> str:
    try:
        step = step_at(flow.steps, settled(flow.steps, run.path))
    except (AssertionError, IndexError):  # a path that leads nowhere is what went wrong
        step = None
    return step.id if step else "the run"


def _next(flow: Flow, run: Run, moment: Moment) -> Run:
    run = replace(run, path=settled(flow.steps, run.path))
    step = step_at(flow.steps, run.path)
    if step is None:
        return replace(run, state=RunState.DONE)
    if run.steps >= MAX_STEPS:
        return replace(run, state=RunState.PARKED, reason=f"more than {MAX_STEPS} steps")
    return _execute(flow, step, replace(run, steps=run.steps + 1), moment)


def _value(expression: Expression, names: Mapping[str, Any], run: Run, moment: Moment) -> Any | Unknown:
    value = expression.value(names)
    if isinstance(value, Unknown) and value.exceeded:
        moment.settle(Exceeded(expression), run)
    return value


def _execute(flow: Flow, step: Step, run: Run, moment: Moment) -> Run:
    names = moment.names(run.values)
    match step:
        case Notify():
            effect: Effect = _say(step, names, run, moment)
        case Escalate():
            effect = Open(step)
            if step.wait:
                return _hold(step, moment.settle(effect, run), moment)
        case Ask():
            effect = Invite(step)
        case Mute() | Tag():
            effect = Mark(step)
        case Stop():
            return replace(run, state=RunState.DONE, reason=step.word)
        case Choose():
            return _choose(step, run, names, moment)
        case Call() | WriteBack() | Coupon():
            return _reach(step, names, run, moment)
        case _:
            return _begin_wait(flow, step, run, moment, names)
    run = moment.settle(effect, run)
    if isinstance(step, Spoken) and step.holds:
        return _through_spoken(step, replace(run, since=moment.now, due_at=None), moment)
    return replace(run, path=_after(run.path))


def _through_spoken(step: Spoken, run: Run, moment: Moment) -> Run:
    """Past what was said, once it is known what became of it: behind the step, or into the steps for its failure."""
    became = moment.became(step)
    if became is None:
        return run
    run = replace(run, since=None, due_at=None)
    return _into_failure(run, moment) if became.failed else replace(run, path=_after(run.path))


def _into_failure(run: Run, moment: Moment) -> Run:
    moment.into((*run.path, 0))
    return replace(run, path=(*run.path, 0, 0))


def _hold(step: Escalate, run: Run, moment: Moment) -> Run:
    """Wait for a person, with the matter raised: until it is resolved, or due."""
    held = replace(run, since=moment.now)
    names = moment.names(run.values)
    return _through(step, replace(held, due_at=_matter_due(step, held, moment, names)), moment, names)


def _matter_due(step: Escalate, run: Run, moment: Moment, names: Mapping[str, Any]) -> datetime:
    """By when the matter must be resolved: its own word, which counts within the hours of its group."""
    due = names.get("escalation", {}).get("due_at")
    if isinstance(due, datetime):
        return due
    assert step.due is not None, "an escalation that is waited for is due at some time"
    return step.due.after(run.since or moment.now, moment.zone, moment.hours)


def _say(step: Notify, names: Mapping[str, Any], run: Run, moment: Moment) -> SayTo:
    before = _value(step.before, names, run, moment) if step.before else None
    extra = _values(step.extra or {}, names, run, moment)
    return SayTo(step, before if isinstance(before, datetime) else None, extra)


def _reach(step: Outside, names: Mapping[str, Any], run: Run, moment: Moment) -> Run:
    """Ask for it to be done after the commit; go on, or hold until it is known what became of it."""
    body = _values(step.body, names, run, moment) if isinstance(step, Call) and step.body is not None else None
    run = moment.settle(Reach(step, body), run)
    if not step.holds:
        return replace(run, path=_after(run.path))
    held, became = replace(run, since=moment.now, due_at=None), moment.became(step)
    # What failed before is tried again by this very effect; what is done stays done.
    return held if became is None or became.failed else _through_outside(step, held, became, moment)


def _through_outside(step: Outside, run: Run, became: Reached | None, moment: Moment) -> Run:
    """Past a step that is done outside, once it is known what became of it."""
    if became is None:
        return run
    run = replace(run, since=None)
    if not became.failed:
        saved = dict(run.values.get("saved", {}))
        if isinstance(step, Call) and step.save:
            saved |= _values(step.save, {"response": became.response}, run, moment)
        values = {**run.values, "saved": saved} if saved else run.values
        if isinstance(step, Coupon):  # none: there were too many
            made = became.response.get("coupon")
            values = {
                **{name: value for name, value in values.items() if name != "coupon"},
                **({"coupon": made} if made else {}),
            }
        return replace(run, path=_after(run.path), values=values)
    if isinstance(step.if_fails, tuple):
        return _into_failure(run, moment)
    if step.if_fails is IfFails.CONTINUE:
        return replace(run, path=_after(run.path))
    return replace(run, state=RunState.PARKED, reason=why_parked(step, became.failed))


def why_parked(step: Outside | Spoken, failed: str) -> str:
    """The reason of a run that is parked because a step has failed for good."""
    return f"{step.id} failed: {failed}"


def _values(
    expressions: Mapping[str, Expression], names: Mapping[str, Any], run: Run, moment: Moment
) -> dict[str, Any]:
    """What can be computed of named values; what is not known is left out."""
    values = {name: _value(expression, names, run, moment) for name, expression in expressions.items()}
    return {name: value for name, value in values.items() if not isinstance(value, Unknown)}


def _choose(step: Choose, run: Run, names: Mapping[str, Any], moment: Moment) -> Run:
    asked: list[Expression] = []

    def holds(when: Expression) -> bool:
        asked.append(when)
        return _value(when, names, run, moment) is True

    taken = _taken(step, run.path, holds)
    place = taken[len(run.path)] if len(taken) > len(run.path) else None
    if place is not None:
        moment.into(taken[:-1])
    rule = "" if place is None or step.branches[place].when is None else asked[-1].text
    said = "none of its branches" if place is None else rule or "else"
    run = moment.settle(Note(f"choose: {said}", rule, what_was_read(asked, names)), run)
    return replace(run, path=taken)


def _taken(step: Choose, path: tuple[int, ...], holds: Callable[[Expression], bool]) -> tuple[int, ...]:
    """Where the path leads from a `choose`: into its first branch that is met, else behind it."""
    met_branches = (n for n, branch in enumerate(step.branches) if branch.when is None or holds(branch.when))
    place = next(met_branches, None)
    return _after(path) if place is None else (*path, place, 0)


def _begin_wait(flow: Flow, step: Step, run: Run, moment: Moment, names: Mapping[str, Any]) -> Run:
    began = replace(run, since=moment.now)
    due = _wait_ends(step, began, moment, names)
    _trace(step, began, due, moment)
    if due is Otherwise.STOP:
        return replace(run, state=RunState.DONE, reason="nothing to wait for")
    if due is Otherwise.SKIP:
        return _go_on(run, "")
    return _through(step, replace(began, due_at=_planned(flow, began, due, moment, names)), moment, names)


def _trace(step: Step, run: Run, due: datetime | Otherwise | None, moment: Moment) -> None:
    """Say of a moment that it is over at once: it had passed when the wait began, or has moved into the past; or that
    it is not known and not waited for. (That it ends the run is the run's own reason.)"""
    if not isinstance(step, WaitUntil):
        return
    if due is Otherwise.SKIP:
        moment.settle(Note(f"{step.id}: {step.until.text} is not known and is not waited for"), run)
    elif isinstance(due, datetime) and due <= moment.now and (run.due_at is None or run.due_at > moment.now):
        moment.settle(Note(f"{step.id}: {due.astimezone(UTC):%Y-%m-%d %H:%M} UTC has passed already: it goes on"), run)


def _through_wait(flow: Flow, run: Run, moment: Moment) -> Run:
    step = step_at(flow.steps, run.path)
    assert step is not None
    if isinstance(step, Outside):
        return _through_outside(step, run, moment.became(step), moment)
    if isinstance(step, Spoken) and step.holds:
        waits = isinstance(step, Escalate) and step.wait
        became = moment.became(step)
        if not waits or (became is not None and became.failed):
            return _through_spoken(step, run, moment)
    names = moment.names(run.values)
    due = _wait_ends(step, run, moment, names)
    _trace(step, run, due, moment)
    if due is Otherwise.STOP:
        return replace(run, state=RunState.DONE, reason="nothing to wait for", since=None, due_at=None)
    if due is Otherwise.SKIP:
        return _go_on(run, "")
    ends = due if isinstance(step, Escalate) else _planned(flow, run, due, moment, names)
    return _through(step, replace(run, due_at=ends), moment, names)


def _planned(flow: Flow, run: Run, due: datetime | None, moment: Moment, names: Mapping[str, Any]) -> datetime | None:
    """When the wait is to end, given what is said behind it: perhaps sooner, where that would come in quiet hours and
    could not wait for their end (FLOWS 7, quiet hours, rule 3)."""
    if due is None:
        return None
    timed_out = {**names, "waited": ""}
    said = _behind(flow, _after(run.path), timed_out)
    waits = [(step, step.before.value(timed_out)) for step in said if step.before is not None and not step.urgent]
    to_customer = [(step, before) for step, before in waits if step.to == "customer" and isinstance(before, datetime)]
    return min((moment.planned(step, due, before) for step, before in to_customer), default=due)


def _behind(flow: Flow, path: tuple[int, ...], names: Mapping[str, Any]) -> Iterator[Notify]:
    """What is said at a path and behind it, up to the next wait, as things stand now."""
    while True:
        path = settled(flow.steps, path)
        step = step_at(flow.steps, path)
        match step:
            case Choose():
                path = _taken(step, path, lambda when: when.value(names) is True)
                continue
            case Notify():
                yield step
                if step.holds:
                    return
            case Escalate(wait=False) | Ask() if step.holds:
                return
            case Escalate(wait=False) | Ask() | Mute() | Tag():
                pass
            case Call() | WriteBack() | Coupon() if not step.holds:
                pass
            case _:
                return
        path = _after(path)


def _wait_ends(step: Step, run: Run, moment: Moment, names: Mapping[str, Any]) -> datetime | Otherwise | None:
    """When the wait ends by time, as things stand now; a moved deadline moves the wait."""
    since = run.since or moment.now
    match step:
        case WaitFor():
            return step.length.after(since, moment.zone, moment.hours)
        case WaitThat() | WaitEvent():
            return step.up_to.after(since, moment.zone, moment.hours)
        case Escalate():
            return _matter_due(step, run, moment, names)
        case WaitUntil():
            until = _value(step.until, names, run, moment)
            if isinstance(until, datetime):
                return until
            other = step.otherwise
            if other is None or isinstance(other, Otherwise):
                return other or Otherwise.SKIP
            return other.after(since, moment.zone, moment.hours)
    raise AssertionError(f"not a wait: {step}")


def _through(step: Step, run: Run, moment: Moment, names: Mapping[str, Any]) -> Run:
    """Past the wait, if what it waits for is there or its time is up."""
    if isinstance(step, WaitThat) and _value(step.that, names, run, moment) is True:
        return _go_on(run, "that")
    if isinstance(step, WaitEvent):
        word = next((word for word in step.words if word in moment.happened), None)
        if word is not None:
            return _go_on(run, word)
    over = run.due_at is not None and run.due_at <= moment.now
    if isinstance(step, Escalate):
        ended = over or moment.resolved(run)
        return replace(run, path=_after(run.path), since=None, due_at=None) if ended else run
    return _go_on(run, "") if over else run


def _go_on(run: Run, waited: str) -> Run:
    return replace(run, path=_after(run.path), since=None, due_at=None, values={**run.values, "waited": waited})


def _after(path: tuple[int, ...]) -> tuple[int, ...]:
    return (*path[:-1], path[-1] + 1)


def words_heard(flow: Flow) -> frozenset[str]:
    """Every word that a flow listens to: what starts it, what stops it, what it waits for."""

    def waited_for(steps: Sequence[Step]) -> Iterator[str]:
        for step in steps:
            if isinstance(step, WaitEvent):
                yield from step.words
            if isinstance(step, Escalate) and step.wait:
                yield "escalation.resolved"
            if isinstance(step, Spoken) and step.holds:
                yield SAID
            for inner in lists_in(step):
                yield from waited_for(inner)

    return frozenset({*flow.triggers, *flow.stop_on, *waited_for(flow.steps)})


def step_at(steps: Sequence[Step], path: tuple[int, ...]) -> Step | None:
    """The step exactly at a path, or None past the end of its list."""
    here = steps
    for depth in range(0, len(path) - 1, 2):
        here = lists_in(here[path[depth]])[path[depth + 1]]
    return here[path[-1]] if path[-1] < len(here) else None


def settled(steps: Sequence[Step], path: tuple[int, ...]) -> tuple[int, ...]:
    """The path with finished branches left behind: past the end of a branch stands the step after its `choose` (or
    after the step whose `if_fails` it is)."""
    while len(path) > 1 and step_at(steps, path) is None:
        path = _after(path[:-2])
    return path
