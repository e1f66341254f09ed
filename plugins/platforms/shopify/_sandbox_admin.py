"""The fake shop's Admin API: queries and mutations over its state, with the cost bucket in front."""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from hub.clock import Clock, aware

from ._sandbox_bodies import Tree
from ._sandbox_bodies import gid as gid_of
from ._sandbox_graphql import Operation, QueryError, Selection, connection, cost_of, project, read_document
from ._sandbox_hooks import TOPICS, Hooks, Subscription
from ._sandbox_nodes import order_node
from ._sandbox_schema import TYPES
from ._sandbox_search import matches
from ._sandbox_shop import Shop
from ._sandbox_state import FulfilmentOrder, Order

_EVENTS = frozenset(
    [
        "ATTEMPTED_DELIVERY",
        "CARRIER_PICKED_UP",
        "CONFIRMED",
        "DELAYED",
        "DELIVERED",
        "FAILURE",
        "IN_TRANSIT",
        "LABEL_PRINTED",
        "LABEL_PURCHASED",
        "OUT_FOR_DELIVERY",
        "PICKED_UP",
        "READY_FOR_PICKUP",
    ]
)
_CANCEL_REASONS = frozenset({"CUSTOMER", "DECLINED", "FRAUD", "INVENTORY", "STAFF", "OTHER"})


class UserError(Exception):
    """A business error: becomes `userErrors` of the mutation."""

    def __init__(self, message: str, *path: str, code: str | None = None) -> None:
        super().__init__(message)
        self.message, self.path, self.code = message, list(path), code


class Bucket:
    """Points that leak back with time."""

    def __init__(self, clock: Clock, maximum: float, rate: float) -> None:
        self.maximum, self.rate = maximum, rate
        self.level = maximum
        self._clock, self._at = clock, clock.now()

    def take(self, points: int) -> bool:
        now = self._clock.now()
        self.level = min(self.maximum, self.level + (now - self._at).total_seconds() * self.rate)
        self._at = now
        if points > self.level:
            return False
        self.level -= points
        return True

    def block(self, asked: int, actual: int | None) -> Tree:
        """The `cost` of an answer."""
        return {
            "requestedQueryCost": asked,
            "actualQueryCost": actual,
            "throttleStatus": {
                "maximumAvailable": self.maximum,
                "currentlyAvailable": int(self.level),
                "restoreRate": self.rate,
            },
        }


class Admin:
    """One endpoint. `record(mutation, variables, errors)` is told of every mutation that came in."""

    def __init__(
        self,
        clock: Clock,
        shop: Shop,
        hooks: Hooks,
        *,
        domain: str,
        title: str,
        bucket: Bucket,
        record: Callable[[str, Mapping[str, Any], list[str]], None],
    ) -> None:
        self.bucket = bucket
        self.throttle = 0
        self.most_costly = 1000
        self.denied: set[str] = set()
        self._clock, self._shop, self._hooks, self._domain, self._title = clock, shop, hooks, domain, title
        self._record = record
        self._idempotent: dict[str, Tree] = {}

    def answer(self, asked: Mapping[str, Any]) -> Tree:
        """The JSON of an HTTP 200, errors too."""
        variables = asked.get("variables") or {}
        try:
            operation = read_document(str(asked.get("query")), variables)
            self._refuse_denied(operation.selections)
        except QueryError as error:
            return _refusal(error, str(asked.get("query")))
        kind = "Mutation" if operation.kind == "mutation" else "QueryRoot"
        cost = max(cost_of(operation.selections, kind), 10 if kind == "Mutation" else 1)
        if cost > self.most_costly:
            return _coded(f"Query cost is {cost}, which exceeds the single query max cost limit", "MAX_COST_EXCEEDED")
        if self.throttle or not self.bucket.take(cost):
            self.throttle = max(self.throttle - 1, 0)
            refusal = _coded("Throttled", "THROTTLED", documentation="https://shopify.dev/api/usage/limits")
            return {**refusal, "extensions": {"cost": self.bucket.block(cost, None)}}
        try:
            data = self._run(operation, kind, variables)
        except QueryError as error:
            return _refusal(error, str(asked.get("query")))
        return {"data": data, "extensions": {"cost": self.bucket.block(cost, cost)}}

    def _refuse_denied(self, selections: tuple[Selection, ...]) -> None:
        for each in selections:
            topic = each.args.get("topic")
            if each.name in self.denied or topic in self.denied:
                raise QueryError(f"Access denied for {topic or each.name} field.", "ACCESS_DENIED", each.position)
            self._refuse_denied(each.selections)

    def _run(self, operation: Operation, kind: str, variables: Mapping[str, Any]) -> Tree:
        data: Tree = {}
        for each in operation.selections:
            if kind == "Mutation":
                found = self._mutate(each, variables)
                data[each.alias or each.name] = project(found, each.selections, _payload(each.name))
            else:
                data[each.alias or each.name] = self._query(each)
        return data

    # --- queries

    def _query(self, asked: Selection) -> Any:
        args = asked.args
        if asked.name == "shop":
            shop = {"id": gid_of("Shop", 70112233), "name": self._title, "myshopifyDomain": self._domain}
            return project(shop, asked.selections, "Shop")
        if asked.name == "orders":
            return project(connection(self._orders(args), args), asked.selections, "OrderConnection")
        if asked.name == "webhookSubscriptions":
            wanted = args.get("topics")
            found = [each for each in self._hooks.subscriptions.values() if not wanted or each.topic in wanted]
            nodes = [_subscription_node(each) for each in found]
            return project(connection(nodes, args), asked.selections, "WebhookSubscriptionConnection")
        if asked.name == "codeDiscountNodeByCode":
            made = self._shop.discounts.get(str(args.get("code")).upper())
            return project({"id": made["id"]}, asked.selections, "DiscountCodeNode") if made else None
        kinds = {"order": "Order", "fulfillmentOrder": "FulfillmentOrder", "return": "Return",
                 "fulfillment": "Fulfillment", "node": "Node"}  # fmt: skip
        return project(self._by_gid(args.get("id")), asked.selections, kinds[asked.name])

    def _orders(self, args: Mapping[str, Any]) -> list[Tree]:
        found = [each for each in self._shop.orders.values() if matches(each, args.get("query") or "")]
        nodes = [order_node(each, f"https://{self._domain}") for each in found]
        if args.get("sortKey") != "UPDATED_AT":
            nodes = [{**each, "_key": [each["processedAt"], each["_key"][1]]} for each in nodes]
        return sorted(nodes, key=lambda node: node["_key"])

    def _by_gid(self, gid: Any) -> Tree | None:
        """Any object by its gid, with its order beside it."""
        for order in self._shop.orders.values():
            node = order_node(order, f"https://{self._domain}")
            scans = [event for each in node["fulfillments"] for event in each["events"]]
            for each in (node, *node["fulfillments"], *node["fulfillmentOrders"], *node["returns"], *scans):
                if each["id"] == gid:
                    return {**each, "order": node}
        return None

    # --- mutations

    def _mutate(self, asked: Selection, variables: Mapping[str, Any]) -> Tree:
        act = getattr(self, f"_do_{asked.name}")
        key = (asked.args.get("@idempotent") or {}).get("key")
        if asked.name == "refundCreate" and not key:
            raise QueryError("refundCreate needs the directive @idempotent(key:)", "missingRequiredDirective")
        if key in self._idempotent:
            return self._idempotent[key]
        errors_name = "orderCancelUserErrors" if asked.name == "orderCancel" else "userErrors"
        try:
            payload: Tree = {**act(asked.args), errors_name: [], "userErrors": []}
            errors: list[str] = []
        except UserError as error:
            errors = [error.message]
            said = {"field": error.path, "message": error.message, "code": error.code}
            payload = {errors_name: [said], "userErrors": [said]}
        self._record(asked.name, {**asked.args, **({"variables": dict(variables)} if variables else {})}, errors)
        if key:
            self._idempotent[key] = payload
        return payload

    def _order(self, gid: Any) -> Order:
        found = next((each for each in self._shop.orders.values() if gid_of("Order", each.id) == gid), None)
        if found is None:
            raise UserError("Order does not exist", "id", code="NOT_FOUND")
        return found

    def _owner(self, gid: Any) -> tuple[Order, int]:
        """The order that has this fulfilment."""
        for order in self._shop.orders.values():
            for each in order.fulfilments:
                if gid_of("Fulfillment", each.id) == gid:
                    return order, each.id
        raise UserError("Fulfillment not found.", "fulfillmentId")

    def _fulfilment_order(self, gid: Any) -> tuple[Order, FulfilmentOrder]:
        for order in self._shop.orders.values():
            for each in order.fulfilment_orders:
                if gid_of("FulfillmentOrder", each.id) == gid:
                    return order, each
        raise UserError("Fulfillment order does not exist.", "fulfillment")

    def _node(self, order: Order) -> Tree:
        return order_node(order, f"https://{self._domain}")

    def _do_fulfillmentCreate(self, args: Mapping[str, Any]) -> Tree:
        given = args["fulfillment"]
        found = [
            self._fulfilment_order(each.get("fulfillmentOrderId")) for each in given["lineItemsByFulfillmentOrder"]
        ]
        if not found or len({order.id for order, _ in found}) > 1 or len({each.location for _, each in found}) > 1:
            raise UserError("All fulfillment orders must belong to one order and one location.", "fulfillment")
        for _, each in found:
            if each.status not in ("OPEN", "IN_PROGRESS"):
                raise UserError(
                    f"Fulfillment order {each.id} has an unfulfillable status= {each.status.lower()}.", "fulfillment"
                )
        tracking = given.get("trackingInfo") or {}
        numbers, urls = _tracking(tracking)
        order = found[0][0]
        made = self._shop.fulfil_orders(
            str(order.id), [each.id for _, each in found], tracking.get("company"), numbers, urls
        )
        return {"fulfillment": _in(self._node(order)["fulfillments"], gid_of("Fulfillment", made.id))}

    def _do_fulfillmentTrackingInfoUpdate(self, args: Mapping[str, Any]) -> Tree:
        order, ident = self._owner(args.get("fulfillmentId"))
        given = args["trackingInfoInput"]
        numbers, urls = _tracking(given)
        if not numbers:
            raise UserError("A tracking number is needed.", "trackingInfoInput", "number")
        self._shop.set_tracking(str(order.id), ident, numbers[0], given.get("company"), urls[0] if urls else "")
        return {"fulfillment": _in(self._node(order)["fulfillments"], gid_of("Fulfillment", ident))}

    def _do_fulfillmentCancel(self, args: Mapping[str, Any]) -> Tree:
        order, ident = self._owner(args.get("id"))
        self._shop.cancel_fulfilment(str(order.id), ident)
        return {"fulfillment": _in(self._node(order)["fulfillments"], gid_of("Fulfillment", ident))}

    def _do_fulfillmentEventCreate(self, args: Mapping[str, Any]) -> Tree:
        given = args["fulfillmentEvent"]
        order, ident = self._owner(given.get("fulfillmentId"))
        if given.get("status") not in _EVENTS:
            raise QueryError("Expected status to be a FulfillmentEventStatus", "INVALID_VARIABLE")
        made = self._shop.fulfillment_event(
            str(order.id), ident, given["status"].lower(), at=_moment(given.get("happenedAt")),
            message=given.get("message") or "", city=given.get("city"), eta=_moment(given.get("estimatedDeliveryAt")),
        )  # fmt: skip
        scans = [event for each in self._node(order)["fulfillments"] for event in each["events"]]
        return {"fulfillmentEvent": _in(scans, gid_of("FulfillmentEvent", made))}

    def _do_fulfillmentOrderReportProgress(self, args: Mapping[str, Any]) -> Tree:
        order, each = self._fulfilment_order(args.get("id"))
        self._shop.report_progress(str(order.id))
        return {"fulfillmentOrder": _in(self._node(order)["fulfillmentOrders"], gid_of("FulfillmentOrder", each.id))}

    def _do_fulfillmentOrderLineItemsPreparedForPickup(self, args: Mapping[str, Any]) -> Tree:
        first = args["input"]["lineItemsByFulfillmentOrder"][0]
        order, each = self._fulfilment_order(first.get("fulfillmentOrderId"))
        if each.method != "PICK_UP":
            raise UserError("The fulfillment order is not for pickup.", "input")
        self._shop.prepare_pickup(str(order.id))
        return {}

    def _do_orderCancel(self, args: Mapping[str, Any]) -> Tree:
        order = self._order(args.get("orderId"))
        if args.get("reason") not in _CANCEL_REASONS:
            raise QueryError("Expected reason to be an OrderCancelReason", "INVALID_VARIABLE")
        if order.cancelled_at is not None:
            raise UserError("Cannot cancel an order that is already cancelled.", "orderId", code="INVALID")
        if len(args.get("staffNote") or "") > 255:
            raise UserError("Staff note is too long (maximum is 255 characters)", "staffNote", code="INVALID")
        refund = bool((args.get("refundMethod") or {}).get("originalPaymentMethodsRefund"))
        self._shop.cancel(str(order.id), str(args["reason"]).lower(), refund=refund)
        return {"job": {"id": gid_of("Job", order.id), "done": False}}

    def _do_orderMarkAsPaid(self, args: Mapping[str, Any]) -> Tree:
        order = self._order(args["input"].get("id"))
        if order.outstanding == 0 or order.cancelled_at is not None:
            raise UserError("Order cannot be marked as paid.", "id")
        self._shop.pay(str(order.id))
        return {"order": self._node(order)}

    def _do_orderUpdate(self, args: Mapping[str, Any]) -> Tree:
        given = args["input"]
        order = self._order(given.get("id"))
        if "tags" in given:
            order.tags = list(given["tags"])
        if "customAttributes" in given:
            order.attributes = {each["key"]: each["value"] for each in given["customAttributes"]}
        self._shop.set_note(str(order.id), given.get("note", order.note or ""))
        return {"order": self._node(order)}

    def _do_discountCodeBasicCreate(self, args: Mapping[str, Any]) -> Tree:
        given = args["basicCodeDiscount"]
        lacking = [name for name in ("code", "context", "customerGets", "startsAt", "title") if not given.get(name)]
        if lacking:
            raise UserError(f"{lacking[0]} can't be blank", "basicCodeDiscount", lacking[0], code="BLANK")
        code = str(given["code"])
        if code.upper() in self._shop.discounts:
            raise UserError(
                "Code must be unique. Please try a different code.", "basicCodeDiscount", "code", code="TAKEN"
            )
        share = given["customerGets"]["value"].get("percentage")
        if share is not None and not 0 < share <= 1:
            raise UserError("Value must be between 0.0 and 1.0", "basicCodeDiscount", "customerGets", code="INVALID")
        node = gid_of("DiscountCodeNode", 4000 + len(self._shop.discounts))
        self._shop.discounts[code.upper()] = {**given, "id": node}
        return {"codeDiscountNode": {"id": node}}

    def _customer_tags(self, gid: Any) -> list[str] | None:
        """The tags of a customer who ordered here; None: it is no customer's gid."""
        known = any(gid_of("Customer", each.customer.id) == gid for each in self._shop.orders.values() if each.customer)
        return self._shop.customer_tags.setdefault(str(gid), []) if known else None

    def _do_tagsAdd(self, args: Mapping[str, Any]) -> Tree:
        theirs = self._customer_tags(args.get("id"))
        if theirs is not None:
            theirs += [each for each in args["tags"] if each not in theirs]
            return {"node": {"id": args.get("id")}}
        order = self._order(args.get("id"))
        self._shop.set_tags(str(order.id), [*order.tags, *(each for each in args["tags"] if each not in order.tags)])
        return {"node": {"id": args.get("id")}}

    def _do_tagsRemove(self, args: Mapping[str, Any]) -> Tree:
        theirs = self._customer_tags(args.get("id"))
        if theirs is not None:
            theirs[:] = [each for each in theirs if each not in args["tags"]]
            return {"node": {"id": args.get("id")}}
        order = self._order(args.get("id"))
        self._shop.set_tags(str(order.id), [each for each in order.tags if each not in args["tags"]])
        return {"node": {"id": args.get("id")}}

    def _do_refundCreate(self, args: Mapping[str, Any]) -> Tree:
        given = args["input"]
        order = self._order(given.get("orderId"))
        amount = sum((Decimal(str(each["amount"])) for each in given.get("transactions") or []), Decimal(0))
        if amount <= 0 or amount > order.received - order.refunded:
            raise UserError("Refund amount must be positive and not more than what was paid.", "transactions")
        self._shop.refund(str(order.id), str(amount), note=given.get("note") or "")
        return {"refund": self._node(order)["refunds"][-1]}

    def _do_webhookSubscriptionCreate(self, args: Mapping[str, Any]) -> Tree:
        topic, given = args.get("topic"), args["webhookSubscription"]
        if topic not in TOPICS:
            raise QueryError("Expected topic to be a WebhookSubscriptionTopic", "INVALID_VARIABLE")
        uri = str(given.get("uri") or given.get("callbackUrl") or "")
        _check_uri(uri)
        if any(each.topic == topic and each.uri == uri for each in self._hooks.subscriptions.values()):
            raise UserError("Address for this topic has already been taken", "webhookSubscription", "uri")
        made = self._hooks.subscribe(str(topic), uri)
        _apply(made, given)
        return {"webhookSubscription": _subscription_node(made)}

    def _do_webhookSubscriptionUpdate(self, args: Mapping[str, Any]) -> Tree:
        found, given = self._subscription(args), args["webhookSubscription"]
        if given.get("uri"):
            _check_uri(str(given["uri"]))
            found.uri = str(given["uri"])
        _apply(found, given)
        return {"webhookSubscription": _subscription_node(found)}

    def _do_webhookSubscriptionDelete(self, args: Mapping[str, Any]) -> Tree:
        found = self._subscription(args)
        del self._hooks.subscriptions[found.id]
        return {"deletedWebhookSubscriptionId": args["id"]}

    def _subscription(self, args: Mapping[str, Any]) -> Subscription:
        known = self._hooks.subscriptions.values()
        found = next((each for each in known if gid_of("WebhookSubscription", each.id) == args.get("id")), None)
        if found is None:
            raise UserError("Webhook subscription does not exist", "id")
        return found


def _payload(name: str) -> str:
    return TYPES["Mutation"][name]


def _in(nodes: list[Tree], gid: str) -> Tree:
    return next(each for each in nodes if each["id"] == gid)


def _check_uri(uri: str) -> None:
    """A real shop wants https; the sandbox also takes this machine's own addresses."""
    if not uri.startswith(("https://", "pubsub://", "arn:", "http://127.0.0.1:", "http://localhost:")):
        raise UserError("Address is not allowed", "webhookSubscription", "uri")


def _apply(found: Subscription, given: Mapping[str, Any]) -> None:
    if given.get("filter"):
        raise UserError("This sandbox knows no filters", "webhookSubscription", "filter")
    found.format = given.get("format") or found.format
    found.include_fields = list(given.get("includeFields") or [])
    found.name = given.get("name") or found.name


def _subscription_node(each: Subscription) -> Tree:
    return {
        "_key": [each.id],
        "id": gid_of("WebhookSubscription", each.id),
        "topic": each.topic,
        "uri": each.uri,
        "format": each.format,
        "filter": each.filter or None,
        "includeFields": each.include_fields,
        "apiVersion": {"handle": "2026-10"},
    }


def _tracking(given: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """`number` with `url`, or `numbers` with `urls`."""
    if (given.get("url") and not given.get("number")) or (given.get("urls") and not given.get("numbers")):
        raise UserError("A tracking URL needs its number.", "trackingInfo", "url")
    numbers = given.get("numbers") or ([given["number"]] if given.get("number") else [])
    return list(numbers), list(given.get("urls") or ([given["url"]] if given.get("url") else []))


def _moment(text: Any) -> datetime | None:
    return aware(datetime.fromisoformat(text)) if text else None


def _coded(message: str, code: str, **more: str) -> Tree:
    return {"errors": [{"message": message, "extensions": {"code": code, **more}}]}


def _refusal(error: QueryError, text: str) -> Tree:
    before = text[: error.position]
    place = {"line": before.count("\n") + 1, "column": error.position - (before.rfind("\n") + 1) + 1}
    return {
        "errors": [{"message": error.message, "locations": [place], "path": [], "extensions": {"code": error.code}}]
    }
