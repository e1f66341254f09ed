"""One whole week, played once for all tests that look at its end."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from hub.clock import VirtualClock
from hub.sandbox import story
from hub.sandbox.drive import Drive
from hub.sandbox.page import Pages
from hub.sandbox.stage import Stage
from hub.sandbox.town import town

FLOWS = Path(__file__).parents[2] / "flows.yaml"


async def nothing() -> None:
    """Nobody looks on."""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def week(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """The world when the story is over, everything still running."""
    pages, clock = Pages(), VirtualClock(story.moment("1 09:55"))
    folder = tmp_path_factory.mktemp("week")
    async with town(FLOWS, story.PLAN, clock, folder, extra=pages.routes()) as it:
        stage = Stage(it)
        pages.open(stage)
        await Drive(it, stage, nothing).play()
        yield stage
