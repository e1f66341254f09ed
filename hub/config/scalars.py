"""Kinds of values that stand in one scalar: how they are written, and how they are read. Pure; errors are sentences."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from .calendars import NONE, parts_of
from .lengths import Length
from .problems import instead, quoted

NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")
LOCALE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")


class MistakeError(Exception):
    """A scalar is not what it should be. `code` names the kind of mistake, `offset` is the character it begins at."""

    def __init__(self, code: str, text: str, offset: int = 0) -> None:
        super().__init__(text)
        self.code, self.text, self.offset = code, text, offset


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of scalar: what it is called in a sentence, and how it is read. Stands in `Annotated[type, Kind(...)]`."""

    words: str
    read: Callable[[str], Any]


_UNITS = {"s": timedelta(seconds=1), "m": timedelta(minutes=1), "h": timedelta(hours=1)}
_DAYS = {"d": 1, "w": 7}
_PART = re.compile(r"([0-9]{1,9})([smhdw])")
_WORKING = re.compile(r"((?:[0-9]+[smhdw])+)\s+working")
MAX_LENGTH_DAYS = 400
MAX_WORKING_HOURS = 2000
"""About as many as a year has."""


def read_length(text: str) -> tuple[timedelta, int]:
    """A LENGTH as its exact part and its calendar days: `1d12h` → (12 h, 1)."""
    text = text.strip()
    if working := _WORKING.fullmatch(text):
        said = f"working time ({quoted(text)}) does not count here; write {working[1]}"
        raise MistakeError("bad-length", said)
    exact, days, at = timedelta(), 0, 0
    while at < len(text):
        part = _PART.match(text, at)
        if part is None:
            raise MistakeError("bad-length", _not_a_length(text), at)
        count, unit = int(part[1]), part[2]
        exact, days = exact + count * _UNITS.get(unit, timedelta()), days + count * _DAYS.get(unit, 0)
        at = part.end()
    if not text:
        raise MistakeError("bad-length", _not_a_length(text))
    if not (exact or days):
        raise MistakeError("bad-length", f"{quoted(text)} is no time at all; the shortest length is 1s")
    if exact.days + days > 2 * 366:
        raise MistakeError("bad-length", f"{quoted(text)} is longer than two years")
    return exact, days


def read_flow_length(text: str) -> Length:
    """A LENGTH with its calendar days kept apart, perhaps of working time: `3d`, `4h working`."""
    working = _WORKING.fullmatch(text.strip())
    if working is None:
        return read_plain_length(text)
    if "w" in working[1]:
        said = f"{quoted(text)}: working time is written in days, hours and minutes; a working week is 5d working"
        raise MistakeError("bad-length", said)
    length = read_plain_length(working[1])
    if length.exact > timedelta(hours=MAX_WORKING_HOURS):
        raise MistakeError("bad-length", f"{quoted(text)} is longer than {MAX_WORKING_HOURS} working hours")
    return replace(length, working=True)


def read_plain_length(text: str) -> Length:
    """A LENGTH with its calendar days kept apart, on the clock that never rests."""
    exact, days = read_length(text)
    if exact + timedelta(days=days) > timedelta(days=MAX_LENGTH_DAYS):
        raise MistakeError("bad-length", f"{quoted(text)} is longer than {MAX_LENGTH_DAYS} days")
    return Length(exact, days)


def _not_a_length(text: str) -> str:
    better = re.fullmatch(r"(\d+)\s*(s|m|h|d|w)\w*", text.casefold())
    meant = f"; write {int(better[1])}{better[2]}" if better else "; write it like 30s, 10m, 3h, 2d, 1w or 1d12h"
    return f"{quoted(text)} is not a length of time{meant}"


def read_settle(text: str) -> timedelta:
    """A LENGTH that may be nothing: `0s` switches settling off."""
    return timedelta() if text.strip() in ("0s", "0m") else read_span(text)


def read_span(text: str) -> timedelta:
    """A LENGTH where a day is 24 hours."""
    exact, days = read_length(text)
    return exact + timedelta(days=days)


def read_receipt(text: str) -> timedelta:
    """How long to wait for a receipt: a day at most."""
    span = read_span(text)
    if span > timedelta(hours=24):
        raise MistakeError("bad-length", f"{quoted(text)} is longer than 24 hours, the most to wait for a receipt")
    return span


def read_name(text: str) -> str:
    if not NAME.fullmatch(text):
        raise MistakeError(
            "bad-name", f"{quoted(text)} is not a name: a-z, digits and '-', beginning with a letter, 63 at most"
        )
    return text


_OLD_ZONES = frozenset({"Europe/Kiev"})
"""Still valid, and no longer what anybody should be told to write."""


def read_zone(text: str) -> ZoneInfo:
    if text not in available_timezones():
        meant = instead(text, sorted(available_timezones() - _OLD_ZONES), "a time zone such as Europe/Kyiv")
        raise MistakeError("bad-zone", f"there is no time zone {quoted(text)}{meant}")
    return ZoneInfo(text)


_COUNTRIES = {
    "ua": "uk", "by": "be", "cz": "cs", "dk": "da", "gr": "el", "kz": "kk", "cn": "zh", "jp": "ja", "us": "en",
}  # fmt: skip
"""Countries that are often written where a language is meant, and are no language's code (ISO 639-1)."""


def language_meant(language: str) -> str:
    """The language that is meant where somebody wrote a country, or nothing."""
    return _COUNTRIES.get(language, "")


def read_locale(text: str) -> str:
    if language_meant(text):
        raise MistakeError(
            "bad-locale", f"{quoted(text)} is a country and not a language; write {language_meant(text)}"
        )
    if not LOCALE.fullmatch(text):
        raise MistakeError("bad-locale", f"{quoted(text)} is not a language such as uk, pl or en-GB")
    return text


def address_mistake(kind: str, text: str) -> str:
    """Why a text cannot be an address of such a channel (`email`, `phone`, `link`), or nothing. It is not repeated:
    it may be a secret."""
    if kind == "email" and not re.fullmatch(r"[^\s@<>,]+@[^\s@<>,]+", text):
        return "a mail address looks like anna@shop.example"
    if kind == "phone" and not re.fullmatch(r"\+[0-9][0-9 ()-]{6,20}", text):
        return "a phone number looks like +380671234567"
    return ""


def read_country(text: str) -> str:
    if not re.fullmatch(r"[A-Z]{2}", text):
        raise MistakeError("bad-value", f"{quoted(text)} is not a country; write two capital letters, such as UA")
    return text


def read_currency(text: str) -> str:
    if not re.fullmatch(r"[A-Z]{3}", text):
        raise MistakeError("bad-value", f"{quoted(text)} is not a currency; write three capital letters, such as UAH")
    return text


def read_url(text: str) -> str:
    """An address of the web, without a trailing slash."""
    if not re.fullmatch(r"https?://[^\s/?#@]+(?:/[^\s?#]*)?", text):
        raise MistakeError("bad-value", f"{quoted(text)} is not an address such as https://shop.example")
    return text.rstrip("/")


def read_listen(text: str) -> str:
    found = re.fullmatch(r"(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]*):(\d{1,5})", text)
    if found is None or int(found[2]) > 65535:
        raise MistakeError("bad-value", f"{quoted(text)} is not an address to listen on; write it like 127.0.0.1:8080")
    return text


_CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")


def read_clock(text: str, offset: int = 0) -> time:
    found = _CLOCK.fullmatch(text.strip())
    if found is None:
        raise MistakeError("bad-time", f"{quoted(text.strip())} is not a time of day such as 09:00", offset)
    return time(int(found[1]), int(found[2]))


def read_clocks(text: str, offset: int = 0) -> tuple[time, time]:
    """`21:00-08:00`: two times of day."""
    start, dash, end = text.partition("-")
    if not dash:
        raise MistakeError("bad-time", f"{quoted(text)} is not a span such as 21:00-08:00", offset)
    pair = read_clock(start, offset), read_clock(end, offset + len(start) + 1)
    if pair[0] == pair[1]:
        raise MistakeError("bad-time", f"{quoted(text)} begins when it ends", offset)
    return pair


WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def read_hours(text: str) -> tuple[frozenset[int], time, time]:
    """`Mon-Sat 09:00-19:00`: weekdays 1 to 7 and a span of local time; the end may be past midnight."""
    days, blank, clocks = text.strip().partition(" ")
    if not blank:
        raise MistakeError("bad-time", f"{quoted(text)} are not hours such as Mon-Sat 09:00-19:00")
    start, end = read_clocks(clocks.strip(), len(text) - len(clocks.lstrip()))
    return _weekdays(days), start, end


def _weekdays(text: str) -> frozenset[int]:
    days: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        low, high = _weekday(first), _weekday(last if dash else first)
        span = range(low, high + 1) if low <= high else (*range(low, 8), *range(1, high + 1))
        days.update(span)
    return frozenset(days)


def _weekday(text: str) -> int:
    if text not in WEEKDAYS:
        raise MistakeError("bad-time", f"{quoted(text)} is not a day of the week{instead(text, WEEKDAYS)}")
    return WEEKDAYS.index(text) + 1


def read_bool(text: str) -> bool:
    if text not in ("true", "false"):
        raise MistakeError("bad-value", f"{quoted(text)} is neither true nor false")
    return text == "true"


def read_int(text: str) -> int:
    if not re.fullmatch(r"[-+]?[0-9]{1,18}", text):
        raise MistakeError("bad-value", f"{quoted(text)} is not a whole number")
    return int(text)


def read_number(text: str) -> str:
    """A decimal number, as typed (no float touches an amount)."""
    if not re.fullmatch(r"[-+]?(?:[0-9]{1,18})(?:\.[0-9]{1,18})?", text):
        raise MistakeError("bad-value", f"{quoted(text)} is not a number")
    return text


def read_day(text: str) -> date:
    """A day as ISO 8601 has it."""
    wrong = MistakeError("bad-value", f"{quoted(text)} is not a day such as 2026-12-31")
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise wrong
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise wrong from None


_YEARLY = re.compile(r"(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")


def read_rest_day(text: str) -> str:
    """A day as ISO 8601 has it, or a month and a day: that day of every year."""
    if _YEARLY.fullmatch(text):
        read_day(f"2024-{text}")  # a leap year: it has all of them
        return text
    return read_day(text).isoformat()


_REGION = re.compile(r"([A-Z]{2})(?:-([A-Za-z0-9]{1,12}))?")


def read_region(text: str) -> str:
    """Whose public holidays count: `UA`, `DE-BY`, or `none` for nobody's, which is read as nothing."""
    if text == NONE:
        return ""
    found = _REGION.fullmatch(text)
    if found is None:
        said = f"{quoted(text)} is not a calendar; write a country such as UA, a part of one such as DE-BY, or none"
        raise MistakeError("bad-value", said)
    parts = parts_of(found[1])
    if parts is None:
        said = f"the public holidays of {quoted(found[1])} are not known; write none, and days of your own under 'also'"
        raise MistakeError("bad-value", said)
    if found[2] and found[2] not in parts:
        meant = instead(found[2], parts, "one of its parts") if parts else ": the whole country has the same"
        raise MistakeError("bad-value", f"{found[1]} has no part {quoted(found[2])}{meant}", len(found[1]) + 1)
    return text


def untyped(text: str) -> Any:
    """A plain scalar where nothing declares a type: only true, false, null and numbers are special."""
    if text in ("true", "false"):
        return text == "true"
    if text in ("", "null"):
        return None
    if re.fullmatch(r"-?(?:0|[1-9][0-9]{0,17})", text):
        return int(text)
    if re.fullmatch(r"-?(?:0|[1-9][0-9]{0,17})\.[0-9]{1,18}", text):
        return float(text)
    return text
