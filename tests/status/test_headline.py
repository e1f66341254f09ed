"""The headline: the worked examples of STATUS.md, section 4, the phrases, and the effective values."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from hub.status import (
    Axis,
    CompletedMeans,
    Headline,
    Order,
    ParcelView,
    Payment,
    Phrase,
    PhraseKind,
    Quantity,
    Reason,
    Return,
    ReturnView,
    Shipment,
    Unit,
    effective_parcels,
    effective_payment,
    has_rest,
    headline,
    order_delivered,
    payment_by_amounts,
    phrase_text,
)


def parcels(*values: str, units: Quantity = 0, pickup: bool = False) -> list[ParcelView]:
    return [
        ParcelView(f"parcel:{number}", Shipment(value), units=units, pickup=pickup)
        for number, value in enumerate(values, 1)
    ]


def cases(*values: str, units: Quantity | None = None) -> list[ReturnView]:
    return [ReturnView(f"return:{number}", Return(value), units=units) for number, value in enumerate(values, 1)]


def read(order: str, payment: str, *sent: str, rest: bool = False, **more: Any) -> Headline:
    given = more.pop("parcels", None) or parcels(*sent)
    returns = more.pop("returns", ())
    return headline(
        Order(order), Payment(payment) if payment else None, given, returns, rest=rest, subject="order:1", **more
    )


def text(found: Headline) -> str:
    return phrase_text(found.phrase, "en") if found.phrase else ""


@dataclass(frozen=True)
class Example:
    number: int
    found: Headline
    value: str
    row: int
    phrase: str = ""


LOST = ParcelView("parcel:1", Shipment.PROBLEM, replaced=True)
EXAMPLES = [
    Example(1, read("received", "awaiting_payment", rest=True), "awaiting_payment", 13),
    Example(2, read("received", "cash_on_delivery", rest=True), "received", 21),
    Example(3, read("received", "authorised", rest=True), "paid", 20),
    Example(4, read("processing", "paid", rest=True), "processing", 19),
    Example(5, read("packed", "cash_on_delivery", "announced"), "packed", 17),
    Example(6, read("received", "paid", "announced"), "processing", 19),
    Example(7, read("completed", "cash_on_delivery", "delivered"), "delivered", 26),
    Example(8, read("completed", "cash_on_delivery", "returned"), "returned", 24),
    Example(9, read("completed", "paid", rest=True), "shipped", 16),
    Example(10, read("completed", "paid", "in_transit"), "in_transit", 10),
    Example(
        11,
        read("processing", "paid", parcels=parcels("delivered", units=1), units=2, rest=True),
        "processing",
        19,
        "1 of 2 items delivered",
    ),
    Example(
        12,
        read("completed", "paid", "delivered", "in_transit", "delivered"),
        "in_transit",
        10,
        "2 of 3 parcels delivered",
    ),
    Example(
        13,
        read("completed", "paid", "ready_for_pickup", "in_transit"),
        "ready_for_pickup",
        6,
        "Ready for pickup: 1 of 2 parcels",
    ),
    Example(14, read("completed", "paid", "delivered", "problem"), "problem", 3, "1 of 2 parcels delivered"),
    Example(15, read("completed", "paid", "delivered", "returning"), "returning", 5, "1 of 2 parcels delivered"),
    Example(16, read("completed", "paid", "delivered", "returned"), "delivered", 26, "1 of 2 parcels delivered"),
    Example(17, read("cancelled", "voided", rest=True), "cancelled", 1),
    Example(18, read("cancelled", "refunded", "in_transit"), "cancelled", 1),
    Example(19, read("processing", "partly_refunded", "announced"), "processing", 19),
    Example(20, read("completed", "refunded", "problem"), "refunded", 2),
    Example(21, read("completed", "paid", "delivered", returns=cases("approved")), "returning", 22),
    Example(
        22,
        read(
            "completed",
            "partly_refunded",
            parcels=parcels("delivered", units=5),
            returns=cases("refunded", units=1),
            units=5,
        ),
        "delivered",
        26,
        "Returned: 1 of 5 items",
    ),
    Example(23, read("received", "payment_failed", rest=True), "payment_failed", 12),
    Example(
        24,
        read("processing", "paid", parcels=parcels("ready_for_pickup", pickup=True), pickup=True),
        "ready_for_pickup",
        6,
    ),
    Example(25, read("received", "paid", digital=True, rest=False), "delivered", 15),
    Example(26, read("completed", "paid", parcels=[LOST, *parcels("in_transit")]), "in_transit", 10),
]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: str(example.number))
def test_a_worked_example_holds(example: Example) -> None:
    found = example.found
    assert (found.value.value, found.row, text(found)) == (example.value, example.row, example.phrase)


class TestDecider:
    def test_the_parcel_that_decides_is_named_with_its_reason(self) -> None:
        lost = ParcelView("parcel:2", Shipment.PROBLEM, Reason.LOST)
        found = read("completed", "paid", parcels=[*parcels("delivered"), lost])
        assert (found.decided_by_axis, found.decided_by, found.decided_value, found.reason) == (
            Axis.SHIPMENT,
            "parcel:2",
            Shipment.PROBLEM,
            Reason.LOST,
        )

    def test_the_order_decides_where_nobody_else_does(self) -> None:
        found = read("on_hold", "paid", rest=True, order_reason=Reason.OUT_OF_STOCK)
        assert (found.decided_by_axis, found.decided_by, found.reason) == (
            Axis.ORDER,
            "order:1",
            Reason.OUT_OF_STOCK,
        )

    @pytest.mark.parametrize(
        ("found", "axis", "value"),
        [
            (read("received", "authorised", rest=True), Axis.PAYMENT, Payment.AUTHORISED),
            (read("received", "", "announced"), Axis.SHIPMENT, Shipment.ANNOUNCED),
            (read("processing", "", "announced"), Axis.ORDER, Order.PROCESSING),
            (read("completed", "", digital=True, rest=True), Axis.ORDER, Order.COMPLETED),
            (read("received", "paid", digital=True, rest=True), Axis.PAYMENT, Payment.PAID),
            (read("completed", "", "delivered", returns=cases("requested")), Axis.RETURN, Return.REQUESTED),
            (read("completed", "refunded", "problem"), Axis.PAYMENT, Payment.REFUNDED),
        ],
    )
    def test_the_axis_that_decides_is_named(self, found: Headline, axis: Axis, value: str) -> None:
        assert (found.decided_by_axis, found.decided_value) == (axis, value)


class TestEffectiveValues:
    @pytest.mark.parametrize(
        ("values", "rest", "payment"),
        [
            (["delivered", "delivered"], False, Payment.PAID),
            (["returned", "returned"], False, Payment.VOIDED),
            (["delivered", "returned"], False, Payment.CASH_ON_DELIVERY),
            (["delivered", "cancelled"], False, Payment.PAID),
            (["delivered"], True, Payment.CASH_ON_DELIVERY),
            (["in_transit"], False, Payment.CASH_ON_DELIVERY),
            ([], False, Payment.CASH_ON_DELIVERY),
        ],
    )
    def test_cash_is_taken_at_the_door(self, values: list[str], rest: bool, payment: Payment) -> None:
        assert effective_payment(Payment.CASH_ON_DELIVERY, parcels(*values), rest) is payment

    def test_other_payments_do_not_hang_on_parcels(self) -> None:
        assert effective_payment(Payment.AWAITING_PAYMENT, parcels("delivered"), False) is Payment.AWAITING_PAYMENT
        assert effective_payment(None, parcels("delivered"), False) is None

    @pytest.mark.parametrize(
        ("parcel", "order", "means", "status"),
        [
            (ParcelView("1", Shipment.ANNOUNCED, pickup=True), Order.COMPLETED, "shipped", Shipment.DELIVERED),
            (ParcelView("1", Shipment.ANNOUNCED), Order.COMPLETED, "delivered", Shipment.DELIVERED),
            (ParcelView("1", Shipment.ANNOUNCED), Order.COMPLETED, "shipped", Shipment.ANNOUNCED),
            (ParcelView("1", Shipment.ANNOUNCED), Order.PACKED, "delivered", Shipment.ANNOUNCED),
            (ParcelView("1", Shipment.SHIPPED, followed=True), Order.COMPLETED, "delivered", Shipment.SHIPPED),
            (ParcelView("1", Shipment.RETURNED, pickup=True), Order.COMPLETED, "shipped", Shipment.RETURNED),
            (ParcelView("1", Shipment.PROBLEM), Order.COMPLETED, "delivered", Shipment.PROBLEM),
            (ParcelView("1", None), Order.PACKED, "shipped", Shipment.ANNOUNCED),
        ],
    )
    def test_a_closed_order_hands_over_what_no_carrier_follows(
        self, parcel: ParcelView, order: Order, means: str, status: Shipment
    ) -> None:
        assert [each.status for each in effective_parcels([parcel], order, means)] == [status]

    def test_only_live_parcels_count(self) -> None:
        dead = [
            ParcelView("1", Shipment.CANCELLED),
            ParcelView("2", Shipment.PROBLEM, replaced=True),
            ParcelView("3", Shipment.IN_TRANSIT, back=True),
        ]
        assert effective_parcels(dead, None) == ()
        assert has_rest(False, Order.COMPLETED, dead)

    def test_a_completed_order_with_a_parcel_has_no_rest(self) -> None:
        assert not has_rest(True, Order.COMPLETED, parcels("announced"))
        assert has_rest(True, Order.PACKED, parcels("announced"))

    def test_a_withdrawn_or_refused_return_had_never_been(self) -> None:
        found = read("completed", "paid", "delivered", returns=cases("withdrawn", "refused"))
        assert (found.value.value, found.row) == ("delivered", 26)

    def test_refunded_items_that_are_all_of_the_order_make_it_refunded(self) -> None:
        given = parcels("delivered", units=2)
        assert read("completed", "paid", parcels=given, returns=cases("refunded")).row == 25
        assert read("completed", "paid", parcels=given, returns=cases("refunded", "refunded", units=1)).row == 25
        assert read("completed", "paid", parcels=given, returns=cases("refunded", units=1)).row == 26

    def test_an_order_with_every_line_removed_is_cancelled_unless_the_money_went_back(self) -> None:
        assert read("received", "paid", all_removed=True).row == 1
        assert read("received", "refunded", all_removed=True).row == 2

    @pytest.mark.parametrize(
        ("kind", "means", "value"),
        [("pickup", "shipped", "delivered"), ("ship", "delivered", "delivered"), ("ship", "shipped", "shipped")],
    )
    def test_a_completed_order_without_parcel_is_as_the_connection_says(
        self, kind: str, means: str, value: str
    ) -> None:
        found = read("completed", "paid", pickup=kind == "pickup", completed_means=CompletedMeans(means))
        assert (found.value.value, found.row) == (value, 16)

    def test_an_order_is_delivered_when_its_last_open_parcel_is(self) -> None:
        assert order_delivered(parcels("delivered", "returned", "cancelled"), rest=False)
        assert not order_delivered(parcels("delivered", "in_transit"), rest=False)
        assert not order_delivered(parcels("delivered"), rest=True)
        assert not order_delivered(parcels("returned"), rest=False)

    @pytest.mark.parametrize(
        ("paid", "refunded", "value"),
        [
            (Decimal(10), Decimal(9), Payment.PARTLY_REFUNDED),
            (Decimal(10), Decimal(10), Payment.REFUNDED),
            (None, Decimal(9), Payment.REFUNDED),
        ],
    )
    def test_amounts_outrank_words(self, paid: Decimal | None, refunded: Decimal | None, value: Payment) -> None:
        assert payment_by_amounts(Payment.REFUNDED, paid, refunded) is value
        assert payment_by_amounts(Payment.PAID, paid, refunded) is Payment.PAID


class TestPhrases:
    @pytest.mark.parametrize(
        ("found", "phrase"),
        [
            pytest.param(read("packed", "paid", "in_transit", "announced"), "On the way: 1 of 2 parcels", id="moving"),
            pytest.param(
                read("processing", "paid", parcels=parcels("in_transit", units=1), rest=True, units=3),
                "On the way: 1 of 3 items",
                id="moving, with a rest",
            ),
            pytest.param(
                read("completed", "paid", "problem", "in_transit", "on_hold"),
                "Needs attention: 2 of 3 parcels",
                id="trouble",
            ),
            pytest.param(read("completed", "paid", "problem", "problem"), "", id="all alike"),
            pytest.param(read("completed", "paid", "in_transit", "shipped"), "", id="all moving"),
            pytest.param(
                read(
                    "completed",
                    "paid",
                    parcels=parcels("delivered", units=3),
                    returns=cases("returning", "refunded", units=1),
                ),
                "Being returned: 1 of 3 items",
                id="one return under way, one settled",
            ),
            pytest.param(
                read("completed", "paid", parcels=parcels("delivered", units=3), returns=cases("returned")),
                "",
                id="all returned",
            ),
            pytest.param(
                read(
                    "processing",
                    "paid",
                    parcels=parcels("delivered", units=Decimal("0.5")),
                    rest=True,
                    units=Decimal(2),
                ),
                "",
                id="weights are not counted",
            ),
            pytest.param(read("on_hold", "paid", rest=True, units=3), "", id="the order on hold, nothing sent"),
        ],
    )
    def test_a_phrase_speaks_where_parts_differ(self, found: Headline, phrase: str) -> None:
        assert text(found) == phrase

    @pytest.mark.parametrize(
        ("locale", "kind", "unit", "m", "expected"),
        [
            ("en", "delivered", "parcels", 3, "2 of 3 parcels delivered"),
            ("uk", "delivered", "parcels", 3, "Доставлено 2 з 3 посилок"),
            ("uk", "delivered", "parcels", 21, "Доставлено 2 з 21 посилки"),
            ("uk-UA", "returned", "items", 21, "Повернуто: 2 з 21 товару"),
            ("uk", "returned", "items", 11, "Повернуто: 2 з 11 товарів"),
            ("uk", "ready", "parcels", 111, "Готово до видачі: 2 з 111 посилок"),
            ("pl", "being_returned", "items", 21, "W zwrocie: 2 z 21 produktów"),
            ("pl_PL", "on_the_way", "parcels", 5, "W drodze: 2 z 5 paczek"),
            ("ru", "affected", "parcels", 31, "Требует внимания: 2 из 31 посылки"),
            ("ru", "delivered", "items", 21, "Доставлено 2 из 21 товара"),
            ("ru", "delivered", "items", 25, "Доставлено 2 из 25 товаров"),
            ("de", "ready", "parcels", 3, "Ready for pickup: 2 of 3 parcels"),
        ],
    )
    def test_a_phrase_reads_well_in_each_language(
        self, locale: str, kind: str, unit: str, m: int, expected: str
    ) -> None:
        assert phrase_text(Phrase(PhraseKind(kind), 2, m, Unit(unit)), locale) == expected
