"""A flow as the engine runs it: frozen, checked, positions left behind. FLOWS.md says what each word means."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol

from hub.config.lengths import Length as Length
from hub.config.lengths import first_real as first_real


@dataclass(frozen=True, slots=True)
class Unknown:
    """What an expression gives when it read a field that is absent; `fields` names it (`shipment.tracking_url`).
    `exceeded`: it took more loop steps than an expression may."""

    fields: tuple[str, ...] = ()
    exceeded: bool = False


class Expression(Protocol):
    """A compiled CEL expression. `text` is as written."""

    @property
    def text(self) -> str: ...

    def value(self, names: Mapping[str, Any]) -> Any | Unknown:
        """The value over these names (bool, int, float, str, datetime, list), or `Unknown`; never raises."""
        ...


@dataclass(frozen=True, slots=True)
class Fixed:
    """An expression that always gives the same."""

    text: str
    always: Any

    def value(self, names: Mapping[str, Any]) -> Any | Unknown:
        return self.always


class MessageClass(StrEnum):
    """Why something is said (FLOWS 7)."""

    TRANSACTIONAL = "transactional"
    FEEDBACK = "feedback"
    MARKETING = "marketing"


class IfFails(StrEnum):
    """What becomes of a run whose step has failed for good, where it is no list of steps."""

    STOP = "stop"
    CONTINUE = "continue"


@dataclass(frozen=True, slots=True)
class Notify:
    """Say one thing to one recipient. `id` is the step's key: its own id, else `notify:<template>`."""

    id: str
    template: str
    to: str = "customer"
    via: str | tuple[str, ...] = "default"
    cls: MessageClass = MessageClass.TRANSACTIONAL
    urgent: bool = False
    before: Expression | None = None
    extra: Mapping[str, Expression] | None = None
    echo: bool = False
    promise: Length | Expression | None = None
    """By when the customer hears more: so long after it leaves, or a moment."""
    if_fails: "IfFails | tuple[Step, ...]" = IfFails.CONTINUE

    @property
    def holds(self) -> bool:
        """Whether the run waits for what becomes of it: it has to know which way to go."""
        return isinstance(self.if_fails, tuple)


@dataclass(frozen=True, slots=True)
class WaitFor:
    """`wait: 3d`."""

    id: str
    length: Length


class Otherwise(StrEnum):
    """What a wait does while its moment is unknown, beside a length."""

    SKIP = "skip"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class WaitUntil:
    """`wait: {until: CEL time, or: …}`; computed anew at every change of the order. `otherwise` None: never unknown."""

    id: str
    until: Expression
    otherwise: Length | Otherwise | None


@dataclass(frozen=True, slots=True)
class WaitThat:
    """`wait: {that: CEL bool, up_to: L}`."""

    id: str
    that: Expression
    up_to: Length


@dataclass(frozen=True, slots=True)
class WaitEvent:
    """`wait: {event: words, up_to: L}`."""

    id: str
    words: tuple[str, ...]
    up_to: Length


@dataclass(frozen=True, slots=True)
class Branch:
    """One branch of `choose`; `when` None is `else`."""

    when: Expression | None
    steps: tuple["Step", ...]


@dataclass(frozen=True, slots=True)
class Choose:
    """The first branch that is met; none: go on."""

    id: str
    branches: tuple[Branch, ...]


@dataclass(frozen=True, slots=True)
class Stop:
    """Ends the run, with a word for the trace."""

    id: str
    word: str


class Severity(StrEnum):
    """How much a matter presses."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Escalate:
    """A matter that a person must take on. `reason` is TEXT (a limited template). `choices` become buttons; `wait`: the
    run goes on when it is resolved, or at `due`."""

    id: str
    to: str
    reason: str
    severity: Severity = Severity.NORMAL
    due: Length | None = None
    choices: tuple[str, ...] = ()
    wait: bool = False
    param: Mapping[str, Any] | None = None
    """What `reason` can read of the named list that it stands in."""
    if_fails: "IfFails | tuple[Step, ...]" = IfFails.CONTINUE

    @property
    def holds(self) -> bool:
        """Whether the run waits for what becomes of it: it has to know which way to go."""
        return isinstance(self.if_fails, tuple)


@dataclass(frozen=True, slots=True)
class Ask:
    """Open one survey per order and `name`, and invite to it (`survey`)."""

    id: str
    name: str
    to: str = "customer"
    via: str | tuple[str, ...] = "default"
    cls: MessageClass = MessageClass.FEEDBACK
    if_fails: "IfFails | tuple[Step, ...]" = IfFails.CONTINUE

    @property
    def holds(self) -> bool:
        """Whether the run waits for what becomes of it: it has to know which way to go."""
        return isinstance(self.if_fails, tuple)


@dataclass(frozen=True, slots=True)
class Mute:
    """Messages of these classes are kept back for so long. `who`: those to the customer, or those about the order."""

    id: str
    who: str
    classes: tuple[MessageClass, ...]
    length: Length


@dataclass(frozen=True, slots=True)
class Tag:
    """Tags put on and taken off. `who`: order, customer."""

    id: str
    who: str
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    write_back: bool = False
    """Also in the shop."""


@dataclass(frozen=True, slots=True)
class Call:
    """`call: {to, path, method, body, save}`. `body` None: the order as the hub's own JSON, where the method has one;
    `save`: name → value over `response`."""

    id: str
    to: str
    path: str = ""
    method: str = "POST"
    body: Mapping[str, Expression] | None = None
    save: Mapping[str, Expression] | None = None
    if_fails: "IfFails | tuple[Step, ...]" = IfFails.STOP

    @property
    def holds(self) -> bool:
        """Whether the run waits for what becomes of it: it has to know an answer, or which way to go."""
        return bool(self.save) or isinstance(self.if_fails, tuple)


@dataclass(frozen=True, slots=True)
class WriteBack:
    """`write_back: {status, note, tracking}` into the shop's order. `note` is TEXT (a limited template)."""

    id: str
    status: str = ""
    note: str = ""
    tracking: bool = False
    if_fails: "IfFails | tuple[Step, ...]" = IfFails.STOP
    param: Mapping[str, Any] | None = None
    """What `note` can read of the named list that it stands in."""

    @property
    def holds(self) -> bool:
        """Whether the run waits for what becomes of it."""
        return isinstance(self.if_fails, tuple)


@dataclass(frozen=True, slots=True)
class Allowance:
    """No more than `most` within `per` for one `scope`: customer, shop."""

    scope: str
    most: int
    per: timedelta


@dataclass(frozen=True, slots=True)
class Coupon:
    """`coupon: {percent or amount, valid, at_most}`: a discount code made in the order's shop."""

    id: str
    percent: Decimal | None
    amount: Decimal | None
    valid: Length
    at_most: tuple[Allowance, ...]
    if_fails: "IfFails | tuple[Step, ...]" = IfFails.STOP

    @property
    def holds(self) -> bool:
        """Whether the run waits for what becomes of it: what comes next tells the code."""
        return True


Outside = Call | WriteBack | Coupon
"""Steps that are done outside, after the commit."""
Spoken = Notify | Ask | Escalate
"""Steps that say something to somebody: what becomes of it is what becomes of their messages."""
Step = Notify | WaitFor | WaitUntil | WaitThat | WaitEvent | Choose | Stop | Escalate | Ask | Mute | Tag | Outside


def lists_in(step: Step) -> tuple[tuple[Step, ...], ...]:
    """The lists of steps inside a step, in the order in which a run's path counts them."""
    match step:
        case Choose():
            return tuple(branch.steps for branch in step.branches)
        case Notify() | Ask() | Escalate() | Call() | WriteBack() | Coupon() if isinstance(step.if_fails, tuple):
            return (step.if_fails,)
    return ()


def all_steps(steps: tuple[Step, ...]) -> Iterator[Step]:
    """Every step of a list and of the lists in it."""
    for each in steps:
        yield each
        for inner in lists_in(each):
            yield from all_steps(inner)


class Mode(StrEnum):
    """What happens when a new occurrence comes while a run of this flow and subject lives."""

    RESTART = "restart"
    IGNORE = "ignore"
    QUEUE = "queue"


class Per(StrEnum):
    """What a flow may begin once for."""

    SHIPMENT = "shipment"
    ORDER = "order"
    CUSTOMER = "customer"


@dataclass(frozen=True, slots=True)
class Once:
    """`once: order` (ever), `once: {order: 2d}` (not again within)."""

    per: Per
    within: Length | None = None


class State(StrEnum):
    """Whether a flow is at work."""

    LIVE = "live"
    SHADOW = "shadow"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Given:
    """What a trigger was given that is written as a map: `length` of `stalled` and `late`, `text` the cron line of
    `schedule` or the label of `button`."""

    length: Length | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Flow:
    """A declared reaction. `source` is the flow as plain data (JSON-able) and `version` the hash of it: a run under
    way keeps both, and `compile_flow(name, source)` gives the same flow again."""

    name: str
    triggers: tuple[str, ...]
    steps: tuple[Step, ...]
    when: tuple[Expression, ...] = ()
    stop_on: tuple[str, ...] = ()
    given: Mapping[str, Given] = field(default_factory=dict)
    """Trigger word → what it was given, for those that are written as a map."""
    once: Once | None = None
    """None: once per time that the trigger happened."""
    mode: Mode = Mode.RESTART
    recheck: bool = True
    fresh: Length | None = None
    gather: Length | None = None
    holdout: int | None = None
    """The share of customers, in percent, for whom it does nothing."""
    shops: tuple[str, ...] | None = None
    state: State = State.LIVE
    was: tuple[str, ...] = ()
    about: str = ""
    source: Mapping[str, Any] | None = None
    version: str = ""
