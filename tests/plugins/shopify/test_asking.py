"""Asking the Admin API: tokens, pages and the watermark, throttling, refusals, and lists that were cut."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from hub.clock import VirtualClock
from hub.plugin import Config, FailureError, Limits, Permanent, Transient, Unknown, WriteBack
from hub.plugin.http import make_client
from plugins.platforms.shopify import Shopify
from plugins.platforms.shopify.sandbox import ShopifySandbox

from .telling import records_of, settings, snapshot_of


async def everything(shop: Shopify, cursor: Any = None) -> tuple[list[str], Any, int]:
    """(subjects, the cursor to go on from, pages) of a whole poll."""
    subjects, pages = [], 0
    while True:
        page = await shop.poll(cursor)
        subjects += [raw.subject for raw in page.events]
        cursor, pages = json.loads(json.dumps(page.cursor)), pages + 1
        if not page.more:
            return subjects, cursor, pages


def tokens(sandbox: ShopifySandbox) -> int:
    return len(sandbox.ledger.where(kind="token", status=200))


# --- tokens


async def test_one_token_serves_until_shortly_before_its_end(
    sandbox: ShopifySandbox, shop: Shopify, clock: VirtualClock
) -> None:
    await shop.hello()
    clock.move_to(clock.now() + timedelta(hours=23))
    await shop.hello()
    assert tokens(sandbox) == 1
    clock.move_to(clock.now() + timedelta(minutes=56))
    await shop.hello()
    assert tokens(sandbox) == 2


async def test_a_refused_token_is_renewed_once(sandbox: ShopifySandbox, shop: Shopify) -> None:
    await shop.hello()
    sandbox.tokens.revoke_all()
    assert "Amber Kiosk" in await shop.hello()
    assert tokens(sandbox) == 2


async def test_a_token_refused_again_is_a_matter_for_people(sandbox: ShopifySandbox, shop: Shopify) -> None:
    sandbox.chaos.fail(401, 2, path="*/graphql.json", body='{"errors":"[API] Invalid API key"}')
    with pytest.raises(FailureError) as failure:
        await shop.hello()
    assert isinstance(failure.value.outcome, Config) and tokens(sandbox) == 2


async def test_a_wrong_client_secret_pauses_the_connection(
    client: httpx.AsyncClient, clock: VirtualClock, url: str
) -> None:
    shop = Shopify(settings(url=url, client_secret="hush-wrong-secret"), client, clock)
    with pytest.raises(FailureError, match="client id or secret") as failure:
        await shop.hello()
    assert isinstance(failure.value.outcome, Config) and "hush-wrong-secret" not in str(failure.value)


async def test_the_token_of_an_old_custom_app_is_used_as_it_is(
    sandbox: ShopifySandbox, client: httpx.AsyncClient, clock: VirtualClock, url: str
) -> None:
    shop = Shopify(settings(url=url, client_id="", access_token=sandbox.tokens.permanent()), client, clock)
    clock.move_to(clock.now() + timedelta(days=400))
    assert await shop.hello() == "Amber Kiosk (amber-kiosk.myshopify.com), Admin API 2026-10"
    sandbox.tokens.revoke_all()
    with pytest.raises(FailureError) as failure:
        await shop.hello()
    assert isinstance(failure.value.outcome, Config) and tokens(sandbox) == 0


async def test_credentials_of_another_shop_are_refused(
    sandbox: ShopifySandbox, client: httpx.AsyncClient, clock: VirtualClock, url: str
) -> None:
    shop = Shopify(settings(url=url, domain="other.myshopify.com"), client, clock)
    with pytest.raises(FailureError, match="belong to amber-kiosk"):
        await shop.hello()


async def test_an_expired_version_is_named(
    sandbox: ShopifySandbox, client: httpx.AsyncClient, clock: VirtualClock, url: str
) -> None:
    shop = Shopify(settings(url=url, api_version="2024-01"), client, clock)
    assert (await shop.hello()).endswith("Admin API 2025-10 (2024-01 has expired: set api_version anew)")


# --- polling


async def test_a_poll_reads_page_by_page_and_each_order_once(
    sandbox: ShopifySandbox, shop: Shopify, clock: VirtualClock
) -> None:
    orders = []
    for _ in range(120):
        orders.append(f"order:{sandbox.shop.create_order()}")
        clock.move_to(clock.now() + timedelta(minutes=1))
    subjects, cursor, pages = await everything(shop)
    assert (subjects, pages) == (orders, 3)
    again, _, _ = await everything(shop, cursor)
    assert again == orders[-11:]  # the overlap of ten minutes


async def test_what_the_overlap_reads_again_has_the_same_key(sandbox: ShopifySandbox, shop: Shopify) -> None:
    order = sandbox.shop.create_order()
    first = await shop.poll(None)
    second = await shop.poll(first.cursor)
    (fetched,) = await shop.fetch(order)
    assert first.events[0].dedupe_key == second.events[0].dedupe_key == fetched.dedupe_key


async def test_what_changes_within_one_second_is_not_lost(sandbox: ShopifySandbox, shop: Shopify) -> None:
    order = sandbox.shop.create_order()
    first = await shop.poll(None)
    sandbox.shop.hold(order)
    second = await shop.poll(first.cursor)
    assert first.events[0].dedupe_key != second.events[0].dedupe_key


async def test_an_order_changed_while_pages_are_read_is_read_again(
    sandbox: ShopifySandbox, shop: Shopify, clock: VirtualClock
) -> None:
    orders = []
    for _ in range(60):
        orders.append(sandbox.shop.create_order())
        clock.move_to(clock.now() + timedelta(minutes=1))
    first = await shop.poll(None)
    sandbox.shop.touch(orders[0])
    second = await shop.poll(first.cursor)
    assert second.events[-1].subject == f"order:{orders[0]}" and not second.more


async def test_the_first_poll_looks_back_as_far_as_the_settings_say(
    sandbox: ShopifySandbox, client: httpx.AsyncClient, clock: VirtualClock, url: str
) -> None:
    sandbox.shop.create_order()
    clock.move_to(clock.now() + timedelta(days=31))
    newer = sandbox.shop.create_order()
    assert (await everything(Shopify(settings(url=url), client, clock)))[0] == [f"order:{newer}"]
    assert len((await everything(Shopify(settings(url=url, import_days=60), client, clock)))[0]) == 2


async def test_a_quiet_shop_keeps_its_place(shop: Shopify) -> None:
    first = await shop.poll(None)
    second = await shop.poll(first.cursor)
    assert first.events == [] and second.cursor == first.cursor


async def test_a_page_cursor_that_shopify_forgot_starts_the_question_anew(
    sandbox: ShopifySandbox, shop: Shopify
) -> None:
    sandbox.shop.create_order()
    cursor = {**(await shop.poll(None)).cursor, "after": "forgotten"}
    assert len((await shop.poll(cursor)).events) == 1


async def test_a_query_that_is_too_costly_asks_for_less(clock: VirtualClock) -> None:
    asked: list[int] = []

    def answer(request: httpx.Request) -> Any:
        asked.append(json.loads(request.content)["variables"]["first"])
        if asked[-1] > 12:
            return {"errors": [{"message": "no", "extensions": {"code": "MAX_COST_EXCEEDED"}}]}
        return {"data": {"orders": {"pageInfo": {"hasNextPage": False}, "nodes": []}}}

    shop = answering(clock, answer)
    await shop.poll(None)
    await shop.poll(None)
    assert asked == [50, 25, 12, 12]


async def test_an_order_that_is_too_costly_alone_is_a_failure(sandbox: ShopifySandbox, shop: Shopify) -> None:
    sandbox.admin.most_costly = 10
    with pytest.raises(FailureError, match="too costly") as failure:
        await shop.poll(None)
    assert isinstance(failure.value.outcome, Permanent)


async def test_throttling_waits_as_long_as_the_points_need(
    sandbox: ShopifySandbox, shop: Shopify, clock: VirtualClock
) -> None:
    await shop.hello()
    sandbox.admin.bucket.level = 0
    with pytest.raises(FailureError) as failure:
        await shop.poll(None)
    outcome = failure.value.outcome
    assert isinstance(outcome, Transient) and outcome.not_before is not None
    assert clock.now() + timedelta(seconds=1) <= outcome.not_before <= clock.now() + timedelta(seconds=10)
    clock.move_to(outcome.not_before)
    await shop.poll(None)


async def test_a_plain_429_is_throttling_too(sandbox: ShopifySandbox, shop: Shopify, clock: VirtualClock) -> None:
    sandbox.chaos.fail(429, retry_after=30, path="*/graphql.json")
    with pytest.raises(FailureError) as failure:
        await shop.poll(None)
    outcome = failure.value.outcome
    assert isinstance(outcome, Transient) and outcome.not_before == clock.now() + timedelta(seconds=30)


@pytest.mark.parametrize("status", [402, 403, 404, 423])
async def test_a_closed_shop_pauses_the_connection(sandbox: ShopifySandbox, shop: Shopify, status: int) -> None:
    sandbox.chaos.fail(status, path="*/graphql.json")
    with pytest.raises(FailureError) as failure:
        await shop.poll(None)
    assert isinstance(failure.value.outcome, Config) and failure.value.status == status


async def test_a_missing_scope_pauses_the_connection(sandbox: ShopifySandbox, shop: Shopify) -> None:
    sandbox.deny("fulfillmentOrders")
    with pytest.raises(FailureError, match="a scope or the permission") as failure:
        await shop.poll(None)
    assert isinstance(failure.value.outcome, Config)


def answering(clock: VirtualClock, answer: Callable[[httpx.Request], Any]) -> Shopify:
    def respond(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=json.dumps(answer(request)))

    client = make_client("main-shop", Limits(), clock, transport=httpx.MockTransport(respond))
    return Shopify(settings(client_id="", access_token="shpat_of-the-tests"), client, clock)


@pytest.mark.parametrize(
    ("code", "reading", "writing"),
    [
        ("INTERNAL_SERVER_ERROR", Transient, Unknown),
        ("ACCESS_DENIED", Config, Config),
        ("SHOP_INACTIVE", Config, Config),
        ("MAX_COST_EXCEEDED", Permanent, Permanent),
        ("undefinedField", Permanent, Permanent),
        ("THROTTLED", Transient, Transient),
    ],
)
async def test_each_error_code_has_its_outcome(clock: VirtualClock, code: str, reading: type, writing: type) -> None:
    refusal = {"errors": [{"message": "no", "extensions": {"code": code}}]}
    order = {"id": "gid://shopify/Order/5", "note": "", "fulfillments": [], "fulfillmentOrders": {"nodes": []}}

    def answer(request: httpx.Request) -> Any:
        return {"data": {"order": order}} if b"query ToShip" in request.content else refusal

    shop = answering(clock, answer)
    with pytest.raises(FailureError) as failure:
        await shop.hello()
    assert isinstance(failure.value.outcome, reading)
    with pytest.raises(FailureError) as failure:
        await shop.write_back(WriteBack("5", "k", note="hello"))
    assert isinstance(failure.value.outcome, writing)


@pytest.mark.parametrize("errors", ["a text", {"a": 1}, [None], [{}], [{"extensions": "x"}], True])
async def test_errors_of_any_form_are_failures(clock: VirtualClock, errors: Any) -> None:
    with pytest.raises(FailureError):
        await answering(clock, lambda _: {"errors": errors, "data": {"shop": {}}}).hello()


async def test_one_unreadable_order_holds_up_no_other(clock: VirtualClock) -> None:
    nodes: list[Any] = [{"id": "gid://shopify/Order/5", "updatedAt": 7}, {"id": 9}]
    answer = {"data": {"orders": {"pageInfo": {"hasNextPage": False}, "nodes": nodes}}}
    page = await answering(clock, lambda _: answer).poll(None)
    assert [raw.subject for raw in page.events] == ["order:unreadable", "order:unreadable"]


async def test_an_absurd_wait_is_cut_to_an_hour(clock: VirtualClock) -> None:
    cost = {"requestedQueryCost": 1e8, "throttleStatus": {"currentlyAvailable": 0, "restoreRate": 1}}
    refusal = {"errors": [{"extensions": {"code": "THROTTLED"}}], "extensions": {"cost": cost}}
    with pytest.raises(FailureError) as failure:
        await answering(clock, lambda _: refusal).hello()
    outcome = failure.value.outcome
    assert isinstance(outcome, Transient) and outcome.not_before == clock.now() + timedelta(hours=1)


# --- whole orders


async def test_an_order_with_many_lines_is_read_whole(sandbox: ShopifySandbox, shop: Shopify) -> None:
    lines = [(f"SKU-{number}", f"Thing {number}", 1, "1.00") for number in range(620)]
    order = sandbox.shop.create_order(lines=lines)
    for raws in ((await shop.poll(None)).events, await shop.fetch(order)):
        told = snapshot_of(records_of(shop, raws)).lines or ()
        assert [line.sku for line in told] == [sku for sku, _, _, _ in lines]


async def test_an_order_with_many_parcels_is_read_whole(sandbox: ShopifySandbox, shop: Shopify) -> None:
    lines = [(f"SKU-{number}", f"Thing {number}", 1, "1.00") for number in range(25)]
    order = sandbox.shop.create_order(lines=lines)
    for item in sandbox.shop.find(order).items:
        sandbox.shop.fulfil(order, f"N{item.id}", "Nova Poshta", {item.id: 1})
    assert len(snapshot_of(records_of(shop, await shop.fetch(order))).parcels or ()) == 25


async def test_an_order_is_found_by_its_fulfilment_order_or_its_return(sandbox: ShopifySandbox, shop: Shopify) -> None:
    order = sandbox.shop.create_order()
    sandbox.shop.fulfil(order)
    case = sandbox.shop.request_return(order)
    fulfilment_order = sandbox.shop.find(order).fulfilment_orders[0].id
    for ref in (order, f"gid://shopify/FulfillmentOrder/{fulfilment_order}", f"gid://shopify/Return/{case}"):
        assert [raw.subject for raw in await shop.fetch(ref)] == [f"order:{order}"]


@pytest.mark.parametrize(
    "ref",
    ["7", "", "x", "٣", "gid://shopify/Return/7", "gid://shopify/Shop/7", "gid://shopify/FulfillmentEvent/7?order=x"],
)
async def test_nothing_comes_of_a_reference_that_leads_nowhere(shop: Shopify, ref: str) -> None:
    assert list(await shop.fetch(ref)) == []
