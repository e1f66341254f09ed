"""What arrived, as the mail server and the bot's server wrote it down."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hub.pipeline.around import address_hash


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message that truly arrived. `mark` is by what its attempt is found: for mail the left half of the Message-ID,
    for a chat the message's number and the hash of the address. `title`: a mail's subject; `keys`: a chat message's
    buttons as (text, url)."""

    at: datetime
    channel: str
    mark: str
    to: str
    title: str
    text: str
    html: str = ""
    keys: Sequence[tuple[str, str]] = ()


class Book:
    """Both ledgers as one list in the order of time. Each entry is read once, for reading a mail takes a while."""

    def __init__(self, mail: Any, bot: Any) -> None:
        self._mail, self._bot = mail.ledger, bot.ledger
        self._mails = self._chats = 0
        self._read: list[Arrival] = []

    def read(self) -> Sequence[Arrival]:
        """Everything up to now."""
        mails, chats = list(self._mail)[self._mails :], list(self._bot)[self._chats :]
        self._mails, self._chats = self._mails + len(mails), self._chats + len(chats)
        new = [*map(_mail, mails), *map(_chat, chats)]
        self._read += sorted(new, key=lambda each: each.at)
        return self._read


def _mail(mail: Any) -> Arrival:
    left = str(mail.parsed["message-id"] or "").strip().lstrip("<").partition("@")[0]
    return Arrival(mail.at, "mail", left, mail.recipients[0], mail.subject, mail.text, mail.html)


def _chat(sent: Any) -> Arrival:
    mark = f"{sent.message_id}/{address_hash('bot', str(sent.chat))}"
    keys = [(key.text, key.url) for row in sent.keys for key in row]
    return Arrival(sent.at, "bot", mark, str(sent.chat), "", sent.text, keys=keys)
