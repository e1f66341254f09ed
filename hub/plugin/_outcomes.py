"""What became of an attempt to reach an outside system: seven outcomes (DESIGN 3), and the failure that carries one."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Accepted:
    """The other side took it; `provider_id` is its name for it. Not yet "delivered"."""

    provider_id: str = ""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The other side says it already has it; counts as accepted."""

    provider_id: str = ""


@dataclass(frozen=True, slots=True)
class Transient:
    """May work later; `not_before` is the other side's wish (Retry-After), and wins over our schedule when later.

    `unsent`: nothing was handed over, for a limit of our own: it costs no try, and `not_before` alone says when again.
    """

    reason: str
    not_before: datetime | None = None
    unsent: bool = False


@dataclass(frozen=True, slots=True)
class Permanent:
    """This message never works (or not from this sender to this recipient)."""

    reason: str


@dataclass(frozen=True, slots=True)
class Suppress:
    """This address is dead, or (`blocked`) its owner closed this channel to us."""

    reason: str
    blocked: bool = False


@dataclass(frozen=True, slots=True)
class Config:
    """Our fault (credentials, money, an unregistered sender): the connection pauses, no attempt is used up."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """It may have gone: the request was sent whole and the answer was lost."""

    reason: str


Outcome = Accepted | Duplicate | Transient | Permanent | Suppress | Config | Unknown


class FailureError(Exception):
    """A call to an outside system failed; `outcome` says how. Its text holds no secret, no address, no URL query."""

    def __init__(
        self, outcome: Transient | Permanent | Suppress | Config | Unknown, *, status: int | None = None
    ) -> None:
        super().__init__(outcome.reason)
        self.outcome = outcome
        self.status = status


class UnreadableError(Exception):
    """`normalise` cannot make records of a raw event: it becomes a dead letter with this reason."""


class RefusedError(Exception):
    """A webhook is not to be believed: answered 401 without detail, stored nowhere, counted."""
