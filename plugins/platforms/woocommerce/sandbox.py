"""A fake WooCommerce: one shop on its own server, with its REST interface and its webhooks, for tests and the demo.

    sandbox = WooCommerceSandbox(clock)
    async with sandbox.serve() as url:            # settings: {url: url, consumer_key: sandbox.key, ...}
        order = sandbox.shop.create_order()
        await sandbox.deliver_due()               # the webhooks of what happened

Webhooks go where they were registered (`POST /webhooks`, or `sandbox.hook_all(url)`), once. Nothing is sent by itself:
the owner of the clock decides when. The sandbox knows nothing of the adapter beside it. It plays a shop behind HTTPS
(it takes the key as it is) although it speaks HTTP on this machine; with `tls=False` it plays one without.
"""

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Literal

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from hub.clock import Clock
from hub.plugin import UnreadableError, read_json
from hub.plugin.sandbox import Chaos, Delivery, Entry, Ledger, serve

from ._sandbox_auth import by_header, by_oauth, by_query
from ._sandbox_bodies import Bodies, Tree
from ._sandbox_hooks import Hooks, Webhook, sign
from ._sandbox_rest import NO_ROUTE, Call, Features, Rest, RestError, Said
from ._sandbox_shop import Order, Shop

__all__ = ["Happened", "WooCommerceSandbox", "sign"]

TOPICS = ("order.created", "order.updated", "order.deleted", "order.restored")
_NAMESPACES = ("wc/v3", "wc-shipment-tracking/v3", "wc-ast/v3")
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_NOT_KNOWN = ("woocommerce_rest_cannot_view", "Sorry, you cannot list resources.")
_WRONG_KEY = ("woocommerce_rest_authentication_error", "Consumer key is invalid.")
WARNING = (
    "<br />\n<b>Warning</b>:  Undefined array key 1 in <b>/wp-content/plugins/x/y.php</b> on line <b>7</b><br />\n"
)


@dataclass(frozen=True, slots=True)
class Happened(Entry):
    """One line of the ledger.

    `kind` change: `what` befell `order`. `kind` webhook or ping: the topic `what` was sent, with what `status`, and
    the SHA-256 of its body.
    `kind` call: a request came in. `kind` write: `what` was written, with which `args`. `kind` mail: the shop itself
    mailed the customer.
    """

    kind: str
    what: str
    order: str = ""
    status: int | None = None
    webhook: int = 0
    args: Tree = field(default_factory=dict)
    body_hash: str = ""


@dataclass(slots=True)
class Weather:
    """What goes wrong between us and WordPress. `cached`: a caching plugin answers every GET that it has seen before.
    `strips_authorization`: the web server drops the header."""

    warnings: int = 0
    firewall: int = 0
    cached: bool = False
    strips_authorization: bool = False


class WooCommerceSandbox:
    """One shop. `offset` of its local time; `patience`: (real) seconds a receiver has (WooCommerce gives 60)."""

    def __init__(
        self,
        clock: Clock,
        *,
        home: str = "https://kavovar.example",
        key: str = "ck_of-the-sandbox-01",
        secret: str = "cs_of-the-sandbox-01",
        webhook_secret: str = "wh-secret-01",
        offset: timedelta = timedelta(hours=1),
        storage: Literal["hpos", "legacy"] = "hpos",
        tls: bool = True,
        patience: float = 5.0,
    ) -> None:
        self.clock, self.key, self.secret, self.webhook_secret, self.tls = clock, key, secret, webhook_secret, tls
        self.ledger: Ledger[Happened] = Ledger()
        self.chaos = Chaos()
        self.weather = Weather()
        self.features = Features()
        zone = timezone(offset)
        self.bodies = Bodies(zone, home)
        self.hooks = Hooks(clock, home=home.rstrip("/"), render=self._render, record=self._sent, seconds=patience)
        self.shop = Shop(clock, self._happened, self._mailed, storage)
        self._rest = Rest(clock, self.shop, self.hooks, self.bodies, zone, self.features, self._written)
        self._cache: dict[str, tuple[int, bytes, dict[str, str]]] = {}
        self.app: ASGIApp = self.chaos.around(
            Starlette(
                routes=[
                    Route("/wp-json/{rest:path}", self._pretty, methods=_METHODS),
                    Route("/index.php", self._plain, methods=_METHODS),
                ]
            )
        )

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        """Serve the shop on a free port; gives its address."""
        async with serve(self.app) as url:
            try:
                yield url
            finally:
                await self.hooks.aclose()

    # --- webhooks

    def hook_all(self, url: str, topics: Sequence[str] = TOPICS) -> list[Webhook]:
        """Webhooks without asking the API, and without a ping."""
        return [self.hooks.add(each, url, self.webhook_secret) for each in topics]

    async def deliver_due(self) -> int:
        """Send the webhooks that are due at the clock's time; gives the number of requests."""
        return await self.hooks.deliver_due()

    def next_at(self) -> datetime | None:
        """When `deliver_due` has something to do."""
        return self.hooks.next_at()

    # --- what it writes down

    def _render(self, ident: int) -> Tree | None:
        order = self.shop.orders.get(ident)
        return self.bodies.order(order) if order else None

    def _happened(self, event: str, order: Order, lever: str) -> None:
        if lever:
            self.ledger.record(Happened(self.clock.now(), "change", lever, str(order.id)))
        self.hooks.queue(event, order)

    def _mailed(self, order: Order, what: str) -> None:
        self.ledger.record(Happened(self.clock.now(), "mail", what, str(order.id)))

    def _sent(self, webhook: Webhook, kind: str, order: str, delivery: Delivery, body: bytes) -> None:
        now, hashed = self.clock.now(), hashlib.sha256(body).hexdigest()
        self.ledger.record(
            Happened(now, kind, webhook.topic, order, status=delivery.status, webhook=webhook.id, body_hash=hashed)
        )

    def _written(self, what: str, order: str, body: Tree) -> None:
        self.ledger.record(Happened(self.clock.now(), "write", what, order, args=body))

    # --- HTTP

    async def _pretty(self, request: Request) -> Response:
        return await self._answer(request, request.path_params["rest"])

    async def _plain(self, request: Request) -> Response:
        return await self._answer(request, request.query_params.get("rest_route", "").strip("/"))

    async def _answer(self, request: Request, route: str) -> Response:
        if self.weather.firewall:
            self.weather.firewall -= 1
            return HTMLResponse("<html><body><h1>403 Forbidden</h1>Wordfence</body></html>", 403)
        known = self._cache.get(str(request.url)) if self.weather.cached and request.method == "GET" else None
        status, data, headers = known or await self._fresh(request, route)
        if request.method == "GET" and status == 200:
            self._cache[str(request.url)] = status, data, headers
        if self.weather.warnings:
            self.weather.warnings -= 1
            data = WARNING.encode() + data
        return Response(data, status, headers, "application/json")

    async def _fresh(self, request: Request, route: str) -> tuple[int, bytes, dict[str, str]]:
        self.ledger.record(
            Happened(self.clock.now(), "call", f"{request.method} {route}", args=dict(request.query_params))
        )
        try:
            said = await self._rest_answer(request, route.strip("/"))
        except RestError as error:
            return error.status, bytes(JSONResponse(error.body).body), {}
        return said.status, bytes(JSONResponse(said.value).body), _paging(said, str(request.url.path))

    async def _rest_answer(self, request: Request, route: str) -> Said:
        namespace = next((each for each in _NAMESPACES if route.startswith(f"{each}/")), None)
        if namespace is None:
            raise RestError(404, *NO_ROUTE)
        self._check_key(request)
        path = tuple(route.removeprefix(f"{namespace}/").split("/"))
        body: Any = None
        if request.method in ("POST", "PUT", "PATCH"):
            try:
                body = read_json(await request.body())
            except UnreadableError:
                raise RestError(400, "rest_invalid_json", "Invalid JSON body passed.") from None
        return await self._rest.answer(namespace, Call(request.method, path, dict(request.query_params), body))

    def _check_key(self, request: Request) -> None:
        params = dict(request.query_params)
        authorization = "" if self.weather.strips_authorization else request.headers.get("authorization", "")
        if self.tls and authorization:
            good = by_header(authorization, self.key, self.secret)
        elif self.tls and "consumer_key" in params:
            good = by_query(params, self.key, self.secret)
        elif "oauth_signature" in params:
            address = str(request.url).partition("?")[0]
            good = by_oauth(request.method, address, params, self.key, self.secret)
        else:
            raise RestError(401, *_NOT_KNOWN)
        if not good:
            raise RestError(401, *_WRONG_KEY)


def _paging(said: Said, path: str) -> dict[str, str]:
    if said.total is None:
        return {}
    near = {"prev": said.page - 1, "next": said.page + 1}
    links = [f'<{path}?page={page}>; rel="{word}"' for word, page in near.items() if 1 <= page <= said.pages]
    headers = {"X-WP-Total": str(said.total), "X-WP-TotalPages": str(said.pages)}
    return {**headers, "Link": ", ".join(links)} if links else headers


SANDBOX = WooCommerceSandbox
"""What the demo starts."""
