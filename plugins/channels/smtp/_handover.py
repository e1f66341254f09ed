"""One mail to one server: deadlines, connections used again, and the one repeat that harms nobody."""

import asyncio
import re
import ssl
from collections.abc import Awaitable, Callable
from typing import TypeVar

from hub.clock import Clock
from hub.plugin import Accepted, Config, FailureError, Outcome

from ._pool import Pool
from ._session import TOO_LATE, Envelope, HopelessError, Line, Session, StepError
from ._settings import Security, SmtpSettings
from .statuses import Failure, Reply, Step, loss

PATIENCE = 30.0
"""Seconds for everything before the final dot, waiting for a free connection included."""

_QUEUED = re.compile(r"(?i)\b(?:queued as |id=)([A-Z0-9][A-Z0-9._-]{3,63})(?![A-Z0-9._@-])")

T = TypeVar("T")
Work = Callable[[Session, asyncio.Timeout], Awaitable[T]]


class Courier:
    """Hands mails to the server of one connection's settings."""

    def __init__(self, settings: SmtpSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._pool = Pool(self._new, size=settings.max_connections, per_connection=settings.per_connection)
        self._tls: ssl.SSLContext | None = None

    async def hand_over(self, envelope: Envelope, content: bytes) -> Outcome:
        """The outcome of one mail, whatever the server does. `Accepted.provider_id`: its queue id, if told."""

        async def deliver(session: Session, deadline: asyncio.Timeout) -> Accepted:
            reply = await session.deliver(envelope, content, lambda: self._last_wait(deadline))
            return Accepted(queue_id(reply))

        return await self._on_a_session(deliver)

    async def greet(self) -> str:
        """Sign in and ask whether the server is there; one line for people, or `FailureError`."""

        async def check(session: Session, deadline: asyncio.Timeout) -> str:
            await session.check()
            return session.cipher or "an open line"

        found = await self._on_a_session(check)
        if not isinstance(found, str):
            raise FailureError(found)
        host, port = self._settings.address
        return f"{host}:{port} takes mail over {found}, {'signed in' if self._settings.username else 'no sign-in'}"

    async def close(self) -> None:
        """Let go of the idle connections."""
        await self._pool.close()

    async def _on_a_session(self, work: Work[T]) -> T | Failure:
        tried: list[Session] = []
        try:
            async with asyncio.timeout(PATIENCE) as deadline, self._pool.slot():
                await self._load_tls()
                try:
                    return await self._once(work, deadline, tried, fresh=False)
                except StepError as error:
                    if not error.used_up:
                        raise
                return await self._once(work, deadline, tried, fresh=True)
        except StepError as error:
            return error.outcome(self._clock.now())
        except TimeoutError:
            return loss(tried[-1].step if tried else Step.CONNECT, TOO_LATE)

    async def _once(self, work: Work[T], deadline: asyncio.Timeout, tried: list[Session], *, fresh: bool) -> T:
        async with self._pool.session(fresh=fresh) as session:
            tried.append(session)
            return await work(session, deadline)

    def _last_wait(self, deadline: asyncio.Timeout) -> None:
        deadline.reschedule(asyncio.get_running_loop().time() + self._settings.dot_timeout)

    def _new(self) -> Session:
        settings = self._settings
        host, port = settings.address
        secret = settings.oauth_token or settings.password
        return Session(
            Line(
                host=host,
                port=port,
                security=settings.security,
                tls=self._tls,
                hello=settings.sender_address.domain,
                command=settings.timeout,
                username=settings.username,
                secret=secret.get_secret_value() if secret else "",
                oauth=settings.oauth_token is not None,
            )
        )

    async def _load_tls(self) -> None:
        if self._settings.security is Security.NONE or self._tls is not None:
            return
        try:
            self._tls = await asyncio.to_thread(ssl.create_default_context, cafile=self._settings.ca_file)
        except OSError:
            raise HopelessError(Config("ca_file cannot be read")) from None


def queue_id(reply: Reply) -> str:
    """The server's own name for a mail it took (`250 2.0.0 Ok: queued as 4XyZ12`), or empty."""
    found = _QUEUED.search(reply.text[:400])
    return found[1] if found else ""
