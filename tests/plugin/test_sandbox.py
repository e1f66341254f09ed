"""The kit that sandboxes are built from."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from hub.clock import VirtualClock
from hub.plugin.sandbox import Chaos, Entry, Ledger, WebhookSender, When, serve

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Call(Entry):
    path: str
    body: bytes = b""


class Shop:
    """A small sandbox in the common shape."""

    def __init__(self, clock: VirtualClock, *, inside: bool = False) -> None:
        self.ledger: Ledger[Call] = Ledger()
        self.chaos = Chaos()
        self._clock = clock
        routes = [Route("/{path:path}", self._answer, methods=["GET", "POST"])]
        if inside:
            self.app = Starlette(routes=routes, middleware=[self.chaos.middleware()])
        else:
            self.app = self.chaos.around(Starlette(routes=routes))  # type: ignore[assignment]

    async def _answer(self, request: Request) -> Response:
        self.ledger.record(Call(self._clock.now(), request.url.path, await request.body()))
        return JSONResponse({"taken": len(self.ledger), "filling": "x" * 2000})


@pytest.fixture(params=[False, True], ids=["around", "middleware"])
def shop(clock: VirtualClock, request: pytest.FixtureRequest) -> Shop:
    return Shop(clock, inside=request.param)


@pytest.fixture
async def client(shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    async with serve(shop.app) as url, httpx.AsyncClient(base_url=url, timeout=1) as made:
        yield made


async def test_what_is_served_is_heard_and_kept(client: httpx.AsyncClient, shop: Shop) -> None:
    answer = await client.post("/orders", content=b"one")
    assert answer.json()["taken"] == 1
    assert shop.ledger[0] == Call(NOW, "/orders", b"one")
    assert "date" not in answer.headers and "server" not in answer.headers


async def test_a_server_starts_and_stops_quickly_and_leaves_nothing_behind(clock: VirtualClock) -> None:
    loop = asyncio.get_running_loop()
    started, before = loop.time(), asyncio.all_tasks()
    for _ in range(10):
        async with serve(Shop(clock).app) as url, httpx.AsyncClient() as client:
            assert (await client.get(url)).status_code == 200
    assert loop.time() - started < 2
    assert asyncio.all_tasks() == before
    with pytest.raises(httpx.ConnectError):
        async with httpx.AsyncClient() as client:
            await client.get(url)
    gc.collect()


async def test_many_servers_stand_side_by_side(clock: VirtualClock) -> None:
    async with serve(Shop(clock).app) as one, serve(Shop(clock).app) as other:
        assert one != other


async def test_stopping_cuts_off_what_hangs(clock: VirtualClock) -> None:
    shop = Shop(clock)
    shop.chaos.hang()
    async with httpx.AsyncClient(timeout=5) as client:
        async with serve(shop.app) as url:
            call = asyncio.create_task(client.get(url))
            await asyncio.sleep(0.05)
        with pytest.raises(httpx.HTTPError):
            async with asyncio.timeout(1):
                await call


async def test_stopping_cancels_what_does_not_listen() -> None:
    stopped = asyncio.Event()

    async def deaf(_: Request) -> Response:
        try:
            await asyncio.sleep(60)
        finally:
            stopped.set()
        return PlainTextResponse("late")

    async with httpx.AsyncClient(timeout=5) as client:
        async with serve(Starlette(routes=[Route("/", deaf)])) as url:
            call = asyncio.create_task(client.get(url))
            await asyncio.sleep(0.05)
        assert stopped.is_set()
        with pytest.raises(httpx.HTTPError):
            await call


async def test_an_app_with_a_life_of_its_own_is_started_and_ended() -> None:
    life: list[str] = []

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        life.append("start")
        yield
        life.append("end")

    async with serve(Starlette(lifespan=lifespan)):
        assert life == ["start"]
    assert life == ["start", "end"]


async def test_an_app_that_does_not_start_is_an_error() -> None:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        raise ValueError("no")
        yield

    with pytest.raises(RuntimeError, match="did not start"):
        async with serve(Starlette(lifespan=lifespan)):
            raise AssertionError("not reached")


async def test_failures_are_counted_down(client: httpx.AsyncClient, shop: Shop) -> None:
    shop.chaos.fail(503, 2, retry_after=7, body="busy")
    answers = [await client.get("/") for _ in range(3)]
    assert [each.status_code for each in answers] == [503, 503, 200]
    assert (answers[0].headers["retry-after"], answers[0].text) == ("7", "busy")
    assert (len(shop.ledger), shop.chaos.struck) == (1, 2)


async def test_faults_strike_only_what_they_are_meant_for(client: httpx.AsyncClient, shop: Shop) -> None:
    shop.chaos.fail(500, path="/bot*/send", method="post")
    assert (await client.get("/bot1/send")).status_code == 200
    assert (await client.post("/bot1/get")).status_code == 200
    assert (await client.post("/bot1/send")).status_code == 500
    assert (await client.post("/bot1/send")).status_code == 200


async def test_orders_are_taken_in_turn_and_can_be_forgotten(client: httpx.AsyncClient, shop: Shop) -> None:
    shop.chaos.fail(500)
    shop.chaos.fail(502)
    shop.chaos.fail(504, 99)
    assert [(await client.get("/")).status_code for _ in range(3)] == [500, 502, 504]
    shop.chaos.calm()
    assert (await client.get("/")).status_code == 200


@pytest.mark.parametrize(("when", "effects"), [(When.BEFORE, 0), ("after", 1)])
@pytest.mark.parametrize("fault", ["reset", "hang", "fail", "garble"])
async def test_a_fault_strikes_before_or_after_the_effect(
    client: httpx.AsyncClient, shop: Shop, fault: str, when: str, effects: int
) -> None:
    match fault:
        case "reset":
            shop.chaos.reset(when=when)
            with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
                await client.post("/", content=b"x")
        case "hang":
            shop.chaos.hang(when=when)
            with pytest.raises(httpx.ReadTimeout):
                await client.post("/", content=b"x", timeout=0.1)
        case "fail":
            shop.chaos.fail(500, when=when)
            assert (await client.post("/", content=b"x")).status_code == 500
        case _:
            shop.chaos.garble(when=when)
            assert (await client.post("/", content=b"x")).text.startswith("<html>")
    assert len(shop.ledger) == effects
    assert (await client.get("/")).status_code == 200


async def test_an_answer_can_be_cut_in_the_middle(client: httpx.AsyncClient, shop: Shop) -> None:
    shop.chaos.cut()
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        await client.get("/")
    assert len(shop.ledger) == 1


async def test_an_answer_can_be_slow(client: httpx.AsyncClient, shop: Shop) -> None:
    shop.chaos.slow(0.1)
    with pytest.raises(httpx.ReadTimeout):
        await client.get("/", timeout=0.05)
    assert (await client.get("/", timeout=0.05)).status_code == 200


async def test_resets_need_the_kits_server(clock: VirtualClock) -> None:
    shop = Shop(clock)
    shop.chaos.reset()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(shop.app)) as client:
        with pytest.raises(RuntimeError, match="only an app that"):
            await client.get("http://shop/")


async def test_a_ledger_can_be_waited_for() -> None:
    ledger: Ledger[Call] = Ledger()

    async def later() -> None:
        for path in ("a", "b", "c"):
            await asyncio.sleep(0)
            ledger.record(Call(NOW, path))

    task = asyncio.create_task(later())
    assert len(await ledger.until(2)) >= 2
    await ledger.until(lambda each: bool(each.where(path="c")))
    await task
    assert [each.path for each in ledger] == ["a", "b", "c"]
    assert [each.path for each in ledger[1:]] == ["b", "c"]
    assert ledger.where(path="b", at=NOW) == [Call(NOW, "b")]
    with pytest.raises(TimeoutError):
        await ledger.until(4, seconds=0.01)


# --- the sender of webhooks

SCHEDULE = (timedelta(minutes=1), timedelta(hours=1))


class Signing(WebhookSender):
    def headers(self, body: bytes, number: int, attempt: int) -> dict[str, str]:
        return {"x-try": f"{number}/{attempt}", "x-length": str(len(body))}


@pytest.fixture
async def sender(clock: VirtualClock) -> AsyncIterator[WebhookSender]:
    made = Signing(clock, schedule=SCHEDULE, seconds=0.2)
    yield made
    await made.aclose()


async def test_webhooks_are_sent_byte_for_byte(clock: VirtualClock, sender: WebhookSender) -> None:
    seen: list[tuple[bytes, str, str]] = []

    async def hook(request: Request) -> Response:
        seen.append((await request.body(), request.headers["x-try"], request.headers["x-extra"]))
        return PlainTextResponse("OK")

    body = '{ "a":1.0,\n"ї": null }'.encode()
    async with serve(Starlette(routes=[Route("/", hook, methods=["POST"])])) as url:
        done = await sender.send(url, body, {"x-extra": "yes"})
    assert seen == [(body, "1/1", "yes")]
    assert done.taken and done.answer == "OK" and done.at == NOW
    assert sender.next_at() is None


async def test_what_is_not_taken_comes_again_when_the_clock_says_so(clock: VirtualClock, sender: WebhookSender) -> None:
    shop = Shop(clock)
    shop.chaos.fail(500)
    shop.chaos.hang()
    async with serve(shop.app) as url:
        first = await sender.send(url, b"1")
        assert (first.status, sender.next_at()) == (500, NOW + SCHEDULE[0])
        assert await sender.tick() == []
        clock.move_to(NOW + SCHEDULE[0])
        (second,) = await sender.tick()
        assert (second.status, second.error, second.attempt) == (None, "TimeoutError", 2)
        clock.move_to(clock.now() + SCHEDULE[1])
        (third,) = await sender.tick()
    assert third.taken and third.attempt == 3
    assert [each.number for each in sender.ledger] == [1, 1, 1]
    assert [each.body for each in shop.ledger] == [b"1"]


async def test_after_the_last_try_a_webhook_is_dropped(clock: VirtualClock, sender: WebhookSender) -> None:
    for _ in range(3):
        await (sender.tick() if sender.ledger else sender.send("http://127.0.0.1:9/", b"1"))
        clock.move_to(clock.now() + timedelta(hours=2))
    assert [each.error for each in sender.ledger] == ["ConnectError"] * 3
    assert sender.next_at() is None


async def test_the_sender_follows_no_redirects(clock: VirtualClock, sender: WebhookSender) -> None:
    shop = Shop(clock)
    shop.chaos.fail(307)
    async with serve(shop.app) as url:
        assert (await sender.send(url, b"1")).status == 307
    assert not shop.ledger


async def test_nobody_waits_longer_than_five_seconds(clock: VirtualClock) -> None:
    patient = WebhookSender(clock, seconds=3600)
    assert patient.seconds == 5
    await patient.aclose()
