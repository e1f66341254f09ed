"""The fake shop's REST interface: namespaces `wc/v3`, `wc-shipment-tracking/v3` and `wc-ast/v3`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any

from hub.clock import Clock

from ._sandbox_bodies import Bodies, Tree
from ._sandbox_hooks import RESOURCES, Hooks, Webhook
from ._sandbox_shop import Order, Shop

NO_ROUTE = ("rest_no_route", "No route was found matching the URL and request method.")
_KINDS = {"internal": False, "customer": True}
_SORTED_BY: Mapping[str, Callable[[Order], Any]] = {
    "modified": lambda order: (order.modified, order.id),
    "date": lambda order: (order.created, order.id),
    "id": lambda order: order.id,
    "include": lambda order: order.id,
    "title": lambda order: order.number,
    "slug": lambda order: order.id,
}
_LISTED = frozenset({"auto-draft", "trash"})
"""Statuses that `any` leaves out."""


class RestError(Exception):
    """An error as WordPress answers it."""

    def __init__(self, status: int, code: str, message: str, **data: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"code": code, "message": message, "data": {"status": status, **data}}


@dataclass(frozen=True, slots=True)
class Call:
    """One request, taken apart."""

    method: str
    path: tuple[str, ...]
    """Without the namespace."""
    params: Mapping[str, str]
    body: Any


@dataclass(frozen=True, slots=True)
class Said:
    """An answer; `total` of a list, of which this is one page of `per_page`."""

    status: int
    value: Any
    total: int | None = None
    per_page: int = 10
    page: int = 1

    @property
    def pages(self) -> int:
        return -(-(self.total or 0) // self.per_page)


@dataclass(slots=True)
class Features:
    """What this shop has. `knows_modified`: an old core sorts by it not yet."""

    fulfillments: bool = False
    shipment_tracking: bool = False
    ast: bool = False
    knows_modified: bool = True
    permissions: str = "read_write"


Record = Callable[[str, str, Tree], None]
"""(what was written, order, with which body)"""


class Rest:
    """Answers a call, or raises `RestError`."""

    def __init__(
        self, clock: Clock, shop: Shop, hooks: Hooks, bodies: Bodies, zone: tzinfo, features: Features, record: Record
    ) -> None:
        self._clock, self._shop, self._hooks, self._bodies, self._zone = clock, shop, hooks, bodies, zone
        self.features = features
        self._record = record

    async def answer(self, namespace: str, call: Call) -> Said:
        if call.method != "GET" and self.features.permissions == "read":
            raise RestError(
                401, "woocommerce_rest_authentication_error", "The API key provided does not have write permissions."
            )
        match namespace, call.path:
            case "wc/v3", ("orders", *rest):
                return self._orders(call, rest)
            case "wc/v3", ("coupons",):
                return self._coupons(call)
            case "wc/v3", ("webhooks", *rest):
                return await self._webhooks(call, rest)
            case "wc/v3", ("reports", "orders", "totals"):
                return Said(200, self._totals())
            case "wc-shipment-tracking/v3", ("orders", ref, "shipment-trackings") if self.features.shipment_tracking:
                return self._trackings(call, ref, "tracking_provider")
            case "wc-ast/v3", ("orders", ref, "shipment-trackings") if self.features.ast:
                return self._trackings(call, ref, "ast")
        raise RestError(404, *NO_ROUTE)

    # --- orders

    def _orders(self, call: Call, rest: Sequence[str]) -> Said:
        match call.method, rest:
            case "GET", []:
                return self._list(call.params)
            case "POST", []:
                return self._create(call.body)
            case "POST", ["batch"]:
                return Said(200, self._batch(call.body))
            case "GET", [ref]:
                return Said(200, self._bodies.order(self._order(ref)))
            case "PUT" | "POST" | "PATCH", [ref] if ref.isdecimal():
                return Said(200, self._update(ref, call.body))
            case "DELETE", [ref]:
                return Said(200, self._delete(ref, force=_truth(call.params.get("force", ""))))
            case _, [ref, "notes"]:
                return self._notes(call, self._order(ref))
            case _, [ref, "refunds"]:
                return self._refunds(call, self._order(ref))
            case _, [ref, "fulfillments", *which] if self.features.fulfillments:
                return self._fulfilments(call, self._order(ref), which)
        raise RestError(404, *NO_ROUTE)

    def _order(self, ref: str, *, status: int = 404) -> Order:
        found = self._shop.orders.get(int(ref)) if ref.isdecimal() else None
        if found is None:
            raise RestError(status, "woocommerce_rest_shop_order_invalid_id", "Invalid ID.")
        return found

    def _list(self, params: Mapping[str, str]) -> Said:
        per_page, page = _whole(params, "per_page", 10, most=100), _whole(params, "page", 1, most=10**9)
        by = params.get("orderby", "date")
        if by not in _SORTED_BY or (by == "modified" and not self.features.knows_modified):
            raise _invalid("orderby")
        found = [each for each in self._shop.orders.values() if self._meets(each, params)]
        found.sort(key=_SORTED_BY[by], reverse=params.get("order", "desc") == "desc")
        start = (page - 1) * per_page
        value = [_only(self._bodies.order(each), params.get("_fields")) for each in found[start : start + per_page]]
        return Said(200, value, len(found), per_page, page)

    def _meets(self, order: Order, params: Mapping[str, str]) -> bool:
        wanted = params.get("status", params.get("status[]", "any")).split(",")
        if "any" in wanted:
            drafts = frozenset() if self._hooks.mischief.leak_drafts else frozenset({"checkout-draft"})
            if order.status in _LISTED | drafts:
                return False
        elif order.status not in wanted:
            return False
        include = params.get("include", "")
        if include and str(order.id) not in include.split(","):
            return False
        gmt = _truth(params.get("dates_are_gmt", ""))
        times = {"modified": order.modified, "": order.created}
        for name, at in times.items():
            after, before = (params.get(f"{name}_{word}" if name else word) for word in ("after", "before"))
            if (after and self._column(at, gmt=gmt) <= _naive(after)) or (
                before and self._column(at, gmt=gmt) >= _naive(before)
            ):
                return False
        return True

    def _column(self, at: datetime, *, gmt: bool) -> datetime:
        """Whole seconds of the shop's local time, unless the question says otherwise."""
        return at.astimezone(UTC if gmt else self._zone).replace(tzinfo=None, microsecond=0)

    def _create(self, body: Tree) -> Said:
        billing = body.get("billing") or {}
        ref = self._shop.create_order(
            name=f"{billing.get('first_name', '')} {billing.get('last_name', '')}".strip() or "Nobody",
            email=billing.get("email", ""),
            method=body.get("payment_method", ""),
            status=body.get("status", "pending"),
            created_via="rest-api",
            lines=[("SKU", "Product", int(each.get("quantity", 1)), "10.00") for each in body.get("line_items") or ()],
        )
        return Said(201, self._bodies.order(self._shop.find(ref)))

    def _update(self, ref: str, body: Tree) -> Tree:
        order = self._order(ref, status=400)
        status = str(body.get("status") or "")
        if status and status.removeprefix("wc-") not in self._shop.statuses:
            raise _invalid("status")
        self._record("order", ref, body)
        for each in body.get("meta_data") or ():
            self._shop.set_meta(ref, each["key"], each["value"])
        if "customer_note" in body:
            order.note = str(body["customer_note"])
        if body.get("set_paid"):
            self._shop.pay(ref, str(body.get("transaction_id", "")))
        if status:
            self._shop.set_status(ref, status.removeprefix("wc-"))
        if not set(body) & {"meta_data", "set_paid", "status"}:
            self._shop.touch(ref)
        return self._bodies.order(order)

    def _delete(self, ref: str, *, force: bool) -> Tree:
        order = self._order(ref)
        if not force and order.status == "trash":
            raise RestError(410, "woocommerce_rest_already_trashed", "The shop_order has already been deleted.")
        (self._shop.delete if force else self._shop.trash)(ref)
        return self._bodies.order(order)

    def _batch(self, body: Tree) -> Tree:
        """An item that fails stands there with its error; the others are done."""
        done = []
        for each in (body.get("update") or ())[:100]:
            try:
                done.append(self._update(str(each.get("id", "")), each))
            except RestError as error:
                done.append({"id": each.get("id"), "error": error.body})
        return {"update": done}

    def _notes(self, call: Call, order: Order) -> Said:
        if call.method == "POST":
            self._record("note", str(order.id), call.body)
            made = self._shop.add_note(
                str(order.id), str(call.body["note"]), customer=bool(call.body.get("customer_note"))
            )
            return Said(201, self._bodies.note(made))
        kind = _KINDS.get(call.params.get("type", "any"))
        return Said(200, [self._bodies.note(each) for each in order.notes if kind in (None, each.customer)])

    def _refunds(self, call: Call, order: Order) -> Said:
        if call.method == "POST":
            try:
                amount = Decimal(call.body["amount"])
            except (InvalidOperation, KeyError, TypeError):
                raise _invalid("amount") from None
            if not 0 < amount <= order.total - order.refunded:
                raise RestError(400, "woocommerce_rest_cannot_create_order_refund", "Invalid refund amount.")
            self._record("refund", str(order.id), {"api_refund": True, **call.body})
            self._shop.refund(str(order.id), str(amount), call.body.get("reason", ""))
            return Said(201, self._bodies.refund(order, order.refunds[-1]))
        return Said(200, [self._bodies.refund(order, each) for each in order.refunds])

    def _coupons(self, call: Call) -> Said:
        """Codes are kept in small letters, and are the same however they are written."""
        known = self._shop.coupons
        if call.method == "POST":
            code = str(call.body.get("code") or "").lower()
            if not code:
                raise RestError(400, "woocommerce_rest_empty_coupon_code", "The coupon code cannot be empty.")
            if code in known:
                raise RestError(400, "woocommerce_rest_coupon_code_already_exists", "The coupon code already exists")
            if call.body.get("discount_type", "fixed_cart") not in ("percent", "fixed_cart", "fixed_product"):
                raise _invalid("discount_type")
            self._record("coupon", code, call.body)
            known[code] = {"id": 9000 + len(known), **call.body, "code": code}
            return Said(201, known[code])
        wanted = call.params.get("code", "").lower()
        found = [each for code, each in known.items() if wanted in ("", code)]
        return Said(200, found, len(found))

    def _totals(self) -> list[Tree]:
        orders = list(self._shop.orders.values())
        return [
            {"slug": slug, "name": name, "total": sum(each.status == slug for each in orders)}
            for slug, name in self._shop.statuses.items()
        ]

    # --- parcels

    def _fulfilments(self, call: Call, order: Order, which: Sequence[str]) -> Said:
        if not which:
            return self._fulfilment_list(call, order)
        found = next((each for each in order.fulfilments if str(each.id) == which[0] and not each.deleted), None)
        if found is None:
            raise RestError(404, "woocommerce_rest_fulfillment_invalid_id", "Invalid fulfillment ID.")
        match call.method, which[1:]:
            case "GET", []:
                return Said(200, self._bodies.fulfilment(order, found))
            case "GET", ["metadata"]:
                return Said(200, self._bodies.fulfilment(order, found)["meta_data"])
            case "PUT" | "POST", []:
                self._shop.change_fulfilment(str(order.id), found, call.body.get("status"), _pairs(call.body))
                return Said(200, self._bodies.fulfilment(order, found))
            case "DELETE", []:
                found.deleted = self._clock.now()
                self._shop.touch(str(order.id))
                return Said(200, {"message": "Fulfillment deleted successfully."})
        raise RestError(404, *NO_ROUTE)

    def _fulfilment_list(self, call: Call, order: Order) -> Said:
        if call.method != "POST":
            there = [each for each in order.fulfilments if not each.deleted]
            return Said(200, [self._bodies.fulfilment(order, each) for each in there])
        meta = _pairs(call.body)
        if not meta.get("_items"):
            raise _invalid("_items")
        self._record("fulfillment", str(order.id), call.body)
        mail = _truth(call.params.get("notify_customer", ""))
        made = self._shop.add_fulfilment(str(order.id), str(call.body.get("status", "unfulfilled")), meta, mail=mail)
        return Said(201, self._bodies.fulfilment(order, made))

    def _trackings(self, call: Call, ref: str, plugin: str) -> Said:
        order = self._order(ref)
        if call.method == "POST":
            self._record("tracking", ref, call.body)
            provider = call.body.get("tracking_provider") or call.body.get("custom_tracking_provider") or ""
            link = call.body.get("custom_tracking_link") or ""
            row = self._shop.add_tracking(ref, str(call.body["tracking_number"]), provider, link)
            if plugin == "ast" and int(call.body.get("status_shipped", 0)):
                self._shop.complete(ref)
            return Said(201, row)
        return Said(200, order.value("_wc_shipment_tracking_items") or [])

    # --- webhooks

    async def _webhooks(self, call: Call, rest: Sequence[str]) -> Said:
        known = self._hooks.webhooks
        match call.method, rest:
            case "GET", []:
                per_page, page = (
                    _whole(call.params, "per_page", 10, most=100),
                    _whole(call.params, "page", 1, most=10**9),
                )
                found = [self._webhook(each) for each in known.values()]
                return Said(200, found[(page - 1) * per_page : page * per_page], len(found), per_page, page)
            case "POST", []:
                return Said(201, self._webhook(await self._add_webhook(call.body)))
            case "POST", ["batch"]:
                made = [self._webhook(await self._add_webhook(each)) for each in call.body.get("create") or ()]
                changed = [self._webhook(self._change_webhook(each)) for each in call.body.get("update") or ()]
                return Said(200, {"create": made, "update": changed})
            case "GET", [ref]:
                return Said(200, self._webhook(self._find_webhook(ref)))
            case "PUT" | "POST", [ref]:
                return Said(200, self._webhook(self._change_webhook({**call.body, "id": ref})))
            case "DELETE", [ref]:
                found_one = self._find_webhook(ref)
                if not _truth(call.params.get("force", "")):
                    raise RestError(501, "woocommerce_rest_trash_not_supported", "Webhooks do not support trashing.")
                del known[found_one.id]
                return Said(200, self._webhook(found_one))
        raise RestError(404, *NO_ROUTE)

    async def _add_webhook(self, body: Tree) -> Webhook:
        topic, url = str(body.get("topic", "")), str(body.get("delivery_url", ""))
        action = topic.removeprefix("action.")
        if topic not in RESOURCES and not (topic != action and action.startswith(("woocommerce_", "wc_"))):
            raise RestError(
                400, "woocommerce_rest_invalid_webhook_topic", "Webhook topic is required and must be valid."
            )
        if not url.startswith(("http://", "https://")):
            raise RestError(400, "woocommerce_rest_invalid_webhook_delivery_url", "Webhook delivery URL must be valid.")
        secret = str(body.get("secret") or "of-the-user-1")
        made = self._hooks.add(
            topic, url, secret, name=str(body.get("name") or ""), status=str(body.get("status", "active"))
        )
        self._record("webhook created", "", {"topic": topic})
        if made.status == "active":
            await self._hooks.ping(made)
        return made

    def _find_webhook(self, ref: Any) -> Webhook:
        found = self._hooks.webhooks.get(int(ref)) if str(ref).isdecimal() else None
        if found is None:
            raise RestError(404, "woocommerce_rest_shop_webhook_invalid_id", "Invalid ID.")
        return found

    def _change_webhook(self, body: Tree) -> Webhook:
        found = self._find_webhook(body.get("id"))
        for name in ("name", "topic", "delivery_url", "secret", "status"):
            if body.get(name):
                setattr(found, name, str(body[name]))
        if body.get("status") == "active":
            found.failures = 0
        found.modified = self._clock.now()
        self._record("webhook changed", "", {"topic": found.topic})
        return found

    def _webhook(self, each: Webhook) -> Tree:
        """The secret is written and never shown."""
        resource, _, event = each.topic.partition(".")
        return {
            "id": each.id,
            "name": each.name,
            "status": each.status,
            "topic": each.topic,
            "resource": resource,
            "event": event,
            "hooks": [f"woocommerce_{event}_{resource}"],
            "delivery_url": each.delivery_url,
            **self._bodies.times("date_created", each.created),
            **self._bodies.times("date_modified", each.modified),
        }


def _pairs(body: Tree) -> Tree:
    return {each["key"]: each["value"] for each in body.get("meta_data") or ()}


def _truth(text: str) -> bool:
    """As WordPress reads it: Python's clients write True."""
    return text.lower() not in ("", "0", "false")


def _whole(params: Mapping[str, str], name: str, usual: int, *, most: int) -> int:
    text = params.get(name, str(usual))
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise _invalid(name)
    return int(text)


def _invalid(name: str) -> RestError:
    return RestError(400, "rest_invalid_param", f"Invalid parameter(s): {name}", params={name: f"{name} is not valid."})


def _naive(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        raise _invalid("modified_after") from None


def _only(body: Tree, fields: str | None) -> Tree:
    return {name: body[name] for name in fields.split(",") if name in body} if fields else body
