"""Writing into the shop's order: once, without telling the customer, and without setting ourselves off."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import httpx
import pytest

from hub.clock import VirtualClock
from hub.model import OrderSnapshot
from hub.plugin import FailureError, Permanent, Unknown, WriteBack, WriteBackStatus
from plugins.platforms.woocommerce import WooCommerce
from plugins.platforms.woocommerce.sandbox import Happened, WooCommerceSandbox

from .telling import receiving, records_of, settings, snapshot_of, state_of

NUMBER = "20450999123456"
LINK = "https://novaposhta.ua/tracking/?cargo_number=20450999123456"


def shipped(order: str, **more: Any) -> WriteBack:
    return WriteBack(order, "key", tracking_number=NUMBER, tracking_url=LINK, carrier="Nova Poshta", **more)


def writes(sandbox: WooCommerceSandbox) -> Sequence[Happened]:
    return sandbox.ledger.where(kind="write")


async def told(shop: WooCommerce, order: str) -> list[tuple[str, str]]:
    parcels = snapshot_of(records_of(shop, await shop.fetch(order))).parcels or ()
    return [(number.number, number.url) for parcel in parcels for number in parcel.numbers]


# --- tracking numbers


async def test_without_a_better_place_a_number_goes_into_the_meta_data_and_is_read_there(
    sandbox: WooCommerceSandbox, shop: WooCommerce
) -> None:
    order = sandbox.shop.create_order(meta={"_paczkomat_id": "POZ08A"})
    for _ in range(2):
        await shop.write_back(shipped(order))
    (write,) = writes(sandbox)
    assert write.args == {"meta_data": [{"key": "_hub_tracking", "value": NUMBER}]}
    assert sandbox.shop.find(order).value("_paczkomat_id") == "POZ08A"
    assert await told(shop, order) == [(NUMBER, "")]
    await shop.write_back(WriteBack(order, "key-2", tracking_number="B2"))
    assert await told(shop, order) == [(NUMBER, ""), ("B2", "")]


async def test_the_merchant_s_own_key_comes_first(
    sandbox: WooCommerceSandbox, client: httpx.AsyncClient, url: str, clock: VirtualClock
) -> None:
    shop = WooCommerce(settings(url=url, tracking_meta=["novaposhta_ttn", "other"]), client, clock)
    order = sandbox.shop.create_order()
    await shop.write_back(shipped(order))
    assert sandbox.shop.find(order).value("novaposhta_ttn") == NUMBER
    known = sandbox.shop.create_order(meta={"other": "2045 0999 123456"})
    await shop.write_back(shipped(known))
    assert len(writes(sandbox)) == 1, "it stands there already"


async def test_what_a_plugin_keeps_in_a_form_of_its_own_is_not_written_over(
    sandbox: WooCommerceSandbox, client: httpx.AsyncClient, url: str, clock: VirtualClock
) -> None:
    shop = WooCommerce(settings(url=url, tracking_meta=["ttn"]), client, clock)
    order = sandbox.shop.create_order(meta={"ttn": {"number": "A1"}})
    await shop.write_back(shipped(order))
    assert sandbox.shop.find(order).value("ttn") == {"number": "A1"}
    assert sandbox.shop.find(order).value("_hub_tracking") == NUMBER


async def test_the_extension_shipment_tracking_takes_it_with_its_link(
    sandbox: WooCommerceSandbox, shop: WooCommerce
) -> None:
    sandbox.features.shipment_tracking = sandbox.features.ast = True
    order = sandbox.shop.create_order()
    for _ in range(2):
        await shop.write_back(shipped(order))
    (write,) = writes(sandbox)
    assert write.args == {
        "tracking_number": NUMBER, "custom_tracking_provider": "Nova Poshta", "custom_tracking_link": LINK,
    }  # fmt: skip
    assert await told(shop, order) == [(NUMBER, LINK)]
    await shop.write_back(WriteBack(order, "key-2", tracking_number="B2", carrier="DPD"))
    assert writes(sandbox)[1].args == {"tracking_number": "B2", "tracking_provider": "DPD"}


async def test_advanced_shipment_tracking_takes_it_and_does_not_complete_the_order(
    sandbox: WooCommerceSandbox, shop: WooCommerce
) -> None:
    sandbox.features.ast = True
    order = sandbox.shop.create_order(paid=True)
    for _ in range(2):
        await shop.write_back(shipped(order))
    (write,) = writes(sandbox)
    assert (write.args["tracking_number"], write.args["status_shipped"]) == (NUMBER, 0)
    assert sandbox.shop.find(order).status == "processing"
    assert [each.what for each in sandbox.ledger.where(kind="mail")] == ["processing"], "of the order itself"


async def test_core_fulfilments_come_before_all_and_hold_what_no_other_holds(
    sandbox: WooCommerceSandbox, client: httpx.AsyncClient, url: str, clock: VirtualClock
) -> None:
    sandbox.features.fulfillments = sandbox.features.shipment_tracking = True
    shop = WooCommerce(settings(url=url, fulfillments=True), client, clock)
    order = sandbox.shop.create_order(lines=(("A", "Cup", 3, "1.00"), ("B", "Pot", 1, "1.00")))
    cup, pot = sandbox.shop.find(order).items
    sandbox.shop.add_fulfilment(
        order, "fulfilled", {"_items": [{"item_id": cup.id, "qty": 1}], "_tracking_number": "A1"}
    )
    for _ in range(2):
        await shop.write_back(shipped(order))
    (write,) = writes(sandbox)
    meta = {each["key"]: each["value"] for each in write.args["meta_data"]}
    assert meta == {
        "_items": [{"item_id": cup.id, "qty": 2}, {"item_id": pot.id, "qty": 1}], "_tracking_number": NUMBER,
        "_shipment_provider": "Nova Poshta", "_tracking_url": LINK,
    }  # fmt: skip
    assert sandbox.ledger.where(kind="mail") == []
    assert await told(shop, order) == [("A1", ""), (NUMBER, LINK)]
    with pytest.raises(FailureError, match="nothing is left to fulfil") as failure:
        await shop.write_back(WriteBack(order, "key-2", tracking_number="C3"))
    assert isinstance(failure.value.outcome, Permanent)


async def test_where_numbers_belong_is_found_out_once(sandbox: WooCommerceSandbox, shop: WooCommerce) -> None:
    first, second = sandbox.shop.create_order(), sandbox.shop.create_order()
    await shop.write_back(shipped(first))
    asked = len(sandbox.ledger.where(kind="call"))
    await shop.write_back(WriteBack(second, "key-2", tracking_number="B2"))
    assert len(sandbox.ledger.where(kind="call")) == asked + 2, "read and write"


# --- notes


async def test_a_note_is_for_staff_and_written_once(sandbox: WooCommerceSandbox, shop: WooCommerce) -> None:
    order = sandbox.shop.create_order()
    for note in ("not paid in time", "not paid in time", "two\nlines ", "two\nlines "):
        await shop.write_back(WriteBack(order, "key", note=note))
    assert [(each.text, each.customer) for each in sandbox.shop.find(order).notes] == [
        ("not paid in time", False), ("two\nlines", False),
    ]  # fmt: skip
    assert sandbox.ledger.where(kind="mail") == []


async def test_after_a_lost_answer_a_note_is_not_repeated(sandbox: WooCommerceSandbox, shop: WooCommerce) -> None:
    order = sandbox.shop.create_order()
    sandbox.chaos.reset(when="after", path="*/notes", method="POST")
    wish = WriteBack(order, "key", note="hello")
    with pytest.raises(FailureError) as failure:
        await shop.write_back(wish)
    assert isinstance(failure.value.outcome, Unknown)
    await shop.write_back(wish)
    assert len(sandbox.shop.find(order).notes) == 1


async def test_after_a_lost_answer_a_number_is_not_repeated(sandbox: WooCommerceSandbox, shop: WooCommerce) -> None:
    sandbox.features.shipment_tracking = True
    order = sandbox.shop.create_order()
    sandbox.chaos.reset(when="after", path="*/shipment-trackings", method="POST")
    with pytest.raises(FailureError) as failure:
        await shop.write_back(shipped(order))
    assert isinstance(failure.value.outcome, Unknown)
    await shop.write_back(shipped(order))
    assert len(writes(sandbox)) == 1


# --- statuses


@pytest.mark.parametrize(
    ("wish", "wanted"),
    [(WriteBackStatus.CANCELLED, "cancelled"), (WriteBackStatus.COMPLETED, "completed"),
     (WriteBackStatus.SHIPPED, "completed"), (WriteBackStatus.PAID, "processing")],
)  # fmt: skip
async def test_a_status_is_written_once(
    sandbox: WooCommerceSandbox, shop: WooCommerce, wish: WriteBackStatus, wanted: str
) -> None:
    order = sandbox.shop.create_order()
    for _ in range(3):
        await shop.write_back(WriteBack(order, "key", status=wish))
    assert sandbox.shop.find(order).status == wanted and len(writes(sandbox)) == 1


async def test_a_merchant_has_a_status_of_their_own_for_shipped(
    sandbox: WooCommerceSandbox, client: httpx.AsyncClient, url: str, clock: VirtualClock
) -> None:
    shop = WooCommerce(settings(url=url, shipped_status="shipped"), client, clock)
    sandbox.shop.register_status("shipped", "Shipped")
    order = sandbox.shop.create_order(paid=True)
    await shop.write_back(WriteBack(order, "key", status=WriteBackStatus.SHIPPED))
    assert sandbox.shop.find(order).status == "shipped"
    sandbox.shop.complete(order)
    await shop.write_back(WriteBack(order, "key", status=WriteBackStatus.SHIPPED))
    assert sandbox.shop.find(order).status == "completed", "what is finished does not go back"


async def test_a_status_that_the_shop_does_not_have_is_refused_for_good(
    sandbox: WooCommerceSandbox, client: httpx.AsyncClient, url: str, clock: VirtualClock
) -> None:
    shop = WooCommerce(settings(url=url, shipped_status="nonsense"), client, clock)
    with pytest.raises(FailureError, match="rest_invalid_param") as failure:
        await shop.write_back(WriteBack(sandbox.shop.create_order(), "key", status=WriteBackStatus.SHIPPED))
    assert isinstance(failure.value.outcome, Permanent)


async def test_money_is_never_sent_back(sandbox: WooCommerceSandbox, shop: WooCommerce) -> None:
    order = sandbox.shop.create_order(paid=True)
    await shop.write_back(WriteBack(order, "key", status=WriteBackStatus.CANCELLED, note="by the hub"))
    assert sandbox.shop.find(order).refunds == []


@pytest.mark.parametrize("ref", ["7", "x", "", "7419/notes", "１"])
async def test_an_order_that_is_not_there_cannot_be_written(shop: WooCommerce, ref: str) -> None:
    with pytest.raises(FailureError, match="no such order") as failure:
        await shop.write_back(WriteBack(ref, "key", note="hello"))
    assert isinstance(failure.value.outcome, Permanent)


async def test_an_order_in_the_trash_is_left_there(sandbox: WooCommerceSandbox, shop: WooCommerce) -> None:
    order = sandbox.shop.create_order()
    sandbox.shop.trash(order)
    with pytest.raises(FailureError, match="trash"):
        await shop.write_back(WriteBack(order, "key", status=WriteBackStatus.CANCELLED))
    assert not writes(sandbox)


# --- the loop


@pytest.mark.parametrize(
    "wish", [{"note": "hello"}, {"tracking_number": NUMBER}, *({"status": each} for each in WriteBackStatus)]
)
async def test_the_echo_of_our_own_writing_moves_nothing_twice_and_makes_us_write_nothing(
    sandbox: WooCommerceSandbox, shop: WooCommerce, clock: VirtualClock, wish: dict[str, Any]
) -> None:
    async with receiving() as receiver:
        order = sandbox.shop.create_order()
        before = records_of(shop, await shop.fetch(order))
        clock.move_to(clock.now() + timedelta(hours=1))
        sandbox.hook_all(receiver.url)
        await shop.write_back(WriteBack(order, "key", **wish))
        known = [*before, *records_of(shop, await shop.fetch(order))]
        await sandbox.deliver_due()
        clock.move_to(clock.now() + timedelta(minutes=1))
        sandbox.shop.touch(order)
        await sandbox.deliver_due()
        echo = records_of(shop, receiver.events(shop))
        written = len(writes(sandbox))
        await shop.write_back(WriteBack(order, "key", **wish))
    assert [each for each in echo if isinstance(each, OrderSnapshot)]
    was, now = state_of(known), state_of([*known, *echo])
    assert {axis: folded.state for axis, folded in now.items()} == {axis: folded.state for axis, folded in was.items()}
    assert {axis: folded.entered for axis, folded in now.items()} == {axis: each.entered for axis, each in was.items()}
    assert len(writes(sandbox)) == written
