"""Webhook in, mail out: CPU of a whole `hub run` per event, against the sum of its parts measured alone.

The parts: accepting (the same server with its drains at rest), normalise and apply, rendering, the SMTP hand-over.
What the sum lacks is the engine between them: the look at the outbox, the claim, the outcome, the wake-ups.
"""

import asyncio
import itertools
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter

from .child import Child, child, clean_env
from .load import bodies, post_all, request
from .measure import Figure, cpu, ratio
from .stand import ENV, write_config

ROUNDS, EVENTS, WARM = 7, 300, 100
PARTS = ("accept", "apply", "render", "send")
SENDERS = 8
HUB = str(Path(sys.executable).with_name("hub"))


async def measured() -> list[Figure]:
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        async with child("outside") as outside:
            facts = {"shopify": outside.facts["shopify"], "smtp": outside.facts["smtp"]}
            whole = write_config(Path(first), listen=f"127.0.0.1:{free_port()}", **facts)
            parts = write_config(Path(second), **facts)
            async with hub_run(whole) as (base, pid), child("stages", str(parts)) as stages:
                return await _rounds(base, pid, stages, outside)


async def _rounds(base: str, pid: int, stages: Child, outside: Child) -> list[Figure]:
    orders = bodies()
    whole: list[float] = []
    wall: list[float] = []
    parts: dict[str, list[float]] = {name: [] for name in PARTS}
    for number in range(ROUNDS + 1):
        events = EVENTS if number else WARM
        for turn in ("whole", "parts") if number % 2 else ("parts", "whole"):
            if turn == "parts":
                for name, value in (await _parts(stages, orders, events)).items():
                    parts[name].append(value)
                continue
            before, started = cpu(pid), perf_counter()
            await _through(base, orders, events, outside)
            whole.append((cpu(pid) - before) / events * 1e3)
            wall.append((perf_counter() - started) / events * 1e3)
    measured = {name: values[1:] for name, values in parts.items()}
    together = [sum(values) for values in zip(*measured.values(), strict=True)]
    names = ("accept", "normalise and apply", "render one mail", "SMTP hand-over of one mail")
    return [
        Figure("hub run, CPU per event (one webhook, one mail)", whole[1:], "ms"),
        *(Figure(f"alone: {name}", measured[key], "ms") for name, key in zip(names, PARTS, strict=True)),
        Figure("sum of the parts", together, "ms"),
        ratio("end to end against the sum", whole[1:], together),
        Figure("wall per event, a burst of all at once", wall[1:], "ms", "with the sender and the mail server"),
    ]


async def _through(base: str, orders: Iterator[bytes], events: int, outside: Child) -> None:
    """New orders in, until their mails have all arrived."""
    wanted = await outside.ask("mails") + events
    requests = [request("/in/main-shop", body) for body in itertools.islice(orders, events)]
    await post_all(base, requests, SENDERS)
    async with asyncio.timeout(120):
        while await outside.ask("mails") < wanted:
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.3)  # the last outcomes are recorded


async def _parts(stages: Child, orders: Iterator[bytes], events: int) -> dict[str, float]:
    """Milliseconds of CPU of each part per event."""
    requests = [request("/in/main-shop", body) for body in itertools.islice(orders, events)]
    marks = [stages.cpu()]
    await post_all(stages.facts["base"], requests, SENDERS)
    marks.append(stages.cpu())
    await stages.ask("apply")
    marks.append(stages.cpu())
    assert await stages.ask("prepare") == events
    prepared = stages.cpu()
    await stages.ask("render")
    rendered = stages.cpu()
    assert await stages.ask("send") == events
    sent = stages.cpu()
    await stages.ask("forget")
    spent = (marks[1] - marks[0], marks[2] - marks[1], rendered - prepared, sent - rendered)
    return {name: seconds / events * 1e3 for name, seconds in zip(PARTS, spent, strict=True)}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def hub_run(path: Path) -> AsyncIterator[tuple[str, int]]:
    """`hub run` on that file; its base URL and process id once it says that it is ready."""
    process = await asyncio.create_subprocess_exec(
        HUB, "run", "--config", str(path), "--log-level", "warning",
        stdout=asyncio.subprocess.PIPE, env=clean_env(**ENV),
    )  # fmt: skip
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            line = (await process.stdout.readline()).decode()
        if "ready on " not in line:
            raise RuntimeError(f"hub run did not start: {line!r}")
        yield line.split("ready on ")[1].split()[0], process.pid
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
