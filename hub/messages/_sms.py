"""What an SMS costs: its alphabet, its segments, and the characters that make it dear.

GSM 03.38 (3GPP TS 23.038): 160 characters of seven bits, 153 in each part of a longer one; the characters of the
extension table count twice. One character outside both makes the whole text UCS-2: 70, or 67 in each part, counted in
16-bit units. What follows makes texts cheap without changing what they say.
"""

import re
import unicodedata
from dataclasses import dataclass

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("\f^{}\\[~]|€")

GSM7, UCS2 = "GSM-7", "UCS-2"

_SPACES = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2007": " ", "\u200b": None})
_PLAINER = str.maketrans(
    {
        "‘": "'", "’": "'", "ʼ": "'", "‚": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"',
        "–": "-", "—": "-", "−": "-", "‑": "-", "…": "...", "•": "-", "×": "x", "№": "#",
    }
)  # fmt: skip
_FOLDED = str.maketrans({"ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ı": "i", "ð": "d", "þ": "th", "œ": "oe", "Œ": "OE"})


@dataclass(frozen=True, slots=True)
class Segments:
    """How a text travels: its alphabet, into how many parts, and which characters are outside GSM-7."""

    encoding: str
    segments: int
    offending: str = ""


def sms_segments(text: str) -> Segments:
    """The alphabet and number of parts of a text, and the characters (each once) that force UCS-2."""
    offending = "".join(dict.fromkeys(each for each in text if each not in _BASIC and each not in _EXTENDED))
    if offending:
        return Segments(UCS2, _parts([2 if ord(each) > 0xFFFF else 1 for each in text], 70, 67), offending)
    return Segments(GSM7, _parts([2 if each in _EXTENDED else 1 for each in text], 160, 153))


def _parts(sizes: list[int], whole: int, part: int) -> int:
    """Parts of a long text; a character of two units is never split between two of them."""
    if sum(sizes) <= whole:
        return 1
    parts, room = 1, part
    for size in sizes:
        if size > room:
            parts, room = parts + 1, part
        room -= size
    return parts


def cheaper(text: str) -> str:
    """The same text for SMS, where that brings it into GSM-7: with plain signs, and if need be Latin letters
    without their marks (`ą` to `a`: how Polish SMS are written). A text that stays dear (Cyrillic) stays as it is."""
    spaced = text.translate(_SPACES)
    plain = spaced.translate(_PLAINER)
    folded = "".join(_folded(each) for each in plain)
    return next((each for each in (spaced, plain, folded) if not sms_segments(each).offending), spaced)


def _folded(letter: str) -> str:
    if letter in _BASIC or letter in _EXTENDED:
        return letter
    return "".join(
        each for each in unicodedata.normalize("NFKD", letter.translate(_FOLDED)) if not unicodedata.combining(each)
    )


FEW = 3
"""So few different characters can be replaced; a text in another writing is as it is."""
_SAID = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)


def dear_character(source: str) -> int | None:
    """Where the first of a few characters stands that make a template's SMS dear, however it is filled; None where
    there is none, where they are made cheap anyway, or where the whole text is in another writing."""
    blank = _SAID.sub(lambda found: " " * len(found[0]), source)
    offending = sms_segments(cheaper(blank)).offending
    letters = [each not in offending for each in blank if each.isalpha()]
    if not offending or len(offending) > FEW or 2 * sum(letters) <= len(letters):
        return None
    return min(at for each in offending if (at := blank.find(each)) >= 0)
