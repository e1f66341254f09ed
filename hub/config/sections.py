"""The sections of a flows.yaml beside its flows, as declared shapes: parsing, checking and documents use these."""

from datetime import date, time, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from .kinds import Kept
from .lengths import Length
from .scalars import (
    Kind,
    read_clocks,
    read_country,
    read_currency,
    read_day,
    read_flow_length,
    read_hours,
    read_listen,
    read_locale,
    read_name,
    read_plain_length,
    read_receipt,
    read_region,
    read_rest_day,
    read_settle,
    read_share,
    read_span,
    read_url,
    read_zone,
)
from .settings import Shape

Day = Annotated[date, Kind("a day such as 2026-12-31", read_day)]
RestDay = Annotated[str, Kind("a day such as 2026-12-31, or 12-31 for every year", read_rest_day)]
Region = Annotated[str, Kind("a country such as UA, a part of one such as DE-BY, or none", read_region)]
Span = Annotated[timedelta, Kind("a length of time such as 3d", read_span)]
LengthText = Annotated[Length, Kind("a length of time such as 3d or 4h working", read_flow_length)]
PlainLengthText = Annotated[Length, Kind("a length of time such as 3d", read_plain_length)]
SettleSpan = Annotated[timedelta, Kind("a length of time such as 1m", read_settle)]
ReceiptSpan = Annotated[timedelta, Kind("a length of time such as 10m", read_receipt)]
Name = Annotated[str, Kind("a name", read_name)]
Share = Annotated[int, Kind("a share of customers such as 5%", read_share)]
Locale = Annotated[str, Kind("a language such as uk", read_locale)]
Zone = Annotated[ZoneInfo, Kind("a time zone such as Europe/Kyiv", read_zone)]
Url = Annotated[str, Kind("an address such as https://shop.example", read_url)]
Country = Annotated[str, Kind("a country such as UA", read_country)]
Currency = Annotated[str, Kind("a currency such as UAH", read_currency)]
Listen = Annotated[str, Kind("an address such as 127.0.0.1:8080", read_listen)]
Clocks = Annotated[tuple[time, time], Kind("a span such as 21:00-08:00", read_clocks)]
HoursText = Annotated[tuple[frozenset[int], time, time], Kind("hours such as Mon-Sat 09:00-19:00", read_hours)]

TOP: dict[str, str] = {
    "version": "The language's version; `1`.",
    "include": "Files to merge into this one: a path, or a list; patterns such as `more/*.yaml`.",
    "hub": "Where the hub lives and listens.",
    "shop": "The one shop; or `shops`.",
    "shops": "Name → shop.",
    "connections": "Name → `platform`, `carrier`, `channel` or `target`, and that plugin's settings; or `failover`.",
    "contact": "How customers are reached.",
    "staff": "Group → who is told when a person must act.",
    "people": "Person → name, language, and an address by channel connection.",
    "statuses": "Connection → the merchant's own map of native codes.",
    "steps": "Name → a list of steps that flows use with `do`.",
    "surveys": "Name → questions to a customer.",
    "flows": "Name → flow.",
    "policies": "Name → a sentence that must always hold.",
    "tests": "What was agreed: these events at these times, these messages expected (`hub flows test`).",
}


class HubShape(Shape):
    """`hub`"""

    public_url: Url | None = Field(
        None, description="The hub's address for links and webhooks; without it the hub polls."
    )
    listen: Listen = Field("127.0.0.1:8080", description="Address and port to listen on.")
    data: str = Field("data", min_length=1, description="Folder for the database and the keys, relative to the file.")
    database: str | None = Field(None, description="`postgresql://…`; default: SQLite in `data`.")


class SupportShape(Shape):
    """`support` of a shop"""

    phone: str = Field("", description="Phone number, as people should read it.")
    email: str = Field("", description="Mail address.")
    url: str = Field("", description="A page where people can ask.")


class ConnectionShape(Shape):
    """Hub's own settings of a connection, beside the plugin's"""

    platform: str | None = Field(None, description="The platform plugin: where orders come from.")
    carrier: str | None = Field(None, description="The carrier plugin: who moves parcels.")
    channel: str | None = Field(None, description="The channel plugin: how people are reached.")
    target: str | None = Field(None, description="The target plugin: where flows may call.")
    shop: Name | None = Field(None, description="Platforms: whose orders these are (needed with several shops).")
    completed_means: Literal["shipped", "delivered"] = Field(
        "shipped", description="Platforms: what the shop's word *completed* says of parcels that no carrier follows."
    )
    uncertain: Literal["maybe_twice", "maybe_never"] = Field(
        "maybe_twice", description="Channels: what to do when it is not known whether a message went out."
    )
    storage: dict[str, Span] = Field(
        {},
        description="Kind of pickup point → how long a parcel is kept there; platforms: at the counter, `shop`.",
    )
    poll_every: Span | None = Field(None, description="How often to ask; default: the plugin's own.")
    expires: Day | None = Field(
        None, description="The day on which its key or token ends, where that is known: `connection.expiring`."
    )
    tells: list[str] | None = Field(
        None,
        description="Carriers: statuses of parcels that this carrier announces itself, so that we do not ring as well; "
        "default: the plugin's own.",
    )
    failover: list[str] = Field(
        [], description="Instead of a plugin: channels of one kind, the next one where the fault is the provider's."
    )


KINDS = ("platform", "carrier", "channel", "target")
FAILOVER = "failover"
KEYS_OF_KIND: dict[str, frozenset[str]] = {
    "platform": frozenset({"platform", "shop", "completed_means", "storage", "poll_every", "expires"}),
    "carrier": frozenset({"carrier", "storage", "poll_every", "expires", "tells"}),
    "channel": frozenset({"channel", "uncertain", "poll_every", "expires"}),
    "target": frozenset({"target", "expires"}),
}


class QuietShape(Shape):
    """`quiet`, written out"""

    hours: Clocks = Field(description="From and to, on the recipient's clock: `21:00-08:00`.")
    channels: list[str] | None = Field(None, description="Which channels keep quiet; default: those that ring.")


class CapShape(Shape):
    """An item of `caps`"""

    at_most: int = Field(ge=0, le=10_000, description="So many messages …")
    per: Span = Field(description="… within this time, for one customer.")
    channel: str | None = Field(None, description="Only messages of this channel connection.")
    class_: Literal["transactional", "feedback", "marketing"] | None = Field(
        None, alias="class", description="Only messages of this class."
    )


class UnheardShape(Shape):
    """`unheard`"""

    escalate: str = Field(description="The staff group to tell.")
    due: LengthText | None = Field(None, description="By when it must be resolved.")


class PromiseShape(Shape):
    """`promise`"""

    template: Name = Field(description="The text that is sent when a promise would run out unkept; it promises anew.")
    via: Name | Annotated[list[str], Field(min_length=1, max_length=6)] = Field(
        "default", description="A route, or a list of channels in the order in which they are tried."
    )
    at_most: int = Field(2, ge=0, le=10, description="How often in a row; then a person is asked.")
    escalate: str = Field(description="The staff group to ask.")


class BreakerShape(Shape):
    """`breaker`"""

    floor: int = Field(50, ge=1, le=1_000_000, description="So many messages of one flow in an hour are never held.")
    times: int = Field(
        5, ge=1, le=1_000, description="More than so many times the usual of that weekday and hour are held."
    )


class ContactShape(Shape):
    """`contact`"""

    routes: dict[str, list[str]] = Field({}, description="Name → channels, in the order in which they are tried.")
    quiet: Clocks | QuietShape | None = Field(None, description="When channels that ring keep silent.")
    settle: SettleSpan = Field(
        timedelta(minutes=1), description="What happens within this time is told once, about the newest."
    )
    receipt: dict[str, ReceiptSpan] = Field(
        {}, description="Channel → how long to wait for its receipt before the next is tried."
    )
    caps: list[CapShape] = Field([], description="No more messages than this for one customer.")
    fresh: Span = Field(timedelta(hours=24), description="An event older than this starts nothing.")
    unheard: UnheardShape | None = Field(None, description="Whom to tell when nobody could be reached.")
    promise: PromiseShape | None = Field(
        None, description="What becomes of a promise (`notify`) that runs out; without it a person is asked."
    )
    breaker: BreakerShape = Field(
        BreakerShape.model_validate({}), description="When a flow speaks so much more than usual that it is held."
    )
    silent: list[str] = Field([], description="Statuses that are deliberately not told.")


class CalendarShape(Shape):
    """`calendar`, written out"""

    country: Region | None = Field(
        None, description="Whose public holidays are free: a country, a part of one, or `none`; the shop's if absent."
    )
    also: list[RestDay] = Field([], description="Days on which the shop rests too.")
    except_: list[RestDay] = Field([], alias="except", description="Days on which it works all the same.")


class ShopShape(Shape):
    """`shop`, or an entry of `shops`"""

    name: str = Field(min_length=1, max_length=200, description="What customers know the shop as.")
    url: Url | None = Field(None, description="The shop's address.")
    country: Country | None = Field(None, description="Two letters; decides how phone numbers are read.")
    locale: Locale = Field("en", description="The shop's language.")
    timezone: Zone = Field(ZoneInfo("UTC"), description="The shop's clock.")
    currency: Currency | None = Field(None, description="Three letters.")
    hours: HoursText | None = Field(
        None,
        description="When the shop works, on its own clock: working time counts within; Mon-Fri 09:00-18:00 if absent.",
    )
    calendar: Region | CalendarShape | None = Field(
        None, description="On which days nobody works: the public holidays of the shop's `country` if absent."
    )
    support: SupportShape = Field(SupportShape.model_validate({}), description="How a customer reaches a person.")
    returns_url: Url | None = Field(None, description="Where the return policy stands.")
    connections: dict[str, Name] = Field(
        {}, description="What a route's word means in this shop: `{mail: ziarno-mail}`."
    )
    voice: Literal["plain", "parcel"] = Field(
        "plain", description="Who speaks in messages about parcels: the shop, or the parcel itself."
    )
    contact: ContactShape | None = Field(
        None, description="Rules of this shop's own: each key replaces that of the file's `contact`."
    )


class RungShape(Shape):
    """An entry of `staff`"""

    people: list[str] = Field(min_length=1, description="All are told; the first to take it owns it.")
    via: list[str] = Field(min_length=1, max_length=6, description="Channel connections, in the order tried.")
    hours: HoursText | None = Field(None, description="Outside these hours only critical matters ring.")
    acknowledge: Span = Field(
        timedelta(minutes=30), description="Not taken within this time: the next rung is told too."
    )
    then: str | None = Field(None, description="The next rung.")


class PersonShape(Shape):
    """An entry of `people`"""

    name: str = Field(min_length=1, max_length=200, description="What the person is called.")
    locale: Locale = Field("en", description="The language in which the person is told.")


class MeaningShape(Shape):
    """A row of `statuses`, written out"""

    to: str | None = Field(None, description="`axis.status`; absent with a reason: only staff are told.")
    reason: str | None = Field(None, description="Why, as listed in the status model.")


class QuestionShape(Shape):
    """An item of `questions`, written out"""

    key: Name = Field(description="What its answers are called in `answer.scores`.")
    kind: Literal["stars", "recommend", "yes_no", "text"] = Field(
        description="1 to 5, 0 to 10 (would you recommend), yes or no, or words."
    )
    text: dict[str, str] = Field(description="Language → the question.")


class SurveyShape(Shape):
    """An entry of `surveys`"""

    template: Name = Field(description="The text that invites; `<template>-reminder` reminds.")
    open: Span = Field(timedelta(days=14), description="How long answers are taken.")
    remind: Span | None = Field(None, description="How long after the invitation to remind, once; default: never.")
    questions: Annotated[list[Name | QuestionShape], Field(min_length=1)] | None = Field(
        None, description="Shipped questions by key, or your own; default: the shipped five and a comment."
    )


class ListShape(Shape):
    """An entry of `steps`"""

    takes: dict[str, Literal["length", "int", "number", "text", "bool", "channels", "template"]] = Field(
        {}, description="Parameter → its type; `$name` in the steps stands for its value, `param.name` inside texts."
    )
    steps: Kept = Field(title="a list of steps", description="What is done where a flow says `do`.")


SECTIONS: tuple[tuple[str, type[Shape]], ...] = (
    ("hub", HubShape),
    ("shop, shops", ShopShape),
    ("calendar", CalendarShape),
    ("support", SupportShape),
    ("connections", ConnectionShape),
    ("contact", ContactShape),
    ("quiet", QuietShape),
    ("caps", CapShape),
    ("unheard", UnheardShape),
    ("promise", PromiseShape),
    ("breaker", BreakerShape),
    ("staff", RungShape),
    ("people", PersonShape),
    ("statuses", MeaningShape),
    ("steps", ListShape),
    ("surveys", SurveyShape),
    ("questions", QuestionShape),
)
"""For the reference page."""
