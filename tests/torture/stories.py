"""What happens to orders: each story is a generator that moves the world at every step. Nothing here knows the hub.

The last thing a story does fixes how its order must stand in the end (`ENDS`), whatever the hub went through.
"""

import random
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass

from plugins.carriers.nova_poshta.sandbox import NovaPoshtaSandbox
from plugins.platforms.shopify.sandbox import ShopifySandbox

Steps = Generator[str, None, None]
"""Yields after each move; the first yield is the order's id."""


@dataclass(frozen=True, slots=True)
class World:
    """What stories move."""

    shop: ShopifySandbox
    carrier: NovaPoshtaSandbox
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
    return world.shop.shop.create_order(lines=lines, **person, **options)  # type: ignore[arg-type]


def paid_only(world: World, n: int) -> Steps:
    order = _order(world, n, gateway="shopify_payments")
    yield order
    if world.dice.random() < 0.3:
        world.shop.shop.fail_payment(order)
        yield order
    world.shop.shop.pay(order)
    yield order
    for note in ("call first", "leave at the door")[: world.dice.randint(1, 2)]:
        world.shop.shop.set_note(order, note)
        yield order


def cancelled(world: World, n: int) -> Steps:
    order = _order(world, n, gateway="shopify_payments")
    yield order
    world.shop.shop.touch(order)
    yield order
    world.shop.shop.pay(order)
    yield order
    world.shop.shop.cancel(order, world.dice.choice(("customer", "inventory", "fraud")))
    yield order
    world.shop.shop.touch(order)
    yield order


def delivered_by_the_shops_word(world: World, n: int) -> Steps:
    shop = world.shop.shop
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
    world.shop.shop.set_tags(order, ["called", f"shift-{n % 3}"])
    yield order
    number = world.carrier.create(f"2045{n:010d}", to=world.dice.choice(("branch", "locker")), cod=1200)
    world.carrier.arrive(number)
    world.carrier.hand_over(number)
    yield order
    world.shop.shop.fulfil(order, number, "Nova Poshta")
    yield order
    world.shop.shop.pay(order)
    yield order


def refunded(world: World, n: int) -> Steps:
    shop = world.shop.shop
    order = _order(world, n, gateway="shopify_payments", paid=True)
    yield order
    shop.touch(order)
    yield order
    shop.refund(order, note="goodwill")
    yield order


Story = Callable[[World, int], Steps]

STORIES: Mapping[str, tuple[int, Story]] = {
    "paid": (40, paid_only),
    "cancelled": (20, cancelled),
    "shop": (15, delivered_by_the_shops_word),
    "carrier": (15, delivered_by_the_carriers_word),
    "refunded": (10, refunded),
}
"""Name → how often of a hundred, and the story."""


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
}


def choose(dice: random.Random) -> str:
    """A story's name."""
    names = list(STORIES)
    return dice.choices(names, [STORIES[name][0] for name in names])[0]
