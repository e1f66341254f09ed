"""The fake shop's JSON: an order as WooCommerce 11 shows it. Local times carry no zone, `_gmt` ones are UTC, no Z."""

from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Any

from ._sandbox_shop import Fulfilment, Meta, Note, Order, Refund

Tree = dict[str, Any]


class Bodies:
    """`zone`: the shop's own; `home`: its address."""

    def __init__(self, zone: tzinfo, home: str) -> None:
        self._zone, self.home = zone, home.rstrip("/")

    def times(self, name: str, at: datetime | None) -> Tree:
        if at is None:
            return {name: None, f"{name}_gmt": None}
        form = "%Y-%m-%dT%H:%M:%S"
        return {name: at.astimezone(self._zone).strftime(form), f"{name}_gmt": at.strftime(form)}

    def order(self, order: Order) -> Tree:
        waits = order.status in ("pending", "failed") and order.total > 0
        address = f"{self.home}/wp-json/wc/v3/orders"
        key = f"wc_order_Zk3mP0aQ1L{order.id}"
        return {
            "id": order.id,
            "parent_id": 0,
            "number": order.number,
            "order_key": key,
            "created_via": order.created_via,
            "version": "11.2.0",
            "status": order.status,
            "currency": order.currency,
            **self.times("date_created", order.created),
            **self.times("date_modified", order.modified),
            "discount_total": "0.00",
            "discount_tax": "0.00",
            "shipping_total": money(order.shipping),
            "shipping_tax": "0.00",
            "cart_tax": "0.00",
            "total": money(order.total),
            "total_tax": "0.00",
            "prices_include_tax": True,
            "customer_id": order.customer_id,
            "customer_ip_address": "203.0.113.24",
            "customer_user_agent": "Mozilla/5.0",
            "customer_note": order.note,
            "billing": order.billing,
            "shipping": order.shipping_address,
            "payment_method": order.method,
            "payment_method_title": order.method_title,
            "transaction_id": order.transaction,
            **self.times("date_paid", order.paid),
            **self.times("date_completed", order.completed),
            "cart_hash": "f3a1c08d5e7b4a2990cc1d2e3f405162",
            "meta_data": [_meta(each) for each in order.meta],
            "line_items": [
                {
                    "id": each.id,
                    "name": each.name,
                    "product_id": 411,
                    "variation_id": 0,
                    "quantity": each.quantity,
                    "tax_class": "",
                    "subtotal": money(each.price * each.quantity),
                    "subtotal_tax": "0.00",
                    "total": money(each.price * each.quantity),
                    "total_tax": "0.00",
                    "taxes": [],
                    "meta_data": [],
                    "sku": each.sku,
                    "price": float(each.price),
                    "image": {"id": "", "src": ""},
                }
                for each in order.items
            ],
            "tax_lines": [],
            "shipping_lines": self._shipping(order),
            "fee_lines": [],
            "coupon_lines": [],
            "refunds": [
                {"id": each.id, "reason": each.reason, "total": f"-{money(each.amount)}"} for each in order.refunds
            ],
            "payment_url": f"{self.home}/checkout/order-pay/{order.id}/?pay_for_order=true&key={key}",
            "is_editable": order.status in ("pending", "on-hold", "auto-draft"),
            "needs_payment": waits,
            "needs_processing": order.needs_processing,
            "_links": {"self": [{"href": f"{address}/{order.id}"}], "collection": [{"href": address}]},
        }

    def _shipping(self, order: Order) -> list[Tree]:
        if not order.shipping_method:
            return []
        return [
            {
                "id": order.items[0].id + 100_000,
                "method_title": order.shipping_title,
                "method_id": order.shipping_method,
                "instance_id": "5",
                "total": money(order.shipping),
                "total_tax": "0.00",
                "taxes": [],
                "meta_data": [],
            }
        ]

    def refund(self, order: Order, refund: Refund) -> Tree:
        names = {each.id: each for each in order.items}
        return {
            "id": refund.id,
            "parent_id": order.id,
            **self.times("date_created", refund.at),
            "amount": money(refund.amount),
            "reason": refund.reason,
            "refunded_by": 1,
            "refunded_payment": True,
            "meta_data": [],
            "line_items": [
                {"id": ref, "name": names[ref].name, "quantity": -quantity, "sku": names[ref].sku}
                for ref, quantity in refund.items.items()
            ],
        }

    def note(self, note: Note) -> Tree:
        return {
            "id": note.id,
            "author": "hub",
            **self.times("date_created", note.at),
            "note": note.text,
            "customer_note": note.customer,
        }

    def fulfilment(self, order: Order, each: Fulfilment) -> Tree:
        form = "%Y-%m-%d %H:%M:%S"
        return {
            "id": each.id,
            "entity_type": "WC_Order",
            "entity_id": str(order.id),
            "status": each.status,
            "is_fulfilled": each.is_fulfilled,
            "date_updated": each.at.strftime(form),
            "date_deleted": each.deleted.strftime(form) if each.deleted else None,
            "meta_data": [_meta(row) for row in each.meta],
        }


def _meta(row: Meta) -> Tree:
    return {"id": row.id, "key": row.key, "value": row.value}


def money(amount: Decimal) -> str:
    return f"{amount:.2f}"
