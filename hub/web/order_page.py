"""What the page of an order says: a pure function of the order as it stands, of who reads, and of the language.

Everything an order brought is hostile: it becomes one clean line and has an end; the template escapes it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from unicodedata import combining

from hub.messages import Voice, can_be_said, clean, safe_url
from hub.model import Line, PickupPoint, PointKind, Window
from hub.pipeline.names import shipment_names
from hub.pipeline.pickup import cash_due, deadline_of, eta_of, point_of
from hub.pipeline.state import OrderView, ReturnCase, ShipmentView
from hub.pipeline.world import World
from hub.status import (
    Folded,
    HeadlineValue,
    Label,
    Payment,
    Precision,
    Reason,
    Shipment,
    label,
    phrase_text,
)
from hub.status import Line as Happened

from .words import WORDS, Words

MOST_PARCELS, MOST_ITEMS, MOST_INSIDE, MOST_MOMENTS = 20, 50, 10, 60
"""How many of each are shown; the rest is counted."""
NAME, PLACE, CODE = 160, 240, 64
"""Characters that are shown of a name, of an address, of a number."""

MOST_MARKS = 2
"""Marks on one letter: no writing of the world's languages here needs more."""

STAGES = ("placed", "preparing", "on_the_way", "near", "done")
"""The road of an order; a headline off it (trouble, back, void) shows no road."""
_SETTLED = frozenset({Shipment.DELIVERED, Shipment.RETURNED, Shipment.RETURNING})
_DATED = frozenset(
    {
        None,
        Shipment.ANNOUNCED,
        Shipment.SHIPPED,
        Shipment.IN_TRANSIT,
        Shipment.ON_HOLD,
        Shipment.ARRIVED_AT_BRANCH,
        Shipment.OUT_FOR_DELIVERY,
        Shipment.DELIVERY_FAILED,
    }
)
"""While a parcel is so, it is expected."""
_EXPLAINED = frozenset(
    {Shipment.ON_HOLD, Shipment.DELIVERY_FAILED, Shipment.PROBLEM, Shipment.RETURNING, Shipment.RETURNED}
)
"""Beside these a reason explains; beside a healthy value it is a remark for staff."""
_OVER = frozenset(
    {HeadlineValue.CANCELLED, HeadlineValue.DELIVERED, HeadlineValue.RETURNED, HeadlineValue.RETURNING,
     HeadlineValue.REFUNDED}
)  # fmt: skip
_TO_PAY = frozenset({Payment.AWAITING_PAYMENT, Payment.PAYMENT_FAILED})


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads: chats they may join (name, deep link), those they are in, kinds of message they may leave."""

    invited: Sequence[tuple[str, str]] = ()
    joined: Sequence[str] = ()
    may_leave: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """A name and what it is; `href` where it leads somewhere."""

    name: str
    text: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """A parcel or a return: where it stands, the sentence that matters most, and the rest."""

    title: str
    mark: Label | None
    lead: str
    rows: tuple[Row, ...]
    items: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Moment:
    """One move of the past."""

    when: str
    about: str
    text: str
    mark: Label


@dataclass(frozen=True, slots=True)
class OrderPage:
    """Everything the page says, ready to be escaped."""

    shop: str
    shop_url: str
    title: str
    answer: Label
    stage: int
    """How many of `STAGES` are reached; 0: off the road."""
    phrase: str
    rows: tuple[Row, ...]
    pay_url: str
    pay_until: str
    parcels: tuple[Card, ...]
    more_parcels: str
    history: tuple[Moment, ...]
    clock: str
    returns: tuple[Card, ...]
    returns_url: str
    items: tuple[Row, ...]
    more_items: str
    sums: tuple[Row, ...]
    contact: tuple[Row, ...]
    invited: tuple[Row, ...]
    joined: tuple[str, ...]
    may_leave: tuple[Row, ...]


def short(text: str, most: int = NAME) -> str:
    """One clean line of so many characters, none of them under a tower of marks that would cover other lines."""
    line = "".join(_without_towers(clean(text)))
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


def _without_towers(text: str) -> Iterator[str]:
    height = 0
    for each in text:
        height = height + 1 if combining(each) else 0
        if height <= MOST_MARKS:
            yield each


def order_page(view: OrderView, world: World, now: datetime, language: str, reader: Reader) -> OrderPage:
    """The page of an order in a language that there is. The order has a snapshot."""
    return _Page(view, world, now, language).whole(reader)


class _Page:
    def __init__(self, view: OrderView, world: World, now: datetime, language: str) -> None:
        assert view.snapshot is not None
        self.view, self.world, self.now, self.language = view, world, now, language
        self.snapshot, self.shop = view.snapshot, world.shop_of(view.connection)
        self.say: Words = WORDS[language]
        self.voice = Voice(language, self.shop.timezone, now, self.shop.country)
        self.answer = label(view.headline, language)

    def whole(self, reader: Reader) -> OrderPage:
        live, lines = self.view.live, self._lines()
        phrase = self.view.headline.phrase
        return OrderPage(
            shop=short(self.shop.name),
            shop_url=safe_url(self.shop.url),
            title=self.say["number"].format(number=short(self.snapshot.number, CODE)),
            answer=self.answer,
            stage=STAGES.index(self.answer.stage) + 1 if self.answer.stage in STAGES else 0,
            phrase=phrase_text(phrase, self.language) if phrase is not None else "",
            rows=tuple(self._answer_rows()),
            pay_url=self._pay_url(),
            pay_until=self._pay_until(),
            parcels=tuple(self._parcel(n, each) for n, each in enumerate(live[:MOST_PARCELS], 1)),
            more_parcels=self._more(len(live) - MOST_PARCELS),
            history=tuple(self._history()),
            clock=self.say["clock"].format(zone=self.shop.timezone.key),
            returns=tuple(self._return(each) for each in self.view.returns if each.folded.state is not None),
            returns_url=safe_url(self.shop.returns_url),
            items=tuple(self._item(line) for line in lines[:MOST_ITEMS]),
            more_items=self._more(len(lines) - MOST_ITEMS),
            sums=tuple(self._sums()),
            contact=tuple(self._contact()),
            invited=tuple(Row("", self.say["join"].format(channel=name), url) for name, url in reader.invited),
            joined=tuple(self.say["joined"].format(channel=name) for name in reader.joined),
            may_leave=tuple(Row(each, self.say[f"leave_{each}"]) for each in reader.may_leave),
        )

    def _more(self, left: int) -> str:
        return self.say["more"].format(n=left) if left > 0 else ""

    # -- the answer

    def _answer_rows(self) -> Iterator[Row]:
        """When it is expected, while no parcel says so itself."""
        if not self.view.live and self.view.headline.value not in _OVER:
            yield from self._expected(self.snapshot.promise)

    def _expected(self, window: Window | None) -> Iterator[Row]:
        if window is not None and can_be_said(window.start) and can_be_said(window.end):
            yield Row(self.say["was_due" if self._past(window.end) else "expected"], self.voice.window(window))

    def _past(self, at: datetime) -> bool:
        """Whether the day is over on the shop's clock: until then it may still come."""
        zone = self.shop.timezone
        return at.astimezone(zone).date() < self.now.astimezone(zone).date()

    def _pay_url(self) -> str:
        waits = self.view.effective_payment in _TO_PAY and self.view.headline.value not in _OVER
        return safe_url(self.snapshot.payment_url) if waits else ""

    def _pay_until(self) -> str:
        due = self.snapshot.payment_due_at
        if not self._pay_url() or due is None or due <= self.now or not can_be_said(due):
            return ""
        return self.say["pay_until"].format(until=self.voice.moment(due, "until"))

    # -- parcels

    def _parcel(self, n: int, each: ShipmentView) -> Card:
        many = len(self.view.live) > 1
        mark = label(each.status, self.language) if each.status is not None else None
        said = each.status is not None and each.status.value == self.view.headline.value.value
        return Card(
            title=self.say["parcel_of"].format(n=n, m=len(self.view.live)) if many else self.say["parcel"],
            mark=mark,
            lead=self._deadline(each) or self._advice(each) or (mark.sentence if mark and (many or not said) else ""),
            rows=tuple(self._parcel_rows(each)),
            items=self._inside(each) if many or self.view.rest else (),
        )

    def _deadline(self, each: ShipmentView) -> str:
        if each.status is not Shipment.READY_FOR_PICKUP:
            return ""
        deadline = deadline_of(each, self.world)
        return self.voice.deadline(deadline) if deadline is not None and can_be_said(deadline.at) else ""

    def _advice(self, each: ShipmentView) -> str:
        """What can be done when it could not be handed over: the headline promises to say so."""
        if each.status is not Shipment.DELIVERY_FAILED:
            return ""
        if each.folded.reason in (Reason.WRONG_ADDRESS, Reason.BAD_DATA):
            return self.say["advice_address"]
        again = each.folded.entered.get(Shipment.DELIVERY_FAILED, 0) > 1
        return self.say["advice_again" if again else "advice"]

    def _parcel_rows(self, each: ShipmentView) -> Iterator[Row]:
        names = shipment_names(each, self.view, self.world)
        if each.status in _EXPLAINED and each.folded.reason is not None:
            yield Row(self.say["why"], self.voice.reason(each.folded.reason))
        if each.status in _DATED:
            yield from self._expected(eta_of(each, self.view.doc))
        if each.status not in _SETTLED:
            yield from self._point(each)
            cash = cash_due(each, self.view)
            if cash is not None and (amount := self.voice.money(cash)):
                yield Row(self.say["cash"], amount)
        if carrier := short(names.get("carrier", "")):
            yield Row(self.say["carrier"], carrier)
        if number := short(names.get("tracking_number", ""), CODE):
            yield Row(self.say["tracking"], number, safe_url(names.get("tracking_url", "")))

    def _point(self, each: ShipmentView) -> Iterator[Row]:
        own = PickupPoint(ref="", kind=PointKind.SHOP, name=self.shop.name) if each.pickup else None
        point = point_of(each, self.view.doc) or own
        if point is None:
            return
        where = ", ".join(filter(None, (short(point.name), short(point.address, PLACE))))
        if where:
            yield Row(self.say["where" if each.status is Shipment.READY_FOR_PICKUP else "to"], where)
        if hours := short(point.hours):
            yield Row(self.say["hours"], hours)

    def _inside(self, each: ShipmentView) -> tuple[str, ...]:
        lines = {line.ref: line for line in self._lines()}
        held = [(lines[ref], quantity) for ref, quantity in each.contents.items() if ref in lines]
        shown = tuple(self._counted(line, quantity) for line, quantity in held[:MOST_INSIDE])
        return (*shown, *filter(None, (self._more(len(held) - MOST_INSIDE),)))

    # -- history

    def _history(self) -> Sequence[Moment]:
        """What truly happened, the newest first: neither claims nor what came too late to count."""
        several = len(self.view.live) > 1
        parts: list[tuple[str, Folded]] = [("", self.view.order), ("", self.view.payment)]
        for n, each in enumerate(self.view.live, 1):
            parts.append((self.say["parcel_n"].format(n=n) if several else "", each.folded))
        parts += [("", case.folded) for case in self.view.returns]
        lines = ((line, about) for about, folded in parts for line in folded.lines)
        happened = [(line, about) for line, about in lines if line.occurrence and can_be_said(line.fact.at)]
        happened.sort(key=lambda each: each[0].fact.at, reverse=True)
        return [self._moment(line, about) for line, about in happened[:MOST_MOMENTS]]

    def _moment(self, line: Happened, about: str) -> Moment:
        assert line.after is not None
        mark, fact = label(line.after, self.language), line.fact
        reason = self.voice.reason(fact.reason) if fact.reason is not None and line.after in _EXPLAINED else ""
        when = self.voice.day(fact.at) if fact.precision is Precision.DAY else self.voice.moment(fact.at)
        return Moment(
            when=self.say["seen"].format(when=when) if fact.precision is Precision.SEEN else when,
            about=about,
            text=f"{mark.label}: {reason}" if reason else mark.label,
            mark=mark,
        )

    # -- returns, and what was ordered

    def _return(self, case: ReturnCase) -> Card:
        state = case.folded.state
        assert state is not None
        mark = label(state, self.language)
        return Card(self.say["return"], mark, mark.sentence, tuple(self._return_rows(case)), self._sent_back(case))

    def _return_rows(self, case: ReturnCase) -> Iterator[Row]:
        for leg in case.legs:
            carrier = self.world.carrier(leg.carrier) if leg.carrier else None
            url = leg.number.url or (carrier.tracking_url(leg.number.number) if carrier else "") or ""
            yield Row(self.say["tracking"], short(leg.number.number, CODE), safe_url(url))

    def _sent_back(self, case: ReturnCase) -> tuple[str, ...]:
        lines = {line.ref: line for line in self._lines()}
        items = (case.snapshot.items or ())[:MOST_INSIDE]
        return tuple(self._counted(lines[ref], quantity) for ref, quantity in items if ref in lines)

    def _lines(self) -> Sequence[Line]:
        return [line for line in self.snapshot.lines or () if line.ordered > line.removed]

    def _counted(self, line: Line, quantity: Decimal) -> str:
        return f"{short(line.title)} ×\u00a0{self.voice.quantity(quantity)}"

    def _item(self, line: Line) -> Row:
        price = self.voice.money(line.price) if line.price is not None else ""
        return Row(
            short(line.title), " × ".join(filter(None, (self.voice.quantity(line.ordered - line.removed), price)))
        )

    def _sums(self) -> Iterator[Row]:
        if self.snapshot.total is not None and (total := self.voice.money(self.snapshot.total)):
            yield Row(self.say["total"], total)
        if self.view.effective_payment is not None:
            yield Row(self.say["payment"], label(self.view.effective_payment, self.language).label)
        if method := short(self.snapshot.delivery_method):
            yield Row(self.say["delivery"], method)

    # -- the shop

    def _contact(self) -> Iterator[Row]:
        support = self.shop.support
        if support.phone:
            shown, href = self.voice.phone(support.phone)
            yield Row(self.say["call"], shown, href)
        if support.email:
            yield Row(self.say["write"], support.email, f"mailto:{support.email}")
        if url := safe_url(support.url):
            yield Row(self.say["help"], url, url)
