"""A survey inside a chat: one question after the other, with buttons that only the chat they were sent to can press.

A button's data is `s|survey|question|mark|signature`, at most 64 bytes: the question as a hash of its key, so that an
edited list of questions turns no answer into another, and the signature over all of it and the address. Whoever sends
data that no button of theirs has, or somebody else's, is not heard.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from hub.config.questions import SKIP, WRITE_HERE, Question, Survey
from hub.messages import Rendering
from hub.plugin import Button, Channel
from hub.status import language
from hub.store.links import token_for

from .answers import open_question
from .surveys import ANSWERED
from .world import World

SIGNED = "answer"
"""What a signature of a button is for."""
PASSED = "-"
"""The mark of a question that is passed over."""
_SIGNATURE = 16
"""Characters of base64: 96 bits."""


@dataclass(frozen=True, slots=True)
class Press:
    """A button that we made for this chat was pressed."""

    survey: str
    question: str
    mark: str

    def answers(self, survey: Survey) -> Question | None:
        """The question of the survey that it answers."""
        return next((each for each in survey.questions if _short(each.key) == self.question), None)


@dataclass(frozen=True, slots=True)
class Asking:
    """The survey that a message invites to, or asks a `question` of."""

    id: str
    row: Any
    survey: Survey | None
    key: str = ""

    @classmethod
    def of(cls, message: Any, surveys: Mapping[str, Any], world: World) -> "Asking | None":
        """None for a message that has nothing to do with a survey."""
        which = message.doc.get("survey")
        if which is None:
            return None
        row = surveys.get(which)
        survey = world.config.surveys.get(row.name) if row is not None else None
        return cls(which, row, survey, message.doc.get("question", ""))

    @property
    def question(self) -> Question | None:
        """The one question that the message is about."""
        return self.survey.question(self.key) if self.survey is not None and self.key else None

    def over(self, now: datetime) -> str:
        """Why it is not asked any more."""
        if self.survey is None or (self.key and self.question is None):
            return "stopped: this is not asked any more"
        if self.row.state == ANSWERED:
            return "already answered"
        return "too-late" if now > self.row.until_at else ""

    def closed(self, channel: Channel[Any], public_url: str | None) -> str:
        """Why a channel cannot bring an answer back."""
        return "" if public_url or channel.buttons_reply else "no page to answer on: hub.public_url is not set"

    def alone(self, locale: str, secret: bytes, channel: str, address: str) -> Rendering:
        """The question as a message of its own."""
        assert self.question is not None
        lang = language(locale)
        buttons = buttons_for(self.question, self.id, lang, secret=secret, channel=channel, address=address)
        return Rendering("", _words(self.question, lang), "", buttons, lang)

    def added(self, text: Rendering, secret: bytes, channel: str, address: str) -> Rendering:
        """An invitation that asks the first question at once that is open."""
        question = open_question(self.survey, self.row.answers) if self.survey is not None else None
        if question is None:
            return text
        lang = language(text.locale)
        buttons = buttons_for(question, self.id, lang, secret=secret, channel=channel, address=address)
        words = f"{text.text}\n\n{_words(question, lang)}".strip()
        return replace(text, text=words, buttons=(*buttons, *text.buttons))


def buttons_for(
    question: Question, survey: str, lang: str, *, secret: bytes, channel: str, address: str
) -> tuple[Button, ...]:
    """The choices, and a way past the question."""
    choices = [(question.shown(mark, lang), str(mark)) for mark in question.marks]
    made = ((text, f"s|{survey}|{_short(question.key)}|{mark}") for text, mark in (*choices, (SKIP[lang], PASSED)))
    return tuple(Button(text, data=f"{data}|{_sign(secret, data, channel, address)}") for text, data in made)


def pressed(data: str, *, secret: bytes, channel: str, address: str) -> Press | None:
    """What a pressed button says, or None for what is no button of ours in this chat."""
    said, _, signature = data.rpartition("|")
    if not data.isascii() or not hmac.compare_digest(
        signature.encode(), _sign(secret, said, channel, address).encode()
    ):
        return None
    kind, _, rest = said.partition("|")
    parts = rest.split("|")
    return Press(*parts) if kind == "s" and len(parts) == 3 else None


def _words(question: Question, lang: str) -> str:
    ends = question.ends(lang)
    if ends is not None:
        hint = f"{question.marks[0]} = {ends[0]}, {question.marks[-1]} = {ends[1]}"
    else:
        hint = "" if question.marks else WRITE_HERE[lang]
    return f"{question.said(lang)}\n{hint}".strip()


def _short(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:6]


def _sign(secret: bytes, data: str, channel: str, address: str) -> str:
    return token_for(secret, SIGNED, f"{data}|{channel}|{address}")[:_SIGNATURE]
