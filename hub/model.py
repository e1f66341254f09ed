"""The records that plugins return and the hub stores: frozen, typed, in UTC, with native statuses.

Ids, codes and numbers are `str` from end to end (no float ever touches an id); times are aware datetimes and are
brought to UTC when a record is made; money is `Money`. A record that cannot be true is refused when it is made.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Any

from hub.clock import aware
from hub.status import Native, Precision, Reason, Way

JsonValue = None | bool | int | float | str | list[Any] | dict[str, Any]


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(each.name for each in fields(kind))


class Record:
    """Base of all records: every time in it is brought to UTC, and one without a zone is refused."""

    __slots__ = ()

    def __post_init__(self) -> None:
        for name in _names(type(self)):  # type: ignore[arg-type]
            value = getattr(self, name)
            if isinstance(value, datetime):
                object.__setattr__(self, name, aware(value))


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in a currency (ISO 4217, upper case)."""

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        if not isinstance(self.amount, Decimal) or not self.amount.is_finite():
            raise ValueError(f"an amount is a finite Decimal, not {self.amount!r}")


class WindowBasis(StrEnum):
    """Who computed an expected date."""

    CARRIER = "carrier"
    AGGREGATOR = "aggregator"
    SHOP = "shop"
    COMPUTED = "computed"


@dataclass(frozen=True, slots=True)
class Window(Record):
    """When something is expected: from `start` to `end`; `day_only` when only the day is known."""

    start: datetime
    end: datetime
    basis: WindowBasis = WindowBasis.CARRIER
    day_only: bool = False


class PointKind(StrEnum):
    """What sort of pickup point it is (STATUS.md 5)."""

    BRANCH = "branch"
    LOCKER = "locker"
    PARTNER = "partner"
    POST_OFFICE = "post_office"
    SHOP = "shop"


@dataclass(frozen=True, slots=True)
class PickupPoint(Record):
    """Where a parcel waits to be collected.

    `hours`: OpenStreetMap's `opening_hours`, which is of no language: `Mo-Fr 08:00-21:00; Sa 09:00-18:00`, `24/7`; days
    that are not named are closed, and times without days are every day's. Texts word it (filter `hours`); what is not
    in this form is shown as it is.
    """

    ref: str
    kind: PointKind
    name: str
    address: str = ""
    carrier: str = ""
    hours: str = ""
    lat: float | None = None
    lon: float | None = None


class DeadlineKind(StrEnum):
    """What happens at a deadline: the parcel goes back, or storage begins to cost."""

    GOES_BACK = "goes_back"
    FEE_FROM = "fee_from"


class DeadlineBasis(StrEnum):
    """Whether the carrier stated the deadline or we reckoned it; told wins over estimated."""

    TOLD = "told"
    ESTIMATED = "estimated"


@dataclass(frozen=True, slots=True)
class Deadline(Record):
    """Until when a parcel can be collected."""

    at: datetime
    kind: DeadlineKind
    basis: DeadlineBasis = DeadlineBasis.TOLD


class PayBy(StrEnum):
    """How an order is to be paid."""

    PREPAID = "prepaid"
    COD = "cod"
    ACCOUNT = "account"
    FREE = "free"


class DeliverBy(StrEnum):
    """How an order reaches the customer."""

    SHIP = "ship"
    PICKUP = "pickup"
    DIGITAL = "digital"


@dataclass(frozen=True, slots=True)
class Line(Record):
    """One line of an order. `due = ordered - removed`; a line with `ships=False` needs no parcel."""

    ref: str
    title: str
    ordered: Decimal
    sku: str = ""
    removed: Decimal = Decimal(0)
    ships: bool = True
    price: Money | None = None
    image_url: str = ""
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Number(Record):
    """A tracking number, normalised (no blanks, upper case). `carrier` is the sender's own word for the carrier."""

    number: str
    carrier: str = ""
    leg: Way = Way.OUT
    url: str = ""


class Direction(StrEnum):
    """Which way a parcel was sent out to go."""

    OUT = "out"
    BACK = "back"


class ParcelKind(StrEnum):
    """A parcel moved by a carrier, or a pickup in the shop."""

    PARCEL = "parcel"
    PICKUP = "pickup"


@dataclass(frozen=True, slots=True)
class ParcelSnapshot(Record):
    """A platform's fulfilment. `contents` None means: all that no other parcel holds; pairs of (line ref, quantity)."""

    ref: str
    version: datetime
    natives: tuple[Native, ...] = ()
    numbers: tuple[Number, ...] = ()
    contents: tuple[tuple[str, Decimal], ...] | None = None
    direction: Direction = Direction.OUT
    kind: ParcelKind = ParcelKind.PARCEL
    replaces: str = ""
    cod: Money | None = None


@dataclass(frozen=True, slots=True)
class ReturnSnapshot(Record):
    """A return case. `items` None means: everything; pairs of (line ref, quantity)."""

    ref: str
    version: datetime
    natives: tuple[Native, ...] = ()
    items: tuple[tuple[str, Decimal], ...] | None = None
    numbers: tuple[Number, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Customer(Record):
    """Who ordered. Every field may be empty; `locale` is a language tag as the shop sent it (`uk-UA`)."""

    ref: str = ""
    name: str = ""
    first_name: str = ""
    email: str = ""
    phone: str = ""
    locale: str = ""
    tags: tuple[str, ...] = ()
    accepts_marketing: bool = False


@dataclass(frozen=True, slots=True)
class Address(Record):
    """Where it goes; `country` is ISO 3166 alpha-2."""

    name: str = ""
    phone: str = ""
    street: str = ""
    city: str = ""
    region: str = ""
    postcode: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True)
class OrderSnapshot(Record):
    """The whole of an order as its platform said it at `version` (the sender's own updated time).

    `lines`, `parcels` and `returns`: None = not told, empty = none. `deliver_by`: None = not told; an order of
    which nobody has told it is one to be sent.
    """

    ref: str
    number: str
    version: datetime
    placed_at: datetime
    natives: tuple[Native, ...] = ()
    lines: tuple[Line, ...] | None = None
    total: Money | None = None
    paid: Money | None = None
    refunded: Money | None = None
    pay_by: PayBy = PayBy.PREPAID
    deliver_by: DeliverBy | None = None
    parcels: tuple[ParcelSnapshot, ...] | None = None
    returns: tuple[ReturnSnapshot, ...] | None = None
    customer: Customer = field(default_factory=Customer)
    address: Address | None = None
    point: PickupPoint | None = None
    promise: Window | None = None
    tags: tuple[str, ...] = ()
    note: str = ""
    cancel_reason: Reason | None = None
    payment_method: str = ""
    delivery_method: str = ""
    payment_due_at: datetime | None = None
    payment_url: str = ""
    url: str = ""
    test: bool = False
    gift: bool = False
    wholesale: bool = False
    attributes: Mapping[str, Any] = field(default_factory=dict)


class RefKind(StrEnum):
    """What a reference of a platform points to."""

    ORDER = "order"
    PARCEL = "parcel"
    RETURN = "return"


@dataclass(frozen=True, slots=True)
class StatusEvent(Record):
    """A platform's event with its own time (a transaction, a fulfilment event, a history line).

    `event_id` is the sender's id of this event where it has one; it makes the fact's key, and a `Retraction` names it.
    """

    kind: RefKind
    ref: str
    order_ref: str
    native: Native
    at: datetime
    event_id: str = ""
    text: str = ""
    place: str = ""
    eta: Window | None = None


@dataclass(frozen=True, slots=True)
class Checkpoint(Record):
    """One thing a carrier says happened to the parcel with this number. `snapshot`: only a current code, no history."""

    number: str
    native: Native
    at: datetime
    precision: Precision = Precision.SECOND
    text: str = ""
    place: str = ""
    way: Way = Way.NONE
    snapshot: bool = False
    event_id: str = ""


class Relation(StrEnum):
    """How a new waybill continues an old one (STATUS.md 2)."""

    CONTINUES = "continues"
    BACK = "back"
    REPLACES = "replaces"


@dataclass(frozen=True, slots=True)
class Cod(Record):
    """Cash on delivery of one parcel: what is due, when it was taken, when the merchant got it."""

    amount: Money | None = None
    collected_at: datetime | None = None
    remitted_at: datetime | None = None


class ToldKind(StrEnum):
    """What a carrier has told the customer itself."""

    READY = "ready"
    REMINDER = "reminder"
    OUT_FOR_DELIVERY = "out_for_delivery"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True)
class Told(Record):
    """The carrier has told the customer; moves nothing."""

    kind: ToldKind
    at: datetime


@dataclass(frozen=True, slots=True)
class ParcelNews(Record):
    """What a carrier knows of a parcel beside its status. Absent fields say nothing and overwrite nothing."""

    number: str
    at: datetime
    eta: Window | None = None
    point: PickupPoint | None = None
    deadline: Deadline | None = None
    cod: Cod | None = None
    next: Number | None = None
    relation: Relation | None = None
    told: Told | None = None
    attempts: int | None = None


@dataclass(frozen=True, slots=True)
class Removed(Record):
    """The platform deleted the order (often only an id comes)."""

    ref: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Merged(Record):
    """The order was consolidated into another."""

    ref: str
    into: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Retraction(Record):
    """The sender took one event back: `of` is the `event_id` of a `StatusEvent` or `Checkpoint` of the same order."""

    order_ref: str
    of: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Reread(Record):
    """Only a hint: read this order (`kind=ORDER`, platform ref) or parcel (`kind=PARCEL`, number) again."""

    kind: RefKind
    ref: str


class EventAbout(StrEnum):
    """What an event of a source's own is about."""

    ORDER = "order"
    PARCEL = "parcel"
    CUSTOMER = "customer"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class OwnEvent(Record):
    """Something that only this source knows and that is no status: flows hear of it as `{event: name}`.

    `name`: `a-z`, digits, `-`; `key`: its dedupe key within the source, made of content: told again it is the same.
    `ref`: of an order the platform's own reference, or its number in the same shop; of a parcel its number; of a
    customer their mail address or phone number. `data`: what conditions and texts read as `event.data`.
    """

    name: str
    key: str
    at: datetime
    about: EventAbout = EventAbout.NOTHING
    ref: str = ""
    data: Mapping[str, JsonValue] = field(default_factory=dict)

    def __post_init__(self) -> None:
        Record.__post_init__(self)
        if not self.key:
            raise ValueError("an event needs a key, by which it is known when it is told again")
        if bool(self.ref) is (self.about is EventAbout.NOTHING):
            raise ValueError(f"an event about {self.about} has {'no' if self.ref else 'a'} reference")


class ReceiptState(StrEnum):
    """What became of an attempt, in the channel's words."""

    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Receipt(Record):
    """The channel's word on an attempt, found by `key` (our idempotency key) or `provider_id`.

    A failed receipt says whether the address is dead (`dead_address`) or only this message failed.
    """

    state: ReceiptState
    at: datetime
    key: str = ""
    provider_id: str = ""
    reason: str = ""
    dead_address: bool = False


@dataclass(frozen=True, slots=True)
class Reply(Record):
    """Somebody wrote to us: `address` in this channel (a chat id), free text or a pressed button's `data`."""

    address: str
    text: str
    at: datetime
    event_id: str
    locale: str = ""
    button: str = ""


@dataclass(frozen=True, slots=True)
class Linked(Record):
    """A customer opened our deep link: `token` is ours, `address` is now theirs in this channel."""

    token: str
    address: str
    at: datetime
    locale: str = ""


@dataclass(frozen=True, slots=True)
class ChannelClosed(Record):
    """The customer shut this channel (blocked the bot, called our mail spam) or, with `open=True`, opened it again.

    `word`: they wrote so (stop, start). What that closes depends on the channel (FLOWS 7): on SMS everything, elsewhere
    all but what happens to their orders. `locale` is the language they write in, where the channel knows.
    """

    address: str
    at: datetime
    reason: str = ""
    open: bool = False
    word: bool = False
    locale: str = ""


OrderRecord = OrderSnapshot | StatusEvent | Removed | Merged | Retraction
CarrierRecord = Checkpoint | ParcelNews
ChannelRecord = Receipt | Reply | Linked | ChannelClosed
AnyRecord = OrderRecord | CarrierRecord | ChannelRecord | Reread | OwnEvent
