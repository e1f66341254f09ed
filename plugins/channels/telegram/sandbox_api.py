"""The methods of the Bot API (10.3) that the sandbox answers, over its own world."""

import itertools
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from hub.clock import Clock
from hub.plugin.sandbox import Ledger

from .sandbox_html import HtmlReader
from .sandbox_world import ApiError, Chat, ChatState, Key, Keys, Params, Seen, Sent, units

MAX_TEXT = 4096
CALLBACK_LIFE = timedelta(seconds=60)
"""Not documented; observed between 15 and 60 seconds."""
DELETE_LIFE = timedelta(hours=48)
UPDATE_LIFE = timedelta(hours=24)
PORTS = (443, 80, 88, 8443)

_REFUSED = {
    ChatState.NOT_STARTED: "Forbidden: bot can't initiate conversation with a user",
    ChatState.BLOCKED: "Forbidden: bot was blocked by the user",
    ChatState.DEACTIVATED: "Forbidden: user is deactivated",
    ChatState.KICKED: "Forbidden: bot was kicked from the group chat",
}


@dataclass(slots=True)
class Pending:
    """An update that the bot has not confirmed yet."""

    update: dict[str, Any]
    chat: int
    due: datetime
    expires: datetime
    delay: timedelta = timedelta(seconds=1)
    fails: int = 0


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where updates go."""

    url: str
    secret: str = ""
    max_connections: int = 40


@dataclass(frozen=True, slots=True)
class Result:
    """What a method gave; `description` beside it where the server says something."""

    value: Any
    description: str = ""


class BotApi:
    """The state of one bot and the methods on it. Method names are looked up in lower case."""

    def __init__(self, clock: Clock, *, token: str, username: str, pace: bool) -> None:
        self.clock = clock
        self.token = token
        self.username = username
        self.pace = pace
        self.chats: dict[int, Chat] = {}
        self.ledger: Ledger[Sent] = Ledger()
        self.pending: list[Pending] = []
        self.webhook: Webhook | None = None
        self.commands: dict[str, list[dict[str, str]]] = {}
        self.answered: dict[str, str] = {}
        self._allowed: list[str] | None = None
        self._callbacks: dict[str, datetime] = {}
        self._last_error: tuple[int, str] | None = None
        self._update_ids = itertools.count(900_001)
        self._methods: dict[str, Callable[[Params], Any]] = {
            "getme": self._get_me,
            "sendmessage": self._send_message,
            "editmessagetext": self._edit_text,
            "editmessagereplymarkup": self._edit_keys,
            "deletemessage": self._delete_message,
            "answercallbackquery": self._answer_callback,
            "setwebhook": self._set_webhook,
            "deletewebhook": self._delete_webhook,
            "getwebhookinfo": self._get_webhook_info,
            "getupdates": self._get_updates,
            "setmycommands": self._set_my_commands,
            "getmycommands": self._get_my_commands,
        }

    def call(self, method: str, params: Params) -> Result:
        """Do one method, or raise `ApiError`."""
        act = self._methods.get(method.casefold())
        if act is None:
            raise ApiError(404, "Not Found")
        value = act(params)
        return value if isinstance(value, Result) else Result(value)

    def bot(self) -> dict[str, Any]:
        return {
            "id": int(self.token.partition(":")[0]),
            "is_bot": True,
            "first_name": "Shop",
            "username": self.username,
        }

    def queue(self, kind: str, chat: int, value: dict[str, Any]) -> int:
        """Make an update, unless the bot did not ask for its kind; returns its id."""
        number = next(self._update_ids)
        if self._allowed is None or kind in self._allowed:
            now = self.clock.now()
            self.pending.append(Pending({"update_id": number, kind: value}, chat, now, now + UPDATE_LIFE))
        return number

    def ask(self, chat: Chat, seen: Seen, data: str) -> str:
        """A button was pressed: the query that waits for an answer. Returns its id."""
        number = str(2_152_489_479_834_520_000 + next(self._update_ids))
        self._callbacks[number] = self.clock.now()
        message = {"message_id": seen.message_id, "chat": chat.as_json(), "date": _date(seen.at), "text": seen.text}
        query = {"id": number, "from": chat.user(), "message": message, "chat_instance": str(-chat.id), "data": data}
        self.queue("callback_query", chat.id, query)
        return number

    def message_json(self, chat: Chat, seen: Seen) -> dict[str, Any]:
        """A message as the Bot API shows it."""
        sender = chat.user() if seen.own else self.bot()
        shown = {"message_id": seen.message_id, "from": sender, "chat": chat.as_json(), "date": _date(seen.at)}
        shown["text"] = seen.text
        if seen.edited_at is not None:
            shown["edit_date"] = _date(seen.edited_at)
        if seen.entities:
            shown["entities"] = list(seen.entities)
        if seen.keys:
            shown["reply_markup"] = {"inline_keyboard": [[_key_json(key) for key in row] for row in seen.keys]}
        return shown

    def _get_me(self, params: Params) -> Any:
        return {**self.bot(), "can_join_groups": True, "can_read_all_group_messages": False}

    def _send_message(self, params: Params) -> Any:
        chat = self._writable(params)
        text, entities = _text(params)
        keys = _keys(params)
        self._keep_pace(chat)
        now = self.clock.now()
        seen = chat.put(text, now, keys=keys, entities=entities)
        chat.accepted_at.append(now)
        silent, preview = params.flag("disable_notification"), _preview(params)
        self.ledger.record(Sent(now, chat.id, seen.message_id, text, keys, silent, preview))
        return self.message_json(chat, seen)

    def _edit_text(self, params: Params) -> Any:
        chat, seen = self._own_message(params, "edit")
        text, entities = _text(params)
        return self._change(chat, replace(seen, text=text, entities=entities, keys=_keys(params, edits=True)))

    def _edit_keys(self, params: Params) -> Any:
        chat, seen = self._own_message(params, "edit")
        return self._change(chat, replace(seen, keys=_keys(params, edits=True)))

    def _change(self, chat: Chat, seen: Seen) -> Any:
        if seen == chat.screen[seen.message_id]:
            raise ApiError(
                400,
                "Bad Request: message is not modified: specified new message content and reply markup are exactly "
                "the same as a current content and reply markup of the message",
            )
        chat.screen[seen.message_id] = replace(seen, edited_at=self.clock.now())
        return self.message_json(chat, chat.screen[seen.message_id])

    def _delete_message(self, params: Params) -> Any:
        chat, seen = self._own_message(params, "delete")
        if self.clock.now() - seen.at > DELETE_LIFE:
            raise ApiError(400, "Bad Request: message can't be deleted for everyone")
        del chat.screen[seen.message_id]
        return True

    def _answer_callback(self, params: Params) -> Any:
        number = params.text("callback_query_id")
        asked = self._callbacks.get(number)
        if asked is None or self.clock.now() - asked > CALLBACK_LIFE:
            raise ApiError(400, "Bad Request: query is too old and response timeout expired or query ID is invalid")
        if len(params.text("text")) > 200:
            raise ApiError(400, "Bad Request: MESSAGE_TOO_LONG")
        self.answered[number] = params.text("text")
        return True

    def _set_webhook(self, params: Params) -> Any:
        url = params.text("url")
        if not url:
            return self._delete_webhook(params)
        _check_webhook_url(url)
        secret = params.text("secret_token")
        if params.has("secret_token") and not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", secret):
            raise ApiError(400, "Bad Request: secret token contains unallowed characters")
        self._note_allowed(params)
        self._drop_if_asked(params)
        wanted = Webhook(url, secret, min(max(params.integer("max_connections", 40), 1), 100))
        same, self.webhook, self._last_error = wanted == self.webhook, wanted, None
        return Result(True, "Webhook is already set" if same else "Webhook was set")

    def _delete_webhook(self, params: Params) -> Any:
        self._drop_if_asked(params)
        had, self.webhook, self._last_error = self.webhook is not None, None, None
        return Result(True, "Webhook was deleted" if had else "Webhook is already deleted")

    def _get_webhook_info(self, params: Params) -> Any:
        hook = self.webhook
        info: dict[str, Any] = {
            "url": hook.url if hook else "",
            "has_custom_certificate": False,
            "pending_update_count": len(self.pending),
        }
        if hook:
            info["max_connections"] = hook.max_connections
        if hook and self._last_error:
            info["last_error_date"], info["last_error_message"] = self._last_error
        if self._allowed is not None:
            info["allowed_updates"] = self._allowed
        return info

    def note_failure(self, text: str) -> None:
        """Remember why a webhook failed, for `getWebhookInfo`."""
        self._last_error = (_date(self.clock.now()), text)

    def _get_updates(self, params: Params) -> Any:
        if self.webhook is not None:
            raise ApiError(
                409,
                "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the "
                "webhook first",
            )
        self._note_allowed(params)
        self.forget_old()
        offset = params.integer("offset")
        if offset > 0:
            self.pending = [each for each in self.pending if each.update["update_id"] >= offset]
        if offset < 0:
            self.pending = self.pending[offset:]
        limit = params.integer("limit", 100)
        return [each.update for each in self.pending[: limit if 1 <= limit <= 100 else 100]]

    def _set_my_commands(self, params: Params) -> Any:
        wanted = params.structure("commands")
        if not isinstance(wanted, list):
            raise ApiError(400, "Bad Request: can't parse list of commands")
        if len(wanted) > 100:
            raise ApiError(400, "Bad Request: BOT_COMMANDS_TOO_MUCH")
        self.commands[params.text("language_code")] = [_command(each) for each in wanted]
        return True

    def _get_my_commands(self, params: Params) -> Any:
        return self.commands.get(params.text("language_code"), [])

    def forget_old(self) -> None:
        """Updates are kept for a day."""
        now = self.clock.now()
        self.pending = [each for each in self.pending if each.expires >= now]

    def _note_allowed(self, params: Params) -> None:
        wanted = params.structure("allowed_updates")
        if isinstance(wanted, list):
            self._allowed = [str(each) for each in wanted] or None

    def _drop_if_asked(self, params: Params) -> None:
        if params.flag("drop_pending_updates"):
            self.pending.clear()

    def _chat(self, params: Params) -> Chat:
        if not params.has("chat_id"):
            raise ApiError(400, "Bad Request: chat_id is empty")
        name = params.text("chat_id")
        if name.startswith("@"):
            found = [c for c in self.chats.values() if c.type != "private" and c.username == name[1:]]
            chat = found[0] if found else None
        else:
            chat = self.chats.get(params.integer("chat_id"))
        if chat is None:
            raise ApiError(400, "Bad Request: chat not found")
        return chat

    def _writable(self, params: Params) -> Chat:
        chat = self._chat(params)
        if chat.state is ChatState.UPGRADED:
            text = "Bad Request: group chat was upgraded to a supergroup chat"
            raise ApiError(400, text, migrate_to_chat_id=chat.moved_to)
        if chat.state is not ChatState.OPEN:
            raise ApiError(403, _REFUSED[chat.state])
        return chat

    def _own_message(self, params: Params, what: str) -> tuple[Chat, Seen]:
        chat = self._writable(params)
        seen = chat.screen.get(params.integer("message_id"))
        if seen is None:
            raise ApiError(400, f"Bad Request: message to {what} not found")
        if seen.own:
            raise ApiError(400, f"Bad Request: message can't be {what.removesuffix('e')}ed")
        return chat, seen

    def _keep_pace(self, chat: Chat) -> None:
        """One a second in a private chat, twenty a minute in a group."""
        if not self.pace or not chat.accepted_at:
            return
        private = chat.type == "private"
        if not private and len(chat.accepted_at) < 20:
            return
        since = chat.accepted_at[-1] if private else chat.accepted_at[0]
        wait = (since + timedelta(seconds=1 if private else 60) - self.clock.now()).total_seconds()
        if wait > 0:
            seconds = math.ceil(wait)
            raise ApiError(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)


def _date(moment: datetime) -> int:
    return int(moment.timestamp())


def _text(params: Params) -> tuple[str, tuple[dict[str, Any], ...]]:
    """The text as a person sees it, and its entities. Only plain text and HTML are spoken here."""
    mode, text = params.text("parse_mode"), params.text("text")
    entities: list[dict[str, Any]] = []
    if mode.casefold() == "html":
        reader = HtmlReader(text)
        text, entities = reader.plain, reader.entities
    elif mode:
        raise ApiError(400, "Bad Request: unsupported parse_mode")
    text = "".join(char for char in text if char >= " " or char in "\n\t").rstrip()
    if not text.strip():
        raise ApiError(400, "Bad Request: message text is empty")
    if units(text) > MAX_TEXT:
        raise ApiError(400, "Bad Request: message is too long")
    return text, tuple(entities)


def _preview(params: Params) -> bool:
    options = params.structure("link_preview_options")
    wanted = options if isinstance(options, dict) else {}
    return not (wanted.get("is_disabled") is True or params.flag("disable_web_page_preview"))


OTHER_MARKUP = ("keyboard", "remove_keyboard", "force_reply")
"""What may stand under a new message instead of buttons; it changes how the person types, and nothing here."""


def _keys(params: Params, *, edits: bool = False) -> Keys:
    markup = params.structure("reply_markup")
    if markup is None:
        return ()
    if isinstance(markup, dict) and "inline_keyboard" not in markup and any(each in markup for each in OTHER_MARKUP):
        if edits:
            raise ApiError(400, "Bad Request: inline keyboard expected")
        return ()
    rows = markup.get("inline_keyboard") if isinstance(markup, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise ApiError(400, "Bad Request: object expected as reply markup")
    return tuple(tuple(_key(each) for each in row) for row in rows if row)


def _key(wish: Any) -> Key:
    text = wish.get("text") if isinstance(wish, dict) else None
    if not isinstance(text, str):
        raise ApiError(400, 'Bad Request: can\'t parse inline keyboard button: Field "text" must be of type String')
    url, data = str(wish.get("url", "")), wish.get("callback_data")
    if url:
        _check_key_url(url)
        return Key(text, url=url)
    if data is None:
        raise ApiError(400, "Bad Request: text buttons are unallowed in the inline keyboard")
    if not isinstance(data, str) or not 1 <= len(data.encode(errors="replace")) <= 64:
        raise ApiError(400, "Bad Request: BUTTON_DATA_INVALID")
    return Key(text, data=data)


def _key_json(key: Key) -> dict[str, str]:
    return {"text": key.text, **({"url": key.url} if key.url else {"callback_data": key.data})}


def _check_key_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        raise ApiError(400, "Bad Request: BUTTON_URL_INVALID") from None
    if parts.scheme not in ("http", "https", "tg", "ton"):
        raise ApiError(400, f"Bad Request: inline keyboard button URL '{url}' is invalid: Unsupported URL protocol")
    if parts.scheme.startswith("http") and "." not in host:
        raise ApiError(400, f"Bad Request: inline keyboard button URL '{url}' is invalid: Wrong HTTP URL")


def _check_webhook_url(url: str) -> None:
    """https on four ports, as the real one; beside it plain http on this machine, so that a sandbox needs no TLS."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ApiError(400, "Bad Request: invalid webhook URL specified") from None
    if parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1"):
        return
    if parts.scheme != "https":
        raise ApiError(400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
    if not parts.hostname:
        raise ApiError(400, "Bad Request: invalid webhook URL specified")
    if port is not None and port not in PORTS:
        raise ApiError(400, "Bad Request: bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")


def _command(wish: Any) -> dict[str, str]:
    command = str(wish.get("command", "")).removeprefix("/") if isinstance(wish, dict) else ""
    text = str(wish.get("description", "")) if isinstance(wish, dict) else ""
    if not re.fullmatch(r"[a-z0-9_]{1,32}", command):
        raise ApiError(400, "Bad Request: BOT_COMMAND_INVALID")
    if not 1 <= len(text) <= 256:
        raise ApiError(400, "Bad Request: BOT_COMMAND_DESCRIPTION_INVALID")
    return {"command": command, "description": text}
