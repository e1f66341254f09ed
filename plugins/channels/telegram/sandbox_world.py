"""What the sandbox knows: chats, what stands on their screens, what it accepted, and the parameters of a call."""

import json
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from hub.plugin.sandbox import Entry


class ApiError(Exception):
    """A refusal, as the Bot API words it."""

    def __init__(self, status: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.status = status
        self.description = description
        self.parameters = parameters


class ChatState(StrEnum):
    """How a chat stands to the bot."""

    OPEN = "open"
    NOT_STARTED = "not_started"
    BLOCKED = "blocked"
    DEACTIVATED = "deactivated"
    KICKED = "kicked"
    UPGRADED = "upgraded"


@dataclass(frozen=True, slots=True)
class Key:
    """A button as it stands under a message; it opens `url` or sends `data`."""

    text: str
    url: str = ""
    data: str = ""


Keys = tuple[tuple[Key, ...], ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """A message on a chat's screen, the bot's or (`own`) the person's."""

    message_id: int
    text: str
    at: datetime
    keys: Keys = ()
    own: bool = False
    edited_at: datetime | None = None
    entities: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Sent(Entry):
    """A line of the ledger: a message that the Bot API accepted. There is no idempotency key in this API.

    `preview`: the first link in it may be shown with its picture.
    """

    chat: int
    message_id: int
    text: str
    keys: Keys = ()
    silent: bool = False
    preview: bool = True
    key: str = ""


@dataclass(slots=True)
class Chat:
    """One chat. `moved_to`: the supergroup that a group became."""

    id: int
    name: str
    type: str = "private"
    language: str = "en"
    username: str = ""
    state: ChatState = ChatState.OPEN
    moved_to: int = 0
    next_message: int = 1
    screen: dict[int, Seen] = field(default_factory=dict)
    accepted_at: deque[datetime] = field(default_factory=lambda: deque(maxlen=20))

    def as_json(self) -> dict[str, Any]:
        named = {"first_name": self.name} if self.type == "private" else {"title": self.name}
        return {"id": self.id, **named, **({"username": self.username} if self.username else {}), "type": self.type}

    def user(self) -> dict[str, Any]:
        """The person in a private chat."""
        extra = {"username": self.username} if self.username else {}
        return {"id": self.id, "is_bot": False, "first_name": self.name, **extra, "language_code": self.language}

    def put(self, text: str, at: datetime, **rest: Any) -> Seen:
        """Put a message on the screen."""
        seen = Seen(self.next_message, text, at, **rest)
        self.screen[seen.message_id] = seen
        self.next_message += 1
        return seen


class Params:
    """Parameters of a call, from a query, a form or a JSON body; in forms, structures are JSON texts."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values

    def has(self, name: str) -> bool:
        return self._values.get(name) is not None

    def text(self, name: str) -> str:
        value = self._values.get(name, "")
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    def integer(self, name: str, default: int = 0) -> int:
        """Like the server: what is no number counts as not given."""
        try:
            return int(self._values.get(name, default))
        except (TypeError, ValueError):
            return default

    def flag(self, name: str) -> bool:
        return self._values.get(name) in (True, "true", "True", "1", 1)

    def structure(self, name: str) -> Any:
        """A list or an object, or None when it is not given."""
        value = self._values.get(name)
        if value == "" or not isinstance(value, str):
            return None if value == "" else value
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            raise ApiError(400, f"Bad Request: can't parse {name} JSON object") from None


def units(text: str) -> int:
    """Length in UTF-16 units."""
    return len(text) + sum(char > "\uffff" for char in text)
