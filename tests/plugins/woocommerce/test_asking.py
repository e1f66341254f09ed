"""Polling and fetching, over a real socket: what a poll finds, and what it makes of trouble."""

import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.clock import VirtualClock
from hub.model import OrderSnapshot, Removed
from hub.plugin import Config, FailureError, Limits, Permanent, Raw, Transient, WriteBack, WriteBackStatus
from hub.plugin.http import make_client
from plugins.platforms.woocommerce import WooCommerce
from plugins.platforms.woocommerce._api import FIREWALL, NO_API, REFUSALS
from plugins.platforms.woocommerce._poll import OVERLAP, PER_PAGE, Cursor
from plugins.platforms.woocommerce.sandbox import WooCommerceSandbox

from .telling import KNOWN, MORNING, natives, poll_all, records_of, settings, snapshot_of


def wait(clock: VirtualClock, **length: float) -> None:
    clock.move_to(clock.now() + timedelta(**length))


def subjects(events: list[Raw]) -> list[str]:
    return [each.subject.removeprefix("order:") for each in events]


def calls(sandbox: WooCommerceSandbox) -> list[str]:
    return [each.what for each in sandbox.ledger.where(kind="call")]


async def test_the_first_poll_looks_back_and_not_into_the_trash(
    sandbox: WooCommerceSandbox, shop: WooCommerce, clock: VirtualClock
) -> None:
    sandbox.shop.create_order()
    wait(clock, days=31)
    order, thrown = sandbox.shop.create_order(), sandbox.shop.create_order()
    sandbox.shop.trash(thrown)
    events, _ = await poll_all(shop)
    assert subjects(events) == [order]
    assert len(calls(sandbox)) == 1


async def test_a_question_is_in_utc_sorted_and_never_the_same_twice(
    sandbox: WooCommerceSandbox, shop: WooCommerce
) -> None:
    await shop.poll(None)
    await shop.poll(None)
    first, second = (each.args for each in sandbox.ledger.where(kind="call"))
    assert first["_"] != second["_"]
    assert {name: first[name] for name in first if name != "_"} == {
        "modified_after": "2026-10-21T09:14:03", "dates_are_gmt": "true", "orderby": "modified", "order": "asc",
        "per_page": str(PER_PAGE), "page": "1", "status": "any",
    }  # fmt: skip


async def test_what_changes_is_found_and_what_was_found_is_one_event(
    sandbox: WooCommerceSandbox, shop: WooCommerce, clock: VirtualClock
) -> None:
    order = sandbox.shop.create_order()
    first, cursor = await poll_all(shop)
    again, cursor = await poll_all(shop, cursor)
    assert {each.dedupe_key for each in again} <= {each.dedupe_key for each in first}, "only what overlaps"
    wait(clock, hours=1)
    sandbox.shop.pay(order)
    new, cursor = await poll_all(shop, cursor)
    assert natives(snapshot_of(records_of(shop, new))) == ["processing", "paid:yes"]
    wait(clock, hours=1)
    sandbox.shop.create_order()
    later, _ = await poll_all(shop, cursor)
    assert subjects(later) == [order, str(int(order) + 1)], "the newest of before lies in the overlap"


async def test_many_orders_come_page_by_page_also_those_of_one_second(
    sandbox: WooCommerceSandbox, shop: WooCommerce, clock: VirtualClock
) -> None:
    orders = [sandbox.shop.create_order() for _ in range(2 * PER_PAGE + 3)]
    for _ in range(PER_PAGE + 1):
        wait(clock, seconds=7)
        orders.append(sandbox.shop.create_order())
    events, _ = await poll_all(shop)
    assert set(subjects(events)) == set(orders)


async def test_an_order_that_changes_while_pages_are_read_hides_no_other(
    sandbox: WooCommerceSandbox, shop: WooCommerce, clock: VirtualClock
) -> None:
    """Each page that was read loses an order to the end; with page numbers its neighbour would slip through."""
    orders = []
    for _ in range(3 * PER_PAGE):
        wait(clock, seconds=5)
        orders.append(sandbox.shop.create_order())
    seen: list[str] = []
    page = await shop.poll(None)
    for number in range(100):
        seen += subjects(list(page.events))
        if not page.more:
            break
        wait(clock, seconds=5)
        if number < 3:
            sandbox.shop.touch(orders[number])
        page = await shop.poll(page.cursor)
    assert set(seen) == set(orders)


async def test_an_old_shop_that_cannot_sort_by_the_modified_time_is_read_by_creation(
    sandbox: WooCommerceSandbox, shop: WooCommerce, clock: VirtualClock
) -> None:
    sandbox.features.knows_modified = False
    orders = [sandbox.shop.create_order() for _ in range(PER_PAGE + 5)]
    events, cursor = await poll_all(shop)
    assert set(subjects(events)) == set(orders)
    wait(clock, hours=1)
    sandbox.shop.pay(orders[0])
    before = len(calls(sandbox))
    events, _ = await poll_all(shop, cursor)
    assert orders[0] in subjects(events)
    assert all(each.args["orderby"] == "date" for each in sandbox.ledger.where(kind="call")[before:]), (
        "it is remembered"
    )


async def test_a_shop_whose_clock_is_behind_loses_nothing(
    sandbox: WooCommerceSandbox, client: httpx.AsyncClient, url: str, clock: VirtualClock
) -> None:
    """The watermark is the shop's own time, and the hub's is half an hour ahead of it."""
    ahead = VirtualClock(clock.now() + timedelta(minutes=30))
    shop = WooCommerce(settings(url=url), client, ahead)
    sandbox.shop.create_order()
    _, cursor = await poll_all(shop)
    for minutes in (5, 5):
        wait(clock, minutes=minutes)
        ahead.move_to(ahead.now() + timedelta(minutes=minutes))
        order = sandbox.shop.create_order()
        events, cursor = await poll_all(shop, cursor)
        assert order in subjects(events)


async def test_a_time_in_the_future_moves_the_watermark_no_further_than_now(
    sandbox: WooCommerceSandbox, shop: WooCommerce, clock: VirtualClock
) -> None:
    strange = sandbox.shop.create_order()
    sandbox.shop.find(strange).modified = MORNING + timedelta(days=900)
    _, cursor = await poll_all(shop)
    wait(clock, minutes=1)
    order = sandbox.shop.create_order()
    events, _ = await poll_all(shop, cursor)
    assert order in subjects(events)


async def test_the_trash_is_told_as_removed_and_what_comes_back_as_an_order(
    sandbox: WooCommerceSandbox, shop: WooCommerce, clock: VirtualClock
) -> None:
    order = sandbox.shop.create_order()
    _, cursor = await poll_all(shop)
    wait(clock, hours=1)
    sandbox.shop.trash(order)
    events, cursor = await poll_all(shop, cursor)
    assert records_of(shop, events) == [Removed(order, clock.now())]
    wait(clock, hours=1)
    sandbox.shop.restore(order)
    events, _ = await poll_all(shop, cursor)
    newest = records_of(shop, events)[0]
    assert isinstance(newest, OrderSnapshot) and newest.version == clock.now()


async def test_an_order_that_cannot_be_read_holds_up_no_other(
    sandbox: WooCommerceSandbox, shop: WooCommerce, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, order = sandbox.shop.create_order(), sandbox.shop.create_order()
    whole = sandbox.bodies.order

    def render(each: Any) -> Any:
        return {**whole(each), "date_modified_gmt": None} if str(each.id) == broken else whole(each)

    monkeypatch.setattr(sandbox.bodies, "order", render)
    events, _ = await poll_all(shop)
    assert sorted(subjects(events)) == [order, "unreadable"]


async def test_a_cached_answer_is_gone_around(
    sandbox: WooCommerceSandbox, shop: WooCommerce, clock: VirtualClock
) -> None:
    sandbox.weather.cached = True
    _, cursor = await poll_all(shop)
    order = sandbox.shop.create_order()
    events, _ = await poll_all(shop, cursor)
    assert subjects(events) == [order]


async def test_fulfilments_are_read_where_the_merchant_says_so(
    sandbox: WooCommerceSandbox, client: httpx.AsyncClient, url: str, clock: VirtualClock
) -> None:
    shop = WooCommerce(settings(url=url, fulfillments=True), client, clock)
    order = sandbox.shop.create_order()
    (raw,) = await shop.fetch(order)
    assert snapshot_of(records_of(shop, [raw])).parcels == (), "the feature is off after all"
    sandbox.features.fulfillments = True
    item = sandbox.shop.find(order).items[0].id
    meta = {"_items": [{"item_id": item, "qty": 2}], "_tracking_number": "6200"}
    sandbox.shop.add_fulfilment(order, "fulfilled", meta)
    events, _ = await poll_all(shop)
    (parcel,) = snapshot_of(records_of(shop, events)).parcels or ()
    assert [each.number for each in parcel.numbers] == ["6200"] and [each.code for each in parcel.natives] == [
        "fulfilled"
    ]


# --- one order


async def test_an_order_is_fetched_as_it_is_now(sandbox: WooCommerceSandbox, shop: WooCommerce) -> None:
    order = sandbox.shop.create_order()
    (polled,), _ = await poll_all(shop)
    (raw,) = await shop.fetch(order)
    assert raw.dedupe_key == polled.dedupe_key and raw.subject == f"order:{order}"


@pytest.mark.parametrize("ref", ["1", "", "x", "1/../2", "１", "9" * 30, "-5", "7419?x"])
async def test_what_is_not_there_is_nothing(sandbox: WooCommerceSandbox, shop: WooCommerce, ref: str) -> None:
    sandbox.shop.create_order()
    assert list(await shop.fetch(ref)) == []


async def test_whether_a_deleted_order_is_gone_is_looked_up(
    sandbox: WooCommerceSandbox, shop: WooCommerce, clock: VirtualClock
) -> None:
    """The notice holds an id alone, and may be older than the order's return."""
    (hint,) = records_of(shop, [Raw({"id": 7419}, "order:7419", "k")])
    ref = getattr(hint, "ref", "")
    order = sandbox.shop.create_order()
    assert ref == f"{order}?gone"
    assert isinstance(records_of(shop, await shop.fetch(ref))[0], OrderSnapshot), "it came back meanwhile"
    sandbox.shop.trash(order)
    assert records_of(shop, await shop.fetch(ref)) == [Removed(order, clock.now())]
    sandbox.shop.delete(order)
    wait(clock, minutes=1)
    assert records_of(shop, await shop.fetch(ref)) == [Removed(order, clock.now())]
    assert list(await shop.fetch(order)) == []


async def test_hello_names_the_shop_and_its_own_statuses(
    sandbox: WooCommerceSandbox, shop: WooCommerce, url: str
) -> None:
    host = url.removeprefix("http://")
    assert await shop.hello() == f"{host}, REST wc/v3"
    sandbox.shop.register_status("packing", "Packing")
    sandbox.shop.register_status("ready-pickup", "Ready for pickup")
    assert await shop.hello() == f"{host}, REST wc/v3; statuses of its own: wc-packing, wc-ready-pickup"


# --- who we are there


async def test_a_host_that_strips_the_header_is_given_the_key_in_the_address(
    sandbox: WooCommerceSandbox, shop: WooCommerce
) -> None:
    sandbox.weather.strips_authorization = True
    await shop.hello()
    await shop.hello()
    asked = sandbox.ledger.where(kind="call")
    assert ["consumer_key" in each.args for each in asked] == [False, True, True], "found out once"


async def test_a_wrong_key_is_our_fault(
    sandbox: WooCommerceSandbox, client: httpx.AsyncClient, url: str, clock: VirtualClock
) -> None:
    shop = WooCommerce(settings(url=url, consumer_secret="cs_wrong-secret"), client, clock)
    for call in (shop.hello(), shop.poll(None), shop.fetch("7419"), shop.register("https://hub.example.com/in")):
        with pytest.raises(FailureError, match="consumer key was refused") as failure:
            await call
        assert isinstance(failure.value.outcome, Config) and failure.value.status == 401
        assert "cs_wrong-secret" not in str(failure.value)


async def test_plain_permalinks_are_a_setting(
    sandbox: WooCommerceSandbox, client: httpx.AsyncClient, url: str, clock: VirtualClock
) -> None:
    shop = WooCommerce(settings(url=url, plain_permalinks=True), client, clock)
    order = sandbox.shop.create_order()
    events, _ = await poll_all(shop)
    assert subjects(events) == [order]
    assert sandbox.ledger.where(kind="call")[0].args["rest_route"] == "/wc/v3/orders"


# --- trouble


def answering(status: int, body: str, clock: VirtualClock) -> WooCommerce:
    transport = httpx.MockTransport(lambda _: httpx.Response(status, text=body))
    return WooCommerce(settings(), make_client("main-shop", Limits(), clock, transport=transport), clock)


def wordpress(code: str, status: int) -> str:
    return json.dumps({"code": code, "message": "Olena's secret message", "data": {"status": status}})


TABLE: list[tuple[int, str, type, str]] = [
    (400, "rest_invalid_param", Permanent, REFUSALS[400][1]),
    (401, "woocommerce_rest_authentication_error", Config, REFUSALS[401][1]),
    (401, "woocommerce_rest_cannot_view", Config, REFUSALS[401][1]),
    (403, "woocommerce_rest_cannot_edit", Config, REFUSALS[403][1]),
    (404, "rest_no_route", Config, NO_API),
    (404, "woocommerce_rest_shop_order_invalid_id", Permanent, REFUSALS[404][1]),
    (410, "woocommerce_rest_already_trashed", Permanent, REFUSALS[410][1]),
    (501, "woocommerce_rest_trash_not_supported", Permanent, REFUSALS[501][1]),
]


@pytest.mark.parametrize(("status", "code", "kind", "text"), TABLE)
async def test_a_refusal_is_what_the_table_says(
    clock: VirtualClock, status: int, code: str, kind: type, text: str
) -> None:
    shop = answering(status, wordpress(code, status), clock)
    with pytest.raises(FailureError) as failure:
        await shop.hello()
    assert type(failure.value.outcome) is kind and failure.value.status == status
    assert str(failure.value) == f"woocommerce: {text} ({code})", "the code, and nothing of the message"


def test_every_refusal_has_its_row() -> None:
    assert {row[0] for row in TABLE} == set(REFUSALS)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_what_passes_by_itself_is_asked_again(clock: VirtualClock, status: int) -> None:
    with pytest.raises(FailureError) as failure:
        await answering(status, "<html>busy</html>", clock).hello()
    assert isinstance(failure.value.outcome, Transient)


@pytest.mark.parametrize("body", ["null", "{}", "[[]]", '{"id": "x"}', '"text"', '[{"id": 1}]', "7"])
async def test_an_answer_that_is_not_as_documented_is_a_failure_and_nothing_else(
    clock: VirtualClock, body: str
) -> None:
    shop = answering(200, body, clock)
    wish = WriteBack("7419", "key", note="n", tracking_number="A1", status=WriteBackStatus.PAID)
    for call in (
        shop.hello(),
        shop.poll(None),
        shop.fetch("7419"),
        shop.register("https://x.example"),
        shop.write_back(wish),
    ):
        try:
            await call
        except FailureError as failure:
            assert isinstance(failure.outcome, Transient | Permanent), failure


async def test_a_firewall_is_named(sandbox: WooCommerceSandbox, shop: WooCommerce) -> None:
    sandbox.weather.firewall = 1
    with pytest.raises(FailureError, match=FIREWALL) as failure:
        await shop.poll(None)
    assert isinstance(failure.value.outcome, Config) and "html" not in str(failure.value)


async def test_a_warning_before_the_json_is_asked_again(sandbox: WooCommerceSandbox, shop: WooCommerce) -> None:
    sandbox.weather.warnings = 1
    sandbox.shop.create_order()
    with pytest.raises(FailureError) as failure:
        await shop.poll(None)
    assert isinstance(failure.value.outcome, Transient)
    assert len((await shop.poll(None)).events) == 1


@pytest.mark.parametrize("how", ["reset", "cut", "garble"])
async def test_a_broken_wire_is_asked_again(sandbox: WooCommerceSandbox, shop: WooCommerce, how: str) -> None:
    sandbox.shop.create_order()
    getattr(sandbox.chaos, how)(times=5)
    with pytest.raises(FailureError) as failure:
        await shop.poll(None)
    assert isinstance(failure.value.outcome, Transient)
    sandbox.chaos.calm()
    assert len((await shop.poll(None)).events) == 1


async def test_a_shop_that_says_nothing_is_not_waited_for(
    sandbox: WooCommerceSandbox, url: str, clock: VirtualClock
) -> None:
    sandbox.chaos.hang()
    async with make_client("main-shop", Limits(timeout=timedelta(seconds=0.3)), clock) as hasty:
        with pytest.raises(FailureError) as failure:
            await WooCommerce(settings(url=url), hasty, clock).poll(None)
    assert isinstance(failure.value.outcome, Transient)


async def test_a_wish_to_wait_is_obeyed(sandbox: WooCommerceSandbox, shop: WooCommerce, clock: VirtualClock) -> None:
    sandbox.chaos.fail(429, retry_after=90)
    with pytest.raises(FailureError) as failure:
        await shop.poll(None)
    assert isinstance(failure.value.outcome, Transient)
    assert failure.value.outcome.not_before == clock.now() + timedelta(seconds=90)
    with pytest.raises(FailureError, match="not asked"):
        await shop.poll(None)
    wait(clock, seconds=91)
    await shop.poll(None)


async def test_nothing_of_a_key_or_a_person_stands_in_a_failure_or_the_log(
    sandbox: WooCommerceSandbox, shop: WooCommerce, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    sandbox.weather.strips_authorization = True
    sandbox.shop.create_order()
    await shop.poll(None)
    said = [each.getMessage() for each in caplog.records if not each.name.startswith("uvicorn")]
    assert said, "the sandbox's own access log knows all, as a shop's does"
    sandbox.chaos.garble()
    sandbox.chaos.cut()
    sandbox.chaos.fail(403, body="marek@example.com")
    for _ in range(3):
        with pytest.raises(FailureError) as failure:
            await shop.poll(None)
        said.append(str(failure.value))
    for secret in (*KNOWN.values(), "marek", "600111222"):
        assert not any(secret in text for text in said), secret


# --- the cursor alone

TIMES = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)).map(lambda at: at.replace(tzinfo=UTC, microsecond=0))


@given(st.lists(TIMES, max_size=80), st.booleans(), st.integers(2, 9))
def test_a_run_reads_every_order_whatever_their_times(times: list[datetime], imported: bool, size: int) -> None:
    """The question against a list: exclusive, in whole seconds, by pages; with the page size of the module."""
    orders = sorted((at, ident) for ident, at in enumerate(times * size))
    start, now = datetime(2025, 12, 31, tzinfo=UTC), datetime(2027, 1, 2, tzinfo=UTC)
    cursor, seen = Cursor(start, start, first=imported), set[int]()
    for _ in range(200):
        if cursor.status == "any":
            found = [each for each in orders if each[0] > cursor.after]
            page = found[(cursor.page - 1) * PER_PAGE : cursor.page * PER_PAGE]
        else:
            page = []
        seen |= {ident for _, ident in page}
        cursor, more = cursor.following([at for at, _ in page], len(page), now)
        assert Cursor.of(json.loads(json.dumps(cursor.as_json())), now) == cursor
        if not more:
            break
    assert seen == {ident for _, ident in orders}
    assert cursor.start == max(start, max(times, default=start) - OVERLAP) and not cursor.first
