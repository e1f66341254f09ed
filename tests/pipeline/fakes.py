"""A world of four small adapters, built without a file: what the pure parts of the pipeline are tested in.

Codes are the hub's own words: the shop says `order.packed`, the post says `in_transit`. Times are read from "10:05"
(Tuesday, 3 March 2026, UTC) and "+2 10:05" (two days later).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import httpx
import sqlalchemy as sa

from hub.clock import VirtualClock
from hub.config.model import Config, Connection, Contact, HubSettings, Person, Rung, Shop
from hub.config.questions import Survey
from hub.flows.compile import compile_flow
from hub.flows.model import Flow
from hub.messages import Texts
from hub.model import (
    Checkpoint,
    Customer,
    Line,
    Money,
    Number,
    OrderSnapshot,
    ParcelNews,
    ParcelSnapshot,
    StatusEvent,
)
from hub.pipeline.apply import ApplyDrain
from hub.pipeline.deliver import DeliverDrain
from hub.pipeline.documents import OrderDoc, learn
from hub.pipeline.facts import StoredFact, Witness, believed, facts_of, take_in
from hub.pipeline.golive import fit
from hub.pipeline.occasions import occasions
from hub.pipeline.parcels import with_ids
from hub.pipeline.react import Reaction, RunRow, Situation, react
from hub.pipeline.receive import inbox_row
from hub.pipeline.state import OrderView, ShipmentView
from hub.pipeline.view import view
from hub.pipeline.world import World
from hub.plugin import (
    Accepted,
    Adapter,
    AddressKind,
    Carrier,
    Channel,
    Form,
    Limits,
    Outcome,
    Outgoing,
    Platform,
    Raw,
    Settings,
    StatusTables,
)
from hub.plugin.http import make_client
from hub.status import Axis, Meaning, Mode, Native, Order, Payment, Return, Shipment, full_name
from hub.store import tables
from hub.store.database import Database
from hub.store.links import make_link_secret
from hub.store.migrate import upgrade

TUESDAY = datetime(2026, 3, 3, tzinfo=UTC)
KYIV = ZoneInfo("Europe/Kyiv")
ORDER = "shop:1"


def moment(text: str) -> datetime:
    """ "10:05" or "+2 10:05"."""
    day, _, clock = text.rpartition(" ")
    hours, minutes = clock.split(":")
    return TUESDAY + timedelta(days=int(day or 0), hours=int(hours), minutes=int(minutes))


class Nothing(Settings):
    """No settings."""


class Telling:
    """An adapter whose events stand for records: what it reads is what was put there."""

    said: Mapping[str, Any]

    def normalise(self, raw: Raw) -> Sequence[Any]:
        return [self.said[raw.body]]


class Speaking:
    """A channel that answers with what it is told to, or takes everything."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.sent: list[Outgoing] = []
        self.answers: list[Outcome] = []

    async def send(self, message: Outgoing) -> Outcome:
        self.sent.append(message)
        return self.answers.pop(0) if self.answers else Accepted(message.key)


class Shoplet(Telling, Platform[Nothing]):
    name, label, settings_type = "shoplet", "Shoplet", Nothing
    statuses: ClassVar[StatusTables] = {
        "shop": {
            **{full_name(each): Meaning(each, str(each)) for each in (*Order, *Payment, *Shipment, *Return)},
            "open": Meaning(Order.RECEIVED, "open"),
            "chatter": Meaning(None, "known, moves nothing"),
        }
    }


class Post(Telling, Carrier[Nothing]):
    name, label, settings_type = "post", "The Post", Nothing
    statuses: ClassVar[StatusTables] = {"post": {str(each): Meaning(each, str(each)) for each in Shipment}}
    intervals: ClassVar[Mapping[Shipment | None, timedelta]] = {Shipment.OUT_FOR_DELIVERY: timedelta(minutes=7)}

    def recognises(self, number: str) -> bool:
        return number.startswith("P")

    def tracking_url(self, number: str) -> str:
        return f"https://post.example/{number}"


class Letters(Speaking, Channel[Nothing]):
    name, label, settings_type = "letters", "Letters", Nothing
    form, address_kind, rings = Form.MAIL, AddressKind.EMAIL, False


class Texter(Speaking, Channel[Nothing]):
    name, label, settings_type = "texter", "Texter", Nothing
    form, address_kind, rings, receipts = Form.SMS, AddressKind.PHONE, True, True


class Bot(Speaking, Channel[Nothing]):
    name, label, settings_type = "bot", "Bot", Nothing
    form, address_kind, rings = Form.CHAT, AddressKind.LINK, True
    poll_every = timedelta(seconds=30)


KINDS: Mapping[type[Adapter[Any]], str] = {Platform: "platform", Carrier: "carrier", Channel: "channel"}
CLOCK = VirtualClock(TUESDAY)


def connection(name: str, adapter: type[Adapter[Any]], **more: Any) -> Connection:
    kind = next(word for base, word in KINDS.items() if issubclass(adapter, base))
    return Connection(name, kind, adapter.name, adapter, Nothing(), **more)


CONNECTIONS = (
    connection("shop", Shoplet, shop="main"),
    connection("post", Post),
    connection("mail", Letters),
    connection("sms", Texter),
    connection("bot", Bot),
)
CONTACT = Contact(routes={"default": ("bot", "sms", "mail")})
STAFF = {
    "support": Rung("support", ("olena",), ("mail",), timedelta(minutes=30), then="manager"),
    "manager": Rung("manager", ("iryna", "petro"), ("mail",), timedelta(minutes=15)),
}
PEOPLE = {
    name: Person(name, name.title(), addresses={"mail": f"{name}@shop.example"}) for name in ("olena", "iryna", "petro")
}
SHOP = Shop(
    "main", "Shop", country="UA", locale="uk", timezone=KYIV, currency="UAH", url="https://shop.example",
)  # fmt: skip


def world(
    flows: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    contact: Contact = CONTACT,
    contacts: Mapping[str, Contact] | None = None,
    connections: Sequence[Connection] = CONNECTIONS,
    staff: Mapping[str, Rung] = STAFF,
    statuses: Mapping[str, Mapping[str, Meaning]] | None = None,
    shop: Shop = SHOP,
    public_url: str | None = "https://hub.example",
    surveys: Mapping[str, Survey] | None = None,
    failovers: Mapping[str, tuple[str, ...]] | None = None,
) -> World:
    """A world of these flows (as they are written in YAML)."""
    config = Config(
        path=Path("flows.yaml"),
        hub=HubSettings(public_url),
        shops={shop.key: shop},
        connections={each.name: each for each in connections},
        failovers=failovers or {},
        contact=contact,
        contacts=contacts or {},
        staff=staff,
        people=PEOPLE,
        statuses=statuses or {},
        surveys=surveys or {},
        flows={name: flow(name, **source) for name, source in (flows or {}).items()},
    )
    client = make_client("fake", Limits(), CLOCK, transport=httpx.MockTransport(lambda request: httpx.Response(500)))
    made = {each.name: each.adapter(Nothing(), client, CLOCK, connection=each.name) for each in connections}
    return World(config, made, Texts.load(None)[0])


def flow(name: str, **source: Any) -> Flow:
    return compile_flow(name, source)


def notify(template: str, **more: Any) -> dict[str, Any]:
    return {"notify": {"template": template, **more}}


# ------------------------------------------------------------------------------------------------ what is said


def native(word: str) -> Native:
    return Native("shop", word)


def order(version: str, *natives: str, ref: str = "1", **more: Any) -> OrderSnapshot:
    """What the shop says of the order at `version`."""
    given: dict[str, Any] = {"lines": (Line("a", "Coffee", Decimal(1)),), "customer": Customer(email="o@x.example")}
    placed = moment(more.pop("placed", "08:00"))
    return OrderSnapshot(ref, f"#{ref}", moment(version), placed, tuple(map(native, natives)), **{**given, **more})


def parcel(ref: str, version: str, *natives: str, numbers: Sequence[str | Number] = (), **more: Any) -> ParcelSnapshot:
    held = tuple(each if isinstance(each, Number) else Number(each) for each in numbers)
    return ParcelSnapshot(ref, moment(version), tuple(map(native, natives)), held, **more)


def scan(number: str, code: str, at: str, **more: Any) -> Checkpoint:
    """What the post says of a parcel."""
    return Checkpoint(number, Native("post", code), moment(at), **more)


def uah(amount: str) -> Money:
    return Money(Decimal(amount), "UAH")


@dataclass
class Story:
    """An order as the hub comes to know it: `hear` records, look at it, and let flows react."""

    world: World = field(default_factory=world)
    doc: OrderDoc = field(default_factory=OrderDoc)
    facts: list[StoredFact] = field(default_factory=list)
    before: OrderView | None = None
    runs: dict[str, RunRow] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)
    created_at: datetime | None = None
    now: datetime = TUESDAY + timedelta(hours=10)
    reach: Sequence[str] = ("mail", "sms")
    matters: dict[str, Any] = field(default_factory=dict)

    def hear(self, *records: Any, at: str | None = None, mode: Mode = Mode.LIVE) -> OrderView:
        """Learn records at a time (default: an instant after the last)."""
        self.now = moment(at) if at else self.now + timedelta(seconds=1)
        self.doc = with_ids(self.doc, ORDER, self.view.shipments)
        for record in records:
            carrier = hasattr(record, "number") and not isinstance(record, OrderSnapshot | StatusEvent)
            source = "post" if carrier else "shop"
            self.doc = learn(self.doc, believed(record, self.now), imported=mode is Mode.IMPORT)
            known = {(fact.subject, fact.key): fact for fact in self.facts}
            take_in(known, facts_of(record, Witness(source, self.world.level(source), self.now, mode)))
            self.facts = list(known.values())
        self.doc = with_ids(self.doc, ORDER, self.view.shipments)
        return self.view

    @property
    def view(self) -> OrderView:
        return view(ORDER, "shop", self.doc, self.facts, self.world)

    def words(self, *records: Any, at: str | None = None) -> list[str]:
        """The trigger words that these records set off, with the subject where it is not the order."""
        before = self.view if self.doc.snapshot else None
        found = occasions(before, self.hear(*records, at=at))
        return [each.word + each.subject.removeprefix(ORDER) for each in found]

    def react(
        self,
        *records: Any,
        at: str | None = None,
        mode: Mode = Mode.LIVE,
        open_escalations: Mapping[str, str] = {},
        due: bool = False,
    ) -> Reaction:
        """What the flows do about these records (none: about the time alone)."""
        before = self.view if self.doc.snapshot else None
        after = self.hear(*records, at=at, mode=mode) if records else self.hear(at=at)
        self.created_at = self.created_at or self.now
        situation = Situation(
            before if records else after, after, self.world, self.now, self.created_at, "customer-1", self.reach,
            open_escalations, matters=self.matters,
        )  # fmt: skip
        reaction = react(
            situation,
            [row for row in self.runs.values() if row.run.state == "waiting"],
            frozenset(self.keys),
            frozenset(self.runs) if due else frozenset(),
        )
        for row in reaction.runs:
            self.runs[row.key] = row
            self.keys.add(row.key)
        self.matters |= {matter["uid"]: matter for matter in reaction.escalations}
        return reaction

    def parcel(self, ref: str = "") -> ShipmentView:
        """The shipment of a fulfilment, or the only one."""
        shipments = self.view.shipments
        (found,) = [each for each in shipments if not ref or each.id == f"{ORDER}/{ref}"]
        return found

    def status(self, axis: Axis = Axis.SHIPMENT, ref: str = "") -> str | None:
        subject = f"{ORDER}/{ref}" if ref else self.view.shipments[0].id
        state = self.view.folded(axis, subject).state
        return str(state) if state is not None else None


def told(reaction: Reaction) -> list[str]:
    """Templates of the messages that are to be said."""
    return [message["template"] for message in reaction.messages]


# ------------------------------------------------------------------------------------------------ with a database


def _insert(connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    connection.execute(sa.insert(tables.inbox), rows)


@dataclass
class Desk:
    """The drains over a real database, with the fakes outside; `hear` is what webhooks and polls would bring."""

    db: Database
    world: World
    clock: VirtualClock = field(default_factory=lambda: VirtualClock(moment("10:00")))
    said: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        upgrade(self.db)
        self.db.run(lambda connection: make_link_secret(connection, self.db.dialect))
        self.apply = ApplyDrain(self.db, self.clock, lambda: self.world)
        self.deliver = DeliverDrain(self.db, self.clock, lambda: self.world, lambda: None, jitter=False)
        self.go_live(self.world)

    def go_live(self, world: World) -> int:
        """Let a configuration go live; returns how many orders are to be folded again."""
        self.world = world
        for each in world.adapters.values():
            each.said = self.said  # type: ignore[attr-defined]
        now = self.clock.now()
        return self.db.run(lambda connection: fit(connection, self.db.dialect, world, now))

    async def hear(self, *records: Any, at: str | None = None, mode: Mode = Mode.LIVE) -> None:
        """Each record is an event of its own; then everything that can happen at this moment happens."""
        self.clock.move_to(moment(at) if at else self.clock.now() + timedelta(seconds=1))
        for record in records:
            source = "post" if isinstance(record, Checkpoint | ParcelNews) else "shop"
            key = str(len(self.said))
            self.said[key] = record
            number = getattr(record, "number", "")
            ref = getattr(record, "order_ref", "") or getattr(record, "ref", "")
            subject = f"parcel:{number}" if source == "post" else f"order:{ref}"
            row = inbox_row(source, Raw(key, subject, key), mode, self.clock)
            await self.db.write(partial(_insert, rows=[row]))
        await self.settle()

    async def settle(self) -> None:
        while await self.apply.drain() + await self.deliver.drain():
            await self.deliver.settle()

    async def wait(self, **length: float) -> None:
        """Let time pass, minute by minute."""
        end = self.clock.now() + timedelta(**length)
        while self.clock.now() < end:
            self.clock.move_to(min(self.clock.now() + timedelta(minutes=1), end))
            await self.settle()

    def rows(self, table: sa.Table, *where: Any) -> Sequence[Any]:
        query = sa.select(table).where(*where).order_by(*table.primary_key)
        return self.db.run(lambda connection: connection.execute(query).all())

    def messages(self) -> list[tuple[str, str, str]]:
        """(template, state, connection) of what is said to customers."""
        rows = self.rows(tables.messages, tables.messages.c.recipient == "customer")
        return [(row.template, row.state, row.connection) for row in rows]

    def channel(self, name: str) -> "Speaking":
        channel = self.world.adapters[name]
        assert isinstance(channel, Speaking)
        return channel
