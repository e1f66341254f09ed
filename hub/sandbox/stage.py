"""The levers of the story: each method is an `act` of `story.ACTS`, pulled at its time by the world outside the hub."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx

from .book import Book
from .story import ACTS, CASES, Case
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
        self.shop, self.carrier = town.sandboxes["main-shop"], town.sandboxes["nova-poshta"]
        self.mail, self.bot = town.sandboxes["mail"], town.sandboxes["bot"]
        self.book = Book(self.mail, self.bot)
        self.cases = {case.key: Played(case) for case in CASES}
        self.bot_is_down = False

    async def play(self, case: str, act: str, words: Mapping[str, Any]) -> None:
        """Pull one lever."""
        lever = getattr(self, act)
        result = lever(self.cases[case], **words) if case else lever(**words)
        if result is not None:
            await result

    # -- the shop

    def order(self, it: Played, paid: bool = True) -> None:
        case = it.case
        on_delivery = "Cash" in case.gateway
        it.order = self.shop.shop.create_order(
            lines=case.lines, name=case.name, email=case.address, phone=case.phone, locale=case.locale,
            gateway=case.gateway, paid=paid and not on_delivery, address=_address(case),
            delivery_title="Nova Poshta",
        )  # fmt: skip

    def pay(self, it: Played) -> None:
        self.shop.shop.pay(it.order)

    def payment_fails(self, it: Played) -> None:
        self.shop.shop.fail_payment(it.order)

    def pick(self, it: Played) -> None:
        self.shop.shop.report_progress(it.order)

    def hold(self, it: Played, reason: str) -> None:
        self.shop.shop.hold(it.order, reason, "")

    def release(self, it: Played) -> None:
        self.shop.shop.release(it.order)

    def cancel(self, it: Played) -> None:
        self.shop.shop.cancel(it.order)

    def ship(self, it: Played, carrier: str = "Nova Poshta", part: int | None = None) -> None:
        """A parcel is made; `part`: of the order's line of that place only."""
        items = None
        if part is not None:
            item = self.shop.shop.find(it.order).items[part]
            items = {item.id: item.quantity}
        if carrier != "Nova Poshta":
            number = f"0500{len(it.parcels)}{int(it.order) % 10**8:08d}"
            it.parcels.append(Parcel(self.shop.shop.fulfil(it.order, number, carrier, items, url=_track(number))))
            return
        number = self._waybill(it.case)
        it.parcels.append(Parcel(self.shop.shop.fulfil(it.order, number, carrier, items), number))

    def _waybill(self, case: Case) -> str:
        cash = (
            sum(int(float(price)) * quantity for _, _, quantity, price in case.lines) if "Cash" in case.gateway else 0
        )
        digits = "".join(filter(str.isdigit, case.phone or ""))
        number: str = self.carrier.create(
            recipient_phone=digits, recipient_name=case.name, city=case.city, to=case.to, cod=cash
        )
        return number

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
        self.shop.shop.refund(it.order, case=self._return(it))

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

    # -- the carrier

    def all_leave(self) -> None:
        """The van comes: every parcel that was made is on its way."""
        for number in [each.number for it in self.cases.values() for each in it.parcels if each.number]:
            if self.carrier.waybills[number].code == "1":
                self.carrier.move(number, "5")

    def arrive(self, it: Played, part: int = 0) -> None:
        self.carrier.arrive(it.parcels[part].number)

    def move(self, it: Played, code: str, back: bool = False) -> None:
        """`back`: the waybill of the way back."""
        self.carrier.move(it.parcels[0].back if back else it.parcels[0].number, code)

    def unknown_code(self, it: Played, code: str) -> None:
        self.carrier.move(it.parcels[0].number, code)

    def damaged(self, it: Played) -> None:
        self.carrier.move(it.parcels[0].number, DAMAGED)

    def miss(self, it: Played) -> None:
        self.carrier.miss(it.parcels[0].number)

    def refuse(self, it: Played) -> None:
        self.carrier.refuse(it.parcels[0].number)

    def send_back(self, it: Played) -> None:
        it.parcels[0].back = self.carrier.return_waybill(it.parcels[0].number)

    def hand_over(self, it: Played, part: int = 0) -> None:
        self.carrier.hand_over(it.parcels[part].number)

    # -- people

    def follow_link(self, it: Played) -> None:
        """The customer opens the link to the bot that stands in the first mail, and presses START."""
        mail = next((each for each in self.mail.ledger if it.case.address in each.recipients), None)
        link = next((url for url in _LINK.findall(mail.text if mail else "") if urlsplit(url).hostname == "t.me"), None)
        if link is None:
            raise StageError(f"{it.case.key} got no mail with a link to the bot")
        it.chat = self.bot.open_chat(it.case.name.split()[0], language=it.case.locale[:2])
        self.bot.follow(it.chat, link)

    def say(self, it: Played, text: str) -> None:
        self.bot.say(it.chat, text)

    async def staff_takes(self, it: Played, person: str) -> None:
        """Somebody presses "I take care of it" on the pages that messages about this order lead to."""
        await self._press(it, person, {"do": "take"})

    async def staff_settles(self, it: Played, person: str) -> None:
        await self._press(it, person, {"do": "resolve", "note": "Done."})

    async def _press(self, it: Played, person: str, form: Mapping[str, str]) -> None:
        number = self.shop.shop.find(it.order).name
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
        address = self.town.config.people[person].addresses.get("mail", "")
        said = [
            (each.at, each.text, _LINK.findall(each.text)) for each in self.mail.ledger if address in each.recipients
        ]
        for sent in self.bot.ledger.where(chat=self.town.staff[person]):
            keys = [key.url for row in sent.keys for key in row if key.url]
            said.append((sent.at, sent.text, [*keys, *_LINK.findall(sent.text)]))
        said.sort(key=lambda each: each[0])
        return [(text, link) for _, text, links in said for link in links if "/e/" in link]

    # -- the bot's server

    def bot_goes_down(self) -> None:
        self.bot.down(times=MANY)
        self.bot_is_down = True

    def bot_comes_back(self) -> None:
        self.bot.chaos.calm()
        self.bot_is_down = False


def _address(case: Case) -> dict[str, str | None]:
    return {
        "address1": "Nova Poshta branch 12" if case.to == "branch" else f"Nova Poshta, {case.to}",
        "address2": None,
        "city": case.city,
        "province": None,
        "zip": "01001",
        "country_code": "UA",
    }


def _track(number: str) -> str:
    return f"https://track.ukrposhta.example/{number}"


def unknown_acts() -> list[str]:
    """Acts of the story that no lever has, and cases that nobody is."""
    keys = {case.key for case in CASES} | {""}
    return [
        f"{each.when} {each.case} {each.act}" for each in ACTS if not hasattr(Stage, each.act) or each.case not in keys
    ]
