"""Webhooks that fall silent, and webhooks that somebody changed: staff hear of it, once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hub.pipeline.plain import from_plain
from hub.pipeline.polls import PollDrain
from hub.pipeline.receive import Receiver
from hub.plugin import Page, Raw, Received, WebhookRequest
from hub.store.database import Database
from hub.store.tables import connections, messages

from .fakes import CONNECTIONS, Desk, Shoplet, connection, order, world


class Deaf(Shoplet):
    """A shop that takes no webhooks: it is only asked."""

    poll_every = timedelta(minutes=5)
    changed: Sequence[Raw] = ()
    lines: Sequence[str] = ()

    async def poll(self, cursor: Any) -> Page:
        events, self.changed = self.changed, ()
        return Page(list(events), cursor=0)

    async def register(self, url: str | None) -> Sequence[str]:
        lines, self.lines = self.lines, ()
        return lines


class Telling(Deaf):
    def verify(self, request: WebhookRequest) -> Received:
        return Received([Raw(request.body.decode(), "order:7", request.body.decode())])


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'hub.db'}")
    yield database
    database.close()


@dataclass
class Shop:
    """A hub that has imported what was there, and polls every five minutes."""

    it: Desk
    number: int = 0
    polls: PollDrain = field(init=False)
    receiver: Receiver = field(init=False)

    def __post_init__(self) -> None:
        given = (self.it.db, self.it.clock, lambda: self.it.world, lambda: None)
        self.polls, self.receiver = PollDrain(*given), Receiver(*given)

    @property
    def adapter(self) -> Any:
        return self.it.world.adapters["shop"]

    def changes(self, *refs: int, minutes: int = 0) -> None:
        """Orders change in the shop; what a poll finds of them next."""
        at = self.it.clock.now() - timedelta(minutes=minutes)
        found = []
        for ref in refs:
            self.number += 1
            key = f"poll-{self.number}"
            self.it.said[key] = order("10:00", "order.processing", ref=str(ref))
            found.append(Raw(key, f"order:{ref}", key, occurred_at=at))
        self.adapter.changed = (*self.adapter.changed, *found)

    async def webhook(self, key: str = "") -> None:
        self.number += 1
        body = key or f"hook-{self.number}"
        self.it.said[body] = order("10:00", "order.processing", ref="7")
        answer = await self.receiver.webhook("shop", WebhookRequest("POST", "", {}, (), body.encode()))
        assert answer.status == 200

    async def wait(self, minutes: int) -> None:
        for _ in range(minutes):
            self.it.clock.move_to(self.it.clock.now() + timedelta(minutes=1))
            await self.ask()
            await self.it.settle()

    async def ask(self) -> None:
        await self.polls.drain()
        await self.polls.settle()

    def told(self, kind: str) -> list[dict[str, Any]]:
        rows = self.it.rows(messages, messages.c.template == "staff-notice", messages.c.recipient == "staff:iryna")
        return [notice for row in rows if (notice := from_plain(row.doc["extra"])["notice"])["kind"] == kind]


async def shop(db: Database, adapter: type[Deaf] = Telling, public_url: str | None = "https://hub.example") -> Shop:
    its = [connection("shop", adapter, shop="main"), *CONNECTIONS[1:]]
    made = Shop(Desk(db, world(connections=its, public_url=public_url)))
    await made.polls.prepare()
    await made.ask()
    return made


async def test_orders_that_only_polls_find_are_told_once_for_each_silence(db: Database) -> None:
    it = await shop(db)
    await it.webhook()
    await it.wait(5)
    it.changes(1, 2)
    await it.wait(6)
    assert it.told("silence") == [], "their webhooks may still come"
    it.changes(3)
    await it.wait(10)
    (notice,) = it.told("silence")
    assert (notice["source"], notice["count"]) == ("shop", 3)
    it.changes(4, 5, 6)
    await it.wait(30)
    assert len(it.told("silence")) == 1, "once"
    await it.webhook()
    await it.wait(5)
    it.changes(8, 9)
    await it.wait(30)
    assert len(it.told("silence")) == 2, "another silence"
    (row,) = it.it.rows(connections, connections.c.name == "shop")
    assert row.last_webhook_at is not None and row.last_event_at > row.last_webhook_at


async def test_a_hub_that_was_down_says_what_it_found_on_its_return(db: Database) -> None:
    it = await shop(db)
    since = it.it.clock.now() - timedelta(minutes=300)
    it.changes(1, 2, 3, minutes=300)
    await it.wait(6)
    (notice,) = it.told("silence")
    assert notice == {"kind": "silence", "source": "shop", "count": 3, "since": since}


async def test_one_order_is_no_silence(db: Database) -> None:
    it = await shop(db)
    it.changes(1)
    it.changes(1)
    await it.wait(60)
    assert it.told("silence") == []


async def test_where_webhooks_come_polls_that_are_first_are_no_alarm(db: Database) -> None:
    it = await shop(db)
    for ref in range(1, 13):
        it.changes(ref)
        await it.wait(5)
        await it.webhook()
    assert it.told("silence") == []


async def test_a_webhook_about_what_a_poll_knows_already_is_a_sign_of_life(db: Database) -> None:
    it = await shop(db)
    it.changes(1, 2)
    await it.wait(6)
    await it.webhook("poll-1")
    it.polls.silences.told.clear()
    await it.wait(30)
    assert it.told("silence") == []


@pytest.mark.parametrize(
    ("adapter", "public_url"),
    [
        pytest.param(Deaf, "https://hub.example", id="a shop without webhooks"),
        pytest.param(Telling, None, id="a hub that none can reach"),
    ],
)
async def test_who_is_only_asked_is_not_silent(db: Database, adapter: type[Deaf], public_url: str | None) -> None:
    it = await shop(db, adapter, public_url)
    it.changes(1, 2, 3)
    await it.wait(30)
    assert it.told("silence") == []


async def test_what_the_import_finds_is_not_missing(db: Database) -> None:
    its = [connection("shop", Telling, shop="main"), *CONNECTIONS[1:]]
    it = Shop(Desk(db, world(connections=its)))
    it.changes(1, 2, 3, minutes=300)
    await it.polls.prepare()
    await it.ask()
    await it.wait(30)
    assert it.told("silence") == []


async def test_a_webhook_that_somebody_changed_is_set_right_and_told(db: Database) -> None:
    its = [connection("shop", Telling, shop="main"), *CONNECTIONS[1:]]
    it = Shop(Desk(db, world(connections=its)))
    it.adapter.lines = ("order.created: registered",)
    await it.polls.prepare()
    await it.ask()
    assert it.told("webhooks") == [], "the first time there was none to change"
    for _ in range(2):
        it.adapter.lines = ("order.created: was off, and is on again", "order.updated: registered")
        it.it.clock.move_to(it.it.clock.now() + timedelta(days=1))
        await it.ask()
        await it.it.settle()
    said = {
        "kind": "webhooks",
        "source": "shop",
        "said": "order.created: was off, and is on again; order.updated: registered",
    }
    assert it.told("webhooks") == [said, said], "each day that it is so"
    it.it.clock.move_to(it.it.clock.now() + timedelta(days=1))
    await it.ask()
    assert len(it.told("webhooks")) == 2, "nothing to mend"


@pytest.mark.parametrize("adapter", [Deaf, Telling])
async def test_orders_are_not_gathered_for_ever(db: Database, adapter: type[Deaf]) -> None:
    it = await shop(db, adapter)
    for ref in range(0, 20, 2):
        it.changes(ref, ref + 1, minutes=30)
        await it.wait(5)
    assert len(it.told("silence")) == (adapter is Telling)
    assert sum(map(len, it.polls.silences.found.values())) == 0
