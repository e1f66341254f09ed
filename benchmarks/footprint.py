"""What a hub costs that does nothing: seconds until it is ready, private memory, CPU per idle minute, `hub --help`.

The file is the one that `hub init --yes` writes, with its outside on this machine. `ready` is counted from the start
of the process to the first 200 from /readyz; each but the first start finds its database made.
"""

import asyncio
import contextlib
import re
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from time import perf_counter

from .child import child, clean_env
from .end_to_end import HUB, free_port
from .measure import Figure, cpu, private_memory

STARTS, HELPS = 6, 8
SETTLE, IDLE = 10, 60
"""Seconds before memory is read, and seconds over which idle CPU is counted."""


async def measured() -> list[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        async with child("outside") as outside:
            await _configure(folder, port, outside.facts)
            starts = [await _start_and_stop(folder, port) for _ in range(STARTS)]
            async with _running(folder, port) as (pid, _, _):
                await asyncio.sleep(SETTLE)
                memory, before = private_memory(pid), cpu(pid)
                await asyncio.sleep(IDLE)
                idle = (cpu(pid) - before) * 60 / IDLE
                later = private_memory(pid)
        helps = [await _help() for _ in range(HELPS)]
    return [
        Figure("first start: ready after", [starts[0][0]], "s", "makes the database"),
        Figure("ready after", [wall for wall, _ in starts[1:]], "s", "bound: 1.5 s"),
        Figure("CPU until ready", [used for _, used in starts[1:]], "s"),
        Figure(f"private memory after {SETTLE} s idle", [memory], "MB", "bound: 100 MB"),
        Figure(f"private memory {IDLE} s later", [later], "MB"),
        Figure("CPU per idle minute", [idle], "s"),
        Figure("hub --help, wall", [wall for wall, _ in helps[1:]], "s", "bound: 0.3 s"),
        Figure("hub --help, CPU", [used for _, used in helps[1:]], "s"),
    ]


async def _configure(folder: Path, port: int, outside: Mapping[str, object]) -> None:
    """`hub init --yes`, then addresses on this machine instead of the examples."""
    arguments = ("init", "--yes", "--shop", "Kavovar", "--country", "UA", "--language", "uk", "--platform", "shopify",
                 "--carrier", "nova_poshta")  # fmt: skip
    process = await asyncio.create_subprocess_exec(HUB, *arguments, cwd=folder, stdout=asyncio.subprocess.DEVNULL)
    if await process.wait():
        raise RuntimeError("hub init failed")
    path = folder / "flows.yaml"
    text = path.read_text("utf-8").replace("127.0.0.1:8080", f"127.0.0.1:{port}")
    text = re.sub(r"(platform: shopify,)", rf'\1 url: "{outside["shopify"]}",', text)
    text = re.sub(r"(carrier: nova_poshta,)", rf'\1 url: "{outside["shopify"]}",', text)
    text = re.sub(r"host: \S+,", f"host: 127.0.0.1, port: {outside['smtp']}, security: none,", text)
    text = re.sub(r', username: "[^"]*", password: "[^"]*"', "", text)
    path.write_text(text, "utf-8")


@asynccontextmanager
async def _running(folder: Path, port: int) -> AsyncIterator[tuple[int, float, float]]:
    """`hub run`, ready; its process id, the seconds that took, and the CPU it used for it."""
    started = perf_counter()
    process = await asyncio.create_subprocess_exec(
        HUB, "run", "--log-level", "error", cwd=folder, stdout=asyncio.subprocess.DEVNULL, env=clean_env()
    )
    try:
        async with asyncio.timeout(60):
            while not await _is_ready(port):
                if process.returncode is not None:
                    raise RuntimeError("hub run ended")
                await asyncio.sleep(0.01)
        yield process.pid, perf_counter() - started, cpu(process.pid)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _is_ready(port: int) -> bool:
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        answer = await reader.read(64)
        writer.close()
        return answer.startswith(b"HTTP/1.1 200")
    return False


async def _start_and_stop(folder: Path, port: int) -> tuple[float, float]:
    async with _running(folder, port) as (_, wall, used):
        return wall, used


async def _help() -> tuple[float, float]:
    """Seconds of wall and of CPU of `hub --help`."""
    before, started = _cpu_of_the_ended(), perf_counter()
    process = await asyncio.create_subprocess_exec(HUB, "--help", stdout=asyncio.subprocess.DEVNULL, env=clean_env())
    if await process.wait():
        raise RuntimeError("hub --help failed")
    return perf_counter() - started, _cpu_of_the_ended() - before


def _cpu_of_the_ended() -> float:
    used = getrusage(RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
