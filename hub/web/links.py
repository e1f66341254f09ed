"""The links that messages carry: an order's page, a survey, taking an escalation, what a customer wants to hear. GET
never changes anything: mail scanners open links. Unknown, expired and foreign tokens look alike.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from jinja2 import Environment, FileSystemLoader, select_autoescape
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from hub.messages import clean
from hub.pipeline.matters import Act, Became, Wish, act, shop_of_matter
from hub.pipeline.names import locales_of
from hub.pipeline.topics import TOPICS
from hub.pipeline.world import World
from hub.runtime.hub import Hub
from hub.store.links import find_link, matter_of
from hub.store.tables import escalations, orders

from .body import TooLargeError, read_form
from .icons import ICONS
from .order_page import order_page
from .orders import ask_shop, leave, open_order
from .preferences import SHOWN, preferences, save, unsubscribe
from .surveys import OpenSurvey, answer, open_survey, survey_page
from .words import WORDS, language_of

PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "pages"), autoescape=select_autoescape(default=True)
)
PAGES.filters["clean"] = clean
ASSETS = {"page.css": "text/css", "icon.svg": "image/svg+xml"}
"""What the pages load, all of it ours: file → media type."""


def page(template: str, lang: str, status: int = 200, **names: Any) -> Response:
    """A page of ours, in a language that there is."""
    return HTMLResponse(PAGES.get_template(template).render(lang=lang, say=WORDS[lang], **names), status)


def told(lang: str, what: str) -> Response:
    """A page that says one thing."""
    return page("message.html", lang, what=what)


def nothing_here(lang: str) -> Response:
    """What every token that is not good gets."""
    return page("message.html", lang, 404, what="nothing")


def link_routes(hub: Hub) -> list[Route]:
    """The routes for links."""

    def language(request: Request) -> str:
        return language_of(request, next(iter(hub.world.config.shops.values())).locale)

    async def matter(request: Request) -> Response:
        now, token, lang = hub.clock.now(), request.path_params["token"], language(request)
        row = await hub.db.read(lambda connection: _matter(connection, hub.world, token, now))
        return nothing_here(lang) if row is None else page("matter.html", lang, **_matter_page(hub, row))

    async def take(request: Request) -> Response:
        now, token, lang = hub.clock.now(), request.path_params["token"], language(request)
        try:
            form = await read_form(request)
        except (TooLargeError, TimeoutError, ClientDisconnect, ValueError):
            return PlainTextResponse("this form cannot be read\n", 400)
        deed, world, dialect = _deed_of(form), hub.world, hub.db.dialect
        done = await hub.db.write(lambda connection: _do(connection, dialect, world, token, deed, now))
        return told(lang, done) if done else nothing_here(lang)

    async def preference_page(request: Request) -> Response:
        now, token, lang, world = hub.clock.now(), request.path_params["token"], language(request), hub.world
        it = await hub.db.read(lambda connection: preferences(connection, world, token, now))
        return page("preferences.html", lang, it=it) if it is not None else nothing_here(lang)

    async def prefer(request: Request) -> Response:
        """What the form says; or RFC 8058, the POST of a mailbox provider: no cookie, no login, no redirect, and the
        same also where its body cannot be read."""
        now, token, lang, world = hub.clock.now(), request.path_params["token"], language(request), hub.world
        try:
            form = await read_form(request)
        except (TooLargeError, TimeoutError, ClientDisconnect, ValueError):
            form = {}
        if SHOWN not in form:
            done = await hub.db.write(lambda connection: unsubscribe(connection, token, now))
            return told(lang, "unsubscribed") if done else nothing_here(lang)
        done = await hub.db.write(lambda connection: save(connection, world, token, form, now))
        it = await hub.db.read(lambda connection: preferences(connection, world, token, now)) if done else None
        return page("preferences.html", lang, it=it, saved=True) if it is not None else nothing_here(lang)

    async def order(request: Request) -> Response:
        now, token, world = hub.clock.now(), request.path_params["token"], hub.world
        found = await hub.db.read(lambda connection: open_order(connection, world, token, now))
        if found is None:
            return nothing_here(language(request))
        wished = locales_of(found.order, world.shop_of(found.order.connection))
        lang = language_of(request, wished[0])
        it = order_page(found.order, world, now, lang, found.reader)
        return page("order.html", lang, it=it, icons=ICONS, token=token, topics=TOPICS)

    async def write_to_shop(request: Request) -> Response:
        now, token, lang, world = hub.clock.now(), request.path_params["token"], language(request), hub.world
        try:
            form = await read_form(request)
        except (TooLargeError, TimeoutError, ClientDisconnect, ValueError):
            return PlainTextResponse("this form cannot be read\n", 400)
        if "ask" in form:
            became = await hub.db.write(lambda connection: ask_shop(connection, world, token, form, now))
            return told(lang, became) if became else nothing_here(lang)
        kind = form.get("leave", "")
        done = await hub.db.write(lambda connection: leave(connection, world, token, kind, now))
        return told(lang, "unsubscribed") if done else nothing_here(lang)

    async def survey(request: Request) -> Response:
        """Whatever the address says beside the token is only proposed; nothing is kept before it is sent."""
        now, token, world = hub.clock.now(), request.path_params["token"], hub.world
        found = await hub.db.read(lambda connection: open_survey(connection, world, token, now))
        if found is None:
            return nothing_here(language(request))
        lang = language_of(request, found.locale)
        return _survey(found, lang, dict(request.query_params), saved=False)

    async def send_survey(request: Request) -> Response:
        now, token, world = hub.clock.now(), request.path_params["token"], hub.world
        try:
            form = await read_form(request)
        except (TooLargeError, TimeoutError, ClientDisconnect, ValueError):
            return PlainTextResponse("this form cannot be read\n", 400)
        found = await hub.db.write(lambda connection: answer(connection, world, token, form, now))
        if found is None:
            return nothing_here(language(request))
        return _survey(found, language_of(request, found.locale), {}, saved=True)

    def _survey(found: OpenSurvey, lang: str, proposed: Mapping[str, str], *, saved: bool) -> Response:
        if found.finished:
            return told(lang, "answered")
        return page("survey.html", lang, it=survey_page(found, lang, proposed, saved=saved))

    return [
        *assets(),
        _both("/o/{token:path}", order, write_to_shop),
        _both("/e/{token}", matter, take),
        _both("/u/{token}", preference_page, prefer),
        _both("/s/{token}", survey, send_survey),
    ]


def assets() -> list[Route]:
    """The routes for what pages load."""
    return [_asset(name, kind) for name, kind in ASSETS.items()]


def _asset(name: str, kind: str) -> Route:
    content = (Path(__file__).parent / "pages" / name).read_bytes()

    async def asset(request: Request) -> Response:
        return Response(content, media_type=kind, headers={"cache-control": "public, max-age=86400"})

    return Route(f"/{name}", asset)


Handler = Callable[[Request], Awaitable[Response]]


def _both(path: str, get: Handler, post: Handler) -> Route:
    async def either(request: Request) -> Response:
        return await (post if request.method == "POST" else get)(request)

    return Route(path, either, methods=["GET", "POST"])


def _matter(connection: sa.Connection, world: World, token: str, now: datetime) -> dict[str, Any] | None:
    """A matter with its order's `number` and its `reader`: whose link it is. Who has left the file reads nothing."""
    link = find_link(connection, token, "acknowledge", now)
    if link is None:
        return None
    uid, person = matter_of(link.ref)
    if person and person not in world.config.people:
        return None
    row = connection.execute(sa.select(escalations).where(escalations.c.uid == uid)).first()
    if row is None:
        return None
    order = connection.execute(sa.select(orders.c.number).where(orders.c.id == row.order_id)).first()
    return {**row._mapping, "number": order.number if order else "", "reader": person}


def _matter_page(hub: Hub, matter: dict[str, Any]) -> dict[str, Any]:
    """What the page of a matter shows: until when on its shop's clock, who has it, and to whom it can be given."""
    config, due = hub.world.config, ""
    if matter["due_at"] is not None:
        zone = shop_of_matter(matter, hub.world).timezone
        due = f"{matter['due_at'].astimezone(zone):%Y-%m-%d %H:%M} ({zone.key})"
    people = {key: person.name for key, person in config.people.items()}
    holder = people.get(matter["owner"], matter["owner"]) or matter["rung"]
    others = {name: name for name in config.staff} | people
    others.pop(matter["reader"], None)
    return {"matter": matter, "number": matter["number"], "due": due, "holder": holder, "others": others}


def _deed_of(form: Mapping[str, str]) -> Act | None:
    """What a form asks for; None for nonsense."""
    note = form.get("note", "")[:2000]
    match form.get("do", ""):
        case "take":
            return Act(Wish.TAKE)
        case "resolve":
            return Act(Wish.RESOLVE, note=note)
        case "choose" if form.get("choice"):
            return Act(Wish.RESOLVE, note=note, choice=form["choice"])
        case "hand-over":
            return Act(Wish.HAND_OVER, note=note, to=form.get("to", ""))
    return None


def _do(connection: sa.Connection, dialect: str, world: World, token: str, deed: Act | None, now: datetime) -> str:
    """What became of it, as a word of the pages; empty for a link that is none."""
    matter = _matter(connection, world, token, now)
    if matter is None:
        return ""
    if deed is None:
        return Became.NOBODY.value
    return act(connection, dialect, matter["uid"], replace(deed, by=matter["reader"]), world, now).value
