"""Writing into the shop's order: once, without telling the customer, and without setting ourselves off."""

from datetime import timedelta
from typing import Any

import pytest

from hub.clock import VirtualClock
from hub.model import OrderSnapshot
from hub.plugin import FailureError, Permanent, Unknown, WriteBack, WriteBackStatus
from plugins.platforms.shopify import Shopify
from plugins.platforms.shopify.sandbox import Happened, ShopifySandbox

from .telling import receiving, records_of, snapshot_of, state_of

URL = "https://novaposhta.ua/tracking/?cargo_number=20450999123456"


def shipped(order: str, **more: Any) -> WriteBack:
    return WriteBack(order, "key", tracking_number="20450999123456", tracking_url=URL, carrier="Nova Poshta", **more)


def mutations(sandbox: ShopifySandbox) -> list[Happened]:
    return sandbox.ledger.where(kind="mutation")


async def test_a_number_fulfils_what_is_open_with_its_url_and_in_silence(
    sandbox: ShopifySandbox, shop: Shopify
) -> None:
    order = sandbox.shop.create_order()
    await shop.write_back(shipped(order))
    (made,) = mutations(sandbox)
    given = made.args["fulfillment"]
    assert made.what == "fulfillmentCreate" and given["notifyCustomer"] is False
    assert given["trackingInfo"] == {"number": "20450999123456", "company": "Nova Poshta", "url": URL}
    parcels = snapshot_of(records_of(shop, await shop.fetch(order))).parcels or ()
    assert [(each.number, each.url) for each in parcels[0].numbers] == [("20450999123456", URL)]


async def test_a_number_that_stands_there_is_not_written_again(sandbox: ShopifySandbox, shop: Shopify) -> None:
    order = sandbox.shop.create_order()
    await shop.write_back(shipped(order))
    await shop.write_back(shipped(order))
    sandbox.shop.set_tracking(order, sandbox.shop.find(order).fulfilments[0].id, "2045 0999 123456")
    await shop.write_back(shipped(order))
    assert len(mutations(sandbox)) == 1


async def test_after_a_lost_answer_a_repeat_makes_no_second_parcel(sandbox: ShopifySandbox, shop: Shopify) -> None:
    order = sandbox.shop.create_order()
    await shop.hello()
    # The first call reads, the second writes: its answer is lost.
    sandbox.chaos.slow(0, path="*/graphql.json")
    sandbox.chaos.reset(when="after", path="*/graphql.json")
    with pytest.raises(FailureError) as failure:
        await shop.write_back(shipped(order))
    assert isinstance(failure.value.outcome, Unknown)
    await shop.write_back(shipped(order))
    assert len(mutations(sandbox)) == 1 and len(sandbox.shop.find(order).fulfilments) == 1


async def test_one_number_is_one_location_s_parcel(sandbox: ShopifySandbox, shop: Shopify) -> None:
    order = sandbox.shop.create_order(lines=(("A", "Cup", 1, "1.00"), ("B", "Pot", 1, "1.00")), locations=2)
    await shop.write_back(shipped(order))
    assert [len(each.items) for each in sandbox.shop.find(order).fulfilments] == [1]
    await shop.write_back(WriteBack(order, "key-2", tracking_number="20450999123457"))
    assert [each.numbers for each in sandbox.shop.find(order).fulfilments] == [["20450999123456"], ["20450999123457"]]


async def test_shipped_without_a_number_fulfils_every_location(sandbox: ShopifySandbox, shop: Shopify) -> None:
    order = sandbox.shop.create_order(lines=(("A", "Cup", 1, "1.00"), ("B", "Pot", 1, "1.00")), locations=2)
    await shop.write_back(WriteBack(order, "key", status=WriteBackStatus.SHIPPED))
    await shop.write_back(WriteBack(order, "key", status=WriteBackStatus.COMPLETED))
    assert len(mutations(sandbox)) == 2 and sandbox.shop.find(order).fulfillment_status == "fulfilled"


async def test_a_number_that_comes_later_goes_onto_the_fulfilment_without_one(
    sandbox: ShopifySandbox, shop: Shopify
) -> None:
    order = sandbox.shop.create_order()
    sandbox.shop.fulfil(order)
    await shop.write_back(shipped(order))
    assert mutations(sandbox)[0].what == "fulfillmentTrackingInfoUpdate"
    assert sandbox.shop.find(order).fulfilments[0].urls == [URL]
    with pytest.raises(FailureError, match="nothing is left to fulfil"):
        await shop.write_back(WriteBack(order, "key-2", tracking_number="20450999123457"))


async def test_what_is_on_hold_is_not_fulfilled(sandbox: ShopifySandbox, shop: Shopify) -> None:
    order = sandbox.shop.create_order()
    sandbox.shop.hold(order)
    with pytest.raises(FailureError) as failure:
        await shop.write_back(shipped(order))
    assert isinstance(failure.value.outcome, Permanent) and not mutations(sandbox)


async def test_a_note_is_added_to_what_stands_there_and_only_once(sandbox: ShopifySandbox, shop: Shopify) -> None:
    order = sandbox.shop.create_order(note="Please call\nbefore dispatch")
    for note in ("not paid in time", "not paid in time", "two\nlines", "two\nlines"):
        await shop.write_back(WriteBack(order, "key", note=note))
    assert sandbox.shop.find(order).note == "Please call\nbefore dispatch\nnot paid in time\ntwo\nlines"
    assert len(mutations(sandbox)) == 2


async def test_a_cancellation_is_asked_for_once_and_in_silence(sandbox: ShopifySandbox, shop: Shopify) -> None:
    order = sandbox.shop.create_order(gateway="shopify_payments", paid=True)
    wish = WriteBack(order, "key", status=WriteBackStatus.CANCELLED, note="not paid in time " + "x" * 400)
    await shop.write_back(wish)
    await shop.write_back(wish)
    (made,) = sandbox.ledger.where(kind="mutation", what="orderCancel")
    assert (made.args["notifyCustomer"], made.args["restock"], made.args["reason"]) == (False, True, "OTHER")
    assert len(made.args["staffNote"]) == 255 and made.args["refundMethod"] == {"originalPaymentMethodsRefund": True}
    assert sandbox.shop.find(order).financial_status == "refunded"


async def test_a_merchant_may_keep_the_money_on_a_cancellation(
    sandbox: ShopifySandbox, shop: Shopify, clock: VirtualClock, url: str
) -> None:
    keeping = Shopify(shop.settings.model_copy(update={"refund_on_cancel": False}), shop.client, clock)
    order = sandbox.shop.create_order(gateway="shopify_payments", paid=True)
    await keeping.write_back(WriteBack(order, "key", status=WriteBackStatus.CANCELLED))
    assert sandbox.shop.find(order).financial_status == "paid"


async def test_cash_that_was_collected_is_marked_paid_once(sandbox: ShopifySandbox, shop: Shopify) -> None:
    order = sandbox.shop.create_order()
    for _ in range(2):
        await shop.write_back(WriteBack(order, "key", status=WriteBackStatus.PAID))
    assert [each.what for each in mutations(sandbox)] == ["orderMarkAsPaid"]


async def test_a_business_error_is_not_tried_again(sandbox: ShopifySandbox, shop: Shopify, clock: VirtualClock) -> None:
    order = sandbox.shop.create_order()
    sandbox.shop.cancel(order)
    with pytest.raises(FailureError, match="cannot be marked as paid") as failure:
        await shop.write_back(WriteBack(order, "key", status=WriteBackStatus.PAID))
    assert isinstance(failure.value.outcome, Permanent)


@pytest.mark.parametrize("ref", ["7", "x", "", '7" }'])
async def test_an_order_that_is_not_there_cannot_be_written(shop: Shopify, ref: str) -> None:
    with pytest.raises(FailureError, match="no such order") as failure:
        await shop.write_back(WriteBack(ref, "key", note="hello"))
    assert isinstance(failure.value.outcome, Permanent)


@pytest.mark.parametrize(
    "wish", [{"note": "hello"}, {"tracking_number": "20450999123456"}, {"status": WriteBackStatus.PAID},
             {"status": WriteBackStatus.CANCELLED}]
)  # fmt: skip
async def test_the_echo_of_our_own_writing_moves_nothing_twice(
    sandbox: ShopifySandbox, shop: Shopify, clock: VirtualClock, wish: dict[str, Any]
) -> None:
    """Once the shop's own word is known, every further notice of the same writing says the same again."""
    async with receiving() as receiver:
        order = sandbox.shop.create_order()
        before = records_of(shop, await shop.fetch(order))
        clock.move_to(clock.now() + timedelta(hours=1))
        sandbox.subscribe_all(receiver.url)
        await shop.write_back(WriteBack(order, "key", **wish))
        known = [*before, *records_of(shop, await shop.fetch(order))]
        await sandbox.deliver_due()
        clock.move_to(clock.now() + timedelta(minutes=1))
        sandbox.shop.touch(order)
        await sandbox.deliver_due()
        echo = records_of(shop, receiver.events(shop))
    assert [each for each in echo if isinstance(each, OrderSnapshot)]
    was, now = state_of(known), state_of([*known, *echo])
    assert {key: folded.state for key, folded in now.items()} == {key: folded.state for key, folded in was.items()}
    assert {key: folded.entered for key, folded in now.items()} == {key: folded.entered for key, folded in was.items()}


async def test_a_repeated_write_back_after_the_echo_writes_nothing(sandbox: ShopifySandbox, shop: Shopify) -> None:
    order = sandbox.shop.create_order()
    wish = shipped(order, note="sent", status=WriteBackStatus.PAID)
    for _ in range(3):
        await shop.write_back(wish)
    assert len(mutations(sandbox)) == 3  # one fulfilment, one note, one payment
