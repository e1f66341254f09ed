"""The browser, and pages for it: one Chromium for each test, skipped loudly where there is none."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser

from .chromium import MISSING, chromium, program


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """A real Chromium."""
    path = program()
    if path is None:
        pytest.skip(MISSING)
    async with chromium(path) as it:
        yield it
