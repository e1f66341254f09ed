"""The steps of flows.yaml. One declaration each: its settings are the schema, its docstring and example are the
documentation, and the function makes the step that the engine runs.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from hub.config.kinds import Kept, Placed, found
from hub.config.problems import Level, quoted
from hub.config.scalars import Kind, MistakeError, read_flow_length
from hub.config.sections import LengthText, Name
from hub.config.settings import Shape, read_settings, read_value
from hub.config.yaml import ListNode, MapNode, Node, Scalar

from .cel import Compiled, Wants
from .cel_tree import NONE, Paths, must_read, proves, unmet
from .fails import IF_FAILS, ReadSteps, read_if_fails
from .model import (
    Ask,
    Branch,
    Choose,
    Escalate,
    Expression,
    Fixed,
    IfFails,
    Length,
    MessageClass,
    Notify,
    Otherwise,
    Severity,
    Step,
    Stop,
    WaitEvent,
    WaitFor,
    WaitThat,
    WaitUntil,
)
from .scope import Scope, placed_at, text_at
from .types import IN_LISTS, KEYWORDS, LATER_NAMES, NAMES, TEXT_NAMES
from .words import read_words

MAX_CHOOSE = 6


@dataclass(frozen=True, slots=True)
class StepKind:
    """A declared step. `settings` are the shapes in which it can be written; `make` gives the step, or None after
    reporting what is wrong."""

    name: str
    settings: type[Shape]
    summary: str
    example: str
    make: Callable[[Scalar, Node, Scope, ReadSteps], Step | None]


STEPS: dict[str, StepKind] = {}
Make = Callable[[Scalar, Node, Scope, ReadSteps], Step | None]


def step(word: str, settings: type[Shape], *, example: str) -> Callable[[Make], Make]:
    """Declare a step of flows.yaml."""

    def declare(make: Make) -> Make:
        STEPS[word] = StepKind(word, settings, (make.__doc__ or "").strip(), example, make)
        return make

    return declare


# ------------------------------------------------------------------------------------------------ notify


class NotifyShape(Shape):
    """Settings of `notify`."""

    template: Name = Field(description="The name of a text.")
    to: Name = Field("customer", description="`customer`, a staff group or a person.")
    via: Name | Annotated[list[str], Field(min_length=1, max_length=6)] = Field(
        "default", description="A route, or a list of channels in the order in which they are tried."
    )
    class_: Literal["transactional", "feedback", "marketing"] = Field(
        "transactional", alias="class", description="Why it is said: decides on consent and caps."
    )
    urgent: bool = Field(False, description="Breaks quiet hours and caps, waits for nothing; not with `marketing`.")
    before: Placed | None = Field(None, title="a moment (CEL)", description="From then on it is pointless.")
    promise: Placed | None = Field(
        None,
        title="a length of time such as 2d working, or a moment (CEL)",
        description="By when the customer hears from you again; `contact.promise` sees to it.",
    )
    echo: bool = Field(False, description="Rings also where the carrier tells this itself (`tells`).")
    with_: dict[str, Placed] = Field(
        {}, alias="with", title="name → a value (CEL)", description="More values for the text."
    )
    id: Name | None = Field(None, description="The step's key, where the template alone does not tell steps apart.")
    if_fails: Kept | None = IF_FAILS


@step("notify", NotifyShape, example="notify: {template: ready-for-pickup, via: [bot, mail]}")
def notify(word: Scalar, node: Node, scope: Scope, steps: ReadSteps) -> Step | None:
    """Say one thing to one recipient, through the first channel that reaches them."""
    shape = read_settings(node, NotifyShape, scope.reading, "'notify'", place=word.place)
    if not isinstance(node, MapNode):
        return None
    _follow_notify(node, scope, word)
    before = _deadline(node, scope, whole=shape is not None)
    promise = _promise(node, scope, whole=shape is not None)
    extra: dict[str, Expression] = {**_handed_over(node.get("with"), scope, whole=shape is not None), **_param(scope)}
    key = scope.said(word, node, "template")
    if (text_at(node, "urgent"), text_at(node, "class")) == ("true", "marketing"):
        scope.report(node.key("urgent") or word, "urgent-marketing", "marketing is never urgent")
    if_fails = read_if_fails(node.get("if_fails"), scope, steps)
    if shape is None or if_fails is None:
        return None
    return Notify(
        id=key,
        template=shape.template,
        to=shape.to,
        via=shape.via if isinstance(shape.via, str) else tuple(shape.via),
        cls=MessageClass(shape.class_),
        urgent=shape.urgent,
        echo=shape.echo,
        before=before,
        extra=extra or None,
        promise=promise,
        if_fails=if_fails,
    )


def _deadline(node: MapNode, scope: Scope, *, whole: bool) -> Compiled | None:
    before, placed = scope.at(node, "before", Wants.TIME, whole), placed_at(node.get("before"), whole)
    if before is not None and placed is not None:
        scope.maybe_missing(placed, before, Level.WARNING, "then there is no deadline; ask has(…) above")
    return before


def _param(scope: Scope) -> dict[str, Expression]:
    """`param`, as a text reads it, in the steps of a named list."""
    return {IN_LISTS: Fixed(IN_LISTS, scope.params.said)} if scope.params is not None else {}


def _promise(node: MapNode, scope: Scope, *, whole: bool) -> Length | Compiled | None:
    """A length of time begins with a digit, as no moment does."""
    placed = placed_at(node.get("promise"), whole)
    if placed is None:
        return None
    if (text_at(node, "to") or "customer") != "customer":
        scope.report(node.key("promise") or placed.node, "conflicting-settings", "a promise is made to the customer")
    if placed.text[:1].isdigit():
        try:
            return read_flow_length(placed.text)
        except MistakeError as mistake:
            scope.report(placed.node.at(mistake.offset), mistake.code, f"'promise': {mistake.text}")
            return None
    promise = scope.expression(placed, Wants.TIME)
    if promise is not None:
        scope.maybe_missing(placed, promise, Level.WARNING, "then nothing is promised; ask has(…) above")
    return promise


def _handed_over(node: Node | None, scope: Scope, *, whole: bool) -> dict[str, Compiled]:
    """`with`: name → value."""
    found: dict[str, Compiled] = {}
    for key, value in node if isinstance(node, MapNode) else ():
        placed = placed_at(value, whole)
        if placed is None:
            continue
        _variable(key, scope)
        compiled = scope.expression(placed, Wants.ANY)
        if compiled is not None:
            found[key.text] = compiled
    return found


_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def _variable(key: Scalar, scope: Scope) -> None:
    """A name that a text is to know a value by must be one that it can write, and not mean something else there."""
    if scope.known is None:
        return
    if key.text.lower() in KEYWORDS:
        scope.report(key, "bad-name", f"'{key.text}' is a reserved word of texts; give the value another name")
    elif not _IDENTIFIER.fullmatch(key.text):
        said = f"{quoted(key.text)} cannot be read in a text; expected: a letter, then letters, digits and '_'"
        scope.report(key, "bad-name", said)
    elif key.text in NAMES or key.text in LATER_NAMES or key.text in TEXT_NAMES:
        scope.report(key, "bad-name", f"'{key.text}' means something else in texts; give the value a name of its own")


def _follow_notify(node: MapNode, scope: Scope, word: Scalar) -> None:
    template, to = node.get("template"), node.get("to")
    if isinstance(template, Scalar) and template.text:
        scope.template(template)
    if isinstance(to, Scalar):
        scope.recipient(to)
    if (text_at(node, "to") or "customer") == "customer" and "customer" not in scope.offered:
        said = "what starts this flow has no customer who could be told"
        scope.report(to or word, "not-offered", said, "name a staff group or a person in 'to'")
    scope.via(node.get("via"), word)


# ------------------------------------------------------------------------------------------------ survey


class AskShape(Shape):
    """Settings of `survey`."""

    name: Name = Field(description="A survey of `surveys`.")
    to: Name = Field("customer", description="`customer`: surveys are for nobody else.")
    via: Name | Annotated[list[str], Field(min_length=1, max_length=6)] = Field(
        "default", description="A route, or a list of channels in the order in which they are tried."
    )
    class_: Literal["transactional", "feedback", "marketing"] = Field(
        "feedback", alias="class", description="Why it is said: decides on consent and caps."
    )
    id: Name | None = Field(None, description="The step's key, where a flow asks the same survey twice.")
    if_fails: Kept | None = IF_FAILS


@step("survey", AskShape, example="survey: {name: after-delivery, via: [mail]}")
def survey(word: Scalar, node: Node, scope: Scope, steps: ReadSteps) -> Step | None:
    """Ask the customer a survey, once for each order; chat channels ask inside the chat."""
    shape = read_settings(node, AskShape, scope.reading, "'survey'", place=word.place)
    if not isinstance(node, MapNode):
        return None
    if isinstance(name := node.get("name"), Scalar) and name.text:
        scope.survey(name)
    if isinstance(to := node.get("to"), Scalar) and to.text != "customer":
        scope.recipient(to)
        if scope.known and to.text in (*scope.known.staff, *scope.known.people):
            scope.report(to, "bad-value", f"a survey is for the customer, not for {quoted(to.text)} of the staff")
    scope.via(node.get("via"), word)
    key = scope.said(word, node, "name")
    if_fails = read_if_fails(node.get("if_fails"), scope, steps)
    if shape is None or if_fails is None:
        return None
    via = shape.via if isinstance(shape.via, str) else tuple(shape.via)
    return Ask(key, shape.name, shape.to, via, MessageClass(shape.class_), if_fails)


# ------------------------------------------------------------------------------------------------ wait


def read_otherwise(text: str) -> Any:
    """`or` of a wait: skip, stop, or a length."""
    if text in (Otherwise.SKIP.value, Otherwise.STOP.value):
        return Otherwise(text)
    try:
        return read_flow_length(text)
    except MistakeError:
        raise MistakeError("bad-value", f"{quoted(text)} is not skip, stop or a length of time such as 3d") from None


class WaitShape(Shape):
    """Settings of `wait`, when it is not just a length."""

    until: Placed | None = Field(
        None, title="a moment (CEL)", description="Until then; computed anew whenever the order changes."
    )
    or_: Annotated[Any, Kind("skip, stop or a length of time such as 3d", read_otherwise)] = Field(
        None, alias="or", description="What to do while `until` is not known: a length, `skip` or `stop`."
    )
    that: Placed | None = Field(None, title="a condition (CEL)", description="Until it becomes true.")
    event: Kept | None = Field(None, title="a trigger or a list", description="Until one of them happens.")
    up_to: LengthText | None = Field(None, description="How long at most to wait for `that` or `event`.")
    id: Name | None = Field(None, description="The step's key.")


_FORMS = {"until": "or", "that": "up_to", "event": "up_to"}


@step("wait", WaitShape, example="wait: {until: shipment.pickup_deadline - hours(12), or: stop}")
def wait(word: Scalar, node: Node, scope: Scope, steps: ReadSteps) -> Step | None:
    """Go on later: after a length of time, at a moment, when something becomes true, or when something happens."""
    scope.waits = True
    scope.offered |= {"waited"}
    scope.there |= {("waited",)}
    if not isinstance(node, MapNode):
        return _wait_for(word, node, scope)
    shape = read_settings(node, WaitShape, scope.reading, "'wait'", place=word.place)
    form = _form(word, node, scope)
    until = scope.at(node, "until", Wants.TIME, shape is not None)
    that = scope.at(node, "that", Wants.BOOL, shape is not None)
    event = node.get("event")
    words = read_words(event, scope.reading, "'event'") if event is not None else ()
    scope.events(event)
    key = scope.counted(word, f"wait:{form}", text_at(node, "id") or None)
    if shape is None or form is None:
        return None
    if form == "until":
        return _wait_until(key, until, shape, scope)
    if shape.up_to is None:
        return None
    if form == "that":
        return WaitThat(key, that, shape.up_to) if that else None
    return WaitEvent(key, words, shape.up_to) if words else None


def _wait_for(word: Scalar, node: Node, scope: Scope) -> Step | None:
    length = read_value(node, LengthText, scope.reading, "'wait'")
    text = node.text if isinstance(node, Scalar) else ""
    return WaitFor(scope.counted(word, f"wait:{text}", None), length) if text and _is_length(length) else None


def _is_length(value: Any) -> bool:
    return hasattr(value, "exact")


def _form(word: Scalar, node: MapNode, scope: Scope) -> str | None:
    """Which of the three forms is written; what belongs to another one is refused."""
    forms = [each for each in _FORMS if node.key(each) is not None]
    nothing = next((key for key, value in node if isinstance(value, Scalar) and value.empty), None)
    if nothing is not None and nothing.text in ("until", "that", "up_to"):
        scope.report(nothing, "missing-setting", f"'{nothing.text}' of 'wait' says nothing: its value is empty")
        return None
    if len(forms) > 1:
        scope.report(
            node.key(forms[1]) or word, "conflicting-settings", f"'{forms[0]}' and '{forms[1]}' exclude each other"
        )
        return None
    if not forms:
        if all(each.text in ("or", "up_to", "id") for each, _ in node):
            scope.report(word, "missing-setting", "'wait' needs a length, 'until', 'that' or 'event'")
        return None
    form = forms[0]
    other = "up_to" if form == "until" else "or"
    stray = node.key(other)
    if stray is not None:
        scope.report(
            stray,
            "conflicting-settings",
            f"'{other}' does not go with '{form}'; it goes with {'that and event' if other == 'up_to' else 'until'}",
        )
    if form != "until" and node.key("up_to") is None:
        scope.report(word, "missing-setting", f"'wait' needs 'up_to': how long at most to wait for '{form}'")
        return None
    return form


def _wait_until(key: str, until: Compiled | None, shape: WaitShape, scope: Scope) -> Step | None:
    if until is None or shape.until is None:
        return None
    if shape.or_ is None:
        scope.maybe_missing(shape.until, until, Level.ERROR, "say with 'or' what to do then: a length, skip or stop")
    if shape.or_ in (None, Otherwise.STOP):
        scope.there |= must_read(until.tree)
    return WaitUntil(key, until, shape.or_)


# ------------------------------------------------------------------------------------------------ choose, stop


class BranchShape(Shape):
    """A branch of `choose`."""

    when: Placed | None = Field(None, title="a condition (CEL)", description="When this branch is taken.")
    steps: Kept | None = Field(None, title="a list of steps", description="What to do then.")
    else_: Kept | None = Field(
        None, alias="else", title="a list of steps", description="The last branch: what to do when none is taken."
    )


@step(
    "choose",
    BranchShape,
    example="choose: [{when: shipment.failures >= 2, steps: [{stop: enough}]}, {else: [{wait: 1d}]}]",
)
def choose(word: Scalar, node: Node, scope: Scope, steps: ReadSteps) -> Step | None:
    """Do the steps of the first branch whose condition holds; when none holds, go on."""
    if not isinstance(node, ListNode) or not node.items:
        what = "an empty list" if isinstance(node, ListNode) else found(node)
        said = f"'choose' is a list of branches, as in [{{when: …, steps: […]}}, {{else: […]}}], not {what}"
        scope.report(node, "bad-value", said)
        return None
    if scope.depth >= MAX_CHOOSE:
        scope.report(word, "bad-value", f"'choose' stands at most {MAX_CHOOSE} deep")
        return None
    key = scope.counted(word, "choose", None)
    branches: list[Branch] = []
    before, leaves, unmet_so_far = scope.there, list[Paths](), NONE
    for each in node.items:
        if branches and branches[-1].when is None:
            scope.report(each, "never-reached", "no branch is reached behind 'else'")
        branch, there, missed = _branch(word, each, scope, steps, unmet_so_far)
        unmet_so_far |= missed
        if branch is not None:
            branches.append(branch)
        if branch is None or not (branch.steps and ends(branch.steps[-1])):
            leaves.append(there)
    if not branches or branches[-1].when is not None:
        leaves.append(before | unmet_so_far)
    scope.there = NONE.union(frozenset.intersection(*leaves)) if leaves else before
    return Choose(key, tuple(branches)) if len(branches) == len(node.items) else None


def _branch(
    word: Scalar, node: Node, scope: Scope, steps: ReadSteps, above: Paths
) -> tuple[Branch | None, Paths, Paths]:
    """The branch, what is there behind its steps, and what is there where it is not taken; `above` is what is there
    because the branches above it were not."""
    shape = read_settings(node, BranchShape, scope.reading, "a branch of 'choose'")
    if not isinstance(node, MapNode):
        return None, scope.there, NONE
    with scope.branch(above):
        when = scope.at(node, "when", Wants.BOOL, shape is not None)
        missed = unmet(when.tree, scope.certain) if when else NONE
    inner, other = node.get("steps"), node.get("else")
    with scope.branch(above | (proves(when.tree, True) if when else NONE)):
        then, there = steps(inner, scope) if inner is not None else (), scope.there
    with scope.branch(above):
        otherwise, there_else = steps(other, scope) if other is not None else (), scope.there
    if shape is None:
        return None, there, missed
    if shape.else_ is not None:
        if len(node) > 1:
            scope.report(node, "conflicting-settings", "'else' stands alone in its branch")
        return Branch(None, otherwise), there_else, missed
    if shape.when is None or shape.steps is None:
        missing = "when" if shape.when is None else "steps"
        scope.report(node, "missing-setting", f"a branch of 'choose' needs '{missing}'")
    return Branch(when, then) if when else None, there, missed


def ends(step: Step) -> bool:
    """Whether nothing goes on behind a step."""
    if isinstance(step, Stop):
        return True
    if not isinstance(step, Choose) or step.branches[-1].when is not None:
        return False
    return all(each.steps and ends(each.steps[-1]) for each in step.branches)


class StopShape(Shape):
    """`stop` has no settings beside its word."""


@step("stop", StopShape, example="stop: not-needed")
def stop(word: Scalar, node: Node, scope: Scope, steps: ReadSteps) -> Step | None:
    """End the run, with a word for the trace."""
    if not isinstance(node, Scalar):
        scope.report(node, "bad-value", f"'stop' is a word for the trace, not {found(node)}")
        return None
    if len(node.text) > 100:
        scope.report(node, "bad-value", "the word of 'stop' has at most 100 characters")
        return None
    return Stop(scope.counted(word, "stop", None), node.text)


# ------------------------------------------------------------------------------------------------ escalate


MAX_CHOICES = 6


def read_choice(text: str) -> str:
    """A word for a button, as conditions compare it."""
    if not text.strip() or len(text) > 40:
        raise MistakeError("bad-value", f"{quoted(text)} is no choice; expected: one to 40 characters for a button")
    return text.strip()


Choice = Annotated[str, Kind("a word for a button", read_choice)]


class EscalateShape(Shape):
    """Settings of `escalate`."""

    to: Name = Field(description="A staff group.")
    reason: Placed = Field(description="What the matter is, as a text that may use values: {{ order.number }}.")
    severity: Literal["low", "normal", "high", "critical"] = Field("normal", description="How much it presses.")
    due: LengthText | None = Field(None, description="By when it must be resolved; then the next rung is told.")
    choices: list[Choice] = Field(
        [], max_length=MAX_CHOICES, description="Buttons to answer with; pressing one resolves the matter."
    )
    wait: bool = Field(False, description="The run goes on when it is resolved, or when `due` is over.")
    id: Name | None = Field(None, description="The step's key, where a flow escalates to one group twice.")
    if_fails: Kept | None = IF_FAILS


@step("escalate", EscalateShape, example='escalate: {to: support, due: 4h, reason: "Ask about {{ order.number }}"}')
def escalate(word: Scalar, node: Node, scope: Scope, steps: ReadSteps) -> Step | None:
    """Raise a matter that a person must take on."""
    shape = read_settings(node, EscalateShape, scope.reading, "'escalate'", place=word.place)
    key = _follow_escalate(word, node, scope, whole=shape is not None) if isinstance(node, MapNode) else ""
    scope.offered |= {"escalation"}
    scope.there |= {("escalation",)}
    written = node.get("if_fails") if isinstance(node, MapNode) else None
    if_fails = read_if_fails(written, scope, steps, IfFails.CONTINUE)  # its ladder goes on anyway
    if shape is None or if_fails is None:
        return None
    _once_each(node.get("choices") if isinstance(node, MapNode) else None, scope)
    if shape.wait and shape.due is None:
        scope.report(
            word, "missing-setting", "'escalate' with 'wait' needs 'due': how long at most to wait for a person"
        )
    if shape.wait:
        scope.waits = True
    return Escalate(
        id=key,
        to=shape.to,
        reason=shape.reason.text,
        severity=Severity(shape.severity),
        due=shape.due,
        choices=tuple(shape.choices),
        wait=shape.wait,
        param=scope.params.said if scope.params is not None else None,
        if_fails=if_fails,
    )


def _once_each(node: Node | None, scope: Scope) -> None:
    """No two buttons with the same words."""
    items = [each for each in node.items if isinstance(each, Scalar)] if isinstance(node, ListNode) else []
    for index, each in enumerate(items):
        if each.text.strip() in [before.text.strip() for before in items[:index]]:
            scope.report(each, "bad-value", f"the choice {quoted(each.text)} stands here twice")


def _follow_escalate(word: Scalar, node: MapNode, scope: Scope, *, whole: bool) -> str:
    """Look at the names and the text that stand there; gives the step's key."""
    if isinstance(to := node.get("to"), Scalar):
        scope.group(to)
    if (reason := placed_at(node.get("reason"), whole)) is not None:
        scope.text(reason)
    return scope.said(word, node, "to")
