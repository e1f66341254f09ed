"""What a customer's words are about: a table of words for each language, and nothing cleverer. Pure.

A line that none of them is in is `other`, which a person reads. A stem stands for whatever begins with it; one with a
blank behind it is a whole word.
"""

import re
from collections.abc import Mapping, Sequence

STATUS, COMPLAINT, RETURN, ADDRESS, OTHER = "status", "complaint", "return", "address", "other"
TOPICS = (STATUS, COMPLAINT, RETURN, ADDRESS, OTHER)
"""FLOWS 3."""

WORDS: Mapping[str, Mapping[str, Sequence[str]]] = {
    COMPLAINT: {
        "en": ("complain", "broke", "damaged", "faulty", "defect", "wrong item", "wrong size", "is missing",
               "are missing", "not working", "doesn't work", "does not work", "terrible", "awful", "scam", "crushed",
               "cracked"),
        "uk": ("скарг", "скарж", "зламан", "розбит", "пошкодж", "не працює", "не той ", "не та ", "не те ", "бракує",
               "браков", "жахлив", "обман", "розлил", "розлит", "недоклал"),
        "pl": ("reklamac", "skarg", "skarż", "uszkodz", "zepsut", "rozbit", "połaman", "pękni", "nie działa", "brakuje",
               "wadliw", "okropn", "fataln", "oszust", "oszuka", "niezgodn", "nie ten ", "nie ta ", "nie to "),
        "ru": ("жалоб", "жалу", "сломан", "разбит", "поврежд", "не работает", "не тот ", "не та ", "не то ",
               "не хватает", "бракован", "ужасн", "обман", "разлил", "разлит", "недоложил"),
    },
    RETURN: {
        "en": ("return", "refund", "send it back", "send back", "money back", "exchange"),
        "uk": ("поверн", "обмін"),
        "pl": ("zwrot", "zwróc", "zwraca", "oddać", "wymian", "wymieni"),
        "ru": ("возврат", "вернуть", "верните", "обмен"),
    },
    ADDRESS: {
        "en": ("address", "postcode", "redirect", "another branch", "different branch", "another locker",
               "different locker"),
        "uk": ("адрес", "переадрес", "інше відділення", "інший поштомат", "змінити відділення"),
        "pl": ("adres", "przekierow", "inny paczkomat", "innego paczkomatu", "inny punkt", "innego punktu"),
        "ru": ("адрес", "переадрес", "другое отделение", "другой постамат", "изменить отделение"),
    },
    STATUS: {
        "en": ("where", "when", "status", "track", "arrive", "deliver", "shipped", "sent yet"),
        "uk": ("де ", "коли", "статус", "відстеж", "прийде", "приїде", "доставк", "надісла", "відправ"),
        "pl": ("gdzie", "kiedy", "status", "śledz", "dotrze", "przyjdzie", "dostaw", "wysła"),
        "ru": ("где", "когда", "статус", "отслед", "придет", "придёт", "приедет", "доставк", "отправ"),
    },
}  # fmt: skip
"""Topic → language → stems. A complaint outranks the rest: "where is the refund for the broken one?" is one."""

THANKS = frozenset(
    {"thanks", "thank you", "thank you very much", "ok", "okay", "дякую", "дуже дякую", "спасибі", "добре", "ок",
     "dziękuję", "dzięki", "dziekuje", "dobrze", "спасибо", "большое спасибо", "хорошо"}
)  # fmt: skip
"""Who says just this asks nothing."""


def _pattern(stems: Mapping[str, Sequence[str]]) -> re.Pattern[str]:
    ends = {stem: r"(?!\w)" if stem.endswith(" ") else "" for each in stems.values() for stem in each}
    return re.compile(r"(?<!\w)(?:" + "|".join(re.escape(stem.strip()) + end for stem, end in ends.items()) + ")")


_PATTERNS = {topic: _pattern(stems) for topic, stems in WORDS.items()}


def topic_of(text: str) -> str:
    """The topic of free text; empty where nothing is asked. Nothing but a question mark is "where?"."""
    line = " ".join(text.casefold().replace("’", "'").split())
    words = line.strip(" .,!?)(👍🙏❤️😊")
    if not words or words in THANKS:
        return STATUS if "?" in line and not words else ""
    return next((topic for topic, pattern in _PATTERNS.items() if pattern.search(line)), OTHER)
