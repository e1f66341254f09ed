"""1 and 1,000 flows of which only one listens to the event: CPU of normalise, apply and react, per event."""

import itertools
import tempfile
from pathlib import Path
from time import process_time

from hub.clock import SystemClock
from hub.runtime.hub import Hub

from .load import bodies
from .measure import Figure, ratio
from .stand import CONFIRM, stand, take_in, write_config

ROUNDS, EVENTS, WARM = 9, 300, 100
MANY = 1_000
WORDS = ("shipment.shipped", "shipment.delivered", "shipment.ready_for_pickup", "shipment.problem", "payment.refunded")


def many_flows(count: int) -> str:
    """One that listens to a new order, and others that do not."""
    others = (
        f"  quiet-{number}: {{on: {WORDS[number % len(WORDS)]}, "
        f"steps: [{{wait: 1h}}, {{notify: {{template: order-received, via: letter}}}}]}}\n"
        for number in range(count - 1)
    )
    return CONFIRM + "".join(others)


async def apply_once(hub: Hub, some: list[bytes]) -> float:
    """Milliseconds of CPU per event that was applied."""
    await take_in(hub, some)
    before = process_time()
    await hub.apply.drain()
    return (process_time() - before) / len(some) * 1e3


async def measured() -> list[Figure]:
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        clock = SystemClock()
        one_path, many_path = write_config(Path(first)), write_config(Path(second), many_flows(MANY))
        async with stand(one_path, clock) as one, stand(many_path, clock) as many:
            orders = bodies()
            rounds: list[list[float]] = [[], []]
            for number in range(ROUNDS + 1):
                some = list(itertools.islice(orders, EVENTS if number else WARM))
                for which in (0, 1) if number % 2 else (1, 0):
                    rounds[which].append(await apply_once((one, many)[which], some))
    few, lots = rounds[0][1:], rounds[1][1:]
    return [
        Figure("1 flow, CPU per applied event", few, "ms"),
        Figure(f"{MANY:,} flows, CPU per applied event", lots, "ms"),
        ratio(f"{MANY:,} flows against 1", lots, few),
    ]
