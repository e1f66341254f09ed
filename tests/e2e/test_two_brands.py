"""Two shops of one merchant in one file: the same happens to an order of each at the same instant, and each customer
hears of it from their own shop, in its name, language and voice, through its channels, by its rules and calendar."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from hub.clock import VirtualClock
from hub.config.files import peek, shops_of
from hub.flows.load import load_config
from hub.messages import Texts, check_text
from hub.model import Customer
from hub.store import tables
from tests.pipeline.fakes import order, parcel, scan

from .hamlet import ALL, Board, Hamlet, new_hub

FILE = """
shops:
  kavovar: {name: Kavovar, country: UA, locale: uk, timezone: Europe/Kyiv, currency: UAH, voice: parcel,
            hours: "Mon-Fri 09:00-18:00", support: {email: help@kavovar.example}}
  ziarno:
    name: Ziarno
    country: PL
    locale: pl
    timezone: Europe/Warsaw
    currency: PLN
    hours: "Mon-Fri 08:00-16:00"
    support: {email: pomoc@ziarno.example}
    connections: {mail: ziarno-mail, sms: ziarno-sms}
    contact: {routes: {default: [mail]}, quiet: "23:00-06:00", settle: 0s, unheard: {escalate: polska}}
connections:
  shop: {platform: shoplet, shop: kavovar}
  sklep: {platform: shoplet, shop: ziarno}
  post: {carrier: post}
  mail: {channel: letters}
  ziarno-mail: {channel: letters}
  sms: {channel: texter}
  ziarno-sms: {channel: texter}
contact:
  routes: {default: [sms, mail], staff: [mail]}
  quiet: "21:00-08:00"
  receipt: {sms: 24h}
  settle: 1m
  unheard: {escalate: support}
staff:
  support: {people: [olena], via: [mail], hours: "Mon-Sun 00:00-12:00"}
  polska: {people: [ewa], via: [ziarno-mail]}
people:
  olena: {name: Olena, mail: olena@kavovar.example, locale: uk}
  ewa: {name: Ewa, ziarno-mail: ewa@ziarno.example, locale: pl}
flows:
  packed: {on: order.packed, steps: [{notify: {template: packed}}]}
  next-day:
    on: order.packed
    steps: [{wait: 1d working}, {notify: {template: order-received, via: [mail]}}]
  ready: {on: shipment.ready_for_pickup, steps: [{notify: {template: ready-for-pickup, via: [sms]}}]}
  held: {on: order.on_hold, steps: [{escalate: {to: support, due: 4h working, reason: "{{ order.number }}"}}]}
  letter:
    on: order.cancelled
    shops: [kavovar]
    steps: [{notify: {template: order-cancelled, via: staff}}]
"""
KYIV, WARSAW = ZoneInfo("Europe/Kyiv"), ZoneInfo("Europe/Warsaw")
EVENING = datetime(2026, 11, 10, 21, 30, tzinfo=UTC)
"""A Tuesday: half past eleven in Kyiv, half past ten in Warsaw; the day after is a holiday in Poland."""
CUSTOMER = Customer(name="Olena", email="olena@x.example", phone="+380671234567")


@dataclass(frozen=True)
class Entry:
    adapter: Any


class Adapters:
    """The adapters of the hamlet, by the names that the file gives them."""

    def adapter(self, kind: str, name: str) -> Entry:
        return Entry(next(each.adapter for each in ALL if (each.kind, each.plugin) == (kind, name)))


def at(moment: datetime) -> str:
    """As the fakes count: days since 3 March 2026, in UTC."""
    return f"+{(moment.date() - date(2026, 3, 3)).days} {moment:%H:%M}"


@asynccontextmanager
async def brands(folder: Path) -> AsyncIterator[Hamlet]:
    path = folder / "flows.yaml"
    path.write_text(FILE, "utf-8")
    texts, _ = Texts.load(None, shops_of(peek(path)))
    loaded = load_config(path, Adapters(), {}, texts=texts, check_text=check_text)
    assert loaded.config is not None and not [each for each in loaded.problems if each.code != "not-told"]
    clock, board = VirtualClock(EVENING - timedelta(hours=1)), Board()
    url = f"sqlite:///{folder / 'hub.db'}"
    it = Hamlet(clock, board, new_hub(loaded.config, texts, clock, url, board), url)
    await it.hub.start(ticking=False)
    try:
        await it.hub.quiet()
        it.clock.move_to(EVENING)
        yield it
    finally:
        await it.hub.stop()


async def both(it: Hamlet, *natives: str) -> None:
    """The same word from both shops, about an order of the same person in each."""
    version = at(it.clock.now())
    for shop in ("shop", "sklep"):
        said = order(version, *natives, placed=at(EVENING - timedelta(hours=1)), customer=CUSTOMER)
        await it.store(shop, it.board.raw("order:1", said))
    await it.hub.quiet()


async def left(it: Hamlet) -> set[tuple[str, str, str, datetime]]:
    """(shop, template, channel, when) of what was handed over to customers."""
    of = {row.id: row for row in await it.rows(tables.messages, tables.messages.c.recipient == "customer")}
    rows = [row for row in await it.rows(tables.attempts) if row.message_id in of]
    return {
        (of[each.message_id].order_id.partition(":")[0], of[each.message_id].template, each.connection, each.started_at)
        for each in rows
    }


async def test_each_hears_from_their_own_shop_by_its_rules_and_its_calendar(tmp_path: Path) -> None:
    async with brands(tmp_path) as it:
        await both(it, "order.packed")
        await it.advance(days=3)
        assert await left(it) == {
            # it is night in Kyiv for this shop, and not yet in Warsaw for that one, which settles nothing either
            ("shop", "packed", "sms", datetime(2026, 11, 11, 8, tzinfo=KYIV)),
            ("shop", "packed", "mail", datetime(2026, 11, 12, 8, tzinfo=KYIV)),  # a day without a receipt
            ("sklep", "packed", "ziarno-mail", datetime(2026, 11, 10, 22, 30, tzinfo=WARSAW)),
            # a working day later, by the end of the hours: in Poland 11 November is none
            ("shop", "order-received", "mail", datetime(2026, 11, 11, 18, tzinfo=KYIV)),
            ("sklep", "order-received", "ziarno-mail", datetime(2026, 11, 12, 16, tzinfo=WARSAW)),
        }
        for channel, own, other in (("mail", "kavovar", "ziarno"), ("ziarno-mail", "ziarno", "kavovar")):
            said = " ".join(each.text for name, each in it.board.sent if name == channel).casefold()
            assert own in said and other not in said


async def test_each_shop_has_its_own_voice_and_language(tmp_path: Path) -> None:
    async with brands(tmp_path) as it:
        for shop, number in (("shop", "P1"), ("sklep", "P2")):
            version = at(it.clock.now())
            box = parcel("1", version, numbers=[number])
            await it.hear(shop, "order:1", order(version, "order.packed", customer=CUSTOMER, parcels=(box,)))
            await it.hear("post", f"parcel:{number}", scan(number, "ready_for_pickup", version))
        await it.advance(hours=12)
        said = {name: each.text for name, each in it.board.sent if each.skeleton.startswith("ready-for-pickup")}
        assert said == {
            "sms": "Kavovar: чекаю на вас із замовленням #1: The Post.",  # the parcel itself speaks
            "ziarno-sms": "Ziarno: zamowienie #1 czeka: The Post. Nr P2.",
        }


async def test_a_matter_is_due_by_the_hours_of_its_group_and_the_holidays_of_its_shop(tmp_path: Path) -> None:
    async with brands(tmp_path) as it:
        await both(it, "order.on_hold")
        due = {row.order_id.partition(":")[0]: row.due_at for row in await it.rows(tables.escalations)}
        assert due == {
            "shop": datetime(2026, 11, 11, 4, tzinfo=KYIV),
            "sklep": datetime(2026, 11, 12, 4, tzinfo=WARSAW),
        }
        told = await it.rows(tables.messages)
        assert {row.order_id.partition(":")[0]: row.due_at for row in told} == {
            "shop": datetime(2026, 11, 11, 0, tzinfo=KYIV),
            "sklep": datetime(2026, 11, 12, 0, tzinfo=WARSAW),
        }


async def test_a_shop_that_nobody_can_be_reached_for_calls_its_own_people(tmp_path: Path) -> None:
    async with brands(tmp_path) as it:
        for shop in ("shop", "sklep"):
            nobody = order(at(it.clock.now()), "order.packed", customer=Customer(name="Nobody"))
            await it.hear(shop, "order:1", nobody)
        await it.advance(hours=12)
        assert sorted((row.order_id, row.rung) for row in await it.rows(tables.escalations))  == [
            ("shop:1", "support"), ("sklep:1", "polska"),
        ]  # fmt: skip
