"""The engine calls drains; it holds no truth, and nothing that fails in one stage touches another."""

import asyncio
import logging
from contextlib import suppress
from pathlib import Path

import pytest

from hub.runtime.engine import EmbeddedEngine
from hub.store import tables
from hub.store.tables import Slots
from tests.e2e.town import town


class _Stage:
    """A drain that counts, and waits or fails when told to."""

    def __init__(self) -> None:
        self.calls, self.fails = 0, 0
        self.go = asyncio.Event()
        self.go.set()

    async def __call__(self, slots: Slots) -> int:
        self.calls += 1
        await self.go.wait()
        if self.fails:
            self.fails -= 1
            raise OSError("the disk is away")
        return 0


async def _turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_stage_is_called_when_woken_and_only_then() -> None:
    one, two = _Stage(), _Stage()
    engine = EmbeddedEngine({"one": one, "two": two})
    worker = asyncio.create_task(engine.run_worker())
    await _turns()
    assert (one.calls, two.calls) == (0, 0)
    engine.wake("one")
    await _turns()
    assert (one.calls, two.calls) == (1, 0)
    await _end(worker)


async def test_a_wake_up_while_at_work_is_not_lost() -> None:
    stage = _Stage()
    stage.go.clear()
    engine = EmbeddedEngine({"one": stage})
    worker = asyncio.create_task(engine.run_worker())
    engine.wake("one")
    await _turns()
    assert dict(engine.health()) == {"one": "working"}
    engine.wake("one")
    engine.wake("one")
    stage.go.set()
    await _turns()
    assert stage.calls == 2
    assert engine.idle()
    await _end(worker)


async def test_a_stage_that_fails_says_so_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    bad, good = _Stage(), _Stage()
    bad.fails = 1
    engine = EmbeddedEngine({"bad": bad, "good": good})
    worker = asyncio.create_task(engine.run_worker())
    with caplog.at_level(logging.ERROR, "hub.engine"):
        engine.wake_all()
        await _turns()
    assert dict(engine.health()) == {"bad": "OSError", "good": "idle"}
    assert "the bad drain failed" in caplog.text
    engine.wake_all()
    await _turns()
    assert dict(engine.health()) == {"bad": "idle", "good": "idle"}
    assert good.calls == 2
    await _end(worker)


async def _end(worker: "asyncio.Task[None]") -> None:
    worker.cancel()
    with suppress(asyncio.CancelledError):
        await worker


async def test_a_lost_wake_up_loses_nothing(tmp_path: Path) -> None:
    """What lies in the tables is found by the next tick, whoever forgot to wake anybody."""
    async with town(tmp_path) as it:
        it.shop.shop.create_order()
        it.hub.receiver.wake = lambda: None  # the engine never hears of the event
        await it.shop.deliver_due()
        assert [row.state for row in await it.rows(tables.inbox)] == [0]
        await it.hub.tick()
        await it.hub.quiet()
        assert [row.state for row in await it.rows(tables.inbox)] == [1]


async def test_a_tick_fires_what_is_scheduled(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        before = {row.id: row.next_run_at for row in await it.rows(tables.schedules)}
        await it.hub.tick()
        assert {row.id: row.next_run_at for row in await it.rows(tables.schedules)} == before, "nothing was due"
        it.clock.move_to(max(before.values()))
        await it.hub.tick()
        await it.hub.quiet()
        after = {row.id: row.next_run_at for row in await it.rows(tables.schedules)}
        assert all(after[name] > before[name] for name in before)
