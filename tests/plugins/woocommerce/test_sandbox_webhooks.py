"""The sandbox as a sender of webhooks, seen from a plain receiver."""

import base64
import hashlib
import hmac
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

import plugins.platforms.woocommerce as adapter
from hub.clock import VirtualClock
from plugins.platforms.woocommerce.sandbox import WooCommerceSandbox

from .telling import SECRET, receiving

pytestmark = pytest.mark.usefixtures("url")


def wait(clock: VirtualClock, **length: float) -> None:
    clock.move_to(clock.now() + timedelta(**length))


async def test_at_its_creation_a_webhook_is_pinged_with_an_unsigned_form(
    sandbox: WooCommerceSandbox, browser: httpx.AsyncClient
) -> None:
    async with receiving() as receiver:
        wish = {"topic": "order.updated", "delivery_url": receiver.url, "secret": SECRET}
        made = (await browser.post("webhooks", json=wish)).json()
        await browser.post("webhooks", json={**wish, "status": "paused"})
        (got,) = receiver.requests
    assert got.body == f"webhook_id={made['id']}".encode()
    assert got.header("content-type") == "application/x-www-form-urlencoded"
    assert not [name for name, _ in got.headers if name.startswith("x-wc-")]
    assert [(each.what, each.status) for each in sandbox.ledger.where(kind="ping")] == [("order.updated", 200)]


async def test_a_delivery_has_its_seven_headers_and_a_signature_over_the_exact_bytes(
    sandbox: WooCommerceSandbox,
) -> None:
    async with receiving() as receiver:
        (hook,) = sandbox.hook_all(receiver.url, ["order.created"])
        order = sandbox.shop.create_order()
        await sandbox.deliver_due()
        (got,) = receiver.requests
    assert {name.removeprefix("x-wc-webhook-"): value for name, value in got.headers if name.startswith("x-wc-")} == {
        "source": "https://kavovar.example/",
        "topic": "order.created",
        "resource": "order",
        "event": "created",
        "signature": base64.b64encode(hmac.new(SECRET.encode(), got.body, hashlib.sha256).digest()).decode(),
        "id": str(hook.id),
        "delivery-id": got.header("x-wc-webhook-delivery-id"),
    }
    assert got.header("user-agent") == "WooCommerce/11.2.0 Hookshot (WordPress/6.9)"
    assert got.header("content-type") == "application/json"
    assert receiver.bodies[0]["id"] == int(order)


async def test_two_orders_of_one_second_share_the_delivery_id(sandbox: WooCommerceSandbox, clock: VirtualClock) -> None:
    async with receiving() as receiver:
        sandbox.hook_all(receiver.url, ["order.created"])
        sandbox.shop.create_order()
        sandbox.shop.create_order()
        await sandbox.deliver_due()
        wait(clock, seconds=1)
        sandbox.shop.create_order()
        await sandbox.deliver_due()
    first, second, third = (each.header("x-wc-webhook-delivery-id") or "" for each in receiver.requests)
    assert first == second != third and len(first) == 32
    assert len({body["id"] for body in receiver.bodies}) == 3


async def test_the_body_is_the_state_when_it_is_sent_and_waiting_jobs_are_one(
    sandbox: WooCommerceSandbox, clock: VirtualClock
) -> None:
    async with receiving() as receiver:
        sandbox.hook_all(receiver.url)
        sandbox.hooks.lag = timedelta(minutes=3)
        order = sandbox.shop.create_order()
        wait(clock, minutes=1)
        sandbox.shop.pay(order)
        wait(clock, minutes=1)
        sandbox.shop.complete(order)
        assert await sandbox.deliver_due() == 0
        wait(clock, minutes=5)
        assert await sandbox.deliver_due() == 2
    assert receiver.topics == ["order.created", "order.updated"]
    assert [body["status"] for body in receiver.bodies] == ["completed", "completed"], "the word between is lost"


async def test_a_job_that_waits_longer_than_ten_minutes_is_queued_again(
    sandbox: WooCommerceSandbox, clock: VirtualClock
) -> None:
    async with receiving() as receiver:
        sandbox.hook_all(receiver.url, ["order.updated"])
        sandbox.hooks.mischief.cron_broken = True
        order = sandbox.shop.create_order()
        for minutes in (0, 9, 2):
            wait(clock, minutes=minutes)
            sandbox.shop.touch(order)
        assert sandbox.next_at() is None and await sandbox.deliver_due() == 0
        sandbox.hooks.mischief.cron_broken = False
        assert await sandbox.deliver_due() == 2


@pytest.mark.parametrize("status", [400, 401, 404, 410, 500, 503])
async def test_nothing_is_ever_sent_again(sandbox: WooCommerceSandbox, clock: VirtualClock, status: int) -> None:
    async with receiving() as receiver:
        receiver.status = status
        sandbox.hook_all(receiver.url, ["order.created"])
        sandbox.shop.create_order()
        await sandbox.deliver_due()
        wait(clock, days=3)
        assert sandbox.next_at() is None and await sandbox.deliver_due() == 0
    assert len(receiver.requests) == 1


async def fail(sandbox: WooCommerceSandbox, clock: VirtualClock, order: str, times: int) -> None:
    for _ in range(times):
        wait(clock, minutes=1)
        sandbox.shop.touch(order)
        await sandbox.deliver_due()


async def test_the_seventh_failure_in_a_row_switches_a_webhook_off(
    sandbox: WooCommerceSandbox, clock: VirtualClock, browser: httpx.AsyncClient
) -> None:
    async with receiving() as receiver:
        (hook,) = sandbox.hook_all(receiver.url, ["order.updated"])
        order = sandbox.shop.create_order()
        receiver.status = 500
        await fail(sandbox, clock, order, 6)
        assert hook.status == "active"
        receiver.status = 200
        await fail(sandbox, clock, order, 1)
        receiver.status = 500
        await fail(sandbox, clock, order, 6)
        assert hook.status == "active", "a success in between begins anew"
        await fail(sandbox, clock, order, 1)
        assert (await browser.get(f"webhooks/{hook.id}")).json()["status"] == "disabled"
        receiver.status, heard = 200, len(receiver.requests)
        await fail(sandbox, clock, order, 3)
        assert len(receiver.requests) == heard == 14
        await browser.put(f"webhooks/{hook.id}", json={"status": "active"})
        await fail(sandbox, clock, order, 1)
        assert len(receiver.requests) == 15


@pytest.mark.parametrize(("status", "good"), [(200, True), (204, True), (302, True), (303, False), (401, False)])
async def test_what_counts_as_taken_is_200_to_302(sandbox: WooCommerceSandbox, status: int, good: bool) -> None:
    async with receiving() as receiver:
        receiver.status = status
        (hook,) = sandbox.hook_all(receiver.url, ["order.created"])
        sandbox.shop.create_order()
        await sandbox.deliver_due()
        assert hook.failures == (0 if good else 1)


async def test_a_redirect_is_not_followed(sandbox: WooCommerceSandbox) -> None:
    async with receiving() as receiver, receiving() as elsewhere:
        receiver.redirect = elsewhere.url
        (hook,) = sandbox.hook_all(receiver.url, ["order.created"])
        sandbox.shop.create_order()
        await sandbox.deliver_due()
        assert elsewhere.requests == [] and hook.failures == 1


async def test_nobody_there_is_a_failure(sandbox: WooCommerceSandbox) -> None:
    (hook,) = sandbox.hook_all("http://127.0.0.1:9/in", ["order.created"])
    sandbox.shop.create_order()
    await sandbox.deliver_due()
    assert hook.failures == 1 and sandbox.ledger.where(kind="webhook")[0].status is None


async def test_each_lever_sends_the_topics_that_woocommerce_would(sandbox: WooCommerceSandbox) -> None:
    async with receiving() as receiver:
        sandbox.hook_all(receiver.url)
        shop = sandbox.shop

        async def topics() -> list[str]:
            receiver.requests.clear()
            await sandbox.deliver_due()
            return receiver.topics

        order = shop.create_order()
        assert await topics() == ["order.created"]
        for lever in (shop.fail_payment, shop.pay, shop.complete, shop.cancel, shop.touch):
            lever(order)
            assert await topics() == ["order.updated"]
        shop.refund(order, "1.00")
        assert await topics() == ["order.updated"]
        shop.add_tracking(order, "A1")
        assert await topics() == ["order.updated"]
        shop.add_note(order, "hello", customer=False)
        assert await topics() == []
        shop.trash(order)
        assert await topics() == ["order.deleted"] and receiver.bodies == [{"id": int(order)}]
        shop.restore(order)
        assert await topics() == ["order.restored"] and receiver.bodies[0]["status"] == "cancelled"
        shop.delete(order)
        assert await topics() == ["order.deleted"] and receiver.bodies == [{"id": int(order)}]


async def test_an_action_says_its_name_and_the_order_only(sandbox: WooCommerceSandbox) -> None:
    async with receiving() as receiver:
        sandbox.hook_all(receiver.url, ["action.woocommerce_order_status_completed"])
        order = sandbox.shop.create_order()
        sandbox.shop.complete(order)
        await sandbox.deliver_due()
        assert receiver.bodies == [{"action": "woocommerce_order_status_completed", "arg": int(order)}]


async def test_drafts_are_not_told_unless_they_leak(sandbox: WooCommerceSandbox) -> None:
    async with receiving() as receiver:
        sandbox.hook_all(receiver.url)
        for status in ("draft", "auto-draft", "new", "checkout-draft"):
            sandbox.shop.create_order(status=status)
        await sandbox.deliver_due()
        assert receiver.requests == []
        sandbox.hooks.mischief.leak_drafts = True
        sandbox.shop.touch(sandbox.shop.create_order(status="checkout-draft"))
        await sandbox.deliver_due()
        assert receiver.topics == ["order.created", "order.updated"]
        assert {body["status"] for body in receiver.bodies} == {"checkout-draft"}


async def test_a_delivery_can_come_twice_or_never_or_in_another_order(sandbox: WooCommerceSandbox) -> None:
    async with receiving() as receiver:
        sandbox.hook_all(receiver.url)
        mischief = sandbox.hooks.mischief
        mischief.duplicate = 1
        order = sandbox.shop.create_order()
        await sandbox.deliver_due()
        assert receiver.topics == ["order.created"] * 2 and receiver.requests[0].body == receiver.requests[1].body
        mischief.lose = 1
        sandbox.shop.touch(order)
        await sandbox.deliver_due()
        assert len(receiver.requests) == 2
        mischief.swap = True
        sandbox.shop.touch(sandbox.shop.create_order())
        await sandbox.deliver_due()
        assert receiver.topics[2:] == ["order.updated", "order.created"]


async def test_a_secret_with_entities_signs_decoded(sandbox: WooCommerceSandbox) -> None:
    async with receiving() as receiver:
        sandbox.hooks.add("order.created", receiver.url, "a&amp;b &lt;c&gt; &#039;d&#x27; &quot;e &copy;")
        sandbox.shop.create_order()
        await sandbox.deliver_due()
        (got,) = receiver.requests
    digest = hmac.new(b"a&b <c> 'd' \"e &copy;", got.body, hashlib.sha256).digest()
    assert got.header("x-wc-webhook-signature") == base64.b64encode(digest).decode()


@pytest.mark.parametrize(("storage", "told"), [("hpos", 1), ("legacy", 0)])
async def test_where_orders_are_posts_a_plugin_writes_past_woocommerce(
    clock: VirtualClock, storage: str, told: int
) -> None:
    sandbox = WooCommerceSandbox(clock, storage="legacy" if storage == "legacy" else "hpos")
    async with sandbox.serve(), receiving() as receiver:
        sandbox.hook_all(receiver.url, ["order.updated"])
        order = sandbox.shop.create_order()
        modified = sandbox.shop.find(order).modified
        wait(clock, minutes=1)
        sandbox.shop.plugin_meta(order, "_ttn", "2045")
        await sandbox.deliver_due()
        assert len(receiver.requests) == told
        assert (sandbox.shop.find(order).modified > modified) == bool(told)


def test_the_sandbox_never_imports_the_adapter_beside_it() -> None:
    folder = Path(adapter.__file__).parent
    for path in (folder / "sandbox.py", *folder.glob("_sandbox_*.py")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith(("from .", "from plugins")):
                assert line.startswith("from ._sandbox_"), f"{path.name}: {line}"
