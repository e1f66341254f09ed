"""Webhooks are registered, kept right and switched on, and never twice."""

import httpx
import pytest

from hub.clock import VirtualClock
from hub.plugin import Config, FailureError, Unknown
from plugins.platforms.woocommerce import WooCommerce
from plugins.platforms.woocommerce._register import TOPICS
from plugins.platforms.woocommerce.sandbox import WooCommerceSandbox

from .telling import SECRET, receiving, settings

URL = "https://hub.example.com/in/main-shop"
OFF = "the shop had switched it off, and it is on again; what it did not tell is polled"


@pytest.fixture(autouse=True)
def nobody_answers_pings(sandbox: WooCommerceSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub's address is none that can be reached from a test; what a ping is told changes nothing."""

    async def ping(webhook: object) -> None:
        return None

    monkeypatch.setattr(sandbox.hooks, "ping", ping)


def known(sandbox: WooCommerceSandbox) -> dict[str, list[tuple[str, str, str]]]:
    found: dict[str, list[tuple[str, str, str]]] = {}
    for each in sandbox.hooks.webhooks.values():
        found.setdefault(each.topic, []).append((each.delivery_url, each.status, each.secret))
    return found


async def test_every_topic_is_registered_once_with_our_secret(sandbox: WooCommerceSandbox, shop: WooCommerce) -> None:
    assert await shop.register(URL) == [f"{topic}: registered" for topic in TOPICS]
    assert await shop.register(URL) == []
    assert known(sandbox) == {topic: [(URL, "active", SECRET)] for topic in TOPICS}
    assert {each.name for each in sandbox.hooks.webhooks.values()} == {f"orderhub main-shop: {each}" for each in TOPICS}


async def test_a_webhook_that_the_shop_switched_off_is_switched_on_and_staff_can_see_it(
    sandbox: WooCommerceSandbox, shop: WooCommerce
) -> None:
    await shop.register(URL)
    for each in sandbox.hooks.webhooks.values():
        if each.topic == "order.updated":
            each.status, each.failures, each.secret = "disabled", 6, "an-older-secret"
        if each.topic == "order.deleted":
            each.status = "paused"
    assert await shop.register(URL) == [f"order.updated: {OFF}", "order.deleted: was paused, and is on again"]
    assert known(sandbox) == {topic: [(URL, "active", SECRET)] for topic in TOPICS}
    assert {each.failures for each in sandbox.hooks.webhooks.values()} == {0}


async def test_a_hub_that_moved_takes_its_webhooks_along(sandbox: WooCommerceSandbox, shop: WooCommerce) -> None:
    await shop.register("https://old.example.com/in/main-shop")
    assert await shop.register(URL) == [f"{topic}: corrected" for topic in TOPICS]
    assert known(sandbox) == {topic: [(URL, "active", SECRET)] for topic in TOPICS}


async def test_a_webhook_that_vanished_comes_back(sandbox: WooCommerceSandbox, shop: WooCommerce) -> None:
    await shop.register(URL)
    gone = next(each for each in sandbox.hooks.webhooks.values() if each.topic == "order.created")
    del sandbox.hooks.webhooks[gone.id]
    assert await shop.register(URL) == ["order.created: registered"]


async def test_what_staff_made_by_hand_is_taken_as_it_is_and_another_s_is_left_alone(
    sandbox: WooCommerceSandbox, shop: WooCommerce
) -> None:
    sandbox.hooks.add("order.updated", URL, SECRET, name="By hand")
    other = sandbox.hooks.add("order.updated", "https://crm.example.com/in", "theirs", status="disabled")
    lines = await shop.register(URL)
    assert "order.updated: registered" not in lines and len(lines) == 3
    assert (other.status, other.secret, other.delivery_url) == ("disabled", "theirs", "https://crm.example.com/in")


async def test_of_two_that_come_here_the_one_that_works_is_ours(sandbox: WooCommerceSandbox, shop: WooCommerce) -> None:
    sandbox.hooks.add("order.updated", URL, SECRET, status="disabled")
    await shop.register(URL)
    sandbox.hooks.add("order.updated", URL, SECRET)
    first = next(iter(sandbox.hooks.webhooks.values()))
    first.status = "disabled"
    assert await shop.register(URL) == []


async def test_many_webhooks_are_read_page_by_page(sandbox: WooCommerceSandbox, shop: WooCommerce) -> None:
    for number in range(230):
        sandbox.hooks.add("order.updated", f"https://crm.example.com/{number}", "theirs")
    await shop.register(URL)
    assert await shop.register(URL) == []


async def test_a_hub_that_cannot_be_reached_registers_nothing(sandbox: WooCommerceSandbox, shop: WooCommerce) -> None:
    assert await shop.register(None) == () and not sandbox.hooks.webhooks


async def test_a_key_that_may_only_read_is_our_fault(sandbox: WooCommerceSandbox, shop: WooCommerce) -> None:
    sandbox.features.permissions = "read"
    with pytest.raises(FailureError) as failure:
        await shop.register(URL)
    assert isinstance(failure.value.outcome, Config)


async def test_after_a_lost_answer_no_webhook_is_made_twice(sandbox: WooCommerceSandbox, shop: WooCommerce) -> None:
    sandbox.chaos.reset(when="after", method="POST")
    with pytest.raises(FailureError) as failure:
        await shop.register(URL)
    assert isinstance(failure.value.outcome, Unknown)
    await shop.register(URL)
    assert known(sandbox) == {topic: [(URL, "active", SECRET)] for topic in TOPICS}


async def test_webhooks_that_were_registered_are_believed(clock: VirtualClock, client: httpx.AsyncClient) -> None:
    """The whole way with a real ping, and a secret that WordPress decodes."""
    sandbox = WooCommerceSandbox(clock)
    async with sandbox.serve() as url, receiving() as receiver:
        shop = WooCommerce(settings(url=url, webhook_secret="R&amp;D <secret> 'x'"), client, clock)
        await shop.register(receiver.url)
        assert [shop.verify(each).events for each in receiver.requests] == [()] * len(TOPICS)
        receiver.requests.clear()
        order = sandbox.shop.create_order()
        await sandbox.deliver_due()
        assert [each.subject for each in receiver.events(shop)] == [f"order:{order}"]
