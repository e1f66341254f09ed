"""What conditions and texts read: all of it that is known, and nothing that is not."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from hub.model import (
    Address,
    Cod,
    Customer,
    Deadline,
    DeadlineKind,
    Line,
    ParcelNews,
    PayBy,
    PickupPoint,
    PointKind,
    Told,
    ToldKind,
    Window,
)
from hub.pipeline.names import locale_of, locales_of, names_of, status_summary

from .fakes import SHOP, Story, moment, order, parcel, scan, uah

ETA = Window(moment("+2 09:00"), moment("+2 12:00"))
LINE = Line("a", "Coffee", Decimal(3), sku="C1", removed=Decimal(1), price=uah("10.50"), categories=("beans",))


def names(story: Story, subject: str | None = None) -> dict[str, Any]:
    return names_of(story.view, story.world, moment("12:00"), story.reach, subject)


def values(thing: Any) -> Iterator[Any]:
    yield thing
    for each in thing.values() if isinstance(thing, dict) else thing if isinstance(thing, list) else ():
        yield from values(each)


def bare() -> Story:
    story = Story()
    story.hear(order("09:00", lines=None, customer=Customer(), parcels=(parcel("1", "09:00"),)))
    return story


def full() -> Story:
    story = Story()
    story.hear(
        order(
            "09:00",
            "order.packed",
            "payment.cash_on_delivery",
            placed="08:00",
            lines=(LINE,),
            total=uah("21"),
            pay_by=PayBy.COD,
            promise=Window(moment("+1 09:00"), moment("+1 20:00")),
            note="ring twice",
            tags=("vip",),
            customer=Customer("7", "Olena H", "Olena", "o@x.example", "", "uk-UA", ("loyal",), accepts_marketing=True),
            address=Address("Olena H", "+380671234567", "Street 1", "Kyiv", "", "01001", "UA"),
            parcels=(parcel("1", "09:00", numbers=["P1"]),),
            attributes={"gift": "yes"},
        )
    )
    point = PickupPoint("7", PointKind.LOCKER, "Locker 7", "Street 2")
    news = {"eta": ETA, "point": point, "deadline": Deadline(moment("+3 18:00"), DeadlineKind.GOES_BACK), "attempts": 1}
    told = Told(ToldKind.READY, moment("11:00"))
    story.hear(
        scan("P1", "shipped", "10:00"), scan("P1", "ready_for_pickup", "11:00"),
        ParcelNews("P1", moment("11:00"), cod=Cod(uah("21")), told=told, **news), at="12:00",  # type: ignore[arg-type]
    )  # fmt: skip
    return story


@pytest.mark.parametrize("story", [Story(), bare(), full()], ids=["nothing heard", "bare", "full"])
def test_what_is_not_known_is_absent_and_never_none_or_blank(story: Story) -> None:
    found = names(story, "shop:1/1")
    assert not any(each is None or each == "" for each in values(found))


def test_a_bare_order_offers_no_field_that_nobody_told() -> None:
    found = names(bare(), "shop:1/1")
    assert {"name", "first_name", "email", "phone"} & set(found["customer"]) == set()
    assert {"total", "eta", "promised_at", "delay", "address", "recipient", "note", "url", "reason"} & set(
        found["order"]
    ) == set()
    told = {"status", "index", "count", "failures", "items", "carrier_tells", "carrier_told"}
    assert set(found["shipment"]) == told
    assert found["order"]["items"] == []


def test_a_shipment_offers_what_its_carrier_knows() -> None:
    shipment = names(full(), "shop:1/1")["shipment"]
    assert shipment["tracking_number"] == "P1"
    assert shipment["tracking_url"] == "https://post.example/P1"
    assert shipment["carrier"] == "The Post"
    assert (shipment["eta"], shipment["window_from"]) == (ETA.end, ETA.start)
    assert (shipment["shipped_at"], shipment["arrived_at"]) == (moment("10:00"), moment("11:00"))
    assert "delivered_at" not in shipment
    assert (shipment["pickup_deadline"], shipment["pickup_deadline_kind"]) == (moment("+3 18:00"), "goes_back")
    assert shipment["pickup_point"] == {"name": "Locker 7", "kind": "locker", "address": "Street 2"}
    assert shipment["cash_due"] == Decimal(21)
    assert shipment["carrier_told"] == ["ready"]
    assert shipment["items"][0] | {"categories": 0} == {
        "sku": "C1", "name": "Coffee", "price": Decimal("10.50"), "quantity": Decimal(2), "categories": 0,
        "back_ordered": False,
    }  # fmt: skip


def test_an_order_offers_its_delay_against_what_was_promised() -> None:
    found = names(full())
    assert found["order"]["delay"] == ETA.end - moment("+1 20:00")
    assert found["customer"]["phone"] == "+380671234567", "that of the address, where the customer has none"
    assert found["customer"]["consents"] == ["marketing"]
    assert found["payment"] == {
        "status": "cash_on_delivery", "on_delivery": True, "failures": 0, "refunded": Decimal(0),
    }  # fmt: skip
    assert "shipment" not in found


def test_parcels_are_counted_among_the_living() -> None:
    story = Story()
    gone = parcel("1", "09:00", "shipment.cancelled")
    story.hear(order("09:00", parcels=(gone, parcel("2", "09:00"), parcel("10", "09:00", "shipment.delivered"))))
    places = [(each["index"], each["count"]) for each in names(story)["shipments"]]
    assert places == [(1, 2), (1, 2), (2, 2)]
    assert (names(story)["order"]["parcels"], names(story)["order"]["parcels_delivered"]) == (2, 1)


@pytest.mark.parametrize(
    ("tag", "locale"), [("uk-UA", "uk"), ("pl", "pl"), ("RU_ru", "ru"), ("en-GB", "en"), ("de-DE", "de"), ("", "uk")]
)
def test_conditions_compare_the_orders_language_else_the_shops(tag: str, locale: str) -> None:
    story = Story()
    story.hear(order("09:00", customer=Customer(locale=tag)))
    assert locale_of(story.view, SHOP) == locale


def test_texts_are_asked_for_in_the_orders_the_customers_and_the_shops_language() -> None:
    """Whatever they are: a merchant may have brought texts in it, and the hub's own four are tried in their turn."""
    story = Story()
    story.hear(order("09:00", customer=Customer(locale="de-DE")))
    assert locales_of(story.view, SHOP) == ("de-DE", "uk")
    story.hear(order("09:05", customer=Customer(locale="pl")))
    assert locales_of(story.view, SHOP) == ("de-DE", "pl", "uk"), "the order keeps its language"


def test_where_is_my_order_is_answered_with_what_is_open() -> None:
    story = full()
    told = status_summary(story.view, story.world, "en")
    assert (told["number"], told["label"], told["done"]) == ("#1", "Ready for pickup", False)
    assert told["pickup_point"]["name"] == "Locker 7"
    story.hear(scan("P1", "delivered", "12:00"))
    told = status_summary(story.view, story.world, "uk")
    assert (told["label"], told["done"]) == ("Доставлено", True)
    assert "pickup_point" not in told


def test_before_its_order_is_known_nothing_is_made_up() -> None:
    story = Story()
    assert names(story)["order"] == {"headline": "received", "items": [], "tags": []}
    assert replace(story.doc) == story.doc
