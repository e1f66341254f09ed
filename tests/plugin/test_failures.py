"""Every row of the table of failures, met over real sockets."""

import asyncio
import gzip
import ssl
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx
import pytest

from hub.plugin import Config, FailureError, Limits, Permanent, Transient, Unknown, expecting
from hub.plugin._exchange import LARGEST
from hub.plugin._failures import CONDITIONS, STATUSES

from .certificates import self_signed
from .conftest import HASTY, Make
from .servers import (
    Behave,
    answering,
    closed_port,
    dripping,
    pouring,
    resetting_at_once,
    saying,
    serving,
)

BOMB = gzip.compress(b" " * (LARGEST + 1))
OK = b"HTTP/1.1 200 OK\r\n"


def packed(body: bytes, encoding: str = "gzip") -> Behave:
    return answering(200, body, f"Content-Encoding: {encoding}")


FAULTS: dict[str, tuple[Behave, str]] = {
    "silence after the request": (saying(then="wait"), "no-answer"),
    "half a head, then silence": (saying(b"HTTP/1.1 200 O", then="wait"), "no-answer"),
    "an endless slow body": (dripping, "no-answer"),
    "a reset after the request": (resetting_at_once, "reset"),
    "a close after the request": (saying(), "reset"),
    "a close in the head": (saying(b"HTTP/1.1 200 OK\r\nContent-"), "reset"),
    "a body shorter than it said": (saying(OK + b"Content-Length: 100\r\n\r\n{}"), "truncated"),
    "a reset within the body": (saying(OK + b"Content-Length: 100\r\n\r\n{}", then="reset", between=0.02), "truncated"),
    "chunks that stop": (saying(OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"), "truncated"),
    "a broken chunk length": (saying(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n"), "garbled"),
    "gzip that stops": (packed(gzip.compress(b"{}" * 99)[:-9]), "truncated"),
    "not HTTP": (saying(b"SSH-2.0-OpenSSH_9.2\r\n"), "garbled"),
    "a header without end": (saying(OK + b"X: " + b"y" * 100_000), "garbled"),
    "a negative length": (saying(OK + b"Content-Length: -5\r\n\r\n"), "garbled"),
    "two lengths": (saying(OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"), "garbled"),
    "gzip that is none": (packed(b"{}"), "garbled"),
    "an encoding nobody asked for": (packed(b"{}", "br"), "garbled"),
    "a gzip bomb": (packed(BOMB), "too-large"),
    "a gzip bomb in gzip": (packed(gzip.compress(BOMB), "gzip, gzip"), "too-large"),
    "a body without end": (pouring, "too-large"),
    "a switch of protocols": (answering(101), "garbled"),
    "a status outside HTTP": (answering(799), "garbled"),
}


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize(("method", "unsafe"), [("GET", False), ("PUT", False), ("POST", True), ("PATCH", True)])
async def test_a_broken_exchange_has_the_outcome_of_its_row(make: Make, name: str, method: str, unsafe: bool) -> None:
    behave, word = FAULTS[name]
    client = make(HASTY if word == "no-answer" else None)
    async with serving(behave) as address:
        with pytest.raises(FailureError) as caught:
            await client.request(method, f"http://{address}/x", content=b"{}")
    row = CONDITIONS[word]
    assert type(caught.value.outcome) is (row.unsafe if unsafe else row.kind)
    assert row.text in str(caught.value)


@pytest.mark.parametrize("name", FAULTS)
async def test_a_post_that_only_reads_is_as_harmless_as_a_get(make: Make, name: str) -> None:
    behave, word = FAULTS[name]
    async with serving(behave) as address:
        with pytest.raises(FailureError) as caught:
            client = make(HASTY if word == "no-answer" else None)
            await client.post(f"http://{address}/x", content=b"{}", extensions=expecting(safe=True))
    assert type(caught.value.outcome) is CONDITIONS[word].kind


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((each, Permanent) for each in (300, 301, 302, 303, 304, 307, 308)),
        *((each, Config) for each in (401, 402, 403, 423)),
        *((each, Permanent) for each in (400, 404, 405, 406, 409, 410, 413, 414, 415, 418, 422, 451, 499)),
        *((each, Transient) for each in (408, 425, 429, 500, 501, 502, 503, 504, 507, 520, 599)),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_status_has_the_outcome_of_its_row(make: Make, method: str, status: int, kind: type[Any]) -> None:
    async with serving(answering(status, b"{}" if status != 304 else b"", "Location: http://127.0.0.1:1/")) as address:
        with pytest.raises(FailureError) as caught:
            await make().request(method, f"http://{address}/x")
    assert type(caught.value.outcome) is kind
    assert caught.value.status == status


@asynccontextmanager
async def nobody() -> Any:
    yield f"http://{closed_port()}"


@asynccontextmanager
async def no_such_name() -> Any:
    yield "http://no-such-host.invalid"


@asynccontextmanager
async def self_signed_server() -> Any:
    async with serving(answering(200), tls=self_signed()) as address:
        yield f"https://{address}"


@asynccontextmanager
async def plain_where_tls_is_expected() -> Any:
    async def speak(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 This is no TLS\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(60)

    async with serving(speak) as address:
        yield f"https://{address}"


@asynccontextmanager
async def silent_handshake() -> Any:
    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        await asyncio.sleep(60)

    async with serving(wait) as address:
        yield f"https://{address}"


@asynccontextmanager
async def another_scheme() -> Any:
    yield "ftp://127.0.0.1"


@asynccontextmanager
async def no_scheme() -> Any:
    yield "127.0.0.1/relative"


@asynccontextmanager
async def an_impossible_port() -> Any:
    yield "http://127.0.0.1:99999999"


@pytest.mark.parametrize(
    ("place", "word"),
    [
        (nobody, "connect"),
        (no_such_name, "name"),
        (self_signed_server, "tls"),
        (plain_where_tls_is_expected, "tls"),
        (silent_handshake, "connect-time"),
        (another_scheme, "address"),
        (no_scheme, "address"),
        (an_impossible_port, "address"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_what_was_never_sent_is_never_unknown(
    make: Make, method: str, place: Callable[[], AbstractAsyncContextManager[str]], word: str
) -> None:
    async with place() as url:
        with pytest.raises(FailureError) as caught:
            await make(HASTY if word == "connect-time" else None).request(method, url, content=b"{}")
    assert type(caught.value.outcome) is CONDITIONS[word].kind
    assert CONDITIONS[word].text in str(caught.value)


@pytest.mark.parametrize("value", ["a\nb", "a\r\nX: y", "a\0b", "ключ"])
async def test_a_header_that_cannot_be_sent_is_our_fault(make: Make, value: str) -> None:
    async with serving(answering(200)) as address:
        with pytest.raises(FailureError) as caught:
            await make().post(f"http://{address}/", headers={"X-Api-Key": value})
    assert isinstance(caught.value.outcome, Config)
    assert value not in str(caught.value)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "127.1",
        "0x7f.1",
        "2130706433",
        "10.0.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[fe80::1]",
        "[fc00::1]",
    ],
)
async def test_private_addresses_are_refused_on_request(make: Make, host: str) -> None:
    reached = asyncio.Event()

    async def tripwire(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        reached.set()

    async with serving(tripwire) as address:
        with pytest.raises(FailureError) as caught:
            await make(private=False).get(f"http://{host}:{address.split(':')[1]}/")
    assert isinstance(caught.value.outcome, Config)
    assert not reached.is_set()


async def test_public_addresses_are_not_refused() -> None:
    from hub.plugin._wire import is_public

    assert all(map(is_public, ("93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::5db8:d70e")))


@pytest.mark.parametrize(
    "address",
    [
        "::127.0.0.1",
        "::ffff:0:10.0.0.1",
        "64:ff9b:1::7f00:1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "fec0::1",
        "fe80::1%eth0",
    ],
)
async def test_what_is_local_in_the_dress_of_ipv6_is_no_public_address(address: str) -> None:
    from hub.plugin._wire import is_public

    assert not is_public(address)


async def test_an_answer_that_is_not_json_is_a_failure_too(make: Make) -> None:
    async with serving(answering(200, b"<html>")) as address:
        client = make()
        read = await client.get(f"http://{address}/")
        sent = await client.post(f"http://{address}/")
    with pytest.raises(FailureError) as caught:
        read.json()
    assert isinstance(caught.value.outcome, Transient)
    with pytest.raises(FailureError) as caught:
        sent.json()
    assert isinstance(caught.value.outcome, Unknown)
    assert "<html>" not in str(caught.value)


async def test_an_adapter_sees_the_statuses_that_it_expects(make: Make) -> None:
    async with serving(answering(409, b'{"error": "known"}')) as address:
        client = make()
        answer = await client.post(f"http://{address}/", extensions=expecting(400, 409))
        with pytest.raises(FailureError):
            await client.post(f"http://{address}/", extensions=expecting(400))
    assert (answer.status_code, answer.json()) == (409, {"error": "known"})


@pytest.mark.parametrize(
    "encodings", ["", "identity", "gzip", "x-gzip", "GZIP", "deflate", "gzip, identity", "gzip, gzip"]
)
async def test_packed_answers_are_unpacked(make: Make, encodings: str) -> None:
    body = b'{"a": 1}'
    for each in encodings.lower().split(","):
        if "gzip" in each:
            body = gzip.compress(body)
        elif each == "deflate":
            body = zlib.compress(body)
    async with serving(packed(body, encodings)) as address:
        answer = await make().get(f"http://{address}/")
    assert answer.json() == {"a": 1}
    assert "content-encoding" not in answer.headers


async def test_raw_deflate_is_unpacked(make: Make) -> None:
    packer = zlib.compressobj(wbits=-15)
    async with serving(packed(packer.compress(b"[]") + packer.flush(), "deflate")) as address:
        assert (await make().get(f"http://{address}/")).json() == []


async def test_an_early_answer_to_a_large_request_does_not_hang(make: Make) -> None:
    async def early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK + b"Content-Length: 2\r\n\r\n{}")
        await asyncio.sleep(60)

    async def much() -> AsyncIterator[bytes]:
        for _ in range(1000):
            yield b"x" * 65536

    async with serving(early) as address, asyncio.timeout(5):
        answer = await make().post(f"http://{address}/", content=much())
    assert answer.json() == {}


async def test_time_outs_hold_although_the_clock_stands_still(make: Make) -> None:
    loop = asyncio.get_running_loop()
    started = loop.time()
    async with serving(dripping) as address:
        with pytest.raises(FailureError):
            await make(HASTY).get(f"http://{address}/")
    assert 0.25 < loop.time() - started < 3


async def test_a_request_may_ask_for_another_time(make: Make) -> None:
    async with serving(saying(OK, b"Content-Length: 2\r\n\r\n", b"{}", between=0.2)) as address:
        client = make(HASTY)
        assert (await client.get(f"http://{address}/", timeout=5)).status_code == 200
        with pytest.raises(FailureError):
            await client.get(f"http://{address}/", timeout=0.1)


def test_every_condition_has_a_row_and_every_row_is_of_use() -> None:
    met = {word for _, word in FAULTS.values()} | {word for _, _, word in STATUSES}
    met |= {"connect", "connect-time", "name", "tls", "address", "forbidden"}
    local = {"waiting", "rate", "crowd", "breaker"}
    assert met | local == set(CONDITIONS)
    assert all(row.kind is not Unknown for row in CONDITIONS.values())


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (httpx.ConnectError("canary"), Transient),
        (httpx.ConnectTimeout("canary"), Transient),
        (httpx.PoolTimeout("canary"), Transient),
        (httpx.UnsupportedProtocol("canary"), Config),
        (httpx.ReadTimeout("canary"), Unknown),
        (httpx.ReadError("canary"), Unknown),
        (httpx.WriteError("canary"), Unknown),
        (httpx.RemoteProtocolError("canary"), Unknown),
    ],
)
async def test_errors_of_another_transport_find_their_rows(make: Make, error: Exception, kind: type[Any]) -> None:
    def refuse(_: httpx.Request) -> httpx.Response:
        raise error

    with pytest.raises(FailureError) as caught:
        await make(transport=httpx.MockTransport(refuse)).post("https://acme.example/")
    assert type(caught.value.outcome) is kind
    assert "canary" not in repr(caught.value)


async def test_closing_with_a_call_under_way_is_clean(make: Make) -> None:
    client = make(Limits())
    async with serving(saying(then="wait")) as address:
        call = asyncio.create_task(client.get(f"http://{address}/"))
        await asyncio.sleep(0.05)
        await client.aclose()
        with pytest.raises((FailureError, RuntimeError)):
            await call


def test_the_certificate_is_not_trusted_by_anybody() -> None:
    assert isinstance(self_signed(), ssl.SSLContext)
