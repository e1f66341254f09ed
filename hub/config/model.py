"""A merchant's configuration, typed, checked and frozen. One file (with its includes) is one tenant."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from hub.plugin import Adapter, Settings
from hub.status import Meaning, Shipment

from .lengths import OFFICE, Length
from .lengths import Hours as Hours
from .questions import Survey


@dataclass(frozen=True, slots=True)
class HubSettings:
    """`hub:` — `public_url` without a trailing slash, or None: then the hub lives by polling alone. `data` is a path
    that the file's own folder has been joined to."""

    public_url: str | None = None
    listen: str = "127.0.0.1:8080"
    data: Path = Path("data")
    database: str | None = None


@dataclass(frozen=True, slots=True)
class Support:
    """How a customer reaches a person of the shop."""

    phone: str = ""
    email: str = ""
    url: str = ""


PLAIN = "plain"
VOICES = (PLAIN, "parcel")
"""How a shop can speak: in the plain texts, or as the parcel itself where there is such a text."""


@dataclass(frozen=True, slots=True)
class Shop:
    """One shop. `locale` is one of the locales that texts exist in, else English is used."""

    key: str
    name: str
    url: str = ""
    country: str = ""
    locale: str = "en"
    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    currency: str = ""
    hours: Hours = OFFICE
    """When it works; working lengths count within these, unless a staff group has its own."""
    support: Support = Support()
    returns_url: str = ""
    voice: str = PLAIN
    connections: Mapping[str, str] = field(default_factory=dict)
    """What a route's word means in this shop: `{mail: ziarno-mail}`."""


@dataclass(frozen=True, slots=True)
class Connection:
    """One configured instance of a plugin. `settings` is the plugin's own model, the rest is the hub's."""

    name: str
    kind: str  # platform, carrier, channel
    plugin: str
    adapter: type[Adapter[Any]]
    settings: Settings
    shop: str | None = None
    uncertain: str = "maybe_twice"  # or maybe_never
    completed_means: str = "shipped"  # or delivered
    storage: Mapping[str, timedelta] = field(default_factory=dict)
    poll_every: timedelta | None = None
    expires: date | None = None
    tells: frozenset[Shipment] = frozenset()
    """What a carrier announces itself."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """When channels that ring keep silent, on the recipient's clock. `channels` None: those that ring."""

    start: time
    end: time
    channels: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Cap:
    """No more than `at_most` within `per` (sliding) for one customer, by channel connection or class."""

    at_most: int
    per: timedelta
    channel: str | None = None
    cls: str | None = None
    providers: frozenset[str] = frozenset()
    """The channels that `channel` stands for, where it is a failover."""

    def counts(self, connection: str) -> bool:
        """Whether what goes by this channel is counted."""
        return self.channel is None or connection == self.channel or connection in self.providers


@dataclass(frozen=True, slots=True)
class Unheard:
    """Whom to tell when nobody could be reached with a transactional message."""

    escalate: str
    due: Length | None = None


@dataclass(frozen=True, slots=True)
class PromiseRule:
    """What becomes of a promise that would run out unkept: `template` promises anew, at most so often in a row, then
    `escalate` is asked."""

    template: str
    escalate: str
    via: str | tuple[str, ...] = "default"
    at_most: int = 2


@dataclass(frozen=True, slots=True)
class BreakerRule:
    """More messages of a flow in an hour than `floor`, and than `times` the usual, are held."""

    floor: int = 50
    times: int = 5


@dataclass(frozen=True, slots=True)
class Contact:
    """The merchant's rules for reaching customers (FLOWS 7)."""

    routes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    quiet: Quiet | None = None
    settle: timedelta = timedelta(minutes=1)
    receipt: Mapping[str, timedelta] = field(default_factory=dict)
    caps: tuple[Cap, ...] = ()
    fresh: timedelta = timedelta(hours=24)
    unheard: Unheard | None = None
    promise: PromiseRule | None = None
    breaker: BreakerRule = BreakerRule()
    silent: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Rung:
    """A staff group: one rung of the ladder. `via`: channel connections in the order tried."""

    name: str
    people: tuple[str, ...]
    via: tuple[str, ...]
    acknowledge: timedelta = timedelta(minutes=30)
    then: str | None = None
    hours: Hours | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the staff. `addresses`: channel connection → address (never shown in a repr or a log)."""

    key: str
    name: str
    locale: str = "en"
    addresses: Mapping[str, str] = field(default_factory=dict, repr=False)
    unread: frozenset[str] = frozenset()
    """Channels by which an address stands in the file and could not be read (a secret that is not set)."""

    def reached_by(self, channels: Iterable[str]) -> bool:
        """Whether an address of theirs stands in the file for any of these channels."""
        return any(each in self.addresses or each in self.unread for each in channels)


@dataclass(frozen=True, slots=True)
class Config:
    """Everything a flows.yaml says. `flows` maps a name to `hub.flows.model.Flow` (compiled above this floor)."""

    path: Path
    hub: HubSettings
    shops: Mapping[str, Shop]
    connections: Mapping[str, Connection]
    failovers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """name → providers: channel connections of one kind, the first tried first. It stands wherever a channel may."""
    contact: Contact = Contact()
    contacts: Mapping[str, Contact] = field(default_factory=dict)
    """shop → its own rules, whole, where it has any."""
    staff: Mapping[str, Rung] = field(default_factory=dict)
    people: Mapping[str, Person] = field(default_factory=dict)
    statuses: Mapping[str, Mapping[str, Meaning]] = field(default_factory=dict)
    """connection → native code or pattern → meaning: the merchant's own tables, asked first."""
    surveys: Mapping[str, Survey] = field(default_factory=dict)
    flows: Mapping[str, Any] = field(default_factory=dict)
    tests: tuple[Any, ...] = ()
    """What was agreed (`hub.flows.cases.Case`), read above this floor as flows are."""
    policies: Mapping[str, Any] = field(default_factory=dict)
    """name → `hub.flows.policies.Policy`"""
    digest: str = ""
    sources: Mapping[str, str] = field(default_factory=dict, repr=False)
    """File → its text, secrets masked."""
    messages: Path | None = None
    """Folder of the merchant's own templates (`messages/` beside the file), if there is one."""

    def shop_of(self, connection: str) -> Shop:
        """The shop a platform connection feeds (the only one, when none is named)."""
        named = self.connections[connection].shop
        return self.shops[named] if named else next(iter(self.shops.values()))

    def contact_of(self, shop: Shop) -> Contact:
        """The rules for reaching the customers of a shop."""
        return self.contacts.get(shop.key, self.contact)

    @property
    def all_contacts(self) -> tuple[Contact, ...]:
        """The rules of the file, and those of the shops that have some of their own."""
        return (self.contact, *self.contacts.values())

    def providers(self, name: str) -> tuple[str, ...]:
        """The channel connections that a name stands for: those of a failover, or itself."""
        return self.failovers.get(name, (name,))
