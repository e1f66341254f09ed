"""Shopify: webhooks signed with the app's secret, a GraphQL poll as safety net, and write-back into the order."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

import httpx
from pydantic import Field, SecretStr, field_validator, model_validator

from hub.model import AnyRecord, RefKind, Reread
from hub.plugin import (
    Clock,
    Config,
    CouponWish,
    FailureError,
    Limits,
    Page,
    Permanent,
    Platform,
    Raw,
    Received,
    RefusedError,
    Settings,
    StatusTables,
    TagScope,
    TagWish,
    UnreadableError,
    WebhookRequest,
    WriteBack,
    digest,
    hookimpl,
    read_json,
    verify_hmac,
)

from . import _queries as queries
from ._fields import Body, as_body, gid, split_gid
from ._give import make_coupon, tag
from ._graphql import Api, TooCostlyError, as_documented
from ._node import is_node, read_deleted_event, read_node, read_prepared
from ._order import is_cod
from ._read import Cursor, read_order
from ._register import register
from ._webhook import kind_of, read_webhook, subject_of
from ._write import write_back
from .statuses import STATUSES, TagTarget, with_tags, wrong_tags

SIGNATURE = "X-Shopify-Hmac-Sha256"
OVERLAP = timedelta(minutes=10)
_PAGE = 50
_DELETED_EVENT = "fulfillment_events/delete"


class ShopifySettings(Settings):
    """How one shop is reached. Client id and secret are those of the app in the Dev Dashboard."""

    domain: str = Field(
        pattern=r"^[a-z0-9][a-z0-9-]*\.myshopify\.com$",
        description="The shop's permanent domain, such as `kavovar.myshopify.com`.",
    )
    client_id: str = Field("", description="The app's client id; not needed with an access token.")
    client_secret: SecretStr = Field(description="The app's client secret; it signs the webhooks.")
    old_client_secret: SecretStr | None = Field(None, description="The previous secret, for an hour after rotating it.")
    access_token: SecretStr | None = Field(None, description="Only for an old custom app: its permanent token.")
    webhook_secret: SecretStr | None = Field(
        None, description="The secret shown under Settings, Notifications, if webhooks were made there by hand."
    )
    api_version: str = Field("2026-10", pattern=r"^(\d{4}-\d{2}|unstable)$", description="Version of the Admin API.")
    url: str = Field("", description="Another address than the shop's own, for a sandbox.")
    cod_gateways: tuple[str, ...] = Field(
        (
            "cash on delivery",
            "(cod)",
            "накладений платіж",
            "накладний платіж",
            "післяплата",
            "оплата при отриманні",
            "za pobraniem",
            "płatność przy odbiorze",
            "наложенный платеж",
            "наложенный платёж",
            "оплата при получении",
        ),
        description="Cash on delivery is meant when the payment method's name holds one of these.",
    )
    tags: dict[str, TagTarget] = Field(
        {},
        description="Order tags that say how far your work is, such as `{ready-to-ship: order.packed}`; also for "
        "order.on_hold, order.processing and order.picking. Of several the first one listed counts; "
        "Shopify's own hold, end and cancellation count more.",
    )
    import_days: int = Field(30, ge=1, le=3650, description="How far back the first poll looks; over 60 needs a scope.")
    refund_on_cancel: bool = Field(True, description="Whether a cancellation by a flow gives the money back.")

    @field_validator("client_secret", "old_client_secret", "access_token", "webhook_secret")
    @classmethod
    def _not_blank(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and not secret.get_secret_value().strip():
            raise ValueError("a secret may not be empty")
        return secret

    @field_validator("tags")
    @classmethod
    def _plain_tags(cls, tags: dict[str, TagTarget]) -> dict[str, TagTarget]:
        if wrong := wrong_tags(tags):
            raise ValueError("; ".join(wrong))
        return tags

    @model_validator(mode="after")
    def _has_credentials(self) -> "ShopifySettings":
        if not self.client_id and self.access_token is None:
            raise ValueError("give client_id, or the access_token of an old custom app")
        return self


class Shopify(Platform[ShopifySettings]):
    """One shop."""

    name = "shopify"
    label = "Shopify"
    settings_type = ShopifySettings
    statuses = STATUSES
    coupons = True
    tags_on = frozenset(TagScope)
    limits: ClassVar[Limits] = Limits(concurrency=4, per_second=4, burst=8)

    def __init__(
        self, settings: ShopifySettings, client: httpx.AsyncClient, clock: Clock, *, connection: str = ""
    ) -> None:
        super().__init__(settings, client, clock, connection=connection)
        self._page = _PAGE
        self._api = Api(
            client,
            clock,
            url=settings.url or f"https://{settings.domain}",
            version=settings.api_version,
            credentials={"client_id": settings.client_id, "client_secret": settings.client_secret.get_secret_value()},
            token=settings.access_token.get_secret_value() if settings.access_token else "",
        )

    @classmethod
    def statuses_of(cls, settings: ShopifySettings) -> StatusTables:
        """The tags that stand for a status are a vocabulary of the connection."""
        return with_tags(settings.tags)

    def verify(self, request: WebhookRequest) -> Received:
        """Over the raw bytes; the app's secret, its predecessor, or the shop's own for webhooks made by hand."""
        if request.method != "POST":
            raise RefusedError("not a POST")
        verify_hmac(request, secret=self._secrets(), header=SIGNATURE, encoding="base64")
        if (request.header("X-Shopify-Shop-Domain") or self.settings.domain) != self.settings.domain:
            # Not signed, so no proof of anything; but two shops of one app share its secret, and this one was misled.
            raise RefusedError("a webhook of another shop")
        body = as_body(read_json(request.body), "body")
        topic = (request.header("X-Shopify-Topic") or "")[:100]
        kind = kind_of(body.value)
        return Received(
            [
                Raw(
                    body.value,
                    subject=subject_of(body, kind) if kind else "shop:unknown",
                    dedupe_key=_dedupe_key(request.body, kind, topic),
                    topic=topic,
                    occurred_at=self.clock.now() if kind == "deleted" else None,
                )
            ]
        )

    def normalise(self, raw: Raw) -> Sequence[AnyRecord]:
        """GraphQL nodes and webhook bodies; the topic only says where to look again."""
        if is_node(raw.body):
            return read_node(raw.body, is_cod=self._is_cod, tags=self.settings.tags)
        if isinstance(raw.body, dict) and "deleted_fulfillment_event" in raw.body:
            return read_deleted_event(raw.body)
        if isinstance(raw.body, dict) and "prepared_for_pickup" in raw.body:
            return read_prepared(raw.body, is_cod=self._is_cod, tags=self.settings.tags)
        body = as_body(raw.body, "body")
        if raw.topic == _DELETED_EVENT and kind_of(body.value) == "event":
            # The body of a deleted event is that of the event itself, and the topic is not signed: ask the API.
            event = gid("FulfillmentEvent", body.ident("id"))
            return [Reread(RefKind.ORDER, f"{event}?order={body.ident('order_id')}")]
        look = bool(self.settings.tags)
        return read_webhook(body.value, is_cod=self._is_cod, seen_at=raw.occurred_at, look=look)

    async def poll(self, cursor: Any) -> Page:
        """Orders by their updated time, from the watermark less an overlap; one page of at most 50."""
        place = Cursor.of(cursor, self.clock.now() - timedelta(days=self.settings.import_days))
        with as_documented():
            found = await self._orders(place)
            info = found.needed("pageInfo")
            after = info.text("endCursor") if info.flag("hasNextPage") else ""
            nodes = found.items("nodes")
        events = [await self._event(each) for each in nodes]
        seen = max([place.seen, *(each.occurred_at for each in events if each.occurred_at)])
        following = Cursor(place.since, after, seen) if after else Cursor(max(place.since, seen - OVERLAP), "", seen)
        return Page(events, following.as_json(), more=bool(after))

    async def _event(self, order: Body) -> Raw:
        """An order that cannot be read is an event too: it becomes a dead letter and holds up no other."""
        try:
            return _raw(await read_order(self._api, order))
        except UnreadableError:
            return Raw(dict(order.value), subject="order:unreadable", dedupe_key=digest("order", dict(order.value)))

    async def _orders(self, place: Cursor) -> Body:
        """A smaller page when the query is too costly, and from the start when Shopify forgot the page cursor."""
        try:
            variables = {"q": place.query(), "first": self._page, "after": place.after or None}
            answer = await self._api.read(queries.POLL, variables)
        except TooCostlyError:
            if self._page == 1:
                raise
            self._page = max(self._page // 2, 1)
            return await self._orders(place)
        except FailureError as failure:
            if not place.after or not isinstance(failure.outcome, Permanent):
                raise
            return await self._orders(Cursor(place.since, "", place.seen))
        return answer.needed("orders")

    async def fetch(self, ref: str) -> Sequence[Raw]:
        """An order by its id, or by the gid of a fulfilment order, a return, or a fulfilment event that may be gone."""
        kind, number = split_gid(ref)
        with as_documented():
            if kind == "FulfillmentEvent":
                return await self._after_deletion(ref, number)
            if kind in _ORDER_OF:
                return await self._fetch_by(_ORDER_OF[kind], ref)
            return await self._fetch(ref) if ref.isascii() and ref.isdigit() else ()

    async def _fetch_by(self, document: str, ref: str) -> Sequence[Raw]:
        gid_alone, _, mark = ref.partition("?")
        found = (await self._api.read(document, {"id": gid_alone})).child("found")
        order = found.child("order") if found else None
        if found is None or order is None:
            return ()
        raws = await self._fetch(order.gid("id", "Order"))
        return [self._prepared(gid_alone, each) for each in raws] if mark and _can_be_collected(found) else raws

    def _prepared(self, fulfillment_order: str, raw: Raw) -> Raw:
        """The order, and that its goods wait at the counter: Shopify's notice, of which the API confirmed the rest."""
        mark = {"fulfillment_order": fulfillment_order, "at": self.clock.now().isoformat()}
        key = digest("prepared_for_pickup", fulfillment_order)
        return Raw({"prepared_for_pickup": mark, "order": raw.body}, subject=raw.subject, dedupe_key=key)

    async def _fetch(self, number: str) -> Sequence[Raw]:
        order = (await self._api.read(queries.READ, {"id": gid("Order", number)})).child("order")
        return [await self._event(order)] if order else ()

    async def _after_deletion(self, ref: str, event: str) -> Sequence[Raw]:
        number = ref.partition("?order=")[2]
        if not (number.isascii() and number.isdigit()):
            return ()
        there = (await self._api.read(queries.EVENT_EXISTS, {"id": gid("FulfillmentEvent", event)})).child("node")
        order = await self._fetch(number)
        if there is not None:
            return order
        gone = {"id": event, "order_id": number, "at": self.clock.now().isoformat()}
        key = digest("deleted_fulfillment_event", event, number)
        return [Raw({"deleted_fulfillment_event": gone}, subject=f"order:{number}", dedupe_key=key), *order]

    async def write_back(self, wish: WriteBack) -> None:
        with as_documented():
            await write_back(self._api, wish, refund_on_cancel=self.settings.refund_on_cancel)

    async def make_coupon(self, wish: CouponWish) -> None:
        with as_documented():
            await make_coupon(self._api, wish, self.clock.now())

    async def tag(self, wish: TagWish) -> None:
        with as_documented():
            await tag(self._api, wish)

    async def register(self, url: str | None) -> Sequence[str]:
        with as_documented():
            return () if url is None else await register(self._api, url)

    async def hello(self) -> str:
        """The shop's name; a token for another shop than the settings name is refused."""
        with as_documented():
            shop = (await self._api.read(queries.SHOP)).needed("shop")
            name, domain = shop.text("name")[:80], shop.text("myshopifyDomain")
        if domain != self.settings.domain:
            raise FailureError(Config(f"shopify: these credentials belong to {domain[:80]}"))
        asked = self.settings.api_version
        expired = "" if self._api.served == asked else f" ({asked} has expired: set api_version anew)"
        return f"{name} ({domain}), Admin API {self._api.served}{expired}"

    def _secrets(self) -> tuple[str, ...]:
        known = (self.settings.client_secret, self.settings.old_client_secret, self.settings.webhook_secret)
        return tuple(each.get_secret_value() for each in known if each is not None)

    def _is_cod(self, gateways: Sequence[str]) -> bool:
        return is_cod(gateways, self.settings.cod_gateways)


_ORDER_OF: Mapping[str, str] = {
    "FulfillmentOrder": queries.ORDER_OF_FULFILLMENT_ORDER,
    "Return": queries.ORDER_OF_RETURN,
}


def _can_be_collected(fulfillment_order: Body) -> bool:
    method = fulfillment_order.child("deliveryMethod")
    waits = fulfillment_order.word("status") not in ("closed", "cancelled")
    return waits and method is not None and method.word("methodType") == "pick_up"


def _dedupe_key(body: bytes, kind: str, topic: str) -> str:
    """The digest of the signed bytes. The notice of a deleted event has the very bytes of the event itself, and must
    not vanish as its repeat; all it can do is make us look."""
    return digest(b"deleted?", body) if kind == "event" and topic == _DELETED_EVENT else digest(body)


def _raw(order: Body) -> Raw:
    updated_at: datetime = order.needed_moment("updatedAt")
    return Raw(
        dict(order.value),
        subject=f"order:{order.gid('id', 'Order')}",
        dedupe_key=digest("order", dict(order.value)),
        topic="poll",
        occurred_at=updated_at,
    )


@hookimpl
def adapters() -> Sequence[type[Platform[Any]]]:
    """Shopify."""
    return [Shopify]


__all__ = ["Shopify", "ShopifySettings", "adapters"]
