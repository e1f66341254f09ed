"""A fake of Acme's API 2.4: parcels that are moved by hand, and webhooks when they move."""

import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from hub.clock import Clock
from hub.plugin.sandbox import Chaos, Delivery, Entry, Ledger, WebhookSender, serve

KEY, SECRET = "acme-key", "acme-secret"
MOST = 25


@dataclass(frozen=True, slots=True)
class Asked(Entry):
    """One request that Acme answered."""

    path: str
    numbers: tuple[str, ...] = ()


class AcmeSandbox:
    """Acme Express in small. `scan` moves a parcel; `chaos` breaks things; `ledger` and `sender.ledger` witness."""

    def __init__(self, clock: Clock, *, key: str = KEY, secret: str = SECRET) -> None:
        self.ledger: Ledger[Asked] = Ledger()
        self.chaos = Chaos()
        self.sender = WebhookSender(clock)
        self.parcels: dict[str, list[dict[str, str]]] = {}
        self.hook = ""
        self.app = Starlette(
            routes=[
                Route("/v2/account", self._account),
                Route("/v2/parcels", self._parcels),
                Route("/v2/hook", self._hook, methods=["GET", "PUT"]),
            ],
            middleware=[self.chaos.middleware()],
        )
        self._clock, self._key, self._secret = clock, key, secret

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        """Serve the API; gives the address for the adapter's `url`."""
        async with serve(self.app) as url:
            try:
                yield f"{url}/v2"
            finally:
                await self.sender.aclose()

    async def scan(self, number: str, code: str, text: str = "", place: str = "Depot 1") -> Delivery | None:
        """Something happens to a parcel; who has a hook is told."""
        scan = {"code": code, "at": self._clock.now().isoformat(), "text": text, "place": place}
        self.parcels.setdefault(number, []).append(scan)
        if not self.hook:
            return None
        body = json.dumps(self._parcel(number)).encode()
        signature = hmac.new(self._secret.encode(), body, "sha256").hexdigest()
        return await self.sender.send(self.hook, body, {"X-Acme-Signature": signature})

    async def _account(self, request: Request) -> JSONResponse:
        return self._answer(request, {"name": "Test Shop"})

    async def _parcels(self, request: Request) -> JSONResponse:
        numbers = request.query_params.getlist("number")
        if not 1 <= len(numbers) <= MOST:
            return JSONResponse({"error": f"1 to {MOST} numbers, please"}, 400)
        known = [self._parcel(each) for each in numbers if each in self.parcels]
        return self._answer(request, {"parcels": known}, *numbers)

    async def _hook(self, request: Request) -> JSONResponse:
        if request.method == "PUT" and self._knows(request):
            self.hook = (await request.json())["url"]
        return self._answer(request, {"url": self.hook})

    def _parcel(self, number: str) -> dict[str, Any]:
        return {"number": number, "scans": self.parcels[number]}

    def _knows(self, request: Request) -> bool:
        return hmac.compare_digest(request.headers.get("x-api-key", ""), self._key)

    def _answer(self, request: Request, value: dict[str, Any], *numbers: str) -> JSONResponse:
        if not self._knows(request):
            return JSONResponse({"error": "who are you?"}, 401)
        self.ledger.record(Asked(self._clock.now(), request.url.path, numbers))
        return JSONResponse(value)


SANDBOX = AcmeSandbox
