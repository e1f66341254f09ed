"""One rehearsal: make it, put in what happens, let time pass, read what came of it."""

import atexit
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import sqlalchemy as sa

from hub.clock import VirtualClock
from hub.config.model import Config
from hub.messages import Texts
from hub.model import AnyRecord, Receipt
from hub.pipeline.appointments import SILENT, SPEAKS
from hub.pipeline.receive import inbox_row
from hub.pipeline.world import World
from hub.plugin import Raw
from hub.runtime.hub import Hub
from hub.status import By, Found, Meaning, Mode, Order, Payment, Return, Shipment, full_name, parse_status
from hub.store.database import Database, insert_new
from hub.store.migrate import upgrade
from hub.store.tables import TENANT, connections, meta

from .effects import Effect, Trace
from .stand_ins import Board, maker, receipt_of

T = TypeVar("T")
Rows = Iterable[tuple[sa.Table, Sequence[Mapping[str, Any]]]]
VOCABULARY = "rehearsed"
"""The vocabulary in which sources speak here: each code is a status, as `shipment.delivered`."""
LINK_SECRET = "00" * 32
"""With it the links in texts are the same each time; they open nothing."""
_WORDS = [full_name(each) for axis in (Order, Payment, Shipment, Return) for each in axis]


@cache
def _template() -> Path:
    """An empty database of this release, made once in each process."""
    folder = tempfile.mkdtemp(prefix="orderhub-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = Path(folder) / "empty.db"
    db = Database(f"sqlite:///{path}", durable=False)
    try:
        upgrade(db)
        db.run(lambda connection: connection.execute(sa.insert(meta).values(key="link_secret", value=LINK_SECRET)))
    finally:
        db.close()
    return path


class _Database(Database):
    """Nobody else waits for the event loop here, so work on the database needs no threads."""

    def __init__(self, url: str) -> None:
        super().__init__(url, durable=False)

    async def read(self, work: Callable[[sa.Connection], T]) -> T:
        return self._run(self.reader, work)

    async def write(self, work: Callable[[sa.Connection], T]) -> T:
        result, said = self._run_and_hear(work)
        self._tell(said)
        return result


class Rehearsal:
    """`async with Rehearsal(config, texts, start) as it:` puts the production hub on a clock that stands at `start`.

    `effects` is everything that came of it so far. `rows`: what has happened already, table by table. Raises what a
    drain raises: there is nobody who would try again later.
    """

    def __init__(self, config: Config, texts: Texts, start: datetime, *, rows: Rows = ()) -> None:
        self.board = Board()
        self.clock = VirtualClock(start)
        self.folder = Path(tempfile.mkdtemp(prefix="orderhub-"))
        self.rows = rows
        file = shutil.copyfile(_template(), self.folder / "hub.db")
        self.hub = Hub(
            config,
            texts,
            clock=self.clock,
            database=_Database(f"sqlite:///{file}"),
            make_adapter=maker(self.board),
            jitter=False,
        )
        self.went: set[tuple[str, tuple[int, ...]]] = set()
        """(flow, path) of each list of steps inside a step that some run went into."""
        self.silent: set[str] = set()
        """Connections from which nothing comes any more; of all others there is always a sign of life."""
        self.effects: list[Effect] = []
        self.trace = Trace(self.board.calls, self.board.locales)
        self.count = 0

    async def __aenter__(self) -> "Rehearsal":
        names = self.world.config.connections
        spoken = {(name, VOCABULARY, word): _meaning(word) for name in names for word in _WORDS}
        # They mean what they say, whatever patterns the merchant's own table has.
        self.hub.world = replace(self.hub.world.before_remap(spoken), watch=self._watch)
        self.board.confirm = self._confirm
        self.hub.db.run(self._fill)
        await self.hub.start(ticking=False, working=False)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.hub.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def world(self) -> World:
        return self.hub.world

    @property
    def now(self) -> datetime:
        return self.clock.now()

    # -- what happens

    async def put(self, connection: str, subject: str, *records: AnyRecord, mode: Mode = Mode.LIVE) -> None:
        """One event of a connection, with these records."""
        self.count += 1
        raw = Raw(self.board.put(records), subject, f"rehearsed-{self.count}")
        await self.hub.receiver.put([inbox_row(connection, raw, mode, self.clock)])

    async def do(self, work: Callable[[sa.Connection, str, World, datetime], T]) -> T:
        """What a person does (press, ask, answer), in a transaction: `work(connection, dialect, world, now)`."""
        dialect = self.hub.db.dialect
        return await self.hub.db.write(lambda connection: work(connection, dialect, self.world, self.now))

    async def settle(self) -> None:
        """Everything that can happen at this instant."""
        await self._give_signs_of_life()
        await self.hub.in_turn()
        await self.hub.db.read(self._look)

    async def until(self, end: datetime) -> None:
        """Let time pass, from each instant at which something is due to the next."""
        await self.settle()
        while (due := await self.hub.next_due(after=self.now, asking=False)) is not None and due < end:
            self.clock.move_to(due)
            await self.settle()
        self.clock.move_to(end)
        await self.settle()

    async def confirm(self, channel: str, said: str) -> None:
        """From now on the channel's receipts say this; what still waits for one gets it now."""
        self.board.receipts[channel] = said
        waiting = [key for name, key in self.board.unconfirmed if name == channel]
        self.board.unconfirmed = [each for each in self.board.unconfirmed if each[0] != channel]
        for key in waiting:
            await self.put(channel, f"message:{key}", receipt_of(said, key, self.now))

    # -- inside

    async def _confirm(self, channel: str, receipt: Receipt) -> None:
        """A receipt that comes before the answer: nothing is tried for want of it."""
        if self.world.gives_receipts(channel):
            async with self.board.confirming:
                await self.put(channel, f"message:{receipt.key}", receipt)
                await self.hub.apply.drain()

    async def _give_signs_of_life(self) -> None:
        """In production a poll does, however little comes of it."""
        speaking = [
            name
            for name, each in self.world.config.connections.items()
            if each.kind in SPEAKS and name not in self.silent
        ]
        if not speaking or SILENT not in self.world.flows_by_word:
            return

        def write(connection: sa.Connection) -> None:
            rows = [{"tenant": TENANT, "name": name} for name in speaking]
            connection.execute(insert_new(connections, self.hub.db.dialect), rows)
            heard = sa.update(connections).where(connections.c.name.in_(speaking))
            connection.execute(heard.values(last_event_at=self.now))

        await self.hub.db.write(write)

    def _fill(self, connection: sa.Connection) -> None:
        for table, rows in self.rows:
            if rows:
                connection.execute(insert_new(table, self.hub.db.dialect), list(rows))
        self.trace.look(connection, self.now)  # what was said before is no effect of what comes now

    def _watch(self, flow: str, path: tuple[int, ...]) -> None:
        self.went.add((flow, path))

    def _look(self, connection: sa.Connection) -> None:
        self.effects += self.trace.look(connection, self.now)


def _meaning(word: str) -> Found:
    return Found(Meaning(parse_status(word), word), By.PLUGIN_EXACT, word)
