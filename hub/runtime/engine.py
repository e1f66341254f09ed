"""The engine seam: who calls the drains, and when. An engine holds no truth; a lost wake-up loses nothing, because the
tick wakes every stage again and a drain asks the tables.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from hub.pipeline.fault import fault
from hub.store.tables import ALL_SLOTS, Slots

log = logging.getLogger("hub.engine")

Drain = Callable[[Slots], Awaitable[int]]
"""Does everything that is due in a stage for these slots; returns how much that was."""
RETRY = 1.0
"""Seconds before a stage whose drain raised is tried again, if nothing wakes it earlier."""


class Engine(Protocol):
    """What the rest of the hub knows of an engine."""

    def wake(self, stage: str, slots: Slots = ALL_SLOTS) -> None:
        """There may be work in this stage for these slots; never blocks, may be called from the event loop only."""

    async def run_worker(self) -> None:
        """Call drains until cancelled."""

    def health(self) -> Mapping[str, str]:
        """Stage → `idle`, `working`, or the name of the error its last drain ended with."""


class EmbeddedEngine:
    """One process: one drain per stage over all slots, woken by an event."""

    def __init__(self, drains: Mapping[str, Drain]) -> None:
        self.drains = drains
        self.woken = {stage: asyncio.Event() for stage in drains}
        self.state = dict.fromkeys(drains, "idle")

    def wake(self, stage: str, slots: Slots = ALL_SLOTS) -> None:
        self.woken[stage].set()

    def wake_all(self) -> None:
        for event in self.woken.values():
            event.set()

    async def run_worker(self) -> None:
        async with asyncio.TaskGroup() as group:
            for stage, drain in self.drains.items():
                group.create_task(self._stage(stage, drain), name=f"drain-{stage}")

    def health(self) -> Mapping[str, str]:
        return dict(self.state)

    def idle(self) -> bool:
        """Whether no stage works and none was woken."""
        return all(state != "working" for state in self.state.values()) and not any(
            event.is_set() for event in self.woken.values()
        )

    async def _stage(self, stage: str, drain: Drain) -> None:
        event = self.woken[stage]
        while True:
            await event.wait()
            event.clear()
            self.state[stage] = "working"
            try:
                await drain(ALL_SLOTS)
                self.state[stage] = "idle"
            except Exception as error:  # the stage lives on; the sweep comes again
                self.state[stage] = type(error).__name__
                log.error("the %s drain failed, it is tried again: %s", stage, fault(error))
                asyncio.get_running_loop().call_later(RETRY, event.set)
