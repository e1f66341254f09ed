"""The wire itself: httpx's API over aiohttp's connections. Loaded only when a real client is made.

Beside httpx-aiohttp, this knows whether a connection stood when something broke: before that, nothing was sent.
"""

import asyncio
import functools
import ipaddress
import socket
import ssl
from contextvars import ContextVar
from typing import Any

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from ._exchange import Progress

_progress: ContextVar[Progress] = ContextVar("orderhub_progress")


class ForbiddenAddressError(OSError):
    """The address that a name led to may not be asked."""


class Wire(httpx.AsyncBaseTransport):
    """Sends a request; raises httpx's errors, `ConnectError` only where nothing was sent."""

    def __init__(self, concurrency: int, *, private: bool) -> None:
        self._inner = AiohttpTransport(
            verify=_tls(), client=lambda: _session(concurrency, private=private), trust_env=False
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        progress: Progress = request.extensions["orderhub_progress"]
        progress.sent = False
        token = _progress.set(progress)
        try:
            return await self._inner.handle_async_request(request)
        except (aiohttp.ClientError, httpx.TransportError, OSError, ValueError) as error:
            progress.word = _word(error, sent=progress.sent)
            raise httpx.TransportError(_class(error)) from None
        finally:
            _progress.reset(token)

    async def aclose(self) -> None:
        await self._inner.aclose()


@functools.cache
def _tls() -> ssl.SSLContext:
    # Reading the roots takes some 20 ms; the context is never changed afterwards.
    return httpx.create_ssl_context(trust_env=False)


def _session(concurrency: int, *, private: bool) -> aiohttp.ClientSession:
    trace = aiohttp.TraceConfig()
    trace.on_connection_create_end.append(_connected)
    trace.on_connection_reuseconn.append(_connected)
    connector = aiohttp.TCPConnector(
        ssl=_tls(), limit=concurrency, keepalive_timeout=5, socket_factory=None if private else _public_socket
    )
    return aiohttp.ClientSession(
        connector=connector, trace_configs=[trace], cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
    )


async def _connected(_session: aiohttp.ClientSession, _context: Any, _params: Any) -> None:
    _progress.get().sent = True


def _public_socket(address: Any) -> socket.socket:
    """A socket for an address that everyone may reach: checked where it is used, so no name can change its mind."""
    family, kind, protocol, _, place = address
    if not is_public(place[0]):
        raise ForbiddenAddressError("a private address")
    return socket.socket(family, kind, protocol)


def is_public(address: str) -> bool:
    """Whether an IP address is one that everyone may reach; IPv4 inside IPv6 counts as what it is."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or _translated(found)
        if inner is None and found not in _UNICAST:
            return False
        found = inner or found
    return found.is_global and not found.is_multicast


_UNICAST = ipaddress.IPv6Network("2000::/3")
"""Where all addresses of IPv6 that everyone may reach lie (RFC 4291, 2.4); what lies elsewhere is local, or an IPv4 in
one of its disguises: `::127.0.0.1`, `::ffff:0:127.0.0.1`, `64:ff9b:1::7f00:1`, `fec0::1`."""
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def _translated(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None


def _causes(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    while error not in found and len(found) < 8:
        found.append(error)
        error = error.__cause__ or getattr(error, "os_error", None) or error
    return found


def _class(error: BaseException) -> str:
    named = [each for each in _causes(error) if not isinstance(each, httpx.TransportError)]
    return type(named[0] if named else error).__name__


_Table = tuple[tuple[tuple[type[BaseException], ...], str], ...]

_BEFORE: _Table = (
    ((ForbiddenAddressError,), "forbidden"),
    ((aiohttp.ClientSSLError, aiohttp.ServerFingerprintMismatch, ssl.SSLError), "tls"),
    ((aiohttp.InvalidURL, httpx.UnsupportedProtocol, ValueError), "address"),
    ((aiohttp.ClientConnectorDNSError, socket.gaierror), "name"),
    ((asyncio.TimeoutError, httpx.TimeoutException), "connect-time"),
)
"""Error before a connection stood → condition; all else is `connect`."""

_AFTER: _Table = (
    ((ValueError,), "address"),  # aiohttp looks at the headers only when it writes them
    ((aiohttp.ServerTimeoutError, asyncio.TimeoutError), "no-answer"),
    ((aiohttp.ClientResponseError,), "garbled"),
)
"""Error while the request or the head of its answer was under way → condition; all else is `reset`."""


def _word(error: BaseException, *, sent: bool) -> str:
    # httpx-aiohttp calls nearly every error a ConnectTimeout; what it was stands in the cause.
    found = [each for each in _causes(error) if not isinstance(each, httpx.TimeoutException)] or [error]
    for kinds, word in _AFTER if sent else _BEFORE:
        if any(isinstance(each, kinds) for each in found):
            return word
    return "reset" if sent else "connect"
