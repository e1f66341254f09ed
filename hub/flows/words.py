"""Trigger words: what there is, what comes later, and what was probably meant."""

from hub.config.kinds import found
from hub.config.problems import did_you_mean, listed, nearest, quoted
from hub.config.settings import Reading, not_yet
from hub.config.yaml import ListNode, MapNode, Node, Scalar
from hub.status import VALUES, Axis

from .types import ROLL_UP, TRIGGERS

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
    near = nearest(first, LATER_MAPS)
    meant = f"; did you mean '{near}'?" if near else ""
    reading.report(node, "unknown-trigger", f"there is no trigger {{{first[:40]}: …}}{meant}")


def _unknown(node: Scalar, reading: Reading) -> None:
    axis, dot, status = node.text.partition(".")
    if dot and axis in set(Axis):
        values = [str(each) for each in VALUES[Axis(axis)]]
        values += [ROLL_UP.partition(".")[2]] if axis == Axis.ORDER else []
        elsewhere = [word for word in TRIGGERS if word.endswith(f".{status}")]
        meant = did_you_mean(status, values) or (f"; did you mean '{elsewhere[0]}'?" if elsewhere else "")
        meant = meant or f"; there are: {listed(values)}"
        reading.report(node, "unknown-status", f"there is no {axis} status {quoted(status)}{meant}")
        return
    same = [word for word in TRIGGERS if word.endswith(f".{node.text}")]
    meant = f"; did you mean '{same[0]}'?" if same else did_you_mean(node.text, (*TRIGGERS, *LATER_WORDS))
    reading.report(node, "unknown-trigger", f"there is no trigger {quoted(node.text)}{meant}")
