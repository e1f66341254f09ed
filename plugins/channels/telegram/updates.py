"""Reading Telegram's updates into records. Pure; only private chats speak for a customer, groups are passed over."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, TypeGuard

from hub.model import ChannelClosed, ChannelRecord, Linked, Reply
from hub.plugin import Raw, UnreadableError

KINDS = ("message", "callback_query", "my_chat_member")
"""The kinds of update we ask for; others are known to exist and say nothing to us."""

MAX_ID = 2**63
MAX_LENGTH = 4096

_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LOCALE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,2}")


def is_token(text: str) -> bool:
    """Whether a deep link may carry this: up to 64 of A-Z a-z 0-9 _ -."""
    return _TOKEN.fullmatch(text) is not None


def kind_of(update: dict[str, Any]) -> str:
    """The one field beside `update_id` that an update carries."""
    return next((key for key in KINDS if key in update), "")


def subject_of(update: dict[str, Any]) -> str:
    """`chat:<id>` of the chat that an update speaks of; `chat:none` where that cannot be seen."""
    part = update.get(kind_of(update))
    part = part if isinstance(part, dict) else {}
    inner = part.get("message")
    holder = inner if isinstance(inner, dict) else part
    chat = holder.get("chat", part.get("from"))
    number = chat.get("id") if isinstance(chat, dict) else None
    return f"chat:{number}" if _is_id(number) else "chat:none"


def callback_id(update: dict[str, Any]) -> str | None:
    """The id by which a pressed button must be answered, if this update is one."""
    query = update.get("callback_query")
    found = query.get("id") if isinstance(query, dict) else None
    return found if isinstance(found, str) and re.fullmatch(r"[A-Za-z0-9_-]{1,64}", found) else None


def sent_at(update: dict[str, Any]) -> datetime | None:
    """When the sender says it happened; a pressed button has no time of its own."""
    part = update.get(kind_of(update))
    if kind_of(update) == "callback_query" or not isinstance(part, dict):
        return None
    try:
        return _moment(part)
    except UnreadableError:
        return None


def read(raw: Raw) -> Sequence[ChannelRecord]:
    """The records of one update; `UnreadableError` when it is not built as the Bot API says."""
    update = raw.body
    if not isinstance(update, dict):
        raise UnreadableError("telegram: an update is an object")
    match kind_of(update):
        case "message":
            return _message(str(_id(update, "update_id")), _object(update, "message"))
        case "callback_query":
            return _pressed(str(_id(update, "update_id")), _object(update, "callback_query"), raw.occurred_at)
        case "my_chat_member":
            return _membership(_object(update, "my_chat_member"))
        case _:
            return ()


def _message(event_id: str, message: dict[str, Any]) -> Sequence[ChannelRecord]:
    chat = _object(message, "chat")
    text = message.get("caption") if message.get("text") is None else message["text"]
    if chat.get("type") != "private" or text is None:
        return ()  # groups, contacts, stickers, photos without a word
    text = _cleaned(text)
    address, at, locale = str(_id(chat, "id")), _moment(message), _locale(message)
    command, _, rest = text.strip().partition(" ")
    command, token = command.partition("@")[0].casefold(), rest.strip()
    if command == "/start" and is_token(token):
        return (Linked(token=token, address=address, at=at, locale=locale),)
    if command == "/stop":
        return (ChannelClosed(address=address, at=at, reason="stop", word=True, locale=locale),)
    reply = Reply(address=address, text=text, at=at, event_id=event_id, locale=locale)
    if command == "/start":  # whoever starts the bot again wants to hear from it
        opened = ChannelClosed(address=address, at=at, reason="started", open=True, word=True, locale=locale)
        return (opened, reply)
    return (reply,)


def _pressed(event_id: str, query: dict[str, Any], received: datetime | None) -> Sequence[ChannelRecord]:
    message = _object(query, "message") if query.get("message") is not None else {}
    chat = _object(message, "chat") if message else {}
    if chat.get("type") != "private" or query.get("data") is None:
        return ()
    address = str(_id(_object(query, "from"), "id"))
    if address != str(_id(chat, "id")):
        raise UnreadableError("telegram: a button was pressed in somebody else's private chat")
    at = received or _moment(message)
    data = _cleaned(query["data"])
    return (Reply(address=address, text="", at=at, event_id=event_id, locale=_locale(query), button=data),)


def _membership(change: dict[str, Any]) -> Sequence[ChannelRecord]:
    chat = _object(change, "chat")
    if chat.get("type") != "private":
        return ()
    address, at = str(_id(chat, "id")), _moment(change)
    match _object(change, "new_chat_member").get("status"):
        case "kicked":
            return (ChannelClosed(address=address, at=at, reason="blocked"),)
        case "member":
            return (ChannelClosed(address=address, at=at, reason="unblocked", open=True),)
        case _:
            return ()


def _object(holder: dict[str, Any], name: str) -> dict[str, Any]:
    value = holder.get(name)
    if not isinstance(value, dict):
        raise UnreadableError(f"telegram: {name} is not an object")
    return value


def _id(holder: dict[str, Any], name: str) -> int:
    value = holder.get(name)
    if not _is_id(value):
        raise UnreadableError(f"telegram: {name} is not an id")
    return value


def _is_id(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and -MAX_ID < value < MAX_ID


def _moment(holder: dict[str, Any]) -> datetime:
    try:
        return datetime.fromtimestamp(_id(holder, "date"), UTC)
    except (ValueError, OverflowError, OSError):
        raise UnreadableError("telegram: date is out of range") from None


def _cleaned(value: Any) -> str:
    if not isinstance(value, str):
        raise UnreadableError("telegram: a text is not text")
    return value.replace("\x00", "")[:MAX_LENGTH]


def _locale(holder: dict[str, Any]) -> str:
    sender = holder.get("from")
    code = sender.get("language_code") if isinstance(sender, dict) else None
    return code if isinstance(code, str) and _LOCALE.fullmatch(code) else ""
