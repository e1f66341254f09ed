"""A webhook request as a plugin sees it, and what verifying it returns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hub.clock import aware

from ._outcomes import RefusedError


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """One request, byte-exact. `headers` are pairs in order of arrival, names lower-cased; `rest` is the path after
    the connection's name (an unguessable part for unsigned senders). Its repr shows nothing of what came."""

    method: str
    rest: str = field(repr=False)
    query: Mapping[str, str] = field(repr=False)
    headers: Sequence[tuple[str, str]] = field(repr=False)
    body: bytes = field(repr=False)

    def header(self, name: str) -> str | None:
        """The value of a header, or None. A header that comes twice is refused: nobody knows which is meant."""
        found = [value for key, value in self.headers if key == name.lower()]
        if len(found) > 1:
            raise RefusedError(f"header {name} comes {len(found)} times")
        return found[0] if found else None


@dataclass(frozen=True, slots=True)
class Raw:
    """One raw event to be stored and normalised later.

    `body`: JSON value as the sender said it. `subject`: `order:<ref>`, `parcel:<number>`, `message:<id>` or
    `chat:<id>`: what it speaks of. `dedupe_key`: made of signed bytes only. `topic`: the sender's word for the kind of
    event; a hint, never evidence. `occurred_at`: the sender's own time where it is known before normalising. The body
    stays out of the repr.
    """

    body: Any = field(repr=False)
    subject: str
    dedupe_key: str
    topic: str = ""
    occurred_at: datetime | None = None

    def __post_init__(self) -> None:
        if not self.dedupe_key or not self.subject:
            raise ValueError("a raw event needs a subject and a dedupe key")
        if self.occurred_at is not None:
            object.__setattr__(self, "occurred_at", aware(self.occurred_at))


@dataclass(frozen=True, slots=True)
class Answer:
    """What the sender wants to hear."""

    status: int = 200
    body: str = ""
    content_type: str = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Received:
    """A believed request: what to store (nothing for a mere ping) and what to answer once that is on disk."""

    events: Sequence[Raw] = ()
    answer: Answer = field(default_factory=Answer)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a poll: events, the cursor to store with them in one transaction, whether to ask on at once."""

    events: Sequence[Raw]
    cursor: Any
    more: bool = False
