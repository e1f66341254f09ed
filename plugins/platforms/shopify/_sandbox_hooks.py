"""How the fake shop sends webhooks: subscriptions, headers, the signature, repeats, and mischief to order."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID

from hub.clock import Clock
from hub.plugin.sandbox import Delivery, WebhookSender

from ._sandbox_bodies import Tree

RETRIES = 8
_FIRST_WAIT = timedelta(hours=4) / (2**RETRIES - 1)
SCHEDULE = tuple(_FIRST_WAIT * 2**step for step in range(RETRIES))
"""8 repeats over 4 hours, each wait twice the one before."""

TOPICS = frozenset(
    """ORDERS_CREATE ORDERS_UPDATED ORDERS_PAID ORDERS_CANCELLED ORDERS_EDITED ORDERS_DELETE ORDERS_FULFILLED
    ORDERS_PARTIALLY_FULFILLED ORDER_TRANSACTIONS_CREATE REFUNDS_CREATE FULFILLMENTS_CREATE FULFILLMENTS_UPDATE
    FULFILLMENT_EVENTS_CREATE FULFILLMENT_EVENTS_DELETE FULFILLMENT_ORDERS_PLACED_ON_HOLD
    FULFILLMENT_ORDERS_HOLD_RELEASED FULFILLMENT_HOLDS_ADDED FULFILLMENT_HOLDS_RELEASED
    FULFILLMENT_ORDERS_LINE_ITEMS_PREPARED_FOR_PICKUP FULFILLMENT_ORDERS_LINE_ITEMS_PREPARED_FOR_LOCAL_DELIVERY
    FULFILLMENT_ORDERS_PROGRESS_REPORTED RETURNS_REQUEST RETURNS_APPROVE RETURNS_DECLINE RETURNS_CANCEL RETURNS_CLOSE
    RETURNS_REOPEN RETURNS_PROCESS RETURNS_UPDATE DISPUTES_CREATE DISPUTES_UPDATE CUSTOMERS_CREATE CUSTOMERS_UPDATE
    CUSTOMERS_DELETE APP_UNINSTALLED BULK_OPERATIONS_FINISH""".split()  # noqa: SIM905
)


@dataclass(slots=True)
class Subscription:
    """Where one topic is sent."""

    id: int
    topic: str
    uri: str
    format: str = "JSON"
    filter: str = ""
    include_fields: list[str] = field(default_factory=list)
    name: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """One delivery that waits: the bytes are fixed, and so is the address."""

    subscription: Subscription
    topic: str
    order: str
    body: bytes
    event_id: str
    webhook_id: str
    triggered_at: datetime
    due_at: datetime


@dataclass(slots=True)
class Mischief:
    """What goes wrong with the next deliveries."""

    duplicate: int = 0
    lose: int = 0
    swap: bool = False
    old_secret: bool = False
    delays: dict[str, timedelta] = field(default_factory=dict)


class Hooks:
    """The sender. `record(job, delivery)` is told of every try."""

    def __init__(
        self,
        clock: Clock,
        *,
        shop: str,
        version: str,
        secret: str,
        old_secret: str,
        seconds: float,
        record: Callable[[Job, Delivery], None],
    ) -> None:
        self.subscriptions: dict[int, Subscription] = {}
        self.mischief = Mischief()
        self.secret, self.old_secret = secret, old_secret
        self._clock, self._shop, self._version, self._record = clock, shop, version, record
        self._sender = WebhookSender(clock, schedule=SCHEDULE, seconds=seconds)
        self._waiting: list[Job] = []
        self._sent: dict[int, Job] = {}
        self._numbers, self._uuids = count(1101), count(1)

    def subscribe(self, topic: str, uri: str) -> Subscription:
        made = Subscription(next(self._numbers), topic, uri)
        self.subscriptions[made.id] = made
        return made

    def queue(self, order: str, said: Sequence[tuple[str, Tree]]) -> None:
        """One thing happened: it waits once per subscription and topic; all of them share the event's id."""
        event_id, now = self._uuid("event"), self._clock.now()
        for topic, body in said:
            for each in list(self.subscriptions.values()):
                if each.topic == topic.replace("/", "_").upper():
                    data = json.dumps(_only(body, each.include_fields), ensure_ascii=False).encode()
                    due_at = now + self.mischief.delays.pop(topic, timedelta(0))
                    job = Job(each, topic, order, data, event_id, self._uuid("webhook"), now, due_at)
                    self._waiting.append(job)

    def next_at(self) -> datetime | None:
        """When something is due."""
        known = [each.due_at for each in self._waiting]
        retry = self._sender.next_at()
        return min([*known, *([retry] if retry else [])], default=None)

    async def deliver_due(self) -> int:
        """Send what is due at the clock's time, repeats too; gives how many tries were made."""
        now = self._clock.now()
        due = [each for each in self._waiting if each.due_at <= now]
        self._waiting = [each for each in self._waiting if each.due_at > now]
        if self.mischief.swap and len(due) > 1:
            due.reverse()
            self.mischief.swap = False
        tries = 0
        for job in due:
            tries += await self._send(job)
        repeats = await self._sender.tick()
        for delivery in repeats:
            self._note(self._sent[delivery.number], delivery)
        return tries + len(repeats)

    async def _send(self, job: Job) -> int:
        if self.mischief.lose:
            self.mischief.lose -= 1
            return 0
        times = 1
        if self.mischief.duplicate:
            self.mischief.duplicate -= 1
            times = 2
        for _ in range(times):
            delivery = await self._sender.send(job.subscription.uri, job.body, self._headers(job))
            self._sent[delivery.number] = job
            self._note(job, delivery)
        return times

    def _note(self, job: Job, delivery: Delivery) -> None:
        self._record(job, delivery)
        if not delivery.taken and delivery.attempt > RETRIES:
            self.subscriptions.pop(job.subscription.id, None)

    def _headers(self, job: Job) -> dict[str, str]:
        secret = self.old_secret if self.mischief.old_secret else self.secret
        return {
            "X-Shopify-Topic": job.topic,
            "X-Shopify-Hmac-Sha256": sign(secret, job.body),
            "X-Shopify-Shop-Domain": self._shop,
            "X-Shopify-API-Version": self._version,
            "X-Shopify-Webhook-Id": job.webhook_id,
            "X-Shopify-Event-Id": job.event_id,
            "X-Shopify-Triggered-At": job.triggered_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            **({"X-Shopify-Name": job.subscription.name} if job.subscription.name else {}),
        }

    def _uuid(self, word: str) -> str:
        return str(UUID(bytes=hashlib.sha256(f"{word}:{next(self._uuids)}".encode()).digest()[:16], version=4))

    async def aclose(self) -> None:
        await self._sender.aclose()


def sign(secret: str, body: bytes) -> str:
    """The base64 HMAC-SHA256 of the bytes."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def _only(body: Tree, names: Sequence[str]) -> Tree:
    return {name: body[name] for name in names if name in body} if names else body
