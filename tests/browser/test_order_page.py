"""The page of an order as a reader sees and uses it: a real browser without JavaScript, every language, both widths."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser

from hub.config.model import Support
from hub.status import HeadlineValue, Return, Shipment, label
from hub.store import tables
from hub.web.words import WORDS
from tests.pipeline.fakes import SHOP
from tests.web.tales import HOSTILE, hostile, one_parcel, sent_back, two_parcels

from .chromium import DESK, PHONE, WIDTHS, Window, window
from .site import site

pytestmark = pytest.mark.browser

KAVOVAR = replace(
    SHOP,
    name="Кавовар",
    support=Support("+380441234567", "help@kavovar.example", "https://kavovar.example/help"),
    returns_url="https://kavovar.example/returns",
)
TALES: dict[str, Sequence[tuple[str, str, Any]]] = {
    "two parcels": two_parcels(),
    "not delivered": one_parcel("shipped", "delivery_failed"),
    "sent back": sent_back(),
}

BROKEN = """words => {
  const at = document.querySelector('h1 span'), found = [];
  for (const word of words) {
    at.textContent = word;
    const text = at.firstChild, range = document.createRange();
    for (const part of word.matchAll(/\\S+/g)) {
      range.setStart(text, part.index);
      range.setEnd(text, part.index + part[0].length);
      if (range.getClientRects().length > 1) found.push(part[0]);
    }
  }
  return found;
}"""
"""Words that break in the middle when they stand as the answer."""

SIZES = """() => [...document.querySelectorAll('main *')].map(
  each => [each.tagName, parseFloat(getComputedStyle(each).fontSize)]
)"""
"""How large everything is."""


async def sound(it: Window, base: str, stops: int) -> None:
    """What every page promises its reader."""
    assert await it.wider() == []
    assert await it.faint() == []
    assert await it.unseen_fields() == []
    assert await it.unseen_focus(stops) == []
    assert it.strangers(base) == []
    assert it.complaints == []


@pytest.mark.parametrize("tale", TALES)
async def test_the_page_is_readable_everywhere(tmp_path: Path, browser: Browser, tale: str) -> None:
    async with site(tmp_path, shop=KAVOVAR) as at:
        link = await at.order_link(TALES[tale])
        for language in WORDS:
            for width, dark in ((PHONE, False), (PHONE, True), (DESK, False)):
                async with window(browser, width=width, language=language, dark=dark) as it:
                    assert await it.goes(link) == 200
                    assert await it.page.locator("html").get_attribute("lang") == language
                    links = await it.page.locator("a, button, select, textarea").count()
                    await sound(it, at.base, links)


async def test_the_answer_is_the_first_thing_seen(tmp_path: Path, browser: Browser) -> None:
    """Without scrolling, larger than all else, its words whole, whatever the answer is."""
    async with site(tmp_path, shop=KAVOVAR) as at:
        link = await at.order_link(two_parcels())
        for language, width in product(WORDS, WIDTHS):
            async with window(browser, width=width, language=language) as it:
                await it.goes(link)
                heading, phrase = it.page.locator("h1"), it.page.locator(".phrase")
                assert await heading.inner_text() == label(HeadlineValue.READY_FOR_PICKUP, language).label
                for each in (heading, phrase):
                    box = await each.bounding_box()
                    assert box is not None and box["y"] + box["height"] < 400
                sizes = await it.page.evaluate(SIZES)
                largest = max(size for _, size in sizes)
                assert {tag for tag, size in sizes if size == largest} <= {"H1", "SPAN", "svg", "path"}
                answers = [label(each, language).label for each in (*HeadlineValue, *Shipment, *Return)]
                assert await it.page.evaluate(BROKEN, answers) == []


@pytest.mark.parametrize("name", HOSTILE)
async def test_no_text_of_an_order_breaks_the_page(tmp_path: Path, browser: Browser, name: str) -> None:
    async with site(tmp_path, shop=KAVOVAR) as at:
        link = await at.order_link(hostile(HOSTILE[name]))
        for width in WIDTHS:
            async with window(browser, width=width) as it:
                assert await it.goes(link) == 200
                assert await it.wider() == []
                assert it.strangers(at.base) == [] and it.complaints == []
                assert await it.page.locator("h1").inner_text() == label(HeadlineValue.PROCESSING, "en").label
                assert await it.page.locator("main script, main img, main style").count() == 0
                assert await it.page.locator("h2").last.inner_text() == WORDS["en"]["news"], "it is whole to its end"


async def test_the_carriers_page_is_one_click_away(tmp_path: Path, browser: Browser) -> None:
    async with site(tmp_path, shop=KAVOVAR) as at, window(browser) as it:
        await it.goes(await at.order_link(two_parcels()))
        number = it.page.get_by_role("link", name="P20450999123456")
        assert await number.get_attribute("href") == "https://post.example/P20450999123456"
        assert await number.get_attribute("rel") == "noreferrer nofollow"
        call = it.page.get_by_role("link", name="+380 44 123 4567")
        assert await call.get_attribute("href") == "tel:+380441234567"


async def test_a_kind_of_message_is_left_by_a_click_and_not_by_looking(tmp_path: Path, browser: Browser) -> None:
    async with site(tmp_path, shop=KAVOVAR) as at, window(browser, language="uk") as it:
        link = await at.order_link(two_parcels())
        await it.goes(link)
        assert await at.it.rows(tables.optouts) == [], "who looks has left nothing"
        await it.page.get_by_role("button", name=WORDS["uk"]["leave_feedback"]).click()
        assert await it.page.locator("h1").inner_text() == WORDS["uk"]["unsubscribed"]
        (row,) = await at.it.rows(tables.optouts)
        assert (row.cls, row.channel) == ("feedback", "")
        await it.goes(link)
        assert await it.page.get_by_role("button", name=WORDS["uk"]["leave_feedback"]).count() == 0
        await sound(it, at.base, stops=await it.page.locator("a, button, select, textarea").count())


async def test_a_link_that_is_not_good_is_told_so_and_no_more(tmp_path: Path, browser: Browser) -> None:
    async with site(tmp_path, shop=KAVOVAR) as at:
        for language, width in product(WORDS, WIDTHS):
            async with window(browser, width=width, language=language) as it:
                assert await it.goes(f"{at.base}/o/nobody-was-given-this") == 404
                assert await it.page.locator("h1").inner_text() == WORDS[language]["nothing"]
                assert await it.wider() == [] and await it.faint() == []
                assert "Кавовар" not in await it.page.content()
