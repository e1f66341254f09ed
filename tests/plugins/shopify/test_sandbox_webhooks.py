"""The sandbox as a sender of webhooks, seen from a plain receiver."""

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from inspect import signature
from itertools import pairwise
from pathlib import Path
from uuid import UUID

import pytest

import plugins.platforms.shopify as adapter
from hub.clock import VirtualClock
from plugins.platforms.shopify.sandbox import ShopifySandbox

from .telling import SECRET, receiving

pytestmark = pytest.mark.usefixtures("url")


async def test_every_header_is_sent_and_the_signature_is_over_the_exact_bytes(sandbox: ShopifySandbox) -> None:
    async with receiving() as receiver:
        sandbox.subscribe_all(receiver.url, ["ORDERS_CREATE"])
        order = sandbox.shop.create_order()
        await sandbox.deliver_due()
        (got,) = receiver.requests
    assert got.header("x-shopify-topic") == "orders/create"
    assert got.header("x-shopify-shop-domain") == "amber-kiosk.myshopify.com"
    assert got.header("x-shopify-api-version") == "2026-10"
    assert got.header("x-shopify-triggered-at") == "2026-11-20T09:14:03.000000Z"
    assert got.header("content-type") == "application/json"
    assert UUID(got.header("x-shopify-webhook-id") or "") != UUID(got.header("x-shopify-event-id") or "")
    digest = base64.b64encode(hmac.new(SECRET.encode(), got.body, hashlib.sha256).digest()).decode()
    assert got.header("x-shopify-hmac-sha256") == digest
    body = json.loads(got.body)
    assert str(body["id"]) == order and body["updated_at"] == "2026-11-20T11:14:03+02:00"
    assert (body["total_price"], body["fulfillment_status"], body["financial_status"]) == ("1249.00", None, "pending")


async def test_nothing_is_sent_before_it_is_asked_for(sandbox: ShopifySandbox, clock: VirtualClock) -> None:
    async with receiving() as receiver:
        sandbox.subscribe_all(receiver.url, ["ORDERS_CREATE"])
        sandbox.shop.create_order()
        assert receiver.requests == [] and sandbox.next_at() == clock.now()
        await sandbox.deliver_due()
        assert receiver.topics == ["orders/create"] and sandbox.next_at() is None


async def test_a_refused_webhook_is_repeated_eight_times_within_four_hours(
    sandbox: ShopifySandbox, clock: VirtualClock
) -> None:
    began = clock.now()
    async with receiving() as receiver:
        receiver.status = 500
        sandbox.subscribe_all(receiver.url, ["ORDERS_CREATE"])
        sandbox.shop.create_order()
        waits = []
        while (due := sandbox.next_at()) is not None:
            waits.append(due - clock.now())
            clock.move_to(due)
            await sandbox.deliver_due()
    assert len(receiver.requests) == 9
    assert timedelta(hours=3, minutes=59) < clock.now() - began <= timedelta(hours=4)
    assert all(later > earlier for earlier, later in pairwise(waits))
    assert len({each.header("x-shopify-webhook-id") for each in receiver.requests}) == 1
    assert len({each.body for each in receiver.requests}) == 1
    assert [each.attempt for each in sandbox.ledger.where(kind="webhook")] == list(range(1, 10))


async def test_after_eight_failed_repeats_the_subscription_is_deleted(
    sandbox: ShopifySandbox, clock: VirtualClock
) -> None:
    async with receiving() as receiver:
        receiver.status = 404
        sandbox.subscribe_all(receiver.url, ["ORDERS_CREATE", "ORDERS_UPDATED"])
        sandbox.shop.create_order()
        while (due := sandbox.next_at()) is not None:
            clock.move_to(due)
            await sandbox.deliver_due()
        assert [each.topic for each in sandbox.hooks.subscriptions.values()] == ["ORDERS_UPDATED"]
        sandbox.shop.create_order()
        assert sandbox.next_at() is None


async def test_a_repeat_that_is_taken_ends_it(sandbox: ShopifySandbox, clock: VirtualClock) -> None:
    async with receiving() as receiver:
        receiver.status = 503
        sandbox.subscribe_all(receiver.url, ["ORDERS_CREATE"])
        sandbox.shop.create_order()
        await sandbox.deliver_due()
        receiver.status = 204
        clock.move_to(sandbox.next_at() or clock.now())
        await sandbox.deliver_due()
        assert len(receiver.requests) == 2 and sandbox.next_at() is None
    assert [each.status for each in sandbox.ledger.where(kind="webhook")] == [503, 204]


async def test_a_repeat_has_the_old_body_and_goes_to_the_old_address(
    sandbox: ShopifySandbox, clock: VirtualClock
) -> None:
    async with receiving() as old, receiving() as new:
        old.status = 500
        (subscription,) = sandbox.subscribe_all(old.url, ["ORDERS_UPDATED"])
        order = sandbox.shop.create_order()
        sandbox.shop.set_note(order, "before")
        await sandbox.deliver_due()
        subscription.uri = new.url
        sandbox.shop.find(order).note = "after"
        clock.move_to(sandbox.next_at() or clock.now())
        await sandbox.deliver_due()
    assert new.requests == [] and [json.loads(each.body)["note"] for each in old.requests] == ["before", "before"]


async def test_a_redirect_is_a_failure(sandbox: ShopifySandbox) -> None:
    async with receiving() as receiver, receiving() as elsewhere:
        receiver.redirect = elsewhere.url
        sandbox.subscribe_all(receiver.url, ["ORDERS_CREATE"])
        sandbox.shop.create_order()
        await sandbox.deliver_due()
        assert elsewhere.requests == [] and sandbox.next_at() is not None


async def test_a_receiver_that_takes_too_long_has_failed(clock: VirtualClock) -> None:
    sandbox = ShopifySandbox(clock, patience=0.05)
    async with sandbox.serve(), receiving() as receiver:
        receiver.hang = True
        sandbox.subscribe_all(receiver.url, ["ORDERS_CREATE"])
        sandbox.shop.create_order()
        await sandbox.deliver_due()
        assert sandbox.ledger.where(kind="webhook")[0].status is None and sandbox.next_at() is not None


def test_the_usual_patience_is_five_seconds() -> None:
    assert signature(ShopifySandbox).parameters["patience"].default == 5.0


async def test_two_subscriptions_of_one_topic_share_the_event_and_not_the_delivery(sandbox: ShopifySandbox) -> None:
    async with receiving() as one, receiving() as two:
        sandbox.subscribe_all(one.url, ["ORDERS_CREATE"])
        sandbox.subscribe_all(two.url, ["ORDERS_CREATE"])
        sandbox.shop.create_order()
        await sandbox.deliver_due()
    first, second = one.requests[0], two.requests[0]
    assert first.header("x-shopify-event-id") == second.header("x-shopify-event-id")
    assert first.header("x-shopify-webhook-id") != second.header("x-shopify-webhook-id")


async def test_a_subscription_may_want_only_some_members(sandbox: ShopifySandbox) -> None:
    async with receiving() as receiver:
        (subscription,) = sandbox.subscribe_all(receiver.url, ["ORDERS_CREATE"])
        subscription.include_fields = ["id", "updated_at"]
        sandbox.shop.create_order()
        await sandbox.deliver_due()
    assert set(json.loads(receiver.requests[0].body)) == {"id", "updated_at"}


# --- chaos


async def test_a_delivery_can_come_twice(sandbox: ShopifySandbox) -> None:
    async with receiving() as receiver:
        sandbox.subscribe_all(receiver.url, ["ORDERS_CREATE"])
        sandbox.duplicate_next()
        sandbox.shop.create_order()
        await sandbox.deliver_due()
    first, second = receiver.requests
    assert first.body == second.body
    assert first.header("x-shopify-webhook-id") == second.header("x-shopify-webhook-id")


async def test_paid_can_come_before_created(sandbox: ShopifySandbox) -> None:
    async with receiving() as receiver:
        sandbox.subscribe_all(receiver.url, ["ORDERS_CREATE", "ORDERS_PAID"])
        sandbox.swap_next()
        sandbox.shop.create_order(gateway="shopify_payments", paid=True)
        await sandbox.deliver_due()
        assert receiver.topics == ["orders/paid", "orders/create"]


async def test_a_late_delivery_has_an_older_updated_time(sandbox: ShopifySandbox, clock: VirtualClock) -> None:
    async with receiving() as receiver:
        sandbox.subscribe_all(receiver.url, ["ORDERS_UPDATED"])
        order = sandbox.shop.create_order()
        sandbox.delay_next("orders/updated", timedelta(hours=20))
        sandbox.shop.touch(order)
        clock.move_to(clock.now() + timedelta(hours=1))
        sandbox.shop.touch(order)
        await sandbox.deliver_due()
        clock.move_to(clock.now() + timedelta(hours=20))
        await sandbox.deliver_due()
    newer, older = (json.loads(each.body)["updated_at"] for each in receiver.requests)
    assert older < newer


async def test_a_webhook_can_be_lost(sandbox: ShopifySandbox) -> None:
    async with receiving() as receiver:
        sandbox.subscribe_all(receiver.url, ["ORDERS_CREATE"])
        sandbox.lose_next()
        sandbox.shop.create_order()
        sandbox.shop.create_order()
        await sandbox.deliver_due()
    assert len(receiver.requests) == 1


async def test_a_customer_or_a_phone_can_be_missing(sandbox: ShopifySandbox) -> None:
    async with receiving() as receiver:
        sandbox.subscribe_all(receiver.url, ["ORDERS_CREATE"])
        sandbox.shop.create_order(customer=False, email=None)
        sandbox.shop.create_order(phone=None)
        await sandbox.deliver_due()
    nobody, silent = (json.loads(each.body) for each in receiver.requests)
    assert nobody["customer"] is None and nobody["email"] == ""
    assert (silent["customer"]["phone"], silent["phone"], silent["shipping_address"]["phone"]) == (None, None, None)


async def test_a_delivery_can_be_signed_with_the_old_secret(sandbox: ShopifySandbox) -> None:
    async with receiving() as receiver:
        sandbox.subscribe_all(receiver.url, ["ORDERS_CREATE"])
        sandbox.sign_with_old_secret()
        sandbox.shop.create_order()
        await sandbox.deliver_due()
        sandbox.sign_with_old_secret(False)
        sandbox.shop.create_order()
        await sandbox.deliver_due()
    keys = ("hush-old-secret", SECRET)
    for key, got in zip(keys, receiver.requests, strict=True):
        digest = base64.b64encode(hmac.new(key.encode(), got.body, hashlib.sha256).digest()).decode()
        assert got.header("x-shopify-hmac-sha256") == digest


# --- which webhooks follow what


async def test_each_lever_sends_the_topics_that_shopify_would(sandbox: ShopifySandbox) -> None:
    async with receiving() as receiver:
        sandbox.subscribe_all(receiver.url)
        shop = sandbox.shop

        async def topics() -> list[str]:
            receiver.requests.clear()
            await sandbox.deliver_due()
            return receiver.topics

        order = shop.create_order(gateway="shopify_payments")
        assert await topics() == ["orders/create"]
        shop.fail_payment(order)
        assert await topics() == ["order_transactions/create", "orders/updated"]
        shop.pay(order)
        assert await topics() == ["order_transactions/create", "orders/paid", "orders/updated"]
        shop.hold(order)
        assert await topics() == ["fulfillment_orders/placed_on_hold", "orders/updated"]
        shop.release(order)
        assert await topics() == ["fulfillment_orders/hold_released", "orders/updated"]
        shop.report_progress(order)
        assert await topics() == ["fulfillment_orders/progress_reported", "orders/updated"]
        first, whole = shop.find(order).items[0].id, shop.find(order).items[0].quantity
        parcel = shop.fulfil(order, "N1", "Nova Poshta", {first: whole - 1})
        assert await topics() == ["fulfillments/create", "orders/partially_fulfilled", "orders/updated"]
        shop.fulfil(order, "N2", "Nova Poshta")
        assert await topics() == ["fulfillments/create", "orders/fulfilled", "orders/updated"]
        scan = shop.deliver(order, parcel)
        assert await topics() == ["fulfillment_events/create", "fulfillments/update", "orders/updated"]
        shop.delete_event(order, scan)
        assert await topics() == ["fulfillment_events/delete", "orders/updated"]
        case = shop.request_return(order)
        assert await topics() == ["returns/request", "orders/updated"]
        shop.approve_return(order, case)
        assert await topics() == ["returns/approve", "orders/updated"]
        shop.receive_return(order, case)
        assert await topics() == ["returns/close", "orders/updated"]
        shop.refund(order, "10.00")
        assert await topics() == ["refunds/create", "order_transactions/create", "orders/updated"]
        shop.dispute(order)
        assert await topics() == ["disputes/create"]
        shop.touch(order)
        assert await topics() == ["orders/updated"]
        shop.cancel(order)
        assert await topics() == ["orders/cancelled", "orders/updated"]
        shop.delete(order)
        assert await topics() == ["orders/delete"]
        assert json.loads(receiver.requests[0].body) == {"id": int(order)}


async def test_the_ledger_holds_every_change_and_every_delivery(sandbox: ShopifySandbox) -> None:
    async with receiving() as receiver:
        sandbox.subscribe_all(receiver.url, ["ORDERS_CREATE", "ORDERS_CANCELLED"])
        order = sandbox.shop.create_order()
        sandbox.shop.cancel(order)
        await sandbox.deliver_due()
    assert [each.what for each in sandbox.ledger.where(kind="change", order=order)] == ["created", "cancelled"]
    sent = sandbox.ledger.where(kind="webhook", order=order)
    assert [(each.what, each.status) for each in sent] == [("orders/create", 200), ("orders/cancelled", 200)]
    assert [each.body_hash for each in sent] == [hashlib.sha256(each.body).hexdigest() for each in receiver.requests]
    assert all(each.webhook_id and each.event_id for each in sent)


def test_the_sandbox_never_imports_the_adapter_beside_it() -> None:
    folder = Path(adapter.__file__).parent
    for path in (folder / "sandbox.py", *folder.glob("_sandbox_*.py")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith(("from .", "from plugins")):
                assert line.startswith("from ._sandbox_"), f"{path.name}: {line}"
