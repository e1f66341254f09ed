"""A process that is measured, and a way to ask it for things: one JSON line in, one JSON line out."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from .measure import cpu

ANSWER = b"\x1e"
"""Begins the lines that are answers; what else a child prints is not ours."""

Command = Callable[..., Awaitable[Any]]


@dataclass(slots=True)
class Child:
    """A measured process. `facts` is what it said when it was ready."""

    process: asyncio.subprocess.Process
    facts: dict[str, Any]

    @property
    def pid(self) -> int:
        return self.process.pid

    def cpu(self) -> float:
        return cpu(self.pid)

    async def ask(self, command: str, **given: Any) -> Any:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"command": command, **given}).encode() + b"\n")
        return await _answer(self.process)


async def _answer(process: asyncio.subprocess.Process) -> Any:
    assert process.stdout is not None
    while line := await process.stdout.readline():
        if line.startswith(ANSWER):
            return json.loads(line[1:])
    raise RuntimeError(f"the measured process ended ({await process.wait()})")


def clean_env(**more: str) -> dict[str, str]:
    """The environment of a measured process: compiled modules are kept, as on any machine that runs the hub."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | more


@asynccontextmanager
async def child(module: str, *arguments: str) -> AsyncIterator[Child]:
    """`python -m benchmarks.<module>`, ready; ended by closing its input."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"{__package__}.{module}", *arguments,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env=clean_env(),
    )  # fmt: skip
    try:
        yield Child(process, await _answer(process))
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 20)
        except TimeoutError:
            process.kill()
            await process.wait()


async def obey(facts: Mapping[str, Any], commands: Mapping[str, Command]) -> None:
    """The other end: say that it is ready, then do what is asked until the input ends."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    _say(facts)
    while line := await reader.readline():
        asked = json.loads(line)
        _say(await commands[asked.pop("command")](**asked))


def _say(value: Any) -> None:
    sys.stdout.buffer.write(ANSWER + json.dumps(value).encode() + b"\n")
    sys.stdout.buffer.flush()
