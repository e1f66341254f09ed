"""From our plain text to what Telegram wants: escaped HTML of at most 4096 characters, and an inline keyboard."""

import unicodedata
from collections.abc import Sequence
from typing import Any

from hub.plugin import Button

MAX_TEXT = 4096
"""Counted after the markup is read; in UTF-16 units, as Telegram counts offsets, which is the stricter reading."""
MAX_DATA = 64
"""Bytes of UTF-8 in a button's data."""
MAX_BUTTONS = 100
MAX_ROW = 8
"""Both ceilings are undocumented, seen by authors of clients."""
ROW_WIDTH = 24
"""Characters that still read well side by side on a narrow phone; a button's frame counts for three."""

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def html(text: str) -> str:
    """`text` so that Telegram's HTML mode shows it as it stands. Nothing in it is ever markup: the whitelist of tags
    that data may bring is empty."""
    return text.translate(_ESCAPES)


def plain(text: str) -> str:
    """`text` without what no message can carry: control characters and halves of surrogate pairs."""
    return "".join(_printable(char) for char in text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def _printable(char: str) -> str:
    category = unicodedata.category(char)
    if category == "Cs":
        return "\ufffd"
    return "" if category == "Cc" and char not in "\n\t" else char


def units(text: str) -> int:
    """Length in UTF-16 units."""
    return len(text) + sum(char > "\uffff" for char in text)


def cut(text: str, limit: int = MAX_TEXT) -> str:
    """`text` itself, or as much of it as fits with an ellipsis, ending between words and never inside a character."""
    if units(text) <= limit:
        return text
    end, used = 0, 1
    while used + units(text[end]) <= limit:
        used += units(text[end])
        end += 1
    return text[: _between_words(text, end)].rstrip() + "…"


def _between_words(text: str, end: int) -> int:
    """The nearest place before `end` where a word ends, unless that would cost more than a tenth."""
    for place in range(end, max(end - end // 10, 1), -1):
        if text[place].isspace():
            return place
    while end > 1 and _joins(text[end - 1], text[end]):
        end -= 1
    return end


def _joins(before: str, after: str) -> bool:
    """Whether two code points belong to one visible character (accents, emoji sequences, flags)."""
    joiners = "\u200d\ufe0f"
    modifier = "\U0001f3fb" <= after <= "\U0001f3ff"
    return before == "\u200d" or after in joiners or modifier or unicodedata.combining(after) != 0


def with_links(text: str, buttons: Sequence[Button]) -> str:
    """`text` with the addresses of the buttons that it does not hold yet, one per line."""
    lines = [f"{each.text}: {each.url}" for each in buttons if each.url and each.url not in text]
    if not lines:
        return text
    tail = "\n" + "\n".join(lines)
    room = MAX_TEXT - units(tail)
    return cut(text, room) + tail if room > 0 else text


def wrong_buttons(buttons: Sequence[Button]) -> str:
    """What Telegram would refuse about the buttons; empty when nothing."""
    if len(buttons) > MAX_BUTTONS:
        return f"more than {MAX_BUTTONS} buttons"
    for each in buttons:
        if not plain(each.text):
            return "a button without a text"
        if bool(each.url) == bool(each.data):
            return "a button needs either an address or data"
        if len(each.data.encode(errors="replace")) > MAX_DATA:
            return f"a button's data is longer than {MAX_DATA} bytes"
    return ""


def keyboard(buttons: Sequence[Button]) -> dict[str, Any] | None:
    """The inline keyboard; short answers share a row ("Yes" "No", 0 to 10), links and long ones have their own."""
    rows: list[list[dict[str, str]]] = []
    room = 0
    for each in buttons:
        label = plain(each.text)
        width = ROW_WIDTH if each.url else len(label) + 3
        if width > room or len(rows[-1]) == MAX_ROW:
            rows.append([])
            room = ROW_WIDTH
        room -= width
        rows[-1].append({"text": label, **({"url": each.url} if each.url else {"callback_data": each.data})})
    return {"inline_keyboard": rows} if rows else None
