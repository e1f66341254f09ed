"""How the fake shop sends webhooks: queued, rendered when the queue is worked off, sent once and never again."""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

from hub.clock import Clock
from hub.plugin.sandbox import Delivery, WebhookSender

from ._sandbox_bodies import Tree
from ._sandbox_shop import Order

RESOURCES = frozenset(
    f"{kind}.{event}"
    for kind in ("order", "product", "coupon", "customer")
    for event in ("created", "updated", "deleted", "restored")
)
NO_ORDER = frozenset({"draft", "auto-draft", "new"})
DRAFT = "checkout-draft"
DISABLED_ABOVE = 5
"""The counter is looked at before it grows, so that the seventh failure in a row switches the webhook off."""
WINDOW = timedelta(minutes=10)
"""Within it an identical job that still waits is not queued again."""


@dataclass(slots=True)
class Webhook:
    """One subscription. `failures`: in a row."""

    id: int
    name: str
    topic: str
    delivery_url: str
    secret: str
    status: str
    created: datetime
    modified: datetime
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Job:
    """A webhook that is to be told of an order. What is told of it is decided when it is sent."""

    webhook: Webhook
    order: int
    queued_at: datetime
    due_at: datetime


@dataclass(slots=True)
class Mischief:
    """What goes wrong. `cron_broken`: the queue stands still. `leak_drafts`: as in issue 66995."""

    lose: int = 0
    duplicate: int = 0
    swap: bool = False
    cron_broken: bool = False
    leak_drafts: bool = False


class Hooks:
    """The sender. `render(order id)`: the order's body now, None when it is gone. `record(webhook, kind, order,
    delivery, body)` is told of each try."""

    def __init__(
        self,
        clock: Clock,
        *,
        home: str,
        render: Callable[[int], Tree | None],
        record: Callable[[Webhook, str, str, Delivery, bytes], None],
        seconds: float,
    ) -> None:
        self.webhooks: dict[int, Webhook] = {}
        self.mischief = Mischief()
        self.lag = timedelta(0)
        """How long Action Scheduler takes."""
        self._clock, self._home, self._render, self._record = clock, home, render, record
        self._sender = WebhookSender(clock, seconds=seconds)
        self._jobs: list[Job] = []
        self._ids = count(12)

    def add(self, topic: str, url: str, secret: str, *, name: str = "", status: str = "active") -> Webhook:
        """Without a ping."""
        now = self._clock.now()
        made = Webhook(next(self._ids), name or f"Webhook {topic}", topic, url, secret, status, now, now)
        self.webhooks[made.id] = made
        return made

    async def ping(self, webhook: Webhook) -> Delivery:
        """A form without any proof of its sender; anything but 200 is bad news, and changes nothing."""
        body = f"webhook_id={webhook.id}".encode()
        headers = {"content-type": "application/x-www-form-urlencoded", "user-agent": AGENT}
        delivery = await self._sender.send(webhook.delivery_url, body, headers)
        self._record(webhook, "ping", "", delivery, body)
        return delivery

    def queue(self, event: str, order: Order) -> None:
        topic = event if event.startswith("action.") else f"order.{event}"
        if order.status in NO_ORDER or (order.status == DRAFT and not self.mischief.leak_drafts):
            return
        now = self._clock.now()
        for webhook in self.webhooks.values():
            if webhook.topic == topic and webhook.status == "active" and not self._waits(webhook, order, now):
                self._jobs.append(Job(webhook, order.id, now, now + self.lag))

    def _waits(self, webhook: Webhook, order: Order, now: datetime) -> bool:
        return any(
            each.webhook is webhook and each.order == order.id and now - each.queued_at < WINDOW for each in self._jobs
        )

    def next_at(self) -> datetime | None:
        """When something is due."""
        return None if self.mischief.cron_broken else min((each.due_at for each in self._jobs), default=None)

    async def deliver_due(self) -> int:
        """Work off what is due at the clock's time; gives how many requests were made."""
        if self.mischief.cron_broken:
            return 0
        now = self._clock.now()
        due = [each for each in self._jobs if each.due_at <= now]
        self._jobs = [each for each in self._jobs if each.due_at > now]
        if self.mischief.swap:
            due.reverse()
            self.mischief.swap = False
        return sum([await self._work(job) for job in due])

    async def _work(self, job: Job) -> int:
        webhook = job.webhook
        body = self._body(job)
        if self.mischief.lose:
            self.mischief.lose -= 1
            return 0
        if body is None or webhook.status != "active":
            return 0
        times = 2 if self.mischief.duplicate else 1
        self.mischief.duplicate = max(self.mischief.duplicate - 1, 0)
        data = json.dumps(body, separators=(",", ":")).encode()
        for _ in range(times):
            delivery = await self._sender.send(webhook.delivery_url, data, self._headers(webhook, data))
            self._count(webhook, delivery)
            self._record(webhook, "webhook", str(job.order), delivery, data)
        return times

    def _body(self, job: Job) -> Tree | None:
        if job.webhook.topic.startswith("action."):
            return {"action": job.webhook.topic.removeprefix("action."), "arg": job.order}
        return {"id": job.order} if job.webhook.topic == "order.deleted" else self._render(job.order)

    def _count(self, webhook: Webhook, delivery: Delivery) -> None:
        if delivery.status is not None and 200 <= delivery.status <= 302:
            webhook.failures = 0
            return
        if webhook.failures > DISABLED_ABOVE:
            webhook.status = "disabled"
        webhook.failures += 1

    def _headers(self, webhook: Webhook, body: bytes) -> Mapping[str, str]:
        resource, _, event = webhook.topic.partition(".")
        second = f"{self._clock.now().timestamp():.0f}"
        return {
            "content-type": "application/json",
            "user-agent": AGENT,
            "X-WC-Webhook-Source": f"{self._home}/",
            "X-WC-Webhook-Topic": webhook.topic,
            "X-WC-Webhook-Resource": resource,
            "X-WC-Webhook-Event": event,
            "X-WC-Webhook-Signature": sign(webhook.secret, body),
            "X-WC-Webhook-ID": str(webhook.id),
            "X-WC-Webhook-Delivery-ID": hashlib.md5(
                f"{webhook.id}{second}".encode(), usedforsecurity=False
            ).hexdigest(),
        }

    async def aclose(self) -> None:
        await self._sender.aclose()


AGENT = "WooCommerce/11.2.0 Hookshot (WordPress/6.9)"
_SPECIAL = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'", 38: "&", 60: "<", 62: ">", 34: '"', 39: "'"}
_ENTITY = re.compile(r"&(?:(amp|lt|gt|quot|apos)|#0*(\d+)|#[xX]0*([0-9a-fA-F]+));")


def decoded(secret: str) -> str:
    """`wp_specialchars_decode(…, ENT_QUOTES)`: these five characters and no others."""

    def one(found: re.Match[str]) -> str:
        code: str | int = found[1] or (int(found[2]) if found[2] else int(found[3], 16))
        return _SPECIAL.get(code, found[0])

    return _ENTITY.sub(one, secret)


def sign(secret: str, body: bytes) -> str:
    """The base64 HMAC-SHA256 of the bytes under the decoded secret."""
    return base64.b64encode(hmac.new(decoded(secret).encode(), body, hashlib.sha256).digest()).decode()
