"""The sandbox's Admin API, seen from a plain client: queries, cost, refusals, and every mutation."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from hub.clock import VirtualClock
from plugins.platforms.shopify.sandbox import ShopifySandbox

POLL = """
query Poll($q: String!, $after: String) {
  orders(first: 50, after: $after, sortKey: UPDATED_AT, query: $q) {
    pageInfo { hasNextPage endCursor }
    nodes {
      id legacyResourceId name number confirmationNumber test
      createdAt updatedAt processedAt cancelledAt cancelReason closedAt
      displayFinancialStatus displayFulfillmentStatus returnStatus
      currencyCode presentmentCurrencyCode
      totalPriceSet { shopMoney { amount currencyCode } }
      currentTotalPriceSet { shopMoney { amount currencyCode } }
      totalOutstandingSet { shopMoney { amount currencyCode } }
      email phone customerLocale note tags statusPageUrl paymentGatewayNames
      customAttributes { key value }
      customer { id firstName lastName locale defaultEmailAddress { emailAddress } defaultPhoneNumber { phoneNumber } }
      shippingAddress { name firstName lastName company phone address1 address2 city province zip countryCodeV2 }
      shippingLine { title code source carrierIdentifier }
      lineItems(first: 50) { nodes { id sku name title quantity currentQuantity unfulfilledQuantity
        originalUnitPriceSet { shopMoney { amount currencyCode } } } }
      fulfillments(first: 10) { id legacyResourceId name status displayStatus createdAt updatedAt inTransitAt
        deliveredAt estimatedDeliveryAt trackingInfo(first: 5) { company number url } }
      fulfillmentOrders(first: 10) { nodes { id status requestStatus deliveryMethod { methodType }
        fulfillmentHolds { reason reasonNotes } } }
      transactions(first: 10) { id kind status gateway manualPaymentGateway errorCode processedAt
        amountSet { shopMoney { amount currencyCode } } }
      refunds { id createdAt note totalRefundedSet { shopMoney { amount currencyCode } } }
    }
  }
}"""
"""The documented poll, word for word."""

SINCE = "updated_at:>='2026-11-20T09:00:00Z'"


@pytest.fixture
def ask(browser: httpx.AsyncClient, url: str, sandbox: ShopifySandbox) -> Any:
    token = sandbox.tokens.permanent()

    async def ask(query: str, version: str = "2026-10", **variables: Any) -> Any:
        answer = await browser.post(
            f"{url}/admin/api/{version}/graphql.json",
            json={"query": query, "variables": variables},
            headers={"X-Shopify-Access-Token": token},
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    return ask


def code(answer: Any) -> str:
    assert "data" not in answer
    return str(answer["errors"][0]["extensions"]["code"])


def gid(kind: str, ident: object) -> str:
    return f"gid://shopify/{kind}/{ident}"


# --- queries


async def test_the_documented_poll_is_answered(ask: Any, sandbox: ShopifySandbox) -> None:
    order = sandbox.shop.create_order(note="Please call before dispatch")
    sandbox.shop.fulfil(order, "20450999123456", "Nova Poshta", url="https://novaposhta.ua/tracking/?n=1")
    answer = await ask(POLL, q=SINCE, after=None)
    (node,) = answer["data"]["orders"]["nodes"]
    assert (node["id"], node["legacyResourceId"], node["name"]) == (gid("Order", order), order, "#1071")
    assert node["updatedAt"] == "2026-11-20T09:14:03Z"
    assert node["totalPriceSet"] == {"shopMoney": {"amount": "1249.00", "currencyCode": "UAH"}}
    assert (node["displayFinancialStatus"], node["displayFulfillmentStatus"]) == ("PENDING", "FULFILLED")
    assert node["fulfillments"][0]["trackingInfo"] == [
        {"company": "Nova Poshta", "number": "20450999123456", "url": "https://novaposhta.ua/tracking/?n=1"}
    ]
    assert node["fulfillmentOrders"]["nodes"][0]["deliveryMethod"] == {"methodType": "SHIPPING"}


async def test_orders_are_filtered_by_their_updated_time(
    ask: Any, sandbox: ShopifySandbox, clock: VirtualClock
) -> None:
    old = sandbox.shop.create_order()
    clock.move_to(clock.now() + timedelta(hours=2))
    new = sandbox.shop.create_order()
    query = "query Q($q: String!) { orders(first: 9, sortKey: UPDATED_AT, query: $q) { nodes { legacyResourceId } } }"
    for search, found in (
        ("updated_at:>='2026-11-20T11:14:03Z'", [new]),
        ("updated_at:>'2026-11-20T11:14:03Z'", []),
        ("updated_at:<'2026-11-20T10:00:00Z'", [old]),
        ("updated_at:>='2026-11-20T00:00:00+02:00' name:#1072", [new]),
        ("financial_status:pending AND status:open", [old, new]),
        ("", [old, new]),
    ):
        answer = await ask(query, q=search)
        assert [each["legacyResourceId"] for each in answer["data"]["orders"]["nodes"]] == found, search
    assert code(await ask(query, q="colour:red")) == "INVALID_SEARCH"


async def test_a_cursor_leads_from_page_to_page(ask: Any, sandbox: ShopifySandbox, clock: VirtualClock) -> None:
    orders = []
    for _ in range(5):
        orders.append(sandbox.shop.create_order())
        clock.move_to(clock.now() + timedelta(minutes=1))
    query = """query Q($after: String) { orders(first: 2, after: $after, sortKey: UPDATED_AT) {
        pageInfo { hasNextPage endCursor } edges { cursor node { legacyResourceId } } } }"""
    found, after, pages = [], None, 0
    while True:
        page = (await ask(query, after=after))["data"]["orders"]
        found += [each["node"]["legacyResourceId"] for each in page["edges"]]
        after, pages = page["pageInfo"]["endCursor"], pages + 1
        assert page["edges"][-1]["cursor"] == after
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert (found, pages) == (orders, 3)
    assert code(await ask(query, after="nonsense")) == "INVALID_CURSOR"


async def test_every_answer_tells_its_cost_and_the_bucket_fills_with_time(
    ask: Any, sandbox: ShopifySandbox, clock: VirtualClock
) -> None:
    cost = (await ask(POLL, q=SINCE))["extensions"]["cost"]
    assert cost["throttleStatus"]["maximumAvailable"] == 2000.0 and cost["throttleStatus"]["restoreRate"] == 100.0
    assert cost["throttleStatus"]["currentlyAvailable"] == 2000 - cost["requestedQueryCost"]
    clock.move_to(clock.now() + timedelta(seconds=60))
    assert (await ask("{ shop { name } }"))["extensions"]["cost"]["throttleStatus"]["currentlyAvailable"] == 1999


async def test_an_empty_bucket_throttles_with_http_200(ask: Any, sandbox: ShopifySandbox, clock: VirtualClock) -> None:
    sandbox.admin.bucket.level = 0
    answer = await ask(POLL, q=SINCE)
    assert code(answer) == "THROTTLED" and answer["errors"][0]["message"] == "Throttled"
    cost = answer["extensions"]["cost"]
    assert cost["actualQueryCost"] is None and cost["requestedQueryCost"] > 0
    missing = cost["requestedQueryCost"] - cost["throttleStatus"]["currentlyAvailable"]
    clock.move_to(clock.now() + timedelta(seconds=missing / cost["throttleStatus"]["restoreRate"]))
    assert "data" in await ask(POLL, q=SINCE)


async def test_a_query_may_not_cost_more_than_a_thousand(ask: Any) -> None:
    lines = " ".join(f"l{n}: lineItems(first: 250) {{ nodes {{ id }} }}" for n in range(60))
    assert code(await ask(f"{{ orders(first: 250) {{ nodes {{ {lines} }} }} }}")) == "MAX_COST_EXCEEDED"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("{ shop { colour } }", "undefinedField"),
        ("{ weather { today } }", "undefinedField"),
        ("{ orders(first: 1) { nodes { fulfillments { trackingNumber } } } }", "undefinedField"),
        ("{ orders { nodes { id } } }", "missingRequired"),
        ("{ shop }", "selectionMismatch"),
        ("{ shop { name { first } } }", "selectionMismatch"),
        ("{ shop { name }", "parseError"),
        ("{ shop { } }", "parseError"),
        ("{ shop { name ; } }", "parseError"),
        ("", "parseError"),
        ("{" + "a {" * 3000, "parseError"),
        ("query Q { order(id: $id) { id } }", "variableNotDefined"),
        ("query Q($id: ID!) { order(id: $id) { id } }", "INVALID_VARIABLE"),
    ],
)
async def test_a_wrong_query_is_refused_with_http_200(ask: Any, query: str, expected: str) -> None:
    answer = await ask(query)
    assert code(answer) == expected
    assert set(answer["errors"][0]["locations"][0]) == {"line", "column"}


async def test_a_refusal_says_where(ask: Any) -> None:
    answer = await ask("{\n  shop {\n    colour\n  }\n}")
    assert answer["errors"][0]["locations"] == [{"line": 3, "column": 5}]
    assert answer["errors"][0]["message"] == "Field 'colour' doesn't exist on type 'Shop'"


async def test_an_order_outside_the_shop_is_null(ask: Any) -> None:
    answer = await ask("query Q($id: ID!) { order(id: $id) { id } }", id=gid("Order", 7))
    assert answer["data"] == {"order": None}


async def test_what_the_app_has_no_scope_for_is_denied(ask: Any, sandbox: ShopifySandbox) -> None:
    sandbox.deny("fulfillmentOrders")
    assert code(await ask(POLL, q=SINCE)) == "ACCESS_DENIED"


@pytest.mark.parametrize(
    ("asked", "served"), [("2026-10", "2026-10"), ("2024-01", "2025-10"), ("unstable", "unstable")]
)
async def test_an_expired_version_is_served_by_the_oldest(
    browser: httpx.AsyncClient, url: str, sandbox: ShopifySandbox, asked: str, served: str
) -> None:
    headers = {"X-Shopify-Access-Token": sandbox.tokens.permanent()}
    path = f"{url}/admin/api/{asked}/graphql.json"
    answer = await browser.post(path, json={"query": "{ shop { name } }"}, headers=headers)
    assert answer.headers["X-Shopify-API-Version"] == served


async def test_a_version_that_never_was_is_not_found(browser: httpx.AsyncClient, url: str) -> None:
    for path in ("/admin/api/2031-01/graphql.json", "/admin/api/x/graphql.json", "/admin/api/graphql.json"):
        assert (await browser.post(url + path, json={})).status_code == 404


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"{", b'{"query": 5}', b'{"query": "{ shop { name } }", "variables": 5}']
)
async def test_nonsense_is_answered_and_breaks_nothing(
    browser: httpx.AsyncClient, url: str, sandbox: ShopifySandbox, body: bytes
) -> None:
    headers = {"X-Shopify-Access-Token": sandbox.tokens.permanent()}
    answer = await browser.post(f"{url}/admin/api/2026-10/graphql.json", content=body, headers=headers)
    assert answer.status_code in (200, 400) and "errors" in answer.json()


# --- subscriptions

CREATE = """mutation Sub($topic: WebhookSubscriptionTopic!, $in: WebhookSubscriptionInput!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: $in) {
    webhookSubscription { id topic uri format filter includeFields apiVersion { handle } }
    userErrors { field message }
  }
}"""
LIST = """query L($topics: [WebhookSubscriptionTopic!]) { webhookSubscriptions(first: 10, topics: $topics) {
    nodes { id topic uri } } }"""


async def test_subscriptions_are_made_listed_changed_and_deleted(ask: Any) -> None:
    wanted = {"uri": "https://hub.example.com/in/shopify", "format": "JSON"}
    made = (await ask(CREATE, topic="ORDERS_CREATE", **{"in": wanted}))["data"]["webhookSubscriptionCreate"]
    assert made["userErrors"] == [] and made["webhookSubscription"]["apiVersion"] == {"handle": "2026-10"}
    await ask(CREATE, topic="ORDERS_PAID", **{"in": wanted})
    assert len((await ask(LIST))["data"]["webhookSubscriptions"]["nodes"]) == 2
    listed = (await ask(LIST, topics=["ORDERS_CREATE"]))["data"]["webhookSubscriptions"]["nodes"]
    ident = made["webhookSubscription"]["id"]
    assert listed == [{"id": ident, "topic": "ORDERS_CREATE", "uri": wanted["uri"]}]
    change = """mutation U($id: ID!, $in: WebhookSubscriptionInput!) { webhookSubscriptionUpdate(id: $id,
        webhookSubscription: $in) { webhookSubscription { uri } userErrors { message } } }"""
    moved = await ask(change, id=ident, **{"in": {"uri": "https://hub.example.com/other"}})
    assert moved["data"]["webhookSubscriptionUpdate"]["webhookSubscription"] == {"uri": "https://hub.example.com/other"}
    delete = """mutation D($id: ID!) { webhookSubscriptionDelete(id: $id) { deletedWebhookSubscriptionId
        userErrors { message } } }"""
    gone = (await ask(delete, id=ident))["data"]["webhookSubscriptionDelete"]
    assert gone == {"deletedWebhookSubscriptionId": ident, "userErrors": []}
    again = (await ask(delete, id=ident))["data"]["webhookSubscriptionDelete"]
    assert again["userErrors"] == [{"message": "Webhook subscription does not exist"}]


async def test_a_bad_subscription_is_a_user_error(ask: Any) -> None:
    wanted = {"uri": "https://hub.example.com/in"}
    await ask(CREATE, topic="ORDERS_CREATE", **{"in": wanted})
    for given in (wanted, {"uri": "http://hub.example.com/in"}, {"uri": ""}):
        answer = await ask(CREATE, topic="ORDERS_CREATE", **{"in": given})
        assert answer["data"]["webhookSubscriptionCreate"]["userErrors"][0]["field"] == ["webhookSubscription", "uri"]
    assert code(await ask(CREATE, topic="ORDERS_EATEN", **{"in": wanted})) == "INVALID_VARIABLE"
    assert code(await ask(CREATE, topic="ORDERS_PAID", **{"in": {**wanted, "colour": 1}})) == "INVALID_VARIABLE"


# --- mutations


async def do(ask: Any, name: str, arguments: str, selection: str, **variables: tuple[str, Any]) -> Any:
    """Call one mutation; variables as name=(type, value)."""
    heads = ", ".join(f"${key}: {kind}" for key, (kind, _) in variables.items())
    query = f"mutation M({heads}) {{ {name}({arguments}) {{ {selection} }} }}"
    answer = await ask(query, **{key: value for key, (_, value) in variables.items()})
    return answer["data"][name] if "data" in answer else answer


ERRORS = "userErrors { field message }"


async def fulfilled(ask: Any, order_gids: list[str], **tracking: Any) -> Any:
    given = {"lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": each} for each in order_gids], **tracking}
    return await do(
        ask, "fulfillmentCreate", "fulfillment: $f", f"fulfillment {{ id status trackingInfo {{ number }} }} {ERRORS}",
        f=("FulfillmentInput!", given),
    )  # fmt: skip


async def test_fulfilment_create_sends_whole_fulfilment_orders(ask: Any, sandbox: ShopifySandbox) -> None:
    order = sandbox.shop.create_order()
    ident = gid("FulfillmentOrder", sandbox.shop.find(order).fulfilment_orders[0].id)
    made = await fulfilled(ask, [ident], trackingInfo={"number": "N1", "url": "https://t.example/N1"})
    assert made["fulfillment"]["trackingInfo"] == [{"number": "N1"}] and made["userErrors"] == []
    again = await fulfilled(ask, [ident])
    assert "unfulfillable status= closed" in again["userErrors"][0]["message"]
    assert (await fulfilled(ask, [gid("FulfillmentOrder", 7)]))["userErrors"]
    assert [each.what for each in sandbox.ledger.where(kind="change")] == ["created", "fulfilled"]


async def test_fulfilment_create_wants_one_location_and_a_number_with_its_url(
    ask: Any, sandbox: ShopifySandbox
) -> None:
    order = sandbox.shop.create_order(lines=(("A", "Cup", 1, "1.00"), ("B", "Pot", 1, "1.00")), locations=2)
    idents = [gid("FulfillmentOrder", each.id) for each in sandbox.shop.find(order).fulfilment_orders]
    assert "one location" in (await fulfilled(ask, idents))["userErrors"][0]["message"]
    assert (await fulfilled(ask, idents[:1], trackingInfo={"url": "https://t.example/N1"}))["userErrors"]
    assert (await fulfilled(ask, idents[:1], trackingInfo={"numbers": ["N1", "N2"], "urls": []}))["userErrors"] == []


async def test_tracking_is_changed_and_a_fulfilment_is_undone(ask: Any, sandbox: ShopifySandbox) -> None:
    order = sandbox.shop.create_order()
    ident = gid("Fulfillment", sandbox.shop.fulfil(order))
    changed = await do(
        ask, "fulfillmentTrackingInfoUpdate", "fulfillmentId: $i, trackingInfoInput: $t, notifyCustomer: false",
        f"fulfillment {{ trackingInfo {{ number company }} }} {ERRORS}",
        i=("ID!", ident), t=("FulfillmentTrackingInput!", {"number": "N2", "company": "Meest"}),
    )  # fmt: skip
    assert changed["fulfillment"]["trackingInfo"] == [{"number": "N2", "company": "Meest"}]
    undone = await do(
        ask, "fulfillmentCancel", "id: $i", f"fulfillment {{ status displayStatus }} {ERRORS}", i=("ID!", ident)
    )
    assert undone["fulfillment"] == {"status": "CANCELLED", "displayStatus": "CANCELED"}
    missing = await do(ask, "fulfillmentCancel", "id: $i", ERRORS, i=("ID!", gid("Fulfillment", 7)))
    assert missing["userErrors"]


async def test_a_carrier_s_scan_is_pushed(ask: Any, sandbox: ShopifySandbox) -> None:
    order = sandbox.shop.create_order()
    event = {
        "fulfillmentId": gid("Fulfillment", sandbox.shop.fulfil(order)),
        "status": "IN_TRANSIT",
        "happenedAt": "2026-11-20T12:00:00+02:00",
        "city": "Kyiv",
    }
    selection = f"fulfillmentEvent {{ status happenedAt city }} {ERRORS}"
    arguments = "fulfillmentEvent: $e"
    made = await do(ask, "fulfillmentEventCreate", arguments, selection, e=("FulfillmentEventInput!", event))
    assert made["fulfillmentEvent"] == {"status": "IN_TRANSIT", "happenedAt": "2026-11-20T10:00:00Z", "city": "Kyiv"}
    wrong = {**event, "status": "EATEN"}
    refused = await do(ask, "fulfillmentEventCreate", arguments, selection, e=("FulfillmentEventInput!", wrong))
    assert code(refused) == "INVALID_VARIABLE"


async def test_picking_is_reported_and_pickup_is_prepared(ask: Any, sandbox: ShopifySandbox) -> None:
    order = sandbox.shop.create_order(method="PICK_UP")
    ident = gid("FulfillmentOrder", sandbox.shop.find(order).fulfilment_orders[0].id)
    picking = await do(
        ask, "fulfillmentOrderReportProgress", "id: $i, progressReport: $p", f"fulfillmentOrder {{ status }} {ERRORS}",
        i=("ID!", ident), p=("FulfillmentOrderReportProgressInput", {"reasonNotes": "begun"}),
    )  # fmt: skip
    assert picking["fulfillmentOrder"] == {"status": "IN_PROGRESS"}
    prepared = {"lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": ident}]}
    kind = "FulfillmentOrderLineItemsPreparedForPickupInput!"
    name = "fulfillmentOrderLineItemsPreparedForPickup"
    assert (await do(ask, name, "input: $in", ERRORS, **{"in": (kind, prepared)}))["userErrors"] == []
    other = gid("FulfillmentOrder", sandbox.shop.find(sandbox.shop.create_order()).fulfilment_orders[0].id)
    prepared = {"lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": other}]}
    assert (await do(ask, name, "input: $in", ERRORS, **{"in": (kind, prepared)}))["userErrors"]


CANCEL = "orderId: $i, reason: $r, restock: true, refundMethod: {originalPaymentMethodsRefund: true}, staffNote: $n"


async def test_an_order_is_cancelled_for_good(ask: Any, sandbox: ShopifySandbox) -> None:
    order = gid("Order", sandbox.shop.create_order())
    selection = "job { id done } orderCancelUserErrors { field message code }"

    async def cancel(**changed: Any) -> Any:
        given = {"i": order, "r": "CUSTOMER", "n": "as wished", **changed}
        kinds = {"i": "ID!", "r": "OrderCancelReason!", "n": "String"}
        return await do(ask, "orderCancel", CANCEL, selection, **{key: (kinds[key], given[key]) for key in kinds})

    assert (await cancel(n="x" * 256))["orderCancelUserErrors"][0]["field"] == ["staffNote"]
    assert code(await cancel(r="BOREDOM")) == "INVALID_VARIABLE"
    assert (await cancel(i=gid("Order", 7)))["orderCancelUserErrors"][0]["code"] == "NOT_FOUND"
    assert (await cancel())["job"]["done"] is False
    assert "already cancelled" in (await cancel())["orderCancelUserErrors"][0]["message"]


async def test_an_order_is_marked_paid_once(ask: Any, sandbox: ShopifySandbox) -> None:
    given = ("OrderMarkAsPaidInput!", {"id": gid("Order", sandbox.shop.create_order())})
    selection = f"order {{ displayFinancialStatus }} {ERRORS}"
    paid = await do(ask, "orderMarkAsPaid", "input: $in", selection, **{"in": given})
    assert paid == {"order": {"displayFinancialStatus": "PAID"}, "userErrors": []}
    assert (await do(ask, "orderMarkAsPaid", "input: $in", selection, **{"in": given}))["userErrors"]


async def test_order_update_overwrites_what_is_sent_and_nothing_else(ask: Any, sandbox: ShopifySandbox) -> None:
    order = gid("Order", sandbox.shop.create_order(note="before", tags=["a"], attributes={"x": "1"}))
    selection = f"order {{ note tags customAttributes {{ key value }} }} {ERRORS}"
    given: tuple[str, Any] = ("OrderInput!", {"id": order, "note": "after"})
    told = await do(ask, "orderUpdate", "input: $in", selection, **{"in": given})
    assert told["order"] == {"note": "after", "tags": ["a"], "customAttributes": [{"key": "x", "value": "1"}]}
    given = ("OrderInput!", {"id": order, "tags": ["b"], "customAttributes": []})
    told = await do(ask, "orderUpdate", "input: $in", selection, **{"in": given})
    assert told["order"] == {"note": "after", "tags": ["b"], "customAttributes": []}


async def test_tags_are_added_and_removed(ask: Any, sandbox: ShopifySandbox) -> None:
    ident = sandbox.shop.create_order(tags=["a"])
    given = {"i": ("ID!", gid("Order", ident)), "t": ("[String!]!", ["b", "a"])}
    await do(ask, "tagsAdd", "id: $i, tags: $t", f"node {{ id }} {ERRORS}", **given)
    assert sandbox.shop.find(ident).tags == ["a", "b"]
    await do(ask, "tagsRemove", "id: $i, tags: $t", f"node {{ id }} {ERRORS}", **given)
    assert sandbox.shop.find(ident).tags == []


async def test_a_refund_needs_its_idempotency_key_and_happens_once(ask: Any, sandbox: ShopifySandbox) -> None:
    ident = sandbox.shop.create_order(gateway="shopify_payments", paid=True)
    given = {"orderId": gid("Order", ident), "transactions": [{"amount": "100.00"}], "note": "sorry"}
    bare = "mutation R($in: RefundInput!) { refundCreate(input: $in) { refund { id } userErrors { message } } }"
    assert code(await ask(bare, **{"in": given})) == "missingRequiredDirective"
    keyed = bare.replace("(input: $in)", '(input: $in) @idempotent(key: "8b1f")')
    first, again = await ask(keyed, **{"in": given}), await ask(keyed, **{"in": given})
    assert first["data"] == again["data"] and first["data"]["refundCreate"]["refund"]
    assert len(sandbox.shop.find(ident).refunds) == 1
    too_much = {**given, "transactions": [{"amount": "9999.00"}]}
    refused = await ask(keyed.replace("8b1f", "9c20"), **{"in": too_much})
    assert refused["data"]["refundCreate"]["userErrors"]


async def test_the_ledger_holds_every_mutation_with_what_became_of_it(ask: Any, sandbox: ShopifySandbox) -> None:
    order = gid("Order", sandbox.shop.create_order())
    given = ("OrderMarkAsPaidInput!", {"id": order})
    for _ in range(2):
        await do(ask, "orderMarkAsPaid", "input: $in", ERRORS, **{"in": given})
    told = sandbox.ledger.where(kind="mutation")
    assert [(each.what, bool(each.errors)) for each in told] == [("orderMarkAsPaid", False), ("orderMarkAsPaid", True)]
    assert told[0].args["input"] == {"id": order}
