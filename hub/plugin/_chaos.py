"""Faults to order, in front of any sandbox: fail, hang, reset, cut off, answer nonsense, be slow."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub.clock import pause

ABORT = "orderhub.abort"
"""The ASGI extension with which `serve` lets a fault reset the connection."""


class When(StrEnum):
    """Whether a fault strikes before the request has its effect, or after it (the answer is lost)."""

    BEFORE = "before"
    AFTER = "after"


_Act = Callable[[ASGIApp, Scope, Receive, Send], Awaitable[None]]


@dataclass(slots=True)
class _Fault:
    act: _Act
    times: int
    path: str | None
    method: str | None

    def meets(self, scope: Scope) -> bool:
        return (
            self.times > 0
            and (self.path is None or fnmatchcase(scope["path"], self.path))
            and (self.method is None or scope["method"] == self.method.upper())
        )


class Chaos:
    """Orders of faults. Each strikes `times` requests whose path meets the pattern `path` (`*/sendMessage`; None: all)
    and whose method is `method`; orders are taken in the order in which they were given. `struck` counts the strikes.
    """

    def __init__(self) -> None:
        self.struck = 0
        self._orders: list[_Fault] = []

    def fail(
        self,
        status: int,
        times: int = 1,
        *,
        retry_after: str | int | None = None,
        path: str | None = None,
        method: str | None = None,
        body: str = "",
        when: When | str = When.BEFORE,
    ) -> None:
        """Answer with a status; `retry_after` as it stands in the header."""
        headers = {} if retry_after is None else {"retry-after": str(retry_after)}
        answer = PlainTextResponse(body, status, headers)

        async def act(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
            if When(when) is When.AFTER:
                await app(scope, receive, _nowhere)
            await answer(scope, receive, send)

        self._order(act, times, path, method)

    def hang(
        self, times: int = 1, *, path: str | None = None, method: str | None = None, when: When | str = When.BEFORE
    ) -> None:
        """Say nothing until the other side gives up."""

        async def act(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
            if When(when) is When.AFTER:
                await app(scope, receive, _nowhere)
            await _until_gone(receive)

        self._order(act, times, path, method)

    def reset(
        self, times: int = 1, when: When | str = When.BEFORE, *, path: str | None = None, method: str | None = None
    ) -> None:
        """Break the connection; `after`: the request has had its effect, and its answer is lost."""

        async def act(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
            if When(when) is When.AFTER:
                await app(scope, receive, _nowhere)
            await _abort(scope, receive)

        self._order(act, times, path, method)

    def cut(self, times: int = 1, *, path: str | None = None, method: str | None = None) -> None:
        """Do as asked, and break the connection in the middle of the answer."""

        async def act(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
            async def half(message: Message) -> None:
                if message["type"] != "http.response.body":
                    await send(message)
                    return
                body = message.get("body", b"")
                await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
                await pause(0.02)  # let it leave before the connection breaks
                await _abort(scope, receive)

            await app(scope, receive, half)

        self._order(act, times, path, method)

    def garble(
        self, times: int = 1, *, path: str | None = None, method: str | None = None, when: When | str = When.BEFORE
    ) -> None:
        """Answer 200 with a page of HTML, as captive portals and proxies do."""
        self.fail(200, times, path=path, method=method, when=when, body="<html><body>Please log in</body></html>")

    def slow(self, seconds: float, times: int = 1, *, path: str | None = None, method: str | None = None) -> None:
        """Take so many (real) seconds longer."""

        async def act(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
            await pause(seconds)
            await app(scope, receive, send)

        self._order(act, times, path, method)

    def calm(self) -> None:
        """Forget all orders."""
        self._orders.clear()

    def around(self, app: ASGIApp) -> ASGIApp:
        """The app with these faults in front."""
        return _Layer(app, self)

    def middleware(self) -> Middleware:
        """The same as a middleware for `Starlette(middleware=[...])`."""
        return Middleware(_Layer, chaos=self)

    def _order(self, act: _Act, times: int, path: str | None, method: str | None) -> None:
        self._orders.append(_Fault(act, times, path, method))

    def next_for(self, scope: Scope) -> _Act | None:
        """What strikes this request; it is used up by asking."""
        fault = next((each for each in self._orders if each.meets(scope)), None)
        if fault is None:
            return None
        fault.times -= 1
        self.struck += 1
        return fault.act


class _Layer:
    def __init__(self, app: ASGIApp, chaos: Chaos) -> None:
        self._app, self._chaos = app, chaos

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        act = self._chaos.next_for(scope) if scope["type"] == "http" else None
        if act is None:
            await self._app(scope, receive, send)
        else:
            await act(self._app, scope, receive, send)


async def _nowhere(_: Message) -> None:
    """An answer that nobody hears."""


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue


async def _abort(scope: Scope, receive: Receive) -> None:
    abort: Any = scope.get("extensions", {}).get(ABORT)
    if abort is None:
        raise RuntimeError("only an app that hub.plugin.sandbox.serve serves can reset its connections")
    abort()
    await _until_gone(receive)
