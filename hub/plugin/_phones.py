"""A telephone number as the network knows it, and a text that an SMS can carry. Pure."""

import re
import unicodedata

import phonenumbers

_WRITTEN = re.compile(r"[+0-9 ()./\u00a0-]{5,40}")


def e164(text: str, country: str) -> str | None:
    """`+48600100200` of a number as people write it; None for what is none. `country` (ISO 3166) reads those that are
    written as at home; one without a plus may also begin with its country's code."""
    written = text.strip()
    if not _WRITTEN.fullmatch(written):
        return None
    return _read(written, country) or _read("+" + written.removeprefix("00").lstrip("+"), None)


def _read(written: str, country: str | None) -> str | None:
    try:
        number = phonenumbers.parse(written, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def sms_text(text: str) -> str:
    """`text` without what no message can carry: control characters and halves of surrogate pairs."""
    return "".join(_printable(each) for each in text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def _printable(each: str) -> str:
    category = unicodedata.category(each)
    if category == "Cs":
        return "?"
    return "" if category == "Cc" and each != "\n" else each
