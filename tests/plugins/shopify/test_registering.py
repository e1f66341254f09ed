"""Webhooks are registered, kept right, and never twice."""

import pytest

from hub.plugin import Config, FailureError
from plugins.platforms.shopify import Shopify
from plugins.platforms.shopify._register import TOPICS
from plugins.platforms.shopify.sandbox import ShopifySandbox

URL = "https://hub.example.com/in/main-shop"


def known(sandbox: ShopifySandbox) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for each in sandbox.hooks.subscriptions.values():
        found.setdefault(each.topic, []).append(each.uri)
    return found


async def test_every_topic_is_registered_once(sandbox: ShopifySandbox, shop: Shopify) -> None:
    assert await shop.register(URL) == [f"{topic}: registered" for topic in TOPICS]
    assert await shop.register(URL) == []
    assert known(sandbox) == {topic: [URL] for topic in TOPICS}


async def test_a_wrong_address_is_put_right_in_its_place(sandbox: ShopifySandbox, shop: Shopify) -> None:
    await shop.register("https://old.example.com/in/main-shop")
    lines = await shop.register(URL)
    assert lines == [f"{topic}: corrected" for topic in TOPICS]
    assert known(sandbox) == {topic: [URL] for topic in TOPICS}


async def test_a_subscription_that_vanished_comes_back(sandbox: ShopifySandbox, shop: Shopify) -> None:
    await shop.register(URL)
    gone = next(each for each in sandbox.hooks.subscriptions.values() if each.topic == "ORDERS_PAID")
    del sandbox.hooks.subscriptions[gone.id]
    assert await shop.register(URL) == ["ORDERS_PAID: registered"]


async def test_a_subscription_that_leaves_members_out_is_put_right(sandbox: ShopifySandbox, shop: Shopify) -> None:
    await shop.register(URL)
    thin = next(each for each in sandbox.hooks.subscriptions.values() if each.topic == "ORDERS_PAID")
    thin.include_fields = ["id"]
    assert await shop.register(URL) == ["ORDERS_PAID: corrected"]
    assert thin.include_fields == []


async def test_another_s_subscription_is_left_alone(sandbox: ShopifySandbox, shop: Shopify) -> None:
    sandbox.hooks.subscribe("CUSTOMERS_CREATE", "https://crm.example.com/in")
    await shop.register(URL)
    assert known(sandbox)["CUSTOMERS_CREATE"] == ["https://crm.example.com/in"]


async def test_many_subscriptions_are_read_page_by_page(sandbox: ShopifySandbox, shop: Shopify) -> None:
    for number in range(230):
        sandbox.hooks.subscribe("CUSTOMERS_CREATE", f"https://crm.example.com/{number}")
    await shop.register(URL)
    assert await shop.register(URL) == []


async def test_a_topic_without_its_scope_is_named_and_harms_no_other(sandbox: ShopifySandbox, shop: Shopify) -> None:
    sandbox.deny("RETURNS_REQUEST")
    lines = await shop.register(URL)
    (line,) = [line for line in lines if "not registered" in line]
    assert line.startswith("RETURNS_REQUEST: not registered (shopify: access denied: a scope ")
    assert "RETURNS_REQUEST" not in known(sandbox) and len(known(sandbox)) == len(TOPICS) - 1


async def test_without_the_orders_themselves_nothing_is_well(sandbox: ShopifySandbox, shop: Shopify) -> None:
    sandbox.deny("ORDERS_CREATE")
    with pytest.raises(FailureError) as failure:
        await shop.register(URL)
    assert isinstance(failure.value.outcome, Config)


async def test_a_hub_that_cannot_be_reached_registers_nothing(sandbox: ShopifySandbox, shop: Shopify) -> None:
    assert await shop.register(None) == () and not sandbox.hooks.subscriptions
