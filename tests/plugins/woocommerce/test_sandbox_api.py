"""The sandbox's REST interface, seen by a plain client with a key."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from hub.clock import VirtualClock
from plugins.platforms.woocommerce.sandbox import WooCommerceSandbox

from .telling import receiving


async def get(browser: httpx.AsyncClient, path: str, **params: Any) -> Any:
    answer = await browser.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def error(answer: httpx.Response) -> tuple[int, str]:
    body = answer.json()
    assert body["data"]["status"] == answer.status_code and body["message"]
    return answer.status_code, body["code"]


# --- who asks


async def test_the_key_comes_in_the_header_or_in_the_address(sandbox: WooCommerceSandbox, url: str) -> None:
    address = f"{url}/wp-json/wc/v3/orders"
    async with httpx.AsyncClient(trust_env=False) as nobody:
        query = {"consumer_key": sandbox.key, "consumer_secret": sandbox.secret}
        assert (await nobody.get(address, auth=(sandbox.key, sandbox.secret))).status_code == 200
        assert (await nobody.get(address, params=query)).status_code == 200
        assert error(await nobody.get(address)) == (401, "woocommerce_rest_cannot_view")
        for wrong in ((sandbox.key, "x"), ("x", sandbox.secret)):
            assert error(await nobody.get(address, auth=wrong)) == (401, "woocommerce_rest_authentication_error")
        wrong_query = {**query, "consumer_secret": "x"}
        assert error(await nobody.get(address, params=wrong_query)) == (401, "woocommerce_rest_authentication_error")


async def test_over_plain_http_the_key_as_it_is_is_refused(clock: VirtualClock) -> None:
    plain = WooCommerceSandbox(clock, tls=False)
    async with plain.serve() as url, httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"{url}/wp-json/wc/v3/orders", auth=(plain.key, plain.secret))
        assert error(answer) == (401, "woocommerce_rest_cannot_view")


async def test_a_web_server_can_strip_the_header(sandbox: WooCommerceSandbox, browser: httpx.AsyncClient) -> None:
    sandbox.weather.strips_authorization = True
    assert (await browser.get("orders")).status_code == 401
    query = {"consumer_key": sandbox.key, "consumer_secret": sandbox.secret}
    assert (await browser.get("orders", params=query)).status_code == 200


async def test_a_key_that_may_only_read_writes_nothing(sandbox: WooCommerceSandbox, browser: httpx.AsyncClient) -> None:
    order = sandbox.shop.create_order()
    sandbox.features.permissions = "read"
    assert error(await browser.put(f"orders/{order}", json={"status": "completed"})) == (
        401, "woocommerce_rest_authentication_error",
    )  # fmt: skip
    assert (await get(browser, f"orders/{order}"))["status"] == "pending"


async def test_plain_permalinks_have_another_address(sandbox: WooCommerceSandbox, url: str) -> None:
    order = sandbox.shop.create_order()
    async with httpx.AsyncClient(trust_env=False, auth=(sandbox.key, sandbox.secret)) as client:
        answer = await client.get(f"{url}/index.php", params={"rest_route": f"/wc/v3/orders/{order}"})
        assert answer.json()["id"] == int(order)


# --- lists


async def test_pages_have_totals_and_links(sandbox: WooCommerceSandbox, browser: httpx.AsyncClient) -> None:
    for _ in range(25):
        sandbox.shop.create_order()
    answer = await browser.get("orders")
    assert len(answer.json()) == 10
    assert (answer.headers["x-wp-total"], answer.headers["x-wp-totalpages"]) == ("25", "3")
    assert 'rel="next"' in answer.headers["link"] and 'rel="prev"' not in answer.headers["link"]
    last = await browser.get("orders", params={"page": 3})
    assert len(last.json()) == 5 and 'rel="next"' not in last.headers["link"]
    assert await get(browser, "orders", page=4) == []
    for wrong in ({"per_page": 101}, {"per_page": 0}, {"page": 0}, {"orderby": "total"}, {"modified_after": "x"}):
        answer = await browser.get("orders", params=wrong)
        assert error(answer) == (400, "rest_invalid_param") and answer.json()["data"]["params"]


async def test_modified_after_is_local_and_exclusive_unless_told_otherwise(
    sandbox: WooCommerceSandbox, browser: httpx.AsyncClient, clock: VirtualClock
) -> None:
    """The shop's own time is an hour ahead: 09:14:03 in UTC is 10:14:03 there."""
    order = sandbox.shop.create_order()

    async def found(**question: Any) -> list[int]:
        return [each["id"] for each in await get(browser, "orders", **question)]

    gmt = {"dates_are_gmt": "true"}
    assert await found(modified_after="2026-11-20T09:14:02", **gmt) == [int(order)]
    assert await found(modified_after="2026-11-20T09:14:03", **gmt) == []
    assert await found(modified_after="2026-11-20T10:14:02") == [int(order)]
    assert await found(modified_after="2026-11-20T10:14:03") == []
    assert await found(modified_before="2026-11-20T09:14:04", **gmt) == [int(order)]
    assert await found(modified_before="2026-11-20T09:14:03", **gmt) == []
    clock.move_to(clock.now() + timedelta(hours=1))
    sandbox.shop.touch(order)
    assert await found(modified_after="2026-11-20T09:14:03", **gmt) == [int(order)]
    assert await found(after="2026-11-20T09:14:03", **gmt) == []


async def test_local_and_utc_times_differ_and_carry_no_zone(
    sandbox: WooCommerceSandbox, browser: httpx.AsyncClient
) -> None:
    body = await get(browser, f"orders/{sandbox.shop.create_order(paid=True)}")
    for name in ("date_created", "date_modified", "date_paid"):
        assert (body[name], body[f"{name}_gmt"]) == ("2026-11-20T10:14:03", "2026-11-20T09:14:03")
    assert body["date_completed"] is body["date_completed_gmt"] is None


async def test_money_is_a_text_and_a_price_a_number(sandbox: WooCommerceSandbox, browser: httpx.AsyncClient) -> None:
    body = await get(browser, f"orders/{sandbox.shop.create_order()}")
    assert (body["total"], body["shipping_total"], body["line_items"][0]["price"]) == ("104.81", "12.99", 45.91)


async def test_orders_are_sorted_as_asked_and_an_old_shop_cannot_by_modified(
    sandbox: WooCommerceSandbox, browser: httpx.AsyncClient, clock: VirtualClock
) -> None:
    orders = [sandbox.shop.create_order() for _ in range(3)]
    clock.move_to(clock.now() + timedelta(minutes=1))
    sandbox.shop.touch(orders[0])

    async def ids(**question: Any) -> list[str]:
        return [str(each["id"]) for each in await get(browser, "orders", **question)]

    assert await ids(orderby="modified", order="asc") == [*orders[1:], orders[0]]
    assert await ids(orderby="modified") == [orders[0], *reversed(orders[1:])]
    assert await ids(orderby="date", order="asc") == orders
    sandbox.features.knows_modified = False
    assert error(await browser.get("orders", params={"orderby": "modified"})) == (400, "rest_invalid_param")


async def test_any_leaves_out_the_trash(sandbox: WooCommerceSandbox, browser: httpx.AsyncClient) -> None:
    kept, thrown = sandbox.shop.create_order(), sandbox.shop.create_order()
    sandbox.shop.trash(thrown)
    assert [each["id"] for each in await get(browser, "orders", status="any")] == [int(kept)]
    assert [each["id"] for each in await get(browser, "orders", status="trash")] == [int(thrown)]
    assert [each["id"] for each in await get(browser, "orders", status="pending,trash")] == [int(thrown), int(kept)]
    assert await get(browser, "orders", _fields="id,status") == [{"id": int(kept), "status": "pending"}]
    assert [each["id"] for each in await get(browser, "orders", include=kept)] == [int(kept)]


# --- one order


async def test_an_unknown_order_is_404_to_read_and_400_to_write(browser: httpx.AsyncClient) -> None:
    code = "woocommerce_rest_shop_order_invalid_id"
    assert error(await browser.get("orders/1")) == (404, code)
    assert error(await browser.put("orders/1", json={"status": "completed"})) == (400, code)


async def test_an_order_is_changed_and_only_where_said(sandbox: WooCommerceSandbox, browser: httpx.AsyncClient) -> None:
    order = sandbox.shop.create_order(meta={"_paczkomat_id": "POZ08A"})
    body = {"status": "completed", "meta_data": [{"key": "_hub_tracking", "value": "6200"}]}
    answer = (await browser.put(f"orders/{order}", json=body)).json()
    assert answer["status"] == "completed" and answer["date_paid_gmt"] == answer["date_completed_gmt"] is not None
    assert {each["key"]: each["value"] for each in answer["meta_data"]} == {
        "_paczkomat_id": "POZ08A", "_hub_tracking": "6200",
    }  # fmt: skip
    again = {"meta_data": [{"key": "_hub_tracking", "value": "6201"}]}
    assert len((await browser.put(f"orders/{order}", json=again)).json()["meta_data"]) == 2
    assert error(await browser.put(f"orders/{order}", json={"status": "nonsense"})) == (400, "rest_invalid_param")


async def test_setting_paid_makes_an_order_processing(sandbox: WooCommerceSandbox, browser: httpx.AsyncClient) -> None:
    order = sandbox.shop.create_order()
    answer = await browser.put(f"orders/{order}", json={"set_paid": True, "transaction_id": "t1"})
    assert (answer.json()["status"], answer.json()["transaction_id"]) == ("processing", "t1")


async def test_cash_on_delivery_is_paid_when_it_is_completed(
    sandbox: WooCommerceSandbox, browser: httpx.AsyncClient
) -> None:
    order = sandbox.shop.create_order(method="cod")
    body = await get(browser, f"orders/{order}")
    assert (body["status"], body["date_paid"]) == ("processing", None)
    sandbox.shop.complete(order)
    assert (await get(browser, f"orders/{order}"))["date_paid"] is not None


async def test_orders_are_thrown_away_and_deleted(sandbox: WooCommerceSandbox, browser: httpx.AsyncClient) -> None:
    order = sandbox.shop.create_order()
    assert (await browser.delete(f"orders/{order}")).json()["status"] == "trash"
    assert error(await browser.delete(f"orders/{order}")) == (410, "woocommerce_rest_already_trashed")
    assert (await browser.delete(f"orders/{order}", params={"force": "true"})).status_code == 200
    assert (await browser.get(f"orders/{order}")).status_code == 404


async def test_a_batch_has_its_errors_inside(sandbox: WooCommerceSandbox, browser: httpx.AsyncClient) -> None:
    order = sandbox.shop.create_order()
    body = {"update": [{"id": 1, "status": "completed"}, {"id": int(order), "status": "completed"}]}
    lost, done = (await browser.post("orders/batch", json=body)).json()["update"]
    assert lost["error"]["code"] == "woocommerce_rest_shop_order_invalid_id" and done["status"] == "completed"


async def test_notes_are_listed_and_one_for_the_customer_is_mailed(
    sandbox: WooCommerceSandbox, browser: httpx.AsyncClient
) -> None:
    order = sandbox.shop.create_order()
    modified = (await get(browser, f"orders/{order}"))["date_modified_gmt"]
    for customer in (False, True):
        note = {"note": f"said {customer}", "customer_note": customer}
        assert (await browser.post(f"orders/{order}/notes", json=note)).status_code == 201
    assert [each["note"] for each in await get(browser, f"orders/{order}/notes")] == ["said False", "said True"]
    assert [each["note"] for each in await get(browser, f"orders/{order}/notes", type="internal")] == ["said False"]
    assert [each.what for each in sandbox.ledger.where(kind="mail", order=order)] == ["note"]
    assert (await get(browser, f"orders/{order}"))["date_modified_gmt"] == modified


async def test_refunds_have_negative_totals_in_the_order_and_ids_of_the_same_space(
    sandbox: WooCommerceSandbox, browser: httpx.AsyncClient
) -> None:
    order = sandbox.shop.create_order(paid=True)
    made = await browser.post(f"orders/{order}/refunds", json={"amount": "45.91", "reason": "Chipped mug"})
    assert made.status_code == 201 and made.json()["amount"] == "45.91"
    assert sandbox.ledger.where(kind="write", what="refund")[0].args["api_refund"] is True, "real money, unless told"
    body = await get(browser, f"orders/{order}")
    assert body["refunds"] == [{"id": int(order) + 1, "reason": "Chipped mug", "total": "-45.91"}]
    assert body["status"] == "processing"
    assert int(sandbox.shop.create_order()) == int(order) + 2
    assert [each["id"] for each in await get(browser, f"orders/{order}/refunds")] == [int(order) + 1]
    for wrong in ({"amount": "999.00"}, {"amount": "0"}, {"amount": "x"}, {}):
        assert (await browser.post(f"orders/{order}/refunds", json=wrong)).status_code == 400
    await browser.post(f"orders/{order}/refunds", json={"amount": "58.90"})
    assert (await get(browser, f"orders/{order}"))["status"] == "refunded"


async def test_the_report_lists_every_status_and_its_orders(
    sandbox: WooCommerceSandbox, browser: httpx.AsyncClient
) -> None:
    sandbox.shop.register_status("packing", "Packing")
    sandbox.shop.set_status(sandbox.shop.create_order(), "packing")
    totals = {each["slug"]: (each["name"], each["total"]) for each in await get(browser, "reports/orders/totals")}
    assert totals["packing"] == ("Packing", 1) and totals["completed"] == ("Completed", 0)


# --- parcels

NO_ROUTE = (404, "rest_no_route")
FULFILMENT: dict[str, Any] = {
    "status": "fulfilled",
    "is_fulfilled": True,
    "meta_data": [
        {"key": "_items", "value": [{"item_id": 3105, "qty": 2}]},
        {"key": "_tracking_number", "value": "6200"},
    ],
}


async def test_fulfilments_are_no_route_until_they_are_switched_on(
    sandbox: WooCommerceSandbox, browser: httpx.AsyncClient
) -> None:
    path = f"orders/{sandbox.shop.create_order()}/fulfillments"
    assert error(await browser.get(path)) == NO_ROUTE
    assert error(await browser.post(path, json=FULFILMENT)) == NO_ROUTE
    sandbox.features.fulfillments = True
    assert await get(browser, path) == []
    made = (await browser.post(path, json=FULFILMENT)).json()
    assert (made["entity_type"], made["is_fulfilled"], made["status"]) == ("WC_Order", True, "fulfilled")
    assert await get(browser, path) == [made] and await get(browser, f"{path}/{made['id']}") == made
    assert await get(browser, f"{path}/{made['id']}/metadata") == made["meta_data"]
    assert (await browser.post(path, json={"meta_data": []})).status_code == 400, "_items is required"
    assert sandbox.ledger.where(kind="mail", what="fulfilment") == []
    await browser.post(path, json=FULFILMENT, params={"notify_customer": "true"})
    assert len(sandbox.ledger.where(kind="mail", what="fulfilment")) == 1
    less = {"status": "unfulfilled", "meta_data": FULFILMENT["meta_data"][:1]}
    changed = (await browser.put(f"{path}/{made['id']}", json=less)).json()
    assert changed["status"] == "unfulfilled" and [each["key"] for each in changed["meta_data"]] == ["_items"]
    gone = await browser.delete(f"{path}/{made['id']}")
    assert gone.json() == {"message": "Fulfillment deleted successfully."}
    assert (await browser.get(f"{path}/{made['id']}")).status_code == 404


async def test_the_tracking_extensions_share_one_meta_key(sandbox: WooCommerceSandbox, url: str) -> None:
    order = sandbox.shop.create_order()
    async with httpx.AsyncClient(trust_env=False, auth=(sandbox.key, sandbox.secret), base_url=url) as client:
        paths = [f"/wp-json/{name}/v3/orders/{order}/shipment-trackings" for name in ("wc-shipment-tracking", "wc-ast")]
        assert [error(await client.get(path)) for path in paths] == [NO_ROUTE, NO_ROUTE]
        sandbox.features.shipment_tracking = sandbox.features.ast = True
        for path, number in zip(paths, ("A1", "B2"), strict=True):
            body = {"tracking_provider": "DPD", "tracking_number": number}
            assert (await client.post(path, json=body)).status_code == 201
        (meta,) = (await client.get(f"/wp-json/wc/v3/orders/{order}")).json()["meta_data"]
        assert meta["key"] == "_wc_shipment_tracking_items"
        assert [each["tracking_number"] for each in meta["value"]] == ["A1", "B2"]
        assert meta["value"][0]["date_shipped"] == "1795166043"
        await client.post(paths[1], json={"tracking_number": "C3", "status_shipped": 1})
        assert sandbox.shop.find(order).status == "completed", "and WooCommerce mails the customer"


# --- webhooks


async def test_webhooks_are_made_read_changed_and_deleted(
    sandbox: WooCommerceSandbox, browser: httpx.AsyncClient
) -> None:
    wish = {"name": "Hub", "topic": "order.updated", "delivery_url": "http://127.0.0.1:9/in", "secret": "wh-secret-01"}
    made = await browser.post("webhooks", json=wish)
    body = made.json()
    assert made.status_code == 201 and "secret" not in body
    assert (body["status"], body["resource"], body["event"]) == ("active", "order", "updated")
    assert body["hooks"] and body["date_created"] != body["date_created_gmt"]
    path = f"webhooks/{body['id']}"
    assert await get(browser, path) == body and await get(browser, "webhooks") == [body]
    assert (await browser.put(path, json={"status": "paused"})).json()["status"] == "paused"
    assert error(await browser.delete(path)) == (501, "woocommerce_rest_trash_not_supported")
    assert (await browser.delete(path, params={"force": "true"})).status_code == 200
    assert error(await browser.get(path)) == (404, "woocommerce_rest_shop_webhook_invalid_id")


async def test_webhooks_are_made_in_a_batch(sandbox: WooCommerceSandbox, browser: httpx.AsyncClient) -> None:
    topics = ["order.created", "action.woocommerce_order_status_completed"]
    wishes = [{"topic": topic, "delivery_url": "http://127.0.0.1:9/in"} for topic in topics]
    answer = (await browser.post("webhooks/batch", json={"create": wishes})).json()
    assert [each["topic"] for each in answer["create"]] == topics


@pytest.mark.parametrize("topic", ["order.paid", "order.refunded", "action.init", ""])
async def test_there_are_no_other_topics(browser: httpx.AsyncClient, topic: str) -> None:
    answer = await browser.post("webhooks", json={"topic": topic, "delivery_url": "https://hub.example.com/in"})
    assert error(answer) == (400, "woocommerce_rest_invalid_webhook_topic")


async def test_a_webhook_without_a_secret_has_one_that_nobody_chose(
    sandbox: WooCommerceSandbox, browser: httpx.AsyncClient
) -> None:
    async with receiving() as receiver:
        await browser.post("webhooks", json={"topic": "order.created", "delivery_url": receiver.url})
        (hook,) = sandbox.hooks.webhooks.values()
        assert hook.secret and hook.secret != sandbox.webhook_secret


# --- chaos


async def test_a_firewall_answers_html(sandbox: WooCommerceSandbox, browser: httpx.AsyncClient) -> None:
    sandbox.weather.firewall = 1
    answer = await browser.get("orders")
    assert answer.status_code == 403 and answer.text.startswith("<html>")
    assert (await browser.get("orders")).status_code == 200


async def test_php_can_warn_before_the_json(sandbox: WooCommerceSandbox, browser: httpx.AsyncClient) -> None:
    sandbox.weather.warnings = 1
    answer = await browser.get("orders")
    assert answer.status_code == 200 and answer.text.startswith("<br />\n<b>Warning</b>") and answer.text.endswith("[]")


async def test_a_caching_plugin_answers_from_memory_unless_the_address_changes(
    sandbox: WooCommerceSandbox, browser: httpx.AsyncClient
) -> None:
    sandbox.weather.cached = True
    assert await get(browser, "orders") == []
    sandbox.shop.create_order()
    assert await get(browser, "orders") == []
    assert len(await get(browser, "orders", _="2")) == 1


async def test_every_call_and_every_write_stands_in_the_ledger(
    sandbox: WooCommerceSandbox, browser: httpx.AsyncClient
) -> None:
    order = sandbox.shop.create_order()
    await browser.put(f"orders/{order}", json={"status": "completed"})
    assert sandbox.ledger.where(kind="call")[0].what == f"PUT wc/v3/orders/{order}"
    (write,) = sandbox.ledger.where(kind="write")
    assert (write.what, write.order, write.args) == ("order", order, {"status": "completed"})
    assert [each.what for each in sandbox.ledger.where(kind="change", order=order)] == ["created", "completed"]


async def test_where_orders_are_posts_ids_have_gaps(clock: VirtualClock) -> None:
    shop = WooCommerceSandbox(clock, storage="legacy").shop
    assert int(shop.create_order()) + 1 < int(shop.create_order())
