"""What the Bot API's refusals mean, as data.

Bot API 10.3; the descriptions come from client libraries, not from the reference, so the HTTP status decides first and
the description (a part of it, whatever its case) only refines. The first line that fits is taken.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from hub.plugin import Config, Duplicate, Permanent, Suppress, Transient


class Again(StrEnum):
    """A refusal that one changed repeat may heal."""

    PLAIN = "plain"
    """Telegram did not like our markup: the same text without it."""
    NO_LINKS = "no links"
    """Telegram did not like the address of a button: the address goes into the text."""
    MOVED = "moved"
    """The group has a new id, told in `parameters.migrate_to_chat_id`."""


Verdict = Transient | Permanent | Suppress | Config | Duplicate | Again


@dataclass(frozen=True, slots=True)
class Rule:
    """`status`: exact, or a whole family as 5 for 5xx. `part`: what the description holds; empty fits any."""

    status: int
    part: str
    verdict: Verdict

    def fits(self, status: int, description: str) -> bool:
        return self.status in (status, status // 100) and self.part in description.casefold()


REFUSED = Permanent("Telegram refused the message")
"""What nobody foresaw; the only reason that carries on what Telegram said."""

ERRORS: Sequence[Rule] = (
    Rule(400, "message is not modified", Duplicate()),
    Rule(400, "chat was upgraded", Again.MOVED),
    Rule(400, "can't parse entities", Again.PLAIN),
    Rule(400, "button_url_invalid", Again.NO_LINKS),
    Rule(400, "wrong http url", Again.NO_LINKS),
    Rule(400, "unsupported url protocol", Again.NO_LINKS),
    Rule(400, "chat not found", Suppress("Telegram does not know this chat")),
    Rule(400, "peer_id_invalid", Suppress("Telegram does not know this chat")),
    Rule(400, "rights to send", Suppress("the bot may not write in this group")),
    Rule(400, "button_data_invalid", Permanent("a button's data is too long for Telegram")),
    Rule(400, "message is too long", Permanent("the text is too long for Telegram")),
    Rule(400, "text is empty", Permanent("the text is empty")),
    Rule(400, "", REFUSED),
    Rule(401, "", Config("Telegram does not accept the bot's token")),
    Rule(403, "blocked by the user", Suppress("the customer has blocked the bot", blocked=True)),
    Rule(403, "user is deactivated", Suppress("the customer's Telegram account is gone", blocked=True)),
    Rule(403, "can't initiate conversation", Suppress("the customer has not started the bot")),
    Rule(403, "bot was kicked", Suppress("the bot was removed from this group")),
    Rule(403, "not a member", Suppress("the bot is not a member of this group")),
    Rule(403, "", Permanent("Telegram does not let the bot write to this chat")),
    Rule(404, "", Config("Telegram does not know this bot: the token or the address is wrong")),
    Rule(409, "", Config("another program reads this bot's updates")),
    Rule(413, "", Permanent("the message is too large for Telegram")),
    Rule(429, "", Transient("Telegram asks for patience")),
    Rule(4, "", REFUSED),
    Rule(5, "", Transient("Telegram is in trouble")),
)

STRANGER: Sequence[Rule] = (
    Rule(429, "", Transient("something before Telegram asks for patience")),
    Rule(408, "", Transient("something before Telegram gave up waiting")),
    Rule(5, "", Transient("Telegram is in trouble")),
)
"""For answers that are not the Bot API's own (a proxy, a wall): they say nothing about the chat, so no address is ever
marked because of them. What no line fits is a matter of configuration."""


COMMANDS: Mapping[str, Sequence[Mapping[str, str]]] = {
    language: [
        {"command": command, "description": text}
        for command, text in zip(("status", "stop", "help"), texts, strict=True)
    ]
    for language, texts in {
        "": ("Where is my order?", "Only news about my orders", "What this bot can do"),
        "uk": ("Де моє замовлення?", "Лише новини про замовлення", "Що вміє цей бот"),
        "pl": ("Gdzie jest moje zamówienie?", "Tylko wiadomości o zamówieniach", "Co potrafi ten bot"),
        "ru": ("Где мой заказ?", "Только новости о заказах", "Что умеет этот бот"),
    }.items()
}
"""The bot's menu by language; the empty language is for everybody else."""


def verdict(status: int, description: str) -> Verdict:
    """What a refusal by the Bot API means."""
    return next((rule.verdict for rule in ERRORS if rule.fits(status, description)), _NOT_THE_API)


def stranger(status: int) -> Transient | Config:
    """What an answer means that is not the Bot API's own."""
    found = next((rule.verdict for rule in STRANGER if rule.fits(status, "")), _NOT_THE_API)
    return found if isinstance(found, Transient) else _NOT_THE_API


_NOT_THE_API = Config("what answers at this address is not the Bot API")
