"""The web application: webhooks in, health and metrics out, signed links.

Every answer carries strict headers; nothing on the request path but verifying, storing and answering.
"""

import asyncio
import logging

from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub.pipeline.fault import fault
from hub.plugin import WebhookRequest
from hub.runtime.hub import Hub
from hub.store.database import trouble

from .body import TooLargeError, read_body
from .links import link_routes
from .metrics import metrics_text

log = logging.getLogger("hub.web")

MAX_BODY = 4 * 1024 * 1024
"""Bytes of a webhook; Shopify's largest orders stay well below."""
STORE_SECONDS = 4
"""How long storing may take before the sender is told to come again; Shopify gives up after 5 s."""
BUSY = 5
"""Seconds after which a sender should try again when the database cannot take its event."""

DOORS = frozenset({"in", "o", "e", "u", "s", "healthz", "readyz", "metrics", "page.css", "icon.svg"})
"""The first parts of our paths; what else is asked for may be anything, and is not repeated."""

HEADERS = (
    (b"content-security-policy", b"default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
     b"frame-ancestors 'none'; base-uri 'none'; object-src 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-robots-tag", b"noindex, nofollow"),
    (b"cache-control", b"no-store"),
)  # fmt: skip


class StrictHeaders:
    """Puts the headers on every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name for name, _ in message["headers"]}
                message["headers"] += [pair for pair in HEADERS if pair[0] not in given]
            await send(message)

        await self.app(scope, receive, with_headers)


class LastResort:
    """Nothing of an error leaves the house, and the log has its kind and its place. A handler of Starlette's would
    raise it again, for the server to print with all that its text holds."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, noted)
        except Exception as error:
            door = scope.get("path", "").split("/")[1:2]
            log.error("a request to /%s failed: %s", door[0] if door and door[0] in DOORS else "…", fault(error))
            if not begun:
                await PlainTextResponse("something went wrong here\n", 500)(scope, receive, send)


def build_app(hub: Hub, extra: list[Route] | None = None) -> Starlette:
    """The application of one hub; `extra` routes are the demo's."""

    async def webhook(request: Request) -> Response:
        try:
            body = await read_body(request, MAX_BODY)
        except TooLargeError:
            return PlainTextResponse(f"a webhook is at most {MAX_BODY} bytes\n", 413)
        except (TimeoutError, ClientDisconnect):
            return PlainTextResponse("the body did not come\n", 408)
        headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in request.headers.raw]
        said = WebhookRequest(
            request.method, request.path_params.get("rest", ""), dict(request.query_params), headers, body
        )
        try:
            async with asyncio.timeout(STORE_SECONDS):
                answer = await hub.receiver.webhook(request.path_params["connection"], said)
        except (SQLAlchemyError, OSError) as error:  # TimeoutError among them
            log.error("an event could not be stored: %s", trouble(error))
            return PlainTextResponse("try again later\n", 503, headers={"retry-after": str(BUSY)})
        return Response(answer.body, answer.status, media_type=answer.content_type)

    async def healthz(request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(request: Request) -> Response:
        states = dict(hub.engine.health())
        broken = {stage: state for stage, state in states.items() if state not in ("idle", "working")}
        if hub.worker is None or hub.worker.done():
            broken["engine"] = "stopped"
        return JSONResponse({"ready": not broken, "shadow": hub.world.shadow, "stages": states}, 503 if broken else 200)

    async def metrics(request: Request) -> Response:
        return PlainTextResponse(await metrics_text(hub), media_type="text/plain; version=0.0.4; charset=utf-8")

    methods = ["GET", "POST"]
    return Starlette(
        routes=[
            Route("/in/{connection}", webhook, methods=methods),
            Route("/in/{connection}/{rest:path}", webhook, methods=methods),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/metrics", metrics),
            *link_routes(hub),
            *(extra or []),
        ],
        middleware=[Middleware(StrictHeaders), Middleware(LastResort)],
    )
