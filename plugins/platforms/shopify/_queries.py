"""The GraphQL documents, for version 2026-10 of the Admin API."""

_MONEY = "{ shopMoney { amount currencyCode } }"

_ORDER = """
  id name test
  createdAt updatedAt cancelledAt cancelReason
  displayFinancialStatus displayFulfillmentStatus returnStatus
  currencyCode
  totalPriceSet MONEY currentTotalPriceSet MONEY totalOutstandingSet MONEY
  email phone customerLocale customerAcceptsMarketing note tags statusPageUrl paymentGatewayNames
  customAttributes { key value }
  customer { id firstName lastName defaultEmailAddress { emailAddress } defaultPhoneNumber { phoneNumber } }
  shippingAddress { name firstName lastName phone address1 address2 city province zip countryCodeV2 }
  shippingLine { title }
  lineItems(first: %(lines)d) {
    pageInfo { hasNextPage endCursor }
    nodes { LINE }
  }
  fulfillments(first: %(parcels)d) {
    id status displayStatus createdAt updatedAt
    trackingInfo(first: 10) { company number url }
    fulfillmentLineItems(first: %(contents)d) { pageInfo { hasNextPage } nodes { quantity lineItem { id } } }
    events(first: %(events)d) {
      pageInfo { hasNextPage }
      nodes { id status happenedAt message city estimatedDeliveryAt }
    }
  }
  fulfillmentOrders(first: %(parcels)d) {
    pageInfo { hasNextPage }
    nodes {
      id status deliveryMethod { methodType } fulfillmentHolds { reason }
      assignedLocation { name address1 city zip }
    }
  }
  transactions(first: %(money)d) { id kind status gateway manualPaymentGateway processedAt }
  refunds(first: %(money)d) { id totalRefundedSet MONEY }
  returns(first: %(returns)d) {
    pageInfo { hasNextPage }
    nodes {
      id status
      refunds(first: 1) { nodes { id } }
      returnLineItems(first: %(contents)d) {
        nodes { ... on ReturnLineItem { quantity fulfillmentLineItem { lineItem { id } } } }
      }
    }
  }
"""

_LINE = f"id sku name title quantity currentQuantity requiresShipping originalUnitPriceSet {_MONEY}"

_SMALL = {"lines": 50, "parcels": 10, "contents": 20, "events": 20, "money": 20, "returns": 5}
_LARGE = {"lines": 250, "parcels": 50, "contents": 100, "events": 50, "money": 100, "returns": 25}

LIMITS = {"fulfillments": _SMALL["parcels"], "transactions": _SMALL["money"], "refunds": _SMALL["money"]}
"""Lists that are no connections: a full one may have been cut."""


def _order(sizes: dict[str, int]) -> str:
    return (_ORDER % sizes).replace("LINE", _LINE).replace("MONEY", _MONEY)


ORDER = _order(_SMALL)

POLL = (
    "query Poll($q: String!, $first: Int!, $after: String) {\n"
    "  orders(first: $first, after: $after, sortKey: UPDATED_AT, query: $q) {\n"
    f"    pageInfo {{ hasNextPage endCursor }}\n    nodes {{ {ORDER} }}\n  }}\n}}"
)
READ = f"query Read($id: ID!) {{ order(id: $id) {{ {ORDER} }} }}"
READ_LARGE = f"query ReadWhole($id: ID!) {{ order(id: $id) {{ {_order(_LARGE)} }} }}"
MORE_LINES = (
    "query MoreLines($id: ID!, $after: String!) { order(id: $id) { lineItems(first: 250, after: $after) "
    f"{{ pageInfo {{ hasNextPage endCursor }} nodes {{ {_LINE} }} }} }} }}"
)
ORDER_OF_FULFILLMENT_ORDER = (
    "query OrderOf($id: ID!) { found: fulfillmentOrder(id: $id) { status deliveryMethod { methodType } order { id } } }"
)
ORDER_OF_RETURN = "query OrderOf($id: ID!) { found: return(id: $id) { order { id } } }"
EVENT_EXISTS = "query EventExists($id: ID!) { node(id: $id) { id } }"
SHOP = "query Shop { shop { name myshopifyDomain } }"

_USER_ERRORS = "userErrors { field message }"

TO_SHIP = """query ToShip($id: ID!) {
  order(id: $id) {
    id note cancelledAt displayFinancialStatus
    fulfillments(first: 50) { id status trackingInfo(first: 10) { number } }
    fulfillmentOrders(first: 50) { nodes { id status assignedLocation { location { id } } } }
  }
}"""
FULFIL = (
    "mutation Fulfil($fulfillment: FulfillmentInput!) { fulfillmentCreate(fulfillment: $fulfillment) "
    f"{{ fulfillment {{ id status }} {_USER_ERRORS} }} }}"
)
SET_TRACKING = (
    "mutation SetTracking($id: ID!, $tracking: FulfillmentTrackingInput!) { fulfillmentTrackingInfoUpdate("
    "fulfillmentId: $id, trackingInfoInput: $tracking, notifyCustomer: false) "
    f"{{ fulfillment {{ id }} {_USER_ERRORS} }} }}"
)
SET_NOTE = f"mutation SetNote($input: OrderInput!) {{ orderUpdate(input: $input) {{ order {{ id }} {_USER_ERRORS} }} }}"
CANCEL = (
    "mutation Cancel($id: ID!, $reason: OrderCancelReason!, $refund: OrderCancelRefundMethodInput!, $note: String) { "
    "orderCancel(orderId: $id, reason: $reason, restock: true, refundMethod: $refund, notifyCustomer: false, "
    "staffNote: $note) { job { id done } orderCancelUserErrors { field message code } } }"
)
MARK_PAID = (
    "mutation MarkPaid($input: OrderMarkAsPaidInput!) { orderMarkAsPaid(input: $input) "
    f"{{ order {{ id }} {_USER_ERRORS} }} }}"
)

COUPON_EXISTS = "query CouponExists($code: String!) { codeDiscountNodeByCode(code: $code) { id } }"
MAKE_COUPON = (
    "mutation MakeCoupon($coupon: DiscountCodeBasicInput!) { discountCodeBasicCreate(basicCodeDiscount: $coupon) "
    f"{{ codeDiscountNode {{ id }} {_USER_ERRORS} }} }}"
)
ADD_TAGS = (
    "mutation AddTags($id: ID!, $tags: [String!]!) { tagsAdd(id: $id, tags: $tags) "
    f"{{ node {{ id }} {_USER_ERRORS} }} }}"
)
REMOVE_TAGS = (
    "mutation RemoveTags($id: ID!, $tags: [String!]!) { tagsRemove(id: $id, tags: $tags) "
    f"{{ node {{ id }} {_USER_ERRORS} }} }}"
)

SUBSCRIPTIONS = """query Subscriptions($after: String) {
  webhookSubscriptions(first: 100, after: $after) {
    pageInfo { hasNextPage endCursor }
    nodes { id topic uri format filter includeFields }
  }
}"""
SUBSCRIBE = (
    "mutation Subscribe($topic: WebhookSubscriptionTopic!, $in: WebhookSubscriptionInput!) { "
    "webhookSubscriptionCreate(topic: $topic, webhookSubscription: $in) "
    f"{{ webhookSubscription {{ id }} {_USER_ERRORS} }} }}"
)
CORRECT = (
    "mutation Correct($id: ID!, $in: WebhookSubscriptionInput!) { "
    f"webhookSubscriptionUpdate(id: $id, webhookSubscription: $in) {{ webhookSubscription {{ id }} {_USER_ERRORS} }} }}"
)
