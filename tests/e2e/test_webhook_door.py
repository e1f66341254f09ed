"""What a sender of webhooks meets: the right signature is stored and answered, everything else is refused and leaves
nothing behind."""

import base64
import gzip
import hashlib
import hmac
import json
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from hub.plugin import Answer, Raw, Received, WebhookRequest
from hub.store import tables

from .town import Town, town

SECRET = "hush-test-secret"


def sign(body: bytes, secret: str = SECRET) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


async def order_body(it: Town) -> bytes:
    """A true order, as the shop would send it."""
    it.shop.lose_next(5)
    order = it.shop.shop.create_order()
    return json.dumps(it.shop.bodies.order(it.shop.shop.find(order))).encode()


async def post(
    it: Town, body: bytes, headers: Mapping[str, str] | list[tuple[str, str]], path: str = "main-shop"
) -> Any:
    async with httpx.AsyncClient() as client:
        return await client.post(f"{it.base}/in/{path}", content=body, headers=headers)


def refused(body: bytes) -> list[tuple[str, list[tuple[str, str]], bytes]]:
    good = sign(body)
    header = "X-Shopify-Hmac-Sha256"
    raw = base64.b64decode(good)
    return [
        ("no header", [], body),
        ("empty", [(header, "")], body),
        ("twice", [(header, good), (header, good)], body),
        ("truncated", [(header, good[:-2])], body),
        ("extended", [(header, good + "A")], body),
        ("other case", [(header, good.swapcase())], body),
        ("hex", [(header, raw.hex())], body),
        ("another secret", [(header, sign(body, "another shop"))], body),
        ("empty secret", [(header, sign(body, ""))], body),
        ("body re-encoded", [(header, good)], json.dumps(json.loads(body), indent=1).encode()),
        ("body with a blank more", [(header, good)], body + b" "),
        ("byte order mark", [(header, good)], b"\xef\xbb\xbf" + body),
        ("compressed", [(header, good), ("Content-Encoding", "gzip")], gzip.compress(body)),
        ("other body", [(header, sign(b"{}"))], body),
        ("url-safe alphabet", [(header, base64.urlsafe_b64encode(raw).decode().rstrip("="))], body),
    ]


async def test_only_the_right_signature_is_believed(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        body = await order_body(it)
        before = len(await it.rows(tables.inbox))
        for name, headers, sent in refused(body):
            answer = await post(it, sent, headers)
            assert answer.status_code == 401, name
            assert answer.text == "refused\n", name
        assert len(await it.rows(tables.inbox)) == before
        answer = await post(it, body, {"X-Shopify-Hmac-Sha256": sign(body)})
        assert answer.status_code == 200
        assert len(await it.rows(tables.inbox)) == before + 1


async def test_a_repeated_or_replayed_delivery_is_acknowledged_and_changes_nothing(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        body = await order_body(it)
        headers = {"X-Shopify-Hmac-Sha256": sign(body), "X-Shopify-Webhook-Id": "one"}
        assert (await post(it, body, headers)).status_code == 200
        await it.advance(minutes=5)
        told, facts = await it.messages(), await it.rows(tables.facts)
        for ident in ("one", "two", "three"):
            again = await post(it, body, {**headers, "X-Shopify-Webhook-Id": ident, "X-Shopify-Topic": "orders/delete"})
            assert again.status_code == 200
        await it.advance(hours=1)
        assert await it.messages() == told
        assert await it.rows(tables.facts) == facts


@pytest.mark.parametrize("events", [(), []])
async def test_a_ping_is_greeted_and_stored_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, events: Sequence[Raw]
) -> None:
    """Some senders first ask whether somebody is there, and want to hear their own words again."""
    reply = Answer(202, '{"challenge": "pong"}', "application/json")
    asked: list[WebhookRequest] = []

    def greet(request: WebhookRequest) -> Received:
        asked.append(request)
        return Received(events, reply)

    async with town(tmp_path) as it:
        before, counts = await it.rows(tables.inbox), dict(it.hub.receiver.counts)
        monkeypatch.setattr(it.hub.world.adapters["main-shop"], "verify", greet)
        answer = await post(it, b"challenge=ping", {"X-Ping": "1"}, "main-shop/hello?a=b")
        assert (answer.status_code, answer.text) == (reply.status, reply.body)
        assert answer.headers["content-type"] == reply.content_type
        (request,) = asked
        assert (request.method, request.rest, request.query) == ("POST", "hello", {"a": "b"})
        assert (request.body, request.header("X-Ping")) == (b"challenge=ping", "1")
        await it.advance(minutes=1)
        assert await it.rows(tables.inbox) == before
        assert dict(it.hub.receiver.counts) == counts, "no event came, and nobody was refused"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("nobody", 404),
        ("nova-poshta", 401),
        ("bot", 401),
        ("mail", 401),
        ("..%2f..%2fetc", 404),
        ("main-shop/x/y", 401),
    ],
)
async def test_other_doors_are_closed(tmp_path: Path, path: str, status: int) -> None:
    async with town(tmp_path) as it:
        answer = await post(it, b"{}", {}, path)
        assert answer.status_code == status
        assert "traceback" not in answer.text.lower()


HOSTILE = [
    b"",
    b"null",
    b"[]",
    b"[" * 100_000,
    b'{"id": NaN}',
    b'{"id": 1e999}',
    b'{"id": ' + b"9" * 5000 + b"}",
    b'{"id": 1, "id": 2}',
    b'{"id": "\\ud800"}',
    "{}".encode("utf-16"),
    b"\xff\xfe\x00",
    b'{"id": 6120043217117, "line_items": "nonsense", "financial_status": 7, "updated_at": "yesterday"}',
]


async def test_believed_nonsense_becomes_a_dead_letter_and_stops_nothing(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        for body in HOSTILE:
            answer = await post(it, body, {"X-Shopify-Hmac-Sha256": sign(body)})
            assert answer.status_code == 200, body[:40]
        await it.settle()
        rows = await it.rows(tables.inbox, tables.inbox.c.state == 9)
        assert len(rows) == len(HOSTILE)
        assert all(row.error for row in rows)
        it.shop.shop.create_order()
        await it.advance(minutes=5)
        assert [template for template, _, _ in await it.messages()] == ["order-received"]


async def test_a_body_over_the_limit_is_refused(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        answer = await post(it, b"x" * (4 * 1024 * 1024 + 1), {})
        assert answer.status_code == 413


async def test_health_and_figures_are_told_without_people(tmp_path: Path) -> None:
    async with town(tmp_path) as it, httpx.AsyncClient(base_url=it.base) as client:
        it.shop.shop.create_order()
        await it.advance(minutes=5)
        assert (await client.get("/healthz")).text == "ok\n"
        assert (await client.get("/readyz")).json()["ready"] is True
        figures = (await client.get("/metrics")).text
        assert 'hub_attempts_total{connection="mail",outcome="accepted"} 1' in figures
        assert "olena" not in figures.lower()


async def test_unknown_links_look_alike(tmp_path: Path) -> None:
    async with town(tmp_path) as it, httpx.AsyncClient(base_url=it.base) as client:
        pages = [await client.get(path) for path in ("/e/x", "/u/x", "/e/" + "A" * 27)]
        pages += [await client.post(path) for path in ("/e/x", "/u/x")]
        assert {(page.status_code, page.text) for page in pages} == {(404, pages[0].text)}
        assert pages[0].headers["referrer-policy"] == "no-referrer"
        assert "default-src 'none'" in pages[0].headers["content-security-policy"]


async def test_a_locked_database_means_come_again_and_loses_nothing(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        body = await order_body(it)
        headers = {"X-Shopify-Hmac-Sha256": sign(body)}
        other = sqlite3.connect(tmp_path / "hub.db", isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        answer = await post(it, body, headers)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        other.execute("ROLLBACK")
        other.close()
        assert (await post(it, body, headers)).status_code == 200
        await it.advance(minutes=5)
        assert [template for template, _, _ in await it.messages()] == ["order-received"]
