"""From a flow as written to the flow that the engine runs. One path for files (with positions, everything checked) and
for stored flows (plain data that was checked when it went live)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field

from hub.config.kinds import Kept, Placed, found
from hub.config.problems import Level, Place, did_you_mean, instead, listed, quoted
from hub.config.scalars import Kind, MistakeError
from hub.config.sections import Name, PlainLengthText, Share
from hub.config.settings import Reading, Shape, read_settings
from hub.config.yaml import ListNode, MapNode, Node, Scalar, from_plain, stuck_word, stuck_words, to_plain

from . import coupons, doing, marks, outside  # noqa: F401 (their steps are declared by being there)
from .builtin import STEPS, ends
from .cel import Compiled, Wants
from .cel_tree import NONE, Paths, proves, roots
from .doing import read_unfolded, unfolded
from .fails import read_default
from .lists import unfold
from .model import Escalate, Flow, Mode, Notify, Once, Per, State, Step, all_steps
from .scope import Known, Scope, placed_at
from .types import UNKNOWN_TRIGGER, event_word, is_event, kind_of_word, offered
from .words import Trigger, read_triggers, read_words

MAX_STEPS = 100
ONCE = tuple(each.value for each in Per)
MOST_ONCE = timedelta(days=2 * 366)
"""FLOWS 14: how long a window of `once` may be."""


def _one_of(words: tuple[str, ...], later: tuple[str, ...]) -> Kind:
    def read(text: str) -> str:
        if text in later:
            raise MistakeError("not-yet", f"'{text}' is not supported in this version")
        if text not in words:
            raise MistakeError("bad-value", f"{quoted(text)} is not possible{instead(text, words, also=later)}")
        return text

    return Kind("one of " + listed(words), read)


class OnceShape(Shape):
    """`once` with a length"""

    shipment: PlainLengthText | None = Field(None, description="Not again for the same parcel within this time.")
    order: PlainLengthText | None = Field(None, description="Not again for the same order within this time.")
    customer: PlainLengthText | None = Field(None, description="Not again for the same customer within this time.")


class FlowShape(Shape):
    """A flow"""

    on: Kept | None = Field(None, title="a trigger or a list, required", description="What starts it.")
    when: Placed | list[Placed] | None = Field(
        None,
        title="a condition (CEL) or a list",
        description="All must hold, at the trigger and again before every send.",
    )
    steps: Kept | None = Field(None, title="a list, required", description="What to do, one step after the other.")
    stop_on: Kept | None = Field(None, title="a trigger or a list", description="What ends the run.")
    once: Kept | None = Field(
        None,
        title="`occurrence`, `shipment`, `order`, `customer`, or one of the latter with a length, default occurrence",
        description="How often: once per time that the trigger happened; once ever for that thing; or not again within "
        "a time: `{customer: 180d}`.",
    )
    mode: Annotated[str, _one_of(("restart", "ignore", "queue"), ())] = Field(
        "restart",
        description="When it happens again while a run lives: end that run, ignore the new one, or let it wait its "
        "turn.",
    )
    recheck: bool = Field(True, description="`false`: `when` counts only at the trigger.")
    fresh: PlainLengthText | None = Field(
        None, description="An event older than this starts no run; default: `contact.fresh`."
    )
    gather: PlainLengthText | None = Field(
        None, description="Of a parcel: one run for all parcels of the order to which it happens within this time."
    )
    holdout: Share | None = Field(
        None, description="This share of customers is left out for good, so that the two groups can be compared."
    )
    shops: Annotated[list[str], Field(min_length=1)] | None = Field(None, description="Only for these shops.")
    state: Annotated[str, _one_of(("live", "shadow", "off"), ())] = Field(
        "live", description="`shadow`: it does everything and nobody hears of it; `off`: it starts nothing."
    )
    was: list[Name] = Field([], description="Former names, so that renaming tells nobody twice.")
    about: str = Field("", max_length=300, description="One line, for people.")
    if_fails: Kept | None = Field(
        None,
        title="`stop`, `continue` or a list of steps",
        description="For every step that says nothing of it itself.",
    )


@dataclass(frozen=True, slots=True)
class Checked:
    """A flow with the places that problems about the whole set point to: its name, its triggers, its steps by key."""

    flow: Flow
    place: Place
    words: Mapping[str, Place] = field(default_factory=dict)
    keys: Mapping[str, Place] = field(default_factory=dict)
    once: bool = False
    """Whether `once` was written: then each trigger is meant to be its own news."""


def compile_flow(name: str, source: Mapping[str, Any]) -> Flow:
    """The flow of stored plain data (`Flow.source`). Raises ValueError for data that is no flow of this version."""
    reading = Reading()
    place = Place(name)
    checked = read_flow(Scalar(name, place), from_plain(source, place), reading, None)
    if checked is None:
        said = "; ".join(each.text for each in reading.problems) or "no reason given"
        raise ValueError(f"the stored flow {quoted(name)} cannot be read: {said}")
    return checked.flow


def read_flow(key: Scalar, node: Node, reading: Reading, known: Known | None) -> Checked | None:
    """The flow under a name, or None after reporting what is wrong with it."""
    before = len(reading.problems)
    shape = read_settings(node, FlowShape, reading, f"flow '{key.text}'", place=key.place)
    if not isinstance(node, MapNode):
        return None
    if known is not None:
        node = unfold(node, known.lists, reading)
    triggers = _triggers(key, node, reading)
    words = tuple(each.word for each in triggers)
    events = known.events if known is not None else None
    unknown = not words or any(is_event(word) and word not in map(event_word, events or ()) for word in words)
    scope = Scope(reading, UNKNOWN_TRIGGER if unknown else offered(words, events), known)
    scope.events(node.get("on"))
    scope.events(node.get("stop_on"))
    conditions = _conditions(node.get("when"), scope, whole=shape is not None)
    once = _once(node.get("once"), scope)
    _shops(node.get("shops"), scope)
    if shape is not None and shape.shops and known is not None:
        scope.known = known.within(shape.shops)
    _gather(node, words, scope)
    stops = _list(node.get("stop_on"))
    stop_on = read_words(stops, reading, "'stop_on'") if stops is not None else ()
    scope.there = _proved(conditions) | ({("escalation",)} if "escalation" in scope.offered else NONE)
    read_default(node.get("if_fails"), scope, read_steps)
    steps = _steps_of(key, node, scope)
    _holdout(node, steps, scope)
    if shape is not None and shape.recheck:
        _clock(node.get("when"), conditions, scope)
    if shape is None or any(each.severity is Level.ERROR for each in reading.problems[before:]):
        return None
    source = to_plain(node)
    flow = Flow(
        name=key.text,
        triggers=words,
        steps=steps,
        when=tuple(conditions),
        stop_on=stop_on,
        given={each.word: each.given for each in triggers if each.given is not None},
        once=once,
        mode=Mode(shape.mode),
        recheck=shape.recheck,
        fresh=shape.fresh,
        gather=shape.gather,
        holdout=shape.holdout,
        shops=tuple(shape.shops) if shape.shops is not None else None,
        state=State(shape.state),
        was=tuple(shape.was),
        about=shape.about,
        source=source,
        version=version_of(source),
    )
    places = dict(zip(words, _word_places(node), strict=True))
    return Checked(flow, key.place, places, dict(scope.keys), node.key("once") is not None)


def version_of(source: Mapping[str, Any]) -> str:
    """32 hex digits of what a flow says; comments, order of keys and quotes do not count."""
    text = json.dumps(source, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _triggers(key: Scalar, node: MapNode, reading: Reading) -> tuple[Trigger, ...]:
    on = node.get("on")
    if on is None:
        misspelt = any(did_you_mean(each.text, ("on",)) for each, _ in node if each.text not in ("on",))
        if not misspelt and not node.merged:
            reading.report(key, "missing-setting", f"flow '{key.text}' needs 'on'")
        return ()
    return read_triggers(on, reading)


def _word_places(node: MapNode) -> list[Place]:
    on = node.get("on")
    return [each.place for each in on.items] if isinstance(on, ListNode) else [on.place] if on else []


def _list(node: Node | None) -> Node | None:
    """A list that holds something, or one word."""
    return None if node is None or (isinstance(node, ListNode) and not node.items) else node


def _conditions(node: Node | None, scope: Scope, *, whole: bool) -> list[Compiled]:
    if node is not None and scope.known is not None and _is_nothing(node):
        # Nothing typed is no way to say "always": a condition that was commented out would let everything through.
        said = "'when' holds no condition; leave it out if the flow is for every time"
        scope.report(node, "bad-value", said)
        return []
    nodes = node.items if isinstance(node, ListNode) else (node,)
    placed = [found for each in nodes if (found := placed_at(each, whole)) is not None]
    compiled = [scope.expression(each, Wants.BOOL) for each in placed]
    return [each for each in compiled if each is not None]


def _is_nothing(node: Node) -> bool:
    """An empty list, or no condition at all."""
    return not node.items if isinstance(node, ListNode) else isinstance(node, Scalar) and not node.text.strip()


def _proved(conditions: list[Compiled]) -> Paths:
    return NONE.union(*(proves(each.tree, True) for each in conditions))


def _once(node: Node | None, scope: Scope) -> Once | None:
    if node is None or (isinstance(node, Scalar) and node.text == "occurrence"):
        return None
    if isinstance(node, Scalar) and node.text in ONCE:
        return _offered(node, Once(Per(node.text)), scope)
    if not isinstance(node, MapNode):
        said = f"'once' is {listed(('occurrence', *ONCE))}, or one of the latter with a length, not {found(node)}"
        scope.report(node, "bad-value", said)
        return None
    shape = read_settings(node, OnceShape, scope.reading, "'once'", place=node.place)
    given = {each: getattr(shape, each.value) for each in Per if shape is not None and getattr(shape, each.value)}
    if shape is None or len(given) != 1:
        if shape is not None:
            scope.report(node, "bad-value", "'once' with a length is for one thing, such as {customer: 180d}")
        return None
    ((per, within),) = given.items()
    if within.about > MOST_ONCE:
        scope.report(node.get(per.value) or node, "bad-length", f"{per.value} may be kept back for two years at most")
    return _offered(node.key(per.value) or node, Once(per, within), scope)


def _offered(node: Node, once: Once, scope: Scope) -> Once | None:
    """What a flow is once for must be in reach of all its triggers."""
    if scope.offered is not UNKNOWN_TRIGGER and once.per.value not in scope.offered:
        scope.report(node, "not-offered", f"what starts this flow has no {once.per.value} to be once for")
        return None
    return once


def _shops(node: Node | None, scope: Scope) -> None:
    for each in node.items if isinstance(node, ListNode) and scope.known else ():
        if isinstance(each, Scalar) and scope.known and each.text not in scope.known.shops:
            meant = instead(each.text, sorted(scope.known.shops), "a name under 'shops'")
            scope.report(each, "unknown-shop", f"there is no shop {quoted(each.text)}{meant}")


def _gather(node: MapNode, words: tuple[str, ...], scope: Scope) -> None:
    other = next((word for word in words if kind_of_word(word) != "shipment"), None)
    key = node.key("gather")
    if key is not None and other is not None:
        said = f"'gather' is for what happens to parcels; '{other}' is not about a parcel"
        scope.report(key, "gather-not-shipment", said)


def _holdout(node: MapNode, steps: tuple[Step, ...], scope: Scope) -> None:
    """Nobody may be left out of what calls a person, or of what cannot wait."""
    key = node.key("holdout")
    if key is None:
        return
    if "customer" not in scope.offered:
        scope.report(key, "not-offered", "'holdout' is for customers, and what starts this flow has none")
    every = list(all_steps(steps))
    if any(isinstance(each, Escalate) for each in every):
        scope.report(key, "holdout-required", "nobody may be left out here: this flow escalates")
    elif any(isinstance(each, Notify) and each.urgent for each in every):
        scope.report(key, "holdout-required", "nobody may be left out here: this flow has something urgent to say")


def _clock(node: Node | None, conditions: list[Compiled], scope: Scope) -> None:
    """A condition that is asked again after a wait must not read the clock."""
    nodes = node.items if isinstance(node, ListNode) else (node,)
    for each in nodes:
        reads_now = isinstance(each, Scalar) and any(
            "now" in roots(one.tree) for one in conditions if one.text == each.text
        )
        if reads_now and isinstance(each, Scalar) and scope.waits:
            text = "this condition reads 'now' and is asked again after the waits: time alone may turn it false"
            scope.report(each.at(max(each.text.find("now"), 0)), "clock-in-when", text)


# ------------------------------------------------------------------------------------------------ steps


def _steps_of(key: Scalar, node: MapNode, scope: Scope) -> tuple[Step, ...]:
    steps = node.get("steps")
    if steps is None:
        if not node.merged and not any(did_you_mean(each.text, ("steps",)) for each, _ in node):
            scope.report(key, "missing-setting", f"flow '{key.text}' needs 'steps'")
        return ()
    return read_steps(steps, scope)


def read_steps(node: Node, scope: Scope) -> tuple[Step, ...]:
    """The steps of a list; wrong ones are reported and left out."""
    if not isinstance(node, ListNode):
        scope.report(node, "bad-value", f"'steps' is a list, as in [{{notify: …}}], not {found(node)}")
        return ()
    if not node.items:
        scope.report(node, "bad-value", "'steps' holds no step")
    steps: list[Step] = []
    for each in node.items:
        if steps and ends(steps[-1]):
            scope.report(each, "never-reached", "no step is reached behind 'stop'")
        inner = unfolded(each)
        if inner is not None:
            steps += read_unfolded(inner, scope, read_steps)
            continue
        scope.steps += 1
        if scope.steps == MAX_STEPS + 1:
            scope.report(each, "bad-value", f"a flow has at most {MAX_STEPS} steps")
        step = _step(each, scope)
        if step is not None:
            steps.append(step)
    return tuple(steps)


def _step(node: Node, scope: Scope) -> Step | None:
    if not isinstance(node, MapNode) or len(node) != 1:
        _step_shape(node, scope)
        return None
    word, settings = next(iter(node))
    kind = STEPS.get(word.text)
    if kind is not None:
        return kind.make(word, settings, scope, read_steps)
    meant = instead(word.text, STEPS)
    scope.report(word, "unknown-step", f"there is no step {quoted(word.text)}{meant}")
    return None


def _step_shape(node: Node, scope: Scope) -> None:
    said = f"a step is a map with exactly one word, as in {{notify: {{template: …}}}}, not {found(node)}"
    if isinstance(node, MapNode):
        words = [key.text for key, _ in node]
        said = f"a step has exactly one word, not {len(words)}" + (f" ({listed(words, 5)})" if words else "")
        if words and words[0] in STEPS and not any(each in STEPS for each in words[1:]):
            said = f"'{words[1]}' stands beside '{words[0]}'; the settings of a step stand inside it"
    elif isinstance(node, Scalar) and not node.style and (word := stuck_word(node.text)) in STEPS:
        scope.report(node, "yaml-syntax", stuck_words(word))
        return
    scope.report(node, "step-shape", said)
