"""The part of the Admin API's schema (2026-10) that the sandbox knows: type → field → type, empty for a plain value."""

from collections.abc import Mapping


def _fields(plain: str, **objects: str) -> dict[str, str]:
    return {**dict.fromkeys(plain.split(), ""), **objects}


_NODES = (
    "Order",
    "LineItem",
    "FulfillmentLineItem",
    "FulfillmentEvent",
    "FulfillmentOrder",
    "FulfillmentOrderLineItem",
    "Return",
    "ReturnLineItemType",
    "Refund",
    "WebhookSubscription",
)

CONNECTIONS: frozenset[str] = frozenset(f"{each}Connection" for each in _NODES)

_USER_ERRORS = {"userErrors": "UserError"}

TYPES: Mapping[str, Mapping[str, str]] = {
    "QueryRoot": _fields(
        "",
        shop="Shop",
        order="Order",
        orders="OrderConnection",
        fulfillmentOrder="FulfillmentOrder",
        fulfillment="Fulfillment",
        node="Node",
        codeDiscountNodeByCode="DiscountCodeNode",
        webhookSubscriptions="WebhookSubscriptionConnection",
        **{"return": "Return"},
    ),
    "Mutation": _fields(
        "",
        fulfillmentCreate="FulfillmentPayload",
        fulfillmentTrackingInfoUpdate="FulfillmentPayload",
        fulfillmentCancel="FulfillmentPayload",
        fulfillmentEventCreate="FulfillmentEventPayload",
        fulfillmentOrderReportProgress="FulfillmentOrderPayload",
        fulfillmentOrderLineItemsPreparedForPickup="PreparedPayload",
        orderCancel="OrderCancelPayload",
        orderMarkAsPaid="OrderPayload",
        orderUpdate="OrderPayload",
        discountCodeBasicCreate="DiscountCodePayload",
        tagsAdd="NodePayload",
        tagsRemove="NodePayload",
        refundCreate="RefundPayload",
        webhookSubscriptionCreate="SubscriptionPayload",
        webhookSubscriptionUpdate="SubscriptionPayload",
        webhookSubscriptionDelete="SubscriptionDeletePayload",
    ),
    "Node": _fields("id"),
    "Shop": _fields("id name myshopifyDomain currencyCode"),
    "Order": _fields(
        "id legacyResourceId name number confirmationNumber test createdAt updatedAt processedAt cancelledAt "
        "cancelReason closedAt displayFinancialStatus displayFulfillmentStatus returnStatus currencyCode "
        "presentmentCurrencyCode email phone customerLocale customerAcceptsMarketing note tags statusPageUrl "
        "paymentGatewayNames",
        totalPriceSet="MoneyBag",
        currentTotalPriceSet="MoneyBag",
        totalOutstandingSet="MoneyBag",
        customAttributes="Attribute",
        customer="Customer",
        shippingAddress="MailingAddress",
        shippingLine="ShippingLine",
        lineItems="LineItemConnection",
        fulfillments="Fulfillment",
        fulfillmentOrders="FulfillmentOrderConnection",
        transactions="OrderTransaction",
        refunds="Refund",
        returns="ReturnConnection",
    ),
    "MoneyBag": _fields("", shopMoney="MoneyV2", presentmentMoney="MoneyV2"),
    "MoneyV2": _fields("amount currencyCode"),
    "Attribute": _fields("key value"),
    "Customer": _fields(
        "id firstName lastName locale",
        defaultEmailAddress="CustomerEmailAddress",
        defaultPhoneNumber="CustomerPhoneNumber",
    ),
    "CustomerEmailAddress": _fields("emailAddress"),
    "CustomerPhoneNumber": _fields("phoneNumber"),
    "MailingAddress": _fields(
        "name firstName lastName company phone address1 address2 city province zip countryCodeV2"
    ),
    "ShippingLine": _fields("title code source carrierIdentifier"),
    "LineItem": _fields(
        "id sku name title quantity currentQuantity unfulfilledQuantity requiresShipping",
        originalUnitPriceSet="MoneyBag",
    ),
    "Fulfillment": _fields(
        "id legacyResourceId name status displayStatus createdAt updatedAt inTransitAt deliveredAt estimatedDeliveryAt",
        trackingInfo="FulfillmentTrackingInfo",
        fulfillmentLineItems="FulfillmentLineItemConnection",
        events="FulfillmentEventConnection",
    ),
    "FulfillmentTrackingInfo": _fields("company number url"),
    "FulfillmentLineItem": _fields("id quantity", lineItem="LineItem"),
    "FulfillmentEvent": _fields("id status happenedAt createdAt message city estimatedDeliveryAt"),
    "FulfillmentOrder": _fields(
        "id status requestStatus",
        order="Order",
        deliveryMethod="DeliveryMethod",
        fulfillmentHolds="FulfillmentHold",
        assignedLocation="AssignedLocation",
        lineItems="FulfillmentOrderLineItemConnection",
    ),
    "FulfillmentOrderLineItem": _fields("id remainingQuantity totalQuantity", lineItem="LineItem"),
    "DeliveryMethod": _fields("methodType"),
    "FulfillmentHold": _fields("reason reasonNotes"),
    "AssignedLocation": _fields("name address1 city zip", location="Location"),
    "Location": _fields("id name"),
    "OrderTransaction": _fields(
        "id kind status gateway manualPaymentGateway errorCode processedAt", amountSet="MoneyBag"
    ),
    "Refund": _fields("id createdAt note", totalRefundedSet="MoneyBag"),
    "Return": _fields(
        "id name status createdAt",
        order="Order",
        refunds="RefundConnection",
        returnLineItems="ReturnLineItemTypeConnection",
    ),
    "ReturnLineItemType": _fields("id quantity"),
    "ReturnLineItem": _fields("id quantity", fulfillmentLineItem="FulfillmentLineItem"),
    "PageInfo": _fields("hasNextPage hasPreviousPage startCursor endCursor"),
    "WebhookSubscription": _fields("id topic uri format filter includeFields", apiVersion="ApiVersion"),
    "ApiVersion": _fields("handle"),
    "UserError": _fields("field message code"),
    "Job": _fields("id done"),
    "FulfillmentPayload": _fields("", fulfillment="Fulfillment", **_USER_ERRORS),
    "FulfillmentEventPayload": _fields("", fulfillmentEvent="FulfillmentEvent", **_USER_ERRORS),
    "FulfillmentOrderPayload": _fields("", fulfillmentOrder="FulfillmentOrder", **_USER_ERRORS),
    "PreparedPayload": _fields("", **_USER_ERRORS),
    "OrderCancelPayload": _fields("", job="Job", orderCancelUserErrors="UserError", **_USER_ERRORS),
    "OrderPayload": _fields("", order="Order", **_USER_ERRORS),
    "DiscountCodeNode": _fields("id"),
    "DiscountCodePayload": _fields("", codeDiscountNode="DiscountCodeNode", **_USER_ERRORS),
    "NodePayload": _fields("", node="Node", **_USER_ERRORS),
    "RefundPayload": _fields("", refund="Refund", **_USER_ERRORS),
    "SubscriptionPayload": _fields("", webhookSubscription="WebhookSubscription", **_USER_ERRORS),
    "SubscriptionDeletePayload": _fields("deletedWebhookSubscriptionId", **_USER_ERRORS),
    **{f"{each}Connection": {"nodes": each, "edges": f"{each}Edge", "pageInfo": "PageInfo"} for each in _NODES},
    **{f"{each}Edge": {"node": each, "cursor": ""} for each in _NODES},
}

INPUTS: Mapping[str, frozenset[str]] = {
    "DiscountCodeBasicInput": frozenset(
        {
            "appliesOncePerCustomer",
            "code",
            "combinesWith",
            "context",
            "customerGets",
            "customerSelection",
            "endsAt",
            "minimumRequirement",
            "recurringCycleLimit",
            "startsAt",
            "tags",
            "title",
            "usageLimit",
        }
    ),
    "FulfillmentInput": frozenset({"lineItemsByFulfillmentOrder", "trackingInfo", "notifyCustomer", "originAddress"}),
    "FulfillmentTrackingInput": frozenset({"company", "number", "url", "numbers", "urls"}),
    "FulfillmentEventInput": frozenset(
        [
            "fulfillmentId",
            "status",
            "happenedAt",
            "message",
            "estimatedDeliveryAt",
            "address1",
            "city",
            "country",
            "province",
            "zip",
            "latitude",
            "longitude",
        ]
    ),
    "FulfillmentOrderReportProgressInput": frozenset({"reasonNotes"}),
    "FulfillmentOrderLineItemsPreparedForPickupInput": frozenset({"lineItemsByFulfillmentOrder"}),
    "OrderCancelRefundMethodInput": frozenset({"originalPaymentMethodsRefund", "storeCreditRefund"}),
    "OrderMarkAsPaidInput": frozenset({"id"}),
    "OrderInput": frozenset({"id", "note", "customAttributes", "tags", "email", "phone", "shippingAddress"}),
    "RefundInput": frozenset({"orderId", "note", "notify", "currency", "refundLineItems", "shipping", "transactions"}),
    "WebhookSubscriptionInput": frozenset(
        ["uri", "callbackUrl", "format", "filter", "includeFields", "metafieldNamespaces", "metafields", "name"]
    ),
}
"""Members of the input objects."""
