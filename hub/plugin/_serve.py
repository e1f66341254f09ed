"""A web server for sandboxes inside the running loop: on a free port, without signals, logs or threads."""

import asyncio
import os
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ._chaos import ABORT

_Address = tuple[str, int]


@asynccontextmanager
async def serve(app: ASGIApp, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serve an ASGI app while the block runs; gives its base URL. What is still under way at the end is cut off.

    The answers carry no Date of their own: a sandbox lives in the hub's clock, not in the machine's.
    """
    transports: dict[_Address, asyncio.Transport] = {}
    server = uvicorn.Server(
        uvicorn.Config(
            _with_abort(app, transports),
            http=_protocol(transports),
            ws="none",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            date_header=False,
            server_header=False,
        )
    )
    # The protocol is named so that asyncio sets TCP_NODELAY on what it accepts; without it every answer waits 40 ms.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(512)
        try:
            yield await _start(server, listener)
        finally:
            await _stop(server, transports)


async def _start(server: uvicorn.Server, listener: socket.socket) -> str:
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    try:
        await server.startup(sockets=[listener])
    except SystemExit:
        # uvicorn takes itself for the whole program.
        raise RuntimeError("the sandbox's application did not start") from None
    host, port = listener.getsockname()[:2]
    return f"http://{host}:{port}"


async def _stop(server: uvicorn.Server, transports: dict[_Address, asyncio.Transport]) -> None:
    if not server.started:
        return
    for each in server.servers:
        each.close()
    for transport in list(transports.values()):
        transport.abort()
    if tasks := list(server.server_state.tasks):
        _, late = await asyncio.wait(tasks, timeout=1)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
    for each in server.servers:
        await each.wait_closed()
    await server.lifespan.shutdown()


def _protocol(transports: dict[_Address, asyncio.Transport]) -> type[asyncio.Protocol]:
    class Kept(HttpToolsProtocol):
        """uvicorn's protocol; its connections are known by their address."""

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            transports[transport.get_extra_info("peername")[:2]] = transport

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            transports.pop(self.transport.get_extra_info("peername")[:2], None)

    return Kept


def _with_abort(app: ASGIApp, transports: dict[_Address, asyncio.Transport]) -> ASGIApp:
    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (transport := transports.get(tuple(scope["client"]))) is not None:
            scope.setdefault("extensions", {})[ABORT] = lambda: _abort(transport)
        await app(scope, receive, send)

    return wrapped


def _abort(transport: asyncio.Transport) -> Any:
    """Close with a reset: nothing more is sent, not even what was written."""
    # Through a second descriptor: not every loop lets one set options on its own.
    with socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno())) as same:
        same.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
