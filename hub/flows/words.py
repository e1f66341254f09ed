"""Trigger words: what there is, what comes later, and what was probably meant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from hub.config.kinds import found
from hub.config.problems import did_you_mean, instead, nearest, quoted
from hub.config.scalars import Kind
from hub.config.sections import LengthText, Name
from hub.config.settings import Reading, Shape, read_settings
from hub.config.yaml import ListNode, MapNode, Node, Scalar
from hub.status import Axis

from .cron import read_cron
from .model import Given
from .types import GIVEN, ROLL_UP, TRIGGERS, WORDS, axis_of_word, event_word

CronText = Annotated[str, Kind("a cron line such as 0 8 * * MON", read_cron)]


@dataclass(frozen=True, slots=True)
class Trigger:
    """One trigger as written: its word, and what a map gave it."""

    word: str
    given: Given | None = None


class StalledShape(Shape):
    """`{stalled: order.processing, for: 48h}`"""

    stalled: str = Field(
        description="`axis.status` that has lasted; `shipment`: no word of a parcel; `connection`: no event from it."
    )
    for_: LengthText = Field(alias="for", description="How long.")


class LateShape(Shape):
    """`{late: order, by: 1d}`"""

    late: Literal["order", "shipment"] = Field(description="What is expected later than the customer was told.")
    by: LengthText = Field(description="How much later at least.")


class ScheduleShape(Shape):
    """`{schedule: "0 8 * * MON"}`"""

    schedule: CronText = Field(description="Five fields, on the shop's clock; once per shop of the flow.")


class EventShape(Shape):
    """`{event: pick-short}`"""

    event: Name = Field(description="What a source calls it; also in `stop_on` and `wait`.")


class ButtonShape(Shape):
    """`{button: "Apologise"}`"""

    button: str = Field(min_length=1, max_length=60, description="What staff press, on an order.")


MAPS: Mapping[str, type[Shape]] = {
    "stalled": StalledShape,
    "late": LateShape,
    "schedule": ScheduleShape,
    "event": EventShape,
    "button": ButtonShape,
}
"""The triggers that are written as a map, by their first key."""


def read_triggers(node: Node, reading: Reading) -> tuple[Trigger, ...]:
    """What stands under `on`, one trigger or a list; () when any of them is wrong, after reporting it."""
    nodes = node.items if isinstance(node, ListNode) else (node,)
    found = [_trigger(each, reading) for each in nodes]
    if not nodes:
        reading.report(node, "bad-value", "'on' holds no trigger")
    words = [each.word if each else None for each in found]
    if _twice(nodes, words, reading):
        return ()
    return tuple(each for each in found if each is not None) if None not in found else ()


def read_words(node: Node, reading: Reading, what: str) -> tuple[str, ...]:
    """The trigger words that stand there, one or a list; () when any of them is wrong, after reporting it."""
    nodes = node.items if isinstance(node, ListNode) else (node,)
    words = [read_word(each, reading, what) for each in nodes]
    if not nodes:
        reading.report(node, "bad-value", f"{what} holds no trigger")
    if _twice(nodes, words, reading):
        return ()
    return tuple(word for word in words if word is not None) if None not in words else ()


def _twice(nodes: Sequence[Node], words: Sequence[str | None], reading: Reading) -> bool:
    for index, each in enumerate(nodes):
        if words[index] is not None and words[index] in words[:index]:
            reading.report(each, "bad-value", f"the trigger '{words[index]}' stands here twice")
            return True
    return False


def _trigger(node: Node, reading: Reading) -> Trigger | None:
    if isinstance(node, MapNode):
        return _map(node, reading)
    word = read_word(node, reading, "'on'")
    return Trigger(word) if word is not None else None


def read_word(node: Node, reading: Reading, what: str) -> str | None:
    """One trigger word, or None after reporting what is wrong with it."""
    if isinstance(node, MapNode):
        key = next((key for key, _ in node if key.text in MAPS), None)
        if key is None:
            _no_map(node, reading)
        elif key.text == "event":
            found_one = _map(node, reading)
            return found_one.word if found_one is not None else None
        else:
            said = f"{{{key.text}: …}} starts a flow; {what} takes triggers of one word such as shipment.delivered"
            reading.report(key, "bad-value", said)
        return None
    if not isinstance(node, Scalar) or node.empty:
        reading.report(node, "bad-value", f"{what} is a trigger such as shipment.delivered, not {found(node)}")
        return None
    if node.text in WORDS:
        return node.text
    if node.text in MAPS:
        reading.report(node, "bad-value", f"'{node.text}' is written as a map: {{{node.text}: …}}")
    else:
        _unknown(node, reading)
    return None


def _map(node: MapNode, reading: Reading) -> Trigger | None:
    key = next((key for key, _ in node if key.text in MAPS), None)
    if key is None:
        _no_map(node, reading)
        return None
    shape = read_settings(node, MAPS[key.text], reading, f"{{{key.text}: …}}", place=node.place)
    match shape:
        case StalledShape():
            return _stalled(node, shape, reading)
        case LateShape():
            return Trigger(f"late.{shape.late}", Given(shape.by))
        case ScheduleShape():
            return Trigger("schedule", Given(text=shape.schedule))
        case EventShape():
            return Trigger(event_word(shape.event))
        case ButtonShape():
            return Trigger("button", Given(text=shape.button))
    return None


def _stalled(node: MapNode, shape: StalledShape, reading: Reading) -> Trigger | None:
    word = f"stalled.{shape.stalled}"
    if word in GIVEN:
        return Trigger(word, Given(shape.for_))
    value = node.get("stalled")
    if isinstance(value, Scalar):
        _unknown_stay(value, reading)
    return None


def _unknown_stay(node: Scalar, reading: Reading) -> None:
    axis, dot, _ = node.text.partition(".")
    if dot and axis in set(Axis):
        _unknown(node, reading)
        return
    called = [word for word in _called(node.text) if word != ROLL_UP]
    meant = f"; did you mean '{called[0]}'?" if called else did_you_mean(node.text, ("shipment", "connection"))
    expected = "expected: a status such as order.processing, shipment or connection"
    reading.report(node, "unknown-trigger", f"{quoted(node.text)} cannot stall; {expected}{meant}")


def _no_map(node: MapNode, reading: Reading) -> None:
    first = next((key.text for key, _ in node), "")
    said = f"there is no trigger {{{first[:40]}: …}}; expected: a trigger such as shipment.delivered"
    reading.report(node, "unknown-trigger", f"{said}{did_you_mean(first, MAPS)}")


def _unknown(node: Scalar, reading: Reading) -> None:
    axis, dot, status = node.text.partition(".")
    if dot and axis in set(Axis):
        said = f"there is no {axis} status {quoted(status)}{_status_meant(Axis(axis), status)}"
        reading.report(node, "unknown-status", said)
    else:
        said = f"there is no trigger {quoted(node.text)}; expected: a trigger such as shipment.delivered"
        reading.report(node, "unknown-trigger", f"{said}{_trigger_meant(node.text)}")


def _status_meant(axis: Axis, status: str) -> str:
    """What is expected and meant instead: the same status of another axis, else the nearest of this one."""
    values = [word.partition(".")[2] for word in TRIGGERS if axis_of_word(word) is axis]
    elsewhere = _called(status)
    return instead(elsewhere[0] if elsewhere else status, values, f"a status of the {axis} axis", also=elsewhere)


def _trigger_meant(text: str) -> str:
    """The trigger that was meant by a word without an axis, or with one that there is not: its status counts most."""
    axis, dot, status = text.partition(".")
    near = nearest(axis, list(Axis)) if dot else None
    called = [f"{near}.{status}"] if f"{near}.{status}" in TRIGGERS else _called(status if dot else text)
    return f"; did you mean '{called[0]}'?" if called else did_you_mean(text, WORDS)


def _called(status: str) -> list[str]:
    """The triggers of all axes that have this status; what is only rolled up comes last."""
    return sorted((word for word in TRIGGERS if word.endswith(f".{status}")), key=lambda word: word == ROLL_UP)
