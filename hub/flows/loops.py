"""Flows that may set themselves off: what one writes into the shop comes back as news, perhaps through another flow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from hub.config.settings import Reading
from hub.plugin import WriteBackStatus

from .check import all_steps
from .compile import Checked
from .model import Flow, State, WriteBack

COMES_BACK: Mapping[str, frozenset[str]] = {
    WriteBackStatus.CANCELLED: frozenset({"order.cancelled"}),
    WriteBackStatus.COMPLETED: frozenset(
        {"order.completed", "shipment.shipped", "shipment.delivered", "order.delivered"}
    ),
    WriteBackStatus.SHIPPED: frozenset({"order.completed", "shipment.announced", "shipment.shipped"}),
    WriteBackStatus.PAID: frozenset({"payment.paid"}),
}
"""What is written → the trigger words that a shop may answer with."""
TRACKED = frozenset({"shipment.announced", "shipment.shipped", "shipment.changed"})
"""The same for a tracking number."""


def loop_risks(checked: Iterable[Checked], reading: Reading) -> None:
    """Report each step whose echo leads back to its own flow. A run per occurrence keeps it from going round for ever;
    that it goes round at all is seldom meant."""
    flows = [each for each in checked if each.flow.state is State.LIVE]
    for each in flows:
        for step in _writing(each.flow):
            way = _way_back(each.flow, _echo(step), [other.flow for other in flows])
            if way:
                through = f" through '{way}'" if way != each.flow.name else ""
                text = f"what this writes into the shop may come back and set off '{each.flow.name}' again{through}"
                reading.report(each.keys.get(step.id, each.place), "loop-risk", text)


def _writing(flow: Flow) -> Iterator[WriteBack]:
    return (step for step in all_steps(flow.steps) if isinstance(step, WriteBack))


def _echo(step: WriteBack) -> frozenset[str]:
    return COMES_BACK.get(step.status, frozenset()) | (TRACKED if step.tracking else frozenset())


def _way_back(start: Flow, words: frozenset[str], flows: list[Flow]) -> str:
    """The last flow on a way from these words back to `start`; empty: there is none."""
    if words & set(start.triggers):
        return start.name
    seen, reached = set[str](), [each for each in flows if words & set(each.triggers)]
    while reached:
        flow = reached.pop()
        if flow.name in seen:
            continue
        seen.add(flow.name)
        echo = frozenset[str]().union(*map(_echo, _writing(flow)))
        if echo & set(start.triggers):
            return flow.name
        reached += [each for each in flows if echo & set(each.triggers)]
    return ""
