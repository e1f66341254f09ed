"""Smaller than a town: a real hub on a real database, among adapters that do as they are told. For what no sandbox of
a real system can be made to do at will: two events in one batch, a send that hangs, an answer that comes too early.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa

from hub.clock import Clock, VirtualClock
from hub.config.model import Config, Connection
from hub.pipeline.receive import inbox_row
from hub.plugin import Accepted, Adapter, Carrier, Channel, Outcome, Outgoing, Page, Platform, Raw, TrackRequest
from hub.plugin.http import make_client
from hub.runtime.hub import Hub
from hub.status import Mode
from hub.store import tables
from tests.pipeline.fakes import Bot, Letters, Nothing, Post, Shoplet, Texter, moment, world
from tests.pipeline.fakes import connection as of

START = moment("10:00")
Sends = Callable[[str, Outgoing], Awaitable[Outcome]]


@dataclass
class Board:
    """What the adapters do: written by a test at any time."""

    records: dict[str, Sequence[Any]] = field(default_factory=dict)
    sent: list[tuple[str, Outgoing]] = field(default_factory=list)
    asked: list[tuple[str, Sequence[str]]] = field(default_factory=list)
    outcomes: dict[str, Sends] = field(default_factory=dict)
    track: Callable[[Sequence[TrackRequest]], Awaitable[Sequence[Raw]]] | None = None
    fetch: Callable[[str], Awaitable[Sequence[Raw]]] | None = None
    poll: Callable[[Any], Awaitable[Page]] | None = None

    def raw(self, subject: str, *records: Any, key: str = "") -> Raw:
        """A raw event that is read as these records."""
        key = key or f"event-{len(self.records)}"
        self.records[key] = records
        return Raw({"key": key}, subject, key)

    def read(self, raw: Raw) -> Sequence[Any]:
        return self.records[raw.body["key"]]

    async def send(self, channel: str, message: Outgoing) -> Outcome:
        self.sent.append((channel, message))
        how = self.outcomes.get(channel)
        return await how(channel, message) if how else Accepted()


class _Shop(Shoplet):
    board: Board
    poll_every = timedelta(days=1)

    def normalise(self, raw: Raw) -> Sequence[Any]:
        return self.board.read(raw)

    async def poll(self, cursor: Any) -> Page:
        self.board.asked.append((self.connection, ()))
        return await self.board.poll(cursor) if self.board.poll else Page((), cursor, more=False)

    async def fetch(self, ref: str) -> Sequence[Raw]:
        self.board.asked.append((self.connection, (ref,)))
        return await self.board.fetch(ref) if self.board.fetch else ()


class _Post(Post):
    board: Board

    def normalise(self, raw: Raw) -> Sequence[Any]:
        return self.board.read(raw)

    async def track(self, parcels: Sequence[TrackRequest]) -> Sequence[Raw]:
        self.board.asked.append((self.connection, tuple(each.number for each in parcels)))
        return await self.board.track(parcels) if self.board.track else ()


class _Letters(Letters):
    board: Board

    def normalise(self, raw: Raw) -> Sequence[Any]:
        return self.board.read(raw)

    async def send(self, message: Outgoing) -> Outcome:
        return await self.board.send(self.connection, message)


class _Texter(Texter):
    board: Board

    def normalise(self, raw: Raw) -> Sequence[Any]:
        return self.board.read(raw)

    async def send(self, message: Outgoing) -> Outcome:
        return await self.board.send(self.connection, message)


class _Bot(Bot):
    board: Board

    def asks_every(self, url: str | None) -> None:
        return None

    def normalise(self, raw: Raw) -> Sequence[Any]:
        return self.board.read(raw)

    async def send(self, message: Outgoing) -> Outcome:
        return await self.board.send(self.connection, message)

    def link_url(self, token: str) -> str:
        return f"https://chat.example/{token}"


class OtherPost(_Post):
    """Another carrier, one number per question."""

    name, label = "otherpost", "The Other Post"

    def recognises(self, number: str) -> bool:
        return number.startswith("Q")


ALL = (
    of("shop", _Shop, shop="main"),
    of("post", _Post),
    of("mail", _Letters),
    of("sms", _Texter),
    of("bot", _Bot),
)


@dataclass
class Hamlet:
    """Everything of one test."""

    clock: VirtualClock
    board: Board
    hub: Hub
    url: str

    async def store(self, connection: str, *events: Raw, mode: Mode = Mode.LIVE) -> int:
        """Put events into the inbox in one commit, so that they are read in one batch."""
        return await self.hub.receiver.put([inbox_row(connection, raw, mode, self.clock) for raw in events])

    async def hear(self, connection: str, subject: str, *records: Any) -> None:
        """One event, and all that follows at this instant."""
        await self.store(connection, self.board.raw(subject, *records))
        await self.hub.quiet()

    async def advance(self, **length: float) -> None:
        """Let time pass, stopping at each instant at which something is due."""
        end = self.clock.now() + timedelta(**length)
        await self.hub.quiet()
        while (nearest := await self.hub.next_due()) is not None and nearest < end:
            self.clock.move_to(nearest)
            await self.hub.quiet()
        self.clock.move_to(end)
        await self.hub.quiet()

    async def rows(self, table: sa.Table, *where: Any) -> Sequence[Any]:
        return await self.hub.db.read(
            lambda connection: connection.execute(sa.select(table).where(*where).order_by(*table.primary_key)).all()
        )

    async def messages(self) -> list[tuple[str, str, str]]:
        """(template, state, reason) of all messages to customers."""
        rows = await self.rows(tables.messages, tables.messages.c.recipient == "customer")
        return [(row.template, row.state, row.reason) for row in rows]

    def said(self, channel: str = "") -> list[str]:
        """Templates and languages that left, through one channel or all."""
        return [message.skeleton.rpartition(".")[0] for name, message in self.board.sent if channel in ("", name)]


def config_of(
    flows: Mapping[str, Mapping[str, Any]], folder: Path, connections: Sequence[Connection] = ALL, **more: Any
) -> tuple[Config, Any]:
    """The configuration and the texts of a hamlet."""
    made = world(flows, connections=connections, **more)
    return made.config, made.texts


def maker(board: Board) -> Callable[[str, Config, Clock], Adapter[Any]]:
    """What makes adapters that look at the board."""

    def make(name: str, config: Config, clock: Clock) -> Adapter[Any]:
        kind, nothing = config.connections[name].adapter, httpx.MockTransport(lambda request: httpx.Response(500))
        client = make_client(name, kind.limits, clock, transport=nothing)
        adapter: Any = kind(Nothing(), client, clock, connection=name)
        adapter.board = board
        return adapter  # type: ignore[no-any-return]

    return make


@asynccontextmanager
async def hamlet(
    folder: Path,
    flows: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    connections: Sequence[Connection] = ALL,
    database: str = "",
    start: datetime = START,
    board: Board | None = None,
    shadow: bool = False,
    **more: Any,
) -> AsyncIterator[Hamlet]:
    """The hamlet, at work; everything was imported already."""
    config, texts = config_of(flows or {}, folder, connections, **more)
    clock, board = VirtualClock(start), board or Board()
    url = database or f"sqlite:///{folder / 'hub.db'}"
    it = Hamlet(clock, board, new_hub(config, texts, clock, url, board, shadow=shadow), url)
    await it.hub.start(ticking=False)
    try:
        await asyncio.wait_for(it.hub.quiet(), 20)
        yield it
    finally:
        await it.hub.stop()


def new_hub(config: Config, texts: Any, clock: VirtualClock, url: str, board: Board, *, shadow: bool = False) -> Hub:
    """A hub with the adapters of the board."""
    return Hub(config, texts, clock=clock, database=url, jitter=False, make_adapter=maker(board), shadow=shadow)


__all__ = ["ALL", "Board", "Carrier", "Channel", "Hamlet", "OtherPost", "Platform", "hamlet", "new_hub"]
