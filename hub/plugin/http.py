"""The HTTP client that the hub hands to adapters: httpx's API, with all that asking an outside system needs.

Per connection: one time-out over the whole exchange, a size limit, so many calls at once and so many a second,
Retry-After obeyed, a circuit breaker, no redirects, and one table of failures (`_failures.CONDITIONS`). A call answers
with 2xx (or a status the adapter said it is `expecting`), or raises `FailureError`. No text it makes holds a secret.
"""

import logging
import random
from collections.abc import Callable
from typing import Any

import httpx

from hub.clock import Clock, monotonic

from ._adapters import Limits
from ._breaker import Breaker, BreakerState, Ticket
from ._exchange import Wish, exchange, refused
from ._failures import CONDITIONS, Call
from ._outcomes import FailureError, Transient, Unknown
from ._queue import Memory, Queue

__all__ = ["CONDITIONS", "BreakerState", "client_state", "expecting", "make_client"]

log = logging.getLogger(__name__)


def expecting(*statuses: int, safe: bool = False) -> dict[str, Any]:
    """Request extensions: let the adapter see these statuses itself; `safe`: a POST that only reads."""
    return {"hub": {"expect": frozenset(statuses), "safe": safe}}


def make_client(
    connection: str,
    limits: Limits,
    clock: Clock,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    on_state: Callable[[BreakerState], None] | None = None,
    private: bool = True,
    dice: Callable[[], float] = random.random,
) -> httpx.AsyncClient:
    """A client for one connection; close it with `aclose()`. Made inside or outside a running loop.

    `transport`: what carries the requests instead of the wire (`httpx.MockTransport(...)`, or
    `httpx.AsyncHTTPTransport()` where pytest-httpx is to catch them). `on_state` is told whenever the breaker opens,
    closes or waits longer. `private=False`: refuse addresses that not everyone may reach (for addresses that an
    outsider can choose), checked on the resolved address. `dice` gives numbers from 0 to 1 for the jitter.
    """
    if transport is None:
        # Not at the top: importing the door must not load aiohttp.
        from ._wire import Wire

        transport = Wire(limits.concurrency, private=private)
    return _Client(_Transport(connection, limits, clock, transport, Breaker(clock, on_state, dice, connection)))


def client_state(client: httpx.AsyncClient) -> BreakerState:
    """The state of the breaker of a client that `make_client` made; TypeError for any other."""
    if not isinstance(client, _Client):
        raise TypeError("this client was not made by make_client")
    return client.door.breaker.state


class _Transport(httpx.AsyncBaseTransport):
    """Everything between httpx's API and the wire."""

    def __init__(
        self, connection: str, limits: Limits, clock: Clock, inner: httpx.AsyncBaseTransport, breaker: Breaker
    ) -> None:
        self.connection = connection
        self.breaker = breaker
        self._seconds = limits.timeout.total_seconds()
        self._largest = limits.answer
        self._inner = inner
        self._queue = Queue(limits, clock)
        self._memory = Memory(clock)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        wish = Wish.of(request, self._seconds, self._largest)
        call = Call.of(self.connection, request, safe=wish.safe)
        if request.url.scheme not in ("http", "https") or call.host == "?":
            raise call.failure("address")
        self._refuse_early(call)
        async with self._queue.turn(call):
            self._refuse_early(call)
            ticket = self.breaker.admit()
            if ticket is None:
                raise call.failure("breaker", not_before=self.breaker.retry_at())
            return await self._ask(request, call, wish, ticket)

    def _refuse_early(self, call: Call) -> None:
        if self._memory.forbids():
            raise call.failure("waiting", not_before=self._memory.until)
        if not self.breaker.admits():
            raise call.failure("breaker", not_before=self.breaker.retry_at())

    async def _ask(self, request: httpx.Request, call: Call, wish: Wish, ticket: Ticket) -> httpx.Response:
        def heard(head: httpx.Response) -> FailureError | None:
            moment = self._memory.hear(head)
            found = refused(head, wish)
            return found and call.failure(*found, not_before=moment, status=head.status_code)

        started = monotonic()
        try:
            answer = await exchange(self._inner, request, call, wish, heard)
        except FailureError as failure:
            self._count(ticket, failure)
            log.debug("%s after %d ms", failure, (monotonic() - started) * 1000)
            raise
        except BaseException:
            self.breaker.let_go(ticket)
            raise
        self.breaker.answered(ticket)
        log.debug("%s: %d in %d ms", call, answer.status_code, (monotonic() - started) * 1000)
        return answer

    def _count(self, ticket: Ticket, failure: FailureError) -> None:
        if isinstance(failure.outcome, Transient | Unknown):
            self.breaker.failed(ticket, failure.outcome.reason)
        elif failure.status is not None:
            self.breaker.answered(ticket)
        else:
            self.breaker.let_go(ticket)

    async def aclose(self) -> None:
        await self._inner.aclose()


class _Client(httpx.AsyncClient):
    """httpx's client over our transport; what httpx itself refuses to build is a failure of the table too."""

    def __init__(self, door: _Transport) -> None:
        super().__init__(
            transport=door,
            trust_env=False,  # a proxy from the environment would go around the door
            timeout=None,
            follow_redirects=False,
            headers={"user-agent": "orderhub", "accept-encoding": "gzip, deflate"},
        )
        self.door = door
        _httpx_log.addFilter(_only_the_host)

    def build_request(self, method: str, url: httpx.URL | str, **rest: Any) -> httpx.Request:
        """As httpx's; an address or a header that cannot be sent is a `FailureError`."""
        try:
            return super().build_request(method, url, **rest)
        except (httpx.InvalidURL, UnicodeError) as error:
            call = Call(self.door.connection, method, "", safe=True)
            raise call.failure("address", type(error).__name__) from None


_httpx_log = logging.getLogger("httpx")


def _only_the_host(record: logging.LogRecord) -> bool:
    """httpx logs whole URLs, and some systems want their secret in the path: leave the host."""
    if isinstance(record.args, tuple):
        record.args = tuple(
            f"{each.scheme}://{each.host}" if isinstance(each, httpx.URL) else each for each in record.args
        )
    return True
