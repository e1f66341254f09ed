"""A receiver of signed calls, as a stranger would write one after the Standard Webhooks specification: it believes
nothing that is not signed with its secret and fresh, knows a repeat by its id, and keeps what it took.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hub.clock import Clock
from hub.plugin.sandbox import Chaos, Entry, Ledger, serve

SECRET = "whsec_" + base64.b64encode(b"orderhub sandbox receiver").decode()
TOLERANCE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Taken(Entry):
    """A call that was believed. `again`: its id had come before."""

    key: str
    method: str
    path: str
    body: Any
    headers: dict[str, str]
    raw: bytes = b""
    again: bool = False


class HttpTargetSandbox:
    """A receiver below `/hooks`. `answers`: path below it → what it says; `secret` empty: it asks for no signature."""

    def __init__(self, clock: Clock, secret: str = SECRET) -> None:
        self.clock, self.secret = clock, secret
        self.ledger: Ledger[Taken] = Ledger()
        self.refused: list[str] = []
        self.chaos = Chaos()
        self.answers: dict[str, Any] = {}
        methods = ["POST", "PUT", "PATCH", "GET", "DELETE"]
        route = Route("/hooks{path:path}", self._take, methods=methods)
        self.app = Starlette(routes=[route], middleware=[self.chaos.middleware()])

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        """Serve while the block runs; gives the address that takes calls."""
        async with serve(self.app) as base:
            yield f"{base}/hooks"

    async def _take(self, request: Request) -> Response:
        raw = await request.body()
        key = request.headers.get("webhook-id", "")
        why = self._disbelieved(request, key, raw)
        if why:
            self.refused.append(why)
            return JSONResponse({"error": why}, 401)
        path = request.path_params["path"]
        self.ledger.record(
            Taken(
                at=self.clock.now(),
                key=key,
                method=request.method,
                path=path,
                body=json.loads(raw) if raw else None,
                headers=dict(request.headers),
                raw=raw,
                again=any(each.key == key for each in self.ledger),
            )
        )
        return JSONResponse(self.answers.get(path, {"ok": True}))

    def _disbelieved(self, request: Request, key: str, raw: bytes) -> str:
        if not self.secret:
            return ""
        stamp = request.headers.get("webhook-timestamp", "")
        if not key or not stamp.isdecimal():
            return "no id or no timestamp"
        if abs(self.clock.now().timestamp() - int(stamp)) > TOLERANCE.total_seconds():
            return "an old timestamp"
        secret = base64.b64decode(self.secret.removeprefix("whsec_"))
        signed = b".".join((key.encode(), stamp.encode(), raw))
        good = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
        given = [each.partition(",") for each in request.headers.get("webhook-signature", "").split()]
        if not any(version == "v1" and hmac.compare_digest(value, good) for version, _, value in given):
            return "a wrong signature"
        return ""


SANDBOX = HttpTargetSandbox
"""What the demo starts."""
