"""The shops and the carriers of the demo in the story's own words, each over its plugin's sandbox."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from hub.clock import Clock

from .story import CASH, Case


class Shop(Protocol):
    """A shop whose orders can be moved. `order` is the shop's own id of one."""

    sandbox: Any

    def create(self, case: Case, *, paid: bool) -> str: ...

    def number(self, order: str) -> str: ...

    def pay(self, order: str) -> None: ...

    def fail_payment(self, order: str) -> None: ...

    def cancel(self, order: str) -> None: ...

    def ship(self, order: str, number: str, carrier: str, part: int | None = None) -> int: ...

    def refund(self, order: str) -> None: ...

    def taken(self) -> Sequence[str]:
        """SHA-256 of each webhook body that was answered with 2xx, once for each time."""
        ...

    def written(self, order: str) -> bool:
        """Whether somebody wrote into an order by the shop's interface."""
        ...


@dataclass
class Shopify:
    """The shop in Ukraine."""

    sandbox: Any

    def create(self, case: Case, *, paid: bool) -> str:
        order: str = self.sandbox.shop.create_order(
            lines=case.lines, name=case.name, email=case.address, phone=case.phone, locale=case.locale,
            gateway=case.gateway, paid=paid and case.gateway != CASH, address=_address(case),
            delivery_title="Nova Poshta", marketing=case.marketing,
        )  # fmt: skip
        return order

    def number(self, order: str) -> str:
        return str(self.sandbox.shop.find(order).name)

    def pay(self, order: str) -> None:
        self.sandbox.shop.pay(order)

    def fail_payment(self, order: str) -> None:
        self.sandbox.shop.fail_payment(order)

    def cancel(self, order: str) -> None:
        self.sandbox.shop.cancel(order)

    def ship(self, order: str, number: str, carrier: str, part: int | None = None) -> int:
        """`part`: of the order's line of that place only."""
        items = None
        if part is not None:
            item = self.sandbox.shop.find(order).items[part]
            items = {item.id: item.quantity}
        url = "" if carrier == "Nova Poshta" else f"https://track.ukrposhta.example/{number}"
        more = {"url": url} if url else {}
        fulfilment: int = self.sandbox.shop.fulfil(order, number, carrier, items, **more)
        return fulfilment

    def refund(self, order: str) -> None:
        cases = self.sandbox.shop.find(order).returns
        self.sandbox.shop.refund(order, case=cases[-1].id if cases else None)

    def taken(self) -> Sequence[str]:
        return [each.body_hash for each in self.sandbox.ledger.where(kind="webhook") if _good(each.status)]

    def written(self, order: str) -> bool:
        return any(f"Order/{order}" in str(each.args) for each in self.sandbox.ledger.where(kind="mutation"))


@dataclass
class Woo:
    """The shop in Poland."""

    sandbox: Any

    def create(self, case: Case, *, paid: bool) -> str:
        order: str = self.sandbox.shop.create_order(
            lines=case.lines, name=case.name, email=case.address, phone=case.phone, paid=paid,
            shipping_title="InPost Paczkomaty 24/7",
        )  # fmt: skip
        return order

    def number(self, order: str) -> str:
        return str(self.sandbox.shop.find(order).number)

    def pay(self, order: str) -> None:
        self.sandbox.shop.pay(order)

    def fail_payment(self, order: str) -> None:
        self.sandbox.shop.fail_payment(order)

    def cancel(self, order: str) -> None:
        self.sandbox.shop.cancel(order)

    def ship(self, order: str, number: str, carrier: str, part: int | None = None) -> int:
        self.sandbox.shop.add_tracking(order, number, carrier)
        return 0

    def refund(self, order: str) -> None:
        self.sandbox.shop.set_status(order, "refunded")

    def taken(self) -> Sequence[str]:
        return [each.body_hash for each in self.sandbox.ledger.where(kind="webhook") if _good(each.status)]

    def written(self, order: str) -> bool:
        return bool(self.sandbox.ledger.where(kind="write", order=order))


def _good(status: int | None) -> bool:
    return status is not None and 200 <= status < 300


def _address(case: Case) -> dict[str, str | None]:
    return {
        "address1": "Nova Poshta branch 12" if case.to == "branch" else f"Nova Poshta, {case.to}",
        "address2": None,
        "city": case.city,
        "province": None,
        "zip": "01001",
        "country_code": "UA",
    }


class Carrier(Protocol):
    """A carrier whose parcels can be moved."""

    word: str
    """What the shop calls it."""

    def parcel(self, case: Case) -> str:
        """A label is made; gives the number."""
        ...

    def leave(self, number: str) -> None: ...

    async def arrive(self, number: str) -> None: ...

    async def hand_over(self, number: str) -> None: ...

    async def move(self, number: str, code: str) -> None:
        """Give a parcel a code of the carrier's own."""
        ...


@dataclass
class NovaPoshta:
    """It is asked."""

    sandbox: Any
    word = "Nova Poshta"

    def parcel(self, case: Case) -> str:
        cash = sum(int(float(price)) * quantity for _, _, quantity, price in case.lines)
        digits = "".join(filter(str.isdigit, case.phone))
        number: str = self.sandbox.create(
            recipient_phone=digits, recipient_name=case.name, city=case.city, to=case.to,
            cod=cash if case.gateway == CASH else 0,
        )  # fmt: skip
        return number

    def leave(self, number: str) -> None:
        if self.sandbox.waybills[number].code == "1":
            self.sandbox.move(number, "5")

    async def arrive(self, number: str) -> None:
        self.sandbox.arrive(number)

    async def hand_over(self, number: str) -> None:
        self.sandbox.hand_over(number)

    async def move(self, number: str, code: str) -> None:
        self.sandbox.move(number, code)


@dataclass
class InPost:
    """It calls: each step is a webhook that only says where to look."""

    sandbox: Any
    word = "InPost"

    def parcel(self, case: Case) -> str:
        number: str = self.sandbox.create(to=case.to)
        return number

    def leave(self, number: str) -> None:
        parcel, now = self.sandbox.parcel(number), self.sandbox.clock.now()
        if parcel.status == "confirmed":
            parcel.history.append(("dispatched_by_sender", now, "KRA"))

    async def arrive(self, number: str) -> None:
        await self.sandbox.move(number, "ready_to_pickup", agency="KRA")

    async def hand_over(self, number: str) -> None:
        await self.sandbox.move(number, "delivered", agency="KRA")

    async def move(self, number: str, code: str) -> None:
        await self.sandbox.move(number, code, agency="KRA")


TAKES = timedelta(seconds=20)
"""How long an SMS is under way."""


@dataclass
class Phones:
    """The telephones behind an SMS provider: they are on, and what arrives is confirmed to whoever sent it.

    `delivered(sandbox, messages)` lets the provider know, and gives how many requests it made."""

    sandbox: Any
    clock: Clock
    delivered: Callable[[Any, Sequence[Any]], Awaitable[int]]
    confirmed: int = 0

    async def confirm(self) -> int:
        """Confirm what has arrived since the last time; gives how many requests that were."""
        arrived = [each for each in self._under_way() if each.at + TAKES <= self.clock.now()]
        self.confirmed += len(arrived)
        return await self.delivered(self.sandbox, arrived)

    def next_at(self) -> datetime | None:
        """When the next of those under way arrives."""
        return min((each.at + TAKES for each in self._under_way()), default=None)

    def _under_way(self) -> Sequence[Any]:
        return list(self.sandbox.ledger)[self.confirmed :]


async def turbosms_delivers(sandbox: Any, arrived: Sequence[Any]) -> int:
    """TurboSMS calls the address that stands in its panel."""
    for each in arrived:
        await sandbox.move(each.message_id, "Delivered")
    return len(arrived)


async def smsapi_delivers(sandbox: Any, arrived: Sequence[Any]) -> int:
    """SMSAPI calls the address that came with the message."""
    if arrived:
        sandbox.report(*(each.message_id for each in arrived))
    return int(await sandbox.deliver_due())
