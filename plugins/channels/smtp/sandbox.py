"""A mail server to talk to, for tests and the demo: takes mail, refuses by script, keeps a ledger, sends bounces.

    sandbox = SmtpSandbox(clock=clock)
    async with sandbox.serve() as url:      # smtp://127.0.0.1:40123
        ...
    sandbox.ledger[0].subject

Recipients script the answer: `450-greylist@`, `550-unknown@`, `552-full@`, `421-now@`, `drop-after-dot@`,
`554-spam-after-dot@` and so on (`_sandbox_talk.WORDS`). It relays nothing, and takes mail only for domains that are
reserved for examples and tests: `*.example`, `*.test`, and `example.com` and its like.
"""

import contextlib
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from enum import StrEnum
from pathlib import Path

from hub.clock import Clock
from hub.plugin.sandbox import Entry, Ledger

from . import _sandbox_bounces as letters
from ._sandbox_imap import ImapSandbox
from ._sandbox_talk import Act, Script, Talk, Transaction, scripted
from ._sandbox_tls import Authority, Certificate, authority
from ._sandbox_wire import Wire, listening

__all__ = ["Act", "Certificate", "Command", "ImapSandbox", "Mail", "Mode", "SmtpSandbox"]

KEYWORDS = ("PIPELINING", "SIZE 10485760", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "DSN")


class Mode(StrEnum):
    """How the server's line is kept private."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


@dataclass(frozen=True, slots=True)
class Command(Entry):
    """One command as it came in (of AUTH only the mechanism)."""

    connection: int
    line: str


@dataclass(frozen=True, slots=True)
class Mail(Entry):
    """A mail that was taken. `content` is what stood between DATA and the dot, the stuffed dots taken out."""

    number: int
    connection: int
    sender: str
    recipients: tuple[str, ...]
    content: bytes = field(repr=False)
    mail_options: tuple[str, ...] = ()
    rcpt_options: tuple[tuple[str, ...], ...] = ()
    secure: bool = False
    user: str = ""

    @property
    def parsed(self) -> EmailMessage:
        """The mail as a modern reader sees it."""
        found = message_from_bytes(self.content, policy=policy.default)
        assert isinstance(found, EmailMessage)
        return found

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """All headers, undecoded, in their order."""
        return tuple((name, str(value)) for name, value in message_from_bytes(self.content).raw_items())

    @property
    def subject(self) -> str:
        return str(self.parsed["subject"] or "")

    @property
    def from_(self) -> str:
        return str(self.parsed["from"] or "")

    @property
    def to(self) -> str:
        return str(self.parsed["to"] or "")

    @property
    def text(self) -> str:
        """The plain text, lines ending in LF."""
        return self._body("plain")

    @property
    def html(self) -> str:
        return self._body("html")

    @property
    def envid(self) -> str:
        """The envelope id the sender gave (RFC 3461), if any."""
        return next((each[6:] for each in self.mail_options if each.upper().startswith("ENVID=")), "")

    def _body(self, kind: str) -> str:
        for part in self.parsed.walk():
            if part.get_content_type() == f"text/{kind}":
                return str(part.get_content()).replace("\r\n", "\n")
        return ""


class SmtpSandbox:
    """The server. `users`: name → password (empty: nobody signs in); `tokens`: name → OAuth token. `sloppy`: takes a
    bare LF for a line end, as vulnerable servers do. `max_messages`: after so many on one connection it says 421."""

    def __init__(
        self,
        *,
        clock: Clock,
        mode: Mode | str = Mode.NONE,
        keywords: tuple[str, ...] = KEYWORDS,
        users: dict[str, str] | None = None,
        tokens: dict[str, str] | None = None,
        mechanisms: tuple[str, ...] = ("PLAIN", "LOGIN", "XOAUTH2"),
        certificate: Certificate | str = Certificate.GOOD,
        max_messages: int | None = None,
        sloppy: bool = False,
    ) -> None:
        self.ledger: Ledger[Mail] = Ledger()
        self.commands: Ledger[Command] = Ledger()
        self.mode = Mode(mode)
        self.keywords = keywords
        self.users, self.tokens = users or {}, tokens or {}
        self.mechanisms = mechanisms if self.users or self.tokens else ()
        self.certificate = Certificate(certificate)
        self.max_messages = max_messages
        self.sloppy = sloppy
        self.starttls = self.mode is Mode.STARTTLS
        self.injection = b""
        self.authority: Authority | None = None
        self.connections = 0
        self.port = 0
        self._clock = clock
        self._wires: set[Wire] = set()
        self._faults: dict[str, deque[Script]] = {}
        self._scripts: dict[tuple[str, str], Script] = {}

    @property
    def size(self) -> int:
        """The limit that EHLO states; 0: none."""
        return next((int(each.split(" ")[1]) for each in self.keywords if each.startswith("SIZE ")), 0)

    @property
    def ca_file(self) -> Path:
        """What a client has to trust, while the server runs in TLS."""
        if self.authority is None:
            raise LookupError("this server speaks no TLS")
        return self.authority.ca_file

    @contextlib.asynccontextmanager
    async def serve(self, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
        """Serve while the block runs; gives `smtp://host:port` (`smtps://` for TLS from the first byte)."""
        with contextlib.ExitStack() as stack:
            if self.mode is not Mode.NONE:
                self.authority = stack.enter_context(authority(self.certificate))
            implicit = self.authority.context if self.authority and self.mode is Mode.TLS else None
            async with listening(self._talk, self._wires, host, port, implicit) as self.port:
                yield f"{'smtps' if implicit else 'smtp'}://{host}:{self.port}"

    async def _talk(self, wire: Wire) -> None:
        self.connections += 1
        await Talk(wire, self, self.connections).run()

    # Levers

    def fail_next(self, step: str, script: Script, times: int = 1) -> None:
        """At the next `times` of CONNECT, a verb, CONTENT (midway) or DOT: this reply (`451 4.3.0 no`) or act."""
        self._faults.setdefault(step, deque()).extend([script] * times)

    def answer(self, local: str, step: str, script: Script) -> None:
        """Whenever a mail to this local part is at RCPT, DATA or DOT: this reply or act."""
        self._scripts[(local, step)] = script

    def calm(self) -> None:
        """Forget all that was ordered."""
        self._faults.clear()
        self._scripts.clear()

    def close_idle(self, *, announced: bool = True) -> None:
        """Hang up on everybody, with a 421 that nobody asked for, or without a word."""
        for wire in list(self._wires):
            if announced:
                wire.write(b"421 4.4.2 Idle for too long\r\n")
            wire.close()

    @property
    def open_connections(self) -> int:
        return len(self._wires)

    # What the world sends back

    def bounce(self, mail: Mail, *, status: str = "5.1.1", action: str = "failed", diagnostic: str = "") -> bytes:
        """A delivery status notification about a mail, to its envelope sender."""
        return letters.bounce(
            mail.content,
            to=mail.sender,
            recipient=mail.recipients[0],
            at=self._now(),
            envid=mail.envid,
            status=status,
            action=action,
            diagnostic=diagnostic,
        )

    def complaint(self, mail: Mail, *, names_recipient: bool = True) -> bytes:
        """A spam complaint about a mail (ARF)."""
        recipient = mail.recipients[0] if names_recipient else ""
        return letters.complaint(
            mail.content, to="fbl@shop.example", sender=mail.sender, recipient=recipient, at=self._now()
        )

    def prose_bounce(self, mail: Mail, text: str = "Sorry, I could not deliver your message.") -> bytes:
        """A bounce in words only, to the envelope sender, as qmail writes them."""
        return letters.prose(to=mail.sender, at=self._now(), text=text, headers=[("Return-Path", "<>")])

    def out_of_office(self, mail: Mail, *, marked: bool = True) -> bytes:
        """An automatic answer to the envelope sender; unmarked ones only have the subject."""
        headers = [("From", f"<{mail.recipients[0]}>"), ("Subject", "Automatic reply: I am away")]
        if marked:
            headers.append(("Auto-Submitted", "auto-replied"))
        return letters.prose(to=mail.sender, at=self._now(), text="I am away until Monday.", headers=headers)

    # What a conversation asks

    def fault(self, step: str) -> Script | None:
        waiting = self._faults.get(step)
        return waiting.popleft() if waiting else None

    def script(self, address: str, step: str) -> Script | None:
        local = address.rpartition("@")[0]
        found = self._scripts.get((local, step))
        if found is not None:
            return found
        named = scripted(local)
        return named[1] if named and named[0] == step else None

    def say(self, connection: int, line: str) -> None:
        self.commands.record(Command(self._now(), connection, line))

    def take(self, transaction: Transaction, talk: Talk, content: bytes) -> str:
        number = len(self.ledger) + 1
        self.ledger.record(
            Mail(
                at=self._now(),
                number=number,
                connection=talk.connection,
                sender=transaction.sender,
                recipients=tuple(transaction.recipients),
                content=content,
                mail_options=transaction.mail_options,
                rcpt_options=tuple(transaction.rcpt_options),
                secure=talk.secure,
                user=talk.user,
            )
        )
        return f"SBX{number:06d}"

    def _now(self) -> datetime:
        return self._clock.now()


SANDBOX = SmtpSandbox
"""What the demo starts."""
