"""How the fake shop tells its state in GraphQL: other names and casing than webhooks, and times in UTC.

`_key` is an object's place in its list; a connection is kept as a plain list and cut when it is asked for.
"""

from decimal import Decimal

from ._sandbox_bodies import Tree, gid, money, status_url, zulu
from ._sandbox_state import Event, Fulfilment, FulfilmentOrder, Order, Refund, Return, Transaction


def order_node(order: Order, shop_url: str) -> Tree:
    """`Order` as GraphQL tells it; `_key` is its place in the order of `UPDATED_AT`."""
    return {
        "__typename": "Order",
        "_key": [zulu(order.updated_at), order.id],
        "id": gid("Order", order.id),
        "legacyResourceId": str(order.id),
        "name": order.name,
        "number": order.number,
        "confirmationNumber": f"K{order.number}Q2M9ZD",
        "test": order.test,
        "createdAt": zulu(order.created_at),
        "updatedAt": zulu(order.updated_at),
        "processedAt": zulu(order.created_at),
        "cancelledAt": zulu(order.cancelled_at),
        "cancelReason": order.cancel_reason.upper() if order.cancel_reason else None,
        "closedAt": zulu(order.closed_at),
        "displayFulfillmentStatus": order.display_status,
        "returnStatus": order.order_return_status,
        "note": order.note,
        "tags": sorted(order.tags),
        "statusPageUrl": status_url(shop_url, order),
        "customAttributes": [{"key": name, "value": value} for name, value in order.attributes.items()],
        **_contact_node(order),
        **_money_node(order),
        "lineItems": [_line_node(order, each.id) for each in order.items],
        "fulfillments": [_fulfilment_node(order, each) for each in order.fulfilments],
        "fulfillmentOrders": [_fulfilment_order_node(order, each) for each in order.fulfilment_orders],
        "returns": [_return_node(order, each) for each in order.returns],
    }


def _contact_node(order: Order) -> Tree:
    return {
        "email": order.customer.email,
        "phone": None,
        "customerLocale": order.customer.locale,
        "customerAcceptsMarketing": order.marketing,
        "customer": _customer_node(order),
        "shippingAddress": _address_node(order),
        "shippingLine": _shipping_node(order),
    }


def _money_node(order: Order) -> Tree:
    def bag(amount: Decimal) -> Tree:
        pair = {"amount": money(amount), "currencyCode": order.currency}
        return {"shopMoney": pair, "presentmentMoney": pair}

    return {
        "currencyCode": order.currency,
        "presentmentCurrencyCode": order.currency,
        "displayFinancialStatus": order.financial_status.upper(),
        "paymentGatewayNames": [order.gateway],
        "totalPriceSet": bag(order.total),
        "currentTotalPriceSet": bag(order.current_total),
        "totalOutstandingSet": bag(order.outstanding),
        "transactions": [_transaction_node(order, each) for each in order.transactions],
        "refunds": [_refund_node(each, bag(each.amount)) for each in order.refunds],
    }


def _refund_node(each: Refund, amount: Tree) -> Tree:
    return {"id": gid("Refund", each.id), "createdAt": zulu(each.at), "note": each.note, "totalRefundedSet": amount}


def _customer_node(order: Order) -> Tree | None:
    who = order.customer
    if not who.known:
        return None
    return {
        "id": gid("Customer", who.id),
        "firstName": who.first_name,
        "lastName": who.last_name,
        "locale": who.locale or "en",
        "defaultEmailAddress": {"emailAddress": who.email} if who.email else None,
        "defaultPhoneNumber": {"phoneNumber": who.phone} if who.phone else None,
    }


def _address_node(order: Order) -> Tree | None:
    found = order.address
    if found is None:
        return None
    names = {"first_name": "firstName", "last_name": "lastName", "country_code": "countryCodeV2"}
    told = {names.get(name, name): value for name, value in found.items()}
    return {**told, "name": f"{found['first_name']} {found['last_name']}", "company": None}


def _shipping_node(order: Order) -> Tree | None:
    title = order.delivery_title
    return {"title": title, "code": title, "source": "shopify", "carrierIdentifier": None} if title else None


def _line_node(order: Order, ref: int) -> Tree:
    each = order.item(ref)
    pair = {"amount": money(each.price), "currencyCode": order.currency}
    return {
        "_key": [each.id],
        "id": gid("LineItem", each.id),
        "sku": each.sku,
        "name": each.title,
        "title": each.title,
        "quantity": each.quantity,
        "currentQuantity": each.current,
        "unfulfilledQuantity": max(each.current - each.sent, 0),
        "requiresShipping": each.ships,
        "originalUnitPriceSet": {"shopMoney": pair, "presentmentMoney": pair},
    }


def _fulfilment_node(order: Order, each: Fulfilment) -> Tree:
    word = each.shipment_status or ("canceled" if each.status == "cancelled" else "fulfilled")
    scans = {event.status: event for event in each.events}
    return {
        "__typename": "Fulfillment",
        "_key": [each.id],
        "id": gid("Fulfillment", each.id),
        "legacyResourceId": str(each.id),
        "name": each.name,
        "status": each.status.upper(),
        "displayStatus": word.upper(),
        "createdAt": zulu(each.created_at),
        "updatedAt": zulu(each.updated_at),
        "inTransitAt": zulu(scans["in_transit"].at) if "in_transit" in scans else None,
        "deliveredAt": zulu(scans["delivered"].at) if "delivered" in scans else None,
        "estimatedDeliveryAt": zulu(next((event.eta for event in reversed(each.events) if event.eta), None)),
        "trackingInfo": [
            {"company": each.company, "number": number, "url": each.urls[index] if index < len(each.urls) else None}
            for index, number in enumerate(each.numbers)
        ],
        "fulfillmentLineItems": [
            {"_key": [ref], "quantity": count, "lineItem": _line_node(order, ref)} for ref, count in each.items.items()
        ],
        "events": [_event_node(event) for event in sorted(each.events, key=lambda event: event.id)],
    }


def _event_node(each: Event) -> Tree:
    return {
        "__typename": "FulfillmentEvent",
        "_key": [each.id],
        "id": gid("FulfillmentEvent", each.id),
        "status": each.status.upper(),
        "happenedAt": zulu(each.at),
        "createdAt": zulu(each.created_at),
        "message": each.message or None,
        "city": each.city,
        "estimatedDeliveryAt": zulu(each.eta),
    }


def _fulfilment_order_node(order: Order, each: FulfilmentOrder) -> Tree:
    return {
        "__typename": "FulfillmentOrder",
        "_key": [each.id],
        "id": gid("FulfillmentOrder", each.id),
        "status": each.status,
        "requestStatus": each.request_status,
        "deliveryMethod": {"methodType": each.method},
        "fulfillmentHolds": [{"reason": hold.reason.upper(), "reasonNotes": hold.notes} for hold in each.holds],
        "assignedLocation": {
            "name": "Main", "address1": "12 Khreshchatyk", "city": "Kyiv", "zip": "01001",
            "location": {"id": gid("Location", each.location), "name": "Main"},
        },
        "lineItems": [
            {"_key": [ref], "id": gid("FulfillmentOrderLineItem", ref), "remainingQuantity": count,
             "totalQuantity": order.item(ref).quantity, "lineItem": _line_node(order, ref)}
            for ref, count in each.remaining.items()
        ],
    }  # fmt: skip


def _transaction_node(order: Order, each: Transaction) -> Tree:
    return {
        "id": gid("OrderTransaction", each.id),
        "kind": each.kind.upper(),
        "status": each.status.upper(),
        "gateway": each.gateway,
        "manualPaymentGateway": each.manual,
        "errorCode": each.error_code.upper() if each.error_code else None,
        "processedAt": zulu(each.at),
        "amountSet": {"shopMoney": {"amount": money(each.amount), "currencyCode": order.currency}},
    }


def _return_node(order: Order, each: Return) -> Tree:
    return {
        "__typename": "Return",
        "_key": [each.id],
        "id": gid("Return", each.id),
        "name": each.name,
        "status": each.status,
        "createdAt": zulu(each.created_at),
        "refunds": [{"_key": [each.id], "id": gid("Refund", each.id)}] if each.refunded else [],
        "returnLineItems": [
            {"__typename": "ReturnLineItem", "_key": [ref], "id": gid("ReturnLineItem", ref), "quantity": count,
             "fulfillmentLineItem": {"lineItem": _line_node(order, ref)}}
            for ref, count in each.items.items()
        ],
    }  # fmt: skip
