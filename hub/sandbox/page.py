"""The demo's page: every order's path and every message as it arrived. Reads only; no script, strict headers, and
everything from outside is escaped. A mail's HTML is shown in a frame that may do nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from jinja2 import Environment, FileSystemLoader, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from hub.status import HeadlineValue, Label, label
from hub.store import queries, tables

from .book import Arrival
from .evidence import mark_of
from .stage import Stage
from .story import CHANNELS, ZONE
from .watch import Watch

FOLDER = Path(__file__).parent / "pages"
_PAGES = Environment(loader=FileSystemLoader(FOLDER), autoescape=select_autoescape(default=True), trim_blocks=True)
_PAGES.filters["when"] = lambda at: at.astimezone(ZONE).strftime("%a %d %b %H:%M") if at else ""
_PAGES.filters["plain"] = lambda word: str(word).replace("_", " ")

VERDICTS: Mapping[str, str] = {
    "same": "known already",
    "claim": "a claim, not believed yet",
    "stale": "late: moves nothing",
    "contradiction": "contradicts what is known",
    "flagged": "shown to staff",
    "foreign": "of another parcel",
    "quarantine": "in quarantine: moves nothing, told to nobody",
    "retracted": "taken back",
}
"""What became of a word, where it did not simply move the status."""

LATE = timedelta(minutes=10)
"""After how long the path says when a word was heard."""
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; frame-src 'self'; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
MAIL_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
)
"""A mail brings its own inline styles, and nothing else: no script, no picture from elsewhere, no form, no origin."""
SIGNS = {"calm": "○", "go": "►", "ask": "◆", "good": "✓", "bad": "▲", "back": "◄", "void": "–"}


@dataclass(frozen=True, slots=True)
class Message:
    """One message that arrived: to whom, and where it comes from. `order`: the number of the order it is about, if it
    is about one."""

    n: int
    it: Arrival
    to: str
    staff: bool
    order: str
    template: str
    flow: str


class Pages:
    """The routes; they have something to show once the stage is set."""

    def __init__(self) -> None:
        self.stage: Stage | None = None

    def open(self, stage: Stage) -> None:
        """From now on this world is shown."""
        self.stage = stage

    def routes(self) -> list[Route]:
        """What is added to the hub's own routes."""
        return [
            Route("/", self._guarded(_overview)),
            Route("/orders/{number}", self._guarded(_order)),
            Route("/messages", self._guarded(_messages)),
            Route("/messages/{n:int}", self._guarded(_message)),
            Route("/messages/{n:int}/mail.html", self._guarded(_mail)),
            Route("/demo.css", _style),
        ]

    def _guarded(self, show: Any) -> Any:
        async def page(request: Request) -> Response:
            if self.stage is None:
                return PlainTextResponse("the town is still being built\n", 503)
            answer: Response = await show(self.stage, request)
            return answer

        return page


async def _style(request: Request) -> Response:
    return Response((FOLDER / "demo.css").read_bytes(), media_type="text/css")


def _page(template: str, status: int = 200, **names: Any) -> Response:
    text = _PAGES.get_template(template).render(signs=SIGNS, channels=CHANNELS, **names)
    return HTMLResponse(text, status, headers={"content-security-policy": POLICY})


def _nothing() -> Response:
    return _page("nothing.html", 404)


async def _overview(stage: Stage, request: Request) -> Response:
    glance = await Watch(stage).look()
    counts: dict[str, int] = {}
    for each in await messages(stage):
        counts[each.order] = counts.get(each.order, 0) + 1
    return _page("overview.html", glance=glance, counts=counts)


async def _order(stage: Stage, request: Request) -> Response:
    asked = request.path_params["number"]
    whole = await stage.town.hub.db.read(lambda connection: _whole(connection, asked))
    if whole is None:
        return _nothing()
    number = whole["row"].number
    about = [each for each in await messages(stage) if each.order == number]
    key = next((key for key, order_id in stage.order_ids().items() if order_id == whole["row"].id), None)
    case = stage.cases[key].case if key else None
    headline = _label(whole["row"].headline)
    return _page("order.html", number=number, case=case, headline=headline, about=about, words=VERDICTS, **whole)


async def _messages(stage: Stage, request: Request) -> Response:
    return _page("messages.html", messages=await messages(stage))


async def _message(stage: Stage, request: Request) -> Response:
    found = await _nth(stage, request)
    return _page("message.html", message=found, it=found.it) if found is not None else _nothing()


async def _mail(stage: Stage, request: Request) -> Response:
    found = await _nth(stage, request)
    if found is None or not found.it.html:
        return _nothing()
    return HTMLResponse(found.it.html, headers={"content-security-policy": MAIL_POLICY})


async def _nth(stage: Stage, request: Request) -> Message | None:
    every = await messages(stage)
    n = request.path_params["n"]
    return every[n - 1] if 1 <= n <= len(every) else None


async def messages(stage: Stage) -> list[Message]:
    """Every message that arrived, in the order of time, numbered from 1."""
    known = await stage.town.hub.db.read(_by_mark)
    watch = Watch(stage)
    found = []
    for n, each in enumerate(stage.book.read(), 1):
        row, number = known.get(each.mark, (None, ""))
        name, staff = watch.who(each.to)
        template, flow = (row.template, row.flow) if row else ("", "")
        found.append(Message(n, each, name, staff, number, template, flow))
    return found


def _by_mark(connection: Any) -> Mapping[str, tuple[Any, str]]:
    """Mark of an arrival → (its row in the outbox, the number of its order)."""
    rows = {row.id: row for row in connection.execute(sa.select(tables.messages))}
    numbers = {row.id: row.number for row in connection.execute(sa.select(tables.orders.c.id, tables.orders.c.number))}
    return {
        mark_of(each): (rows[each.message_id], numbers.get(rows[each.message_id].order_id, ""))
        for each in connection.execute(sa.select(tables.attempts))
        if each.message_id in rows
    }


def _whole(connection: Any, number: str) -> dict[str, Any] | None:
    found = queries.find_orders(connection, number) or queries.find_orders(connection, f"#{number}")
    if not found:
        return None
    row = found[0]
    lines = queries.timeline_of(connection, row.id)
    said = queries.messages_of(connection, row.id)
    return {
        "row": row,
        "numbers": queries.numbers_of(connection, row.id),
        "path": [_line(each, row.id) for each in lines if each.kind == "status"],
        "runs": [each for each in lines if each.kind == "run"],
        "outbox": said,
        "tries": queries.attempts_of(connection, [each.id for each in said]),
        "matters": queries.escalations_of(connection, row.id),
    }


def _line(row: Any, order_id: str) -> Mapping[str, Any]:
    return {
        **row.doc,
        "at": row.at,
        "recorded_at": row.recorded_at,
        "late": row.recorded_at - row.at >= LATE,
        "event": row.event_id,
        "of": str(row.subject).removeprefix(order_id).lstrip("/#"),
    }


def _label(value: str) -> Label | None:
    """None: the order was merged into another, whose headline speaks for it."""
    return label(HeadlineValue(value), "en") if value else None
