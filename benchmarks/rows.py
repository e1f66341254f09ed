"""10 and 1,000,000 rows in inbox, messages, timers and orders: CPU of an applied event, of a timer, of a look."""

import itertools
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from time import perf_counter, process_time

from hub.clock import SystemClock, VirtualClock
from hub.pipeline.around import Capacity, Outbox
from hub.pipeline.outbox import look
from hub.runtime.hub import Hub, database_url

from .fill import fill
from .flows import apply_once
from .load import bodies
from .measure import Figure, ratio
from .stand import stand, write_config

FLOWS = "  later: {on: order.received, steps: [{wait: 1h}, {notify: {template: order-received, via: letter}}]}\n"
SIZES = (10, 1_000_000)
ROUNDS, EVENTS, LOOKS, WARM = 7, 100, 200, 50
ROOM = Capacity({"mail": 4}, frozenset(), {})
KINDS = {
    "event": "applied event",
    "timer": "due timer, claimed and its run continued",
    "idle": "look for due timers and messages that finds none",
    "look": "look at the outbox with 100 due, 4 may leave",
}


@dataclass(slots=True)
class Stand:
    """A hub with its rows, its clock, and what was measured of it."""

    hub: Hub
    clock: VirtualClock
    cpu: dict[str, list[float]] = field(default_factory=lambda: {kind: [] for kind in KINDS})

    async def round(self, some: list[bytes]) -> None:
        """Milliseconds of CPU of each kind."""
        self.cpu["event"].append(await apply_once(self.hub, some))
        self.cpu["idle"].append(await self._idle())
        self.clock.move_to(self.clock.now() + timedelta(hours=1, minutes=1))
        before = process_time()
        fired = await self.hub.apply.drain()
        self.cpu["timer"].append((process_time() - before) / fired * 1e3)
        self.cpu["look"].append(await self._looks(len(some)))
        await self._forget()

    async def _idle(self) -> float:
        before = process_time()
        for _ in range(LOOKS):
            await self.hub.apply.drain()
            await self._look()
        return (process_time() - before) / LOOKS * 1e3

    async def _looks(self, due: int) -> float:
        first = await self._look()  # writes nothing, so each look is the same
        assert len(first.departures) == min(4, due)
        before = process_time()
        for _ in range(LOOKS // 5):
            await self._look()
        return (process_time() - before) / (LOOKS // 5) * 1e3

    async def _look(self) -> Outbox:
        world, now = self.hub.world, self.clock.now()
        return await self.hub.db.read(lambda connection: look(connection, world, now, ROOM))

    async def _forget(self) -> None:
        """What is due counts as sent, so that the next round starts as this one did."""
        text = "UPDATE messages SET state = 'sent' WHERE state = 'due'"
        await self.hub.db.write(lambda connection: connection.exec_driver_sql(text))


async def measured() -> list[Figure]:
    async with AsyncExitStack() as stack:
        stands, seconds = [], 0.0
        for rows in SIZES:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            clock = VirtualClock(SystemClock().now())
            hub = await stack.enter_async_context(stand(write_config(folder, FLOWS), clock))
            started = perf_counter()
            fill(Path(database_url(hub.world.config).removeprefix("sqlite:///")), rows)
            seconds = perf_counter() - started
            stands.append(Stand(hub, clock))
        assert stands[1].hub.db.path is not None
        size = stands[1].hub.db.path.stat().st_size / 1e6
        orders = bodies()
        for number in range(ROUNDS + 1):
            some = list(itertools.islice(orders, EVENTS if number else WARM))
            for each in stands if number % 2 else reversed(stands):
                await each.round(some)
    return _figures(stands, f"filled in {seconds:.0f} s, {size:,.0f} MB")


def _figures(stands: list[Stand], note: str) -> list[Figure]:
    figures = []
    for kind, name in KINDS.items():
        few, many = (each.cpu[kind][1:] for each in stands)
        figures += [
            Figure(f"{SIZES[0]} rows: {name}", few, "ms CPU"),
            Figure(f"{SIZES[1]:,} rows: {name}", many, "ms CPU"),
            ratio(f"ratio: {name}", many, few, note),
        ]
    return figures
