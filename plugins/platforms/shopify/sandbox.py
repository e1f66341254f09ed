"""A fake Shopify: one shop with its Admin API, its tokens and its webhooks, for tests and the demo.

    sandbox = ShopifySandbox(clock)
    async with sandbox.serve() as url:            # settings: {domain: sandbox.domain, url: url, ...}
        order = sandbox.shop.create_order(name="Olena Hrytsenko")
        await sandbox.deliver_due()               # the webhooks of what happened, and repeats that are due

Webhooks go where subscriptions say (`webhookSubscriptionCreate`, or `sandbox.subscribe_all(url)`). Nothing is sent by
itself: the owner of the clock decides when. The sandbox knows nothing of the adapter beside it.
"""

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from hub.clock import Clock
from hub.plugin import UnreadableError, read_json
from hub.plugin.sandbox import Chaos, Delivery, Entry, Ledger, serve

from ._sandbox_admin import Admin, Bucket
from ._sandbox_bodies import Bodies, Tree
from ._sandbox_hooks import TOPICS, Hooks, Job, Subscription, sign
from ._sandbox_oauth import GrantError, Tokens
from ._sandbox_shop import Shop

__all__ = ["Happened", "ShopifySandbox", "sign"]

VERSIONS = ("2025-10", "2026-01", "2026-04", "2026-07", "2026-10", "unstable")
"""Alive; an older one is silently served by the oldest."""

_BAD_TOKEN = "[API] Invalid API key or access token (unrecognized login or wrong password)"


@dataclass(frozen=True, slots=True)
class Happened(Entry):
    """One line of the ledger.

    `kind` change: `what` befell `order`. `kind` webhook: the topic `what` was tried (`attempt`), with what `status`.
    `kind` mutation: the mutation `what` came in, with its `args` and its user `errors`. `kind` token: a grant.
    """

    kind: str
    what: str
    order: str = ""
    status: int | None = None
    attempt: int = 0
    webhook_id: str = ""
    event_id: str = ""
    body_hash: str = ""
    url: str = ""
    args: Mapping[str, Any] = field(default_factory=dict)
    errors: tuple[str, ...] = ()


class ShopifySandbox:
    """One shop. `patience`: (real) seconds a receiver of webhooks has; Shopify gives 5."""

    def __init__(
        self,
        clock: Clock,
        *,
        domain: str = "amber-kiosk.myshopify.com",
        title: str = "Amber Kiosk",
        client_id: str = "sandbox-client",
        client_secret: str = "hush-test-secret",
        old_secret: str = "hush-old-secret",
        version: str = "2026-10",
        offset: timedelta = timedelta(hours=2),
        maximum: float = 2000.0,
        restore_rate: float = 100.0,
        patience: float = 5.0,
    ) -> None:
        self.domain, self.client_id, self.client_secret = domain, client_id, client_secret
        self.clock = clock
        self.ledger: Ledger[Happened] = Ledger()
        self.chaos = Chaos()
        self.tokens = Tokens(clock, domain, client_id, client_secret, "read_orders,write_orders")
        self.hooks = Hooks(
            clock,
            shop=domain,
            version=version,
            secret=client_secret,
            old_secret=old_secret,
            seconds=patience,
            record=self._tried,
        )
        self.bodies = Bodies(timezone(offset), f"https://{domain}")
        self.shop = Shop(clock, self.bodies, self._happened)
        bucket = Bucket(clock, maximum, restore_rate)
        self.admin = Admin(
            clock, self.shop, self.hooks, domain=domain, title=title, bucket=bucket, record=self._changed
        )
        self.app: ASGIApp = self.chaos.around(self._application())

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        """Serve the Admin API on a free port; gives its base URL."""
        async with serve(self.app) as url:
            try:
                yield url
            finally:
                await self.hooks.aclose()

    # --- webhooks

    def subscribe_all(self, url: str, topics: Sequence[str] = tuple(sorted(TOPICS))) -> list[Subscription]:
        """Subscriptions without asking the API."""
        return [self.hooks.subscribe(each, url) for each in topics]

    async def deliver_due(self) -> int:
        """Send the webhooks that are due at the clock's time; gives the number of tries."""
        return await self.hooks.deliver_due()

    def next_at(self) -> datetime | None:
        """When `deliver_due` has something to do."""
        return self.hooks.next_at()

    # --- chaos

    def duplicate_next(self, times: int = 1) -> None:
        """The next deliveries come twice."""
        self.hooks.mischief.duplicate += times

    def lose_next(self, times: int = 1) -> None:
        """The next webhooks are never sent, as now and then happens."""
        self.hooks.mischief.lose += times

    def swap_next(self) -> None:
        """What is due next comes in reverse order."""
        self.hooks.mischief.swap = True

    def delay_next(self, topic: str, by: timedelta) -> None:
        """The next webhook of this topic comes late, with its old body."""
        self.hooks.mischief.delays[topic] = by

    def sign_with_old_secret(self, on: bool = True) -> None:
        """As for up to an hour after rotating the secret."""
        self.hooks.mischief.old_secret = on

    def throttle_next(self, times: int = 1) -> None:
        """The next GraphQL calls are throttled, with HTTP 200."""
        self.admin.throttle += times

    def deny(self, *names: str) -> None:
        """Fields, mutations or webhook topics that the app has no scope for."""
        self.admin.denied.update(names)

    # --- what it writes down

    def _happened(self, what: str, order: str, said: Sequence[tuple[str, Tree]]) -> None:
        self.ledger.record(Happened(self.clock.now(), "change", what, order))
        self.hooks.queue(order, said)

    def _tried(self, job: Job, delivery: Delivery) -> None:
        self.ledger.record(
            Happened(
                self.clock.now(),
                "webhook",
                job.topic,
                job.order,
                status=delivery.status,
                attempt=delivery.attempt,
                webhook_id=job.webhook_id,
                event_id=job.event_id,
                body_hash=hashlib.sha256(job.body).hexdigest(),
                url=delivery.url,
            )
        )

    def _changed(self, name: str, args: Mapping[str, Any], errors: list[str]) -> None:
        self.ledger.record(Happened(self.clock.now(), "mutation", name, args=args, errors=tuple(errors)))

    # --- HTTP

    def _application(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/admin/oauth/access_token", self._token, methods=["POST"]),
                Route("/admin/oauth/authorize", self._authorize, methods=["GET"]),
                Route("/admin/api/{version}/graphql.json", self._graphql, methods=["POST"]),
            ]
        )

    async def _token(self, request: Request) -> Response:
        asked = await _asked(request)
        if asked is None:
            return JSONResponse({"error": "invalid_request"}, 400)
        kind = str(asked.get("grant_type") or "authorization_code")
        try:
            answer = self.tokens.grant(asked)
        except GrantError as error:
            self.ledger.record(Happened(self.clock.now(), "token", kind, status=400, errors=(str(error),)))
            return JSONResponse({"error": str(error)}, 400)
        self.ledger.record(Happened(self.clock.now(), "token", kind, status=200))
        return JSONResponse(answer)

    async def _authorize(self, request: Request) -> Response:
        if request.query_params.get("client_id") != self.client_id:
            return JSONResponse({"error": "invalid_client"}, 400)
        redirect_uri, state = request.query_params["redirect_uri"], request.query_params.get("state", "")
        return RedirectResponse(self.tokens.authorize(redirect_uri, state), 302)

    async def _graphql(self, request: Request) -> Response:
        version = request.path_params["version"]
        if version not in VERSIONS and not ("2015-01" <= version < VERSIONS[0]):
            return JSONResponse({"errors": "Not Found"}, 404)
        headers = {"X-Shopify-API-Version": version if version in VERSIONS else VERSIONS[0]}
        if not self.tokens.good(request.headers.get("X-Shopify-Access-Token")):
            return JSONResponse({"errors": _BAD_TOKEN}, 401, headers)
        asked = await _asked(request)
        if asked is None or not isinstance(asked.get("variables") or {}, dict):
            return JSONResponse({"errors": "Bad Request"}, 400, headers)
        return JSONResponse(self.admin.answer(asked), headers=headers)


async def _asked(request: Request) -> dict[str, Any] | None:
    """The members of a JSON or form body."""
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return dict(await request.form())
    try:
        found = read_json(await request.body())
    except UnreadableError:
        return None
    return found if isinstance(found, dict) else None


SANDBOX = ShopifySandbox
"""What the demo starts."""
