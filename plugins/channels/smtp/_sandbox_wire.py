"""What both fake mail servers stand on: one connection read line by line, TLS under way, and the servers' life."""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import cast

MAX_BUFFER = 1 << 20
"""Bytes that wait unread before the other side has to wait too."""


class Gone(Exception):
    """The other side hung up."""


class Wire(asyncio.Protocol):
    """One connection. `talk` is the conversation; it ends when the other side hangs up."""

    def __init__(self, talk: Callable[["Wire"], Awaitable[None]], wires: "set[Wire]") -> None:
        self._talk = talk
        self._wires = wires
        self._buffer = bytearray()
        self._news = asyncio.Event()
        self._ended = False
        self.transport: asyncio.Transport | None = None
        self.task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        if self.task is None:
            self._wires.add(self)
            self.task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        try:
            await self._talk(self)
        except Gone:
            self._ended = True
        finally:
            self.close()
            self._wires.discard(self)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._news.set()
        if len(self._buffer) > MAX_BUFFER and self.transport is not None:
            self.transport.pause_reading()

    def eof_received(self) -> bool:
        self._end()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()

    def _end(self) -> None:
        self._ended = True
        self._news.set()

    @property
    def secure(self) -> bool:
        return self.transport is not None and self.transport.get_extra_info("sslcontext") is not None

    async def line(self) -> bytes:
        """The next line with its end (LF or CRLF); `Gone` at the end of the connection."""
        while (end := self._buffer.find(b"\n")) < 0:
            await self._more()
        return self._cut(end + 1)

    async def exactly(self, count: int) -> bytes:
        """The next `count` bytes."""
        while len(self._buffer) < count:
            await self._more()
        return self._cut(count)

    async def any(self) -> bytes:
        """Whatever comes next."""
        if not self._buffer:
            await self._more()
        return self._cut(len(self._buffer))

    def _cut(self, count: int) -> bytes:
        found = bytes(self._buffer[:count])
        del self._buffer[:count]
        if len(self._buffer) <= MAX_BUFFER and self.transport is not None and not self.transport.is_closing():
            self.transport.resume_reading()
        return found

    async def _more(self) -> None:
        if self._ended:
            raise Gone
        self._news.clear()
        await self._news.wait()

    def write(self, data: bytes) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """Go on inside TLS. What came in before the handshake is thrown away (RFC 3207 4.2)."""
        assert self.transport is not None
        self._buffer.clear()
        try:
            found = await asyncio.get_running_loop().start_tls(self.transport, self, context, server_side=True)
        except (OSError, ssl.SSLError):
            raise Gone from None
        self.transport = found

    async def hang(self) -> None:
        """Say nothing and read nothing more until the other side hangs up."""
        while True:
            await self._more()

    def close(self) -> None:
        """Hang up after what is written has left."""
        if self.transport is not None:
            self.transport.close()

    def reset(self) -> None:
        """Break the connection: what is written and has not left is lost."""
        assert self.transport is not None
        linger = struct.pack("ii", 1, 0)
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.transport.abort()


@contextlib.asynccontextmanager
async def listening(
    talk: Callable[[Wire], Awaitable[None]], wires: set[Wire], host: str, port: int, context: ssl.SSLContext | None
) -> AsyncIterator[int]:
    """A server in the running loop; gives its port. At the end all its connections are cut."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Wire(talk, wires), host, port, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        tasks = [wire.task for wire in wires if wire.task is not None]
        for wire in list(wires):
            if wire.transport is not None:
                wire.transport.abort()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()
