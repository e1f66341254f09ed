"""The page of a survey as a reader sees and uses it: no JavaScript, every language, both widths, the keyboard alone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser

from hub.config.questions import SHIPPED, Question, QuestionKind, Survey
from hub.store import tables
from hub.web.words import WORDS
from tests.pipeline.fakes import order

from .chromium import DESK, PHONE, WIDTHS, window
from .site import Site, site
from .test_order_page import KAVOVAR, sound

pytestmark = pytest.mark.browser

OWN = Question("fits", QuestionKind.YES_NO, {each: f"{each}: does it fit?" for each in WORDS})
ASKED = Survey("after", "five-questions", questions=(*SHIPPED.values(), OWN))
FLOWS = {"ask": {"on": "order.received", "steps": [{"survey": {"name": "after", "via": ["mail"]}}]}}
STOPS = 1 + 6 + 1 + 1
"""What the keyboard stops at: the way to the shop, six rows of choices, the words, the button."""


@asynccontextmanager
async def asking(folder: Path, survey: Survey = ASKED) -> AsyncIterator[tuple[Site, str]]:
    """A site, and the link to a survey on it."""
    async with site(folder, shop=KAVOVAR, flows=FLOWS, surveys={"after": survey}) as at:
        yield at, await at.order_link([("shop", "order:1", order("09:59", "order.received", placed="09:59"))], "/s/")


async def row(at: Site) -> Any:
    (found,) = await at.it.rows(tables.surveys)
    return found


@pytest.mark.parametrize("language", WORDS)
async def test_it_is_readable_everywhere(tmp_path: Path, browser: Browser, language: str) -> None:
    async with asking(tmp_path) as (at, link):
        for width, dark in ((PHONE, False), (PHONE, True), (DESK, False)):
            for proposed in ("", "?recommend=9&product=5&fits=1"):
                async with window(browser, width=width, language=language, dark=dark) as it:
                    assert await it.goes(link + proposed) == 200
                    assert await it.page.locator("html").get_attribute("lang") == language
                    await sound(it, at.base, STOPS)
        assert (await row(at)).answers == {}, "who looks has answered nothing"


async def test_every_choice_is_large_enough_for_a_thumb_and_named_for_who_hears_it(
    tmp_path: Path, browser: Browser
) -> None:
    """At least 44 by 44 CSS pixels: WCAG 2.2, 2.5.5."""
    async with asking(tmp_path) as (_, link):
        for width in WIDTHS:
            async with window(browser, width=width) as it:
                await it.goes(link)
                choices = await it.page.get_by_role("radio").all()
                assert len(choices) == 4 * 5 + 11 + 2
                for each in choices:
                    box = await each.bounding_box()
                    assert box is not None and box["width"] >= 44 and box["height"] >= 44
                recommend = it.page.get_by_role("group", name="Would you recommend us to a friend?")
                assert await recommend.get_by_role("radio", name="10: most certainly").count() == 1
                assert await recommend.get_by_role("radio", name="7").count() == 1
                assert await it.page.get_by_role("textbox", name="Anything you would like to add?").count() == 1


@pytest.mark.parametrize("language", WORDS)
async def test_it_is_answered_in_two_steps(tmp_path: Path, browser: Browser, language: str) -> None:
    say = WORDS[language]
    async with asking(tmp_path) as (at, link), window(browser, language=language) as it:
        await it.goes(link)
        await it.page.locator('input[name="product"][value="4"]').check()
        await it.page.get_by_role("button", name=say["survey_send"]).click()
        assert await it.page.get_by_role("status").inner_text() == say["survey_saved"].format(n=5)
        assert await it.page.get_by_text(say["survey_missing"]).count() == 5
        assert await it.page.locator('input[name="product"][value="4"]').is_checked()
        await sound(it, at.base, STOPS)
        assert (await row(at)).answers == {"product": 4}
        for name, value in (("expectations", 5), ("delivery", 3), ("service", 1), ("recommend", 10), ("fits", 0)):
            await it.page.locator(f'input[name="{name}"][value="{value}"]').check()
        await it.page.get_by_role("textbox").fill("<b>Cześć</b> \U0001f600")
        await it.page.get_by_role("button", name=say["survey_send"]).click()
        assert await it.page.locator("h1").inner_text() == say["answered"]
        await sound(it, at.base, 0)
        kept = await row(at)
        assert (kept.state, kept.answers["comment"], kept.answers["fits"]) == ("answered", "<b>Cześć</b> \U0001f600", 0)


async def test_the_keyboard_is_enough(tmp_path: Path, browser: Browser) -> None:
    async with asking(tmp_path) as (at, link), window(browser) as it:
        await it.goes(link)
        await it.page.keyboard.press("Tab")
        for _ in range(5):
            for key in ("Tab", "Space", "ArrowRight"):
                await it.page.keyboard.press(key)
        await it.page.keyboard.press("Tab")
        await it.page.keyboard.type("fine")
        for key in ("Tab", "Space", "Tab"):
            await it.page.keyboard.press(key)
        async with it.page.expect_navigation():
            await it.page.keyboard.press("Enter")
        assert (await row(at)).answers == {
            "product": 2, "expectations": 2, "delivery": 2, "service": 2, "recommend": 1, "comment": "fine", "fits": 1,
        }  # fmt: skip
