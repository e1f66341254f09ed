"""Buttons that staff press on an order (FLOWS 3, `button`)."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from hub.config.model import Shop
from hub.flows.model import Flow

from .news import report, told_at
from .stays import micros
from .world import World

BUTTON = "button"
TWICE = timedelta(seconds=10)
"""Two clicks within this time are one."""


def buttons(world: World, shop: Shop) -> Sequence[str]:
    """The labels that orders of a shop have, as in the file; one for each, however many flows listen to it."""
    return tuple(dict.fromkeys(flow.given[BUTTON].text for flow in _flows(world, shop)))


def press(
    connection: sa.Connection, dialect: str, world: World, shop: Shop, order_id: str, label: str, now: datetime
) -> bool:
    """Start the flows behind a button; False: it was pressed a moment ago, and that counts as one."""
    pressed = False
    for flow in (each for each in _flows(world, shop) if each.given[BUTTON].text == label):
        slice_of_time = micros(now) // (TWICE // timedelta(microseconds=1))
        clicks = [told_at(connection, order_id, BUTTON, "order", order_id, n, flow.name)
                  for n in (slice_of_time, slice_of_time - 1)]  # fmt: skip
        if any(at is not None and now - at < TWICE for at in clicks):
            continue
        report(
            connection, dialect, world, home=order_id, word=BUTTON, kind="order", subject=order_id,
            occurrence=slice_of_time, at=now, now=now, flow=flow.name,
        )  # fmt: skip
        pressed = True
    return pressed


def _flows(world: World, shop: Shop) -> list[Flow]:
    flows = world.flows_by_word.get(BUTTON, ())
    return [flow for flow in flows if flow.shops is None or shop.key in flow.shops]
