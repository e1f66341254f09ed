"""One connection to a mail server: opened, secured, signed in; carries one mail after the other.

The commands are aiosmtplib's. Only the content goes out by hand, because it has to be known whether a connection was
lost before or after the final dot.
"""

import asyncio
import contextlib
import re
import socket
import ssl
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar, cast

import aiosmtplib
from aiosmtplib.protocol import SMTPProtocol

from hub.clock import monotonic, pause
from hub.plugin import Config, Permanent

from ._address import MailAddress
from ._settings import Security
from .statuses import Failure, Reply, Step, loss, refusal

GOODBYE = 1.0
"""Seconds that a server has to say goodbye."""

BLOCK = 64 * 1024
"""Bytes of content written at once."""

TOO_LATE = "no answer in time"

RESENDABLE = frozenset({Step.MAIL, Step.RCPT, Step.DATA})
"""A signed-in connection that is closed here was only used up: the mail is sent once more on a new one."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Line:
    """How to reach the server and who we are there. `secret` is a password, or an OAuth token."""

    host: str
    port: int
    security: Security
    tls: ssl.SSLContext | None
    hello: str
    command: float
    username: str = ""
    secret: str = ""
    oauth: bool = False

    def __repr__(self) -> str:
        return f"Line({self.host}:{self.port}, {self.security})"


@dataclass(frozen=True, slots=True)
class Envelope:
    """From whom and to whom, one recipient. `envid` comes back in a bounce (RFC 3461)."""

    sender: str
    to: MailAddress
    envid: str = ""


class StepError(Exception, ABC):
    """A mail could not be handed over. `used_up`: the connection was closed on us before anything was sent."""

    used_up = False

    @abstractmethod
    def outcome(self, now: datetime) -> Failure:
        """What that means for the attempt."""


class RefusedReplyError(StepError):
    """The server answered something else than what was wished."""

    def __init__(self, step: Step, reply: Reply) -> None:
        super().__init__(f"{reply!r} at {step}")
        self.step, self.reply = step, reply
        self.used_up = reply.code == 421 and step in RESENDABLE

    def outcome(self, now: datetime) -> Failure:
        return refusal(self.step, self.reply, now)


class LostError(StepError):
    """No answer came, or the connection is gone."""

    def __init__(self, step: Step, why: str) -> None:
        super().__init__(f"{why} at {step}")
        self.step, self.why = step, why
        self.used_up = step in RESENDABLE and why != TOO_LATE

    def outcome(self, now: datetime) -> Failure:
        return loss(self.step, self.why)


class HopelessError(StepError):
    """It cannot go on, and not because of a reply."""

    def __init__(self, failure: Config | Permanent) -> None:
        super().__init__(failure.reason)
        self.failure = failure

    def outcome(self, now: datetime) -> Failure:
        return self.failure


class Session:
    """One signed-in connection. `step`: how far it has come; `carried`: how many mails; `used_at`: when last."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._client = aiosmtplib.SMTP(
            hostname=line.host,
            port=line.port,
            use_tls=line.security is Security.TLS,
            start_tls=False,
            tls_context=line.tls,
            timeout=line.command,
            local_hostname=line.hello,
        )
        self._writer: asyncio.StreamWriter | None = None
        self._bare = False
        self._settled = False
        self.step = Step.CONNECT
        self.carried = 0
        self.used_at = monotonic()

    @property
    def ready(self) -> bool:
        """Whether the next mail may be sent on it: signed in, still there, and no transaction half done."""
        return self._settled and self._client.is_connected

    @property
    def cipher(self) -> str:
        """`TLSv1.3`, or empty on an open line."""
        found = self._client.get_transport_info("cipher")
        return str(found[1]) if found else ""

    async def open(self) -> None:
        """Connect, secure the line, sign in. Never falls back to less than what the settings say."""
        await self._ask(Step.CONNECT, self._client.connect())
        await self._ask(Step.HELLO, self._client.ehlo())
        if self._line.security is Security.STARTTLS:
            await self._secure()
        if self._line.username:
            await self._sign_in()
        protocol, transport = self._open_line()
        # So that `drain` means: the kernel has all of it (0 would never wake up on a TLS transport).
        transport.set_write_buffer_limits(high=1, low=0)
        self._writer = asyncio.StreamWriter(transport, protocol, None, asyncio.get_running_loop())
        self._settled = True

    async def _secure(self) -> None:
        if not self._client.supports_extension("starttls"):
            raise HopelessError(Config("the server does not offer STARTTLS; nothing is sent in the clear"))
        await self._ask(Step.TLS, self._client.starttls())
        await self._ask(Step.HELLO, self._client.ehlo())

    async def _sign_in(self) -> None:
        offered = self._client.server_auth_methods
        user, secret = self._line.username, self._line.secret
        if self._line.oauth:
            ways: dict[str, Callable[..., Awaitable[object]]] = {"xoauth2": self._client.auth_xoauth2}
        else:
            ways = {"plain": self._client.auth_plain, "login": self._client.auth_login}
        chosen = next((way for way in ways if way in offered), None)
        if chosen is None:
            raise HopelessError(Config(f"the server offers none of our ways to sign in: {', '.join(ways)}"))
        await self._ask(Step.AUTH, ways[chosen](user, secret))

    async def deliver(self, envelope: Envelope, content: bytes, dot: Callable[[], None]) -> Reply:
        """Hand one mail over; the server's 2yz answer. `dot` is called just before the final dot goes out."""
        self._fits(envelope, content)
        self._settled = False
        try:
            await self._address(envelope, content)
        except RefusedReplyError as refused:
            await self._reset()
            if refused.reply.code != 555 or self._bare or not self.ready:
                raise
            self._settled, self._bare = False, True  # it does not know our parameters although it said so: go without
            try:
                await self._address(envelope, content)
            except RefusedReplyError:
                await self._reset()
                raise
        reply = await self._send(content, dot)
        self.carried += 1
        self.used_at = monotonic()
        if reply.code // 100 == 2:
            self._settled = True
            return reply
        await self._reset()
        raise RefusedReplyError(Step.DOT, reply)

    def _fits(self, envelope: Envelope, content: bytes) -> None:
        limit = self._client.esmtp_extensions.get("size", "")
        if limit.isascii() and limit.isdigit() and len(limit) < 19 and 0 < int(limit) < len(content):
            raise HopelessError(Permanent("the message is bigger than the server takes"))
        if not envelope.to.ascii and not self._client.supports_extension("smtputf8"):
            raise HopelessError(Permanent("the address is not ASCII and the server does not offer SMTPUTF8"))

    async def _address(self, envelope: Envelope, content: bytes) -> None:
        encoding = "ascii" if envelope.to.ascii else "utf-8"
        mail, rcpt = self._parameters(envelope, content)
        await self._ask(Step.MAIL, self._client.mail(envelope.sender, options=mail, encoding=encoding))
        await self._ask(Step.RCPT, self._client.rcpt(str(envelope.to), options=rcpt, encoding=encoding))

    def _parameters(self, envelope: Envelope, content: bytes) -> tuple[list[str], list[str]]:
        has = self._client.supports_extension
        mail, rcpt = [], []
        if not content.isascii() and has("8bitmime"):
            mail.append("BODY=8BITMIME")
        if not envelope.to.ascii:
            mail.append("SMTPUTF8")
        if has("size") and not self._bare:
            mail.append(f"SIZE={len(content)}")
        if has("dsn") and not self._bare:
            mail += ["RET=HDRS", *([f"ENVID={envelope.envid}"] if envelope.envid else [])]
            rcpt.append("NOTIFY=FAILURE,DELAY")
            if envelope.to.ascii:
                rcpt.append(f"ORCPT=rfc822;{xtext(str(envelope.to))}")
        return mail, rcpt

    async def _send(self, content: bytes, dot: Callable[[], None]) -> Reply:
        start = await self._ask(Step.DATA, self._client.execute_command(b"DATA"))
        if start.code != 354:
            await self._reset()
            raise RefusedReplyError(Step.DATA, Reply(start.code, start.message))
        protocol, _ = self._open_line()
        reading = asyncio.create_task(protocol.read_response())
        await pause(0)  # it has to listen before the dot leaves: an answer that nobody waits for is thrown away
        try:
            return await self._content(protocol, reading, content, dot)
        finally:
            if not reading.done():
                reading.cancel()
            elif not reading.cancelled():
                reading.exception()  # seen: what it says has been raised already

    async def _content(
        self,
        protocol: SMTPProtocol,
        reading: "asyncio.Task[aiosmtplib.SMTPResponse]",
        content: bytes,
        dot: Callable[[], None],
    ) -> Reply:
        async with _answers(Step.DATA):
            await self._pour(protocol, reading, stuffed(content))
            if reading.done():
                return self._early(await reading)
            dot()
            protocol.write(b".\r\n")
        self.step = Step.DOT
        async with _answers(Step.DOT):
            answer = await reading
        return Reply(answer.code, answer.message)

    async def _pour(
        self, protocol: SMTPProtocol, reading: "asyncio.Task[aiosmtplib.SMTPResponse]", content: bytes
    ) -> None:
        """Write block by block, each when the one before has left: a TLS transport would take all of it at once."""
        assert self._writer is not None
        for at in range(0, len(content), BLOCK):
            protocol.write(content[at : at + BLOCK])
            async with asyncio.timeout(self._line.command):
                await self._writer.drain()
            if reading.done():
                return

    def _early(self, answer: aiosmtplib.SMTPResponse) -> Reply:
        """An answer before the dot can only be a refusal. The two of us are out of step, so that the line is closed."""
        self.close()
        if answer.code // 100 not in (4, 5):
            raise LostError(Step.DATA, "an answer that makes no sense")
        return Reply(answer.code, answer.message)

    async def _reset(self) -> None:
        """Forget the transaction; a connection that cannot even do that is closed."""
        if not self._client.is_connected:
            return
        try:
            await self._client.rset()
            self._settled = True
        except (aiosmtplib.SMTPException, OSError):
            self.close()

    async def check(self) -> None:
        """Ask whether the server is still there."""
        await self._ask(Step.HELLO, self._client.noop())

    async def quit(self) -> None:
        """Say goodbye if that is quick, and hang up in any case."""
        try:
            if self.ready:
                await self._client.quit(timeout=GOODBYE)
        except (aiosmtplib.SMTPException, OSError):
            self.step = Step.CONNECT  # it is gone without a goodbye, and that is just as well
        finally:
            self.close()

    def close(self) -> None:
        """Hang up at once."""
        self._client.close()

    def _open_line(self) -> tuple[SMTPProtocol, asyncio.WriteTransport]:
        protocol = self._client.protocol
        if protocol is None or protocol.transport is None:
            raise LostError(self.step, "connection lost")
        return protocol, cast(asyncio.WriteTransport, protocol.transport)  # uvloop's is one in all but its class

    async def _ask(self, step: Step, asking: Awaitable[T]) -> T:
        self.step = step
        async with _answers(step):
            return await asking


def xtext(text: str) -> str:
    """ASCII text as a parameter of the DSN extension (RFC 3461 4)."""
    return re.sub(r"[^!-*,-<>-~]", lambda found: f"+{ord(found[0]):02X}", text)


def stuffed(content: bytes) -> bytes:
    """`content` with a second dot where a line begins with one (RFC 5321 4.5.2). All its line ends are CRLF."""
    return (b"." if content.startswith(b".") else b"") + content.replace(b"\r\n.", b"\r\n..")


@contextlib.asynccontextmanager
async def _answers(step: Step) -> AsyncIterator[None]:
    """Turns what aiosmtplib and asyncio raise into our three errors."""
    try:
        yield
    except aiosmtplib.SMTPResponseException as error:
        raise RefusedReplyError(step, Reply(error.code, error.message)) from None
    except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
        raise _failure(step, error) from None


def _failure(step: Step, error: BaseException) -> StepError:
    cause = error if isinstance(error, ssl.SSLError) else error.__cause__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return HopelessError(Config(f"the server's certificate is not trusted: {cause.verify_message.split('.')[0]}"))
    if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return HopelessError(Config("no TLS with this server; do security and port belong together?"))
    if isinstance(error, TimeoutError):
        return LostError(step, TOO_LATE)
    return LostError(step, _unreached(error.__cause__ or error) if step is Step.CONNECT else "connection lost")


def _unreached(cause: BaseException) -> str:
    if isinstance(cause, socket.gaierror):
        return "the mail server's name was not found"
    return "nothing listens on that port" if isinstance(cause, ConnectionRefusedError) else "no connection"
