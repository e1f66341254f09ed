"""How `policies` are written: three forms, their mistakes with places, and the frozen sentences that come of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from hub.config.kinds import Kept, Placed, found
from hub.config.load import Ground
from hub.config.problems import Level, Place, listed
from hub.config.sections import Name, PlainLengthText, Span
from hub.config.settings import Reading, Shape, read_settings
from hub.config.yaml import ListNode, MapNode, Node, Scalar

from .cel import Compiled, Wants
from .policies import ANSWER, ANY, CUSTOMER, STAFF, After, AtMost, Never, Pattern, Policy
from .scope import Known, Scope, text_at
from .types import UNKNOWN_TRIGGER, offers_of
from .words import read_word

ASKED = "customer.asked"
OF_A_MESSAGE = frozenset({"shop", "now", "order", "payment", "customer", "shipments", "shipment"})
"""What a condition on a message that is about to leave can read; `shipment` is there where it is about one."""
_Class = Literal["transactional", "feedback", "marketing"]
_Names = Annotated[list[Name], Field(min_length=1, max_length=50)]


class OfShape(Shape):
    """`of` of a policy"""

    template: Name | _Names | None = Field(None, description="Only these texts: a name, or a list.")
    class_: _Class | Annotated[list[_Class], Field(min_length=1)] | None = Field(
        None, alias="class", description="Only messages of this class, or of these."
    )
    channel: Name | _Names | None = Field(
        None, description="Only what goes by this channel, or these; a failover stands for its providers."
    )


class BanShape(OfShape):
    """`never` of a policy; at least one of these"""

    to: Name | _Names = Field(CUSTOMER, description="Only what is said to them: `customer`, a staff group or a person.")


class AfterShape(Shape):
    """`{after: payment.paid, within: 24h, hear: any}`"""

    after: Kept | None = Field(None, title="a trigger, required", description="After each time that this happens …")
    within: PlainLengthText = Field(description="… within this time, from when the hub learns of it …")
    hear: Literal["any", "staff", "answer"] | _Names = Field(
        description="… `any` message reaches the customer, or one of the texts in a list; or a person is told "
        "(`staff`); or the question is answered (`answer`)."
    )
    unless: Placed | None = Field(
        None, title="a condition (CEL)", description="Nobody has to where this holds when it happens, or at the end."
    )
    then: Literal["block", "alarm"] = Field(
        "alarm", description="`alarm`: staff are warned at four fifths of the time, and called at its end."
    )


class AtMostShape(Shape):
    """`{at_most: 3, per: 7d, of: {channel: sms}}`"""

    at_most: int = Field(ge=0, le=10_000, description="No more than so many messages to customers …")
    per: Span = Field(description="… leave within any such time …")
    of: OfShape = Field(OfShape.model_validate({}), description="… of these; default: of all …")
    by: Literal["customer", "order"] = Field("customer", description="… to one customer, or about one order.")
    then: Literal["block", "alarm"] = Field(
        "block", description="`block`: one too many does not leave; `alarm`: it does, and staff are called."
    )


class NeverShape(Shape):
    """`{never: {class: marketing}, when: customer.open_questions > 0}`"""

    never: BanShape = Field(description="No such message leaves …")
    when: Placed | None = Field(
        None, title="a condition (CEL)", description="… while this holds or is not known; or instead:"
    )
    unless: Placed | None = Field(
        None, title="a condition (CEL)", description="… while this does not hold or is not known."
    )
    then: Literal["block", "alarm"] = Field(
        "block", description="`block`: it does not leave; `alarm`: it does, and staff are called."
    )


FORMS: Mapping[str, type[Shape]] = {"after": AfterShape, "at_most": AtMostShape, "never": NeverShape}
"""The three forms, by the word that only this one has."""
SHAPES: tuple[type[Shape], ...] = (*FORMS.values(), OfShape, BanShape)
"""For the reference page."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A policy with the place that problems about the whole file point to, and its condition as it can be reasoned
    about."""

    policy: Policy
    place: Place
    condition: Compiled | None = None


def read_policies(ground: Ground, known: Known, reading: Reading) -> dict[str, Sentence]:
    """The policies that were read well, by name; what is wrong with the others is reported."""
    read = {name: _Reader(key, ground, known, reading).read(node) for name, (key, node) in ground.policies.items()}
    return {name: sentence for name, sentence in read.items() if sentence is not None}


class _Reader:
    """Reads one policy."""

    def __init__(self, key: Scalar, ground: Ground, known: Known, reading: Reading) -> None:
        self.key, self.ground, self.known, self.reading = key, ground, known, reading

    def read(self, node: Node) -> Sentence | None:
        before = len(self.reading.problems)
        sentence = self._form(node)
        wrong = any(each.severity is Level.ERROR for each in self.reading.problems[before:])
        return None if wrong else sentence

    def _form(self, node: Node) -> Sentence | None:
        what = f"policy '{self.key.text}'"
        if not isinstance(node, MapNode):
            said = f"{what} is a sentence such as {{after: payment.paid, within: 24h, hear: any}}, not {found(node)}"
            self.reading.report(node, "bad-value", said)
            return None
        forms = [each for each in FORMS if node.key(each) is not None]
        if len(forms) != 1:
            place = node.key(forms[1]) if forms else None
            code = "conflicting-settings" if forms else "missing-setting"
            said = f"{what} needs exactly one of {listed(FORMS)}" + (f", not {listed(forms)}" if forms else "")
            self.reading.report(place or self.key, code, said)
            return None
        shape = read_settings(node, FORMS[forms[0]], self.reading, what, place=self.key.place)
        match forms[0], shape:
            case "after", AfterShape() | None:
                return self._after(node, shape)
            case "at_most", AtMostShape() | None:
                return self._at_most(node, shape)
            case "never", NeverShape() | None:
                return self._never(node, shape)
        return None

    # -- after

    def _after(self, node: MapNode, shape: AfterShape | None) -> Sentence | None:
        written = node.get("after")
        word = read_word(written, self.reading, "'after'") if written is not None else None
        scope = self._scope(offers_of(word) if word is not None else UNKNOWN_TRIGGER)
        unless = scope.at(node, "unless", Wants.BOOL, shape is not None)
        hear = node.get("hear")
        for each in hear.items if isinstance(hear, ListNode) else ():
            if isinstance(each, Scalar):
                scope.template(each)
        if shape is None or word is None:
            return None
        self._can_be_heard(word, hear, shape)
        then = node.get("then")
        if shape.then == "block" and then is not None:
            said = "there is nothing to block when nobody hears; a policy with 'after' alarms"
            self.reading.report(then, "bad-value", said)
        self._somebody_to_call(node, "alarm")
        templates = frozenset(shape.hear) if not isinstance(shape.hear, str) else frozenset[str]()
        meant = shape.hear if isinstance(shape.hear, str) else ANY
        policy = After(self.key.text, word, shape.within, text_at(node, "within"), meant, templates, unless)
        return Sentence(policy, self.key.place, unless)

    def _can_be_heard(self, word: str, hear: Node | None, shape: AfterShape) -> None:
        """Whether there is somebody who could hear it."""
        if shape.hear == ANSWER and word != ASKED and hear is not None:
            said = f"'answer' is for questions, which come with {ASKED}; '{word}' asks nothing"
            self.reading.report(hear, "bad-value", said)
        elif shape.hear not in (STAFF, ANSWER) and CUSTOMER not in offers_of(word) and hear is not None:
            self.reading.report(
                hear, "not-offered", f"'{word}' has no customer who could hear anything", "write hear: staff"
            )

    # -- at_most, never

    def _at_most(self, node: MapNode, shape: AtMostShape | None) -> Sentence | None:
        of = node.get("of")
        self._follow(of)
        if shape is None:
            return None
        self._somebody_to_call(node, shape.then)
        policy = AtMost(
            self.key.text, shape.at_most, shape.per, text_at(node, "per"), self._pattern(shape.of), shape.by,
            shape.then == "block",
        )  # fmt: skip
        return Sentence(policy, self.key.place)

    def _never(self, node: MapNode, shape: NeverShape | None) -> Sentence | None:
        ban = node.get("never")
        self._follow(ban)
        scope = self._scope(OF_A_MESSAGE)
        when, unless = (scope.at(node, word, Wants.BOOL, shape is not None) for word in ("when", "unless"))
        if isinstance(ban, MapNode) and len(ban) == 0:
            said = "'never' says of which messages: by template, class, channel or to whom"
            self.reading.report(ban, "missing-setting", said)
        written = [word for word in ("when", "unless") if node.key(word) is not None]
        if len(written) == 2:
            self.reading.report(
                node.key("unless") or self.key, "conflicting-settings", "'when' and 'unless' exclude each other"
            )
        elif not written:
            said = f"policy '{self.key.text}' needs 'when' or 'unless': under which condition no such message leaves"
            self.reading.report(self.key, "missing-setting", said)
        condition = when or unless
        if shape is None or condition is None:
            return None
        self._somebody_to_call(node, shape.then)
        policy = Never(
            self.key.text, self._pattern(shape.never), condition, lets=when is None, blocks=shape.then == "block"
        )
        return Sentence(policy, self.key.place, condition)

    def _pattern(self, shape: OfShape) -> Pattern:
        to = _many(shape.to) or () if isinstance(shape, BanShape) else (CUSTOMER,)
        channels = _many(shape.channel)
        return Pattern(
            templates=_set(_many(shape.template)),
            classes=_set(_many(shape.class_)),
            channels=frozenset(each for name in channels for each in self._stand_for(name)) if channels else None,
            to=frozenset(each for name in to for each in self._recipients(name)),
        )

    def _stand_for(self, name: str) -> Iterator[str]:
        """The connections that a channel's name means, in any shop."""
        config = self.ground.config
        for meant in {name, *(shop.connections.get(name, name) for shop in config.shops.values())}:
            yield from config.providers(meant)

    def _recipients(self, name: str) -> Iterator[str]:
        if name == CUSTOMER:
            yield CUSTOMER
            return
        group = self.ground.config.staff.get(name)
        yield from (f"staff:{person}" for person in (group.people if group is not None else (name,)))

    def _follow(self, node: Node | None) -> None:
        scope = self._scope(frozenset())
        for word, follow in (("template", scope.template), ("channel", self._channel), ("to", scope.recipient)):
            written = node.get(word) if isinstance(node, MapNode) else None
            for each in written.items if isinstance(written, ListNode) else (written,):
                if isinstance(each, Scalar) and each.text:
                    follow(each)

    def _channel(self, node: Scalar) -> None:
        self._scope(frozenset()).via(ListNode((node,), node.place), node)

    def _scope(self, offered: frozenset[str]) -> Scope:
        return Scope(self.reading, offered, self.known)

    def _somebody_to_call(self, node: MapNode, then: str) -> None:
        if then == "alarm" and not self.ground.staff:
            said = f"policy '{self.key.text}' calls staff, and the file has none"
            self.reading.report(node.key("then") or self.key, "missing-setting", said, "name a group in 'staff'")


def _many(value: str | Sequence[str] | None) -> tuple[str, ...] | None:
    return (value,) if isinstance(value, str) else tuple(value) if value is not None else None


def _set(values: tuple[str, ...] | None) -> frozenset[str] | None:
    return frozenset(values) if values is not None else None
