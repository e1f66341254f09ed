"""`hub run` as what it is: a process of its own, with signals, exit statuses and a log."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from .test_asking import outside
from .test_looking import event
from .using import Shop

SECONDS = 30
"""A busy machine may take long to start a process; a healthy one takes two."""


@dataclass
class Daemon:
    """A hub that runs."""

    process: asyncio.subprocess.Process
    ready: str
    url: str
    log: list[Mapping[str, str]] = field(default_factory=list)

    def tell(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    async def logged(self, part: str) -> Mapping[str, str]:
        """Read the log until a line holds this."""
        assert self.process.stderr is not None
        async with asyncio.timeout(SECONDS):
            while line := await self.process.stderr.readline():
                self.log.append(json.loads(line))
                if part in self.log[-1]["message"]:
                    return self.log[-1]
        raise AssertionError(f"'{part}' was not logged; there is {self.log}")

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it, read the rest of its log, and give its exit status."""
        self.tell(number)
        async with asyncio.timeout(SECONDS):
            _, rest = await self.process.communicate()
        self.log += [json.loads(line) for line in rest.splitlines()]
        assert self.process.returncode is not None
        return self.process.returncode


async def start(shop: Shop, *args: str) -> asyncio.subprocess.Process:
    env = {**os.environ, **shop.env}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from hub.cli import main; main()", "run", "--config", str(shop.file), *args,
        env=env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


@contextlib.asynccontextmanager
async def running(shop: Shop, *args: str) -> AsyncIterator[Daemon]:
    process = await start(shop, "--listen", "127.0.0.1:0", *args)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(SECONDS):
            ready = (await process.stdout.readline()).decode().strip()
            if not ready and process.stderr is not None:
                raise AssertionError((await process.stderr.read()).decode())
        yield Daemon(process, ready, ready.split()[4])
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def get(url: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.get(url)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    """A small file whose outside is served by this process."""
    async with outside(tmp_path) as it:
        yield it.shop


async def test_it_answers_and_stops_when_told(shop: Shop) -> None:
    async with running(shop) as it:
        assert it.ready == f"orderhub is ready on {it.url} (3 connections, 0 flows)"
        assert (await get(f"{it.url}/healthz")).text == "ok\n"
        assert (await get(f"{it.url}/readyz")).json()["ready"]
        assert await it.stop() == 0
        assert it.log[-1]["message"] == "orderhub has stopped"


async def test_an_interrupt_stops_it_as_cleanly(shop: Shop) -> None:
    async with running(shop) as it:
        assert await it.stop(signal.SIGINT) == 0


async def test_a_second_hub_on_the_same_data_is_refused(shop: Shop) -> None:
    async with running(shop):
        second = await start(shop, "--listen", "127.0.0.1:0")
        _, said = await second.communicate()
        assert second.returncode == 3 and b"another hub is at work on" in said and b"Traceback" not in said


async def test_a_taken_address_is_refused_before_anything_begins(shop: Shop) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process = await start(shop, "--listen", f"127.0.0.1:{taken.getsockname()[1]}")
        _, said = await process.communicate()
        assert process.returncode == 3 and b"cannot be listened on" in said and b"Traceback" not in said


async def test_a_file_with_mistakes_is_refused_with_their_places(shop: Shop) -> None:
    shop.file.write_text(shop.file.read_text("utf-8") + "flows: {a: {on: order.receivd}}\n", "utf-8")
    process = await start(shop)
    _, said = await process.communicate()
    assert process.returncode == 2 and b"flows.yaml:8:" in said and b"receivd" in said


async def test_a_changed_file_goes_live_when_told(shop: Shop) -> None:
    async with running(shop) as it:
        more = "flows:\n  a: {on: shipment.shipped, steps: [{notify: {template: shipped, via: [mail]}}]}\n"
        shop.file.write_text(shop.file.read_text("utf-8") + more, "utf-8")
        it.tell(signal.SIGHUP)
        line = await it.logged("is live")
        assert "(3 connections, 1 flow)" in line["message"]
        assert (await get(f"{it.url}/healthz")).text == "ok\n" and await it.stop() == 0


async def test_a_broken_file_changes_nothing(shop: Shop) -> None:
    async with running(shop) as it:
        shop.file.write_text("version: [\n", "utf-8")
        it.tell(signal.SIGHUP)
        await it.logged("the configuration that was live stays live")
        assert any("flows.yaml:" in line["message"] for line in it.log)
        shop.file.unlink()
        it.tell(signal.SIGHUP)
        await it.logged("stays as it was")
        assert (await get(f"{it.url}/in/bot")).status_code != 404
        assert await it.stop() == 0


async def test_what_is_asked_and_refused_leaves_no_secret_in_the_log(shop: Shop) -> None:
    async with running(shop, "--log-level", "debug") as it:
        await get(f"{it.url}/in/bot?token=very-secret-token-123")
        await get(f"{it.url}/e/abcDEF123-_abcdefABCDEF1234")
        assert await it.stop() == 0
        text = json.dumps(it.log)
        for secret in (*shop.env.values(), "very-secret", "abcDEF123"):
            assert secret not in text


async def test_other_commands_work_while_it_runs(shop: Shop) -> None:
    file = shop.file.read_text("utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shop.file.write_text(file.replace("hub: {", f'hub: {{listen: "127.0.0.1:{port}", '), "utf-8")
    async with running(shop, "--listen", f"127.0.0.1:{port}") as it:
        found = await asyncio.to_thread(shop.told, "status")
        assert found["running"] and found["queues"]["orders"] == 0
        assert (await asyncio.to_thread(shop.hub, "db", "upgrade")).exit_code == 3
        assert await it.stop() == 0
    assert not (await asyncio.to_thread(shop.told, "status"))["running"]


async def test_a_running_hub_takes_up_what_is_replayed(shop: Shop) -> None:
    unreadable = event(
        connection="nova-poshta", subject="parcel:1", body={"nothing": "of use"}, state=9, error="before"
    )
    async with running(shop) as it:
        await asyncio.to_thread(shop.change, unreadable)
        dead = (await asyncio.to_thread(shop.told, "deadletter", "list"))[0]["id"]
        assert (await asyncio.to_thread(shop.hub, "deadletter", "replay", dead)).exit_code == 0
        async with asyncio.timeout(SECONDS):
            while (found := await asyncio.to_thread(shop.told, "event", "show", dead))["state"] != "dead":
                await asyncio.sleep(0.05)
        assert found["error"] not in ("", "before") and await it.stop() == 0


async def test_an_impossible_address_is_wrong_usage(shop: Shop) -> None:
    process = await start(shop, "--listen", "nowhere")
    _, said = await process.communicate()
    assert process.returncode == 2 and b"--listen: 'nowhere' is not an address" in said


async def test_it_warns_of_a_secret_that_is_still_an_example(shop: Shop) -> None:
    first = next(iter(shop.env))
    shop.env = {**shop.env, first: "replace-me-please-1234"}
    async with running(shop) as hub:
        await hub.stop()
        said = [line["message"] for line in hub.log if "still the example" in line["message"]]
    assert len(said) == 1
    assert "replace-me" not in said[0]
