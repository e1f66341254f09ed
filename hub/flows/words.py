"""Trigger words: what there is, what comes later, and what was probably meant."""

from hub.config.kinds import found
from hub.config.problems import did_you_mean, instead, nearest, quoted
from hub.config.settings import Reading, not_yet
from hub.config.yaml import ListNode, MapNode, Node, Scalar
from hub.status import Axis

from .types import ROLL_UP, TRIGGERS, axis_of_word

LATER_MAPS = frozenset({"stalled", "late", "schedule", "event", "button"})
LATER_WORDS = frozenset(
    {
        *("order.changed", "shipment.changed", "customer.asked", "customer.ordered", "survey.answered"),
        *("message.delivered", "message.failed", "status.unmapped", "status.contradiction", "status.flagged"),
        *("escalation.acknowledged", "escalation.resolved", "escalation.overdue"),
        *("connection.failing", "connection.expiring"),
    }
)


def read_words(node: Node, reading: Reading, what: str) -> tuple[str, ...]:
    """The trigger words that stand there, one or a list; () when any of them is wrong, after reporting it."""
    nodes = node.items if isinstance(node, ListNode) else (node,)
    words = [read_word(each, reading, what) for each in nodes]
    if not nodes:
        reading.report(node, "bad-value", f"{what} holds no trigger")
    for index, each in enumerate(nodes):
        if words[index] is not None and words[index] in words[:index]:
            reading.report(each, "bad-value", f"the trigger '{words[index]}' stands here twice")
            return ()
    return tuple(word for word in words if word is not None) if None not in words else ()


def read_word(node: Node, reading: Reading, what: str) -> str | None:
    """One trigger word, or None after reporting what is wrong with it."""
    if isinstance(node, MapNode):
        _map(node, reading)
        return None
    if not isinstance(node, Scalar) or node.empty:
        reading.report(node, "bad-value", f"{what} is a trigger such as shipment.delivered, not {found(node)}")
        return None
    if node.text in TRIGGERS:
        return node.text
    if node.text in LATER_WORDS:
        not_yet(reading, node, f"the trigger '{node.text}'")
    else:
        _unknown(node, reading)
    return None


def _map(node: MapNode, reading: Reading) -> None:
    key = next((key for key, _ in node if key.text in LATER_MAPS), None)
    if key is not None:
        not_yet(reading, key, f"the trigger '{key.text}'")
        return
    first = next((key.text for key, _ in node), "")
    said = f"there is no trigger {{{first[:40]}: …}}; expected: a trigger such as shipment.delivered"
    reading.report(node, "unknown-trigger", f"{said}{did_you_mean(first, sorted(LATER_MAPS))}")


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
    return f"; did you mean '{called[0]}'?" if called else did_you_mean(text, (*TRIGGERS, *sorted(LATER_WORDS)))


def _called(status: str) -> list[str]:
    """The triggers of all axes that have this status; what is only rolled up comes last."""
    return sorted((word for word in TRIGGERS if word.endswith(f".{status}")), key=lambda word: word == ROLL_UP)
