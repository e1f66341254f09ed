"""Process A, the world: two shops and two carriers that move, and a sender that never gives up and keeps a ledger.

    python -m tests.torture.world FOLDER '{"seed": 1, "events": 1000, "hub": "http://127.0.0.1:8080/in/", ...}'

Prints a JSON line when it serves, some with its progress, and one when all is told. Each line of its standard input is
a number: so many webhooks may be sent by now. It answers the hub's questions until that input ends. FOLDER gets
`sent.jsonl` (every webhook, whole) and `taken.jsonl` (every 2xx answer, on disk before the next is asked for).
"""

import asyncio
import base64
import json
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp

from hub.clock import SystemClock, VirtualClock, monotonic, pause
from plugins.carriers.inpost.sandbox import ADDRESS, InPostSandbox
from plugins.carriers.nova_poshta.sandbox import NovaPoshtaSandbox
from plugins.platforms.shopify.sandbox import ShopifySandbox, sign
from plugins.platforms.woocommerce.sandbox import TOPICS as WOO_TOPICS
from plugins.platforms.woocommerce.sandbox import WooCommerceSandbox
from plugins.platforms.woocommerce.sandbox import sign as woo_sign

from .config import INPOST, INPOST_SECRET, NOVA_POSHTA, SHOPIFY, WOO
from .journal import Journal
from .stories import STORIES, Steps, World, choose

PAST = timedelta(hours=6)
"""The world's clock begins so long ago and ends before now, so that every move has a second of its own."""
ACTIVE = 25
"""Orders that live at the same time."""
PATIENCE = 5.0
"""Seconds that a webhook's receiver has, as at Shopify."""
RETRY = (0.05, 0.4)

TOPICS = frozenset(
    """orders/create orders/updated orders/paid orders/cancelled orders/fulfilled orders/partially_fulfilled
    order_transactions/create refunds/create fulfillments/create fulfillment_events/create""".split()  # noqa: SIM905
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What the world is to do. `hub`: where webhooks go, without the connection; `repeated`: this part of what was
    taken is sent once more; `window`: so many webhooks are shuffled at a time."""

    seed: int
    events: int
    hub: str
    repeated: float = 0.15
    window: int = 60
    workers: int = 12


@dataclass(frozen=True, slots=True)
class Webhook:
    """The exact bytes of one webhook, to whom they go, and whose they are (an order's, a parcel's)."""

    n: int
    to: str
    about: str
    body: bytes
    headers: dict[str, str] = field(repr=False)


Told = Callable[[str, str, bytes, dict[str, str]], None]
"""(connection, what it is about, body, headers) of a webhook that would be sent now."""


class TellingShopify(ShopifySandbox):
    """The fake shop; what it would send is handed to `told`, signed, instead of being sent."""

    def __init__(self, clock: VirtualClock, told: Told) -> None:
        super().__init__(clock, maximum=1e9, restore_rate=1e9)  # its clock is not the machine's
        self._told = told

    def _happened(self, what: str, order: str, said: Sequence[tuple[str, dict[str, Any]]]) -> None:
        super()._happened(what, order, said)
        for topic, body in said:
            if topic in TOPICS:
                self._tell(topic, order, json.dumps(body, ensure_ascii=False).encode())

    def _tell(self, topic: str, order: str, body: bytes) -> None:
        headers = {
            "content-type": "application/json",
            "x-shopify-topic": topic,
            "x-shopify-hmac-sha256": sign(self.client_secret, body),
            "x-shopify-shop-domain": self.domain,
            "x-shopify-api-version": "2026-10",
            "x-shopify-webhook-id": str(UUID(bytes=sha256(topic.encode() + body).digest()[:16], version=4)),
        }
        self._told(SHOPIFY, order, body, headers)


class TellingWoo(WooCommerceSandbox):
    """The other shop, in the same way. What it tells is the order as it is at that moment."""

    def __init__(self, clock: VirtualClock, told: Told) -> None:
        super().__init__(clock)
        self._told = told

    def _happened(self, event: str, order: Any, lever: str) -> None:
        super()._happened(event, order, lever)
        topic, body = f"order.{event}", self._render(order.id)
        if topic in WOO_TOPICS and body is not None:
            data = json.dumps(body, separators=(",", ":")).encode()
            headers = {
                "content-type": "application/json",
                "x-wc-webhook-source": "https://kavovar.example/",
                "x-wc-webhook-topic": topic,
                "x-wc-webhook-signature": woo_sign(self.webhook_secret, data),
            }
            self._told(WOO, str(order.id), data, headers)


class TellingInPost(InPostSandbox):
    """The other carrier, in the same way; it signs nothing, and its webhooks are hints."""

    def __init__(self, clock: VirtualClock, told: Told) -> None:
        super().__init__(clock)
        self._told = told

    def step(self, number: str, status: str) -> None:
        """A parcel moves."""
        with suppress(StopIteration):  # without an address to post to, nothing in it waits
            self.move(number, status, agency="KRA").send(None)
        headers = {"content-type": "application/json", "x-real-ip": ADDRESS}
        self._told(f"{INPOST}/{INPOST_SECRET}", number, self.told[-1], headers)


class Telling:
    """The world's events, out of order and partly doubled. `next()` gives one until all is told."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.plan, self.dice = plan, random.Random(plan.seed)
        self.clock = VirtualClock(SystemClock().now() - PAST)
        self.pool: list[Webhook] = []
        self.made = self.repeats = 0
        self.sent = Journal(folder / "sent.jsonl", sync=False)
        self.world = World(
            TellingShopify(self.clock, self._told), TellingWoo(self.clock, self._told),
            NovaPoshtaSandbox(self.clock), TellingInPost(self.clock, self._told), self.dice,
        )  # fmt: skip
        self.stories: list[Steps] = []
        self.orders = 0

    def _told(self, to: str, about: str, body: bytes, headers: dict[str, str]) -> None:
        self.made += 1
        self.pool.append(Webhook(self.made, to, about, body, headers))
        self.sent.write(n=self.made, to=to, about=about, headers=headers, body=base64.b64encode(body).decode())

    def next(self) -> Webhook | None:
        """The next to be sent; None: there is no more."""
        while len(self.pool) < self.plan.window and self._move():
            pass
        if not self.pool:
            return None
        at = self.dice.randrange(min(len(self.pool), self.plan.window))
        self.pool[at], self.pool[-1] = self.pool[-1], self.pool[at]
        return self.pool.pop()

    def taken(self, webhook: Webhook) -> None:
        """Some of what was taken comes once more."""
        if self.dice.random() < self.plan.repeated:
            self.repeats += 1
            self.pool.append(webhook)

    def _move(self) -> bool:
        """One step of one story; False when all are over."""
        while len(self.stories) < ACTIVE and self.made < self.plan.events:
            self._begin()
        if not self.stories:
            return False
        story = self.dice.choice(self.stories)
        self._step_clock()
        if next(story, None) is None:
            self.stories.remove(story)
        return True

    def _begin(self) -> None:
        name = choose(self.dice)
        self.orders += 1
        story = STORIES[name].told(self.world, self.orders)
        self._step_clock()
        order = next(story)
        self.stories.append(story)
        self.sent.write(story=name, shop=STORIES[name].shop, order=order)

    def _step_clock(self) -> None:
        mean = PAST.total_seconds() * 0.8 / max(self.plan.events, 1)
        self.clock.move_to(self.clock.now() + timedelta(seconds=1 + self.dice.random() * mean))


class Sender:
    """Sends until each was answered 2xx. `taken.jsonl` is its ledger."""

    def __init__(self, telling: Telling, folder: Path) -> None:
        self.telling, self.plan = telling, telling.plan
        self.taken = Journal(folder / "taken.jsonl")
        self.dice = random.Random(self.plan.seed + 1)
        self.begun = self.done = self.tries = self.allowed = 0

    async def run(self) -> None:
        timeout = aiohttp.ClientTimeout(total=PATIENCE)
        async with aiohttp.ClientSession(timeout=timeout) as session, asyncio.TaskGroup() as group:
            for _ in range(self.plan.workers):
                group.create_task(self._work(session))

    async def _work(self, session: aiohttp.ClientSession) -> None:
        while True:
            while self.begun >= self.allowed:
                await pause(0.005)
            webhook = self.telling.next()
            if webhook is None:
                return
            self.begun += 1
            await self._send(session, webhook)
            self.telling.taken(webhook)

    async def _send(self, session: aiohttp.ClientSession, webhook: Webhook) -> None:
        while True:
            self.tries += 1
            status = await self._try(session, webhook)
            if 200 <= status < 300:
                self.done += 1
                self.taken.write(n=webhook.n, at=monotonic())
                return
            await pause(self.dice.uniform(*RETRY))

    async def _try(self, session: aiohttp.ClientSession, webhook: Webhook) -> int:
        try:
            async with session.post(self.plan.hub + webhook.to, data=webhook.body, headers=webhook.headers) as answer:
                return answer.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            return 0


async def live(folder: Path, plan: Plan) -> None:
    """Serve, tell as much as we are allowed to, and serve on until the input ends."""
    telling = Telling(plan, folder)
    async with AsyncExitStack() as stack:
        world = telling.world
        outside: dict[str, Any] = {
            SHOPIFY: world.shopify,
            WOO: world.woo,
            NOVA_POSHTA: world.nova_poshta,
            INPOST: world.inpost,
        }
        urls = {name: await stack.enter_async_context(each.serve()) for name, each in outside.items()}
        say(urls=urls)
        words = await listen()
        sender = Sender(telling, folder)
        async with asyncio.TaskGroup() as group:
            beside = [group.create_task(_progress(sender, telling)), group.create_task(_obey(sender, words))]
            await sender.run()
            for task in beside:
                task.cancel()
        say(done=sender.done, made=telling.made, repeats=telling.repeats, tries=sender.tries, orders=telling.orders)
        await words.read()
        telling.sent.close()
        sender.taken.close()


async def _obey(sender: Sender, words: asyncio.StreamReader) -> None:
    """Each word is a number: so many webhooks may have been sent by now."""
    while word := await words.readline():
        sender.allowed = int(word)


async def _progress(sender: Sender, telling: Telling) -> None:
    while True:
        say(progress=sender.done, made=telling.made)
        await pause(0.25)


def say(**line: Any) -> None:
    """A line for the supervisor."""
    print(json.dumps(line), flush=True)


async def listen() -> asyncio.StreamReader:
    """Standard input, as a stream."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


def webhooks(folder: Path) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Every webhook of `sent.jsonl`, with its body."""
    from .journal import lines

    for line in lines(folder / "sent.jsonl"):
        if "body" in line:
            yield line, base64.b64decode(line["body"])


def as_argument(plan: Plan) -> str:
    return json.dumps(asdict(plan))


if __name__ == "__main__":
    asyncio.run(live(Path(sys.argv[1]), Plan(**json.loads(sys.argv[2]))))
