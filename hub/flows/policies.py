"""Policies: sentences that must always hold (FLOWS 9), as the engine asks them. Frozen; `read_policies` reads them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from .model import Expression, Length, Unknown

CUSTOMER = "customer"
ANY, STAFF, ANSWER = "any", "staff", "answer"
"""Who is to hear, or what is to be heard: any message to the customer, a person of the staff, an answer."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """Which messages a sentence is about; None: whatever. `channels` are connections; `to` are recipients as messages
    name them (`customer`, `staff:olena`)."""

    templates: frozenset[str] | None = None
    classes: frozenset[str] | None = None
    channels: frozenset[str] | None = None
    to: frozenset[str] = frozenset({CUSTOMER})

    def names(self, template: str, cls: str) -> bool:
        """Whether a message with this text and class is meant, by some channel and to somebody."""
        return (self.templates is None or template in self.templates) and (self.classes is None or cls in self.classes)

    def goes_by(self, connection: str) -> bool:
        """Whether it is meant when it goes by this channel."""
        return self.channels is None or connection in self.channels


@dataclass(frozen=True, slots=True)
class After:
    """After each time that `word` happens somebody hears within `within` (`limit`: as written). `templates`: of any,
    one of these (empty: whatever)."""

    name: str
    word: str
    within: Length
    limit: str
    hear: str = ANY
    templates: frozenset[str] = frozenset()
    unless: Expression | None = None

    def waived(self, names: Mapping[str, Any]) -> bool:
        """Whether nobody has to hear, as things stand; what is not known waives nothing."""
        return self.unless is not None and self.unless.value(names) is True


@dataclass(frozen=True, slots=True)
class AtMost:
    """No window of `per` (`limit`: as written) holds more than `at_most` such messages to one customer, or about one
    order (`by`)."""

    name: str
    at_most: int
    per: timedelta
    limit: str
    of: Pattern = Pattern()
    by: str = CUSTOMER
    blocks: bool = True


@dataclass(frozen=True, slots=True)
class Never:
    """No such message leaves unless `condition` is known to be `lets`."""

    name: str
    of: Pattern
    condition: Expression
    lets: bool
    blocks: bool = True

    def objection(self, names: Mapping[str, Any]) -> str:
        """Why such a message must not leave, as things stand; empty: it may. What is not known speaks against it."""
        value = self.condition.value(names)
        if value is self.lets:
            return ""
        if isinstance(value, Unknown):
            return f"{', '.join(value.fields) or self.condition.text} is not known"
        return f"{self.condition.text} is {'not met' if self.lets else 'met'}"


Policy = After | AtMost | Never


class Policies:
    """The policies of a file, found by what they are about: the others cost a happening or a message nothing."""

    def __init__(self, policies: Iterable[Policy]) -> None:
        every = tuple(policies)
        self.limits = tuple(each for each in every if isinstance(each, AtMost))
        self.bans = tuple(each for each in every if isinstance(each, Never))
        after: dict[str, list[After]] = {}
        for each in every:
            if isinstance(each, After):
                after.setdefault(each.word, []).append(each)
        self.after: Mapping[str, Sequence[After]] = after
        """Trigger word → the policies that begin to count when it happens."""
        self.about = cache(self._about)
        """(template, class) → the limits and bans that may be about such a message."""

    def _about(self, template: str, cls: str) -> tuple[Sequence[AtMost], Sequence[Never]]:
        limits = tuple(each for each in self.limits if each.of.names(template, cls))
        return limits, tuple(each for each in self.bans if each.of.names(template, cls))

    def named(self, name: str, word: str) -> After | None:
        """The policy of this name, if it still is one about this word."""
        return next((each for each in self.after.get(word, ()) if each.name == name), None)
