"""Telegram, through the Bot API (10.3): messages with buttons, deep links, updates by webhook or poll.

There are no receipts and no idempotency keys: accepted is all that Telegram ever says, and a lost answer is unknown.
"""

import json
import logging
import re
from collections.abc import Sequence
from datetime import timedelta
from ipaddress import ip_address
from typing import Any, ClassVar
from urllib.parse import urlsplit

import httpx

from hub.clock import Clock
from hub.model import ChannelRecord
from hub.plugin import (
    AddressKind,
    Answer,
    Channel,
    Config,
    FailureError,
    Form,
    Limits,
    Outcome,
    Outgoing,
    Page,
    Permanent,
    Raw,
    Received,
    RefusedError,
    Suppress,
    Transient,
    UnreadableError,
    WebhookRequest,
    digest,
    expecting,
    hookimpl,
    read_json,
    same_secret,
)

from .sending import Answered, Draft, Pace, Quiet, Wait, outcome, read_answer
from .settings import TelegramSettings
from .statuses import COMMANDS, REFUSED, Again
from .text import wrong_buttons
from .updates import KINDS, MAX_ID, callback_id, is_token, kind_of, read, sent_at, subject_of

log = logging.getLogger(__name__)

REFUSALS = range(400, 500)
"""The statuses that are read here; trouble and redirects the hub's client judges as it does for everybody."""
PAGE = 100
LONG_POLL = 2
"""Seconds that a poll may wait for something to come; far below the time-out of the call."""
ASK_AGAIN = timedelta(minutes=5)
"""How long not to poll after Telegram said that a webhook is set."""
PORTS = (443, 80, 88, 8443)
"""Where Telegram brings updates to."""


class Telegram(Channel[TelegramSettings]):
    """A bot in Telegram."""

    name = "telegram"
    label = "Telegram"
    settings_type = TelegramSettings
    limits = Limits(concurrency=8, per_second=30, burst=5, timeout=timedelta(seconds=10))
    form = Form.CHAT
    address_kind = AddressKind.LINK
    rings = True
    receipts = False
    honours_keys = False
    buttons_reply = True
    max_length = 4096
    poll_every: ClassVar[timedelta | None] = timedelta(seconds=3)

    def __init__(
        self, settings: TelegramSettings, client: httpx.AsyncClient, clock: Clock, *, connection: str = ""
    ) -> None:
        super().__init__(settings, client, clock, connection=connection)
        self._username = settings.bot
        self._no_poll = Wait(clock)
        self._pace = Pace(clock)
        self._quiet = Quiet(clock)
        self._moved: dict[str, str] = {}

    async def send(self, message: Outgoing) -> Outcome:
        """One `sendMessage`; at most one repeat for each thing that a changed request can heal."""
        chat = self._moved.get(message.to, message.to)
        refusal = _refusal(chat, message) or self._quiet.refusal()
        if refusal is not None:
            return refusal
        wait = self._pace.claim(chat)
        if wait is not None:
            return Transient("one message a second for one chat", not_before=wait, unsent=True)
        return await self._deliver(Draft.of(message, chat))

    async def _deliver(self, draft: Draft) -> Outcome:
        tried: set[Again] = set()
        while True:
            answered = await self._call("sendMessage", draft.body())
            result = outcome(answered, self.clock.now())
            if not isinstance(result, Again):
                return result
            if result in tried or (result is Again.MOVED and not answered.moved_to):
                return Permanent(f"Telegram refused the message twice ({result})")
            tried.add(result)
            if result is Again.MOVED:
                self._moved[draft.chat] = answered.moved_to
            draft = draft.mended(result, answered)

    def verify(self, request: WebhookRequest) -> Received:
        """Believe an update that brings our secret; a pressed button is answered in the same breath."""
        if request.method.upper() != "POST":
            raise RefusedError("an update is a POST")
        if not same_secret(request.header("X-Telegram-Bot-Api-Secret-Token"), self.settings.secret()):
            raise RefusedError("wrong secret token")
        try:
            update = read_json(request.body)
        except UnreadableError as error:
            raise RefusedError(str(error)) from None
        if not isinstance(update, dict):
            raise RefusedError("an update is an object")
        return Received([self._raw(update)], _answer(update))

    def normalise(self, raw: Raw) -> Sequence[ChannelRecord]:
        """The records of one update."""
        return read(raw)

    def asks_every(self, url: str | None) -> timedelta | None:
        """Not where a webhook brings the updates."""
        by_webhook = self.settings.updates == "webhook" or (url is not None and self._can_take(url))
        return None if by_webhook else self.poll_every

    async def poll(self, cursor: Any) -> Page:
        """Updates since the cursor: the first id that is not confirmed yet, or 0 when there is nothing to confirm.

        The offset is given once, to confirm what the hub has stored, and then left out: Telegram may begin anew with a
        lower number after a quiet week, and an old offset would hide that.
        """
        if not self._polls():
            return Page((), cursor)
        offset = cursor if isinstance(cursor, int) and 0 < cursor < MAX_ID else 0
        wish = {"limit": PAGE, "timeout": LONG_POLL, "allowed_updates": list(KINDS)}
        answered = await self._call("getUpdates", {**wish, **({"offset": offset} if offset else {})}, safe=True)
        if answered.status == 409 and "webhook" in answered.description and self.settings.updates == "auto":
            self._no_poll.begin(ASK_AGAIN)
            return Page((), cursor)
        found = self._result(answered)
        updates = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
        for each in updates:
            await self._answer_button(each)
        ids = [each["update_id"] for each in updates if isinstance(each.get("update_id"), int)]
        return Page([self._raw(each) for each in updates], max(ids) + 1 if ids else 0, more=len(updates) == PAGE)

    async def hello(self) -> str:
        """Ask Telegram who the bot is; learns its username."""
        await self._who()
        return f"@{self._username} answers"

    async def register(self, url: str | None) -> Sequence[str]:
        """Set or remove the webhook as the settings and the hub's address allow, and the bot's menu of commands."""
        await self._who()
        return [*await self._arrange(url), *await self._menu()]

    def link_url(self, token: str) -> str | None:
        """`https://t.me/<bot>?start=<token>`; None while the bot's username is not known, ValueError for a token that
        no deep link can carry (more than 64, or others than A-Z a-z 0-9 _ -)."""
        if not is_token(token):
            raise ValueError("a deep link carries 1 to 64 of A-Z a-z 0-9 _ -")
        return f"https://t.me/{self._username}?start={token}" if self._username else None

    async def _who(self) -> None:
        me = self._result(await self._call("getMe", {}, safe=True))
        username = me.get("username") if isinstance(me, dict) else None
        if not isinstance(username, str) or not re.fullmatch(r"[A-Za-z0-9_]{1,64}", username):
            raise FailureError(Config("Telegram did not say who the bot is"))
        if self.settings.bot and self.settings.bot.casefold() != username.casefold():
            raise FailureError(Config(f"the token is @{username}'s, the setting bot says @{self.settings.bot}"))
        self._username = username

    async def _arrange(self, url: str | None) -> Sequence[str]:
        target = url if url and self._can_take(url) else ""
        if self.settings.updates == "webhook" and not target:
            ports = ", ".join(map(str, PORTS))
            said = f"the hub has no https address on one of the ports {ports}; replies do not come in"
            return (f"telegram: no webhook, {said}",)
        self._no_poll.over()
        info = self._result(await self._call("getWebhookInfo", {}, safe=True))
        info = info if isinstance(info, dict) else {}
        return await (self._set(info, target) if target else self._unset(info))

    async def _set(self, info: dict[str, Any], target: str) -> Sequence[str]:
        if _is_set(info, target):
            return ()
        wish = {"url": target, "secret_token": self.settings.secret(), "allowed_updates": list(KINDS)}
        self._result(await self._call("setWebhook", wish))
        return (f"telegram: webhook set to {urlsplit(target).hostname}",)

    async def _unset(self, info: dict[str, Any]) -> Sequence[str]:
        if not info.get("url"):
            return ()
        self._result(await self._call("deleteWebhook", {}))
        return ("telegram: webhook removed, updates are polled",)

    def _can_take(self, url: str) -> bool:
        """Telegram sends to https on its four ports alone; anything else is for a sandbox on this machine."""
        if self.settings.updates == "polling":
            return False
        return _is_open_to_telegram(url) or (_is_loopback(url) and _is_loopback(self.settings.url))

    async def _menu(self) -> Sequence[str]:
        """The commands that Telegram offers, where they are not ours yet."""
        changed = False
        for language, wanted in COMMANDS.items():
            scope = {"language_code": language} if language else {}
            if self._result(await self._call("getMyCommands", scope, safe=True)) != wanted:
                self._result(await self._call("setMyCommands", {**scope, "commands": wanted}))
                changed = True
        return ("telegram: menu of commands set",) if changed else ()

    def _polls(self) -> bool:
        return self.settings.updates != "webhook" and self._no_poll.until() is None

    async def _answer_button(self, update: dict[str, Any]) -> None:
        """End the waiting mark on a button. Where Telegram will not, it ends by itself; the update is what counts."""
        pressed = callback_id(update)
        if pressed is None:
            return
        try:
            await self._call("answerCallbackQuery", {"callback_query_id": pressed}, safe=True)
        except FailureError as error:
            log.info("telegram: a pressed button was not answered: %s", error)

    def _raw(self, update: dict[str, Any]) -> Raw:
        number = update.get("update_id")
        numbered = isinstance(number, int) and not isinstance(number, bool)
        key = digest("telegram", self.settings.bot_id, number if numbered else update)
        at = sent_at(update) or self.clock.now()
        return Raw(update, subject=subject_of(update), dedupe_key=key, topic=kind_of(update), occurred_at=at)

    async def _call(self, method: str, body: dict[str, Any], *, safe: bool = False) -> Answered:
        """One call; refusals are read here. The token is in the address, which therefore goes nowhere else.

        `FailureError` without a call while Telegram wants the bot to be quiet.
        """
        if (quiet := self._quiet.refusal()) is not None:
            raise FailureError(quiet)
        address = f"{self.settings.url}/bot{self.settings.token.get_secret_value()}/{method}"
        answer = await self.client.post(address, json=body, extensions=expecting(*REFUSALS, safe=safe))
        answered = read_answer(answer)
        self._quiet.hear(answered)
        return answered

    def _result(self, answered: Answered) -> Any:
        """What a call gave, or `FailureError`."""
        if answered.ok:
            return answered.result
        result = outcome(answered, self.clock.now())
        if not isinstance(result, Transient | Permanent | Suppress | Config):
            result = Permanent(_REFUSED)
        elif isinstance(result, Permanent):  # no message was sent that could have been refused
            result = Permanent(result.reason.replace(REFUSED.reason, _REFUSED, 1))
        raise FailureError(result, status=answered.status)


_REFUSED = "Telegram refused the call"


def _refusal(chat: str, message: Outgoing) -> Outcome | None:
    """What need not be asked."""
    if not re.fullmatch(r"-?[0-9]{1,18}|@[A-Za-z][A-Za-z0-9_]{3,31}", chat):
        return Suppress("not a Telegram chat id")
    if not Draft.of(message, chat).text:
        return Permanent("the text is empty")
    wrong = wrong_buttons(message.buttons)
    return Permanent(wrong) if wrong else None


def _answer(update: dict[str, Any]) -> Answer:
    pressed = callback_id(update)
    if pressed is None:
        return Answer()
    call = {"method": "answerCallbackQuery", "callback_query_id": pressed}
    return Answer(body=json.dumps(call), content_type="application/json")


def _is_set(info: dict[str, Any], target: str) -> bool:
    """Whether the webhook is as we want it. Telegram does not tell the secret, only that we refused the old one."""
    allowed = info.get("allowed_updates")
    refused = "401" in str(info.get("last_error_message", "")) and bool(info.get("pending_update_count"))
    same_kinds = isinstance(allowed, list) and set(map(str, allowed)) == set(KINDS)
    return info.get("url") == target and same_kinds and not refused


def _is_open_to_telegram(url: str) -> bool:
    """Whether Telegram takes this address for a webhook."""
    try:
        port = urlsplit(url).port
    except ValueError:
        return False
    return url.startswith("https://") and (port is None or port in PORTS)


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


@hookimpl
def adapters() -> Sequence[type[Channel[Any]]]:
    """The Telegram channel."""
    return [Telegram]
