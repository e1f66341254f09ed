"""Facts: what a source said of one axis of one subject (STATUS.md, sections 2 and 5)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum

from ._axes import Axis, Status, axis_of, nearest


class Fault(StrEnum):
    """Whose fault a reason is, until a person corrects it."""

    CUSTOMER = "customer"
    CARRIER = "carrier"
    SHOP = "shop"
    OUTSIDE = "outside"
    OPEN = "open"


class Reason(StrEnum):
    NOT_AT_HOME = "not_at_home"
    REFUSED = "refused"
    STORAGE_EXPIRED = "storage_expired"
    WRONG_ADDRESS = "wrong_address"
    NO_ACCESS = "no_access"
    NO_MONEY = "no_money"
    NOT_VERIFIED = "not_verified"
    UNREACHABLE = "unreachable"
    PAYMENT_MISSING = "payment_missing"
    CUSTOMER_WISH = "customer_wish"
    DELAYED = "delayed"
    DAMAGED = "damaged"
    LOST = "lost"
    DESTROYED = "destroyed"
    POINT_FULL = "point_full"
    NO_NEWS = "no_news"
    OUT_OF_STOCK = "out_of_stock"
    SHOP_WISH = "shop_wish"
    BAD_DATA = "bad_data"
    TOO_LARGE = "too_large"
    FORBIDDEN_CONTENT = "forbidden_content"
    NUMBER_INVALID = "number_invalid"
    CUSTOMS = "customs"
    OUTSIDE_EVENT = "outside_event"
    SEIZED = "seized"
    COLLECTION_FAILED = "collection_failed"
    INFORMATION_NEEDED = "information_needed"
    COMPLAINT = "complaint"
    PAYMENT_DISPUTE = "payment_dispute"
    FRAUD_CHECK = "fraud_check"


_BY_FAULT: Mapping[Fault, tuple[Reason, ...]] = {
    Fault.CUSTOMER: (
        Reason.NOT_AT_HOME,
        Reason.REFUSED,
        Reason.STORAGE_EXPIRED,
        Reason.WRONG_ADDRESS,
        Reason.NO_ACCESS,
        Reason.NO_MONEY,
        Reason.NOT_VERIFIED,
        Reason.UNREACHABLE,
        Reason.PAYMENT_MISSING,
        Reason.CUSTOMER_WISH,
    ),
    Fault.CARRIER: (
        Reason.DELAYED,
        Reason.DAMAGED,
        Reason.LOST,
        Reason.DESTROYED,
        Reason.POINT_FULL,
        Reason.NO_NEWS,
    ),
    Fault.SHOP: (
        Reason.OUT_OF_STOCK,
        Reason.SHOP_WISH,
        Reason.BAD_DATA,
        Reason.TOO_LARGE,
        Reason.FORBIDDEN_CONTENT,
        Reason.NUMBER_INVALID,
    ),
    Fault.OUTSIDE: (Reason.CUSTOMS, Reason.OUTSIDE_EVENT, Reason.SEIZED),
    Fault.OPEN: (
        Reason.COLLECTION_FAILED,
        Reason.INFORMATION_NEEDED,
        Reason.COMPLAINT,
        Reason.PAYMENT_DISPUTE,
        Reason.FRAUD_CHECK,
    ),
}

FAULT: Mapping[Reason, Fault] = {reason: fault for fault, reasons in _BY_FAULT.items() for reason in reasons}

TELL_STAFF: frozenset[Reason] = frozenset(
    {
        Reason.LOST,
        Reason.DAMAGED,
        Reason.DESTROYED,
        Reason.SEIZED,
        Reason.FORBIDDEN_CONTENT,
        Reason.BAD_DATA,
        Reason.NUMBER_INVALID,
        Reason.COMPLAINT,
        Reason.PAYMENT_DISPUTE,
        Reason.NO_NEWS,
        Reason.COLLECTION_FAILED,
    }
)


def parse_reason(word: str) -> Reason:
    """Read a reason; the error names the wrong word and the nearest right one."""
    try:
        return Reason(word)
    except ValueError:
        raise ValueError(f"there is no reason '{word}'{nearest(word, Reason, 'a reason such as lost')}") from None


class Level(IntEnum):
    """How good a witness is: a parcel's better witness makes the lesser one's words mere claims."""

    SHOP = 1
    AGGREGATOR = 2
    CARRIER = 3
    PERSON = 9


class Precision(StrEnum):
    """How exactly `Fact.at` is known; `seen` is the moment we first saw it, for want of a time."""

    SECOND = "second"
    MINUTE = "minute"
    DAY = "day"
    SEEN = "seen"


class Way(StrEnum):
    """The way a parcel travels, where the source says it: towards the customer, or back."""

    NONE = ""
    OUT = "out"
    BACK = "back"


class Mode(StrEnum):
    """Whether a fact came as news, or with a first poll or back-fill (which moves, and starts nothing)."""

    LIVE = "live"
    IMPORT = "import"


@dataclass(frozen=True, slots=True)
class Native:
    """A source's own word. `code` may carry a qualifier after "/": `7/doors`."""

    vocabulary: str
    code: str
    label: str = ""
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a native code means: one row of a status table.

    No status and no reason: known, moves nothing. No status but a reason: flagged to staff. `label` is the source's own
    wording, `final` overrides the status's own, `note` says what a reader of the table should know.
    """

    status: Status | None
    label: str
    reason: Reason | None = None
    final: bool | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """One word of one source; unique by (subject, axis, key).

    `key` is made from content, never from the delivery. `at` is the source's own time of the event, `received_at` ours;
    both know their zone. `retracts` is the key of a fact that the source took back. A fact without value is of a code
    that nobody has mapped, unless it is `known`: then it is flagged when it has a reason, and else means nothing.
    `about`: of which part of the subject the source spoke (a number, the order): what it said last, it said of that.
    """

    key: str
    subject: str
    axis: Axis
    value: Status | None
    reason: Reason | None
    at: datetime
    precision: Precision
    source: str
    level: Level
    snapshot: bool
    way: Way
    retracts: str | None
    native: Native
    received_at: datetime
    mode: Mode = Mode.LIVE
    known: bool = False
    about: str = ""

    def __post_init__(self) -> None:
        if self.at.utcoffset() is None or self.received_at.utcoffset() is None:
            raise ValueError(f"fact '{self.key}': a time without a zone")
        if self.value is not None and axis_of(self.value) is not self.axis:
            raise ValueError(f"fact '{self.key}': '{self.value}' is not a value of the {self.axis} axis")
