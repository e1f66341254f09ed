"""What conditions and texts can read (FLOWS 3), declared once: names, fields, their types, and what may be absent.

The checking environment of CEL, the knowledge of what may be missing, and the reference page all come from here.
A `?` stands where FLOWS gives one: what lacks only in odd cases (an order without a total) is not warned about. It is
unknown all the same where it does lack.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from hub.model import PointKind
from hub.status import VALUES, Axis, Fault, Reason

from .model import MessageClass, Severity


class Type(StrEnum):
    """What a field holds. `AMOUNT` is a decimal number (also quantities), `ANY` what nobody declared."""

    TEXT = "text"
    INT = "whole number"
    AMOUNT = "number"
    BOOL = "true or false"
    TIME = "time"
    LENGTH = "length of time"
    ANY = "anything"


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `record` names a record of this table; `many`: a list; `maybe`: may be absent."""

    name: str
    means: str
    type: Type | None = None
    record: str = ""
    many: bool = False
    maybe: bool = False

    @property
    def written(self) -> str:
        """The type in words."""
        inner = self.record or str(self.type)
        return f"list of {inner}" if self.many else inner


_BASIC = {
    "text": Type.TEXT,
    "int": Type.INT,
    "amount": Type.AMOUNT,
    "bool": Type.BOOL,
    "time": Type.TIME,
    "length": Type.LENGTH,
    "any": Type.ANY,
}


def _fields(table: str) -> tuple[Field, ...]:
    """`name? type: meaning` per line; `[type]` is a list."""
    return tuple(_field(line.strip()) for line in table.strip().splitlines())


def _field(line: str) -> Field:
    head, _, means = line.partition(": ")
    name, _, kind = head.partition(" ")
    many, kind = kind.startswith("["), kind.strip("[]")
    basic = _BASIC.get(kind)
    return Field(name.rstrip("?"), means, basic, "" if basic else kind, many, name.endswith("?"))


RECORDS: Mapping[str, tuple[Field, ...]] = {
    "shop": _fields("""
        key text: its name in the file
        name text: what customers know it as
        url text: its address
        country text: two letters
        locale text: its language
        timezone text: its clock, such as Europe/Kyiv
        calendar text: when it works, for working_days and working_hours
        currency text: three letters
    """),
    "event": _fields("""
        name text: the trigger word
        source text: the connection it came from
        occurred_at time: the source's own time
        received_at time: when the hub heard of it
        data any: what a plugin added
        changed [text]: which fields changed
    """),
    "order": _fields("""
        number text: as the customer knows it
        status text: on the order axis
        headline text: what the customer reads
        return_status? text: of the latest return case
        placed_at time: when it was placed
        promised_at? time: what the shop promised
        eta? time: when it is expected
        delay? length: how much later than promised, or first told
        total amount: what is to be paid
        currency text: three letters
        items [item]: what was ordered
        item_count int: how many lines
        tags [text]: the shop's tags
        note? text: the customer's note
        country text: where it goes, two letters
        locale text: the order's language
        address? text: where it goes
        recipient? text: who receives it
        delivery_method? text: as the shop calls it
        wholesale bool: a business order
        gift bool: somebody else receives it
        parcels int: how many parcels there are
        parcels_delivered int: how many have arrived
        reason? text: why it is held or cancelled
        url? text: its page in the shop
        platform text: the plugin it came through
        test bool: a test order
        attributes any: what the shop added
    """),
    "payment": _fields("""
        status text: on the payment axis
        method? text: as the shop calls it
        on_delivery bool: paid when the parcel is handed over
        failures int: how often it failed
        reason? text: why it failed
        due_at? time: by when it must be paid
        url? text: where to pay
        refunded amount: how much went back
    """),
    "customer": _fields("""
        name? text: full name
        first_name? text: first name
        email? text: mail address
        phone? text: phone number
        locale text: their language
        timezone text: their clock
        channels [text]: connections that can reach them
        prefers? text: the channel they asked for
        orders int: earlier orders
        tags [text]: the shop's tags
        consents [text]: such as marketing
        last_heard_at? time: when we last heard from them
        open_questions int: questions without an answer
    """),
    "shipment": _fields("""
        tracking_number? text: the carrier's number
        tracking_url? text: the carrier's page
        carrier text: who moves it
        service? text: the carrier's product
        status? text: on the shipment axis
        reason? text: why it failed, waits or goes back
        fault? text: whose fault that is
        index int: which of the order's parcels this is, from 1
        count int: how many parcels the order has
        failures int: how often the hand-over failed
        eta? time: when it is expected
        window_from? time: the hours of delivery, from
        window_until? time: the hours of delivery, until
        shipped_at? time: when it left
        arrived_at? time: since when it can be collected
        delivered_at? time: when it was handed over
        pickup_deadline? time: until when it can be collected
        pickup_point? pickup_point: where it can be collected
        pickup_code? text: the code that opens the locker
        courier? courier: who brings it
        last? last: the carrier's last word
        items [item]: what is in it
        cash_due? amount: what is paid on delivery
        carrier_tells [text]: what the carrier announces by habit
        carrier_told [text]: what the carrier has announced
    """),
    "pickup_point": _fields("""
        name text: what it is called
        kind text: branch, locker, partner, post_office or shop
        address? text: where it is
        hours? text: when it is open
        url? text: its page
    """),
    "courier": _fields("""
        name? text: the courier's name
        phone? text: the courier's phone
    """),
    "last": _fields("""
        at time: when
        text text: the carrier's words
        place text: where
        native_status text: the carrier's code
    """),
    "item": _fields("""
        sku text: the shop's number for it
        name text: what it is called
        quantity amount: how many
        price amount: for one
        categories [text]: the shop's categories
        back_ordered bool: not in stock
        image_url text: a picture
    """),
    "question": _fields("""
        text text: what was asked
        topic text: status, complaint, return, address or other
        channel text: by which it came
        asked_at time: when
        about? text: the order's number
    """),
    "answer": _fields("""
        survey text: its name in the file
        nps? int: would recommend, 0 to 10
        scores any: question → what was given
        text? text: in the customer's own words
        complete bool: all questions were answered
    """),
    "message": _fields("""
        template text: the name of its text
        class text: transactional, feedback or marketing
        flow text: the flow that said it
        channel? text: by which it went, or was tried last
        outcome text: its state, and why
        tried [text]: the channels that were tried
        sent_at? time: when it went out
        reached bool: it reached somebody
    """),
    "connection": _fields("""
        name text: its name in the file
        kind text: platform, carrier, channel or target
        plugin text: what it runs on
        last_event_at? time: when it was last heard from
        silent_for? length: since then
        error? text: what is wrong
        expires_at? time: when its credential ends
    """),
    "unmapped": _fields("""
        code text: as the outside system writes it
        connection text: where it was seen
        parcels int: how many times so far
        first_seen_at time: since when
    """),
    "report": _fields("""
        since time: when its period began
        until time: when its period ended
        orders int: how many came in
        delivered int: how many parcels were handed over
        messages_sent int: what went out to customers
        messages_failed int: what reached nobody
        escalations_opened int: matters that were raised
        escalations_overdue int: those that were not resolved in time
        escalations_open int: those that are open now
    """),
    "escalation": _fields("""
        id text: its number
        reason text: why it was raised
        severity text: low, normal, high or critical
        owner? text: who took it
        due_at time: by when it must be resolved
        level int: how far up the ladder it is
        choice? text: what the person chose
        flow text: the flow that raised it
    """),
    "response": _fields("""
        status int: 200 to 299
        text text: what came, as it is
        json? any: what came, where it is JSON
    """),
}
"""Every record, by the name that stands behind a dot."""

NAMES: Mapping[str, Field] = {
    each.name: each
    for each in _fields("""
        shop shop: the shop the order belongs to
        now time: the present moment
        started_at time: when the run began
        event event: what started the run
        order order: the order
        payment payment: how it is paid
        customer customer: who ordered
        shipments [shipment]: all parcels of the order
        shipment shipment: the parcel this run is about
        entered_at time: when the subject came into its status
        question question: what the customer asked
        answer answer: what the customer answered
        message message: the message that this is about
        connection connection: the connection that this is about
        unmapped unmapped: the code that nobody has mapped
        report report: the figures of the time since it was last due
        escalation? escalation: after an `escalate` in the run
        saved? any: what a `call` kept of its answer
        response response: what a `call` was answered
        waited? text: after a `wait`: the trigger that came, `that`, or `""` when time was up: `waited != ""`
    """)
}
"""What an expression can begin with."""

LATER_NAMES = frozenset({"coupon", "param", "promise"})
"""Names of the language (FLOWS 3, 10) that no trigger and no step of this version offers."""

TEXT_NAMES = frozenset({"orders", "notice", "link", "loop"})
"""What texts know beside these names."""
KEYWORDS = frozenset({"and", "or", "not", "in", "is", "if", "elif", "else", "for", "true", "false", "none"})
"""Words of the language of texts, which cannot be names in it."""

_ALWAYS = frozenset({"shop", "now", "started_at", "event"})
_WITH_ORDER = _ALWAYS | {"order", "payment", "customer", "shipments"}
_STATUS = _WITH_ORDER | {"entered_at"}
OFFERS: Mapping[Axis, frozenset[str]] = {
    Axis.ORDER: _STATUS,
    Axis.PAYMENT: _STATUS,
    Axis.RETURN: _STATUS,
    Axis.SHIPMENT: _STATUS | {"shipment"},
}
"""What the triggers of an axis offer."""


@dataclass(frozen=True, slots=True)
class News:
    """A trigger that is no status: what its run is about, what it offers, and when it comes."""

    kind: str
    offers: frozenset[str]
    means: str


def _news() -> Iterator[tuple[str, News]]:
    about_order, about_shipment = _WITH_ORDER, _WITH_ORDER | {"shipment"}
    yield "order.changed", News("order", about_order, "items, address or dates changed; no status moved")
    yield "shipment.changed", News("shipment", about_shipment, "number, dates or pickup point changed")
    yield "customer.asked", News("question", about_order | {"question"}, "the customer asked something")
    yield "customer.ordered", News("order", about_order, "the same customer placed another order")
    yield "survey.answered", News("answer", about_order | {"answer"}, "a survey was answered")
    for word, means in (("delivered", "reached the customer"), ("failed", "could not reach anybody")):
        yield f"message.{word}", News("message", about_order | {"message"}, f"a message {means}")
    for word, means in (("acknowledged", "somebody took it"), ("resolved", "it is done"), ("overdue", "it is late")):
        yield f"escalation.{word}", News("escalation", about_order | {"escalation"}, f"of a matter: {means}")
    yield "status.unmapped", News("connection", _ALWAYS | {"connection", "unmapped"}, "a code that nobody has mapped")
    yield "status.contradiction", News("order", about_order, "a final status against a final status")
    yield "status.flagged", News("order", about_order, "a known code that only staff should see")
    yield "connection.failing", News("connection", _ALWAYS | {"connection"}, "a connection fails again and again")
    yield "connection.expiring", News("connection", _ALWAYS | {"connection"}, "a credential ends within 14 days")


NEWS: Mapping[str, News] = dict(_news())
"""Triggers that are no status, as they are written."""


def _given() -> Iterator[tuple[str, News]]:
    for axis, values in VALUES.items():
        kind = "shipment" if axis is Axis.SHIPMENT else "order"
        for value in values:
            yield f"stalled.{axis}.{value}", News(kind, OFFERS[axis], f"{axis} has been {value} for so long")
    yield "stalled.shipment", News("shipment", OFFERS[Axis.SHIPMENT], "no word at all of the parcel for so long")
    yield "stalled.connection", News("connection", _ALWAYS | {"connection"}, "no event from it for so long")
    yield "late.order", News("order", _WITH_ORDER, "later than the customer was told")
    yield "late.shipment", News("shipment", _WITH_ORDER | {"shipment"}, "later than the customer was told")
    yield "schedule", News("shop", _ALWAYS | {"report"}, "on the shop's clock")
    yield "button", News("order", _WITH_ORDER, "staff pressed it")


GIVEN: Mapping[str, News] = dict(_given())
"""Triggers that are written as a map and given something (a length, a cron line, a label), by their runs' word."""
IN_STEPS: Mapping[str, str] = {"waited": "wait", "escalation": "escalate", "saved": "call"}
"""Names that appear inside a run, and the step behind which they are there."""
IN_SAVE = "response"
"""The name that is there in the `save` of a call, and nowhere else."""

EVERYTHING = frozenset(NAMES) - (IN_STEPS.keys() - {"escalation"}) - {IN_SAVE}
"""All that triggers of this version offer."""
UNKNOWN_TRIGGER = EVERYTHING
"""For a flow whose triggers are not known, or of a later version, which offer more: none of its names is then said to
be missing."""

ROLL_UP = "order.delivered"
"""The only trigger that is no status of its axis: the last open parcel was handed over."""


def trigger_words() -> Iterator[str]:
    """All triggers of this version, as they are written."""
    for axis, values in VALUES.items():
        for value in values:
            yield f"{axis}.{value}"
        if axis is Axis.ORDER:
            yield ROLL_UP


TRIGGERS: tuple[str, ...] = tuple(trigger_words())
"""Those that are a status of an axis, and the roll-up."""
WORDS: tuple[str, ...] = (*TRIGGERS, *NEWS)
"""Every trigger that is one word."""
QUESTION_TOPICS = ("status", "complaint", "return", "address", "other")


def _closed() -> Iterator[tuple[tuple[str, str], tuple[str, ...]]]:
    statuses = {("order", "status"): Axis.ORDER, ("order", "return_status"): Axis.RETURN}
    statuses |= {("payment", "status"): Axis.PAYMENT, ("shipment", "status"): Axis.SHIPMENT}
    yield from ((field, tuple(map(str, VALUES[axis]))) for field, axis in statuses.items())
    yield from (((record, "reason"), tuple(Reason)) for record in ("order", "payment", "shipment"))
    yield ("shipment", "fault"), tuple(Fault)
    yield ("pickup_point", "kind"), tuple(PointKind)
    yield ("escalation", "severity"), tuple(Severity)
    yield ("question", "topic"), QUESTION_TOPICS
    yield ("message", "class"), tuple(MessageClass)
    yield ("connection", "kind"), ("platform", "carrier", "channel", "target")
    yield ("", "waited"), (*WORDS, "that", "")


CLOSED: Mapping[tuple[str, str], tuple[str, ...]] = dict(_closed())
"""Record and field (a name stands under "") → the words it may hold, where they are a closed list."""


def axis_of_word(word: str) -> Axis | None:
    """The axis of a trigger word; None: it is no status."""
    return Axis(word.partition(".")[0]) if word in _STATUS_WORDS else None


_STATUS_WORDS = frozenset(TRIGGERS)


def offers_of(word: str) -> frozenset[str]:
    """The names that a trigger offers."""
    axis = axis_of_word(word)
    return OFFERS[axis] if axis is not None else (NEWS.get(word) or GIVEN[word]).offers


def kind_of_word(word: str) -> str:
    """What a run of this trigger is about."""
    axis = axis_of_word(word)
    if axis is None:
        return (NEWS.get(word) or GIVEN[word]).kind
    return "shipment" if axis is Axis.SHIPMENT else "order"


def offered(words: tuple[str, ...]) -> frozenset[str]:
    """The names that all of these triggers offer."""
    sets = [offers_of(word) for word in words]
    return frozenset.intersection(*sets) if sets else _ALWAYS


def field_of(path: tuple[str, ...]) -> Field | None:
    """The field at the end of `("shipment", "pickup_point", "name")`, or None when nothing is declared there."""
    found = NAMES.get(path[0])
    for word in path[1:]:
        if found is None or not found.record:
            return None
        found = next((each for each in RECORDS[found.record] if each.name == word), None)
    return found


def words_of(path: tuple[str, ...]) -> tuple[str, ...]:
    """The closed list of words that the field at the end of a path may hold, or () when it holds anything."""
    owner = field_of(path[:-1]) if path[:-1] else None
    return CLOSED.get((owner.record if owner is not None else "", path[-1]), ())


def maybes_in(path: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """The parts of a path that may be absent, shortest first; () when all of it is always there."""
    ends = range(1, len(path) + 1)
    return tuple(path[:end] for end in ends if (found := field_of(path[:end])) is not None and found.maybe)
