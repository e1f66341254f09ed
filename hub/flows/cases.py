"""`tests:` of a flows.yaml, read: what is given, what happens when, and what must come of it (FLOWS 12)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, get_args

from pydantic import Field

from hub.config.kinds import Kept, found
from hub.config.lengths import Length, first_real
from hub.config.model import Config, Shop
from hub.config.problems import Place, Problem, in_order, instead, listed, quoted
from hub.config.scalars import Kind, MistakeError, read_flow_length
from hub.config.sections import Country, Currency, Locale
from hub.config.settings import Reading, Shape, not_yet, read_settings
from hub.config.yaml import ListNode, MapNode, Node, Scalar, parse
from hub.model import PointKind
from hub.status import Order, Payment, Reason, Return, Shipment

from .model import Flow
from .scope import Known, Scope

MAX_CASES = 5_000
STANDS = "+30d"
"""How long after its last line a case ends that does not say so."""
EVENT_KINDS = (
    "order", "payment", "shipment", "return", "event", "asked", "answered", "button", "acknowledge", "resolve",
    "change", "receipt", "fail", "native", "ordered",
)  # fmt: skip
RESULT_KINDS = (
    "message", "deferred", "suppressed", "escalation", "call", "write_back", "tag", "coupon", "survey",
)  # fmt: skip
FAILS = ("transient", "permanent", "suppress", "blocked", "config", "unknown", "silent", "nothing")
RECEIPTS = ("delivered", "read", "failed", "none")
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(Z|[+-]\d\d:?\d\d)?)?")


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as written: on the shop's clock (`wall`, naive), exact (`wall`, aware), or so much after the line
    before."""

    wall: datetime | None = None
    later: Length | None = None


def read_moment(text: str) -> Moment:
    """`2026-03-02T10:00`, `2026-03-02`, with a zone where it has one; `+2h`."""
    text = text.strip()
    if text.startswith("+"):
        return Moment(later=read_flow_length(text[1:]))
    written = _MOMENT.fullmatch(text)
    try:
        if written is None:
            raise ValueError
        return Moment(datetime.fromisoformat(text.replace(" ", "T")))
    except ValueError:
        said = f"{quoted(text)} is not a time; write it like 2026-03-02T10:00, or +2h after the line before"
        raise MistakeError("bad-time", said) from None


def resolved(moment: Moment, shop: Shop, before: datetime | None) -> datetime | None:
    """The instant in UTC; None: it counts from a line before, and there is none."""
    if moment.later is not None:
        return moment.later.after(before, shop.timezone, shop.hours) if before is not None else None
    assert moment.wall is not None
    return moment.wall.astimezone(UTC) if moment.wall.tzinfo else first_real(moment.wall, shop.timezone)


def _status(axis: type[Any], name: str) -> Kind:
    def read(text: str) -> Any:
        words = [str(each) for each in axis]
        if text not in words:
            meant = instead(text, words, f"a status of the {name} axis")
            raise MistakeError("unknown-status", f"there is no {name} status {quoted(text)}{meant}")
        return axis(text)

    return Kind(f"a status of the {name} axis", read)


At = Annotated[Moment, Kind("a time such as 2026-03-02T10:00 or +2h", read_moment)]
OrderStatus = Annotated[Order, _status(Order, "order")]
PaymentStatus = Annotated[Payment, _status(Payment, "payment")]
ShipmentStatus = Annotated[Shipment, _status(Shipment, "shipment")]
ReturnStatus = Annotated[Return, _status(Return, "return")]


# ------------------------------------------------------------------------------------------------ what is given


class ItemShape(Shape):
    """An item of `items`"""

    name: str = Field(min_length=1, description="What it is called.")
    sku: str = Field("", description="The shop's own number for it.")
    quantity: Decimal = Field(Decimal(1), gt=0, description="How many.")
    price: Decimal | None = Field(None, description="Price of one.")
    categories: list[str] = Field([], description="Categories of the shop.")


class AddressShape(Shape):
    """`address` of an order"""

    name: str = Field("", description="Who receives it.")
    street: str = Field("", description="Street and house.")
    city: str = Field("", description="Town.")
    postcode: str = Field("", description="Postcode.")
    country: Country | None = Field(None, description="Two letters; default: the shop's.")


class OrderGiven(Shape):
    """`order`"""

    number: str = Field("1001", description="Its number.")
    status: OrderStatus | None = Field(None, description="Where it stands; default: received.")
    reason: Reason | None = Field(None, description="Why it stands there.")
    total: Decimal | None = Field(None, ge=0, description="What it costs.")
    currency: Currency | None = Field(None, description="Three letters; default: the shop's.")
    placed_at: At | None = Field(None, description="When it was placed; default: when the state stands.")
    promised_at: At | None = Field(None, description="When it was promised to come.")
    items: list[ItemShape] = Field([], description="What was ordered.")
    tags: list[str] = Field([], description="The shop's tags on it.")
    note: str = Field("", description="What the customer wrote.")
    address: AddressShape | None = Field(None, description="Where it goes.")
    delivery_method: str = Field("", description="How it is delivered, as the shop says.")
    url: str = Field("", description="Its page in the shop.")
    wholesale: bool = Field(False, description="Whether a business ordered.")
    gift: bool = Field(False, description="Whether it is a gift.")
    test: bool = Field(False, description="Whether the shop calls it a test.")
    attributes: dict[str, Any] = Field({}, description="What the shop or a plugin adds.")


class PaymentGiven(Shape):
    """`payment`"""

    status: PaymentStatus | None = Field(None, description="Where it stands.")
    reason: Reason | None = Field(None, description="Why it stands there.")
    method: str = Field("", description="How, as the shop says.")
    on_delivery: bool = Field(False, description="Cash on delivery; so also with that status.")
    due_at: At | None = Field(None, description="By when it is due.")
    url: str = Field("", description="Where it can be paid.")
    refunded: Decimal | None = Field(None, ge=0, description="How much has been refunded.")


class PointShape(Shape):
    """`pickup_point`"""

    kind: PointKind = Field(PointKind.BRANCH, description="What sort of place it is.")
    name: str = Field("", description="What it is called.")
    address: str = Field("", description="Where it is.")
    hours: str = Field("", description="When it is open: `Mo-Fr 08:00-21:00`.")


class ShipmentGiven(Shape):
    """`shipment`, or an item of `shipments`"""

    carrier: str = Field("", description="The carrier connection that follows it; default: the shop speaks of it.")
    tracking_number: str = Field("", description="Its number.")
    tracking_url: str = Field("", description="The shop's own page for it.")
    status: ShipmentStatus | None = Field(None, description="Where it stands; default: it is not there yet.")
    reason: Reason | None = Field(None, description="Why it stands there.")
    pickup_point: PointShape | None = Field(None, description="Where it is collected.")
    pickup_deadline: At | None = Field(None, description="Until when, as the carrier says.")
    eta: At | None = Field(None, description="When it is expected.")
    cash_due: Decimal | None = Field(None, ge=0, description="Cash to be paid for it.")


class ReturnGiven(Shape):
    """`return`"""

    status: ReturnStatus = Field(description="Where it stands.")
    reason: Reason | None = Field(None, description="Why it stands there.")


class CustomerGiven(Shape):
    """`customer`"""

    name: str = Field("", description="Whole name.")
    first_name: str = Field("", description="First name.")
    email: str = Field("", description="E-mail; default: one is made up for channels that need it.")
    phone: str = Field("", description="Phone; default: one is made up for channels that need it.")
    locale: Locale | None = Field(None, description="Language; default: the shop's.")
    tags: list[str] = Field([], description="The shop's tags.")
    orders: int = Field(0, ge=0, le=100, description="Earlier orders.")
    consents: list[Literal["marketing"]] = Field([], description="What is allowed.")
    reach: list[str] | None = Field(None, description="Channels with an address; default: e-mail and phone.")


class GivenShape(Shape):
    """`given`: the state before the first line, which starts nothing"""

    order: OrderGiven = Field(OrderGiven.model_validate({}), description="The order.")
    payment: PaymentGiven = Field(PaymentGiven.model_validate({}), description="Its payment.")
    shipment: ShipmentGiven | None = Field(None, description="Its parcel; or `shipments`.")
    shipments: list[ShipmentGiven] = Field([], description="Its parcels.")
    return_: ReturnGiven | None = Field(None, alias="return", description="Its return.")
    customer: CustomerGiven = Field(CustomerGiven.model_validate({}), description="Who ordered.")

    @property
    def parcels(self) -> list[ShipmentGiven]:
        """All parcels."""
        return [self.shipment] if self.shipment is not None else self.shipments


# ------------------------------------------------------------------------------------------------ what happens


class AskedShape(Shape):
    """`asked`: with `via` a reply in that channel, whose words say what it is about; else a form on the page"""

    topic: Literal["status", "complaint", "return", "address", "other"] = Field("other", description="What about.")
    text: str = Field("?", min_length=1, description="The words.")
    via: str | None = Field(None, description="The channel in which it is written.")


class MatterShape(Shape):
    """`acknowledge`, `resolve`"""

    of: str | None = Field(None, description="The group it was raised with; default: any. The newest counts.")
    by: str = Field("", description="Who does it.")
    choice: str = Field("", description="Which of its `choices`.")
    note: str = Field("", description="What they say.")


class ChangeShape(Shape):
    """`change`: the same settings as in `given`, of what is different now"""

    order: OrderGiven | None = Field(None, description="Of the order.")
    payment: PaymentGiven | None = Field(None, description="Of its payment.")
    shipment: ShipmentGiven | None = Field(None, description="Of the parcel (`parcel`).")
    customer: CustomerGiven | None = Field(None, description="Of who ordered.")

    @property
    def parts(self) -> Mapping[str, Shape]:
        """What is different, by part."""
        return {name: part for name in self.model_fields_set if (part := getattr(self, name)) is not None}


class WhenShape(Shape):
    """A line of `when`: `at`, and one thing that happens"""

    at: At = Field(description="When: `2026-03-02T10:00` on the shop's clock, or `+2h` after the line before.")
    order: OrderStatus | None = Field(None, description="The order moves; `received`: it comes in.")
    payment: PaymentStatus | None = Field(None, description="Its payment moves.")
    shipment: ShipmentStatus | None = Field(None, description="Its parcel moves.")
    return_: ReturnStatus | None = Field(None, alias="return", description="Its return moves.")
    reason: Reason | None = Field(None, description="Beside a status: why.")
    text: str = Field("", description="Beside a status: the source's own words.")
    parcel: int = Field(1, ge=1, le=50, description="Beside `shipment` or `change`: which parcel.")
    event: str | None = Field(None, description="An event of a plugin or of a generic source: its name.")
    asked: str | AskedShape | None = Field(None, description="The customer asks: a topic, or settings.")
    answered: dict[str, str] | None = Field(None, description="The survey is answered: question → mark or words.")
    button: str | None = Field(None, description="Staff press this button on the order.")
    acknowledge: str | MatterShape | None = Field(None, description="Somebody takes on a matter: its group.")
    resolve: str | MatterShape | None = Field(None, description="Somebody resolves a matter: its group.")
    change: ChangeShape | None = Field(None, description="Something changes, and no status moves.")
    receipt: dict[str, Literal["delivered", "read", "failed", "none"]] | None = Field(
        None, description="From now on: channel → what its receipts say; `none`: none comes."
    )
    fail: (
        dict[
            str,
            Literal["transient", "permanent", "suppress", "blocked", "config", "unknown", "silent", "nothing"],
        ]
        | None
    ) = Field(None, description="From now on: connection → how it fails; `silent`: nothing comes from it; `nothing`.")
    native: dict[str, str] | None = Field(None, description="Connection → a code of its own that it says.")
    ordered: str | None = Field(None, description="The customer orders again: the number of that order.")

    @property
    def kinds(self) -> list[str]:
        """What happens in it; one thing, when it is right."""
        values = ((kind, getattr(self, "return_" if kind == "return" else kind)) for kind in EVENT_KINDS)
        return [kind for kind, value in values if value is not None]


class ThenShape(Shape):
    """A line of `then`: `at`, and what must come"""

    at: At = Field(description="When, to the minute.")
    message: str | None = Field(None, description="A message: its template.")
    deferred: str | None = Field(None, description="A message that waits: its template.")
    suppressed: str | None = Field(None, description="A message that does not leave: its template.")
    escalation: str | None = Field(None, description="A matter is raised: the staff group.")
    call: str | None = Field(None, description="A call: the target.")
    write_back: str | None = Field(None, description="What is written into the shop: a status, `tracking`, `note`.")
    tag: str | None = Field(None, description="A tag; taken off: `-tag`.")
    coupon: str | None = Field(None, description="A coupon is made: how much, as the step says.")
    survey: str | None = Field(None, description="A survey opens: its name.")
    via: str | None = Field(None, description="The channel; a failover means each of its providers.")
    to: str | None = Field(None, description="`customer`, a staff group or a person; default: not looked at.")
    text: list[str] | str = Field([], description="What the text holds.")
    not_text: list[str] | str = Field([], description="What the text does not hold.")
    why: str = Field("", description="Of what waits or does not leave: the first words of the reason.")

    @property
    def kinds(self) -> list[str]:
        """What must come; one thing, when it is right."""
        return [kind for kind in RESULT_KINDS if getattr(self, kind) is not None]


class StoryShape(Shape):
    """A story for `hub flows simulate`"""

    shop: str | None = Field(None, description="Whose order it is (needed with several shops).")
    flow: list[str] | str | None = Field(None, description="Only these flows are at work; default: all that are live.")
    given: GivenShape = Field(GivenShape.model_validate({}), description="The state before; it starts nothing.")
    when: Kept = Field(title="a list", description="What happens.")
    until: At | None = Field(None, description="How long; default: 30 days after the last line.")


class CaseShape(StoryShape):
    """An item of `tests`"""

    name: str = Field(min_length=1, max_length=200, description="One sentence.")
    then: Kept = Field(title="a list or `nothing`", description="What must come of it, and nothing else.")


SHAPES: tuple[tuple[str, type[Shape]], ...] = (
    ("tests", CaseShape),
    ("given", GivenShape),
    ("order", OrderGiven),
    ("items", ItemShape),
    ("address", AddressShape),
    ("payment", PaymentGiven),
    ("shipment", ShipmentGiven),
    ("pickup_point", PointShape),
    ("return", ReturnGiven),
    ("customer", CustomerGiven),
    ("when", WhenShape),
    ("asked", AskedShape),
    ("acknowledge, resolve", MatterShape),
    ("change", ChangeShape),
    ("then", ThenShape),
)
"""For the reference page."""


# ------------------------------------------------------------------------------------------------ a case, read


@dataclass(frozen=True, slots=True)
class Act:
    """A line of `when`: `changes` are the settings of a `change` that were written, by part."""

    at: datetime
    place: Place
    kind: str
    said: WhenShape
    changes: Mapping[str, Shape]


@dataclass(frozen=True, slots=True)
class Expected:
    """A line of `then`."""

    at: datetime
    place: Place
    kind: str
    what: str
    said: ThenShape

    @property
    def texts(self) -> tuple[Sequence[str], Sequence[str]]:
        """What the text holds, and what it does not."""
        both = ([each] if isinstance(each, str) else each for each in (self.said.text, self.said.not_text))
        return tuple(both)  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class Case:
    """One agreement. `flows` None: all that are live. `then_place`: where what nobody expected is told. The times in
    `given` are instants."""

    name: str
    place: Place
    shop: str
    flows: tuple[str, ...] | None
    given: GivenShape
    when: tuple[Act, ...]
    then: tuple[Expected, ...]
    then_place: Place
    until: datetime


def read_cases(
    node: Node | None, config: Config, known: Known, flows: Mapping[str, Flow | None], reading: Reading
) -> tuple[Case, ...]:
    """The cases that were read well. `flows` are all names in the file, so that a broken flow is no unknown one."""
    if node is None:
        return ()
    if not isinstance(node, ListNode):
        reading.report(node, "bad-value", f"'tests' is a list of cases, not {found(node)}")
        return ()
    cases: list[Case] = []
    for index, each in enumerate(node.items):
        if index == MAX_CASES:
            reading.report(each, "bad-value", f"a file has at most {MAX_CASES:,} tests")
            break
        case = _Case(each, config, known, flows, reading).read()
        twin = next((other for other in cases if case is not None and other.name == case.name), None)
        if case is not None and twin is not None:
            said = f"two tests are called {quoted(case.name)}; the other begins in line {twin.place.line}"
            reading.report(case.place, "bad-name", said)
        elif case is not None:
            cases.append(case)
    return tuple(cases)


def read_story(
    text: str, file: str, config: Config, templates: frozenset[str]
) -> tuple[Case | None, tuple[Problem, ...]]:
    """What a file of its own tells, under a configuration that is right; None with what is wrong in it."""
    node, problems = parse(text, file)
    reading = Reading(list(problems))
    known = Known(
        connections={
            **{name: each.kind for name, each in config.connections.items()},
            **dict.fromkeys(config.failovers, "channel"),
        },
        staff=frozenset(config.staff),
        people=frozenset(config.people),
        shops=frozenset(config.shops),
        surveys=frozenset(config.surveys),
        words=frozenset(word for shop in config.shops.values() for word in shop.connections),
        templates=templates,
    )
    story = None
    if node is not None and not problems:
        story = _Case(node, config, known, config.flows, reading).read(StoryShape)
    return story, in_order(reading.problems, {file: text})


class _Case:
    """Reads one case."""

    def __init__(
        self, node: Node, config: Config, known: Known, flows: Mapping[str, Flow | None], reading: Reading
    ) -> None:
        self.node, self.config, self.known, self.flows, self.reading = node, config, known, flows, reading
        self.scope = Scope(reading, frozenset(), known)

    def read(self, model: type[StoryShape] = CaseShape) -> Case | None:
        """The case, or the story: of that nothing is expected."""
        before = len(self.reading.problems)
        what = "a test" if model is CaseShape else "a story"
        shape = read_settings(self.node, model, self.reading, what)
        if shape is None or not isinstance(self.node, MapNode):
            return None
        shop = self._shop(shape)
        named = self._flows(shape)
        self._given(shape)
        if shop is None:
            return None
        when = self._when(shape.when.node, shop)
        agreed = shape if isinstance(shape, CaseShape) else None
        then = self._then(agreed.then.node, shop, when[0].at) if when and agreed is not None else ()
        until = self._until(shape, shop, when[-1].at) if when else None
        if until is None or len(self.reading.problems) > before:
            return None
        place = self.node.place
        return Case(
            agreed.name if agreed is not None else place.file, place, shop.key, named,
            self._timed(shape.given, shop, when[0].at), when, then, (self.node.key("then") or self.node).place, until,
        )  # fmt: skip

    # -- whose it is

    def _shop(self, shape: StoryShape) -> Shop | None:
        node, shops = self._at("shop"), self.config.shops
        if isinstance(node, Scalar) and node.text not in self.known.shops:
            meant = instead(node.text, sorted(self.known.shops), "a name under 'shops'")
            self.reading.report(node, "unknown-shop", f"there is no shop {quoted(node.text)}{meant}")
        elif shape.shop is None and len(self.known.shops) > 1:
            self.reading.report(self.node, "missing-setting", f"'shop' is needed; there are: {listed(shops)}")
        else:
            shop = shops.get(shape.shop) if shape.shop else next(iter(shops.values()), None)
            if shop is not None and not self._has_orders(shop):
                where = node if node is not None else self.node
                said = f"no platform connection brings orders of the shop '{shop.key}'"
                self.reading.report(where, "bad-value", said)
                return None
            return shop
        return None

    def _has_orders(self, shop: Shop) -> bool:
        """Whether orders of the shop come from somewhere, perhaps from what could not be read."""
        unread = (kind for name, kind in self.known.connections.items() if name not in self.config.connections)
        return platform_of(self.config, shop.key) is not None or any(kind in ("platform", "") for kind in unread)

    def _flows(self, shape: StoryShape) -> tuple[str, ...] | None:
        node = self._at("flow")
        nodes = node.items if isinstance(node, ListNode) else [node] if node is not None else []
        for each in nodes:
            if isinstance(each, Scalar) and each.text not in self.flows:
                meant = instead(each.text, sorted(self.flows), "a name under 'flows'")
                self.reading.report(each, "unknown-flow", f"there is no flow {quoted(each.text)}{meant}")
        return None if shape.flow is None else (shape.flow,) if isinstance(shape.flow, str) else tuple(shape.flow)

    # -- what is given

    def _given(self, shape: StoryShape) -> None:
        given = self._at("given")
        if not isinstance(given, MapNode):
            return
        if shape.given.shipment is not None and shape.given.shipments:
            key = given.key("shipments") or given
            self.reading.report(key, "conflicting-settings", "'shipment' and 'shipments' are both given")
        one, many = given.get("shipment"), given.get("shipments")
        for each in (one, *(many.items if isinstance(many, ListNode) else ())):
            self._shipment(each)
        customer = given.get("customer")
        reach = customer.get("reach") if isinstance(customer, MapNode) else None
        for each in reach.items if isinstance(reach, ListNode) else ():
            self._channel(each)

    def _shipment(self, node: Node | None) -> None:
        if not isinstance(node, MapNode):
            return
        carrier = node.get("carrier")
        if isinstance(carrier, Scalar) and carrier.text:
            self._connection(carrier, "carrier")
            if node.get("tracking_number") is None:
                said = "a carrier follows a parcel by its number; give 'tracking_number' as well"
                self.reading.report(carrier, "missing-setting", said)

    def _timed(self, given: GivenShape, shop: Shop, first: datetime) -> GivenShape:
        """The same with its times as instants; `+2h` counts from the first line."""

        def of(part: Any) -> Any:
            return with_times(part, shop, first)

        parts: dict[str, Any] = {name: of(getattr(given, name)) for name in ("order", "payment", "shipment")}
        return given.model_copy(update={**parts, "shipments": [of(each) for each in given.shipments]})

    # -- what happens

    def _when(self, node: Node, shop: Shop) -> tuple[Act, ...]:
        acts: list[Act] = []
        for each, shape in self._lines(node, WhenShape, "a line of 'when'", EVENT_KINDS):
            at = self._moment(each, shape.at, shop, acts[-1].at if acts else None)
            changes = self._what_happens(each, shape, shop, at) if at is not None else None
            if at is not None and changes is not None:
                acts.append(Act(at, each.place, shape.kinds[0], shape, changes))
        return tuple(acts)

    def _what_happens(self, node: MapNode, shape: WhenShape, shop: Shop, at: datetime) -> Mapping[str, Shape] | None:
        kind = shape.kinds[0]
        value = node.get(kind)
        match kind:
            case "event":
                not_yet(self.reading, node.key(kind) or node, "the line 'event'")
                return None
            case "change":
                return self._changes(value, shape, shop, at)
            case "asked":
                self._asked(value, shape)
            case "button":
                self._button(value)
            case "acknowledge" | "resolve":
                self._matter(value)
            case "receipt" | "fail" | "native":
                for key, _ in value if isinstance(value, MapNode) else ():
                    self._connection(key, "channel" if kind == "receipt" else "")
        return {}

    def _changes(self, node: Node | None, shape: WhenShape, shop: Shop, at: datetime) -> Mapping[str, Shape]:
        part = node.get("shipment") if isinstance(node, MapNode) else None
        carrier = part.get("carrier") if isinstance(part, MapNode) else None
        if isinstance(carrier, Scalar) and carrier.text:
            self._connection(carrier, "carrier")
        parts = shape.change.parts if shape.change is not None else {}
        return {name: with_times(parts[name], shop, at) for name in sorted(parts)}

    def _asked(self, node: Node | None, shape: WhenShape) -> None:
        topics = get_args(AskedShape.model_fields["topic"].annotation)
        if isinstance(node, Scalar) and shape.asked not in topics:
            said = f"{quoted(node.text)} is no topic of a question{instead(node.text, topics)}"
            self.reading.report(node, "bad-value", said)
        via = node.get("via") if isinstance(node, MapNode) else None
        if via is not None:
            self._channel(via)

    def _button(self, node: Node | None) -> None:
        labels = {flow.given["button"].text for flow in self.flows.values() if flow and "button" in flow.given}
        broken = any(flow is None for flow in self.flows.values())
        if isinstance(node, Scalar) and node.text not in labels and not broken:
            said = f"no flow has a button {quoted(node.text)}{instead(node.text, sorted(labels))}"
            self.reading.report(node, "bad-value", said)

    def _matter(self, node: Node | None) -> None:
        group = node.get("of") if isinstance(node, MapNode) else node
        if isinstance(group, Scalar) and group.text:
            self.scope.group(group)
        by = node.get("by") if isinstance(node, MapNode) else None
        if isinstance(by, Scalar) and by.text not in self.known.people:
            meant = instead(by.text, sorted(self.known.people), "a name under 'people'")
            self.reading.report(by, "unknown-staff", f"there is no person {quoted(by.text)}{meant}")

    # -- what must come

    def _then(self, node: Node, shop: Shop, first: datetime) -> tuple[Expected, ...]:
        if isinstance(node, Scalar) and node.text == "nothing":
            return ()
        lines: list[Expected] = []
        for each, shape in self._lines(node, ThenShape, "a line of 'then'", RESULT_KINDS):
            at = self._moment(each, shape.at, shop, lines[-1].at if lines else first)
            self._what_comes(each, shape)
            if at is not None:
                kind = shape.kinds[0]
                lines.append(Expected(at, each.place, kind, getattr(shape, kind), shape))
        return tuple(lines)

    def _what_comes(self, node: MapNode, shape: ThenShape) -> None:
        kind = shape.kinds[0]
        value = node.get(kind)
        if isinstance(value, Scalar):
            match kind:
                case "message" | "deferred" | "suppressed":
                    self.scope.template(value)
                case "escalation":
                    self.scope.group(value)
                case "survey":
                    self.scope.survey(value)
                case "call":
                    self.scope.target(value)
        via, to = node.get("via"), node.get("to")
        if via is not None:
            self._channel(via)
        if isinstance(to, Scalar):
            self.scope.recipient(to)

    # -- lines and names

    def _lines(self, node: Node, model: type[Any], what: str, kinds: Sequence[str]) -> Iterator[tuple[MapNode, Any]]:
        if not isinstance(node, ListNode) or not node.items:
            said = f"this is a list of lines, as in {{at: …, {kinds[0]}: …}}, not {found(node)}"
            self.reading.report(node, "bad-value", said)
            return
        for each in node.items:
            shape = read_settings(each, model, self.reading, what)
            if shape is None or not isinstance(each, MapNode):
                continue
            if not shape.kinds:
                self.reading.report(each, "missing-setting", f"{what} needs one of: {listed(kinds)}")
            elif len(shape.kinds) > 1:
                second = each.key(shape.kinds[1]) or each
                self.reading.report(
                    second, "conflicting-settings", f"{what} has '{shape.kinds[0]}' and '{shape.kinds[1]}'"
                )
            else:
                yield each, shape

    def _moment(self, node: MapNode, moment: Moment, shop: Shop, before: datetime | None) -> datetime | None:
        where = node.get("at") or node
        at = resolved(moment, shop, before)
        if at is None:
            self.reading.report(where, "bad-time", "the first line has no line before it; write its day and hour")
        elif before is not None and at < before:
            self.reading.report(where, "bad-time", "this is before the line above; lines stand in the order of time")
            return None
        return at

    def _until(self, shape: StoryShape, shop: Shop, last: datetime) -> datetime | None:
        until = resolved(shape.until or read_moment(STANDS), shop, last)
        if until is not None and until < last:
            self.reading.report(self._at("until") or self.node, "bad-time", "'until' is before the last line of 'when'")
            return None
        return until

    def _at(self, key: str) -> Node | None:
        return self.node.get(key) if isinstance(self.node, MapNode) else None

    def _channel(self, node: Node) -> None:
        if isinstance(node, Scalar) and node.text not in self.known.words:
            self._connection(node, "channel")

    def _connection(self, node: Scalar, kind: str) -> None:
        """A connection of this kind; of any, where none is named."""
        is_a = self.known.connections.get(node.text)
        if is_a is None and node.text in self.known.words and kind == "channel":
            return
        if is_a is None:
            names = [name for name, each in self.known.connections.items() if kind in ("", each)]
            meant = instead(node.text, names, f"a connection{f' of the kind {kind!r}' if kind else ''}")
            said = f"there is no {kind or 'connection'} {quoted(node.text)}{meant}"
            self.reading.report(node, "unknown-connection", said)
        elif kind and is_a not in (kind, ""):
            said = f"'{node.text}' is a {is_a}; a {kind} is asked for here"
            self.reading.report(node, "wrong-connection", said)


def with_times(part: Any, shop: Shop, first: datetime) -> Any:
    """Settings with their times as instants; `+2h` counts from `first`."""
    if part is None:
        return None
    times = {name: value for name in part.model_fields_set if isinstance(value := getattr(part, name), Moment)}
    return part.model_copy(update={name: resolved(value, shop, first) for name, value in times.items()})


def platform_of(config: Config, shop: str) -> str | None:
    """The first platform connection that brings this shop's orders."""
    platforms = (name for name, each in config.connections.items() if each.kind == "platform")
    return next((name for name in platforms if config.shop_of(name).key == shop), None)
