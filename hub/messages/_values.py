"""The data of a message as a text sees it: read by declared name only, cleaned, and typed by the table of names.

Everything here came from outside at some time. A text keeps to one line, holds no character that could steer a mail
header, a terminal or the direction of writing, and has an end; a web address is http(s) or it is not there.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from jinja2 import Undefined
from markupsafe import Markup

from hub.model import Money

from ._errors import TooLongError
from ._names import STATUS_KINDS, Kind, Spec, child

MAX_VALUE = 4_000
"""Characters of one value; the rest is left out."""
MAX_STEPS = 10_000
"""Rounds of all loops of one text together."""

_KEPT = {"\u200c", "\u200d"}  # joiners: parts of words and of emoji
_HARMFUL = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_BLANKS = re.compile(r"[ \t\r\n\v\f\x85\u2028\u2029]+")


def flat(text: str) -> str:
    """One line without control characters, direction marks, private or broken characters."""
    line = _BLANKS.sub(" ", text[: MAX_VALUE * 2])
    if not line.isascii() or not line.isprintable():
        line = "".join(each for each in line if each in _KEPT or unicodedata.category(each) not in _HARMFUL)
    return line if len(line) <= MAX_VALUE else line[: MAX_VALUE - 1] + "…"


def clean(text: str) -> str:
    """A `flat` line without blanks around it."""
    return flat(text).strip()


_URL = re.compile(r"https?://[^\s\"'<>`{}|\\^\x00-\x20\x7f]{1,2000}", re.IGNORECASE)


def safe_url(text: str) -> str:
    """A web address that can stand in a link, or an empty text."""
    if not _URL.fullmatch(text):
        return ""
    try:
        host = urlsplit(text).hostname
    except ValueError:
        return ""
    return text if host else ""


@dataclass(frozen=True, slots=True)
class Link:
    """Something to click: where it leads, and what is read."""

    href: str
    shown: str

    def __str__(self) -> str:
        return self.shown


class Word(str):
    """A status, with the kind of list it comes from."""

    __slots__ = ("kind",)
    kind: Kind

    @classmethod
    def of(cls, text: str, kind: Kind) -> "Word":
        word = cls(text)
        word.kind = kind
        return word


@dataclass(frozen=True, slots=True, order=True)
class Until:
    """A pickup deadline with what it means."""

    at: datetime
    fee: bool = field(default=False, compare=False)
    told: bool = field(default=False, compare=False)


class Absent(Undefined):
    """A field that is not there: false in a condition, equal to nothing, in no order, and named when it is printed."""

    __slots__ = ()

    def __init__(self, hint: str | None = None, obj: Any = None, name: str | None = None, exc: Any = None) -> None:
        super().__init__(name=name)

    @property
    def path(self) -> str:
        return str(self._undefined_name)

    def __eq__(self, other: object) -> bool:
        return False

    def __ne__(self, other: object) -> bool:
        return True

    def __lt__(self, other: object) -> bool:  # type: ignore[override]
        return False

    def __gt__(self, other: object) -> bool:  # type: ignore[override]
        return False

    def __le__(self, other: object) -> bool:  # type: ignore[override]
        return False

    def __ge__(self, other: object) -> bool:  # type: ignore[override]
        return False

    def __hash__(self) -> int:
        return hash(Absent)

    def __contains__(self, item: object) -> bool:
        return False


def absent(path: str) -> Absent:
    return Absent(name=path)


@dataclass(slots=True)
class Filling:
    """One text being filled: for whom, and what was found missing meanwhile."""

    locale: str
    zone: ZoneInfo
    now: datetime | None = None
    currency: str = ""
    country: str = ""
    gap: str = ""
    """What stands for an absent field."""
    missing: list[str] = field(default_factory=list)
    steps: int = 0

    def step(self) -> None:
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise TooLongError(f"a text loops more than {MAX_STEPS} times")


class Record:
    """A record: its declared fields and nothing else."""

    __slots__ = ("_data", "_filling", "_path", "_spec")

    def __init__(self, data: Mapping[str, Any], spec: Spec, path: str, filling: Filling) -> None:
        self._data, self._spec, self._path, self._filling = data, spec, path, filling

    def __bool__(self) -> bool:
        return bool(self._data)

    def field(self, name: str) -> Any:
        """The value of a field as texts see it, or `Absent`."""
        path, spec = f"{self._path}.{name}", child(self._spec, name)
        if spec is None or name.startswith("_"):
            return absent(path)
        if spec is Kind.DEADLINE:
            return self._deadline(name, path)
        return seen(self._data.get(name), spec, path, self._filling)

    def _deadline(self, name: str, path: str) -> Until | Absent:
        """With the kind and basis that stand beside it. An unknown basis is an estimate: nothing false is promised."""
        at = _time(self._data.get(name))
        if at is None:
            return absent(path)
        told = self._data.get(f"{name}_basis") == "told"
        return Until(at, fee=self._data.get(f"{name}_kind") == "fee_from", told=told)


class Items:
    """A list; every round of a loop over it is counted."""

    __slots__ = ("_filling", "_items", "_path", "_spec")

    def __init__(self, items: Sequence[Any], spec: Spec, path: str, filling: Filling) -> None:
        self._items, self._spec, self._path, self._filling = items, spec, path, filling

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Any]:
        for item in self._items:
            self._filling.step()
            yield seen(item, self._spec, self._path, self._filling)

    def __contains__(self, wanted: object) -> bool:
        return any(each == wanted for each in self)


def seen(value: Any, spec: Spec, path: str, filling: Filling) -> Any:
    """A value as a text sees it; what is empty, or not of the declared kind, is absent."""
    if value is None:
        return absent(path)
    if isinstance(spec, Mapping):
        return Record(value, spec, path, filling) if isinstance(value, Mapping) else absent(path)
    if isinstance(spec, tuple):
        return Items(value, spec[0], path, filling) if isinstance(value, list | tuple) else absent(path)
    if spec is Kind.ANY:
        return _guessed(value, path, filling)
    found = _READ[spec](value)
    return absent(path) if found is None or found == "" else found


def _guessed(value: Any, path: str, filling: Filling) -> Any:
    if isinstance(value, Mapping):
        return Record(value, Kind.ANY, path, filling)
    if isinstance(value, list | tuple):
        return Items(value, Kind.ANY, path, filling)
    for kind in (Kind.BOOL, Kind.NUMBER):
        if (found := _READ[kind](value)) is not None:
            return found
    if isinstance(value, datetime):
        return _time(value) or absent(path)
    return _text(value) or absent(path)


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return clean(value)
    return str(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else None


def _number(value: Any) -> int | Decimal | Money | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | Money):
        return None
    if isinstance(value, int):
        return value if abs(value) < 10**15 else None
    amount = value.amount if isinstance(value, Money) else Decimal(str(value))
    if not amount.is_finite() or abs(amount) >= 10**15:
        return None
    return value if isinstance(value, Money) else amount


def _time(value: Any) -> datetime | None:
    """An aware time; as a text (ISO 8601) too, since what is frozen at the trigger is kept as JSON."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    return value if isinstance(value, datetime) and value.tzinfo is not None else None


def _link(value: Any) -> Link | None:
    text = value.strip() if isinstance(value, str) else ""
    return Link(text, text) if clean(text) == text and safe_url(text) else None


_EMAIL = re.compile(r"[^\s@<>\"'(),:;\\\[\]?&%]{1,64}@[^\s@<>\"'(),:;\\\[\]?&%]{1,253}")


def _email(value: Any) -> Link | str | None:
    text = _text(value)
    return Link(f"mailto:{text}", text) if text and _EMAIL.fullmatch(text) else text


def _word(kind: Kind) -> Callable[[Any], Word | None]:
    def read(value: Any) -> Word | None:
        text = _text(value)
        return Word.of(text, kind) if text else None

    return read


_READ: Mapping[Kind, Callable[[Any], Any]] = {
    Kind.TEXT: _text,
    Kind.NUMBER: _number,
    Kind.TIME: _time,
    Kind.BOOL: lambda value: value if isinstance(value, bool) else None,
    Kind.URL: _link,
    Kind.EMAIL: _email,
    Kind.PHONE: _text,
    Kind.REASON: _text,
    Kind.HTML: lambda value: value if isinstance(value, Markup) else None,
    **{kind: _word(kind) for kind in STATUS_KINDS},
}
