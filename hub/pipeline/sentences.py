"""What the policies of the merchant say of one message that is about to leave (FLOWS 7, guard 5). Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from hub.flows.policies import CUSTOMER, AtMost, Never, Policies
from hub.flows.why import what_was_read

from .plain import to_plain

POLICY = "policy: "
"""How the reason begins of a message, or of a channel, that a policy is against."""


@dataclass(frozen=True, slots=True)
class Gone:
    """A message that went out by a channel, or may have, or in shadow would have; `at` the last time."""

    message: int
    order_id: str
    customer_id: str
    template: str
    cls: str
    connection: str
    at: datetime
    shadow: bool


@dataclass(frozen=True, slots=True)
class Broken:
    """A policy that a message breaks by leaving, and how; `kind` is its form."""

    policy: str
    kind: str
    why: str


def breaks(limit: AtMost, gone: Iterable[Gone], row: Any, now: datetime) -> str:
    """Why one more such message would be one too many; empty: it is not. A message that goes by several channels is
    one; what shadows would have said counts for shadows."""
    mine = (each for each in gone if _is_of(limit, each, row) and now - each.at < limit.per)
    others = {each.message for each in mine if limit.of.names(each.template, each.cls)} - {row.id}
    if len(others) < limit.at_most:
        return ""
    return f"{len(others)} within {limit.limit} already"


def _is_of(limit: AtMost, each: Gone, row: Any) -> bool:
    whose, mine = (each.customer_id, row.customer_id) if limit.by == CUSTOMER else (each.order_id, row.order_id)
    return bool(mine) and whose == mine and limit.of.goes_by(each.connection) and (bool(row.shadow) or not each.shadow)


class Sentences:
    """The policies that one due message may be against, asked once each."""

    def __init__(
        self, row: Any, policies: Policies, names: Mapping[str, Any], gone: Sequence[Gone], now: datetime
    ) -> None:
        self.row, self.names, self.gone, self.now = row, names, gone, now
        limits, bans = policies.about(row.template, row.cls)
        self.limits = limits if row.recipient == CUSTOMER else ()
        self.bans = tuple(each for each in bans if row.recipient in each.of.to)

    @cached_property
    def _found(self) -> Sequence[tuple[AtMost | Never, str]]:
        """Every policy that it is against, with why."""
        found: list[tuple[AtMost | Never, str]] = [(each, each.objection(self.names)) for each in self.bans]
        found += [(each, breaks(each, self.gone, self.row, self.now)) for each in self.limits]
        return [(each, why) for each, why in found if why]

    @cached_property
    def ends(self) -> str:
        """Why it does not leave by any channel; empty: it may."""
        return next((_reason(each, why) for each, why in self._found if each.blocks and each.of.channels is None), "")

    def closes(self, connection: str) -> str:
        """Why it does not leave by this channel; empty: it may."""
        found = (_reason(each, why) for each, why in self._found if each.blocks and each.of.channels is not None
                 and each.of.goes_by(connection))  # fmt: skip
        return next(found, "")

    def asked(self, reason: str) -> dict[str, Any]:
        """What the condition behind a reason read, to explain by; nothing where it was a limit."""
        bans = (each for each, why in self._found if isinstance(each, Never) and _reason(each, why) == reason)
        ban = next(bans, None)
        if ban is None:
            return {}
        rule = ban.condition.text if ban.lets else f"!({ban.condition.text})"
        return {"rule": rule, "read": to_plain(what_was_read([ban.condition], self.names))}

    def alarms(self, connection: str) -> tuple[Broken, ...]:
        """The policies that only raise an alarm when it leaves by this channel."""
        found = ((each, why) for each, why in self._found if not each.blocks and each.of.goes_by(connection))
        return tuple(Broken(each.name, _kind(each), why) for each, why in found)

    def counted(self, connection: str) -> tuple[AtMost, ...]:
        """The limits that are to be counted once more in the moment in which it leaves by this channel."""
        return tuple(each for each in self.limits if each.blocks and each.of.goes_by(connection))


def _kind(policy: AtMost | Never) -> str:
    return "at_most" if isinstance(policy, AtMost) else "never"


def _reason(policy: AtMost | Never, why: str) -> str:
    return f"{POLICY}{policy.name}: {why}"
