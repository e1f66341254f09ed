"""The levers of the story: each method is an `act` of `story.ACTS`, pulled at its time by the world outside the hub."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import sqlalchemy as sa

from hub.pipeline.questions import answer, open_questions

from .book import Book
from .outside import (
    Carrier,
    InPost,
    NovaPoshta,
    Phones,
    Shop,
    Shopify,
    Woo,
    smsapi_delivers,
    turbosms_delivers,
)
from .story import (
    ACTS,
    BOT,
    CASES,
    CHANNELS,
    CRM,
    INPOST,
    MAIN_SHOP,
    NOVA_POSHTA,
    SMS_BACKUP,
    SMS_PL,
    SMS_UA,
    WOO,
    Case,
)
from .town import Town

_LINK = re.compile(r"https?://[^\s\"'<>()\]]+")
MANY = 100_000
"""Requests that a channel refuses while it is down: all of them."""
DAMAGED = "115"
"""The carrier's code for a damaged parcel; the merchant's own table says so (`story.STATUSES`)."""


class StageError(Exception):
    """An act cannot be played: the world is not as the story expects it."""


@dataclass
class Parcel:
    """A parcel of a case: the shop's record of it, and its number with the carrier (empty: none follows it)."""

    fulfilment: int
    number: str = ""
    back: str = ""


@dataclass
class Played:
    """What has become of a case so far."""

    case: Case
    order: str = ""
    parcels: list[Parcel] = field(default_factory=list)
    chat: int = 0


class Stage:
    """The world outside, and what the story did to it."""

    def __init__(self, town: Town) -> None:
        self.town = town
        boxes = town.sandboxes
        self.shops: Mapping[str, Shop] = {MAIN_SHOP: Shopify(boxes[MAIN_SHOP]), WOO: Woo(boxes[WOO])}
        self.carriers: Mapping[str, Carrier] = {MAIN_SHOP: NovaPoshta(boxes[NOVA_POSHTA]), WOO: InPost(boxes[INPOST])}
        """By whose shop's parcels they move."""
        self.shop, self.carrier = boxes[MAIN_SHOP], boxes[NOVA_POSHTA]
        self.bot, self.crm = boxes[BOT], boxes[CRM]
        boxes[SMS_UA].callback = f"{town.base}/in/{SMS_UA}"
        self.turbosms = boxes[SMS_UA]
        self.phones = (
            Phones(boxes[SMS_UA], town.clock, turbosms_delivers),
            *(Phones(boxes[name], town.clock, smsapi_delivers) for name in (SMS_BACKUP, SMS_PL)),
        )
        self.book = Book({name: box for name, box in boxes.items() if name in CHANNELS})
        self.cases = {case.key: Played(case) for case in CASES}
        self.bot_is_down = False

    def order_ids(self) -> Mapping[str, str]:
        """Case → the hub's id of its order, for those that were placed."""
        return {key: f"{it.case.shop}:{it.order}" for key, it in self.cases.items() if it.order}

    async def deliver_due(self) -> int:
        """Send what the world has to tell at this instant; gives how many requests that were."""
        shops: list[int] = [await shop.sandbox.deliver_due() for shop in self.shops.values()]
        phones = [await each.confirm() for each in self.phones]
        return sum(shops) + sum(phones) + int(await self.bot.deliver_due())

    def next_at(self) -> datetime | None:
        """When the world has something to tell."""
        shops, phones = (
            [each.sandbox.next_at() for each in self.shops.values()],
            [each.next_at() for each in self.phones],
        )
        due = [*shops, *phones, *(each.due for each in self.bot.pending)]
        return min((each for each in due if each is not None), default=None)

    async def play(self, case: str, act: str, words: Mapping[str, Any]) -> None:
        """Pull one lever."""
        lever = getattr(self, act)
        result = lever(self.cases[case], **words) if case else lever(**words)
        if result is not None:
            await result

    # -- the shops

    def order(self, it: Played, paid: bool = True) -> None:
        it.order = self.shops[it.case.shop].create(it.case, paid=paid)

    def pay(self, it: Played) -> None:
        self.shops[it.case.shop].pay(it.order)

    def payment_fails(self, it: Played) -> None:
        self.shops[it.case.shop].fail_payment(it.order)

    def pick(self, it: Played) -> None:
        self.shop.shop.report_progress(it.order)

    def hold(self, it: Played, reason: str) -> None:
        self.shop.shop.hold(it.order, reason, "")

    def release(self, it: Played) -> None:
        self.shop.shop.release(it.order)

    def cancel(self, it: Played) -> None:
        self.shops[it.case.shop].cancel(it.order)

    def ship(self, it: Played, carrier: str = "", part: int | None = None) -> None:
        """A parcel is made; `part`: of the order's line of that place only. `carrier`: one that nobody follows."""
        shop, follows = self.shops[it.case.shop], self.carriers[it.case.shop]
        number = f"0500{len(it.parcels)}{int(it.order) % 10**8:08d}" if carrier else follows.parcel(it.case)
        fulfilment = shop.ship(it.order, number, carrier or follows.word, part)
        it.parcels.append(Parcel(fulfilment, "" if carrier else number))

    def scan(self, it: Played, status: str, hours_ago: int = 0) -> None:
        """An app in the shop tells of a scan, at once or late."""
        then = self.town.clock.now() - timedelta(hours=hours_ago)
        self.shop.shop.fulfillment_event(it.order, it.parcels[0].fulfilment, status, at=then)

    def ask_return(self, it: Played) -> None:
        self.shop.shop.request_return(it.order)

    def approve_return(self, it: Played) -> None:
        self.shop.shop.approve_return(it.order, self._return(it))

    def goods_back(self, it: Played) -> None:
        self.shop.shop.receive_return(it.order, self._return(it))

    def refund(self, it: Played) -> None:
        self.shops[it.case.shop].refund(it.order)

    def _return(self, it: Played) -> int:
        found: int = self.shop.shop.find(it.order).returns[-1].id
        return found

    # -- what befalls the shop's notices

    def repeat(self, times: int) -> None:
        self.shop.duplicate_next(times)

    def swap(self) -> None:
        self.shop.swap_next()

    def lose(self, times: int) -> None:
        self.shop.lose_next(times)

    def delay(self, topic: str, minutes: int) -> None:
        self.shop.delay_next(topic, timedelta(minutes=minutes))

    def woo_notices_stop(self) -> None:
        """WordPress's own clock stands still: nothing that it would send leaves."""
        self.shops[WOO].sandbox.hooks.mischief.cron_broken = True

    def woo_notices_come_again(self) -> None:
        self.shops[WOO].sandbox.hooks.mischief.cron_broken = False

    # -- the carriers

    def all_leave(self) -> None:
        """The vans come: every parcel that was made is on its way."""
        for it in self.cases.values():
            for each in it.parcels:
                if each.number:
                    self.carriers[it.case.shop].leave(each.number)

    async def arrive(self, it: Played, part: int = 0) -> None:
        await self.carriers[it.case.shop].arrive(it.parcels[part].number)

    async def move(self, it: Played, code: str, back: bool = False) -> None:
        """`back`: the waybill of the way back."""
        await self.carriers[it.case.shop].move(it.parcels[0].back if back else it.parcels[0].number, code)

    async def unknown_code(self, it: Played, code: str) -> None:
        await self.move(it, code)

    async def damaged(self, it: Played) -> None:
        await self.move(it, DAMAGED)

    def miss(self, it: Played) -> None:
        self.carrier.miss(it.parcels[0].number)

    def refuse(self, it: Played) -> None:
        self.carrier.refuse(it.parcels[0].number)

    def send_back(self, it: Played) -> None:
        it.parcels[0].back = self.carrier.return_waybill(it.parcels[0].number)

    async def hand_over(self, it: Played, part: int = 0) -> None:
        await self.carriers[it.case.shop].hand_over(it.parcels[part].number)

    # -- people

    def follow_link(self, it: Played) -> None:
        """The customer opens the link to the bot that stands in the first mail, and presses START."""
        texts = [each.text for each in self.book.read() if each.to == it.case.address]
        urls = [url for text in texts for url in _LINK.findall(text)]
        link = next((url for url in urls if urlsplit(url).hostname == "t.me"), None)
        if link is None:
            raise StageError(f"{it.case.key} got no mail with a link to the bot")
        it.chat = self.bot.open_chat(it.case.name.split()[0], language=it.case.locale[:2])
        self.bot.follow(it.chat, link)

    def say(self, it: Played, text: str) -> None:
        self.bot.say(it.chat, text)

    async def ask_on_page(self, it: Played, topic: str, text: str) -> None:
        """The customer asks the shop on the page of the order."""
        await self._send(self._link_of(it, "/o/"), {"topic": topic, "ask": text})

    async def answers_on_page(self, it: Played, **answers: str) -> None:
        """The customer answers the survey by the link; a mail scanner has opened it twice before."""
        link = self._link_of(it, "/s/")
        async with httpx.AsyncClient(trust_env=False) as scanner:
            for _ in range(2):
                await scanner.get(f"{link}?recommend=0")
        await self._send(link, answers)

    def answers_in_chat(self, it: Played, mark: str) -> None:
        """The customer presses a button of the survey's newest question in the chat."""
        seen = self.bot.screen(it.chat)[-1]
        data = next((key.data for row in seen.keys for key in row if key.text == mark), "")
        if not data:
            raise StageError(f"{it.case.key} sees no button {mark}")
        self.bot.press(it.chat, seen.message_id, data)

    def _link_of(self, it: Played, where: str) -> str:
        """The newest link of a kind that this customer was sent."""
        said = [each for each in self.book.read() if each.to in (it.case.address, str(it.chat), it.case.phone)]
        links = [url for each in said for url in (*_LINK.findall(each.text), *(key[1] for key in each.keys))]
        link = next((url for url in reversed(links) if where in url), "")
        if not link:
            raise StageError(f"{it.case.key} was sent no link with {where}")
        return link

    async def _send(self, link: str, form: Mapping[str, str]) -> None:
        async with httpx.AsyncClient(trust_env=False) as browser:
            answer = await browser.post(link, data=dict(form))
        if answer.status_code != 200:
            raise StageError(f"a form was not taken: HTTP {answer.status_code}")

    def staff_presses(self, it: Played, person: str) -> None:
        """Somebody takes the newest matter of this order with the first button under the message in the chat."""
        number, chat = self.shops[it.case.shop].number(it.order), self.town.staff[person]
        seen = next((each for each in reversed(self.bot.screen(chat)) if number in each.text and each.keys), None)
        data = next((key.data for row in seen.keys for key in row if key.data), "") if seen else ""
        if not seen or not data:
            raise StageError(f"{person} sees no button about {number}")
        self.bot.press(chat, seen.message_id, data)

    async def staff_chooses(self, it: Played, person: str, choice: str) -> None:
        await self._press(it, person, {"do": "choose", "choice": choice})

    async def staff_takes(self, it: Played, person: str) -> None:
        """Somebody presses "I take care of it" on the pages that messages about this order lead to."""
        await self._press(it, person, {"do": "take"})

    async def staff_settles(self, it: Played, person: str) -> None:
        await self._press(it, person, {"do": "resolve", "note": "Done."})

    async def staff_answers(self, it: Played, person: str, text: str) -> None:
        """Somebody answers what this customer asked, as `hub question answer` does."""
        hub, order_id = self.town.hub, f"{it.case.shop}:{it.order}"

        def work(connection: sa.Connection) -> None:
            asked = [row for row in open_questions(connection) if row.order_id == order_id]
            if not asked:
                raise StageError(f"{it.case.key} waits for no answer")
            answer(connection, hub.db.dialect, hub.world, asked[-1], text, by=person, now=hub.clock.now())

        await hub.db.write(work)

    async def _press(self, it: Played, person: str, form: Mapping[str, str]) -> None:
        number = self.shops[it.case.shop].number(it.order)
        links = list(dict.fromkeys(link for text, link in self._calls_for(person) if number in text))
        if not links:
            raise StageError(f"{person} was not called about {number} ({it.case.key})")
        async with httpx.AsyncClient(trust_env=False) as browser:
            for link in links:
                answer = await browser.post(link, data=dict(form))
                if answer.status_code != 200:
                    raise StageError(f"{person} could not take {number}: HTTP {answer.status_code}")

    def _calls_for(self, person: str) -> list[tuple[str, str]]:
        """Messages to one of the staff that lead to a matter: (text, link), in their order."""
        theirs = {*self.town.config.people[person].addresses.values()}
        said = [each for each in self.book.read() if each.to in theirs]
        found = [(each.text, [*(url for _, url in each.keys if url), *_LINK.findall(each.text)]) for each in said]
        return [(text, link) for text, links in found for link in links if "/e/" in link]

    # -- the channels' servers

    def turbosms_has_no_money(self) -> None:
        self.turbosms.balance = 0

    def turbosms_has_money(self) -> None:
        self.turbosms.balance = 1000

    def bot_goes_down(self) -> None:
        self.bot.down(times=MANY)
        self.bot_is_down = True

    def bot_comes_back(self) -> None:
        self.bot.chaos.calm()
        self.bot_is_down = False


def unknown_acts() -> list[str]:
    """Acts of the story that no lever has, and cases that nobody is."""
    keys = {case.key for case in CASES} | {""}
    return [
        f"{each.when} {each.case} {each.act}" for each in ACTS if not hasattr(Stage, each.act) or each.case not in keys
    ]
