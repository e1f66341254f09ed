"""From a compiled template and the data to what a channel is given: mail with text and HTML, chat, SMS."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup

from hub.plugin import Button

from ._errors import MissingData
from ._file import TextFile
from ._filters import role
from ._marks import one_line, paragraphs, plain, tidy
from ._names import ROOTS, STATUS_KINDS, Kind, field_at
from ._render import Compiled, LinkTo, complain, filling_for
from ._sms import cheaper
from ._values import Filling, Word, safe_url

MAX_HTML = 512 * 1024
"""Bytes of a whole mail in HTML; its text was already cut at 64 KiB, and escaping makes it longer."""


@dataclass(frozen=True, slots=True)
class Rendering:
    """A filled text. `subject` and `html` only for mail; `buttons` are those whose address was there."""

    subject: str
    text: str
    html: str
    buttons: tuple[Button, ...]
    locale: str


@dataclass(frozen=True, slots=True)
class Frame:
    """What surrounds every mail: the footer of its language, and the layout."""

    footer: Compiled
    layout: Compiled
    body: Compiled | None = None
    """A body in HTML that the merchant wrote."""


class Filler:
    """One message being made."""

    def __init__(self, file: TextFile, names: Mapping[str, Any], zone: ZoneInfo, link: LinkTo) -> None:
        self.file, self.names, self.link = file, names, link
        self.filling = filling_for(names, file.locale, zone)

    def fill(self, part: Compiled) -> str:
        return tidy(part.fill(self.names, self.filling, self.link))

    def optional(self, part: Compiled | None) -> str:
        """A line that is left out, not waited for, where something in it is absent."""
        if part is None:
            return ""
        aside = Filling(
            self.filling.locale, self.filling.zone, self.filling.now, self.filling.currency, self.filling.country
        )
        filled = one_line(part.fill(self.names, aside, self.link), 2_000)
        return "" if aside.missing else filled

    def buttons(self) -> tuple[Button, ...]:
        made = ((self.optional(each.text), self.optional(each.url)) for each in self.file.buttons)
        return tuple(Button(text[:64], url=url) for text, url in made if text and safe_url(url))

    def needed(self) -> None:
        """What the head says must be there, whether the text prints it or not."""
        absent = [name for name in self.file.needs if not _present(self.names, name)]
        if absent:
            raise MissingData(tuple(absent))

    def chat(self) -> Rendering:
        text = plain(self.fill(self.file.body))
        complain(self.filling)
        return Rendering("", text, "", self.buttons(), self.file.locale)

    def sms(self) -> Rendering:
        text = cheaper(" ".join(plain(self.fill(self.file.body)).split()))
        complain(self.filling)
        return Rendering("", text, "", (), self.file.locale)

    def mail(self, frame: Frame) -> Rendering:
        body, footer = self.fill(self.file.body), self.fill(frame.footer)
        subject = one_line(self.fill(self.file.lines["subject"]))
        headline = one_line(self.fill(self.file.lines["headline"])) if "headline" in self.file.lines else subject
        preheader = one_line(self.optional(self.file.lines.get("preheader")) or body.split("\n\n")[0], 140)
        content = paragraphs(body)
        if frame.body is not None:
            content = Markup(frame.body.fill(self.names, self.filling, self.link))
        complain(self.filling)
        buttons = self.buttons()
        parts = {
            "lang": self.file.locale,
            "subject": subject,
            "preheader": preheader,
            "headline": headline,
            "badge": self.optional(self.file.lines.get("badge")),
            "role": self.role(),
            "content": content,
            "footer": paragraphs(footer),
            "buttons": [{"text": each.text, "url": each.url} for each in buttons],
        }
        html = self.framed(frame.layout, parts)
        return Rendering(subject, _letter(plain(body), buttons, plain(footer)), html, buttons, self.file.locale)

    def framed(self, layout: Compiled, parts: Mapping[str, Any]) -> str:
        html = layout.fill({**self.names, "mail": parts}, self.filling, self.link, MAX_HTML)
        complain(self.filling)
        return html

    def role(self) -> str:
        """How the status looks that the badge prints."""
        badge = self.file.lines.get("badge")
        for path in sorted(badge.prints) if badge else ():
            kind = field_at(ROOTS, path)
            value = _value(self.names, path)
            if isinstance(kind, Kind) and kind in STATUS_KINDS and isinstance(value, str):
                return role(Word.of(value, kind))
        return ""


def _letter(body: str, buttons: tuple[Button, ...], footer: str) -> str:
    links = "\n".join(f"{each.text}: {each.url}" for each in buttons)
    return "\n\n".join(part for part in (body, links, f"-- \n{footer}" if footer else "") if part) + "\n"


def _value(names: Mapping[str, Any], path: str) -> Any:
    found: Any = names
    for word in path.split("."):
        found = found.get(word) if isinstance(found, Mapping) else None
    return found


def _present(names: Mapping[str, Any], path: str) -> bool:
    return _value(names, path) not in (None, "", [], ())
