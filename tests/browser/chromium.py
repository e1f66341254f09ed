"""The Chromium of this machine, as a reader's window: no JavaScript, no name but 127.0.0.1, and a record of what it
asked for and complained of."""

import re
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Browser, Page, Request, async_playwright

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
MISSING = "Chromium is not here: sudo apt-get install -y chromium"
LEFT = "net::ERR_ABORTED"
"""What becomes of a request when its reader goes on to the next page before it is answered."""
PHONE, DESK = 320, 1280
WIDTHS = (PHONE, DESK)

LARGE, BOLD_LARGE = 24.0, 18.66
"""From what size (CSS pixels) on text counts as large, plain and bold: WCAG 2.2, "large scale"."""

WIDER = """() => {
  const room = document.documentElement.clientWidth;
  const out = [...document.body.querySelectorAll('*')].filter(each => {
    const box = each.getBoundingClientRect();
    return box.width > 0 && (box.right > room + 0.5 || box.left < -0.5);
  });
  const wide = document.documentElement.scrollWidth > room ? ['the page'] : [];
  return [...wide, ...out.map(each => each.tagName + ' ' + each.textContent.slice(0, 60))];
}"""
"""What reaches beyond the window at its sides."""

TEXTS = """() => {
  const behind = each => {
    for (let at = each; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (!/rgba\\(.*, 0\\)$/.test(colour) && colour !== 'transparent') return colour;
    }
    return matchMedia('(prefers-color-scheme: dark)').matches ? 'rgb(18, 18, 18)' : 'rgb(255, 255, 255)';
  };
  const own = each => [...each.childNodes].filter(n => n.nodeType === 3).map(n => n.data).join('').trim();
  return [...document.body.querySelectorAll('*')].filter(each => own(each) && each.checkVisibility()).map(each => {
    const style = getComputedStyle(each);
    return {text: own(each).slice(0, 60), ink: style.color, paper: behind(each), size: parseFloat(style.fontSize),
            weight: parseInt(style.fontWeight)};
  });
}"""
"""Every visible text with its colours and size."""

FIELDS = """() => {
  const fields = [...document.body.querySelectorAll('textarea, select')].filter(each => each.checkVisibility());
  return fields.map(each => ({what: each.id, edge: getComputedStyle(each).borderTopColor,
                              paper: getComputedStyle(document.body).backgroundColor}));
}"""
"""Every field to write or choose in, with the colours of its edge and of what is around it."""

FOCUSED = """() => {
  const at = document.activeElement, style = getComputedStyle(at);
  return {what: at.tagName, shown: at.matches(':focus-visible'), style: style.outlineStyle,
          width: parseFloat(style.outlineWidth), ink: style.outlineColor,
          paper: getComputedStyle(document.body).backgroundColor};
}"""
"""What has the keyboard, and how one sees it."""


@dataclass
class Window:
    """One page of one reader, with what it asked for and what it complained of."""

    page: Page
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    async def goes(self, url: str) -> int:
        """Opens an address; its status."""
        answer = await self.page.goto(url, wait_until="load")
        assert answer is not None
        return answer.status

    def strangers(self, base: str) -> list[str]:
        """Requests to anywhere but our own origin."""
        return [url for url in self.asked if not url.startswith(f"{base}/")]

    async def wider(self) -> list[str]:
        return await self.page.evaluate(WIDER)  # type: ignore[no-any-return]

    async def faint(self) -> list[str]:
        """Texts whose contrast is below AA (WCAG 2.2, 1.4.3)."""
        found = await self.page.evaluate(TEXTS)
        assert found, "there is no text at all"
        return [
            f"{each['text']!r}: {ratio:.2f}"
            for each in found
            if (ratio := contrast(each["ink"], each["paper"])) < needed(each["size"], each["weight"])
        ]

    async def unseen_fields(self) -> list[str]:
        """Fields whose edge nobody sees (1.4.11: 3 to 1)."""
        found = await self.page.evaluate(FIELDS)
        return [each["what"] for each in found if contrast(each["edge"], each["paper"]) < 3]

    async def unseen_focus(self, stops: int) -> list[str]:
        """Of so many steps of the Tab key, those after which nobody sees where the keyboard is (1.4.11: 3 to 1)."""
        found = []
        for _ in range(stops):
            await self.page.keyboard.press("Tab")
            at = await self.page.evaluate(FOCUSED)
            drawn = at["shown"] and at["style"] not in ("none", "hidden") and at["width"] >= 2
            if at["what"] == "BODY" or not drawn or contrast(at["ink"], at["paper"]) < 3:
                found.append(str(at))
        return found


def program() -> str | None:
    """The Chromium on the path."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


@asynccontextmanager
async def chromium(path: str) -> AsyncIterator[Browser]:
    """The browser, in which every name but 127.0.0.1 leads nowhere."""
    async with async_playwright() as player:
        browser = await player.chromium.launch(
            executable_path=path,
            args=["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--no-proxy-server"],
        )
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def window(
    browser: Browser, *, width: int = PHONE, language: str = "en", dark: bool = False
) -> AsyncIterator[Window]:
    """A reader's window of this width, whose browser wishes this language and runs no JavaScript."""
    options: dict[str, Any] = {"color_scheme": "dark" if dark else "light"}
    context = await browser.new_context(
        viewport={"width": width, "height": 800}, locale=language, java_script_enabled=False, **options
    )
    try:
        page = await context.new_page()
        it = Window(page)

        def asks(request: Request) -> None:
            it.asked.append(request.url)

        def fails(request: Request) -> None:
            if request.failure != LEFT:
                it.complaints.append(f"failed: {request.url}: {request.failure}")

        page.on("request", asks)
        page.on("console", lambda said: it.complaints.append(said.text))
        page.on("pageerror", lambda error: it.complaints.append(str(error)))
        page.on("requestfailed", fails)
        yield it
    finally:
        await context.close()


def needed(size: float, weight: int) -> float:
    """The contrast that a text of this size and weight needs."""
    return 3.0 if size >= LARGE or (weight >= 700 and size >= BOLD_LARGE) else 4.5


def contrast(one: str, other: str) -> float:
    """The contrast of two colours as browsers write them, `rgb(28, 36, 48)`: WCAG 2.2, "contrast ratio"."""
    light, dark = sorted((_luminance(_rgb(one)), _luminance(_rgb(other))), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _rgb(colour: str) -> Sequence[float]:
    found = re.fullmatch(r"rgb\((\d+), (\d+), (\d+)\)", colour)
    assert found, f"this is no opaque colour: {colour}"
    return [int(part) / 255 for part in found.groups()]


def _luminance(rgb: Sequence[float]) -> float:
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in rgb)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
