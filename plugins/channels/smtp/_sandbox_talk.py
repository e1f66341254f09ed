"""The server side of an SMTP conversation, strict and scriptable.

RFC 5321, 1870, 2034, 2920, 3207, 3461, 4954, 6152, 6531.
"""

import base64
import binascii
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from ._sandbox_tls import Authority
from ._sandbox_wire import Gone, Wire

MAX_LINE = 1000
"""Octets of a line of content, CRLF included (RFC 5321 4.5.3.1.6)."""

MAX_COMMAND = 12288 + 2
"""Octets of a command; AUTH may be this long (RFC 4954)."""

MAX_RECIPIENTS = 100


class Act(StrEnum):
    """What may happen instead of a reply."""

    DROP = "drop"
    """Hang up."""
    RESET = "reset"
    """Break the connection."""
    HANG = "hang"
    """Say nothing any more."""
    GARBAGE = "garbage"
    """Answer something that is no SMTP."""
    FORGET = "forget"
    """Hang up, and (at DOT) do not keep the mail; with DROP and RESET it is kept."""


Script = str | Act

WORDS = {
    "450-greylist": "450 4.2.0 Greylisted, please come back later",
    "451-greylist": "451 4.7.1 Greylisted, please come back later",
    "450-busy": "450 4.2.1 Mailbox busy",
    "452-full": "452 4.2.2 Mailbox full",
    "550-unknown": "550 5.1.1 No such user here",
    "550-disabled": "550 5.2.1 Mailbox disabled",
    "550-policy": "550 5.7.1 Message refused by policy",
    "550-unauthenticated": "550 5.7.26 This mail is unauthenticated",
    "551-elsewhere": "551 5.1.6 User not local",
    "552-full": "552 5.2.2 Mailbox full",
    "552-big": "552 5.3.4 Message too big",
    "553-name": "553 5.1.3 Mailbox name not allowed",
    "556-nullmx": "556 5.1.10 Domain takes no mail",
    "421-now": "421 4.3.2 Shutting down",
    "421-slow": "421 4.7.28 Too many messages from you",
    "drop": Act.DROP,
    "hang": Act.HANG,
    "reset": Act.RESET,
}
"""Local part of a recipient → what happens at RCPT; with `-after-data` or `-after-dot` behind it, later. Any other
`NNN-word` is that reply code alone."""

TAKES = "this sandbox takes mail only for *.example, *.test and example.com, .net and .org"
"""Said of any other address, and of that recipient alone: nothing is wrong with the sender."""

_RESERVED = re.compile(r"(?i)(?:.+\.)?(?:example|test|example\.(?:com|net|org))")


def reserved(address: str) -> bool:
    """Whether nobody can ever live at this address (RFC 2606): real people's mail is not for a sandbox."""
    return _RESERVED.fullmatch(address.rpartition("@")[2]) is not None


_LATER = {"-after-data": "DATA", "-after-dot": "DOT"}


def scripted(local: str) -> tuple[str, Script] | None:
    """(step, what happens there) of a recipient's local part, or None for an ordinary one."""
    step = "RCPT"
    for ending, later in _LATER.items():
        if local.endswith(ending):
            local, step = local.removesuffix(ending), later
    if local in WORDS:
        return step, WORDS[local]
    found = re.fullmatch(r"([45]\d\d)-[a-z0-9-]+", local)
    return (step, f"{found[1]} as you wish") if found else None


class Box(Protocol):
    """What a conversation asks of its sandbox."""

    keywords: tuple[str, ...]
    users: dict[str, str]
    tokens: dict[str, str]
    mechanisms: tuple[str, ...]
    max_messages: int | None
    sloppy: bool
    injection: bytes
    starttls: bool
    authority: Authority | None

    @property
    def size(self) -> int: ...

    def fault(self, step: str) -> Script | None: ...
    def script(self, address: str, step: str) -> Script | None: ...
    def say(self, connection: int, line: str) -> None: ...
    def take(self, transaction: "Transaction", talk: "Talk", content: bytes) -> str: ...


@dataclass(slots=True)
class Transaction:
    """A mail on its way in."""

    sender: str
    mail_options: tuple[str, ...]
    recipients: list[str] = field(default_factory=list)
    rcpt_options: list[tuple[str, ...]] = field(default_factory=list)


class Talk:
    """One conversation."""

    def __init__(self, wire: Wire, box: Box, connection: int) -> None:
        self._wire, self._box = wire, box
        self.connection = connection
        self.user = ""
        self._greeted = False
        self._taken = 0
        self._mail: Transaction | None = None
        self._verbs: dict[str, Callable[[str], Awaitable[None]]] = {
            "EHLO": self._ehlo,
            "HELO": self._ehlo,
            "STARTTLS": self._starttls,
            "AUTH": self._auth,
            "MAIL": self._from,
            "RCPT": self._to,
            "DATA": self._data,
        }

    @property
    def secure(self) -> bool:
        return self._wire.secure

    async def run(self) -> None:
        """Talk until one of the two hangs up."""
        if not await self._struck(self._box.fault("CONNECT")):
            self._say("220 sandbox.example ESMTP at your service")
        while True:
            line = await self._wire.line()
            if len(line) > MAX_COMMAND:
                self._say("500 5.5.2 Line too long")
            elif not line.endswith(b"\r\n") and not self._box.sloppy:
                self._say("500 5.5.2 A line ends with CR LF")
            else:
                await self._obey(line.rstrip(b"\r\n").decode(errors="surrogateescape"))

    async def _obey(self, line: str) -> None:
        verb, _, rest = line.partition(" ")
        verb = verb.upper()
        self._box.say(self.connection, f"AUTH {rest.split(' ')[0]}" if verb == "AUTH" else line)
        if await self._struck(self._box.fault(verb)):
            return
        if verb in self._verbs:
            await self._verbs[verb](rest)
        elif verb == "QUIT":
            self._say("221 2.0.0 Bye")
            raise Gone
        elif verb in ("RSET", "NOOP"):
            self._mail = self._mail if verb == "NOOP" else None
            self._say("250 2.0.0 Ok")
        else:
            self._say("502 5.5.2 Command not recognised")

    async def _struck(self, script: Script | None) -> bool:
        """Do what is ordered, if anything is."""
        if script is None:
            return False
        if script in (Act.DROP, Act.FORGET):
            raise Gone
        if script is Act.RESET:
            self._wire.reset()
            raise Gone
        if script is Act.HANG:
            await self._wire.hang()
        if script is Act.GARBAGE:
            self._wire.write(b"\xff\x00<html>this is not SMTP</html>\r\n")
            return True
        self._say(str(script))
        if str(script).startswith("421"):
            raise Gone
        return True

    def _say(self, reply: str) -> None:
        """One reply; without enhanced codes where the server does not have them."""
        if not self._has("ENHANCEDSTATUSCODES"):
            reply = re.sub(r"^(\d{3}) \d\.\d+\.\d+ ", r"\1 ", reply)
        self._wire.write(f"{reply}\r\n".encode())

    def _has(self, keyword: str) -> bool:
        return any(each.split(" ")[0] == keyword for each in self._box.keywords)

    async def _ehlo(self, name: str) -> None:
        self._greeted, self._mail = True, None
        lines = ["sandbox.example", *self._box.keywords]
        if self._box.starttls and not self.secure:
            lines.append("STARTTLS")
        if self._box.mechanisms and (self.secure or not self._box.authority):
            lines.append("AUTH " + " ".join(self._box.mechanisms))
        replies = [f"250-{each}" for each in lines[:-1]] + [f"250 {lines[-1]}"]
        self._wire.write("".join(f"{each}\r\n" for each in replies).encode())

    async def _starttls(self, rest: str) -> None:
        if not self._box.starttls or self._box.authority is None or self.secure:
            return self._say("502 5.5.1 Not here")
        self._wire.write(b"220 2.0.0 Go ahead\r\n" + self._box.injection)
        await self._wire.start_tls(self._box.authority.context)
        self._greeted, self._mail, self.user = False, None, ""
        return None

    async def _auth(self, rest: str) -> None:
        if self._box.authority is not None and not self.secure:
            return self._say("530 5.7.0 Must issue a STARTTLS command first")
        mechanism, _, initial = rest.partition(" ")
        if mechanism.upper() not in self._box.mechanisms:
            return self._say("504 5.5.4 Unrecognised authentication type")
        try:
            self.user = await self._ways[mechanism.upper()](self, initial)
        except (binascii.Error, ValueError):
            return self._say("501 5.5.2 Cannot decode")
        return self._say("235 2.7.0 Ok" if self.user else "535 5.7.8 Wrong username or password")

    async def _plain(self, initial: str) -> str:
        _, user, password = (await self._response(initial, "334 ")).split("\0")
        return self._known(user, password)

    async def _login(self, initial: str) -> str:
        user = await self._response(initial, "334 VXNlcm5hbWU6")
        return self._known(user, await self._response("", "334 UGFzc3dvcmQ6"))

    async def _xoauth2(self, initial: str) -> str:
        fields = dict(part.split("=", 1) for part in (await self._response(initial, "334 ")).split("\x01") if part)
        user = fields.get("user", "")
        if user and self._box.tokens.get(user) == fields.get("auth", "").removeprefix("Bearer "):
            return user
        self._say("334 " + base64.b64encode(b'{"status":"401"}').decode())
        await self._wire.line()
        return ""

    _ways: dict[str, Callable[["Talk", str], Awaitable[str]]] = {  # noqa: RUF012
        "PLAIN": _plain,
        "LOGIN": _login,
        "XOAUTH2": _xoauth2,
    }

    async def _response(self, given: str, prompt: str) -> str:
        if not given:
            self._say(prompt)
            given = (await self._wire.line()).decode("ascii").strip()
        return base64.b64decode(given, validate=True).decode()

    def _known(self, user: str, password: str) -> str:
        return user if user and self._box.users.get(user) == password else ""

    async def _from(self, rest: str) -> None:
        found = re.fullmatch(r"(?i)FROM:<([^<>\s]*)>((?: [^\s]+)*)", rest)
        if found is None:
            return self._say("501 5.5.4 Syntax: MAIL FROM:<address>")
        options = tuple(found[2].split())
        refused = self._refuses_mail(found[1], options)
        if refused:
            self._say(refused)
            if refused.startswith("421"):
                raise Gone
            return None
        self._mail = Transaction(found[1], options)
        return self._say("250 2.1.0 Ok")

    def _refuses_mail(self, sender: str, options: tuple[str, ...]) -> str:
        box = self._box
        if box.max_messages is not None and self._taken >= box.max_messages:
            return "421 4.7.0 Too many messages on this connection"
        if not self._greeted:
            return "503 5.5.1 Say EHLO first"
        if box.starttls and not self.secure:
            return "530 5.7.0 Must issue a STARTTLS command first"
        if (box.users or box.tokens) and not self.user:
            return "530 5.7.0 Authentication required"
        if self._mail is not None:
            return "503 5.5.1 Nested MAIL command"
        return self._refuses_options(sender, options)

    def _refuses_options(self, sender: str, options: tuple[str, ...]) -> str:
        known = {"SIZE": "SIZE", "BODY": "8BITMIME", "SMTPUTF8": "SMTPUTF8", "RET": "DSN", "ENVID": "DSN"}
        for option in options:
            word, _, value = option.upper().partition("=")
            if word not in known or not self._has(known[word]):
                return "555 5.5.4 Parameters not recognised"
            if word == "SIZE" and self._box.size and int(value) > self._box.size:
                return "552 5.3.4 Message too big"
        if not sender.isascii() and "SMTPUTF8" not in options:
            return "553 5.6.7 SMTPUTF8 needed"
        return ""

    async def _to(self, rest: str) -> None:
        found = re.fullmatch(r"(?i)TO:<([^<>\s]+)>((?: [^\s]+)*)", rest)
        if found is None:
            return self._say("501 5.5.4 Syntax: RCPT TO:<address>")
        if self._mail is None:
            return self._say("503 5.5.1 MAIL first")
        address, options = found[1], tuple(found[2].split())
        if any(each.upper().split("=")[0] not in ("NOTIFY", "ORCPT") for each in options) or (
            options and not self._has("DSN")
        ):
            return self._say("555 5.5.4 Parameters not recognised")
        if not address.isascii() and "SMTPUTF8" not in self._mail.mail_options:
            return self._say("553 5.6.7 SMTPUTF8 needed")
        if not reserved(address):
            return self._say(f"550 5.1.2 Nobody lives there: {TAKES}")
        if len(self._mail.recipients) >= MAX_RECIPIENTS:
            return self._say("452 4.5.3 Too many recipients")
        if await self._struck(self._box.script(address, "RCPT")):
            return None
        self._mail.recipients.append(address)
        self._mail.rcpt_options.append(options)
        return self._say("250 2.1.5 Ok")

    async def _data(self, rest: str) -> None:
        mail = self._mail
        if mail is None or not mail.recipients:
            return self._say("503 5.5.1 RCPT first" if mail else "503 5.5.1 MAIL first")
        if await self._struck(self._scripted(mail, "DATA")):
            return None
        self._say("354 End data with <CR><LF>.<CR><LF>")
        midway = self._box.fault("CONTENT")
        if midway is not None:
            await self._wire.any()
            await self._struck(midway)
        content, complaint = await self._content("BODY=8BITMIME" in mail.mail_options)
        self._mail = None
        script = self._box.fault("DOT") or self._scripted(mail, "DOT")
        if complaint or (script is not None and not isinstance(script, Act)):
            await self._struck(complaint or script)
            return None
        self._taken += 1
        if script is not Act.FORGET:
            queued = self._box.take(mail, self, content)
        if not await self._struck(script):
            self._say(f"250 2.0.0 Ok: queued as {queued}")
        return None

    def _scripted(self, mail: Transaction, step: str) -> Script | None:
        return next((found for to in mail.recipients if (found := self._box.script(to, step)) is not None), None)

    async def _content(self, eight_bit: bool) -> tuple[bytes, str]:
        """The content with its dots taken out, and what is wrong with it."""
        lines: list[bytes] = []
        wrong, size, limit = "", 0, self._box.size
        while True:
            line = await self._wire.line()
            ended = not lines or lines[-1].endswith(b"\r\n") or self._box.sloppy
            if (line == b".\r\n" or (self._box.sloppy and line.rstrip(b"\r\n") == b".")) and ended:
                return b"".join(lines), wrong
            if len(line) > MAX_LINE:
                wrong = "500 5.5.2 Line too long"
            if b"\0" in line or (not line.isascii() and not eight_bit):
                wrong = "554 5.6.1 The content is not what was announced"
            size += len(line)
            if limit and size > limit:
                wrong, line = "552 5.3.4 Message too big", b"\r\n"
            lines.append(line[1:] if line.startswith(b".") else line)
