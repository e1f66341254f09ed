"""How the fake SMSAPI counts what it charges: units of the alphabet, divided and rounded up, as gateways do.

3GPP TS 23.038. The hub's own count is stricter at the ends of parts (it never splits a character); the tests compare
the two. A sandbox may not borrow it: a fake that counts with the hub's table would agree with its mistakes.
"""

import unicodedata

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ÄÖÑÜ§¿äöñüà"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)
_EXTENDED = frozenset("\f^{}\\[~]|€")


def is_unicode(text: str) -> bool:
    """Whether one character makes the whole message UCS-2."""
    return any(each not in _BASIC and each not in _EXTENDED for each in text)


def parts(text: str) -> int:
    """Parts that a message is charged as."""
    if is_unicode(text):
        return _parts(len(text.encode("utf-16-be")) // 2, 70, 67)
    return _parts(len(text) + sum(each in _EXTENDED for each in text), 160, 153)


def _parts(units: int, whole: int, part: int) -> int:
    return 1 if units <= whole else -(-units // part)


def normalised(text: str) -> str:
    """What `normalize=1` makes of a text: letters without their marks."""
    bare = unicodedata.normalize("NFKD", text.replace("ł", "l").replace("Ł", "L"))
    return "".join(each for each in bare if not unicodedata.combining(each))
