"""The client over time: Retry-After, the breaker, the limits, and what it says of itself."""

import asyncio
import gc
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_httpx import HTTPXMock

from hub.clock import VirtualClock
from hub.plugin import Config, FailureError, Limits, Permanent, Transient, Unknown, expecting
from hub.plugin._breaker import BELIEVED, FIRST, LONGEST, THRESHOLD
from hub.plugin._queue import retry_after
from hub.plugin.http import BreakerState, client_state, make_client

from .conftest import HASTY, Make, World, failing
from .servers import answering, serving

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


# --- Retry-After


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("30", timedelta(seconds=30)),
        (" 30 ", timedelta(seconds=30)),
        ("1.5", timedelta(seconds=1.5)),
        ("3600", HOUR),
        ("3601", HOUR),
        ("99999999999999999999999", HOUR),
        ("9" * 5000, HOUR),
        ("0", None),
        ("-5", None),
        ("1e9", None),
        ("inf", None),
        ("nan", None),
        ("", None),
        ("soon", None),
        ("١٢", None),
        ("30, 60", None),
        ("30\0", None),
        ("Mon, 02 Mar 2026 09:01:00 GMT", timedelta(minutes=1)),
        ("Monday, 02-Mar-26 09:01:00 GMT", timedelta(minutes=1)),
        ("Mon, 02 Mar 2026 11:01:00 +0200", timedelta(minutes=1)),
        ("Mon, 02 Mar 2026 08:59:00 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 GMT", HOUR),
        ("Mon, 02 Mar 2026 25:61:00 GMT", None),
        ("Thu, 99 Foo 99999 00:00:00 GMT", None),
        ("Mon, 02 Mar 2026 09:01:00 GMT" + " " * 100_000 + "x", None),
    ],
)
def test_each_form_of_retry_after(text: str, wait: timedelta | None) -> None:
    assert retry_after(text, "", NOW) == wait


def test_a_date_is_measured_by_the_clock_of_whoever_wrote_it() -> None:
    their_now = NOW - timedelta(minutes=20)
    text = format_datetime(their_now + timedelta(minutes=2), usegmt=True)
    assert retry_after(text, format_datetime(their_now, usegmt=True), NOW) == timedelta(minutes=2)


@given(st.text(max_size=80), st.text(max_size=80))
def test_nonsense_in_retry_after_harms_nobody(text: str, date: str) -> None:
    wait = retry_after(text, date, NOW)
    assert wait is None or timedelta(0) < wait <= HOUR


@pytest.mark.parametrize("status", [429, 503])
async def test_who_is_told_to_wait_waits(make: Make, clock: VirtualClock, world: World, status: int) -> None:
    client = make()
    world.chaos.fail(status, retry_after=60)
    told = await failing(client, world.url)
    early = await failing(client, world.url)
    for each in (told, early):
        assert isinstance(each.outcome, Transient) and each.outcome.not_before == NOW + timedelta(seconds=60)
    assert (told.status, early.status) == (status, None)
    assert (world.chaos.struck, world.asked) == (1, 0)
    clock.move_to(NOW + timedelta(seconds=60))
    assert (await client.get(world.url)).status_code == 200


async def test_a_status_that_is_expected_is_remembered_too(make: Make, world: World) -> None:
    client = make()
    world.chaos.fail(429, retry_after=60)
    assert (await client.get(world.url, extensions=expecting(429))).status_code == 429
    await failing(client, world.url)
    assert world.asked == 0


@pytest.mark.parametrize("status", [400, 500, 502])
async def test_other_answers_cannot_silence_us(make: Make, world: World, status: int) -> None:
    client = make()
    world.chaos.fail(status, retry_after=60)
    await failing(client, world.url)
    assert (await client.get(world.url)).status_code == 200


async def test_without_a_wish_only_this_call_fails(make: Make, world: World) -> None:
    client = make()
    world.chaos.fail(429)
    assert (await failing(client, world.url)).outcome == Transient("acme: GET 127.0.0.1: asked too often (429)")
    assert (await client.get(world.url)).status_code == 200


async def test_whoever_waited_in_the_queue_hears_the_wish_too(make: Make, world: World) -> None:
    client = make(Limits(concurrency=1))
    world.chaos.fail(429, retry_after=60)
    results = await asyncio.gather(*(client.get(world.url) for _ in range(5)), return_exceptions=True)
    assert all(isinstance(each, FailureError) for each in results)
    assert (world.chaos.struck, world.asked) == (1, 0)


# --- the breaker


async def break_it(client: httpx.AsyncClient, world: World) -> None:
    world.chaos.fail(503, THRESHOLD)
    for _ in range(THRESHOLD):
        await failing(client, world.url)


async def test_failures_in_a_row_open_the_breaker(make: Make, clock: VirtualClock, world: World) -> None:
    heard: list[BreakerState] = []
    client = make(on_state=heard.append, dice=lambda: 0.5)
    assert client_state(client) == BreakerState()
    await break_it(client, world)
    state = client_state(client)
    assert state == BreakerState(True, NOW, "acme: GET 127.0.0.1: trouble on their side (503)", NOW + FIRST)
    assert heard == [state]
    refused = await failing(client, world.url)
    assert isinstance(refused.outcome, Transient) and refused.outcome.not_before == NOW + FIRST
    assert world.asked == 0
    clock.move_to(NOW + FIRST)
    await client.get(world.url)
    assert client_state(client) == BreakerState()
    assert heard == [state, BreakerState()]


async def test_a_failed_trial_makes_the_wait_grow(make: Make, clock: VirtualClock, world: World) -> None:
    client = make(dice=lambda: 0.5)
    await break_it(client, world)
    world.chaos.fail(503, 100)
    waits = []
    for _ in range(9):
        retry_at = client_state(client).retry_at
        assert retry_at is not None
        waits.append(retry_at - clock.now())
        clock.move_to(retry_at)
        await failing(client, world.url)
    assert waits[:4] == [FIRST, 2 * FIRST, 4 * FIRST, 8 * FIRST]
    assert waits[-1] == LONGEST
    assert client_state(client).since == NOW


async def test_while_one_call_tries_the_others_wait(make: Make, clock: VirtualClock, world: World) -> None:
    client = make(Limits(concurrency=8, timeout=timedelta(seconds=2)), dice=lambda: 0.5)
    await break_it(client, world)
    clock.move_to(NOW + FIRST)
    world.pause = 0.05
    results = await asyncio.gather(*(client.get(world.url) for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(each, httpx.Response) for each in results) == 1
    assert world.asked == 1
    assert (await client.get(world.url)).status_code == 200


async def test_a_trial_that_is_given_up_leaves_room_for_the_next(make: Make, clock: VirtualClock, world: World) -> None:
    client = make(dice=lambda: 0.5)
    await break_it(client, world)
    clock.move_to(NOW + FIRST)
    world.chaos.hang()
    trial = asyncio.create_task(client.get(world.url))
    await asyncio.sleep(0.05)
    trial.cancel()
    with pytest.raises(asyncio.CancelledError):
        await trial
    assert (await client.get(world.url)).status_code == 200


async def test_an_answer_of_any_other_kind_is_a_sign_of_life(make: Make, world: World) -> None:
    client = make()
    for status in (404, 401, 400, 302) * 5:
        world.chaos.fail(status)
        assert isinstance((await failing(client, world.url)).outcome, Permanent | Config)
    world.chaos.fail(503, THRESHOLD - 1)
    for _ in range(THRESHOLD - 1):
        await failing(client, world.url)
    await client.get(world.url)
    world.chaos.fail(503, THRESHOLD - 1)
    for _ in range(THRESHOLD - 1):
        await failing(client, world.url)
    assert not client_state(client).open


async def test_lost_answers_count_as_failures(make: Make, world: World) -> None:
    client = make()
    world.chaos.reset(THRESHOLD, when="after")
    for _ in range(THRESHOLD):
        with pytest.raises(FailureError) as caught:
            await client.post(world.url)
        assert isinstance(caught.value.outcome, Unknown)
    assert client_state(client).open
    assert world.asked == THRESHOLD


async def test_our_own_mistakes_do_not_count(make: Make) -> None:
    client = make()
    for _ in range(2 * THRESHOLD):
        assert isinstance((await failing(client, "ftp://acme.example/")).outcome, Config)
    assert not client_state(client).open


async def test_a_clock_that_was_put_back_does_not_keep_the_breaker_open(world: World) -> None:
    clock = VirtualClock(NOW + timedelta(days=365))
    holder = [clock]

    class Held:
        def now(self) -> datetime:
            return holder[0].now()

    async with make_client("acme", Limits(), Held()) as client:
        world.chaos.fail(429, retry_after=3000)
        await failing(client, world.url)
        clock.move_to(clock.now() + HOUR)
        await break_it(client, world)
        world.chaos.calm()
        assert client_state(client).open
        holder[0] = VirtualClock(NOW)
        assert (await client.get(world.url)).status_code == 200


async def test_whoever_watches_and_fails_breaks_nothing(
    make: Make, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    def watch(_: BreakerState) -> None:
        raise RuntimeError("watcher")

    client = make(on_state=watch)
    await break_it(client, world)
    assert client_state(client).open
    assert "whoever watches the breaker of acme failed" in caplog.text


async def test_the_waits_of_many_connections_are_spread(make: Make, world: World) -> None:
    clients = [make() for _ in range(8)]
    for client in clients:
        await break_it(client, world)
    waits = {client_state(each).retry_at for each in clients}
    assert len(waits) > 1
    assert all(FIRST * 0.79 <= (each or NOW) - NOW <= FIRST * 1.21 for each in waits)


async def test_only_our_own_clients_have_a_state() -> None:
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200))) as client:
        with pytest.raises(TypeError):
            client_state(client)


# --- limits


async def test_no_more_calls_at_once_than_allowed(make: Make, world: World) -> None:
    world.pause = 0.02
    client = make(Limits(concurrency=3, timeout=timedelta(seconds=5)))
    await asyncio.gather(*(client.get(world.url) for _ in range(12)))
    assert (world.asked, world.most) == (12, 3)


async def test_who_waits_too_long_for_a_place_was_not_sent(make: Make, world: World) -> None:
    client = make(Limits(concurrency=1, timeout=HASTY.timeout))
    world.chaos.slow(1)
    first = asyncio.create_task(client.post(world.url, timeout=10))
    await asyncio.sleep(0)
    results = await asyncio.gather(*(client.post(world.url) for _ in range(3)), return_exceptions=True)
    for each in results:
        assert isinstance(each, FailureError) and isinstance(each.outcome, Transient)
        assert "too many calls under way" in str(each)
    assert (await first).status_code == 200
    assert world.asked == 1


async def test_the_rate_is_kept(make: Make, world: World) -> None:
    client = make(Limits(concurrency=9, per_second=50, burst=3, timeout=timedelta(seconds=5)))
    loop = asyncio.get_running_loop()
    started = loop.time()
    await asyncio.gather(*(client.get(world.url) for _ in range(8)))
    assert loop.time() - started >= 5 / 50 * 0.95


async def test_a_rate_that_would_take_too_long_says_when_instead(make: Make, clock: VirtualClock, world: World) -> None:
    client = make(Limits(per_second=1 / 60))
    await client.get(world.url)
    outcome = (await failing(client, world.url)).outcome
    assert isinstance(outcome, Transient) and outcome.not_before is not None
    assert timedelta(seconds=58) < outcome.not_before - clock.now() <= timedelta(seconds=60)
    assert world.asked == 1
    assert not client_state(client).open


@pytest.mark.parametrize("limits", [Limits(concurrency=0), Limits(per_second=0), Limits(per_second=1, burst=0)])
def test_limits_that_let_nothing_through_are_refused(limits: Limits, clock: VirtualClock) -> None:
    with pytest.raises(ValueError, match="let nothing through"):
        make_client("acme", limits, clock)


# --- redirects, cookies, proxies


async def test_redirects_are_not_followed(make: Make, world: World) -> None:
    async with serving(answering(302, b"", f"Location: {world.url}")) as address:
        failure = await failing(make(), f"http://{address}/")
    assert failure.outcome == Permanent("acme: GET 127.0.0.1: redirect refused (302)")
    assert world.asked == 0


async def test_a_redirect_that_is_expected_is_seen_and_not_followed(make: Make, world: World) -> None:
    async with serving(answering(302, b"", f"Location: {world.url}")) as address:
        answer = await make().get(f"http://{address}/", extensions=expecting(302))
    assert answer.status_code == 302
    assert world.asked == 0


async def test_a_proxy_of_the_environment_is_not_used(
    make: Make, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert (await make().get(world.url)).status_code == 200


# --- other ways to carry requests


async def test_pytest_httpx_can_stand_in_for_the_wire(make: Make, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(url="https://acme.example/v2", json={"a": 1})
    httpx_mock.add_response(url="https://acme.example/v2", status_code=401)
    httpx_mock.add_exception(httpx.ReadTimeout("late"))
    client = make(transport=httpx.AsyncHTTPTransport())
    assert (await client.get("https://acme.example/v2")).json() == {"a": 1}
    assert isinstance((await failing(client, "https://acme.example/v2")).outcome, Config)
    assert isinstance((await failing(client, "https://acme.example/other")).outcome, Transient)


async def test_streams_and_forms_work_as_in_httpx(make: Make) -> None:
    def echo(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=request.read())

    client = make(transport=httpx.MockTransport(echo))
    assert (await client.post("https://acme.example/", data={"a": "1"})).text == "a=1"
    async with client.stream("POST", "https://acme.example/", json=[1]) as answer:
        assert [each async for each in answer.aiter_bytes()] == [b"[1]"]


async def test_connections_are_kept_and_let_go(make: Make) -> None:
    connections = 0

    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await answering(200)(reader, writer)

    async with serving(count) as address:
        client = make()
        for _ in range(5):
            await client.get(f"http://{address}/")
        await client.aclose()
    assert connections == 1
    gc.collect()


async def test_a_post_on_a_connection_that_was_closed_meanwhile_is_not_lost_silently(make: Make) -> None:
    """The keep-alive race: the peer closes while we write; whether it read the request nobody knows."""

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        await reader.readuntil(b"\r\n\r\n")

    async with serving(once) as address:
        client = make()
        await client.post(f"http://{address}/")
        with pytest.raises(FailureError) as caught:
            await client.post(f"http://{address}/")
    assert isinstance(caught.value.outcome, Unknown)


def test_times_are_believable() -> None:
    assert timedelta(0) < FIRST < LONGEST < BELIEVED
