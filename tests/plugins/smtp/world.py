"""A shop's mail connection beside a mail server that is really there."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from hub.clock import VirtualClock
from hub.plugin import Outcome, Outgoing
from plugins.channels.smtp import Smtp, SmtpSettings
from plugins.channels.smtp.sandbox import Mail, Mode, SmtpSandbox

START = datetime(2026, 11, 5, 8, 30, tzinfo=UTC)
KEY = "0123456789abcdef" * 2
SECRET = "a-bounce-secret-of-some-length"


@dataclass
class World:
    clock: VirtualClock
    sandbox: SmtpSandbox
    channel: Smtp

    async def send(self, to: str = "anna@example.test", key: str = KEY, **fields: Any) -> Outcome:
        fields.setdefault("text", "Your parcel is on its way.")
        fields.setdefault("subject", "Order 1042")
        return await self.channel.send(Outgoing(key=key, to=to, **fields))

    @property
    def mails(self) -> list[Mail]:
        return list(self.sandbox.ledger)

    @property
    def last(self) -> Mail:
        return self.sandbox.ledger[-1]

    def said(self, word: str) -> list[str]:
        return [each.line for each in self.sandbox.commands if each.line.upper().startswith(word)]


def settings(**fields: Any) -> SmtpSettings:
    given = {"host": "127.0.0.1", "security": "none", "from": "Kavovar <shop@kavovar.example>"}
    return SmtpSettings.model_validate({**given, **fields})


@contextlib.asynccontextmanager
async def world(sandbox: SmtpSandbox | None = None, **fields: Any) -> AsyncIterator[World]:
    """The sandbox serving, and a channel whose settings fit it. `fields`: further settings."""
    clock = VirtualClock(START)
    sandbox = sandbox or SmtpSandbox(clock=clock)
    async with sandbox.serve(), httpx.AsyncClient() as client:
        if sandbox.mode is not Mode.NONE:
            fields.setdefault("ca_file", str(sandbox.ca_file))
        found = settings(**{"port": sandbox.port, "security": sandbox.mode.value, **fields})
        channel = Smtp(found, client, clock, connection="mail")
        try:
            yield World(clock, sandbox, channel)
        finally:
            await channel.aclose()
