"""Webhooks and polls of one state make one truth: the same records, the same facts, whatever comes when."""

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from hub.clock import VirtualClock
from hub.model import AnyRecord, DeliverBy, OrderSnapshot, RefKind, Reread
from hub.status import Axis, Order, Payment, Return, Shipment, Verdict
from plugins.platforms.shopify import Shopify
from plugins.platforms.shopify.sandbox import ShopifySandbox

from .telling import facts_of, receiving, records_of, snapshot_of, state_of, words

Story = Callable[[ShopifySandbox, VirtualClock], str]


def wait(clock: VirtualClock, **length: float) -> None:
    clock.move_to(clock.now() + timedelta(**length))


def ordered(sandbox: ShopifySandbox, clock: VirtualClock) -> str:
    return sandbox.shop.create_order(note="Please call", attributes={"np_warehouse": "14"}, tags=["b", "a"])


def paid(sandbox: ShopifySandbox, clock: VirtualClock) -> str:
    return sandbox.shop.create_order(gateway="shopify_payments", paid=True)


def sent(sandbox: ShopifySandbox, clock: VirtualClock) -> str:
    order = paid(sandbox, clock)
    wait(clock, hours=2)
    sandbox.shop.fulfil(order, "2045 0999 123456", "Nova Poshta", url="https://novaposhta.ua/tracking/?n=1")
    return order


def partly_sent(sandbox: ShopifySandbox, clock: VirtualClock) -> str:
    order = sandbox.shop.create_order(lines=(("A", "Cup", 1, "10.00"), ("B", "Pot", 2, "20.00")))
    wait(clock, hours=2)
    sandbox.shop.fulfil(order, "UA1", "Ukrposhta", {sandbox.shop.find(order).items[0].id: 1})
    return order


def cancelled(sandbox: ShopifySandbox, clock: VirtualClock) -> str:
    order = ordered(sandbox, clock)
    wait(clock, hours=1)
    sandbox.shop.cancel(order, "inventory")
    return order


def refunded(sandbox: ShopifySandbox, clock: VirtualClock) -> str:
    order = sent(sandbox, clock)
    wait(clock, days=3)
    sandbox.shop.refund(order, "590.00", {sandbox.shop.find(order).items[0].id: 1}, note="One pack damaged")
    return order


def fulfilment_undone(sandbox: ShopifySandbox, clock: VirtualClock) -> str:
    order = sent(sandbox, clock)
    wait(clock, minutes=5)
    sandbox.shop.cancel_fulfilment(order, sandbox.shop.find(order).fulfilments[0].id)
    return order


def without_customer(sandbox: ShopifySandbox, clock: VirtualClock) -> str:
    return sandbox.shop.create_order(customer=False, email=None, phone=None, locale=None)


def edited(sandbox: ShopifySandbox, clock: VirtualClock) -> str:
    order = ordered(sandbox, clock)
    wait(clock, minutes=5)
    sandbox.shop.edit(order, "TEA-GRN-250", 1)
    return order


STORIES: Mapping[str, Story] = {
    each.__name__: each
    for each in (
        ordered, paid, sent, partly_sent, cancelled, refunded, fulfilment_undone, without_customer, edited,
    )
}  # fmt: skip


@pytest.mark.parametrize("name", STORIES)
async def test_both_parsers_give_equal_records_for_one_state(
    sandbox: ShopifySandbox, shop: Shopify, clock: VirtualClock, name: str
) -> None:
    """But for what a webhook does not know: return cases, where an open order stands, and whether it must be sent."""
    async with receiving() as receiver:
        sandbox.subscribe_all(receiver.url)
        order = STORIES[name](sandbox, clock)
        await sandbox.deliver_due()
        heard = records_of(shop, receiver.events(shop))
    asked = records_of(shop, await shop.fetch(order))
    by_webhook, by_poll = snapshot_of(heard), snapshot_of(asked)
    assert by_webhook == replace(by_poll, returns=None, natives=by_webhook.natives, deliver_by=by_webhook.deliver_by)
    assert by_webhook.deliver_by in (None, by_poll.deliver_by)
    assert set(by_webhook.natives) <= set(by_poll.natives)
    assert set(_events(asked)) <= set(_events(heard))


def _events(records: list[AnyRecord]) -> list[AnyRecord]:
    return [each for each in records if not isinstance(each, OrderSnapshot)]


def whole_life(sandbox: ShopifySandbox, clock: VirtualClock) -> str:
    """Ordered, held, released, picked, sent, carried, failed once, delivered, sent back, refunded."""
    shop = sandbox.shop
    order = shop.create_order(gateway="shopify_payments")
    wait(clock, minutes=3)
    shop.fail_payment(order)
    wait(clock, minutes=10)
    shop.pay(order)
    wait(clock, hours=1)
    shop.hold(order)
    wait(clock, hours=5)
    shop.release(order)
    wait(clock, hours=1)
    shop.report_progress(order)
    wait(clock, hours=1)
    parcel = shop.fulfil(order, "20450999123456", "Nova Poshta")
    for status in ("in_transit", "out_for_delivery", "attempted_delivery", "out_for_delivery", "delivered"):
        wait(clock, hours=20)
        shop.fulfillment_event(order, parcel, status)
    wait(clock, days=2)
    case = shop.request_return(order)
    wait(clock, hours=3)
    shop.approve_return(order, case)
    wait(clock, days=4)
    shop.receive_return(order, case)
    wait(clock, hours=3)
    shop.refund(order, line_items={shop.find(order).items[0].id: 2}, case=case)
    return order


async def live(sandbox: ShopifySandbox, shop: Shopify, clock: VirtualClock) -> tuple[str, list[AnyRecord]]:
    """The whole life, heard as the hub hears it: every webhook, and every order read again when one asks for it."""
    async with receiving() as receiver:
        sandbox.subscribe_all(receiver.url)
        order = whole_life(sandbox, clock)
        await sandbox.deliver_due()
        return order, records_of(shop, receiver.events(shop))


async def test_the_whole_life_ends_the_same_in_any_order_and_with_repeats(
    sandbox: ShopifySandbox, shop: Shopify, clock: VirtualClock
) -> None:
    order, heard = await live(sandbox, shop, clock)
    asked = records_of(shop, await shop.fetch(order))
    together = [*heard, *asked]
    expected = state_of(together)
    for seed in range(20):
        shuffled = [*together, *heard[: seed * 3]]
        random.Random(seed).shuffle(shuffled)
        assert state_of(shuffled) == expected
    parcel = str(sandbox.shop.find(order).fulfilments[0].id)
    assert expected["order", Axis.ORDER].state is Order.COMPLETED
    assert expected["order", Axis.PAYMENT].state is Payment.REFUNDED
    assert expected[parcel, Axis.SHIPMENT].state is Shipment.DELIVERED
    assert Return.REFUNDED in {folded.state for (_, axis), folded in expected.items() if axis is Axis.RETURN}
    assert not [line for folded in expected.values() for line in folded.with_verdict(Verdict.CONTRADICTION)]


async def test_polls_alone_come_to_the_same_end(sandbox: ShopifySandbox, shop: Shopify, clock: VirtualClock) -> None:
    order, heard = await live(sandbox, shop, clock)
    asked = records_of(shop, await shop.fetch(order))
    by_poll, by_both = words(asked), words([*heard, *asked])
    assert by_poll == by_both


async def test_a_webhook_heard_while_an_order_is_on_hold_does_not_open_it(
    sandbox: ShopifySandbox, shop: Shopify, clock: VirtualClock
) -> None:
    async with receiving() as receiver:
        sandbox.subscribe_all(receiver.url)
        order = ordered(sandbox, clock)
        wait(clock, minutes=30)
        sandbox.shop.hold(order)
        asked = records_of(shop, await shop.fetch(order))
        wait(clock, minutes=30)
        sandbox.shop.set_note(order, "Called the customer")
        await sandbox.deliver_due()
        everything = [*records_of(shop, receiver.events(shop)), *asked]
        assert words(everything)["order.order"] == "on_hold"
        wait(clock, minutes=30)
        sandbox.shop.release(order)
        everything += records_of(shop, await shop.fetch(order))
        assert words(everything)["order.order"] == "received"


async def test_a_deleted_scan_is_taken_back(sandbox: ShopifySandbox, shop: Shopify, clock: VirtualClock) -> None:
    async with receiving() as receiver:
        sandbox.subscribe_all(receiver.url)
        order = sent(sandbox, clock)
        parcel = sandbox.shop.find(order).fulfilments[0].id
        wait(clock, hours=20)
        sandbox.shop.fulfillment_event(order, parcel, "in_transit")
        wait(clock, hours=20)
        wrong = sandbox.shop.deliver(order, parcel)
        wait(clock, hours=1)
        sandbox.shop.delete_event(order, wrong)
        await sandbox.deliver_due()
        heard = receiver.events(shop)
    hints = [each for raw in heard for each in shop.normalise(raw) if "FulfillmentEvent" in getattr(each, "ref", "")]
    fetched = await shop.fetch(hints[0].ref)  # type: ignore[union-attr]
    first: Any = shop.normalise(fetched[0])[0]
    assert first.of == f"fulfillment_event:{wrong}" and first.order_ref == order
    known = {each.event_id for raw in heard for each in shop.normalise(raw) if hasattr(each, "event_id")}
    assert first.of in known
    left = facts_of(records_of(shop, fetched))[str(parcel), Axis.SHIPMENT]
    assert Shipment.DELIVERED not in {fact.value for fact in left}


async def test_a_late_notice_of_a_deleted_scan_that_is_there_takes_nothing_back(
    sandbox: ShopifySandbox, shop: Shopify, clock: VirtualClock
) -> None:
    order = sent(sandbox, clock)
    scan = sandbox.shop.deliver(order, sandbox.shop.find(order).fulfilments[0].id)
    fetched = await shop.fetch(f"gid://shopify/FulfillmentEvent/{scan}?order={order}")
    assert [raw.topic for raw in fetched] == ["poll"]


async def test_pickup_is_one_parcel_ready_and_then_handed_over(
    sandbox: ShopifySandbox, shop: Shopify, clock: VirtualClock
) -> None:
    async with receiving() as receiver:
        sandbox.subscribe_all(receiver.url, ["FULFILLMENT_ORDERS_LINE_ITEMS_PREPARED_FOR_PICKUP", "ORDERS_FULFILLED"])
        order = sandbox.shop.create_order(method="PICK_UP", gateway="shopify_payments", paid=True)
        wait(clock, hours=2)
        sandbox.shop.prepare_pickup(order)
        await sandbox.deliver_due()
        (hint,) = records_of(shop, receiver.events(shop))
        assert isinstance(hint, Reread) and hint.ref.endswith("?prepared")
        fetched = await shop.fetch(hint.ref)
        assert [raw.dedupe_key for raw in fetched] == [raw.dedupe_key for raw in await shop.fetch(hint.ref)]
        known = records_of(shop, fetched)
        assert snapshot_of(known).deliver_by is DeliverBy.PICKUP
        assert words(known)[f"pickup:{order}.shipment"] == "ready_for_pickup"
        wait(clock, hours=2)
        sandbox.shop.picked_up(order)
        await sandbox.deliver_due()
        heard = shop.normalise(receiver.events(shop)[-1])
        assert snapshot_of(heard).parcels == () and heard[-1] == Reread(RefKind.ORDER, order)
        known += [*heard, *records_of(shop, await shop.fetch(order))]
        assert words(known)[f"pickup:{order}.shipment"] == "delivered"
        assert {subject for subject, axis in state_of(known) if axis is Axis.SHIPMENT} == {f"pickup:{order}"}


async def test_a_notice_of_preparing_is_believed_only_of_what_can_be_collected(
    sandbox: ShopifySandbox, shop: Shopify
) -> None:
    sent = sandbox.shop.create_order()
    fetched = sandbox.shop.create_order(method="PICK_UP")
    sandbox.shop.picked_up(fetched)
    for order in (sent, fetched):
        ref = f"gid://shopify/FulfillmentOrder/{sandbox.shop.find(order).fulfilment_orders[0].id}?prepared"
        assert [raw.topic for raw in await shop.fetch(ref)] == ["poll"]
