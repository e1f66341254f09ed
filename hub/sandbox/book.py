"""What arrived, as the servers of all channels wrote it down."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hub.pipeline.around import address_hash


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message that truly arrived. `mark` is by what its attempt is found: for mail and SMS the attempt's key, for a
    chat the message's number and the hash of the address. `title`: a mail's subject; `keys`: a chat message's
    buttons as (text, url)."""

    at: datetime
    channel: str
    mark: str
    to: str
    title: str
    text: str
    html: str = ""
    keys: Sequence[tuple[str, str]] = ()


Read = Callable[[str, Any], Arrival]


class Book:
    """The ledgers of all channels as one list in the order of time. Each entry is read once, for reading a mail takes a
    while. `boxes`: connection → sandbox."""

    def __init__(self, boxes: Mapping[str, Any]) -> None:
        self._boxes = {name: (box.ledger, READERS.get(box.__class__.__name__, _sms)) for name, box in boxes.items()}
        self._seen = dict.fromkeys(boxes, 0)
        self._read: list[Arrival] = []

    def read(self) -> Sequence[Arrival]:
        """Everything up to now."""
        new: list[Arrival] = []
        for name, (ledger, read) in self._boxes.items():
            fresh = list(ledger)[self._seen[name] :]
            self._seen[name] += len(fresh)
            new += [read(name, each) for each in fresh]
        self._read += sorted(new, key=lambda each: each.at)
        return self._read


def _mail(channel: str, mail: Any) -> Arrival:
    left = str(mail.parsed["message-id"] or "").strip().lstrip("<").partition("@")[0]
    return Arrival(mail.at, channel, left, mail.recipients[0], mail.subject, mail.text, mail.html)


def _chat(channel: str, sent: Any) -> Arrival:
    mark = f"{sent.message_id}/{address_hash(channel, str(sent.chat))}"
    keys = [(key.text, key.url) for row in sent.keys for key in row]
    return Arrival(sent.at, channel, mark, str(sent.chat), "", sent.text, keys=keys)


def _sms(channel: str, sent: Any) -> Arrival:
    """Both providers keep the key of the attempt, each under a name of its own."""
    number = getattr(sent, "phone", "") or getattr(sent, "number", "")
    return Arrival(sent.at, channel, sent.key, f"+{number.lstrip('+')}", "", sent.text)


READERS: Mapping[str, Read] = {"SmtpSandbox": _mail, "TelegramSandbox": _chat}
