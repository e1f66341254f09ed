"""What happens to orders: each story is a generator that moves the world at every step. Nothing here knows the hub.

The last thing a story does fixes how its order must stand in the end (`ENDS`), whatever the hub went through.
"""

import random
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from plugins.carriers.nova_poshta.sandbox import NovaPoshtaSandbox
from plugins.platforms.shopify.sandbox import ShopifySandbox
from plugins.platforms.woocommerce.sandbox import WooCommerceSandbox

from .config import SHOPIFY, WOO

Steps = Generator[str, None, None]
"""Yields after each move; the first yield is the order's id."""


class InPost(Protocol):
    """What stories move of InPost."""

    def create(self, number: str = "", *, to: str = "KRA010") -> str: ...

    def step(self, number: str, status: str) -> None: ...


@dataclass(frozen=True, slots=True)
class World:
    """What stories move."""

    shopify: ShopifySandbox
    woo: WooCommerceSandbox
    nova_poshta: NovaPoshtaSandbox
    inpost: InPost
    dice: random.Random


GOODS: Sequence[tuple[str, str, int, str]] = (
    ("TEA-GRN-250", "Green tea", 2, "590.00"),
    ("CUP-BLU", "Cup „Синь“", 1, "349.50"),
    ("GRD-60", "Grinder 60 mm", 1, "4150.00"),
    ("FLT-100", "Filters, 100 pieces", 3, "120.00"),
)


def _order(world: World, n: int, **options: object) -> str:
    lines = world.dice.sample(GOODS, world.dice.randint(1, 3))
    person = {"name": f"Олена Гриценко {n}", "email": f"customer{n}@buyers.example", "phone": f"+38050{n:07d}"}
    return world.shopify.shop.create_order(lines=lines, **person, **options)  # type: ignore[arg-type]


def paid_only(world: World, n: int) -> Steps:
    order = _order(world, n, gateway="shopify_payments")
    yield order
    if world.dice.random() < 0.3:
        world.shopify.shop.fail_payment(order)
        yield order
    world.shopify.shop.pay(order)
    yield order
    for note in ("call first", "leave at the door")[: world.dice.randint(1, 2)]:
        world.shopify.shop.set_note(order, note)
        yield order


def cancelled(world: World, n: int) -> Steps:
    order = _order(world, n, gateway="shopify_payments")
    yield order
    world.shopify.shop.touch(order)
    yield order
    world.shopify.shop.pay(order)
    yield order
    world.shopify.shop.cancel(order, world.dice.choice(("customer", "inventory", "fraud")))
    yield order
    world.shopify.shop.touch(order)
    yield order


def delivered_by_the_shops_word(world: World, n: int) -> Steps:
    shop = world.shopify.shop
    order = _order(world, n, gateway="shopify_payments", paid=True)
    yield order
    parcel = shop.fulfil(order, f"AB{n:08d}", "Some Courier")
    yield order
    words = ["in_transit", "out_for_delivery"]
    if world.dice.random() < 0.5:
        words += ["attempted_delivery", "out_for_delivery"]
    for word in (*words, "delivered"):
        shop.fulfillment_event(order, parcel, word)
        yield order


def delivered_by_the_carriers_word(world: World, n: int) -> Steps:
    order = _order(world, n)
    yield order
    world.shopify.shop.set_tags(order, ["called", f"shift-{n % 3}"])
    yield order
    number = world.nova_poshta.create(f"2045{n:010d}", to=world.dice.choice(("branch", "locker")), cod=1200)
    world.nova_poshta.arrive(number)
    world.nova_poshta.hand_over(number)
    yield order
    world.shopify.shop.fulfil(order, number, "Nova Poshta")
    yield order
    world.shopify.shop.pay(order)
    yield order


def refunded(world: World, n: int) -> Steps:
    shop = world.shopify.shop
    order = _order(world, n, gateway="shopify_payments", paid=True)
    yield order
    shop.touch(order)
    yield order
    shop.refund(order, note="goodwill")
    yield order


MUGS: Sequence[tuple[str, str, int, str]] = (
    ("MUG-W", "Kubek „Świt”", 2, "39.90"),
    ("CFF-500", "Kawa ziarnista 500 g", 1, "64.00"),
    ("FLT-40", "Filtry, 40 sztuk", 3, "12.50"),
)


def _woo_order(world: World, n: int, **options: Any) -> str:
    lines = world.dice.sample(MUGS, world.dice.randint(1, 3))
    return world.woo.shop.create_order(
        lines=lines, name=f"Marek Zawadzki {n}", email=f"klient{n}@kupujacy.example", phone=f"+4860{n:07d}", **options
    )


def woo_paid(world: World, n: int) -> Steps:
    order, shop = _woo_order(world, n), world.woo.shop
    yield order
    if world.dice.random() < 0.3:
        shop.fail_payment(order)
        yield order
    shop.pay(order)
    yield order
    shop.touch(order)
    yield order


def woo_cancelled(world: World, n: int) -> Steps:
    order = _woo_order(world, n)
    yield order
    world.woo.shop.touch(order)
    yield order
    world.woo.shop.cancel(order)
    yield order


def woo_refunded(world: World, n: int) -> Steps:
    order = _woo_order(world, n, paid=True)
    yield order
    world.woo.shop.set_status(order, "refunded")
    yield order


def to_a_locker(world: World, n: int) -> Steps:
    """The shop sends the number, and InPost tells of each step; what counts is its answer when it is asked."""
    order = _woo_order(world, n, paid=True)
    yield order
    number = world.inpost.create(f"63007123456{n:013d}", to=world.dice.choice(("KRA010", "KRA01M")))
    world.woo.shop.add_tracking(order, number, "InPost")
    yield order
    for status in ("dispatched_by_sender", "adopted_at_sorting_center", "ready_to_pickup", "delivered"):
        world.inpost.step(number, status)
        yield order


@dataclass(frozen=True, slots=True)
class Story:
    """How often of a hundred it is told, in which shop, and how."""

    share: int
    shop: str
    told: Callable[[World, int], Steps]


STORIES: Mapping[str, Story] = {
    "paid": Story(24, SHOPIFY, paid_only),
    "cancelled": Story(12, SHOPIFY, cancelled),
    "shop": Story(10, SHOPIFY, delivered_by_the_shops_word),
    "carrier": Story(10, SHOPIFY, delivered_by_the_carriers_word),
    "refunded": Story(6, SHOPIFY, refunded),
    "woo-paid": Story(12, WOO, woo_paid),
    "woo-cancelled": Story(8, WOO, woo_cancelled),
    "woo-refunded": Story(4, WOO, woo_refunded),
    "locker": Story(14, WOO, to_a_locker),
}


@dataclass(frozen=True, slots=True)
class End:
    """How an order must stand, and which flows must have spoken of it (`config.FLOWS`)."""

    headline: str
    payment: str
    flows: tuple[str, ...]


ENDS: Mapping[str, End] = {
    "paid": End("paid", "paid", ("confirm", "paid")),
    "cancelled": End(
        "cancelled", "refunded", ("cancelled", "cancelled-staff")
    ),  # if that is heard first, all else is moot
    "shop": End("delivered", "paid", ("confirm", "delivered")),
    "carrier": End("delivered", "paid", ("confirm", "delivered", "paid")),
    "refunded": End("refunded", "refunded", ("confirm", "refunded")),
    "woo-paid": End("processing", "paid", ("confirm", "paid")),
    "woo-cancelled": End("cancelled", "awaiting_payment", ("cancelled", "cancelled-staff")),
    "woo-refunded": End("refunded", "refunded", ("confirm", "refunded")),
    "locker": End("delivered", "paid", ("confirm", "delivered")),
}


def choose(dice: random.Random) -> str:
    """A story's name."""
    names = list(STORIES)
    return dice.choices(names, [STORIES[name].share for name in names])[0]
