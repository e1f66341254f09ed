"""Stand-ins for connections: the real adapter with its tables, limits and habits, except that it reaches nobody. What
it is handed is recorded and taken; what it is to make of events that were put in stands on the board.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import httpx

from hub.clock import Clock
from hub.config.model import Config
from hub.model import AnyRecord, Receipt, ReceiptState
from hub.plugin import (
    Accepted,
    Adapter,
    CouponWish,
    FailureError,
    Outcome,
    Outgoing,
    Page,
    Permanent,
    Raw,
    Suppress,
    TagWish,
    TargetAnswer,
    TargetCall,
    Transient,
    Unknown,
    WriteBack,
)
from hub.plugin import Config as OurFault
from hub.plugin.http import make_client

REHEARSED = "rehearsed"
"""Key in the body of an event that was put in: the number of its records on the board."""
FOLLOWS = "rehearsed:"
"""Begins the word for a carrier by which exactly one connection is meant: `rehearsed:nova-poshta`."""
SAID = "as the script says"
FAILURES: Mapping[str, Callable[[], Outcome]] = {
    "transient": lambda: Transient(SAID),
    "permanent": lambda: Permanent(SAID),
    "suppress": lambda: Suppress(SAID),
    "blocked": lambda: Suppress(SAID, blocked=True),
    "config": lambda: OurFault(SAID),
    "unknown": lambda: Unknown(SAID),
}
"""What a connection can be made to answer (DESIGN 3)."""
NO_RECEIPT = "none"


@dataclass(slots=True)
class Board:
    """What the stand-ins of one rehearsal know and were handed."""

    records: list[Sequence[AnyRecord]] = field(default_factory=list)
    failing: dict[str, str] = field(default_factory=dict)
    """Connection → what it answers; one that is not here takes everything."""
    receipts: dict[str, str] = field(default_factory=dict)
    """Channel → what its receipts say; one that is not here confirms at once."""
    unconfirmed: list[tuple[str, str]] = field(default_factory=list)
    """(channel, key) of what was taken without a receipt."""
    calls: dict[str, Any] = field(default_factory=dict)
    """Key of a call or write-back → what was handed over."""
    locales: dict[str, str] = field(default_factory=dict)
    """Key of an attempt → the language in which it was worded."""
    confirm: Callable[[str, Receipt], Awaitable[None]] | None = None
    confirming: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Messages leave together; their receipts come one after the other."""

    def put(self, records: Sequence[AnyRecord]) -> dict[str, int]:
        """The body of an event that is read as these records."""
        self.records.append(records)
        return {REHEARSED: len(self.records) - 1}


class _StandIn(Adapter[Any]):
    """What every stand-in does in the place of its adapter. Capabilities are the adapter's own."""

    board: Board

    def normalise(self, raw: Raw) -> Sequence[AnyRecord]:
        if isinstance(raw.body, dict) and REHEARSED in raw.body:
            return self.board.records[raw.body[REHEARSED]]
        return super().normalise(raw)

    def calls_itself(self, word: str) -> bool:
        if word.startswith(FOLLOWS):
            return word == FOLLOWS + self.connection
        return bool(super().calls_itself(word))  # type: ignore[misc]  # a carrier's

    async def send(self, message: Outgoing) -> Outcome:
        """Taken, and confirmed where the channel confirms; or what the script says."""
        self.board.locales[message.key] = message.locale
        failing = self.board.failing.get(self.connection)
        if failing is not None:
            return FAILURES[failing]()
        said = self.board.receipts.get(self.connection, ReceiptState.DELIVERED.value)
        if said == NO_RECEIPT:
            self.board.unconfirmed.append((self.connection, message.key))
        elif self.board.confirm is not None:
            await self.board.confirm(self.connection, receipt_of(said, message.key, self.clock.now()))
        return Accepted(message.key)

    async def call(self, call: TargetCall) -> TargetAnswer:
        self._fail()
        self.board.calls[call.key] = call.body
        return TargetAnswer(200)

    async def write_back(self, wish: WriteBack) -> None:
        self._fail()
        self.board.calls[wish.key] = wish

    async def make_coupon(self, wish: CouponWish) -> None:
        self._fail()
        self.board.calls[wish.key] = wish

    async def tag(self, wish: TagWish) -> None:
        self._fail()
        self.board.calls[wish.key] = wish

    def _fail(self) -> None:
        failing = self.board.failing.get(self.connection)
        outcome = FAILURES[failing]() if failing is not None else None
        if outcome is not None and not isinstance(outcome, Accepted):
            raise FailureError(outcome)  # type: ignore[arg-type]  # of the seven, those that are failures

    async def poll(self, cursor: Any) -> Page:
        return Page((), cursor)

    async def fetch(self, ref: str) -> Sequence[Raw]:
        return ()

    async def track(self, parcels: Sequence[Any]) -> Sequence[Raw]:
        return ()

    async def hello(self) -> str:
        return "a stand-in"

    async def register(self, url: str | None) -> Sequence[str]:
        return ()

    def asks_every(self, url: str | None) -> timedelta | None:
        return None

    async def aclose(self) -> None:
        """Nothing was opened."""


def receipt_of(said: str, key: str, at: datetime) -> Receipt:
    """A channel's receipt for what was handed over under a key."""
    return Receipt(ReceiptState(said), at, key=key, reason=SAID if said == ReceiptState.FAILED else "")


def _class_of(adapter: type[Adapter[Any]]) -> type[Adapter[Any]]:
    return type(f"Rehearsed{adapter.__name__}", (_StandIn, adapter), {"__doc__": adapter.__doc__})


def _nothing(request: httpx.Request) -> httpx.Response:
    return httpx.Response(503)


def maker(board: Board) -> Callable[[str, Config, Clock], Adapter[Any]]:
    """What makes the stand-ins of one board. Their HTTP client leads nowhere, whatever an adapter tries."""

    def make(name: str, config: Config, clock: Clock) -> Adapter[Any]:
        connection = config.connections[name]
        # Rates and places are of the real time, in which a rehearsal lasts no time at all.
        limits = replace(connection.adapter.limits, per_second=None)
        client = make_client(name, limits, clock, transport=httpx.MockTransport(_nothing), dice=lambda: 0.5)
        adapter: Any = _class_of(connection.adapter)(connection.settings, client, clock, connection=name)
        adapter.board = board
        return adapter  # type: ignore[no-any-return]

    return make
