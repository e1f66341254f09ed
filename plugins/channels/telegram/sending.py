"""One message on its way to the Bot API: its body, the pace that Telegram asks for, and what an answer means."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import httpx

from hub.clock import Clock
from hub.plugin import Accepted, Button, Outcome, Outgoing, Permanent, Transient, Unknown, UnreadableError, read_json

from .statuses import REFUSED, Again, Verdict, stranger, verdict
from .text import cut, html, keyboard, plain, with_links

PRIVATE_PACE = timedelta(seconds=1)
GROUP_PACE = timedelta(seconds=3)
"""About one message a second in one chat, twenty a minute in one group (Telegram's FAQ, "approximate")."""
USUAL_WAIT = timedelta(seconds=5)
"""When Telegram asks for patience and does not say how much."""
MAX_PATIENCE = 86_400
SHORT_WAIT = 5
"""Seconds; a longer wish for patience is the whole bot's, not the one chat's (its limits, section 9)."""
MAX_CHATS = 4096


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer of the Bot API; `official` False: whatever answered is not the Bot API."""

    status: int
    official: bool = False
    ok: bool = False
    result: Any = None
    code: int = 0
    description: str = ""
    retry_after: int | None = None
    moved_to: str = ""


def read_answer(response: httpx.Response) -> Answered:
    """Read an answer, whatever it is."""
    asked = response.headers.get("retry-after", "")
    waits = int(asked) if re.fullmatch(r"[0-9]{1,9}", asked) else None
    try:
        body = read_json(response.content)
    except UnreadableError:
        return Answered(response.status_code, retry_after=waits)
    if not isinstance(body, dict) or not isinstance(body.get("ok"), bool):
        return Answered(response.status_code, retry_after=waits)
    parameters = body.get("parameters")
    parameters = parameters if isinstance(parameters, dict) else {}
    return Answered(
        status=response.status_code,
        official=True,
        ok=body["ok"] and response.is_success,
        result=body.get("result"),
        code=_number(body.get("error_code")) or 0,
        description=str(body.get("description", "")),
        retry_after=_number(parameters.get("retry_after")) or waits,
        moved_to=str(_number(parameters.get("migrate_to_chat_id")) or ""),
    )


def _number(value: Any) -> int | None:
    fits = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53
    return value if fits else None


def outcome(answered: Answered, now: datetime) -> Outcome | Again:
    """What an answer to `sendMessage` means."""
    if answered.ok:
        sent = answered.result if isinstance(answered.result, dict) else {}
        return Accepted(str(_number(sent.get("message_id")) or ""))
    if not answered.official and answered.status < 300:
        return Unknown("Telegram's answer could not be read")
    found: Verdict = stranger(answered.status)
    if answered.official:
        found = verdict(answered.status if answered.status >= 300 else answered.code, answered.description)
    if isinstance(found, Transient):
        return replace(found, not_before=_not_before(answered, now))
    if found is REFUSED:
        return Permanent(f"{REFUSED.reason}: {harmless(answered.description)}")
    return found


def _not_before(answered: Answered, now: datetime) -> datetime | None:
    if answered.retry_after is None:
        return now + USUAL_WAIT if answered.status == 429 else None
    return now + timedelta(seconds=min(max(answered.retry_after, 1), MAX_PATIENCE))


def harmless(description: str) -> str:
    """A refusal's text as far as staff may read it: no quoted data, no long words (tokens), no long numbers (ids)."""
    text = re.sub(r"\"[^\"]*\"?", "…", description[:300])
    words = [each if re.fullmatch(r"[A-Za-z_',.:;()-]{1,24}|[0-9]{1,4}", each) else "…" for each in text.split()]
    return " ".join(words)[:120]


class Wait:
    """A wait by the clock, which may be put back meanwhile: what is farther off than was asked for is no wait."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._end: datetime | None = None
        self._length = timedelta(0)

    def until(self) -> datetime | None:
        """The end of it, where it is still to come."""
        waits = self._end is not None and timedelta(0) < self._end - self._clock.now() <= self._length
        return self._end if waits else None

    def begin(self, length: timedelta) -> None:
        """Wait so long from now, or as long as was asked for before where that ends later."""
        end, before = self._clock.now() + length, self.until()
        if before is None or end > before:
            self._end, self._length = end, length

    def over(self) -> None:
        self._end = None


class Pace:
    """When a chat may be written to again. Kept for this process; what slips through, Telegram's own 429 catches."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._free_at: dict[str, datetime] = {}

    def claim(self, chat: str) -> datetime | None:
        """Take the chat's next turn: None when it is now, else when it comes (and the turn is not taken)."""
        now = self._clock.now()
        pace = PRIVATE_PACE if chat.isdigit() else GROUP_PACE
        free_at = self._free_at.get(chat, now)
        if now < free_at <= now + pace:  # farther off: the clock was put back
            return free_at
        if len(self._free_at) >= MAX_CHATS:
            self._free_at = {each: at for each, at in self._free_at.items() if now < at <= now + GROUP_PACE}
        self._free_at[chat] = now + pace
        return None


class Quiet:
    """Until when the whole bot is to be silent: a 429 with a long wait is for everything that bears its token."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._wait = Wait(clock)

    def hear(self, answered: Answered) -> None:
        """Remember a wish for more than a little patience; of several the longest."""
        if answered.status != 429 or (answered.retry_after or 0) <= SHORT_WAIT:
            return
        asked = _not_before(answered, self._clock.now())
        if asked is not None:
            self._wait.begin(asked - self._clock.now())

    def until(self) -> datetime | None:
        """The end of the silence, where there is one."""
        return self._wait.until()

    def refusal(self) -> Transient | None:
        """What becomes of a call that is not made because of it."""
        until = self.until()
        return Transient("Telegram asked the whole bot to wait", not_before=until, unsent=True) if until else None


@dataclass(frozen=True, slots=True)
class Draft:
    """A message as it will be put; mended when Telegram refuses a part of it."""

    chat: str
    text: str
    buttons: Sequence[Button]
    silent: bool
    markup: bool = True

    @classmethod
    def of(cls, message: Outgoing, chat: str) -> "Draft":
        # What is pressed in a group is passed over, so a group gets no button that would do nothing.
        group = chat.startswith(("-", "@"))
        buttons = tuple(each for each in message.buttons if each.url or not group)
        return cls(chat, cut(plain(message.text)), buttons, message.silent)

    def body(self) -> dict[str, Any]:
        """The parameters of `sendMessage`. A link's preview would push the text away, so there is none."""
        body: dict[str, Any] = {
            "chat_id": self.chat if self.chat.startswith("@") else int(self.chat),
            "text": html(self.text) if self.markup else self.text,
            "link_preview_options": {"is_disabled": True},
        }
        if self.markup:
            body["parse_mode"] = "HTML"
        if self.silent:
            body["disable_notification"] = True
        rows = keyboard(self.buttons)
        return {**body, "reply_markup": rows} if rows else body

    def mended(self, how: Again, answered: Answered) -> "Draft":
        """The message as it may pass."""
        match how:
            case Again.PLAIN:
                return replace(self, markup=False)
            case Again.NO_LINKS:
                kept = tuple(each for each in self.buttons if each.data)
                return replace(self, text=with_links(self.text, self.buttons), buttons=kept)
            case Again.MOVED:
                return replace(self, chat=answered.moved_to)
