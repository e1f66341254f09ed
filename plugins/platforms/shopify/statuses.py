"""Shopify's words and what they mean, from the Admin API's enums of version 2026-10.

Codes are lower case here; webhooks write them in lower, GraphQL in upper case, and they are looked up without case.
The project's copy of the published tables is `codes.csv` beside this file.
"""

from collections.abc import Iterable, Mapping
from typing import Literal

from hub.status import Meaning, Order, Payment, Reason, Return, Shipment, parse_status

FINANCIAL = "shopify.financial"
ORDER = "shopify.order"
DISPLAY = "shopify.display"
FULFILLMENT_ORDER = "shopify.fulfillment_order"
FULFILLMENT = "shopify.fulfillment"
EVENT = "shopify.event"
TRANSACTION = "shopify.transaction"
RETURN = "shopify.return"
RETURN_STATUS = "shopify.return_status"
DISPUTE = "shopify.dispute"
TAG = "shopify.tag"
"""Its codes and their meanings stand in the connection's settings."""

TagTarget = Literal["order.on_hold", "order.processing", "order.picking", "order.packed"]
"""What a tag may stand for: the shop's own work on an order that is open."""

YIELDS_TO_TAGS = frozenset({Order.RECEIVED, Order.PROCESSING, Order.PICKING})
"""What Shopify's own words may mean where a tag says more; a hold, the end and a cancellation are never outshone."""

CANCEL_REASONS: Mapping[str, Reason] = {
    "customer": Reason.CUSTOMER_WISH,
    "inventory": Reason.OUT_OF_STOCK,
    "fraud": Reason.FRAUD_CHECK,
    "declined": Reason.PAYMENT_MISSING,
    "staff": Reason.SHOP_WISH,
    "other": Reason.SHOP_WISH,
}

HOLD_REASONS: Mapping[str, Reason | None] = {
    "awaiting_payment": Reason.PAYMENT_MISSING,
    "high_risk_of_fraud": Reason.FRAUD_CHECK,
    "incorrect_address": Reason.WRONG_ADDRESS,
    "inventory_out_of_stock": Reason.OUT_OF_STOCK,
    "awaiting_return_items": None,
    "unknown_delivery_date": None,
    "other": None,
}
"""In the order in which they lead when several holds lie on one order."""

QUIET_HOLD = "online_store_post_purchase_cross_sell"
"""Lasts minutes, while the buyer is offered one more thing: no hold worth telling."""

_FINANCIAL = {
    "pending": Meaning(Payment.AWAITING_PAYMENT, "Payment pending"),
    "pending/cod": Meaning(Payment.CASH_ON_DELIVERY, "Payment pending", note="the gateway is cash on delivery"),
    "authorized": Meaning(Payment.AUTHORISED, "Authorized"),
    "expired": Meaning(Payment.PAYMENT_FAILED, "Expired"),
    "partially_paid": Meaning(Payment.AWAITING_PAYMENT, "Partially paid"),
    "paid": Meaning(Payment.PAID, "Paid"),
    "partially_refunded": Meaning(Payment.PARTLY_REFUNDED, "Partially refunded"),
    "refunded": Meaning(Payment.REFUNDED, "Refunded"),
    "refunded/part": Meaning(Payment.PARTLY_REFUNDED, "Refunded", note="the refunds are less than what was paid"),
    "voided": Meaning(Payment.VOIDED, "Voided"),
}

_ORDER = {
    "placed": Meaning(Order.RECEIVED, "Placed", note="an event at created_at; every order was placed once"),
    "cancelled": Meaning(Order.CANCELLED, "Canceled"),
    **{f"cancelled/{word}": Meaning(Order.CANCELLED, "Canceled", reason) for word, reason in CANCEL_REASONS.items()},
}

_DISPLAY = {
    "unfulfilled": Meaning(Order.RECEIVED, "Unfulfilled"),
    "open": Meaning(Order.RECEIVED, "Open"),
    "in_progress": Meaning(Order.PICKING, "In progress"),
    "pending_fulfillment": Meaning(Order.PROCESSING, "Pending fulfillment"),
    "scheduled": Meaning(Order.PROCESSING, "Scheduled"),
    "on_hold": Meaning(Order.ON_HOLD, "On hold"),
    "request_declined": Meaning(Order.ON_HOLD, "Request declined", Reason.BAD_DATA),
    "partially_fulfilled": Meaning(Order.PROCESSING, "Partially fulfilled"),
    "partial": Meaning(Order.PROCESSING, "Partially fulfilled"),
    "fulfilled": Meaning(Order.COMPLETED, "Fulfilled"),
    "restocked": Meaning(Order.CANCELLED, "Restocked"),
    "fulfillment_not_required": Meaning(Order.COMPLETED, "Fulfillment not required"),
}

_FULFILLMENT_ORDER = {
    "open": Meaning(Order.RECEIVED, "Open"),
    "scheduled": Meaning(Order.PROCESSING, "Scheduled"),
    "in_progress": Meaning(Order.PICKING, "In progress"),
    "on_hold": Meaning(Order.ON_HOLD, "On hold"),
    **{f"on_hold/{word}": Meaning(Order.ON_HOLD, "On hold", reason) for word, reason in HOLD_REASONS.items()},
    f"on_hold/{QUIET_HOLD}": Meaning(None, "On hold", note="lasts minutes"),
    "incomplete": Meaning(Order.ON_HOLD, "Incomplete", Reason.OUT_OF_STOCK),
    "closed": Meaning(Order.COMPLETED, "Closed", note="said when all are closed"),
    "cancelled": Meaning(None, "Cancelled", note="its units are due again or cancelled with the order"),
}

_FULFILLMENT = {
    "pending": Meaning(Shipment.ANNOUNCED, "Pending"),
    "open": Meaning(Shipment.ANNOUNCED, "Open"),
    "success": Meaning(Shipment.SHIPPED, "Fulfilled"),
    "success/pickup": Meaning(Shipment.DELIVERED, "Picked up", note="fulfilled at the counter means handed over"),
    "error": Meaning(Shipment.CANCELLED, "Error", Reason.BAD_DATA, note="no parcel came of it"),
    "failure": Meaning(Shipment.CANCELLED, "Failure", Reason.BAD_DATA, note="no parcel came of it"),
    "cancelled": Meaning(Shipment.CANCELLED, "Cancelled"),
}

_EVENT = {
    "label_purchased": Meaning(Shipment.ANNOUNCED, "Label purchased"),
    "label_printed": Meaning(Shipment.ANNOUNCED, "Label printed"),
    "submitted": Meaning(Shipment.ANNOUNCED, "Submitted"),
    "confirmed": Meaning(Shipment.ANNOUNCED, "Confirmed", note="the default when nothing else is known"),
    "marked_as_fulfilled": Meaning(Shipment.SHIPPED, "Marked as fulfilled"),
    "fulfilled": Meaning(Shipment.SHIPPED, "Fulfilled"),
    "label_voided": Meaning(Shipment.CANCELLED, "Label voided"),
    "canceled": Meaning(Shipment.CANCELLED, "Canceled"),
    "carrier_picked_up": Meaning(Shipment.SHIPPED, "Picked up by carrier"),
    "in_transit": Meaning(Shipment.IN_TRANSIT, "In transit"),
    "delayed": Meaning(Shipment.ON_HOLD, "Delayed", Reason.DELAYED),
    "out_for_delivery": Meaning(Shipment.OUT_FOR_DELIVERY, "Out for delivery"),
    "attempted_delivery": Meaning(Shipment.DELIVERY_FAILED, "Attempted delivery", note="will be tried again"),
    "ready_for_pickup": Meaning(Shipment.READY_FOR_PICKUP, "Ready for pickup"),
    "line_items_prepared_for_pickup": Meaning(Shipment.READY_FOR_PICKUP, "Prepared for pickup"),
    "picked_up": Meaning(Shipment.DELIVERED, "Picked up"),
    "delivered": Meaning(Shipment.DELIVERED, "Delivered"),
    "failure": Meaning(Shipment.DELIVERY_FAILED, "Failure"),
    "not_delivered": Meaning(Shipment.DELIVERY_FAILED, "Not delivered"),
    "buyer_action_required": Meaning(Shipment.ON_HOLD, "Buyer action required", Reason.INFORMATION_NEEDED),
    "ready_for_recipient_pickup": Meaning(Shipment.READY_FOR_PICKUP, "Ready for recipient pickup"),
    "returning_to_sender": Meaning(Shipment.RETURNING, "Returning to sender"),
}

_FAILING_KINDS = ("sale", "authorization", "capture")
_TRANSACTION = {
    **{
        f"{word}/{kind}": Meaning(Payment.PAYMENT_FAILED, "Payment failed")
        for word in ("failure", "error")
        for kind in _FAILING_KINDS
    },
    "failure": Meaning(None, "Failed", note="of a refund or a void"),
    "error": Meaning(None, "Failed", note="of a refund or a void"),
    "success": Meaning(None, "Success", note="the order's own words follow"),
    "pending": Meaning(None, "Pending"),
    "awaiting_response": Meaning(None, "Awaiting response"),
    "unknown": Meaning(None, "Unknown"),
}

_RETURN = {
    "requested": Meaning(Return.REQUESTED, "Return requested"),
    "open": Meaning(Return.APPROVED, "Open"),
    "closed": Meaning(Return.RETURNED, "Closed"),
    "closed/refunded": Meaning(Return.REFUNDED, "Closed", note="its refund is known"),
    "declined": Meaning(Return.REFUSED, "Declined"),
    "canceled": Meaning(Return.WITHDRAWN, "Canceled"),
}

_RETURN_STATUS = {
    "no_return": Meaning(None, "No return"),
    "return_requested": Meaning(Return.REQUESTED, "Return requested"),
    "in_progress": Meaning(Return.RETURNING, "Return in progress"),
    "inspection_complete": Meaning(Return.RETURNED, "Inspection complete"),
    "returned": Meaning(Return.RETURNED, "Returned"),
    "return_failed": Meaning(None, "Return failed", Reason.COMPLAINT),
}

_DISPUTE = {"*": Meaning(None, "Payment disputed", Reason.PAYMENT_DISPUTE)}

STATUSES: Mapping[str, Mapping[str, Meaning]] = {
    FINANCIAL: _FINANCIAL,
    ORDER: _ORDER,
    DISPLAY: _DISPLAY,
    FULFILLMENT_ORDER: _FULFILLMENT_ORDER,
    FULFILLMENT: _FULFILLMENT,
    EVENT: _EVENT,
    TRANSACTION: _TRANSACTION,
    RETURN: _RETURN,
    RETURN_STATUS: _RETURN_STATUS,
    DISPUTE: _DISPUTE,
}


def tag_code(tag: str) -> str:
    """A tag as a code; Shopify makes no difference between upper and lower case in tags."""
    return tag.strip().casefold()


def wrong_tags(tags: Iterable[str]) -> list[str]:
    """What is wrong with each of these tags, as a sentence that names it; a tag is a text without comma, * and ?."""
    found, before = [], dict[str, str]()
    for tag in tags:
        twin = before.setdefault(tag_code(tag), tag)
        if not tag.strip():
            found.append(f"'{tag}' is an empty tag")
        elif signs := [each for each in (",", "*", "?") if each in tag]:
            found.append(f"'{tag}' is no tag: it holds {' and '.join(map(repr, signs))}")
        elif "${" in tag:
            found.append(f"'{tag}' is taken as it is written: no secret or variable can stand for a tag")
        elif twin is not tag:
            found.append(f"'{twin}' and '{tag}' are one tag: upper and lower case make no other")
    return found


def with_tags(tags: Mapping[str, TagTarget]) -> Mapping[str, Mapping[str, Meaning]]:
    """The tables of a shop whose merchant gave these tags a meaning."""
    rows = {tag_code(tag): Meaning(parse_status(target), tag.strip()) for tag, target in tags.items()}
    return {**STATUSES, TAG: rows} if rows else STATUSES
