"""What a mail server's answer means: reply code and enhanced code → outcome, as data.

From RFC 5321 (reply codes), RFC 3463, 5248, 7372 and 7505 (enhanced codes), read for `docs/channels/smtp.md`, state of
November 2026. The same enhanced codes stand in bounces. The server's own words are not repeated: they hold addresses.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, StrEnum

from hub.plugin import Config, Permanent, Suppress, Transient, Unknown


class Step(StrEnum):
    """How far a conversation had come when something happened."""

    CONNECT = "connect"
    HELLO = "EHLO"
    TLS = "STARTTLS"
    AUTH = "AUTH"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    DOT = "final dot"


class Kind(Enum):
    """The outcome classes that a refusal can have."""

    TRANSIENT = "transient"
    PERMANENT = "permanent"
    SUPPRESS = "suppress"
    CONFIG = "config"


@dataclass(frozen=True, slots=True)
class Rule:
    """What a code means. `wait`: not sooner than that (None: the hub's own schedule)."""

    kind: Kind
    label: str
    wait: timedelta | None = None


GREYLIST = timedelta(minutes=5)
FULL = timedelta(hours=4)

_T, _P, _S, _C = Kind.TRANSIENT, Kind.PERMANENT, Kind.SUPPRESS, Kind.CONFIG

ENHANCED: Mapping[str, Rule] = {
    "4.2.0": Rule(_T, "greylisted", GREYLIST),
    "4.2.1": Rule(_T, "mailbox busy"),
    "4.2.2": Rule(_T, "mailbox full", FULL),
    "4.3.1": Rule(_T, "the server's storage is full", FULL),
    "4.3.2": Rule(_T, "the server is shutting down"),
    "4.3.*": Rule(_T, "local error of the server"),
    "4.4.*": Rule(_T, "no route now"),
    "4.5.3": Rule(_T, "too many recipients"),
    "4.7.*": Rule(_T, "greylisted or slowed down", GREYLIST),
    "5.1.0": Rule(_S, "bad address"),
    "5.1.1": Rule(_S, "no such mailbox"),
    "5.1.2": Rule(_S, "no such mail domain"),
    "5.1.3": Rule(_S, "not a mail address"),
    "5.1.4": Rule(_S, "ambiguous address"),
    "5.1.6": Rule(_S, "mailbox has moved"),
    "5.1.7": Rule(_C, "the sender's address is malformed"),
    "5.1.8": Rule(_C, "the sender's domain is not accepted"),
    "5.1.10": Rule(_S, "the domain takes no mail"),
    "5.2.1": Rule(_S, "mailbox disabled"),
    "5.2.2": Rule(_T, "mailbox full", FULL),
    "5.2.3": Rule(_P, "too big for this mailbox"),
    "5.3.4": Rule(_P, "the message is too big"),
    "5.7.*": Rule(_C, "refused by policy, reputation or authentication of the sender"),
}
"""Enhanced code, or class and subject with `*` → meaning. Every 5.7.x concerns us and never the recipient's address."""

REPLIES: Mapping[int, Rule] = {
    421: Rule(_T, "the server closes the connection"),
    450: Rule(_T, "mailbox not available now", GREYLIST),
    451: Rule(_T, "local error in processing", GREYLIST),
    452: Rule(_T, "not enough storage", FULL),
    454: Rule(_T, "TLS or sign-in not available now"),
    500: Rule(_P, "command not understood"),
    501: Rule(_P, "parameter not understood"),
    502: Rule(_P, "command not there"),
    503: Rule(_P, "commands out of order"),
    504: Rule(_P, "parameter not there"),
    521: Rule(_C, "the server takes no mail"),
    530: Rule(_C, "sign-in or TLS needed"),
    534: Rule(_C, "way of signing in refused"),
    535: Rule(_C, "wrong username or password"),
    538: Rule(_C, "TLS needed for signing in"),
    550: Rule(_P, "refused without a reason"),
    551: Rule(_S, "not a user of this server"),
    552: Rule(_T, "mailbox full", FULL),
    553: Rule(_S, "mailbox name not allowed"),
    554: Rule(_P, "refused"),
    555: Rule(_P, "parameters not recognised"),
    556: Rule(_S, "the domain takes no mail"),
}
"""Basic code, where the server gives no enhanced code or one that is not in the table."""

AT_STEP: Mapping[tuple[Step, int], Rule] = {
    (Step.MAIL, 552): ENHANCED["5.3.4"],
    (Step.DOT, 552): ENHANCED["5.3.4"],
}
"""Basic codes that say something else at one step: at these, 552 is about the size (RFC 1870)."""

CLASSES: Mapping[int, Rule] = {4: Rule(_T, "not now"), 5: Rule(_P, "refused")}

QUOTED = ("this sandbox takes mail only for *.example, *.test and example.com, .net and .org",)
"""What a server may say that is repeated to staff: known word for word, so that no address can stand in it."""

OURS = frozenset({Step.CONNECT, Step.HELLO, Step.TLS, Step.AUTH, Step.MAIL})
"""Steps before the recipient is named: a lasting refusal there is about us, whatever its code."""

_ENHANCED = re.compile(r"\s*([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of a server. `text` may hold addresses: it is matched, never shown."""

    code: int
    text: str

    def __repr__(self) -> str:
        return f"Reply({self.code}{' ' if self.enhanced else ''}{self.enhanced})"

    @property
    def enhanced(self) -> str:
        """The enhanced code, if there is one and it does not contradict the basic code."""
        found = _ENHANCED.match(self.text[:80])
        if found is None or int(found[1]) != self.code // 100:
            return ""
        return ".".join(str(int(part)) for part in found.groups())


Failure = Transient | Permanent | Suppress | Config | Unknown


def enhanced_rule(code: str) -> Rule | None:
    """The rule of an enhanced code (`5.1.1`), exact before pattern."""
    return ENHANCED.get(code) or ENHANCED.get(code.rpartition(".")[0] + ".*")


def rule(step: Step, reply: Reply) -> Rule:
    """The rule of a refusal (4yz or 5yz)."""
    code = reply.code
    found = enhanced_rule(reply.enhanced) or AT_STEP.get((step, code)) or REPLIES.get(code) or CLASSES[code // 100]
    too_big = found in (ENHANCED["5.3.4"], ENHANCED["5.2.3"])
    if step not in OURS or found.kind in (Kind.TRANSIENT, Kind.CONFIG) or too_big:
        return found
    return Rule(Kind.CONFIG, "the sender is refused" if step is Step.MAIL else "we are refused")


def refusal(step: Step, reply: Reply, now: datetime) -> Failure:
    """The outcome of an answer that is not the wished one."""
    if reply.code // 100 not in CLASSES:
        return loss(step, "an answer that makes no sense")
    found = rule(step, reply)
    quoted = "".join(f"; {each}" for each in QUOTED if each in reply.text)
    reason = f"{reply.code} {reply.enhanced}".strip() + f" at {step}: {found.label}{quoted}"
    match found.kind:
        case Kind.TRANSIENT:
            return Transient(reason, now + found.wait if found.wait else None)
        case Kind.PERMANENT:
            return Permanent(reason)
        case Kind.SUPPRESS:
            return Suppress(reason)
        case Kind.CONFIG:
            return Config(reason)


def loss(step: Step, why: str) -> Transient | Unknown:
    """The outcome of a lost answer: before the final dot nothing was sent, after it nobody knows."""
    reason = why if step is Step.CONNECT else f"{why} at {step}"
    return Unknown(reason) if step is Step.DOT else Transient(reason)
