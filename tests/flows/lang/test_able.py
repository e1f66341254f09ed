"""What a step asks of the shop's platform must be something that one can do."""

from pathlib import Path
from typing import ClassVar

import pytest

from hub.config.load import Loaded
from hub.config.problems import Level
from hub.flows.load import load_config
from hub.plugin import TagScope
from tests.config.fakes import ENV, GROUND, FakeRegistry, FakeShop, FakeTexts


class Generous(FakeShop):
    name = "generous"
    label = "Generous"
    tags_on = frozenset({TagScope.ORDER})


class Mean(FakeShop):
    name = "mean"
    label = "Mean"
    coupons = False


class Registry(FakeRegistry):
    known: ClassVar = {**FakeRegistry.known, ("platform", "generous"): Generous, ("platform", "mean"): Mean}


COUPON = "coupon: {percent: 10, valid: 60d, at_most: {shop: 1 per 1d}}"
SHOPS = GROUND.replace("shop: {name: Kavovar,", "shops: {a: {name: A}, b: {name: B,").replace("Kyiv}\n", "Kyiv}}\n", 1)


def read(folder: Path, step: str, *, plugins: tuple[str, str], more: str = "") -> Loaded:
    """Two shops, `a` and `b`, with a platform each."""
    first = '  main-shop: {platform: shoplet, domain: kavovar.example, secret: "${SHOP_SECRET}"}\n'
    both = "".join(
        f'  {shop}-shop: {{platform: {plugin}, shop: {shop}, domain: kavovar.example, secret: "${{SHOP_SECRET}}"}}\n'
        for shop, plugin in zip("ab", plugins, strict=True)
    )
    assert first in SHOPS
    path = folder / "flows.yaml"
    text = SHOPS.replace(first, both)
    path.write_text(f"{text}flows:\n  x:\n    on: order.received\n{more}    steps: [{{{step}}}]\n")
    return load_config(path, Registry(), ENV, texts=FakeTexts())


@pytest.mark.parametrize(
    ("step", "plugins", "more", "level"),
    [
        (COUPON, ("generous", "generous"), "", None),
        (COUPON, ("generous", "mean"), "", Level.WARNING),
        (COUPON, ("generous", "mean"), "    shops: [a]\n", None),
        (COUPON, ("generous", "mean"), "    shops: [b]\n", Level.ERROR),
        (COUPON, ("mean", "mean"), "", Level.ERROR),
        (COUPON, ("mean", "mean"), "    state: off\n", None),
        ("tag: {add: vip, write_back: true}", ("generous", "generous"), "", None),
        ("tag: {add: vip, who: customer, write_back: true}", ("generous", "generous"), "", Level.ERROR),
        ("tag: {add: vip, who: customer}", ("mean", "mean"), "", None),
    ],
)
def test_a_step_that_a_shop_cannot_do_is_told(
    tmp_path: Path, step: str, plugins: tuple[str, str], more: str, level: Level | None
) -> None:
    found = read(tmp_path, step, plugins=plugins, more=more).problems
    assert [each.severity for each in found] == ([level] if level is not None else [])
    assert all(each.code == "wrong-connection" and "cannot" in each.text for each in found)
