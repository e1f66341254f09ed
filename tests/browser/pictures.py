"""The README's pictures: the pages of an order and of a survey, each in every language at both widths, on one sheet;
the demo's page; the demo's terminal. Written anew by `scripts/pictures`, so that they show what is.
"""

import asyncio
import re
import sys
import tempfile
from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from playwright.async_api import Browser

from hub.config.questions import SHIPPED, Survey
from hub.web.words import WORDS
from tests.e2e.hamlet import ALL
from tests.ground.repository import ROOT
from tests.web.tales import two_parcels

from .chromium import DESK, MISSING, PHONE, WIDTHS, Window, chromium, program, window
from .site import Site, site
from .test_order_page import KAVOVAR
from .test_survey_page import asking

IMAGES = ROOT / "docs" / "images"
NAMES = {PHONE: "phone", DESK: "desk"}
SHEETS = {PHONE: (4, 320), DESK: (2, 640)}
"""By the pages' width: how many stand beside each other on a sheet, and how wide each is there."""
GAP = 16
SURVEY = Survey("after", "five-questions", questions=tuple(SHIPPED.values()))
NAMED = {
    each.name: type(each.adapter.__name__, (each.adapter,), {"label": label})
    for each in ALL
    if (label := {"post": "Nova Poshta", "bot": "Telegram"}.get(each.name))
}
"""The adapters that a page names, under the names that customers know."""
LONGEST = {PHONE: 1150, DESK: 1400}
"""How much of a page is shown, from its top."""
CHOSEN = "?product=5&recommend=9"
"""What a customer has clicked on in the mail."""
CONNECTIONS = tuple(replace(each, adapter=NAMED.get(each.name, each.adapter)) for each in ALL)
DEMO_PAGE = re.compile(r"The page stays at (http\S+)")


async def shot(browser: Browser, link: str, width: int, language: str) -> bytes:
    """A page as this reader sees it, scrolled through."""
    async with window(browser, width=width, language=language) as it:
        assert await it.goes(link) == 200
        height = min(LONGEST[width], await it.page.evaluate("document.documentElement.scrollHeight"))
        return await it.page.screenshot(full_page=True, clip={"x": 0, "y": 0, "width": width, "height": height})


async def sheet(browser: Browser, shots: Sequence[bytes], width: int) -> bytes:
    """Pages of one width beside each other."""
    columns, each = SHEETS[width]
    pictures = "".join(f'<img alt="" src="data:image/png;base64,{b64encode(one).decode()}">' for one in shots)
    style = (
        f"body {{ margin: 0; padding: {GAP}px; background: #c9ced6; display: grid; align-items: start;"
        f" gap: {GAP}px; grid-template-columns: repeat({columns}, {each}px) }}"
        f" img {{ width: {each}px; display: block }}"
    )
    async with window(browser, width=columns * (each + GAP) + GAP) as it:
        await it.page.set_content(f"<style>{style}</style>{pictures}")
        return await it.page.screenshot(full_page=True)


@asynccontextmanager
async def order_page(folder: Path) -> AsyncIterator[tuple[Site, str]]:
    """A site, and the link to an order on it: one parcel waits, one is on its way."""
    async with site(folder, shop=KAVOVAR, connections=CONNECTIONS) as at:
        yield at, await at.order_link(two_parcels())


@asynccontextmanager
async def survey_page(folder: Path) -> AsyncIterator[tuple[Site, str]]:
    async with asking(folder, SURVEY) as (at, link):
        yield at, link + CHOSEN


PAGES = {"order": order_page, "survey": survey_page}


async def pages(browser: Browser) -> None:
    for name, opened in PAGES.items():
        with tempfile.TemporaryDirectory() as folder:
            async with opened(Path(folder)) as (_, link):
                for width in WIDTHS:
                    shots = [await shot(browser, link, width, language) for language in WORDS]
                    put(f"{name}-{NAMES[width]}.png", await sheet(browser, shots, width))


async def demo(browser: Browser) -> None:
    """The demo's terminal and, when its week is over, its page."""
    command = (Path(sys.executable).with_name("hub"), "demo", "--keep", "--picture", IMAGES / "demo.svg")
    playing = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    try:
        assert playing.stdout is not None
        async for line in playing.stdout:
            if found := DEMO_PAGE.search(line.decode()):
                async with window(browser, width=DESK) as it:
                    put("demo-page.png", await demo_page(it, found[1]))
                return
        raise SystemExit("The demo did not come to its end.")
    finally:
        if playing.returncode is None:
            playing.terminate()
        await playing.wait()


async def demo_page(it: Window, url: str) -> bytes:
    assert await it.goes(url) == 200
    return await it.page.screenshot()


def put(name: str, picture: bytes) -> None:
    (IMAGES / name).write_bytes(picture)
    print(f"docs/images/{name}  {len(picture) / 1000:.0f} KB")


async def main() -> None:
    path = program()
    if path is None:
        raise SystemExit(MISSING)
    async with chromium(path) as browser:
        await pages(browser)
        await demo(browser)


if __name__ == "__main__":
    asyncio.run(main())
