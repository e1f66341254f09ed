"""Our own functions for CEL. All are pure; zone and country are arguments, so that a replay agrees with the day."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import phonenumbers

from hub.config.scalars import MistakeError, read_clock

from .model import first_real
from .working import working_days, working_hours


@dataclass(frozen=True, slots=True)
class Function:
    """A function as it is called: the words of its arguments' types, its result, what it does, and how."""

    name: str
    takes: tuple[str, ...]
    gives: str
    means: str
    does: Callable[..., Any]
    example: str


def _at(moment: datetime, clock: str, zone: str) -> datetime:
    local = moment.astimezone(ZoneInfo(zone))
    wall = datetime.combine(local.date(), read_clock(clock))
    return first_real(wall, ZoneInfo(zone))


def _between(start: datetime, end: datetime, share: float) -> datetime:
    return start + (end - start) * share


def _weekday(moment: datetime, zone: str) -> int:
    return moment.astimezone(ZoneInfo(zone)).isoweekday()


def _valid_phone(text: str, country: str) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(text[:40], country or None))
    except phonenumbers.NumberParseException:
        return False


_EMAIL = re.compile(
    r"[^\s@<>()\",;:\[\]\\]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9-]{2,63}"
)


def _valid_email(text: str) -> bool:
    return len(text) <= 254 and _EMAIL.fullmatch(text) is not None


FUNCTIONS: tuple[Function, ...] = (
    Function(
        "days", ("int",), "duration", "a length of n times 24 hours", lambda n: timedelta(days=n), "now + days(3)"
    ),
    Function("hours", ("int",), "duration", "a length of n hours", lambda n: timedelta(hours=n), "now + hours(3)"),
    Function("minutes", ("int",), "duration", "n minutes", lambda n: timedelta(minutes=n), "now + minutes(30)"),
    Function(
        "at",
        ("timestamp", "string", "string"),
        "timestamp",
        "that local day at that hour",
        _at,
        'at(now, "09:00", shop.timezone)',
    ),
    Function(
        "between",
        ("timestamp", "timestamp", "double"),
        "timestamp",
        "the moment that lies so far between two",
        _between,
        "between(shipment.arrived_at, shipment.pickup_deadline, 0.5)",
    ),
    Function(
        "weekday",
        ("timestamp", "string"),
        "int",
        "1 (Monday) to 7 on that clock",
        _weekday,
        "weekday(now, shop.timezone)",
    ),
    Function(
        "working_days",
        ("timestamp", "timestamp", "string"),
        "int",
        "how many working days lie between two moments: 2 as soon as `2d working` is over",
        working_days,
        "working_days(order.placed_at, now, shop.calendar)",
    ),
    Function(
        "working_hours",
        ("timestamp", "timestamp", "string"),
        "double",
        "how many hours lie between two moments in which the shop works",
        working_hours,
        "working_hours(order.placed_at, now, shop.calendar)",
    ),
    Function(
        "valid_phone",
        ("string", "string"),
        "bool",
        "whether a number can exist, read in that country",
        _valid_phone,
        "valid_phone(customer.phone, order.country)",
    ),
    Function(
        "valid_email",
        ("string",),
        "bool",
        "whether a mail address can exist",
        _valid_email,
        "valid_email(customer.email)",
    ),
    Function("lower", ("string",), "string", "the text in small letters", str.lower, "lower(customer.name)"),
)
UNTYPED = {
    "dyn": "everything keeps the type that is declared for it",
    "type": "the type of everything is declared, and need not be asked for",
}
"""Functions of CEL that conditions do not have, and why: behind them nothing could be checked any more."""
STANDARD = (
    *("size", "has", "startsWith", "endsWith", "contains", "matches", "exists", "all", "exists_one", "filter", "map"),
    *("timestamp", "duration", "int", "double", "string", "getFullYear", "getMonth", "getDate", "getDayOfMonth"),
    *("getDayOfWeek", "getDayOfYear", "getHours", "getMinutes", "getSeconds"),
)
NAMES = frozenset(each.name for each in FUNCTIONS) | frozenset(STANDARD)


def bad_clock(text: str) -> str | None:
    """What is wrong with a time of day inside an expression."""
    try:
        read_clock(text)
    except MistakeError as mistake:
        return mistake.text
    return None
