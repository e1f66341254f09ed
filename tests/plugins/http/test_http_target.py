"""The target `http`: what it sends, what it makes of answers, and where it does not go."""

import base64
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from hub.clock import Clock, SystemClock, VirtualClock
from hub.plugin import Config, FailureError, Permanent, TargetCall, Transient
from hub.plugin.http import make_client
from plugins.targets.http import LARGEST, HttpTarget, HttpTargetSettings
from plugins.targets.http.sandbox import SECRET, HttpTargetSandbox
from tests.plugin.servers import answering, closed_port, dripping, pouring, saying, serving

KEY = "0a" * 32


@asynccontextmanager
async def target(url: str, *, clock: Clock | None = None, seconds: float = 2, **more: Any) -> AsyncIterator[HttpTarget]:
    settings = HttpTargetSettings(url=url, **{"secret": SECRET, "private": True, **more})
    limits = HttpTarget.limits
    client = make_client("crm", limits, clock or SystemClock(), private=HttpTarget.reaches_private(settings))
    client.door._seconds = seconds  # type: ignore[attr-defined]
    made = HttpTarget(settings, client, clock or SystemClock(), connection="crm")
    try:
        yield made
    finally:
        await client.aclose()


async def failed(made: HttpTarget, call: TargetCall | None = None) -> Any:
    with pytest.raises(FailureError) as caught:
        await made.call(call or TargetCall(KEY, body={"a": 1}))
    assert "whsec" not in str(caught.value) and "/secret-path" not in str(caught.value)
    return caught.value.outcome


# ------------------------------------------------------------------------------------------------ signatures


@pytest.mark.parametrize("body", [{"order": "#1", "name": "Олена «ж»"}, [], None, 0])
async def test_the_receivers_library_believes_it(body: Any) -> None:
    crm = HttpTargetSandbox(SystemClock())
    async with crm.serve() as url, target(url) as made:
        await made.call(TargetCall(KEY, "POST", "orders", body))
    (taken,) = crm.ledger
    raw = taken.raw
    assert Webhook(SECRET).verify(raw, taken.headers, json_parse=body is not None) == body
    for spoilt in (raw + b" ", raw[:-1] + b"x"):
        with pytest.raises(WebhookVerificationError):
            Webhook(SECRET).verify(spoilt, taken.headers)
    assert taken.headers["webhook-id"] == KEY and taken.path == "/orders"


async def test_a_secret_may_be_any_text() -> None:
    text = "a long enough secret text"
    crm = HttpTargetSandbox(SystemClock(), secret="")
    async with crm.serve() as url, target(url, secret=text) as made:
        await made.call(TargetCall(KEY, body={}))
    Webhook(text.encode()).verify(crm.ledger[0].raw, crm.ledger[0].headers)


async def test_each_try_is_signed_with_its_own_time_and_the_same_id() -> None:
    clock = VirtualClock(datetime(2026, 11, 25, 8, tzinfo=UTC))
    crm = HttpTargetSandbox(clock)
    async with crm.serve() as url, target(url, clock=clock) as made:
        await made.call(TargetCall(KEY, body={}))
        clock.move_to(datetime(2026, 11, 25, 9, tzinfo=UTC))
        await made.call(TargetCall(KEY, body={}))
    first, second = crm.ledger
    assert (first.key, first.again, second.key, second.again) == (KEY, False, KEY, True) and not crm.refused
    assert first.headers["webhook-timestamp"] != second.headers["webhook-timestamp"]


async def test_without_a_secret_nothing_is_signed_and_a_wrong_one_is_not_believed() -> None:
    crm = HttpTargetSandbox(SystemClock())
    async with crm.serve() as url:
        for secret in (None, "whsec_" + base64.b64encode(b"of somebody else's").decode()):
            async with target(url, secret=secret) as made:
                assert isinstance(await failed(made), Permanent)
    assert crm.refused == ["a wrong signature"] * 2


# ------------------------------------------------------------------------------------------------ settings


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://crm.example/x", "private": False},
        {"url": "https://user:pass@crm.example/x"},
        {"url": "https://crm.example/x#y"},
        {"url": "https://crm.example/../x"},
        {"url": "ftp://crm.example/x"},
        {"url": "https:///x"},
        {"url": "https://crm.example\\@evil.example/"},
        {"url": "crm.example"},
        {"url": "https://0177.0.0.1/"},
        {"secret": "short"},
        {"secret": "whsec_!!!!"},
        {"secret": "whsec_" + base64.b64encode(b"short").decode()},
    ],
)
def test_settings_that_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        HttpTargetSettings(**{"url": "https://crm.example/x", "private": True, **wrong})
    shown = [each["msg"] for each in caught.value.errors()]
    assert not any(str(wrong.get("secret", "\0")) in each for each in shown)


def test_a_secret_address_is_not_shown() -> None:
    settings = HttpTargetSettings.model_validate({"url": "https://hooks.example/secret-path", "secret": SECRET})
    assert "secret-path" not in repr(settings) and "whsec" not in repr(settings)


@pytest.mark.parametrize(
    ("url", "path", "asked"),
    [
        ("", "", "/hooks"), ("", "/", "/hooks"), ("/", "", "/hooks/"), ("", "a/b", "/hooks/a/b"),
        ("/", "/a", "/hooks/a"), ("?k=1", "a", "/hooks/a?k=1"), ("", "a%20b", "/hooks/a%20b"),
    ],
)  # fmt: skip
async def test_where_a_path_leads(url: str, path: str, asked: str) -> None:
    seen: list[bytes] = []

    async def note(reader: Any, writer: Any) -> None:
        seen.append(await reader.readuntil(b"\r\n"))
        writer.write(b"HTTP/1.1 204 x\r\n\r\n")
        await writer.drain()

    async with serving(note) as place, target(f"http://{place}/hooks{url}") as made:
        await made.call(TargetCall(KEY, "GET", path))
    assert seen == [f"GET {asked} HTTP/1.1\r\n".encode()]


async def test_a_path_that_leads_away_is_not_asked() -> None:
    async with target(f"http://{closed_port()}/hooks") as made:
        assert isinstance(await failed(made, TargetCall(KEY, path="../admin")), Permanent)


# ------------------------------------------------------------------------------------------------ answers


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((each, Permanent) for each in (301, 302, 307, 308, 400, 401, 402, 403, 404, 410, 422, 423)),
        *((each, Transient) for each in (408, 409, 425, 429, 500, 502, 503, 504)),
    ],
)
async def test_what_a_status_means(status: int, kind: type) -> None:
    async with (
        serving(answering(status, b"{}", "Location: http://127.0.0.1:9/")) as place,
        target(f"http://{place}/secret-path") as made,
    ):
        assert isinstance(await failed(made), kind)


@pytest.mark.parametrize(("status", "body", "value"), [
    (200, b'{"id": 7}', {"id": 7}), (201, b"", None), (204, b"", None), (200, b"<html>", None),
    (200, b"\xff\xfe", None), (202, b"[1]", [1]), (200, b"{" * 200, None),
])  # fmt: skip
async def test_what_is_read_of_an_answer(status: int, body: bytes, value: Any) -> None:
    async with serving(answering(status, body)) as place, target(f"http://{place}/") as made:
        answer = await made.call(TargetCall(KEY, body={}))
    assert (answer.status, answer.json) == (status, value)
    if value is not None:
        assert json.loads(answer.text) == value


@pytest.mark.parametrize(
    ("behave", "kind"),
    [
        (pouring, Permanent),
        (dripping, Transient),
        (saying(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}"), Transient),
        (saying(b"HTTP/1.1 200 OK\r\n", then="wait"), Transient),
        (saying(b"nonsense\r\n\r\n"), Transient),
        (saying(then="reset"), Transient),
        (answering(200, b" " * (LARGEST + 1)), Permanent),
    ],
    ids=["endless", "slow", "too short", "half a head", "nonsense", "reset", "one byte too many"],
)
async def test_hostile_answers(behave: Any, kind: type) -> None:
    async with serving(behave) as place, target(f"http://{place}/secret-path", seconds=0.6) as made:
        assert isinstance(await failed(made), kind)


async def test_the_largest_answer_is_read() -> None:
    async with serving(answering(200, b" " * LARGEST)) as place, target(f"http://{place}/") as made:
        assert len((await made.call(TargetCall(KEY, body={}))).text) == LARGEST


# ------------------------------------------------------------------------------------------------ where it does not go

HOSTS = [
    "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0", "0.0.0.0", "localhost",
    "localhost.", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]",
    "169.254.169.254", "[fe80::1]", "[fd00::1]", "10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "224.0.0.1",
    "192.0.2.1", "198.18.0.1", "[ff02::1]",
]  # fmt: skip


@pytest.mark.parametrize("host", HOSTS)
async def test_no_private_address_is_asked(host: str) -> None:
    came: list[int] = []

    async def tripwire(reader: Any, writer: Any) -> None:
        came.append(1)

    async with serving(tripwire) as place, target(f"https://{host}:{place.rpartition(':')[2]}/", private=False) as made:
        outcome = await failed(made)
        assert re.search("private network|name was not found|unusable address", outcome.reason), outcome.reason
    assert came == []


async def test_a_name_that_changes_its_mind_is_met_where_it_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Public at the first look, private at the second: what counts is the address that is really connected to."""
    import asyncio
    import socket

    looks: list[str] = []

    async def rebinding(self: Any, host: Any, port: Any, **_: Any) -> Any:
        looks.append(host)
        address = "93.184.216.34" if len(looks) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    async def connect(self: Any, sock: Any, address: Any) -> None:
        assert address[0] != "127.0.0.1", "a private address was connected to"
        raise ConnectionRefusedError

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", rebinding)
    monkeypatch.setattr(asyncio.selector_events.BaseSelectorEventLoop, "sock_connect", connect)
    async with target("https://rebinding.example/", private=False) as made:
        assert isinstance(await failed(made), Transient)
    async with target("https://rebinding.example/", private=False) as made:
        outcome = await failed(made)
    assert isinstance(outcome, Config) and "private network" in outcome.reason and len(looks) == 2


async def test_a_redirect_is_not_followed() -> None:
    came: list[int] = []

    async def tripwire(reader: Any, writer: Any) -> None:
        came.append(1)

    async with (
        serving(tripwire) as inside,
        serving(answering(307, b"", f"Location: http://{inside}/")) as place,
        target(f"http://{place}/") as made,
    ):
        assert isinstance(await failed(made), Permanent)
    assert came == []


async def test_hello_says_whether_it_signs() -> None:
    async with serving(answering(405, b"")) as place:
        async with target(f"http://{place}/secret-path") as made:
            assert await made.hello() == "127.0.0.1 answers (405); calls are signed; it may lie inside your own network"
        async with target(f"http://{place}/secret-path", secret=None) as made:
            assert "NOT signed" in await made.hello()
