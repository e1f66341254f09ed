"""How the fake shop tells its state in webhooks: REST-style bodies, times with the shop's offset."""

from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Any

from ._sandbox_state import Event, Fulfilment, Order, Refund, Return, Transaction

Tree = dict[str, Any]


def gid(kind: str, ident: int) -> str:
    return f"gid://shopify/{kind}/{ident}"


def money(amount: Decimal) -> str:
    return f"{amount:.2f}"


def zulu(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


class Bodies:
    """Webhook bodies of one shop."""

    def __init__(self, zone: tzinfo, shop_url: str) -> None:
        self._zone = zone
        self._shop_url = shop_url

    def time(self, moment: datetime | None) -> str | None:
        return moment.astimezone(self._zone).isoformat(timespec="seconds") if moment else None

    def order(self, order: Order) -> Tree:
        """`orders/create` and its sisters."""
        return {
            "id": order.id,
            "admin_graphql_api_id": gid("Order", order.id),
            "app_id": 580111,
            "name": order.name,
            "order_number": order.number,
            "number": order.number - 1000,
            "confirmation_number": f"K{order.number}Q2M9ZD",
            "confirmed": True,
            "test": order.test,
            "source_name": "web",
            "created_at": self.time(order.created_at),
            "processed_at": self.time(order.created_at),
            "updated_at": self.time(order.updated_at),
            "closed_at": self.time(order.closed_at),
            "cancelled_at": self.time(order.cancelled_at),
            "cancel_reason": order.cancel_reason,
            **self._amounts(order),
            "financial_status": order.financial_status,
            "fulfillment_status": order.fulfillment_status,
            "payment_gateway_names": [order.gateway],
            **self._contact(order),
            "shipping_address": _rest_address(order),
            "billing_address": None,
            "shipping_lines": [_rest_shipping(order)] if order.delivery_title else [],
            "line_items": [_rest_line(order, each.id) for each in order.items],
            "fulfillments": [self.fulfillment(order, each) for each in order.fulfilments],
            "refunds": [self.refund(order, each) for each in order.refunds],
            "note": order.note,
            "note_attributes": [{"name": name, "value": value} for name, value in order.attributes.items()],
            "tags": ", ".join(sorted(order.tags)),
            "order_status_url": status_url(self._shop_url, order),
        }

    def _amounts(self, order: Order) -> Tree:
        def both(amount: Decimal) -> Tree:
            pair = {"amount": money(amount), "currency_code": order.currency}
            return {"shop_money": pair, "presentment_money": pair}

        return {
            "currency": order.currency,
            "presentment_currency": order.currency,
            "subtotal_price": money(order.subtotal),
            "total_tax": "0.00",
            "total_discounts": "0.00",
            "total_price": money(order.total),
            "current_total_price": money(order.current_total),
            "total_outstanding": money(order.outstanding),
            "total_price_set": both(order.total),
            "total_shipping_price_set": both(order.shipping),
        }

    def _contact(self, order: Order) -> Tree:
        who = order.customer
        return {
            "email": who.email or "",
            "contact_email": who.email,
            "phone": None,
            "customer_locale": who.locale,
            "buyer_accepts_marketing": order.marketing,
            "customer": {
                "id": who.id,
                "admin_graphql_api_id": gid("Customer", who.id),
                "first_name": who.first_name,
                "last_name": who.last_name,
                "email": who.email,
                "phone": who.phone,
                "state": "disabled",
                "tags": "",
            }
            if who.known
            else None,
        }

    def fulfillment(self, order: Order, each: Fulfilment) -> Tree:
        return {
            "id": each.id,
            "admin_graphql_api_id": gid("Fulfillment", each.id),
            "order_id": order.id,
            "name": each.name,
            "status": each.status,
            "service": "manual",
            "created_at": self.time(each.created_at),
            "updated_at": self.time(each.updated_at),
            "location_id": 71200334557,
            "tracking_company": each.company,
            "tracking_number": each.numbers[0] if each.numbers else None,
            "tracking_numbers": list(each.numbers),
            "tracking_url": each.urls[0] if each.urls else None,
            "tracking_urls": list(each.urls),
            "shipment_status": each.shipment_status,
            "email": order.customer.email,
            "destination": _rest_address(order),
            "line_items": [
                {"id": ref, "sku": order.item(ref).sku, "quantity": count} for ref, count in each.items.items()
            ],
        }

    def event(self, order: Order, fulfilment: Fulfilment, each: Event) -> Tree:
        return {
            "id": each.id,
            "fulfillment_id": fulfilment.id,
            "order_id": order.id,
            "shop_id": 70112233,
            "status": each.status,
            "message": each.message,
            "happened_at": self.time(each.at),
            "estimated_delivery_at": self.time(each.eta),
            "created_at": self.time(each.created_at),
            "updated_at": self.time(each.created_at),
            "address1": None,
            "city": each.city,
            "province": None,
            "country": "UA",
            "zip": None,
            "latitude": None,
            "longitude": None,
            "admin_graphql_api_id": gid("FulfillmentEvent", each.id),
        }

    def transaction(self, order: Order, each: Transaction) -> Tree:
        return {
            "id": each.id,
            "admin_graphql_api_id": gid("OrderTransaction", each.id),
            "order_id": order.id,
            "parent_id": None,
            "kind": each.kind,
            "gateway": each.gateway,
            "status": each.status,
            "message": each.message,
            "error_code": each.error_code,
            "amount": money(each.amount),
            "currency": order.currency,
            "test": order.test,
            "manual_payment_gateway": each.manual,
            "payment_id": f"{order.name}.{len(order.transactions)}",
            "created_at": self.time(each.at),
            "processed_at": self.time(each.at),
        }

    def refund(self, order: Order, each: Refund) -> Tree:
        return {
            "id": each.id,
            "admin_graphql_api_id": gid("Refund", each.id),
            "order_id": order.id,
            "created_at": self.time(each.at),
            "processed_at": self.time(each.at),
            "note": each.note,
            "restock": False,
            "refund_line_items": [
                {
                    "id": each.id * 10 + index,
                    "line_item_id": ref,
                    "quantity": count,
                    "restock_type": "no_restock",
                    "subtotal": float(order.item(ref).price * count),  # the odd one out: a number
                    "total_tax": 0.0,
                    "location_id": None,
                }
                for index, (ref, count) in enumerate(each.items.items())
            ],
            "transactions": [self.transaction(order, each.transaction)],
            "order_adjustments": [],
            "refund_shipping_lines": [],
        }

    def return_case(self, order: Order, each: Return) -> Tree:
        return {
            "id": each.id,
            "admin_graphql_api_id": gid("Return", each.id),
            "order": {"id": order.id, "admin_graphql_api_id": gid("Order", order.id)},
            "name": each.name,
            "status": each.status.lower(),
            "total_return_line_items": sum(each.items.values()),
        }

    def dispute(self, order: Order, ident: int, status: str, at: datetime) -> Tree:
        return {
            "id": ident,
            "order_id": order.id,
            "type": "chargeback",
            "amount": money(order.total),
            "currency": order.currency,
            "reason": "product_not_received",
            "status": status,
            "evidence_due_by": None,
            "initiated_at": self.time(at),
        }


def status_url(shop_url: str, order: Order) -> str:
    return f"{shop_url}/70112233/orders/{order.id}/authenticate?key=0f1e2d3c"


def _rest_address(order: Order) -> Tree | None:
    found = order.address
    if found is None:
        return None
    return {**found, "name": f"{found['first_name']} {found['last_name']}", "country": "", "latitude": None,
            "longitude": None, "province_code": None, "company": None}  # fmt: skip


def _rest_shipping(order: Order) -> Tree:
    return {
        "id": order.id + 1,
        "title": order.delivery_title,
        "code": order.delivery_title,
        "source": "shopify",
        "price": money(order.shipping),
        "carrier_identifier": None,
        "is_removed": False,
    }


def _rest_line(order: Order, ref: int) -> Tree:
    each = order.item(ref)
    left = each.current - each.sent
    return {
        "id": each.id,
        "admin_graphql_api_id": gid("LineItem", each.id),
        "product_id": 9011223344669,
        "variant_id": 48001122334749,
        "sku": each.sku,
        "title": each.title,
        "variant_title": None,
        "name": each.title,
        "quantity": each.quantity,
        "current_quantity": each.current,
        "fulfillable_quantity": max(left, 0),
        "fulfillment_status": None if each.sent == 0 else ("fulfilled" if left <= 0 else "partial"),
        "price": money(each.price),
        "requires_shipping": each.ships,
        "properties": [],
    }
