"""Orders as their pages are to show them: what the shop and the post say, in the order of time."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from hub.model import (
    Cod,
    Customer,
    Deadline,
    DeadlineBasis,
    DeadlineKind,
    Line,
    Number,
    ParcelNews,
    PickupPoint,
    PointKind,
    ReturnSnapshot,
    Window,
)
from tests.pipeline.fakes import moment, native, order, parcel, scan, uah

BUYER = Customer(email="olena@x.example", name="Олена Коваль", phone="+380501112233", accepts_marketing=True)
COFFEE = Line("a", "Кава Кенія АА, зерно, 250 г", Decimal(2), price=uah("420"))
FILTERS = Line("b", "Фільтри паперові, 100 шт.", Decimal(1), price=uah("180"))
LOCKER = PickupPoint("7", PointKind.LOCKER, "Поштомат № 4127", "Київ, вул. Хрещатик, 22", hours="цілодобово")
DEADLINE = Deadline(moment("+3 18:00"), DeadlineKind.GOES_BACK, DeadlineBasis.TOLD)

HOSTILE: Mapping[str, str] = {
    "markup": "</bdi><script>alert(1)</script><img src=x onerror=alert(2)>\"'><style>*{display:none}</style>",
    "long": "Ж" * 10_000,
    "long words": "слово " * 2_000,
    "right to left": "\u202eqwerty \u2067שלום עולם مرحبا\u2069 " * 20,
    "emoji": "👩‍👩‍👧‍👦📦🏳️‍🌈" * 300,
    "templates": "{{ 7*7 }} {% for x in y %} ${7*7} #{7*7}",
    "control": "a\x00b\x1b[31mc\r\nSet-Cookie: x=1\u2028d",
    "marks": "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘!͖̬̰̙̗̿̋ͥͥ̂ͣ̐́́͜͞" * 50,
}


def ordered(**more: Any) -> Any:
    given: dict[str, Any] = {
        "placed": "08:00",
        "customer": BUYER,
        "lines": (COFFEE, FILTERS),
        "total": uah("1020"),
        "delivery_method": "Нова пошта, поштомат",
        **more,
    }
    return order("09:00", "order.processing", "payment.cash_on_delivery", **given)


def two_parcels() -> Sequence[tuple[str, str, Any]]:
    """One waits in a locker with cash to pay, the other is on its way: (connection, subject, record)."""
    held = (
        parcel("f1", "09:00", "shipment.announced", numbers=("P20450999123456",), contents=(("a", Decimal(2)),)),
        parcel("f2", "09:00", "shipment.announced", numbers=("P20450999123457",), contents=(("b", Decimal(1)),)),
    )
    first, second = "P20450999123456", "P20450999123457"
    eta = Window(moment("+2 10:00"), moment("+2 14:00"))
    return [
        ("shop", "order:1", ordered(parcels=held)),
        ("post", f"parcel:{first}", scan(first, "shipped", "09:10")),
        ("post", f"parcel:{first}", scan(first, "in_transit", "09:20")),
        ("post", f"parcel:{first}", scan(first, "ready_for_pickup", "09:50")),
        (
            "post",
            f"parcel:{first}",
            ParcelNews(first, moment("09:50"), point=LOCKER, deadline=DEADLINE, cod=Cod(uah("840"))),
        ),
        ("post", f"parcel:{second}", scan(second, "in_transit", "09:30")),
        ("post", f"parcel:{second}", ParcelNews(second, moment("09:31"), eta=eta, cod=Cod(uah("180")))),
    ]


def one_parcel(*codes: str, **news: Any) -> Sequence[tuple[str, str, Any]]:
    """One parcel that the post moved through these statuses."""
    number = "P1"
    held = (parcel("f1", "09:00", "shipment.announced", numbers=(number,)),)
    scans = [("post", f"parcel:{number}", scan(number, code, f"09:{10 + 5 * n}")) for n, code in enumerate(codes)]
    said = [("post", f"parcel:{number}", ParcelNews(number, moment("09:50"), **news))] if news else []
    return [("shop", "order:1", ordered(parcels=held)), *scans, *said]


def sent_back() -> Sequence[tuple[str, str, Any]]:
    """Delivered, and one thing of it on its way back."""
    case = ReturnSnapshot("r", moment("09:40"), (native("return.approved"),), items=(("b", Decimal(1)),))
    held = (parcel("f1", "09:00", "shipment.delivered", numbers=("X1",)),)
    again = order(
        "09:40", "order.completed", "payment.paid", placed="08:00", customer=BUYER, lines=(COFFEE, FILTERS),
        total=uah("1020"), parcels=held, returns=(case,),
    )  # fmt: skip
    return [("shop", "order:1", ordered(parcels=held)), ("shop", "order:1", again)]


def hostile(text: str) -> Sequence[tuple[str, str, Any]]:
    """Everything that an order, a parcel and a point can bring, made of one hostile text."""
    number = "P" + "".join(text.split())[:300]
    lines = tuple(Line(f"l{n}", text, Decimal(n + 1), price=uah("1")) for n in range(60))
    held = tuple(
        parcel(f"f{n}", "09:00", "shipment.shipped", numbers=(Number(f"{number}{n}", text, url=url),))
        for n, url in enumerate(("javascript:alert(1)", f"https://x.example/{text}", "https://post.example/ok"))
    )
    point = PickupPoint("7", PointKind.PARTNER, text, text, hours=text)
    record = ordered(
        lines=lines, parcels=held, point=point, delivery_method=text, payment_method=text,
        payment_url="javascript:alert(3)", note=text, customer=Customer(email="olena@x.example", name=text),
        promise=Window(moment("+2 10:00"), moment("+2 14:00")),
    )  # fmt: skip
    told = replace(record, number=text, version=moment("09:05"))
    return [("shop", "order:1", ordered()), ("shop", "order:1", told)]
