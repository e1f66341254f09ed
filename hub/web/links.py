"""The links that messages carry: taking an escalation, and one-click unsubscribe. GET never changes anything: mail
scanners open links. Unknown, expired and foreign tokens look alike.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from jinja2 import Environment, FileSystemLoader, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from hub.runtime.hub import Hub
from hub.store.database import insert_new
from hub.store.links import find_link
from hub.store.queries import acknowledge_matter, resolve_matter
from hub.store.tables import TENANT, escalations, optouts, orders

PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "pages"), autoescape=select_autoescape(default=True)
)
STYLE = (Path(__file__).parent / "pages" / "page.css").read_text("utf-8")


def page(template: str, status: int = 200, **names: Any) -> Response:
    """A page of ours."""
    return HTMLResponse(PAGES.get_template(template).render(**names), status)


def nothing_here() -> Response:
    """What every token that is not good gets."""
    return page("message.html", 404, title="Nothing here", text="This link is not valid, or no longer.")


def link_routes(hub: Hub) -> list[Route]:
    """The routes for links."""

    async def style(request: Request) -> Response:
        return Response(STYLE, media_type="text/css", headers={"cache-control": "public, max-age=86400"})

    async def matter(request: Request) -> Response:
        now, token = hub.clock.now(), request.path_params["token"]
        row = await hub.db.read(lambda connection: _matter(connection, token, now))
        if row is None:
            return nothing_here()
        return page("matter.html", matter=row, number=row["number"])

    async def take(request: Request) -> Response:
        now, token = hub.clock.now(), request.path_params["token"]
        form = await request.form(max_files=0, max_fields=4)
        wish = str(form.get("do", ""))
        note = str(form.get("note", ""))[:2000]
        done = await hub.db.write(lambda connection: _take(connection, token, wish, note, now))
        return page("message.html", title=done[0], text=done[1]) if done else nothing_here()

    async def unsubscribe_page(request: Request) -> Response:
        now, token = hub.clock.now(), request.path_params["token"]
        link = await hub.db.read(lambda connection: find_link(connection, token, "unsubscribe", now))
        return page("unsubscribe.html") if link is not None else nothing_here()

    async def unsubscribe(request: Request) -> Response:
        """RFC 8058: the POST of a mailbox provider; no cookie, no login, no redirect."""
        now, token = hub.clock.now(), request.path_params["token"]
        done = await hub.db.write(lambda connection: _unsubscribe(connection, hub.db.dialect, token, now))
        if not done:
            return nothing_here()
        return page("message.html", title="Unsubscribed", text="You will get no more messages of this kind.")

    return [
        Route("/page.css", style),
        _both("/e/{token}", matter, take),
        _both("/u/{token}", unsubscribe_page, unsubscribe),
    ]


Handler = Callable[[Request], Awaitable[Response]]


def _both(path: str, get: Handler, post: Handler) -> Route:
    async def either(request: Request) -> Response:
        return await (post if request.method == "POST" else get)(request)

    return Route(path, either, methods=["GET", "POST"])


def _matter(connection: sa.Connection, token: str, now: datetime) -> dict[str, Any] | None:
    link = find_link(connection, token, "acknowledge", now)
    if link is None:
        return None
    row = connection.execute(sa.select(escalations).where(escalations.c.uid == link.ref)).first()
    if row is None:
        return None
    order = connection.execute(sa.select(orders.c.number).where(orders.c.id == row.order_id)).first()
    return {**row._mapping, "number": order.number if order else ""}


def _take(connection: sa.Connection, token: str, wish: str, note: str, now: datetime) -> tuple[str, str] | None:
    matter = _matter(connection, token, now)
    if matter is None:
        return None
    if wish == "resolve" and resolve_matter(connection, matter["uid"], note, now):
        return "Resolved", "This matter is closed."
    if wish == "acknowledge" and acknowledge_matter(connection, matter["uid"], now):
        return "Taken", "It is yours now; nobody else will be called for it."
    return "Nothing to do", "Somebody has taken care of this already."


def _unsubscribe(connection: sa.Connection, dialect: str, token: str, now: datetime) -> bool:
    link = find_link(connection, token, "unsubscribe", now)
    if link is None:
        return False
    customer, cls, channel = link.ref.split("|")
    row = {"tenant": TENANT, "customer_id": customer, "cls": cls, "channel": channel, "at": now, "how": "one-click"}
    connection.execute(insert_new(optouts, dialect).values(**row))
    return True
