"""What is peculiar to Shopify's words: who leads on an axis, amounts, parcels, holds, events and hints."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest

from hub.clock import VirtualClock
from hub.model import DeliverBy, OrderSnapshot, ParcelKind, PayBy, RefKind, Removed, Reread, Retraction, StatusEvent
from hub.plugin import Raw
from hub.status import Order, Payment, Reason, Shipment, lookup
from plugins.platforms.shopify import Shopify

from .conftest import MORNING
from .telling import SAMPLES, TABLES, natives, settings, snapshot_of, webhook

SHOP = Shopify(
    settings(), httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(503))), VirtualClock(MORNING)
)


def sample(name: str) -> Any:
    return json.loads((SAMPLES / "webhooks" / f"{name}.json").read_text(encoding="utf-8"))


def node(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))["data"]["orders"]["nodes"][0]


def read(body: Any, topic: str = "") -> Sequence[Any]:
    return SHOP.normalise(Raw(body, subject="order:1", dedupe_key="k", topic=topic, occurred_at=MORNING))


def order(name: str = "order-created", **changes: Any) -> OrderSnapshot:
    return snapshot_of(read({**sample(name), **changes}))


def told(name: str, **changes: Any) -> OrderSnapshot:
    return snapshot_of(read({**node(name), **changes}))


def meaning(record: OrderSnapshot, vocabulary: str) -> Any:
    native = next(each for each in record.natives if each.vocabulary == vocabulary)
    found = lookup(native.code, plugin=TABLES[vocabulary])
    assert found is not None
    return found.meaning


# --- payment


@pytest.mark.parametrize(
    ("gateways", "cod"),
    [
        (["Cash on Delivery (COD)"], True),
        (["cash ON delivery"], True),
        (["Накладений платіж Нової Пошти"], True),
        (["Оплата при отриманні"], True),
        (["Płatność za pobraniem"], True),
        (["Наложенный платёж"], True),
        (["shopify_payments"], False),
        (["Bank transfer"], False),
        (["shopify_payments", "Cash on Delivery (COD)"], True),
        ([], False),
    ],
)
def test_cash_on_delivery_is_known_by_the_gateway_s_name(gateways: list[str], cod: bool) -> None:
    record = order(payment_gateway_names=gateways)
    assert record.pay_by is (PayBy.COD if cod else PayBy.PREPAID)
    assert meaning(record, "shopify.financial").status is (
        Payment.CASH_ON_DELIVERY if cod else Payment.AWAITING_PAYMENT
    )


def test_a_merchant_names_his_own_cash_on_delivery() -> None:
    shop = Shopify(settings(cod_gateways=["nachnahme"]), SHOP.client, SHOP.clock)
    body = {**sample("order-created"), "payment_gateway_names": ["Nachnahme DHL"]}
    assert snapshot_of(shop.normalise(Raw(body, subject="order:1", dedupe_key="k"))).pay_by is PayBy.COD


def test_a_gateway_that_takes_the_money_itself_is_no_cash_on_delivery() -> None:
    payments = [{"id": "gid://shopify/OrderTransaction/5", "kind": "SALE", "status": "PENDING", "manualPaymentGateway":
                 False, "gateway": "Cash on Delivery (COD)", "processedAt": None}]  # fmt: skip
    assert told("cash-on-delivery").pay_by is PayBy.COD
    assert told("cash-on-delivery", transactions=payments).pay_by is PayBy.PREPAID


def test_refunded_needs_refunds_of_all_that_was_paid() -> None:
    whole = order("order-partly-refunded", financial_status="refunded")
    assert natives(whole)[0] == "shopify.financial:refunded/part"
    assert meaning(whole, "shopify.financial").status is Payment.PARTLY_REFUNDED
    assert natives(told("refunded-after-delivery"))[0] == "shopify.financial:refunded"


def test_money_stays_exact() -> None:
    record = order(total_price="0.10", current_total_price="0.10", total_outstanding="0.03")
    assert record.paid is not None and record.paid.amount == Decimal("0.07")
    assert record.refunded is not None and record.refunded.amount == 0


def test_a_refund_in_another_currency_makes_no_sum() -> None:
    refund = {"transactions": [{"kind": "refund", "status": "success", "amount": "10.00", "currency": "EUR"}]}
    record = order(financial_status="refunded", refunds=[refund])
    assert record.refunded is None and record.paid is None
    assert natives(record)[0] == "shopify.financial:refunded"


def test_a_free_order_needs_no_money() -> None:
    free = order(total_price="0.00", payment_gateway_names=[], financial_status="paid")
    assert free.pay_by is PayBy.FREE


# --- the order axis


def test_cancelled_at_leads() -> None:
    record = order("order-cancelled", fulfillment_status="fulfilled")
    assert natives(record) == ["shopify.financial:voided", "shopify.order:cancelled/customer"]
    assert record.cancel_reason is Reason.CUSTOMER_WISH
    assert told("on-hold", cancelledAt="2026-11-20T10:00:00Z", cancelReason="FRAUD").cancel_reason is Reason.FRAUD_CHECK


def test_a_webhook_says_nothing_of_where_an_open_order_stands() -> None:
    """Its null hides holds and picking; that the order was placed is an event, true whatever came later."""
    placed = [each for each in read(sample("order-created")) if isinstance(each, StatusEvent)]
    assert natives(order()) == ["shopify.financial:pending/cod"]
    assert [(each.native.code, each.at) for each in placed] == [
        ("placed", datetime(2026, 11, 20, 9, 14, 3, tzinfo=UTC))
    ]


def test_a_partly_sent_order_is_read_again() -> None:
    again = [each for each in read(sample("order-partially-fulfilled")) if isinstance(each, Reread)]
    assert again == [Reread(RefKind.ORDER, "6120043217117")]
    assert not [each for each in read(sample("order-fulfilled")) if isinstance(each, Reread)]


def fulfilment_order(status: str, *reasons: str, method: str = "SHIPPING") -> dict[str, Any]:
    return {
        "id": "gid://shopify/FulfillmentOrder/1",
        "status": status,
        "deliveryMethod": {"methodType": method},
        "fulfillmentHolds": [{"reason": each} for each in reasons],
    }


@pytest.mark.parametrize(
    ("orders", "display", "code"),
    [
        ([("OPEN",)], "UNFULFILLED", "fulfillment_order:open"),
        ([("OPEN",), ("OPEN",)], "OPEN", "fulfillment_order:open"),
        ([("OPEN",)], "PENDING_FULFILLMENT", "display:pending_fulfillment"),
        ([("OPEN",)], "REQUEST_DECLINED", "display:request_declined"),
        ([("CLOSED",), ("OPEN",)], "PARTIALLY_FULFILLED", "display:partially_fulfilled"),
        ([("CLOSED",), ("ON_HOLD", "INVENTORY_OUT_OF_STOCK")], "PARTIALLY_FULFILLED",
         "fulfillment_order:on_hold/inventory_out_of_stock"),
        ([("IN_PROGRESS",), ("ON_HOLD",)], "ON_HOLD", "fulfillment_order:on_hold"),
        ([("IN_PROGRESS",), ("OPEN",)], "IN_PROGRESS", "fulfillment_order:in_progress"),
        ([("SCHEDULED",)], "SCHEDULED", "fulfillment_order:scheduled"),
        ([("INCOMPLETE",)], "PARTIALLY_FULFILLED", "fulfillment_order:incomplete"),
        ([("CLOSED",), ("CANCELLED",)], "FULFILLED", "display:fulfilled"),
        ([("CLOSED",)], "UNFULFILLED", "fulfillment_order:closed"),
        ([("CANCELLED",)], "RESTOCKED", "display:restocked"),
        ([], "FULFILLMENT_NOT_REQUIRED", "display:fulfillment_not_required"),
        ([("ON_HOLD", "OTHER", "AWAITING_PAYMENT")], "ON_HOLD", "fulfillment_order:on_hold/awaiting_payment"),
        ([("ON_HOLD", "ONLINE_STORE_POST_PURCHASE_CROSS_SELL")], "ON_HOLD",
         "fulfillment_order:on_hold/online_store_post_purchase_cross_sell"),
        ([("ON_HOLD", "ONLINE_STORE_POST_PURCHASE_CROSS_SELL", "OTHER")], "ON_HOLD", "fulfillment_order:on_hold/other"),
        ([("ON_HOLD", "SOMETHING_NEW")], "ON_HOLD", "fulfillment_order:on_hold/something_new"),
        ([("SOMETHING_NEW",)], "UNFULFILLED", "fulfillment_order:something_new"),
    ],
)  # fmt: skip
def test_the_fulfilment_orders_lead_then_the_display_status(
    orders: list[tuple[str, ...]], display: str, code: str
) -> None:
    nodes = [fulfilment_order(*each) for each in orders]
    record = told("cash-on-delivery", fulfillmentOrders={"nodes": nodes}, displayFulfillmentStatus=display)
    assert natives(record)[1:] == [f"shopify.{code}"]


def test_a_hold_carries_its_reason_and_a_new_reason_is_still_a_hold() -> None:
    held = meaning(told("on-hold"), "shopify.fulfillment_order")
    assert (held.status, held.reason) == (Order.ON_HOLD, Reason.WRONG_ADDRESS)
    strange = [fulfilment_order("ON_HOLD", "SOMETHING_NEW")]
    held = meaning(told("on-hold", fulfillmentOrders={"nodes": strange}), "shopify.fulfillment_order")
    assert (held.status, held.reason) == (Order.ON_HOLD, None)


# --- parcels


def parcel(**changes: Any) -> dict[str, Any]:
    return {**sample("fulfillment-created"), **changes}


@pytest.mark.parametrize(
    ("status", "value"),
    [
        ("success", Shipment.SHIPPED),
        ("pending", Shipment.ANNOUNCED),
        ("open", Shipment.ANNOUNCED),
        ("cancelled", Shipment.CANCELLED),
        ("error", Shipment.CANCELLED),
        ("failure", Shipment.CANCELLED),
    ],
)
def test_a_fulfilment_without_a_parcel_status_speaks_for_itself(status: str, value: Shipment) -> None:
    parcels = order("order-fulfilled", fulfillments=[parcel(status=status)]).parcels or ()
    found = lookup(parcels[0].natives[0].code, plugin=TABLES["shopify.fulfillment"])
    assert found is not None and found.meaning.status is value


def test_a_webhook_with_a_parcel_status_says_look_again() -> None:
    """The status repeats an event that has its own time and may be taken back."""
    records = read({**sample("order-fulfilled"), "fulfillments": [parcel(shipment_status="delivered")]})
    parcels = snapshot_of(records).parcels or ()
    assert parcels[0].natives == () and Reread(RefKind.ORDER, "6120043217117") in records


def test_a_parcel_status_that_is_no_event_is_told_as_it_stands() -> None:
    shipment = {**node("shipped-with-events")["fulfillments"][0], "events": {"nodes": []}}
    parcels = told("shipped-with-events", fulfillments=[shipment]).parcels or ()
    assert [each.code for each in parcels[0].natives] == ["out_for_delivery"]


def test_several_numbers_in_one_fulfilment_are_all_told_and_tidied() -> None:
    parcels = order("order-two-numbers").parcels or ()
    assert [each.number for each in parcels[0].numbers] == ["20450999123456", "20450999123457"]
    assert parcels[0].numbers[1].url.endswith("cargo_number=20450999123457")


def test_a_lone_number_is_read_where_the_list_is_missing() -> None:
    parcels = order("order-fulfilled", fulfillments=[parcel(tracking_numbers=None, tracking_urls=None)]).parcels or ()
    assert [each.number for each in parcels[0].numbers] == ["20450999123456"]


def test_what_is_collected_at_the_counter_is_handed_over_when_fulfilled() -> None:
    record = told("pickup-handed-over")
    assert record.deliver_by is DeliverBy.PICKUP
    parcels = record.parcels or ()
    assert (parcels[0].kind, parcels[0].natives[0].code) == (ParcelKind.PICKUP, "success/pickup")
    retail = told("pickup-handed-over", fulfillmentOrders={"nodes": [fulfilment_order("CLOSED", method="RETAIL")]})
    assert retail.deliver_by is DeliverBy.PICKUP


@pytest.mark.parametrize("methods", [[], ["SHIPPING"], ["PICK_UP"]])
def test_an_order_that_needs_no_fulfilment_is_digital(methods: list[str]) -> None:
    orders = [{"status": "OPEN", "fulfillmentHolds": [], "deliveryMethod": {"methodType": each}} for each in methods]
    changes = {"displayFulfillmentStatus": "FULFILLMENT_NOT_REQUIRED", "fulfillmentOrders": {"nodes": orders}}
    record = told("cash-on-delivery", **changes)
    assert any(line.ships for line in record.lines or ())
    assert record.deliver_by is DeliverBy.DIGITAL
    assert order(fulfillment_status="fulfillment_not_required").deliver_by is DeliverBy.DIGITAL
    assert order(fulfillment_status=None).deliver_by is None, "a webhook does not know"


def test_digital_goods_make_no_parcel() -> None:
    for record in (order("order-digital"), told("digital")):
        assert (record.deliver_by, record.parcels) == (DeliverBy.DIGITAL, ())


def test_units_refunded_after_they_were_sent_were_not_removed() -> None:
    lines = order("order-partly-refunded").lines or ()
    assert [(int(each.ordered), int(each.removed)) for each in lines] == [(2, 0)]
    edited = told("edited").lines or ()
    assert [(int(each.ordered), int(each.removed)) for each in edited] == [(3, 2)]


# --- events, returns, hints


def test_a_failed_payment_is_an_event_and_a_failed_refund_moves_nothing() -> None:
    event = read(sample("payment-failed"))[0]
    assert (event.native.code, event.event_id) == ("failure/sale", "transaction:7340092188829")
    refund = read({**sample("payment-failed"), "kind": "refund"})[0]
    found = lookup(refund.native.code, plugin=TABLES["shopify.transaction"])
    assert found is not None and found.meaning.status is None


def test_a_carrier_scan_has_its_own_time_place_and_expectation() -> None:
    event = read(sample("fulfillment-event"))[0]
    assert event.at == datetime(2026, 11, 23, 6, 40, tzinfo=UTC)
    assert (event.ref, event.place, event.text) == ("5480012231901", "Lviv", "Courier is on the way")
    assert event.eta.start == datetime(2026, 11, 23, 16, 0, tzinfo=UTC)


def test_the_notice_of_a_deleted_scan_only_makes_us_look() -> None:
    found = read(sample("fulfillment-event"), topic="fulfillment_events/delete")
    assert found == [Reread(RefKind.ORDER, "gid://shopify/FulfillmentEvent/30219923841053?order=6120043217117")]
    gone = {"id": "30219923841053", "order_id": "6120043217117", "at": "2026-11-23T09:00:00+00:00"}
    assert read({"deleted_fulfillment_event": gone}) == [
        Retraction("6120043217117", "fulfillment_event:30219923841053", datetime(2026, 11, 23, 9, tzinfo=UTC))
    ]


def test_the_notice_of_a_deleted_scan_is_not_lost_as_a_repeat_of_the_scan() -> None:
    body = json.dumps(sample("fulfillment-event")).encode()
    scan = SHOP.verify(webhook(body, topic="fulfillment_events/create")).events[0]
    notice = SHOP.verify(webhook(body, topic="fulfillment_events/delete")).events[0]
    assert scan.dedupe_key != notice.dedupe_key


@pytest.mark.parametrize(
    ("name", "ref"),
    [
        ("fulfillment-created", "6120043217117"),
        ("refund-created", "6120043217117"),
        ("order-edited", "6120043217117"),
        ("return-requested", "6120043217117"),
        ("payment-succeeded", "6120043217118"),
        ("hold-placed", "gid://shopify/FulfillmentOrder/7012003344556"),
    ],
)
def test_hints_make_the_order_read_again(name: str, ref: str) -> None:
    assert read(sample(name)) == [Reread(RefKind.ORDER, ref)]


def test_a_return_without_its_order_is_found_by_its_own_id() -> None:
    body = {key: value for key, value in sample("return-requested").items() if key != "order"}
    assert read(body) == [Reread(RefKind.ORDER, "gid://shopify/Return/8800112233")]


def test_a_deleted_order_is_removed_at_the_time_it_was_heard() -> None:
    event = SHOP.verify(webhook(b'{"id":6120043217117}')).events[0]
    assert SHOP.normalise(event) == [Removed("6120043217117", MORNING)]


@pytest.mark.parametrize("name", ["customer-redact", "customer-updated"])
def test_privacy_requests_and_customers_are_kept_and_say_nothing(name: str) -> None:
    event = SHOP.verify(webhook(json.dumps(sample(name)).encode())).events[0]
    assert event.subject.startswith("shop:") and SHOP.normalise(event) == []


def test_the_return_status_of_an_order_speaks_only_when_no_case_is_known() -> None:
    alone = told("cash-on-delivery", returnStatus="IN_PROGRESS")
    assert [(each.ref, each.natives[0].code) for each in alone.returns or ()] == [
        ("order:6120043217117", "in_progress")
    ]
    with_case = told("refunded-after-delivery", returnStatus="IN_PROGRESS")
    assert [each.natives[0].code for each in with_case.returns or ()] == ["closed/refunded"]
    assert told("cash-on-delivery").returns == ()


def test_a_phone_that_stands_only_in_the_address_is_found() -> None:
    body = {**sample("order-created")}
    body["customer"] = {**body["customer"], "phone": None}
    assert snapshot_of(read(body)).customer.phone == "+380501112233"
    body["shipping_address"] = {**body["shipping_address"], "phone": None}
    assert snapshot_of(read(body)).customer.phone == ""


def test_an_order_without_a_customer_is_an_order() -> None:
    record = order("order-without-customer")
    assert (record.customer.ref, record.customer.email, record.customer.name, record.address) == ("", "", "", None)


def test_times_with_the_shop_s_offset_are_brought_to_utc() -> None:
    record = order(updated_at="2026-11-20T11:14:05+02:00")
    assert record.version == order(updated_at="2026-11-20T09:14:05Z").version
    assert record.version.tzinfo is UTC
