"""The three processes of a run, and what a supervisor can do to them: begin, watch, kill -9, begin again."""

import asyncio
import contextlib
import json
import os
import resource
import shutil
import signal
import socket
import sqlite3
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from hub.clock import monotonic, pause

from .config import FLOWS, SECRETS, write_config
from .world import Plan, as_argument

ROOT = Path(__file__).parents[2]
BY_CHANCE = "random"
PATIENCE = 60.0
"""Seconds that a process has to become ready before the run is given up."""


class RigError(Exception):
    """The run cannot go on; the text says which process failed and where its log is."""


@dataclass(slots=True)
class Helper:
    """A process that talks to us in JSON lines: the world, or the receivers."""

    name: str
    process: asyncio.subprocess.Process
    first: dict[str, Any]
    last: dict[str, Any] = field(default_factory=dict)
    reading: asyncio.Task[None] | None = None

    async def read(self) -> None:
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            self.last |= json.loads(line)

    def tell(self, word: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n".encode())

    async def end(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        await self.process.wait()
        if self.reading is not None:
            await self.reading


@contextlib.asynccontextmanager
async def helper(name: str, folder: Path, *args: str) -> AsyncIterator[Helper]:
    """Run `tests.torture.<name>` while the block runs."""
    command = [sys.executable, "-m", f"tests.torture.{name}", str(folder), *args]
    pipe = asyncio.subprocess.PIPE
    with (folder / f"{name}.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=log)
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), PATIENCE)
    if not line:
        raise RigError(f"{name} did not start; see {folder / f'{name}.log'}")
    made = Helper(name, process, json.loads(line))
    made.reading = asyncio.create_task(made.read())
    try:
        yield made
    finally:
        await made.end()


@dataclass(slots=True)
class Life:
    """One life of the hub: when it began, when it was ready, when and how it ended, what was on the wire then."""

    began_at: float
    point: str = ""
    ready_at: float | None = None
    ended_at: float | None = None
    how: str = ""
    on_wire: tuple[int, ...] = ()
    """Ids of the attempts that were under way when it was killed, read from a copy of its database."""
    cpu: float = 0.0


class HubProcess:
    """Process C. `begin()` starts a life, `kill()` ends it."""

    def __init__(self, folder: Path, port: int, *, planted: str = "") -> None:
        self.folder, self.port, self.planted = folder, port, planted
        self.config = folder / "flows.yaml"
        self.database = folder / "data" / "hub.db"
        self.lives: list[Life] = []
        self.process: asyncio.subprocess.Process | None = None
        self._log: IO[bytes] = (folder / "hub.log").open("ab")

    async def begin(self, point: str = "", nth: int = 1) -> Life:
        """Start a life; `point`: the crash point at whose `nth` passage it kills itself."""
        environment = {**os.environ, **SECRETS, "PYTHONPATH": str(ROOT)}
        environment["HUB_CRASH"] = f"{point}:{nth}" if point else ""
        environment["HUB_PLANTED"] = self.planted
        life = Life(monotonic(), point)
        self.process = await asyncio.create_subprocess_exec(
            *self._command(), cwd=self.folder, env=environment, stdout=self._log, stderr=self._log
        )
        self.lives.append(life)
        return life

    def _command(self) -> list[str]:
        if self.planted:
            return [sys.executable, "-m", "tests.torture.planted", "run", "--config", str(self.config)]
        return [str(Path(sys.executable).parent / "hub"), "run", "--config", str(self.config)]

    @property
    def life(self) -> Life:
        return self.lives[-1]

    @property
    def dead(self) -> bool:
        return self.process is None or self.process.returncode is not None

    async def ready(self) -> bool:
        """Wait until /readyz says 200; False when the process died before."""
        until = monotonic() + PATIENCE
        while not self.dead:
            if await _says_ready(self.port):
                self.life.ready_at = monotonic()
                return True
            if monotonic() > until:
                raise RigError(f"the hub did not become ready; see {self.folder / 'hub.log'}")
            await pause(0.01)
        return False

    async def dies_within(self, seconds: float) -> bool:
        """Whether it dies by itself in this time."""
        assert self.process is not None
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.process.wait(), seconds)
        return self.dead

    async def kill(self) -> Life:
        """kill -9, if it still lives; then note what was on the wire."""
        assert self.process is not None
        life, before = self.life, _children_cpu()
        alive = not self.dead
        if alive:
            self.process.kill()
        status = await self.process.wait()
        life.ended_at = monotonic()
        if status != -signal.SIGKILL:
            raise RigError(f"the hub ended with status {status}; see {self.folder / 'hub.log'}")
        life.how = BY_CHANCE if alive else life.point
        life.cpu = _children_cpu() - before
        life.on_wire = on_the_wire(self.database, self.folder / "copy")
        return life

    async def stop(self) -> None:
        """SIGTERM, and wait."""
        assert self.process is not None
        before = _children_cpu()
        if not self.dead:
            self.process.terminate()
        await self.process.wait()
        self.life.ended_at, self.life.how = monotonic(), "stopped"
        self.life.cpu = _children_cpu() - before
        self._log.close()


def _children_cpu() -> float:
    """CPU seconds of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


async def _says_ready(port: int) -> bool:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    try:
        writer.write(b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        return (await asyncio.wait_for(reader.read(), 5)).startswith(b"HTTP/1.1 200")
    except (OSError, TimeoutError):
        return False
    finally:
        writer.close()


def on_the_wire(database: Path, copy: Path) -> tuple[int, ...]:
    """Attempts under way in a dead hub's database. A copy is read, so that nothing is recovered for the hub."""
    if not database.exists():
        return ()
    copy.mkdir(exist_ok=True)
    for suffix in ("", "-wal"):
        source, target = Path(f"{database}{suffix}"), copy / f"hub.db{suffix}"
        target.unlink(missing_ok=True)
        if source.exists():
            shutil.copyfile(source, target)
    (copy / "hub.db-shm").unlink(missing_ok=True)
    query = (
        "select attempts.id from attempts join messages on messages.id = attempts.message_id "
        "where messages.state = 'on_wire' and attempts.outcome = ''"
    )
    with contextlib.closing(sqlite3.connect(copy / "hub.db")) as connection:
        there = connection.execute("select 1 from sqlite_master where name = 'attempts'").fetchone()
        return tuple(row[0] for row in connection.execute(query)) if there else ()


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(slots=True)
class Rig:
    """A run's processes."""

    folder: Path
    hub: HubProcess
    world: Helper
    receivers: Helper

    def settled(self) -> bool:
        """Whether the world has told all."""
        return "done" in self.world.last


@contextlib.asynccontextmanager
async def rig(
    folder: Path, plan: Plan, *, planted: str = "", flows: str = FLOWS, uncertain: str = "maybe_twice"
) -> AsyncIterator[Rig]:
    """World and receivers at work, the hub configured and not yet begun. `plan.hub` is filled in."""
    port = free_port()
    told = Plan(**{**json.loads(as_argument(plan)), "hub": f"http://127.0.0.1:{port}/in/"})
    async with helper("receivers", folder) as receivers, helper("world", folder, as_argument(told)) as world:
        write_config(
            folder / "flows.yaml", port=port, urls={**world.first["urls"], **receivers.first["urls"]},
            smtp=receivers.first["smtp"], flows=flows, uncertain=uncertain,
        )  # fmt: skip
        hub = HubProcess(folder, port, planted=planted)
        try:
            yield Rig(folder, hub, world, receivers)
        finally:
            if not hub.dead:
                await hub.stop()


def look(database: Path, query: Mapping[str, str]) -> dict[str, int]:
    """Counts from a living hub's database."""
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=5)) as connection:
        return {name: connection.execute(text).fetchone()[0] for name, text in query.items()}


UNDONE: Mapping[str, str] = {
    "pending": "select count(*) from inbox where state = 0",
    "due": "select count(*) from messages where state in ('due', 'on_wire')",
    "errands": "select count(*) from errands where state in ('due', 'on_wire')",
    "timers": "select count(*) from timers where state = 0 and kind = 'run'",
    "polls": "select count(*) from polls where state = 0 and (kind = 'order' or (kind = 'parcel' and due_at <= "
    "cast(strftime('%s', 'now') as integer) * 1000000))",
}


async def until_idle(hub: HubProcess, seconds: float, of: Sequence[str] = tuple(UNDONE)) -> dict[str, int]:
    """Wait until nothing (`of` these) is left to do; gives what is left when the time is over."""
    until, quiet = monotonic() + seconds, 0
    asked = {name: UNDONE[name] for name in of}
    left = look(hub.database, asked)
    while monotonic() < until and quiet < 3:
        await pause(0.3)
        left = look(hub.database, asked)
        quiet = 0 if any(left.values()) else quiet + 1
    return {name: count for name, count in left.items() if count}
