"""WooCommerce's own client from the package index, as it is, against the sandbox: it was not written by us, so that it
asks as real programs do. It signs with OAuth 1.0a over plain HTTP.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import woocommerce  # type: ignore[import-untyped]

from hub.clock import VirtualClock
from plugins.platforms.woocommerce.sandbox import WooCommerceSandbox

from .telling import SECRET, receiving


@pytest.fixture
def sandbox(clock: VirtualClock) -> WooCommerceSandbox:
    """A shop without TLS, which takes signed requests alone."""
    return WooCommerceSandbox(clock, tls=False)


@pytest.fixture
async def api(sandbox: WooCommerceSandbox, url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    monkeypatch.setenv("NO_PROXY", "*")
    yield woocommerce.API(
        url=url, consumer_key=sandbox.key, consumer_secret=sandbox.secret, version="wc/v3", timeout=10
    )


async def call(function: Any, *args: Any, **rest: Any) -> Any:
    """The client blocks; the sandbox lives in this loop."""
    answer = await asyncio.to_thread(function, *args, **rest)
    assert answer.ok, answer.text
    return answer.json()


async def test_it_lists_and_reads_orders(sandbox: WooCommerceSandbox, api: Any) -> None:
    order = sandbox.shop.create_order(note="Leave at the reception")
    question = {"per_page": 20, "status": "any", "modified_after": "2026-11-20T09:00:00", "dates_are_gmt": "true"}
    (found,) = await call(api.get, "orders", params=question)
    assert str(found["id"]) == order and found["customer_note"] == "Leave at the reception"
    assert (await call(api.get, f"orders/{order}"))["total"] == "104.81"


async def test_it_creates_changes_and_deletes_an_order(sandbox: WooCommerceSandbox, api: Any) -> None:
    wish = {
        "payment_method": "bacs", "billing": {"first_name": "John", "last_name": "Doe", "email": "j@example.com"},
        "line_items": [{"product_id": 93, "quantity": 2}],
    }  # fmt: skip
    made = await call(api.post, "orders", wish)
    assert made["billing"]["first_name"] == "John" and made["line_items"][0]["quantity"] == 2
    path = f"orders/{made['id']}"
    assert (await call(api.put, path, {"status": "completed"}))["status"] == "completed"
    note = await call(api.post, f"{path}/notes", {"note": "Order ok!!!"})
    assert (await call(api.get, f"{path}/notes"))[0]["note"] == note["note"]
    refund = await call(api.post, f"{path}/refunds", {"amount": "10.00", "api_refund": False})
    assert refund["amount"] == "10.00"
    await call(api.delete, path, params={"force": True})
    assert (await asyncio.to_thread(api.get, path)).status_code == 404


async def test_it_registers_a_webhook_that_is_pinged_and_told(sandbox: WooCommerceSandbox, api: Any) -> None:
    async with receiving() as receiver:
        wish = {"name": "Order updated", "topic": "order.updated", "delivery_url": receiver.url, "secret": SECRET}
        made = await call(api.post, "webhooks", wish)
        assert receiver.requests[0].body == f"webhook_id={made['id']}".encode()
        sandbox.shop.pay(sandbox.shop.create_order())
        await sandbox.deliver_due()
        assert receiver.topics[1:] == ["order.updated"]
        assert (await call(api.put, f"webhooks/{made['id']}", {"status": "paused"}))["status"] == "paused"
        batch = await call(api.post, "webhooks/batch", {"create": [{**wish, "topic": "order.created"}]})
        assert batch["create"][0]["topic"] == "order.created"


async def test_a_wrong_secret_is_refused(api: Any) -> None:
    api.consumer_secret = "cs_wrong"
    answer = await asyncio.to_thread(api.get, "orders")
    assert answer.status_code == 401 and answer.json()["code"] == "woocommerce_rest_authentication_error"
