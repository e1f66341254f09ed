"""Telegram's HTML mode, as its own parser reads it (behaviour and error texts from the tests of tdlib/td).

Named entities other than lt, gt, amp and quot are left as they stand; half a surrogate pair is an error.
"""

import re
from dataclasses import dataclass

from .sandbox_world import ApiError, units

TAGS = {
    "a": "text_link",
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "span": "spoiler",
    "tg-spoiler": "spoiler",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "tg-emoji": "custom_emoji",
    "tg-time": "date_time",
}
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_ENTITY = re.compile(r"&(?:#[xX]([0-9a-fA-F]{1,7})|#([0-9]{1,7})|([a-zA-Z]+));?")
_ATTRIBUTE_NAME = re.compile(r"[^\s=>]*")
_BARE_VALUE = re.compile(r"[A-Za-z0-9.-]*")


@dataclass(frozen=True, slots=True)
class _Open:
    tag: str
    offset: int
    href: str


class HtmlReader:
    """Reads one text; `plain` and `entities` (offsets and lengths in UTF-16 units) are what a person gets to see."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._open: list[_Open] = []
        self._parts: list[str] = []
        self._length = 0
        self.entities: list[dict[str, object]] = []
        self._read()

    @property
    def plain(self) -> str:
        return "".join(self._parts)

    def _read(self) -> None:
        while self._at < len(self._text):
            char = self._text[self._at]
            if char == "&":
                self._entity()
            elif char != "<":
                self._put(char)
                self._at += 1
            elif self._text.startswith("/", self._at + 1):
                self._end_tag()
            else:
                self._start_tag()
        if self._open:
            raise _error(f'Can\'t find end tag corresponding to start tag "{self._open[-1].tag}"')

    def _put(self, text: str) -> None:
        self._parts.append(text)
        self._length += units(text)

    def _entity(self) -> None:
        found = _ENTITY.match(self._text, self._at)
        char = _decoded(found) if found else None
        if found is None or char is None:
            self._put("&")
            self._at += 1
            return
        self._put(char)
        self._at = found.end()

    def _start_tag(self) -> None:
        begin = self._at
        name = re.compile(r"[^\s>]*").match(self._text, begin + 1)
        end = name.end() if name else begin + 1
        if end >= len(self._text):
            raise self._at_byte("Unclosed start tag", begin)
        tag = self._text[begin + 1 : end].casefold()
        if tag not in TAGS:
            raise self._at_byte(f'Unsupported start tag "{tag}"', begin)
        self._at = end
        attributes = self._attributes(tag, begin)
        if tag == "span" and attributes.get("class") != "tg-spoiler":
            raise self._at_byte('Tag "span" must have class "tg-spoiler"', begin)
        self._open.append(_Open(tag, self._length, attributes.get("href", "")))

    def _attributes(self, tag: str, begin: int) -> dict[str, str]:
        found: dict[str, str] = {}
        while True:
            self._skip_blanks()
            if self._peek() == ">":
                self._at += 1
                return found
            if not self._peek():
                raise self._at_byte(f'Unclosed start tag "{tag}"', begin)
            name, value = self._attribute(tag, begin)
            found[name] = value

    def _attribute(self, tag: str, begin: int) -> tuple[str, str]:
        matched = _ATTRIBUTE_NAME.match(self._text, self._at)
        name = matched.group().casefold() if matched else ""
        if not name:
            raise self._at_byte(f'Empty attribute name in the tag "{tag}"', begin)
        self._at += len(name)
        self._skip_blanks()
        if self._peek() != "=":
            if tag == "blockquote":  # `<blockquote expandable>` alone may stand without a value
                return name, ""
            raise self._at_byte(f'Expected equal sign in declaration of an attribute of the tag "{tag}"', begin)
        self._at += 1
        self._skip_blanks()
        return name, self._value(tag, begin)

    def _value(self, tag: str, begin: int) -> str:
        quote = self._peek()
        if not quote:
            raise self._at_byte(f'Unclosed start tag "{tag}"', begin)
        if quote in "\"'":
            end = self._text.find(quote, self._at + 1)
            if end < 0:
                raise self._at_byte("Unclosed start tag", begin)
            value, self._at = self._text[self._at + 1 : end], end + 1
            return _ENTITY.sub(lambda found: _decoded(found) or found.group(), value)
        matched = _BARE_VALUE.match(self._text, self._at)
        value = matched.group() if matched else ""
        self._at += len(value)
        if self._peek() not in (">", " ", "\t", "\n", "\r"):
            raise self._at_byte("Unexpected end of name token", self._at)
        return value

    def _end_tag(self) -> None:
        begin = self._at
        if not self._open:
            raise self._at_byte("Unexpected end tag", begin)
        matched = re.compile(r"[^\s>]*").match(self._text, begin + 2)
        found = matched.group().casefold() if matched else ""
        self._at = begin + 2 + len(found)
        self._skip_blanks()
        if self._peek() != ">":
            raise self._at_byte("Unclosed end tag", begin)
        self._at += 1
        top = self._open.pop()
        if found and found != top.tag:
            raise self._at_byte("Unmatched end tag", begin, f', expected "</{top.tag}>", found "</{found}>"')
        self._close(top)

    def _close(self, top: _Open) -> None:
        length = self._length - top.offset
        if not length or (top.tag == "a" and not top.href):
            return
        entity: dict[str, object] = {"offset": top.offset, "length": length, "type": TAGS[top.tag]}
        self.entities.append({**entity, "url": top.href} if top.tag == "a" else entity)

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _skip_blanks(self) -> None:
        while self._peek() and self._peek() in " \t\n\r":
            self._at += 1

    def _at_byte(self, text: str, index: int, rest: str = "") -> ApiError:
        offset = len(self._text[:index].encode(errors="replace"))
        return _error(f"{text} at byte offset {offset}{rest}")


def _decoded(found: "re.Match[str]") -> str | None:
    hexadecimal, decimal, name = found.groups()
    if name:
        return _NAMED.get(name)
    code = int(hexadecimal, 16) if hexadecimal else int(decimal)
    if 0xD800 <= code <= 0xDFFF:
        raise _error(
            "Text contains invalid Unicode characters after decoding HTML entities, check for unmatched "
            "surrogate code units"
        )
    return chr(code) if 0 < code < 0x10FFFF else None


def _error(text: str) -> ApiError:
    return ApiError(400, f"Bad Request: can't parse entities: {text}")
