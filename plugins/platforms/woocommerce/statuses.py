"""WooCommerce's order statuses and what they mean, from the core source of version 11.

The project's copy of the published table is `codes.csv` beside this file. A status that a plugin or the merchant
registered keeps the prefix `wc-` under which WordPress knows it (`wc-packing`): nobody but the merchant can say what it
means, in `statuses:` of `flows.yaml`.
"""

from collections.abc import Mapping

from hub.status import Meaning, Order, Payment, Shipment

STATUS = "woocommerce.status"
PAYMENT = "woocommerce.payment"
FULFILLMENT = "woocommerce.fulfillment"

OPEN = "open"
"""Said beside a word of the payment axis: the one status field then says nothing of the order itself."""
TRASH = "trash"
NO_ORDER = frozenset({"checkout-draft", "auto-draft", "draft", "new"})
"""Slugs of what is not an order yet; no order is made of it."""
MANUAL_PAYMENT = frozenset({"bacs", "cheque"})
"""Gateways whose `on-hold` waits for a person to see the money."""

_STATUS = {
    "pending": Meaning(Payment.AWAITING_PAYMENT, "Pending payment"),
    "on-hold": Meaning(Order.ON_HOLD, "On hold"),
    **{
        f"on-hold/{method}": Meaning(Payment.AWAITING_PAYMENT, "On hold", note="waits for a person to see the money")
        for method in sorted(MANUAL_PAYMENT)
    },
    "processing": Meaning(Order.PROCESSING, "Processing", note="paid, or cash on delivery accepted"),
    "completed": Meaning(Order.COMPLETED, "Completed", note="most shops set it when they ship"),
    "cancelled": Meaning(Order.CANCELLED, "Cancelled"),
    "refunded": Meaning(Payment.REFUNDED, "Refunded"),
    "failed": Meaning(Payment.PAYMENT_FAILED, "Failed"),
    TRASH: Meaning(None, "Trash", note="told as removed"),
    **{slug: Meaning(None, "Draft", note="no order yet") for slug in sorted(NO_ORDER)},
    OPEN: Meaning(Order.RECEIVED, "Open", note="derived, beside a word of the payment axis"),
}

_PAYMENT = {
    "paid:yes": Meaning(Payment.PAID, "Paid", note="derived: there is a paid date"),
    "paid:cod": Meaning(Payment.CASH_ON_DELIVERY, "Cash on delivery", note="derived: the gateway, and no paid date"),
    "refunds:part": Meaning(Payment.PARTLY_REFUNDED, "Partly refunded", note="derived from the refunds"),
    "refunds:all": Meaning(Payment.REFUNDED, "Refunded", note="derived: the refunds come to the total"),
}

_FULFILLMENT = {
    "unfulfilled": Meaning(Shipment.ANNOUNCED, "Unfulfilled"),
    "fulfilled": Meaning(Shipment.SHIPPED, "Fulfilled"),
}

STATUSES: Mapping[str, Mapping[str, Meaning]] = {STATUS: _STATUS, PAYMENT: _PAYMENT, FULFILLMENT: _FULFILLMENT}

PAYMENT_SLUGS = frozenset({"pending", "refunded", "failed"})
"""Slugs that are words of the payment axis whatever the gateway."""
CORE = frozenset(code for code in _STATUS if "/" not in code and code != OPEN)
