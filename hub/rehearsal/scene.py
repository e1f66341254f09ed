"""What a case or a story says, put into a rehearsal: as records of its shop and carriers, as replies in its channels,
and as what people press and answer. Nothing of it is decided here; the hub does that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import phonenumbers
import sqlalchemy as sa

from hub.config.model import Config, Shop
from hub.flows.cases import (
    Act,
    AskedShape,
    CustomerGiven,
    GivenShape,
    MatterShape,
    OrderGiven,
    PaymentGiven,
    ShipmentGiven,
    platform_of,
)
from hub.model import (
    Address,
    AnyRecord,
    Checkpoint,
    Cod,
    Customer,
    Deadline,
    DeadlineKind,
    Line,
    Money,
    Number,
    OrderSnapshot,
    ParcelNews,
    ParcelSnapshot,
    PayBy,
    PickupPoint,
    RefKind,
    Reply,
    ReturnSnapshot,
    StatusEvent,
    Window,
    WindowBasis,
)
from hub.pipeline.answers import understood
from hub.pipeline.customer import customer_id_of
from hub.pipeline.ladder import first_told
from hub.pipeline.matters import Act as Deed
from hub.pipeline.matters import Became, Wish, act
from hub.pipeline.presses import press
from hub.pipeline.questions import ask
from hub.pipeline.surveys import find_survey, keep, takes_answers
from hub.pipeline.world import World
from hub.plugin import AddressKind
from hub.status import Mode, Native, Order, Payment, Reason, full_name
from hub.store.tables import TENANT, contacts, escalations, runs, surveys

from .rehearsal import VOCABULARY, Rehearsal
from .stand_ins import FOLLOWS

BEFORE = timedelta(minutes=1)
"""How long before its first line the given state stands."""
REF, RETURN = "1", "r1"
MADE_UP = "customer@example.com"
PAGE = "page"
"""Where a form is filled in."""


class CannotError(Exception):
    """A line cannot happen as things stand; the text says why."""


@dataclass(slots=True)
class Scene:
    """One order of one shop, in a rehearsal."""

    it: Rehearsal
    given: GivenShape
    shop: Shop
    start: datetime
    platform: str = ""
    order: OrderGiven = field(init=False)
    payment: PaymentGiven = field(init=False)
    customer: CustomerGiven = field(init=False)
    parcels: list[ShipmentGiven] = field(init=False)
    there: list[bool] = field(init=False)
    """For each parcel whether the shop has named it."""
    come: bool = False
    """Whether the order has come in."""
    returned: bool = False
    version: datetime | None = None
    lines: int = 0

    def __post_init__(self) -> None:
        self.platform = platform_of(self.it.world.config, self.shop.key) or ""
        self.order, self.payment, self.customer = self.given.order, self.given.payment, self.given.customer
        self.parcels = list(self.given.parcels)
        self.there = [False] * len(self.parcels)

    @property
    def order_id(self) -> str:
        return f"{self.platform}:{REF}"

    @property
    def now(self) -> datetime:
        return self.it.now

    # -- the state before

    async def set(self, *, known: bool) -> None:
        """Whom it is about; and, where the order is `known` already, all that is given, which starts nothing."""
        await self.it.settle()
        await self._earlier_orders()
        await self._link()
        if known:
            await self._come(Mode.IMPORT)
        await self.it.settle()

    async def _come(self, mode: Mode) -> None:
        """The order comes in, and all that is given of it."""
        self.come = True
        status = self.order.status or Order.RECEIVED
        natives = [self._native(status, self.order.reason)]
        if self.payment.status is not None:
            natives.append(self._native(self.payment.status, self.payment.reason))
        self.there = [each.status is not None for each in self.parcels]
        returns = None
        if self.given.return_ is not None:
            self.returned = True
            returns = (self._return(self.given.return_.status, self.given.return_.reason),)
        parcels = self._parcels(words=True)
        snapshot = replace(self._snapshot(), natives=tuple(natives), parcels=parcels, returns=returns)
        await self.it.put(self.platform, f"order:{REF}", snapshot, mode=mode)
        for each in self.parcels:
            if each.carrier and each.status is not None:
                said: list[AnyRecord] = [*self._news(each), self._scan(each, each.status, each.reason, "")]
                await self.it.put(each.carrier, f"parcel:{each.tracking_number}", *said, mode=mode)

    async def _earlier_orders(self) -> None:
        for number in range(self.customer.orders):
            placed = self._placed() - timedelta(days=30 * (self.customer.orders - number))
            order = OrderSnapshot(
                f"earlier-{number + 1}", f"earlier-{number + 1}", placed, placed,
                (self._native(Order.COMPLETED),), customer=self._person(),
            )  # fmt: skip
            await self.it.put(self.platform, f"order:{order.ref}", order, mode=Mode.IMPORT)
            await self.it.settle()

    async def _link(self) -> None:
        """Chats that the customer has joined."""
        chats = [name for name in self._reach() if self._kind(name) is AddressKind.LINK]
        rows = [
            {
                "tenant": TENANT, "customer_id": self._customer_id(), "channel": name, "address": f"chat-{name}",
                "state": "open", "reason": "linked", "at": self.now,
            }
            for name in chats
        ]  # fmt: skip
        if rows:
            await self.it.do(lambda connection, dialect, world, now: connection.execute(sa.insert(contacts), rows))

    # -- what happens

    async def happen(self, line: Act) -> None:
        """One line; raises CannotError where it cannot happen."""
        self.lines += 1
        said = line.said
        match line.kind:
            case "order" if not self.come and said.order is Order.RECEIVED:
                self.order = self.order.model_copy(update={"status": Order.RECEIVED, "reason": said.reason})
                await self._come(Mode.LIVE)
            case "order" | "payment":
                await self._says(said.order or said.payment, said.reason, said.text)
            case "shipment":
                await self._moves(said.parcel - 1, said.shipment, said.reason, said.text)
            case "return":
                self.returned = True
                case = self._return(said.return_, said.reason)
                await self._put(replace(self._snapshot(), returns=(case,)))
            case "change":
                await self._change(line.changes, said.parcel - 1)
            case "native":
                for source, code in (said.native or {}).items():
                    await self._native_word(source, code)
            case "ordered":
                other = replace(self._snapshot(), ref=f"next-{self.lines}", number=said.ordered or "")
                natives = (self._native(Order.RECEIVED),)
                await self.it.put(
                    self.platform, f"order:{other.ref}", replace(other, placed_at=self.now, natives=natives, parcels=())
                )
            case "receipt" | "fail":
                await self._script(said.receipt or {}, said.fail or {})
            case "asked":
                await self._ask(said.asked)
            case "answered":
                await self._answer(said.answered or {})
            case "button":
                await self._press(said.button or "")
            case "acknowledge":
                await self._act(Wish.TAKE, said.acknowledge)
            case "resolve":
                await self._act(Wish.RESOLVE, said.resolve)
        await self.it.settle()

    async def _put(self, *records: AnyRecord) -> None:
        await self.it.put(self.platform, f"order:{REF}", *records)

    async def _says(self, status: Any, reason: Reason | None, text: str) -> None:
        """The shop says where the order or its payment stands."""
        if status is Payment.CASH_ON_DELIVERY and not self._on_delivery():
            self.payment = self.payment.model_copy(update={"on_delivery": True})
            await self._put(self._snapshot())
        native = self._native(status, reason, text)
        await self._put(StatusEvent(RefKind.ORDER, REF, REF, native, self.now, event_id=self._event_id()))

    async def _moves(self, place: int, status: Any, reason: Reason | None, text: str) -> None:
        """A parcel moves: its carrier says so, else the shop."""
        parcel = await self._named(place)
        if parcel.carrier:
            scan = self._scan(parcel, status, reason, text)
            await self.it.put(parcel.carrier, f"parcel:{parcel.tracking_number}", scan)
            return
        native = self._native(status, reason, text)
        await self._put(StatusEvent(RefKind.PARCEL, _ref(place), REF, native, self.now, event_id=self._event_id()))

    async def _named(self, place: int) -> ShipmentGiven:
        """A parcel, which the shop names now if it has not before."""
        while len(self.parcels) <= place:
            self.parcels.append(ShipmentGiven.model_validate({}))
            self.there.append(False)
        if not self.there[place]:
            self.there[place] = True
            await self._put(self._snapshot())
            await self._tell_news(self.parcels[place])
        return self.parcels[place]

    async def _tell_news(self, parcel: ShipmentGiven) -> None:
        if parcel.carrier and (news := self._news(parcel)):
            await self.it.put(parcel.carrier, f"parcel:{parcel.tracking_number}", *news)

    async def _change(self, changes: Mapping[str, Any], place: int) -> None:
        for part, changed in changes.items():
            written = {name: getattr(changed, name) for name in changed.model_fields_set}
            if part == "shipment":
                await self._named(place)
                self.parcels[place] = self.parcels[place].model_copy(update=written)
            else:
                setattr(self, part, getattr(self, part).model_copy(update=written))
        await self._put(self._snapshot())
        if "shipment" in changes:
            await self._tell_news(self.parcels[place])

    async def _native_word(self, source: str, code: str) -> None:
        """A code of a source's own, about the order or the first of its parcels; channels and targets have none."""
        world = self.it.world
        tables = world.adapters[source].statuses_of(world.adapters[source].settings)
        vocabulary = next((name for name, rows in tables.items() if code in rows), next(iter(tables), ""))
        native = Native(vocabulary, code)
        if world.connection(source).kind == "platform":
            event = StatusEvent(RefKind.ORDER, REF, REF, native, self.now, event_id=self._event_id())
            await self.it.put(source, f"order:{REF}", event)
        elif world.connection(source).kind == "carrier":
            parcel = next((each for each in self.parcels if each.carrier == source), None)
            if parcel is None:
                raise CannotError(f"no parcel of this test is followed by {source}")
            await self._named(self.parcels.index(parcel))
            scan = Checkpoint(parcel.tracking_number, native, self.now, event_id=self._event_id())
            await self.it.put(source, f"parcel:{parcel.tracking_number}", scan)
        else:
            raise CannotError(f"{source} is a {world.connection(source).kind}, and says nothing of orders")

    async def _script(self, receipts: Mapping[str, str], failures: Mapping[str, str]) -> None:
        for name, said in receipts.items():
            for each in self._providers(name):
                await self.it.confirm(each, said)
        for name, how in failures.items():
            for each in self._providers(name):
                if how == "silent":
                    self.it.silent.add(each)
                elif how == "nothing":
                    self.it.silent.discard(each)
                    self.it.board.failing.pop(each, None)
                else:
                    self.it.board.failing[each] = how

    # -- what people do

    async def _ask(self, said: str | AskedShape | None) -> None:
        asked = said if isinstance(said, AskedShape) else AskedShape.model_validate({"topic": said})
        self._must_have_come()
        if asked.via is not None:
            channel = self._providers(asked.via)[0]
            reply = Reply(self._address(channel), asked.text, self.now, self._event_id())
            await self.it.put(channel, f"chat:{reply.address}", reply)
            return
        await self.it.do(
            lambda connection, dialect, world, now: ask(
                connection, dialect, world, customer_id=self._customer_id(), order_id=self.order_id, channel=PAGE,
                topic=asked.topic, text=asked.text, occasion=f"{PAGE}|{self.lines}", at=now, now=now,
            )
        )  # fmt: skip

    async def _answer(self, given: Mapping[str, str]) -> None:
        def work(connection: sa.Connection, dialect: str, world: World, now: datetime) -> str:
            newest = sa.select(surveys.c.id).where(surveys.c.tenant == TENANT, surveys.c.shadow == 0)
            which = connection.execute(newest.order_by(surveys.c.opened_at.desc(), surveys.c.id)).scalar() or ""
            row = find_survey(connection, which, to_change=True)
            survey = world.config.surveys.get(row.name) if row is not None else None
            if row is None or survey is None or not takes_answers(row, now):
                return "no survey is open"
            answers = understood(survey, given)
            if len(answers) < len(given):
                wrong = next(key for key in given if key not in answers)
                return f"the survey '{survey.name}' has no question '{wrong}' that takes '{given[wrong]}'"
            keep(connection, dialect, world, survey, row, answers, channel="mail", now=now, done=True)
            return ""

        self._refused(await self.it.do(work))

    async def _press(self, label: str) -> None:
        self._must_have_come()
        pressed = await self.it.do(
            lambda connection, dialect, world, now: press(
                connection, dialect, world, self.shop, self.order_id, label, now
            )
        )
        self._refused("" if pressed else f"no flow at work has a button '{label}', or it was pressed a moment ago")

    async def _act(self, wish: Wish, said: str | MatterShape | None) -> None:
        asked = said if isinstance(said, MatterShape) else MatterShape.model_validate({"of": said})

        def work(connection: sa.Connection, dialect: str, world: World, now: datetime) -> str:
            made = sa.and_(runs.c.tenant == TENANT, runs.c.key == escalations.c.run_key)
            query = sa.select(escalations, runs.c.doc).outerjoin(runs, made).where(escalations.c.tenant == TENANT)
            rows = connection.execute(query.order_by(escalations.c.id.desc())).all()
            open_ones = [row for row in rows if row.state not in ("resolved", "shadow")]
            theirs = [row for row in open_ones if asked.of in (None, row.rung, first_told(dict(row._mapping), row.doc))]
            if not theirs:
                return f"no matter of {asked.of or 'anybody'} is open"
            group = world.config.staff.get(asked.of or theirs[0].rung)
            by = asked.by or (group.people[0] if group else "")
            deed = Deed(wish, by, asked.note, asked.choice)
            became = act(connection, dialect, theirs[0].uid, deed, world, now)
            return f"the matter has no choice '{asked.choice}'" if became is Became.NOBODY else ""

        self._refused(await self.it.do(work))

    def _refused(self, why: str) -> None:
        if why:
            raise CannotError(why)

    def _must_have_come(self) -> None:
        self._refused("" if self.come else "the order has not come in yet")

    # -- records

    def _native(self, status: Any, reason: Reason | None = None, text: str = "") -> Native:
        return Native(VOCABULARY, full_name(status), text, reason)

    def _event_id(self) -> str:
        return f"line-{self.lines}"

    def _next_version(self) -> datetime:
        """A shop's versions grow, also within one instant."""
        step = timedelta(microseconds=1)
        self.version = self.now if self.version is None or self.version < self.now else self.version + step
        return self.version

    def _placed(self) -> datetime:
        return _time(self.order.placed_at) or self.start

    def _snapshot(self) -> OrderSnapshot:
        """The order as the shop has it, without a word of where it stands."""
        order, payment = self.order, self.payment
        version = self._next_version()
        currency = order.currency or self.shop.currency or "EUR"
        promised, point = _time(order.promised_at), next((each.pickup_point for each in self.parcels), None)
        address = order.address
        return OrderSnapshot(
            REF,
            order.number,
            version,
            self._placed(),
            lines=tuple(
                Line(
                    str(n), each.name, each.quantity, sku=each.sku, categories=tuple(each.categories),
                    price=_money(each.price, currency),
                )
                for n, each in enumerate(order.items, 1)
            )
            or None,
            total=_money(order.total, currency),
            refunded=_money(payment.refunded, currency),
            pay_by=PayBy.COD if self._on_delivery() else PayBy.PREPAID,
            parcels=self._parcels(),
            customer=self._person(),
            address=Address(
                address.name, "", address.street, address.city, "", address.postcode,
                address.country or self.shop.country,
            )
            if address is not None
            else None,
            point=PickupPoint(point.name or "1", point.kind, point.name, point.address, hours=point.hours)
            if point is not None
            else None,
            promise=Window(promised, promised, WindowBasis.SHOP) if promised else None,
            tags=tuple(order.tags),
            note=order.note,
            payment_method=payment.method,
            delivery_method=order.delivery_method,
            payment_due_at=_time(payment.due_at),
            payment_url=payment.url,
            url=order.url,
            test=order.test,
            gift=order.gift,
            wholesale=order.wholesale,
            attributes=order.attributes,
        )  # fmt: skip

    def _on_delivery(self) -> bool:
        return self.payment.on_delivery or self.payment.status is Payment.CASH_ON_DELIVERY

    def _parcels(self, *, words: bool = False) -> tuple[ParcelSnapshot, ...]:
        """Those that the shop names; with `words` it also says where those stand that no carrier follows."""
        version = self.version or self.now
        found = []
        for place, each in enumerate(self.parcels):
            if not self.there[place]:
                continue
            number = Number(
                each.tracking_number, FOLLOWS + each.carrier if each.carrier else "", url=each.tracking_url
            )  # fmt: skip
            says = words and each.status is not None and not each.carrier
            natives = (self._native(each.status, each.reason),) if says else ()
            found.append(
                ParcelSnapshot(
                    _ref(place), version, natives, (number,) if each.tracking_number else (),
                    cod=_money(each.cash_due, self.order.currency or self.shop.currency or "EUR"),
                )
            )  # fmt: skip
        return tuple(found)

    def _scan(self, parcel: ShipmentGiven, status: Any, reason: Reason | None, text: str) -> Checkpoint:
        native = self._native(status, reason, text)
        return Checkpoint(parcel.tracking_number, native, self.now, text=text, event_id=self._event_id())

    def _news(self, parcel: ShipmentGiven) -> Sequence[ParcelNews]:
        """What its carrier knows of it beside its status."""
        point, until, eta = parcel.pickup_point, _time(parcel.pickup_deadline), _time(parcel.eta)
        if point is None and until is None and eta is None and parcel.cash_due is None:
            return ()
        return (
            ParcelNews(
                parcel.tracking_number,
                self.now,
                eta=Window(eta, eta) if eta else None,
                point=PickupPoint(point.name or "1", point.kind, point.name, point.address, hours=point.hours)
                if point is not None
                else None,
                deadline=Deadline(until, DeadlineKind.GOES_BACK) if until else None,
                cod=Cod(_money(parcel.cash_due, self.order.currency or self.shop.currency or "EUR"))
                if parcel.cash_due is not None
                else None,
            ),
        )

    def _return(self, status: Any, reason: Reason | None) -> ReturnSnapshot:
        return ReturnSnapshot(RETURN, self._next_version(), (self._native(status, reason),))

    # -- who it is about

    def _person(self) -> Customer:
        it = self.customer
        kinds = {self._kind(name) for name in self._reach()}
        return Customer(
            name=it.name,
            first_name=it.first_name,
            email=it.email or (MADE_UP if AddressKind.EMAIL in kinds else ""),
            phone=it.phone or (_example_phone(self.shop.country) if AddressKind.PHONE in kinds else ""),
            locale=it.locale or self.shop.locale,
            tags=tuple(it.tags),
            accepts_marketing="marketing" in it.consents,
            ref=REF,
        )

    def _customer_id(self) -> str:
        return customer_id_of(replace(self._snapshot(), customer=self._person()), self.shop.key, self.order_id)

    def _reach(self) -> list[str]:
        """The channel connections that have an address of the customer; unless it is said, those that need none but an
        e-mail or a phone."""
        world = self.it.world
        if self.customer.reach is None:
            return [name for name in world.of_kind("channel") if self._kind(name) is not AddressKind.LINK]
        return [each for name in self.customer.reach for each in self._providers(name)]

    def _providers(self, name: str) -> tuple[str, ...]:
        return providers_of(self.it.world.config, self.shop, name)

    def _kind(self, channel: str) -> AddressKind:
        return self.it.world.channel(channel).address_kind

    def _address(self, channel: str) -> str:
        person = self._person()
        known = {AddressKind.EMAIL: person.email, AddressKind.PHONE: person.phone}
        return known.get(self._kind(channel), f"chat-{channel}")


def providers_of(config: Config, shop: Shop, name: str) -> tuple[str, ...]:
    """The connections that a word means in a shop."""
    return config.providers(shop.connections.get(name, name))


def _ref(place: int) -> str:
    return f"p{place + 1}"


def _time(value: Any) -> datetime | None:
    """A time of a case that was read: an instant."""
    return value if isinstance(value, datetime) else None


def _money(amount: Decimal | None, currency: str) -> Money | None:
    return Money(amount, currency) if amount is not None else None


def _example_phone(country: str) -> str:
    """A number that is right in the shop's country, and nobody's."""
    number = phonenumbers.example_number_for_type(country or "UA", phonenumbers.PhoneNumberType.MOBILE)
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)) if number else "+380501234567"
