"""One order's body, and what becomes of it."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest

from hub.clock import VirtualClock
from hub.model import Address, DeliverBy, Line, Money, OrderSnapshot, PayBy, Removed, Reread
from hub.plugin import Raw, UnreadableError
from hub.status import Axis, Order, Payment
from plugins.platforms.woocommerce import WooCommerce

from .telling import MORNING, natives, sample, settings, snapshot_of, state_of

BODY = sample("webhooks/order-updated")
UNPAID = {"date_paid": None, "date_paid_gmt": None}
COD = {"payment_method": "cod", **UNPAID}
PART = [{"id": 1, "reason": "", "total": "-45.91"}]
ALL = [*PART, {"id": 2, "reason": "", "total": "-80.03"}]


def adapter(**more: Any) -> WooCommerce:
    client = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(503)))
    return WooCommerce(settings(**more), client, VirtualClock(MORNING))


def read(more: dict[str, Any], **setting: Any) -> list[Any]:
    return list(adapter(**setting).normalise(Raw({**BODY, **more}, subject="order:7419", dedupe_key="k")))


def order(more: dict[str, Any], **setting: Any) -> OrderSnapshot:
    return snapshot_of(read(more, **setting))


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        ({"status": "pending", **UNPAID}, ["pending", "open"]),
        ({"status": "pending"}, ["pending", "open"]),
        ({"status": "on-hold", "payment_method": "bacs", **UNPAID}, ["on-hold/bacs", "open"]),
        ({"status": "on-hold", "payment_method": "cheque", **UNPAID}, ["on-hold/cheque", "open"]),
        ({"status": "on-hold"}, ["on-hold/przelewy24", "paid:yes"]),
        ({"status": "on-hold", "payment_method": "a/b", **UNPAID}, ["on-hold"]),
        ({"status": "on-hold", **COD}, ["on-hold/cod", "paid:cod"]),
        ({"status": "processing"}, ["processing", "paid:yes"]),
        ({"status": "processing", **COD}, ["processing", "paid:cod"]),
        ({"status": "processing", "payment_method": "cod"}, ["processing", "paid:yes"]),
        ({"status": "processing", **UNPAID}, ["processing"]),
        ({"status": "completed"}, ["completed", "paid:yes"]),
        ({"status": "cancelled", **UNPAID}, ["cancelled"]),
        ({"status": "cancelled", "refunds": ALL}, ["cancelled", "refunds:all"]),
        ({"status": "failed", **UNPAID}, ["failed", "open"]),
        ({"status": "refunded", "refunds": ALL}, ["refunded", "open"]),
        ({"status": "processing", "refunds": PART}, ["processing", "refunds:part"]),
        ({"status": "completed", "refunds": ALL}, ["completed", "refunds:all"]),
        ({"status": "processing", "refunds": PART, **COD}, ["processing", "paid:cod"]),
        ({"status": "completed", "refunds": PART, **COD}, ["completed", "refunds:part"]),
        ({"status": "packing"}, ["wc-packing", "paid:yes"]),
        ({"status": "wc-packing"}, ["wc-packing", "paid:yes"]),
        ({"status": "PROCESSING"}, ["processing", "paid:yes"]),
    ],
)
def test_the_status_and_what_it_does_not_say(more: dict[str, Any], wanted: list[str]) -> None:
    assert natives(order(more)) == wanted


@pytest.mark.parametrize("slug", ["checkout-draft", "auto-draft", "draft", "new"])
def test_what_is_not_an_order_yet_is_none(slug: str) -> None:
    assert read({"status": slug}) == []


def test_trash_is_told_as_removed_at_the_shop_s_own_time() -> None:
    assert read({"status": "trash"}) == [Removed("7419", datetime(2026, 11, 20, 9, 15, 30, tzinfo=UTC))]


def test_a_paused_order_that_is_pending_again_is_open_again() -> None:
    """One status field for all axes: `open` beside a payment word is what says so."""

    def at(hour: int, status: str) -> OrderSnapshot:
        return order({"status": status, "date_modified_gmt": f"2026-11-20T{hour:02}:00:00", **UNPAID})

    story = [at(10, "processing"), at(11, "on-hold"), at(12, "pending")]
    assert state_of(story[:2])[Axis.ORDER].state is Order.ON_HOLD
    folded = state_of(story)
    assert (folded[Axis.ORDER].state, folded[Axis.PAYMENT].state) == (Order.RECEIVED, Payment.AWAITING_PAYMENT)
    assert state_of([*story, at(13, "cancelled"), at(14, "failed")])[Axis.ORDER].state is Order.RECEIVED


# --- times, money, goods


def test_times_are_those_in_utc_and_never_the_shop_s_local_ones() -> None:
    found = order({"date_modified": "2030-01-01T00:00:00", "date_created": "2030-01-01T00:00:00"})
    assert found.version == datetime(2026, 11, 20, 9, 15, 30, tzinfo=UTC)
    assert found.placed_at == datetime(2026, 11, 20, 9, 14, 3, tzinfo=UTC)


@pytest.mark.parametrize("time", [None, "", "yesterday", "2026-11-31T00:00:00", 1795255200])
def test_an_order_without_its_own_time_is_unreadable(time: Any) -> None:
    with pytest.raises(UnreadableError, match="date_modified_gmt"):
        read({"date_modified_gmt": time})


def test_money_stays_a_text_until_it_is_exact() -> None:
    found = order({"total": "0.10", "refunds": [{"id": 1, "reason": "", "total": "-0.03"}], "currency": "PLN"})
    assert (found.total, found.refunded) == (Money(Decimal("0.10"), "PLN"), Money(Decimal("0.03"), "PLN"))
    price = sample("webhooks/order-updated")["line_items"][0] | {"quantity": 3, "subtotal": "10.00", "price": 3.3333333}
    assert (order({"line_items": [price]}).lines or ())[0].price == Money(Decimal("3.33"), "PLN")


@pytest.mark.parametrize("total", [125.94, "1e5", "12,50", "NaN", "٣"])
def test_money_of_another_form_is_unreadable(total: Any) -> None:
    with pytest.raises(UnreadableError, match="total"):
        read({"total": total})


@pytest.mark.parametrize(
    ("more", "paid"),
    [({}, "125.94"), ({"status": "pending", **UNPAID}, "0"), (COD, "0"), ({"status": "completed", **COD}, None),
     ({**UNPAID}, None), ({"status": "cancelled", **UNPAID}, None)],
)  # fmt: skip
def test_what_was_paid_is_known_or_not(more: dict[str, Any], paid: str | None) -> None:
    assert order(more).paid == (None if paid is None else Money(Decimal(paid), "PLN"))


@pytest.mark.parametrize(("more", "how"), [({}, PayBy.PREPAID), (COD, PayBy.COD), ({"total": "0.00"}, PayBy.FREE)])
def test_how_it_is_paid(more: dict[str, Any], how: PayBy) -> None:
    assert order(more).pay_by is how


def test_a_merchant_names_the_methods_of_the_door() -> None:
    more = {"payment_method": "za_pobraniem", **UNPAID}
    assert natives(order(more)) == ["processing"]
    found = order(more, cod_methods=["cod", "za_pobraniem"])
    assert natives(found) == ["processing", "paid:cod"] and found.pay_by is PayBy.COD


def test_names_are_read_as_people_read_them() -> None:
    line = BODY["line_items"][0] | {"name": "Mug &ndash; Blue &amp; white", "quantity": 0.5, "sku": ""}
    found = order({"line_items": [line], "payment_method_title": "P24 &reg;"})
    assert found.lines == (Line("3105", "Mug – Blue & white", Decimal("0.5"), price=Money(Decimal("183.64"), "PLN")),)
    assert found.payment_method == "P24 ®"


def test_a_link_to_pay_is_given_only_where_there_is_something_to_pay() -> None:
    assert order({}).payment_url == ""
    assert order({"status": "pending", "needs_payment": True}).payment_url.startswith(
        "https://shop.example.com/checkout"
    )


def test_a_numbering_plugin_s_number_is_the_human_one() -> None:
    assert [order({"number": number}).number for number in ("PL/2026/17", "", 42, None)] == [
        "PL/2026/17", "7419", "42", "7419",
    ]  # fmt: skip


# --- delivery


LOCAL = [{"id": 1, "method_id": "local_pickup", "method_title": "Collect in Pozna&#324;", "total": "0.00"}]
EMPTY = dict.fromkeys(BODY["shipping"], "")


@pytest.mark.parametrize(
    ("more", "how"),
    [
        ({}, DeliverBy.SHIP),
        ({"shipping_lines": LOCAL}, DeliverBy.PICKUP),
        ({"shipping_lines": [LOCAL[0] | {"method_id": "pickup_location"}]}, DeliverBy.PICKUP),
        ({"shipping_lines": [LOCAL[0] | {"method_id": "local_pickup:7"}]}, DeliverBy.PICKUP),
        ({"shipping_lines": [], "needs_processing": False}, DeliverBy.DIGITAL),
        ({"shipping_lines": [], "shipping": EMPTY}, DeliverBy.DIGITAL),
        ({"shipping_lines": [], "created_via": "admin"}, DeliverBy.SHIP),
        ({"shipping": EMPTY}, DeliverBy.SHIP),
    ],
)
def test_how_it_is_delivered(more: dict[str, Any], how: DeliverBy) -> None:
    found = order(more)
    assert found.deliver_by is how
    assert [line.ships for line in found.lines or ()] == [how is not DeliverBy.DIGITAL]
    assert (found.address is None) == (how is not DeliverBy.SHIP)


def test_a_counter_has_its_name() -> None:
    point = order({"shipping_lines": LOCAL}).point
    assert point is not None and point.name == "Collect in Poznań"


def test_without_an_address_of_its_own_an_order_goes_to_the_one_of_the_bill() -> None:
    billing = BODY["billing"] | {"city": "Gdańsk"}
    assert order({"shipping": EMPTY, "billing": billing}).address == Address(
        name="Marek Zawadzki", phone="+48600111222", street="ul. Lipowa 8/3", city="Gdańsk", postcode="61-001",
        country="PL",
    )  # fmt: skip
    assert (order({"billing": billing}).address or Address()).city == "Poznań"


def test_a_guest_has_no_reference_and_the_language_stands_where_the_merchant_says() -> None:
    meta = [{"id": 1, "key": "wpml_language", "value": "uk_UA"}, {"id": 2, "key": "lang", "value": "de"}]
    guest, known = order({"meta_data": meta}).customer, order({"customer_id": 205, "meta_data": meta}).customer
    assert (guest.ref, guest.locale, known.ref) == ("", "uk-UA", "205")
    assert order({"meta_data": meta}, language_meta=["lang"]).customer.locale == "de"


def test_only_the_meta_data_that_are_named_can_be_read() -> None:
    assert order({}).attributes == {}
    assert order({}, attributes=["_paczkomat_id", "is_vat_exempt", "none"]).attributes == {
        "_paczkomat_id": "POZ08A", "is_vat_exempt": "no",
    }  # fmt: skip


# --- tracking numbers


def numbers(value: Any, key: str = "_wc_shipment_tracking_items", **setting: Any) -> list[tuple[str, str]]:
    found = order({"meta_data": [{"id": 1, "key": key, "value": value}]}, **setting)
    return [(number.number, number.carrier) for parcel in found.parcels or () for number in parcel.numbers]


ITEM = {"tracking_provider": "DPD", "custom_tracking_provider": "", "tracking_number": "13 00-a", "tracking_id": "1"}


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ([ITEM], [("1300-A", "DPD")]),
        ([ITEM, ITEM], [("1300-A", "DPD")]),
        ([ITEM | {"tracking_provider": "", "custom_tracking_provider": "Meest"}], [("1300-A", "Meest")]),
        ([ITEM | {"tracking_number": ""}], []),
        ([], []),
        ("", []),
        (False, []),
        ({"0": ITEM}, []),
        ([None, 5, "x"], []),
    ],
)
def test_numbers_of_the_tracking_extensions(value: Any, wanted: list[tuple[str, str]]) -> None:
    assert numbers(value) == wanted


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("2045 0999 1234 56", ["20450999123456"]),
        ("A1, B2;C3|D4\nE5", ["A1", "B2", "C3", "D4", "E5"]),
        (20450999123456, ["20450999123456"]),
        (["A1", "B2", "A1"], ["A1", "B2"]),
        ({"number": "A1"}, []),
        (True, []),
        (1.5, []),
        (None, []),
    ],
)
def test_numbers_of_a_key_that_the_merchant_names(value: Any, wanted: list[str]) -> None:
    assert [number for number, _ in numbers(value, "novaposhta_ttn", tracking_meta=["novaposhta_ttn"])] == wanted
    assert numbers(value, "novaposhta_ttn") == []


def test_of_several_numbers_the_first_holds_the_goods() -> None:
    parcels = order({"meta_data": [{"id": 1, "key": "_hub_tracking", "value": "A1, B2"}]}).parcels or ()
    assert [(each.ref, each.contents) for each in parcels] == [("number:A1", None), ("number:B2", ())]


def test_fulfilments_are_parcels_where_they_are_read() -> None:
    meta = [
        {"id": 1, "key": "_items", "value": [{"item_id": 3105, "qty": 1}]},
        {"id": 2, "key": "_tracking_number", "value": "6200 1"},
        {"id": 3, "key": "_shipment_provider", "value": "inpost"},
        {"id": 4, "key": "_tracking_url", "value": "https://inpost.example/62001"},
    ]
    told = [
        {"id": 9, "status": "fulfilled", "is_fulfilled": True, "date_deleted": None, "meta_data": meta},
        {
            "id": 8,
            "status": "fulfilled",
            "is_fulfilled": True,
            "date_deleted": "2026-11-20 09:00:00",
            "meta_data": meta,
        },
    ]
    (record,) = read({"hub_fulfillments": told}, fulfillments=True)
    (parcel,) = record.parcels
    assert parcel.ref == "9" and [each.code for each in parcel.natives] == ["fulfilled"]
    assert parcel.contents == (("3105", Decimal(1)),)
    assert [(each.number, each.carrier, each.url) for each in parcel.numbers] == [
        ("62001", "inpost", "https://inpost.example/62001")
    ]


def test_a_webhook_does_not_tell_the_fulfilments_so_that_the_order_is_read_again() -> None:
    snapshot, hint = read({}, fulfillments=True)
    assert snapshot.parcels is None and isinstance(hint, Reread) and hint.ref == "7419"
