"""Trouble on the wire: whatever comes back becomes the right failure, and says no secret."""

import logging
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest

from hub.plugin import Channel, Config, FailureError, Permanent, Suppress, Transient, Unknown, UnreadableError

from ._base import AdapterConformance
from ._kit import fail, require, run

WAIT = timedelta(seconds=120)


@dataclass(frozen=True)
class Trouble:
    """One kind of trouble: what answers, and which outcomes are right. `fine`: it may also be no failure at all."""

    respond: Callable[[httpx.Request], httpx.Response]
    right: tuple[type, ...]
    fine: bool = False


class _Broken(httpx.AsyncByteStream):
    """A body that ends in the middle."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b'{"data": ['
        raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")


def _raising(error: type[httpx.TransportError]) -> Callable[[httpx.Request], httpx.Response]:
    def respond(request: httpx.Request) -> httpx.Response:
        raise error("trouble", request=request)

    return respond


def _saying(status: int, body: str = "", **headers: str) -> Callable[[httpx.Request], httpx.Response]:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: httpx.Response(status, text=body, headers=names)


_MAY_PASS = (Transient, Unknown)
_ANY = (Transient, Unknown, Permanent, Suppress, Config)
_RETRY_AFTER = {"retry_after": str(int(WAIT.total_seconds()))}

TROUBLES: Mapping[str, Trouble] = {
    "401": Trouble(_saying(401), (Config,)),
    "404": Trouble(_saying(404), _ANY, fine=True),
    "429 with Retry-After": Trouble(_saying(429, **_RETRY_AFTER), (Transient,)),
    "500": Trouble(_saying(500), _MAY_PASS),
    "503": Trouble(_saying(503), _MAY_PASS),
    "no connection": Trouble(_raising(httpx.ConnectError), (Transient,)),
    "time-out": Trouble(_raising(httpx.ReadTimeout), _MAY_PASS),
    "connection reset": Trouble(_raising(httpx.ReadError), _MAY_PASS),
    "answer cut off": Trouble(lambda _: httpx.Response(200, stream=_Broken()), _MAY_PASS),
    "a page instead of an answer": Trouble(_saying(200, "<html><body>Please log in</body></html>"), _ANY),
    "an empty answer": Trouble(_saying(200), _ANY, fine=True),
    "null": Trouble(_saying(200, "null"), _ANY, fine=True),
    "a list": Trouble(_saying(200, "[[]]"), _ANY, fine=True),
    "an object": Trouble(_saying(200, '{"": [null]}'), _ANY, fine=True),
    "numbers": Trouble(_saying(200, "1e400"), _ANY, fine=True),
    "depth": Trouble(_saying(200, "[" * 5000), _ANY, fine=True),
}


class HttpConformance(AdapterConformance):
    """For adapters that speak HTTP. Carriers and platforms have it already."""

    def trouble(self, name: str) -> Trouble:
        """The trouble of this name; override to make an answer the outside system's own (a 429 with a body)."""
        return TROUBLES[name]

    async def outcome(self, adapter: Any) -> Any:
        """The outcome of `ask`, returned or raised; None when nothing failed."""
        try:
            found = await self.ask(adapter)
        except FailureError as failure:
            return failure.outcome
        except Exception as error:
            if isinstance(error, UnreadableError) and not issubclass(self.adapter, Channel):
                return Transient(f"the answer cannot be read: {error}")  # so the hub takes it: it asks again later
            fail(f"only FailureError may pass, and here comes {error!r}: look at an answer before using it")
        return found if isinstance(found, _ANY) else None

    def meet(self, trouble: Trouble) -> Any:
        """The outcome of meeting a trouble after signing in."""

        async def ask() -> Any:
            async with self.made(lambda request: self.login(request) or trouble.respond(request)) as adapter:
                return await self.outcome(adapter)

        return run(ask())

    @pytest.mark.parametrize("name", TROUBLES)
    def test_trouble_on_the_wire_is_the_right_failure(self, name: str) -> None:
        """`FailureError` with the right outcome, or (not of a channel) `UnreadableError`, and no other exception."""
        trouble = self.trouble(name)
        found = self.meet(trouble)
        if found is None:
            require(trouble.fine, f"{name} counts as success: look at the answer before believing it")
            return
        right = " or ".join(each.__name__ for each in trouble.right)
        require(isinstance(found, trouble.right), f"{name} must be {right} and is {type(found).__name__}: {found}")

    def test_a_wish_to_wait_is_heard(self) -> None:
        """Retry-After becomes `not_before`."""
        found = self.meet(self.trouble("429 with Retry-After"))
        wanted = self.now + WAIT
        heard = getattr(found, "not_before", None)
        require(heard is not None and heard >= wanted, f"pass Retry-After on as not_before: {wanted} is {heard}")

    @pytest.mark.parametrize("name", TROUBLES)
    def test_no_failure_and_no_log_line_tells_a_secret(self, name: str, caplog: pytest.LogCaptureFixture) -> None:
        """Neither the outcome's words nor the log at its most talkative."""
        caplog.set_level(logging.DEBUG)
        said = f"{self.meet(self.trouble(name))!r} {caplog.text}"
        told = [secret for secret in self.secrets() if secret in said]
        require(not told, f"{name}: a secret stands in the failure or in the log")

    def test_hello_fails_when_the_credentials_are_refused(self) -> None:
        """`hello` proves the credentials, so a 401 may not pass."""

        async def greet() -> Any:
            async with self.made(self.trouble("401").respond) as adapter:
                try:
                    return await adapter.hello()
                except FailureError as failure:
                    return failure.outcome

        found = run(greet())
        require(isinstance(found, Config), f"hello must fail with Config when it is answered 401, not {found!r}")
