"""The texts as their readers would meet them, on this machine, drawn again whenever a file is saved."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import FileSystemLoader
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from hub.config.model import Shop
from hub.messages import Piece, Shown, Texts, pieces, shown
from hub.plugin import Form

from .links import PAGES, assets

_HERE = Path(__file__).parent
GALLERY = PAGES.overlay(loader=FileSystemLoader([_HERE / "gallery", _HERE / "pages"]))
"""These pages are for who works on texts, and have a script, which no page for customers has."""
LOOK = 0.5
"""Seconds between two looks at the files."""
SCRIPT = """const seen = document.documentElement.dataset
new EventSource("/changes").onmessage = ({data}) => {
  if (seen.stamp && seen.stamp !== data) location.reload()
  seen.stamp = data
}
"""
PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; frame-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
MAIL_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; frame-ancestors 'self'; sandbox"


Names = Callable[[Piece, str], Mapping[str, Any] | None]
"""What a piece is filled with: made-up data, or those of the order of this number; None: there is no such order."""


@dataclass(frozen=True, slots=True)
class Room:
    """What there is to be seen: the texts, the shops, and what is wrong with the files (empty: nothing)."""

    texts: Texts
    shops: Mapping[str, Shop]
    names: Names
    wrong: str = ""


def preview_app(read: Callable[[], Room], stamp: Callable[[], str]) -> Starlette:
    """The application. `read` gives what stands in the files, without shops where they are refused; `stamp` a word that
    is another one when they changed."""
    seen = {"": Room(Texts.load()[0], {}, lambda piece, number: None)}

    def room() -> Room:
        now = stamp()
        if now not in seen:
            (before,), found = seen.values(), read()
            seen.clear()  # what was right last stays to be seen while a file is being mended
            seen[now] = found if found.shops else replace(before, wrong=found.wrong)
        return seen[now]

    def one(request: Request) -> tuple[Piece, Shown, str] | None:
        """The piece of a path, with the number of the order that it is filled from."""
        here, number = room(), request.query_params.get("order", "").strip()
        shop, locale, name = (request.path_params[each] for each in ("shop", "locale", "name"))
        found = next((each for each in pieces(here.texts, here.shops) if each.name == f"{shop}/{locale}/{name}"), None)
        if found is None:
            return None
        filled = here.names(found, number)
        if filled is None:
            return found, Shown(wrong=f"no order has the number '{number[:60]}', or this text is about none"), number
        return found, shown(here.texts, found, here.shops[found.shop], filled, _link(here.shops[found.shop])), number

    async def index(request: Request) -> Response:
        here = room()
        shop = request.query_params.get("shop", next(iter(here.shops), ""))
        rows = await asyncio.to_thread(_rows, here, shop)
        return _page("gallery.html", shop=shop, shops=list(here.shops), forms=list(Form), rows=rows, wrong=here.wrong,
                     locales=here.texts.locales(), address=address)  # fmt: skip

    async def piece(request: Request) -> Response:
        found = await asyncio.to_thread(one, request)
        if found is None:
            return PlainTextResponse("there is no such text\n", 404)
        which, text, number = found
        alike = [
            each
            for each in pieces(room().texts, room().shops)
            if (each.template, each.shop) == (which.template, which.shop)
        ]
        return _page("piece.html", piece=which, shown=text, number=number, alike=alike, address=address,
                     needs=room().texts.needs(which.template), wrong=room().wrong)  # fmt: skip

    async def mail(request: Request) -> Response:
        found = await asyncio.to_thread(one, request)
        text = found[1].text if found is not None else None
        return HTMLResponse(text.html if text else "", 200 if text else 404, {"content-security-policy": MAIL_POLICY})

    async def changes(request: Request) -> Response:
        async def said() -> AsyncIterator[str]:
            while not await request.is_disconnected():
                yield f"data: {await asyncio.to_thread(stamp)}\n\n"
                await asyncio.sleep(LOOK)

        return StreamingResponse(said(), media_type="text/event-stream", headers={"cache-control": "no-store"})

    async def script(request: Request) -> Response:
        return Response(SCRIPT, media_type="text/javascript")

    routes = [
        Route("/", index),
        Route("/changes", changes),
        Route("/preview.js", script),
        Route("/text/{shop}/{locale}/{name}", piece),
        Route("/mail/{shop}/{locale}/{name}", mail),
        *assets(),
    ]
    # A page of somebody else's must not read them by a name that leads here.
    hosts = Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])
    return Starlette(routes=routes, middleware=[hosts])


def address(kind: str, piece: Piece, number: str = "") -> str:
    """Where a piece is shown: `text` on a page, `mail` as a mail programme would."""
    return f"/{kind}/{quote(piece.name)}{'?' + urlencode({'order': number}) if number else ''}"


def _page(template: str, **names: Any) -> Response:
    body = GALLERY.get_template(template).render(lang="en", **names)
    return HTMLResponse(body, headers={"content-security-policy": PAGE_POLICY, "referrer-policy": "no-referrer"})


def _rows(here: Room, shop: str) -> list[tuple[str, dict[tuple[str, str], list[tuple[Piece, Shown]]]]]:
    """Template → (language, form) → its pieces, as the shop says them, filled with made-up data."""
    rows: dict[str, dict[tuple[str, str], list[tuple[Piece, Shown]]]] = {}
    for each in pieces(here.texts, here.shops):
        if each.shop == shop:
            filled = shown(here.texts, each, here.shops[shop], here.names(each, "") or {}, _link(here.shops[shop]))
            rows.setdefault(each.template, {}).setdefault((each.locale, each.form), []).append((each, filled))
    return list(rows.items())


def _link(shop: Shop) -> Callable[[str], str | None]:
    return lambda purpose: f"{shop.url or 'https://shop.example'}/{purpose}"
