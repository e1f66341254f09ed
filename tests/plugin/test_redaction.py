"""No secret in what is said: neither in errors nor in logs, whatever happens."""

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator

import httpx
import pytest

from hub.plugin import Config, FailureError

from .conftest import HASTY, Make, World, failing
from .servers import answering, saying, serving

CANARIES = (
    "canary-path",
    "canary-query",
    "canary-header",
    "canary-body",
    "canary-answer",
    "canary-user",
    "canary-pass",
)


def everything(error: BaseException) -> str:
    return "".join((str(error), repr(error), repr(error.__dict__), *traceback.format_exception(error)))


BEHAVIOURS = {
    "fine": (answering(200, b"canary-answer", "X-Answer: canary-answer"), "not readable"),
    "refused": (answering(401, b"canary-answer", "X-Answer: canary-answer"), "credentials were refused (401)"),
    "redirect": (answering(302, b"", "Location: http://canary-answer/"), "redirect refused (302)"),
    "broken": (saying(b"HTTP/1.1 200 canary-answer\r\nContent-Length: 99\r\n\r\ncanary-answer"), "cut off"),
    "nonsense": (saying(b"canary-answer\r\n\r\n"), "not readable (ClientResponseError)"),
    "bad header": (saying(b"HTTP/1.1 200 OK\r\ncanary-answer\r\n\r\n"), "not readable (ClientResponseError)"),
    "silence": (saying(then="wait"), "no whole answer in time"),
}


@pytest.mark.parametrize("name", BEHAVIOURS)
async def test_no_secret_is_in_texts_or_logs(make: Make, name: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client = make(HASTY if name == "silence" else None)
    said = ""
    behave, text = BEHAVIOURS[name]
    async with serving(behave) as address:
        try:
            answer = await client.post(
                f"http://canary-user:canary-pass@{address}/bot-canary-path/send?key=canary-query",
                headers={"X-Api-Key": "canary-header"},
                content=b"canary-body",
            )
            answer.json()
        except FailureError as failure:
            said = everything(failure)
    logged = caplog.text + "".join(
        str(each.__dict__) for each in caplog.records if each.name.startswith(("hub", "httpx"))
    )
    assert "acme: POST 127.0.0.1" in said and text in said
    assert "acme: POST 127.0.0.1" in logged
    for canary in CANARIES:
        assert canary not in said
        assert canary not in logged


async def test_a_name_and_a_password_in_the_address_become_a_header(make: Make) -> None:
    heads: list[bytes] = []

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        await writer.drain()

    async with serving(behave) as address:
        answer = await make().get(f"http://user:pass@{address}/")
    assert b"authorization: basic dxnlcjpwyxnz" in heads[0].lower()
    assert "user" not in str(answer.request.url)


@pytest.mark.parametrize(
    "url", ["ftp://canary-path/", "canary-path", "http://127.0.0.1:canary-path/", "http://", "http://[canary-path"]
)
async def test_no_secret_is_in_what_is_said_of_bad_addresses(make: Make, url: str) -> None:
    failure = await failing(make(), url)
    assert isinstance(failure.outcome, Config)
    assert "canary" not in failure.outcome.reason.replace("GET canary-path:", "")


async def test_the_log_says_what_was_asked_of_whom(make: Make, world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "hub.plugin.http")
    client = make()
    await client.get(f"{world.url}/secret")
    world.chaos.fail(404)
    await failing(client, f"{world.url}/secret")
    lines = [each.getMessage() for each in caplog.records if each.name == "hub.plugin.http"]
    assert lines[0].startswith("acme: GET 127.0.0.1: 200 in ")
    assert lines[1].startswith("acme: GET 127.0.0.1: there is no such thing there (404) after ")


class Breaking(httpx.AsyncByteStream):
    """A body that breaks, and whose error quotes it."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"canary-answer"
        raise httpx.ReadError("canary-answer")


async def test_the_text_of_a_broken_body_is_not_passed_on(make: Make) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=Breaking()))
    failure = await failing(make(transport=transport), "https://acme.example/")
    assert "cut off (ReadError)" in str(failure)
    assert "canary" not in everything(failure)
