"""Adapters, and three of their four kinds (the fourth: `_targets`). An adapter is handed its settings, an HTTP client
and the clock; it knows no database, no flow and no other plugin. `normalise` is pure; everything else may talk to the
outside and may raise `FailureError`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar, Generic, TypeVar

import httpx
from pydantic import BaseModel, ConfigDict

from hub.clock import Clock
from hub.model import AnyRecord, EventAbout
from hub.status import Meaning, Shipment

from ._outcomes import Outcome, RefusedError
from ._webhook import Page, Raw, Received, WebhookRequest


class Settings(BaseModel):
    """Base of a plugin's settings: frozen, nothing unknown; secrets are `SecretStr`; each field has a description."""

    model_config = ConfigDict(frozen=True, extra="forbid")


S = TypeVar("S", bound=Settings)


@dataclass(frozen=True, slots=True)
class Limits:
    """How hard an outside system may be asked. `per_second` None: no rate limit; `burst` calls may go at once;
    `answer`: how many bytes of an answer are read at most."""

    concurrency: int = 4
    per_second: float | None = None
    burst: int = 1
    timeout: timedelta = timedelta(seconds=10)
    answer: int = 8 * 1024 * 1024


StatusTables = Mapping[str, Mapping[str, Meaning]]
"""vocabulary → native code (may carry `/qualifier`, may be a pattern) → meaning."""


class Adapter(Generic[S]):
    """What all adapters have. `name` is the plugin word in flows.yaml, `label` what people read."""

    name: ClassVar[str]
    label: ClassVar[str]
    settings_type: ClassVar[type[Settings]]
    limits: ClassVar[Limits] = Limits()
    signed: ClassVar[bool] = True
    """False: webhooks are *declared unsigned*: only believed on an unguessable path, and only as a hint."""

    events: ClassVar[Mapping[str, EventAbout]] = {}
    """Events of its own that it may tell of (`OwnEvent`): name → what they are about. Flows start by them."""

    def __init__(self, settings: S, client: httpx.AsyncClient, clock: Clock, *, connection: str = "") -> None:
        self.settings = settings
        self.client = client
        self.clock = clock
        self.connection = connection or self.name

    def verify(self, request: WebhookRequest) -> Received:
        """Believe a webhook or raise `RefusedError`. Over the exact bytes, before anything is parsed."""
        raise RefusedError(f"{self.name} takes no webhooks")

    def normalise(self, raw: Raw) -> Sequence[AnyRecord]:
        """Records of a raw event, or `UnreadableError`. Pure: the same event always gives equal records."""
        raise NotImplementedError

    async def hello(self) -> str:
        """Make one harmless call that proves the credentials; returns one line for people (no secrets)."""
        raise NotImplementedError

    async def register(self, url: str | None) -> Sequence[str]:
        """See to it that the outside system sends its webhooks to `url` (None: the hub is not reachable, deregister
        nothing and poll). Idempotent; run by `hub connect` and daily. Returns a line for each change it made."""
        return ()

    def expires_at(self) -> datetime | None:
        """When the credential ends and a person has to make another, where the plugin can tell (a token that says so
        itself); None: never, it is renewed by itself, or nobody knows. Makes no call."""
        return None

    @classmethod
    def reaches_private(cls, settings: S) -> bool:
        """Whether its HTTP client may ask addresses that not everyone may reach (a warehouse in the next room)."""
        return True

    async def aclose(self) -> None:
        """Let go of connections that are not the HTTP client's."""

    @classmethod
    def events_of(cls, settings: S) -> Mapping[str, EventAbout]:
        """The events of its own of one connection: the plugin's, and what its settings add."""
        return cls.events

    @classmethod
    def statuses_of(cls, settings: S) -> StatusTables:
        """The status tables of one connection: the plugin's own, and what its settings give a meaning to."""
        tables: StatusTables = getattr(cls, "statuses", {})
        return tables


class WriteBackStatus(StrEnum):
    """What can be asked of a platform."""

    CANCELLED = "cancelled"
    COMPLETED = "completed"
    SHIPPED = "shipped"
    PAID = "paid"


@dataclass(frozen=True, slots=True)
class WriteBack:
    """What to write into the shop's order; absent parts are left alone. `key` makes a repeat recognisable."""

    order_ref: str
    key: str
    status: WriteBackStatus | None = None
    note: str = ""
    tracking_number: str = ""
    tracking_url: str = ""
    carrier: str = ""


@dataclass(frozen=True, slots=True)
class CouponWish:
    """A discount to make in the shop: `percent` or `amount` off a whole order, once, until `valid_until`. The same wish
    comes again after a lost answer, and has the same `code`."""

    key: str
    code: str
    valid_until: datetime
    percent: Decimal | None = None
    amount: Decimal | None = None


class TagScope(StrEnum):
    """What tags are on."""

    ORDER = "order"
    CUSTOMER = "customer"


@dataclass(frozen=True, slots=True)
class TagWish:
    """Tags to put on an order or its customer in the shop, and to take off. `ref`: the platform's own, of whichever
    of the two it is; other tags are left alone."""

    key: str
    scope: TagScope
    ref: str
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


class Platform(Adapter[S]):
    """Where orders come from."""

    statuses: ClassVar[StatusTables]
    coupons: ClassVar[bool] = False
    """Whether it can make discount codes (`make_coupon`)."""
    tags_on: ClassVar[frozenset[TagScope]] = frozenset()
    """What it can put tags on (`tag`)."""
    poll_every: ClassVar[timedelta] = timedelta(minutes=5)
    """How often the safety net is cast; a hub that no webhook can reach polls each minute."""

    async def poll(self, cursor: Any) -> Page:
        """Orders changed since the cursor (None: the first time; the hub treats those pages as an import)."""
        raise NotImplementedError

    async def fetch(self, ref: str) -> Sequence[Raw]:
        """One order as it is now; empty when the platform does not know it."""
        raise NotImplementedError

    async def write_back(self, wish: WriteBack) -> None:
        """Write into the shop, in a way that does not make the shop tell the customer too."""
        raise NotImplementedError

    async def make_coupon(self, wish: CouponWish) -> None:
        """Make a discount code; one that is there already is the same wish again, and is left as it is."""
        raise NotImplementedError

    async def tag(self, wish: TagWish) -> None:
        """Put tags on an order or a customer, and take others off."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class TrackRequest:
    """A parcel to ask about. `phone` (E.164) unlocks details at some carriers; empty when unknown."""

    number: str
    phone: str = ""


class Carrier(Adapter[S]):
    """Who moves parcels."""

    statuses: ClassVar[StatusTables]
    batch: ClassVar[int] = 1
    """How many numbers fit into one request."""
    snapshots: ClassVar[bool] = False
    """True: the carrier answers with a current code only."""
    intervals: ClassVar[Mapping[Shipment | None, timedelta]] = {}
    """Status → how often to ask; what is absent comes from the hub's own table."""
    tells: ClassVar[frozenset[Shipment]] = frozenset()
    """What this carrier announces to every recipient itself, whatever the sender's contract says."""

    def recognises(self, number: str) -> bool:
        """Whether a normalised number (no blanks, upper case) can be this carrier's."""
        return False

    def calls_itself(self, word: str) -> bool:
        """Whether a shop's free-text word for a carrier means this one."""
        return word.casefold().replace(" ", "").replace("_", "") in {
            self.name.replace("_", ""),
            self.label.casefold().replace(" ", ""),
        }

    def tracking_url(self, number: str) -> str:
        """The carrier's own public page for a parcel."""
        raise NotImplementedError

    async def track(self, parcels: Sequence[TrackRequest]) -> Sequence[Raw]:
        """Ask about parcels, in as few requests as the API allows. One raw event per parcel, `subject="parcel:<n>"`."""
        raise NotImplementedError


class Form(StrEnum):
    """The form of a text that a channel speaks."""

    MAIL = "mail"
    CHAT = "chat"
    SMS = "sms"


@dataclass(frozen=True, slots=True)
class Button:
    """A button under a chat message: it opens `url`, or comes back as a `Reply` with `button=data` (≤ 64 bytes)."""

    text: str
    url: str = ""
    data: str = ""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message ready to be handed over.

    `key`: idempotency key, 32 hex digits. `to`: address in this channel. `text`: plain text (chat: the channel's
    escaping is the channel's business; `html` is only for mail). `thread`: key of the first message of the same order,
    so that mails can refer to it. `skeleton`: same value = same template and language, so that a channel may keep what
    it built for it. `unsubscribe_url`: for one-click; empty for purely transactional mail. `silent`: do not ring.
    """

    key: str
    to: str
    text: str
    subject: str = ""
    html: str = ""
    to_name: str = ""
    locale: str = "en"
    thread: str = ""
    skeleton: str = ""
    unsubscribe_url: str = ""
    silent: bool = False
    urgent: bool = False
    buttons: tuple[Button, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


class AddressKind(StrEnum):
    """Which address of a person a channel uses."""

    EMAIL = "email"
    PHONE = "phone"
    LINK = "link"
    """An address that only a deep link can give (a chat id)."""


class Channel(Adapter[S]):
    """How people are reached."""

    form: ClassVar[Form]
    address_kind: ClassVar[AddressKind]
    rings: ClassVar[bool]
    """Whether it makes a noise at night."""
    receipts: ClassVar[bool] = False
    """Whether it can say that a message arrived; whether it does so here, `gives_receipts` says."""
    honours_keys: ClassVar[bool] = False
    buttons_reply: ClassVar[bool] = False
    """Whether a button with `data` comes back as a `Reply`: then surveys are asked inside the chat."""
    receipt_wait: ClassVar[timedelta] = timedelta(minutes=10)
    max_length: ClassVar[int | None] = None
    poll_every: ClassVar[timedelta | None] = None
    """None: nothing to poll for (no receipts or replies can be asked for)."""

    async def send(self, message: Outgoing) -> Outcome:
        """Hand one message over. Never raises for what the other side answers: that is an outcome; `FailureError` of
        the HTTP client may pass through."""
        raise NotImplementedError

    async def poll(self, cursor: Any) -> Page:
        """Receipts and replies since the cursor, for channels that can be asked."""
        raise NotImplementedError

    def gives_receipts(self, url: str | None) -> bool:
        """Whether this connection's receipts reach the hub when webhooks for it would come to `url`."""
        return self.receipts

    def asks_every(self, url: str | None) -> timedelta | None:
        """How often `poll` is to be called when webhooks for this connection would come to `url`; None: not at all."""
        return self.poll_every

    def link_url(self, token: str) -> str | None:
        """A deep link that lets the customer link this channel, or None where there is no such thing."""
        return None
