"""WooCommerce: signed webhooks that come once or never, a poll that finds what they did not tell, and write-back."""

import re
from collections.abc import Sequence
from datetime import timedelta
from html import unescape
from typing import Any, ClassVar

import httpx
from pydantic import Field, SecretStr, field_validator

from hub.model import AnyRecord, RefKind, Removed, Reread
from hub.plugin import (
    Clock,
    CouponWish,
    FailureError,
    Limits,
    Page,
    Platform,
    Raw,
    Received,
    RefusedError,
    Settings,
    Transient,
    UnreadableError,
    WebhookRequest,
    WriteBack,
    digest,
    hookimpl,
    read_json,
    verify_hmac,
)

from ._api import NO_ROUTE, Api, as_documented
from ._coupons import make_coupon
from ._fields import Body, as_body, as_list
from ._order import FULFILLMENTS, Reading, is_order, read_order
from ._poll import Cursor
from ._register import register
from ._write import Writer
from .statuses import CORE, STATUSES

SIGNATURE = "X-WC-Webhook-Signature"
_ORDERS = "wc/v3/orders"
_PING = re.compile(rb"webhook_id=\d{1,20}")
_REMOVED = "hub_removed"
_GONE = "?gone"
_FOREIGN = (
    frozenset({"username", "role"}),
    frozenset({"permalink", "type"}),
    frozenset({"code", "discount_type"}),
)
"""Members by which the bodies of the topics `customer.*`, `product.*` and `coupon.*` are known: they are no orders, and
nothing of them is kept."""
_LOOPBACK = re.compile(r"http://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?(/|$)")


class WooCommerceSettings(Settings):
    """How one shop is reached. The key is made in WooCommerce under Settings, Advanced, REST API, with read and write
    access, by a user who may manage the shop."""

    url: str = Field(
        pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$",
        description="The shop's address exactly as it answers without a redirect, such as `https://kavovar.example`.",
    )
    consumer_key: SecretStr = Field(description="The key `ck_…`.")
    consumer_secret: SecretStr = Field(description="The secret `cs_…` that was shown with the key.")
    webhook_secret: SecretStr = Field(
        description="A long random text of your own, best of letters and digits alone; it signs the webhooks."
    )
    old_webhook_secret: SecretStr | None = Field(None, description="The previous one, for a day after changing it.")
    plain_permalinks: bool = Field(
        False, description="The shop's permalinks are set to plain: the interface lies under `index.php?rest_route=`."
    )
    cod_methods: tuple[str, ...] = Field(("cod",), description="Ids of the payment methods that are paid at the door.")
    pickup_methods: tuple[str, ...] = Field(
        ("local_pickup", "pickup_location"), description="Ids of the shipping methods that are collected in the shop."
    )
    tracking_meta: tuple[str, ...] = Field(
        (),
        description="Meta keys in which your shipping plugin keeps the tracking number; a number of ours goes into the "
        "first, where the shop has no tracking extension.",
    )
    language_meta: tuple[str, ...] = Field(
        ("wpml_language",), description="Meta keys in which your translation plugin keeps the order's language."
    )
    attributes: tuple[str, ...] = Field((), description="Meta keys that flows may read as `order.attributes`.")
    fulfillments: bool = Field(
        False,
        description="WooCommerce's feature Order Fulfillments is on: read them, which takes one more call per order.",
    )
    shipped_status: str = Field(
        "completed",
        pattern=r"^[a-z0-9_-]{1,20}$",
        description="The status, without `wc-`, that an order is given when a flow says it is shipped.",
    )
    import_days: int = Field(30, ge=1, le=3650, description="How far back the first poll looks.")

    @field_validator("url")
    @classmethod
    def _over_tls(cls, url: str) -> str:
        # Over plain HTTP WooCommerce refuses a plain key, and whoever listens on the way would have it.
        if not url.startswith("https://") and not _LOOPBACK.match(url):
            raise ValueError("the address begins with https://")
        return url

    @field_validator("consumer_key", "consumer_secret", "webhook_secret", "old_webhook_secret")
    @classmethod
    def _not_blank(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and not secret.get_secret_value().strip():
            raise ValueError("a secret may not be empty")
        return secret


class WooCommerce(Platform[WooCommerceSettings]):
    """One shop."""

    name = "woocommerce"
    label = "WooCommerce"
    settings_type = WooCommerceSettings
    statuses = STATUSES
    coupons = True
    # Every shop is somebody's own server: few calls at once, and patience with it.
    limits: ClassVar[Limits] = Limits(concurrency=2, per_second=4, burst=4, timeout=timedelta(seconds=30))

    def __init__(
        self, settings: WooCommerceSettings, client: httpx.AsyncClient, clock: Clock, *, connection: str = ""
    ) -> None:
        super().__init__(settings, client, clock, connection=connection)
        self._api = Api(
            client,
            clock,
            url=settings.url,
            key=settings.consumer_key.get_secret_value(),
            secret=settings.consumer_secret.get_secret_value(),
            plain_permalinks=settings.plain_permalinks,
        )
        self._reading = Reading(
            cod_methods=frozenset(settings.cod_methods),
            pickup_methods=frozenset(settings.pickup_methods),
            tracking_meta=settings.tracking_meta,
            language_meta=settings.language_meta,
            attributes=settings.attributes,
            fulfillments=settings.fulfillments,
        )
        self._writer = Writer(self._api, self._reading, shipped_status=settings.shipped_status)

    def verify(self, request: WebhookRequest) -> Received:
        """Over the raw bytes. A new webhook first asks, unsigned, whether somebody is there, and wants to hear 200."""
        if request.method != "POST":
            raise RefusedError("not a POST")
        if request.header(SIGNATURE) is None and _PING.fullmatch(request.body):
            return Received()
        verify_hmac(request, secret=self._secrets(), header=SIGNATURE, encoding="base64")
        body = as_body(read_json(request.body), "body")
        if any(members <= set(body.value) for members in _FOREIGN):
            return Received()
        topic = (request.header("X-WC-Webhook-Topic") or "")[:100]
        return Received([Raw(dict(body.value), _subject(body), digest("order", dict(body.value)), topic=topic)])

    def normalise(self, raw: Raw) -> Sequence[AnyRecord]:
        """What a body is, its members say; the topic stands in no signature."""
        body = as_body(raw.body, "body")
        if is_order(body.value):
            return read_order(body.value, self._reading)
        if set(body.value) == {"id"}:
            # A shop that deletes and restores says both late: whether it is still gone, only looking tells.
            return [Reread(RefKind.ORDER, body.ident("id") + _GONE)]
        if _REMOVED in body.value:
            removed = as_body(body.value[_REMOVED], _REMOVED)
            return [Removed(removed.ident("id"), removed.needed_moment("at"))]
        if set(body.value) == {"action", "arg"}:
            about_order = body.text("action").startswith("woocommerce_order_")
            return [Reread(RefKind.ORDER, body.ident("arg"))] if about_order else []
        raise UnreadableError("woocommerce: a body of no known kind")

    async def poll(self, cursor: Any) -> Page:
        """Orders by their modified time, from the watermark less an overlap; one page of at most 50."""
        place = Cursor.of(cursor, self.clock.now() - timedelta(days=self.settings.import_days))
        answer = await self._api.get(_ORDERS, allow=(400,) if place.by == "modified" else (), **place.question())
        if answer.refused:
            place = place.without_sorting()
            answer = await self._api.get(_ORDERS, **place.question())
        with as_documented():
            orders = as_list(answer.value, "orders")
        events = [await self._event(each) for each in orders]
        times = [each.occurred_at for each in events if each.occurred_at]
        following, more = place.following(times, len(orders), self.clock.now())
        return Page(events, following.as_json(), more=more)

    async def _event(self, order: Body) -> Raw:
        """An order that cannot be read is an event too: it becomes a dead letter and holds up no other."""
        value = dict(order.value)
        try:
            ref, at = order.ident("id"), order.needed_moment("date_modified_gmt")
        except UnreadableError:
            return Raw(value, subject="order:unreadable", dedupe_key=digest("order", value))
        if self.settings.fulfillments:
            value[FULFILLMENTS] = await self._fulfillments(ref)
        return Raw(value, subject=f"order:{ref}", dedupe_key=digest("order", value), topic="poll", occurred_at=at)

    async def _fulfillments(self, ref: str) -> Any:
        answer = await self._api.get(f"{_ORDERS}/{ref}/fulfillments", allow=(404,))
        return [] if answer.refused else answer.value

    async def fetch(self, ref: str) -> Sequence[Raw]:
        """An order by its id; with `?gone` after it, also the news that it is not there any more."""
        number, gone, _ = ref.partition(_GONE)
        if not (number.isascii() and number.isdigit() and 0 < len(number) <= 19):
            return ()
        answer = await self._api.get(f"{_ORDERS}/{number}", allow=(404,))
        if answer.refused and answer.code != NO_ROUTE:
            return [self._removed(number)] if gone else ()
        if answer.refused:
            raise FailureError(Transient("woocommerce: the shop does not know the way to its orders"), status=404)
        with as_documented():
            return [await self._event(as_body(answer.value, "order"))]

    def _removed(self, number: str) -> Raw:
        """Deleted for good; ids are never given twice, so this is said once."""
        removed = {"id": int(number), "at": self.clock.now().isoformat()}
        return Raw({_REMOVED: removed}, subject=f"order:{number}", dedupe_key=digest("removed", number))

    async def write_back(self, wish: WriteBack) -> None:
        with as_documented():
            await self._writer.write(wish)

    async def make_coupon(self, wish: CouponWish) -> None:
        with as_documented():
            await make_coupon(self._api, wish)

    async def register(self, url: str | None) -> Sequence[str]:
        if url is None:
            return ()
        secret = self.settings.webhook_secret.get_secret_value()
        with as_documented():
            return await register(self._api, url, secret=secret, connection=self.connection)

    async def hello(self) -> str:
        """Where the shop is and which statuses of its own it has, as they are written under `statuses:`."""
        answer = await self._api.get("wc/v3/reports/orders/totals")
        with as_documented():
            slugs = sorted(each.text("slug") for each in as_list(answer.value, "totals"))
        own = ", ".join(f"wc-{slug}" for slug in slugs if slug and slug not in CORE)[:500]
        return f"{self._api.host}, REST wc/v3" + (f"; statuses of its own: {own}" if own else "")

    def _secrets(self) -> tuple[str, ...]:
        known = (self.settings.webhook_secret, self.settings.old_webhook_secret)
        return tuple(form for each in known if each is not None for form in _forms(each.get_secret_value()))


_ENTITIES = re.compile(r"&(?:amp|lt|gt|quot|apos|#0*(?:38|60|62|34|39)|#[xX]0*(?:26|3[cCeE]|2[27]));")


def _forms(secret: str) -> tuple[str, ...]:
    """WordPress decodes the entities of `& < > " '` in a stored secret before it signs; depending on where it was typed
    in, what is stored is the secret itself or has them encoded."""
    return tuple(dict.fromkeys((_ENTITIES.sub(lambda found: unescape(found[0]), secret), secret)))


def _subject(body: Body) -> str:
    if is_order(body.value) or set(body.value) == {"id"}:
        return f"order:{body.ident('id')}"
    return f"order:{body.ident('arg')}" if set(body.value) == {"action", "arg"} else "shop:unknown"


@hookimpl
def adapters() -> Sequence[type[Platform[Any]]]:
    """WooCommerce."""
    return [WooCommerce]


__all__ = ["WooCommerce", "WooCommerceSettings", "adapters"]
