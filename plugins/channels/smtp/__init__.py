"""Mail over SMTP submission: one recipient per transaction, connections used again, bounces recognised by token."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar

import httpx

from hub.clock import Clock, pause
from hub.model import ChannelRecord
from hub.plugin import (
    AddressKind,
    Channel,
    Form,
    Limits,
    Outcome,
    Outgoing,
    Page,
    Permanent,
    Raw,
    Received,
    RefusedError,
    Suppress,
    Transient,
    WebhookRequest,
    hookimpl,
    same_secret,
)

from ._address import BadAddressError, MailAddress, read_address
from ._bounces import Tokens, raw_mail, read_mail
from ._handover import PATIENCE, Courier
from ._mailbox import read_mailbox_page
from ._mime import BadLinkError, Composer, Sender
from ._pool import Pace
from ._session import Envelope
from ._settings import Mailbox, Security, SmtpSettings

__all__ = ["Mailbox", "Security", "Smtp", "SmtpSettings"]

PACE_PATIENCE = 5.0
"""Seconds that a mail may wait in here for its turn under `rate`; beyond that the hub is told when to come again."""


class Smtp(Channel[SmtpSettings]):
    """A mail account that mails are handed to."""

    name = "smtp"
    label = "E-mail (SMTP)"
    settings_type = SmtpSettings
    limits = Limits(concurrency=4, timeout=timedelta(seconds=PATIENCE + PACE_PATIENCE))
    """The time of everything before the final dot; the server may then take `dot_timeout` (at most 60 s) more."""
    signed = False
    form = Form.MAIL
    address_kind = AddressKind.EMAIL
    rings = False
    poll_every: ClassVar[timedelta | None] = timedelta(minutes=2)

    def __init__(
        self, settings: SmtpSettings, client: httpx.AsyncClient, clock: Clock, *, connection: str = ""
    ) -> None:
        super().__init__(settings, client, clock, connection=connection)
        secret = settings.bounce_secret
        self._tokens = Tokens(secret.get_secret_value()) if secret else None
        self._composer = Composer(Sender(settings.sender, settings.reply_to, settings.list_id))
        self._courier = Courier(settings, clock)
        self._pace = Pace(settings.rate)

    async def send(self, message: Outgoing) -> Outcome:
        """Hand one mail over. An address that cannot be one is refused without a connection."""
        try:
            to = read_address(message.to)
            content = self._composer.compose(message, to, self.clock.now())
        except BadAddressError as error:
            return Suppress(f"not a mail address: {error}")
        except BadLinkError as error:
            return Permanent(str(error))
        taken, wait = self._pace.wait(PACE_PATIENCE)
        if not taken:
            again = self.clock.now() + timedelta(seconds=wait)
            return Transient("the rate of this connection is used up", again, unsent=True)
        if wait:
            await pause(wait)
        return await self._courier.hand_over(self._envelope(message.key, to), content)

    def _envelope(self, key: str, to: MailAddress) -> Envelope:
        token = self._tokens.make(key) if self._tokens else ""
        domain = self.settings.bounce_domain
        sender = f"b+{token}@{domain}" if token and domain else str(self.settings.sender_address)
        return Envelope(sender, to, token)

    def verify(self, request: WebhookRequest) -> Received:
        """A bounce posted by our mail server, as it came, to a path that nobody else knows."""
        secret = self.settings.webhook_secret
        if secret is None or not same_secret(request.rest.strip("/"), secret.get_secret_value()):
            raise RefusedError("not our address")
        if request.method != "POST" or not request.body.strip():
            raise RefusedError("not a mail")
        return Received([raw_mail(request.body, self._tokens, self.clock.now())])

    def asks_every(self, url: str | None) -> timedelta | None:
        """Only where there is a bounce mailbox."""
        return self.poll_every if self.settings.bounces else None

    async def poll(self, cursor: Any) -> Page:
        """The next mails of the bounce mailbox; nothing where there is none."""
        mailbox = self.settings.bounces
        if mailbox is None:
            return Page((), cursor)
        now = self.clock.now()
        found = await read_mailbox_page(mailbox, cursor, now)
        return Page([raw_mail(mail, self._tokens, now) for mail in found.mails], found.cursor, found.more)

    def normalise(self, raw: Raw) -> Sequence[ChannelRecord]:
        """A receipt of a bounced mail, a complaint, or nothing."""
        return read_mail(raw, self._tokens)

    async def hello(self) -> str:
        """Sign in at the mail server, and look into the bounce mailbox."""
        line = await self._courier.greet()
        if self.settings.bounces is None:
            return line
        await read_mailbox_page(self.settings.bounces, None, self.clock.now())
        return f"{line}; the bounce mailbox is open"

    async def aclose(self) -> None:
        """Say goodbye on the connections that are still open."""
        await self._courier.close()


@hookimpl
def adapters() -> Sequence[type[Channel[Any]]]:
    """The channel that this plugin brings."""
    return [Smtp]
