"""Webhooks, and who sends them: ready-made bytes down a few connections that stay open."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Sequence
from time import perf_counter
from urllib.parse import urlsplit

from hub.clock import SystemClock
from plugins.platforms.shopify.sandbox import ShopifySandbox

SECRET = "benchmark-secret"
CONNECTIONS = 32


def bodies() -> Iterator[bytes]:
    """New orders without end, each of another customer, as the shop would send them (about 2.6 KB)."""
    sandbox = ShopifySandbox(SystemClock())
    sandbox.lose_next(10)
    made = sandbox.shop.create_order(email="buyer@example.com", gateway="shopify_payments")
    order = sandbox.bodies.order(sandbox.shop.find(made))
    text, number = json.dumps(order), 0
    old_id, old_customer, old_name = str(order["id"]), str(order["customer"]["id"]), order["name"]
    while True:
        number += 1
        yield (
            text.replace(old_id, str(int(old_id) + 1000 * number))
            .replace(old_customer, str(int(old_customer) + 1000 * number))
            .replace(f'"{old_name}"', f'"#{2000 + number}"')
            .replace("buyer@", f"buyer{number}@")
        ).encode()


def signature(body: bytes) -> str:
    return base64.b64encode(hmac.new(SECRET.encode(), body, hashlib.sha256).digest()).decode()


def request(path: str, body: bytes) -> bytes:
    """A signed webhook on the wire."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"X-Shopify-Topic: orders/create\r\nX-Shopify-Shop-Domain: benchmark.myshopify.com\r\n"
        f"X-Shopify-Hmac-Sha256: {signature(body)}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def post_all(base: str, requests: Sequence[bytes], connections: int = CONNECTIONS) -> float:
    """Send all; seconds until the last was answered. Raises when one is not answered 200."""
    address, left = urlsplit(base), iter(requests)
    started = perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(min(connections, len(requests))):
            group.create_task(_post(address.hostname or "", address.port or 80, left))
    return perf_counter() - started


async def _post(host: str, port: int, left: Iterator[bytes]) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    for each in left:
        writer.write(each)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"not accepted: {head[:60]!r}")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length or 0))
    writer.close()
    await writer.wait_closed()
