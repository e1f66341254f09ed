"""The filters of texts: dates in the reader's zone and language, money, phones, counting words, reasons, statuses."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import phonenumbers
from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time
from babel.numbers import NumberPattern, format_currency, format_decimal, parse_pattern
from jinja2 import pass_context
from jinja2.runtime import Context

from hub.model import Money
from hub.status import HeadlineValue, Order, Payment, Return, Shipment, label

from ._errors import UnprintableError
from ._names import STATUS_KINDS, Kind
from ._values import Absent, Filling, Items, Link, Until, Word, clean
from ._words import WORDS, Words, reason_words

FILLING = "_filling"
"""Under which name the state of the filling stands; a text cannot say a name that begins with `_`."""


@cache
def babel_locale(locale: str) -> Locale:
    """English dates are read all over the world, so they are written day first and with 24 hours."""
    try:
        return Locale.parse("en_GB" if locale == "en" else locale, sep="-" if "-" in locale else "_")
    except (UnknownLocaleError, ValueError):
        return Locale.parse("en_GB")


def language_of(locale: str) -> str:
    return locale.partition("-")[0]


def words_of(locale: str) -> Words:
    return WORDS[language_of(locale)]


# ---------------------------------------------------------------- time


def day(value: datetime | Until, filling: Filling, form: str = "") -> str:
    """`Thursday 12 November`; "on", "until" and "about" put the preposition and the case the language wants, "short"
    leaves the weekday out."""
    moment = _local(value, filling)
    if form == "until":
        moment -= timedelta(microseconds=1)  # up to midnight is until the day before, up to six o'clock until that day
    on = moment.date()
    near = filling.now is None or on.year == filling.now.astimezone(filling.zone).year
    shown = format_date(on, "d MMMM" if near else "d MMMM y", locale=babel_locale(filling.locale))
    return shown if form == "short" else _pattern(filling).format(weekday=_weekday(on, filling, form), date=shown)


def _pattern(filling: Filling) -> str:
    return words_of(filling.locale).date if language_of(filling.locale) in WORDS else "{weekday}, {date}"


def _weekday(on: date, filling: Filling, form: str) -> str:
    if form in ("on", "until", "about"):
        return words_of(filling.locale).weekdays[form][on.weekday()]
    name = str(babel_locale(filling.locale).days["format"]["wide"][on.weekday()])
    return name.replace("ʼ", "’")  # as texts write it: CLDR has the letter, people type the quote


def time(value: datetime | Until, filling: Filling) -> str:
    """`18:05`."""
    return format_time(_local(value, filling), "short", locale=babel_locale(filling.locale)).replace("\u202f", " ")


def day_and_time(value: datetime | Until, filling: Filling, form: str = "") -> str:
    """A day with its hour. Until midnight is until the end of the day before, and needs no hour."""
    local = _local(value, filling)
    ends = form in ("until", "about") and (local.hour, local.minute) in ((0, 0), (23, 59))
    return day(value, filling, form) if ends else f"{day(value, filling, form)}, {time(value, filling)}"


def deadline(value: Until, filling: Filling, form: str = "") -> str:
    """A sentence about a pickup deadline: "until" only for what the carrier told, "about" for what we reckoned."""
    sentence = words_of(filling.locale).deadlines[form][(not value.told) + 2 * value.fee]
    until, about = day_and_time(value, filling, "until"), day(value, filling, "about")
    date = day(value, filling, "short")
    return sentence.format(until=until, about=about, date=date, moment=_moment(value, filling))


def _moment(value: Until, filling: Filling) -> str:
    """The end of a deadline without its weekday: `12 November, 18:00`, `11 November` for the midnight after it."""
    local = _local(value, filling)
    last = Until(value.at - timedelta(microseconds=1))
    whole = (local.hour, local.minute) in ((0, 0), (23, 59))
    return day(last, filling, "short") if whole else f"{day(last, filling, 'short')}, {time(value, filling)}"


def _local(value: datetime | Until, filling: Filling) -> datetime:
    at = value.at if isinstance(value, Until) else value
    try:
        return at.astimezone(filling.zone)
    except OverflowError:
        raise UnprintableError("a time outside the calendar") from None


# ---------------------------------------------------------------- amounts

_GLUED = re.compile(r"(?<=[^\W\d_])(?=\d)")
"""A letter before a digit: `UAH840.00`. CLDR's currencySpacing puts a space there, Babel does not."""


def money(value: int | Decimal | Money, filling: Filling, currency: str = "") -> str:
    """An amount with its currency: the given one, else the amount's own, the order's, the shop's."""
    own = value.currency if isinstance(value, Money) else ""
    amount = _amount(value)
    code = str(currency or own or filling.currency)
    if not (len(code) == 3 and code.isascii() and code.isalpha()):
        return f"{quantity(amount, filling)} {code}".strip()
    locale = babel_locale(filling.locale)
    pattern = _whole(locale) if language_of(filling.locale) in ("uk", "ru") and amount == int(amount) else None
    shown = format_currency(amount, code.upper(), format=pattern, locale=locale, currency_digits=pattern is None)
    return _GLUED.sub("\u00a0", shown)


@cache
def _whole(locale: Locale) -> NumberPattern:
    """Ukrainian and Russian shops write no kopecks where there are none."""
    return parse_pattern(locale.currency_formats["standard"].pattern.replace("0.00", "0"))


def quantity(value: int | Decimal | Money, filling: Filling) -> str:
    """A number with as many decimals as it has, at most three."""
    return format_decimal(_amount(value), format="#,##0.###", locale=babel_locale(filling.locale))


def _amount(value: int | Decimal | Money) -> Decimal:
    return value.amount if isinstance(value, Money) else Decimal(value)


def plural(value: int | Decimal | Items, filling: Filling, *forms: str, **keyed: str) -> str:
    """The word that goes with a number: `plural(one='item', other='items')`, or the forms in the language's order."""
    count = Decimal(len(value)) if isinstance(value, Items) else _amount(value)
    named = {**dict(zip(categories(filling.locale), forms, strict=False)), **keyed}
    whole = count.to_integral_value()
    category = babel_locale(filling.locale).plural_form(abs(whole if whole == count else count))  # 2.0 are two
    for wanted in (category, "other", "many", "few", "one"):
        if wanted in named:
            return str(named[wanted])
    raise UnprintableError("plural needs its forms")


def length(value: Items, filling: Filling) -> int:
    """How many there are in a list."""
    return len(value)


@cache
def categories(locale: str) -> tuple[str, ...]:
    """The plural categories of a language, in CLDR's order."""
    tags = babel_locale(locale).plural_form.tags
    return (*(each for each in ("zero", "one", "two", "few", "many") if each in tags), "other")


# ---------------------------------------------------------------- words


def phone(value: str, filling: Filling) -> str | Link:
    """`+380 44 123 45 67`, to be called by a click; what is no number stays as it came."""
    try:
        number = phonenumbers.parse(value, filling.country or None)
    except phonenumbers.NumberParseException:
        return value
    if not phonenumbers.is_possible_number(number):
        return value
    shown = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    return Link(f"tel:{phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)}", shown)


_OSM_DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
_OSM_SPAN = r"\d{1,2}:\d\d-\d{1,2}:\d\d"
_OSM_DAY = f"(?:{'|'.join(_OSM_DAYS)})"
_OSM_RULE = re.compile(
    rf"(?P<days>{_OSM_DAY}(?:[-,]{_OSM_DAY})* )?(?:(?P<spans>{_OSM_SPAN}(?:, ?{_OSM_SPAN})*)|off|closed)"
)


def hours(value: str, filling: Filling) -> str:
    """`Mon–Fri 08:00–21:00, Sat 09:00–18:00` from OpenStreetMap's `Mo-Fr 08:00-21:00; Sa 09:00-18:00`; anything else
    stays as it is. Closed days are not told."""
    rules = [_OSM_RULE.fullmatch(each.strip()) for each in value.strip().removesuffix(";").split(";")]
    told = [(each["days"] or "", each["spans"]) for each in rules if each and each["spans"]]
    if not told or None in rules:
        return value
    names = babel_locale(filling.locale).days["format"]["abbreviated"]
    by_locale = {osm: str(names[number]) for number, osm in enumerate(_OSM_DAYS)}
    shown = [re.sub(_OSM_DAY, lambda day: by_locale[day[0]], days) + spans for days, spans in told]
    one_span_each = not any("," in each for each in shown)
    spaced = (re.sub(r", ?", ", ", each).replace("-", "–") for each in shown)
    return (", " if one_span_each else "; ").join(spaced)


def reason(value: str, filling: Filling) -> str:
    """A reason in human words, to stand after a colon or a dash."""
    return reason_words(value, language_of(filling.locale))


_STATUSES: Mapping[Kind, Callable[[str], Any]] = {
    Kind.HEADLINE: HeadlineValue,
    Kind.ORDER: Order,
    Kind.PAYMENT: Payment,
    Kind.SHIPMENT: Shipment,
    Kind.RETURN: Return,
}


def status(value: str, filling: Filling) -> str:
    """What customers call a status; a word that is no status stays as it is."""
    try:
        found = _STATUSES[value.kind if isinstance(value, Word) else Kind.HEADLINE](str(value))
    except ValueError:
        return value
    return label(found, filling.locale).label


def role(value: str) -> str:
    """How a headline looks: calm, go, ask, good, bad, back, void; nothing for a word that is none."""
    try:
        found = _STATUSES[value.kind if isinstance(value, Word) else Kind.HEADLINE](str(value))
    except ValueError:
        return ""
    return label(found, "en").role


# ---------------------------------------------------------------- as templates call them


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter: what it takes, how many and which words may follow, and whether it needs words of the language."""

    call: Callable[..., Any]
    takes: frozenset[Kind]
    most: int = 0
    forms: tuple[str, ...] = ()
    words: bool = False


_TIMES = frozenset({Kind.TIME, Kind.DEADLINE})
_NUMBERS = frozenset({Kind.NUMBER})
_FORMS = ("on", "until", "about", "short")

FILTERS: Mapping[str, Filter] = {
    "day": Filter(day, _TIMES, 1, _FORMS),
    "time": Filter(time, _TIMES),
    "datetime": Filter(day_and_time, _TIMES, 1, _FORMS),
    "deadline": Filter(deadline, frozenset({Kind.DEADLINE}), 1, ("short", "parcel", "parcel-short"), words=True),
    "money": Filter(money, _NUMBERS, 1),
    "quantity": Filter(quantity, _NUMBERS),
    "plural": Filter(plural, _NUMBERS, 6),
    "length": Filter(length, frozenset()),
    "phone": Filter(phone, frozenset({Kind.PHONE, Kind.TEXT})),
    "hours": Filter(hours, frozenset({Kind.TEXT})),
    "reason": Filter(reason, frozenset({Kind.REASON, Kind.TEXT}), words=True),
    "status": Filter(status, STATUS_KINDS | {Kind.TEXT}, words=True),
}

_TYPES: Mapping[str, tuple[type, ...]] = {
    "day": (datetime, Until),
    "time": (datetime, Until),
    "datetime": (datetime, Until),
    "deadline": (Until,),
    "money": (int, Decimal, Money),
    "quantity": (int, Decimal, Money),
    "plural": (int, Decimal, Items),
    "length": (Items,),
    "phone": (str,),
    "hours": (str,),
    "reason": (str,),
    "status": (str,),
}


def callable_filters(more: Mapping[str, Callable[[Any, str], str]]) -> dict[str, Callable[..., Any]]:
    """The filters as Jinja calls them; an absent value passes through, so that printing it is still noticed."""
    ours = {name: _passing(name, each.call, _TYPES[name]) for name, each in FILTERS.items()}
    return {**{name: _foreign(name, call) for name, call in more.items()}, **ours}


def _passing(name: str, call: Callable[..., Any], types: tuple[type, ...]) -> Callable[..., Any]:
    @pass_context
    def filtered(context: Context, value: Any, *args: Any, **keyed: Any) -> Any:
        if isinstance(value, Absent):
            return value
        if isinstance(value, bool) or not isinstance(value, types):
            raise UnprintableError(f"the filter '{name}' does not take this kind of value")
        return call(value, context[FILLING], *args, **keyed)

    return filtered


def _foreign(name: str, call: Callable[[Any, str], str]) -> Callable[..., Any]:
    """A plugin's filter: a pure function of value and locale; whatever it does, its result is one clean line."""

    @pass_context
    def filtered(context: Context, value: Any) -> Any:
        if isinstance(value, Absent):
            return value
        try:
            return clean(str(call(str(value), context[FILLING].locale)))
        except Exception as error:
            raise UnprintableError(f"the filter '{name}' failed ({type(error).__name__})") from error

    return filtered
