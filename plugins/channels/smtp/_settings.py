"""What a merchant says about a mail account. Secrets are `SecretStr`; nothing goes over an open line by accident."""

from enum import StrEnum
from pathlib import Path
from typing import Self

from pydantic import ConfigDict, Field, SecretStr, field_validator, model_validator

from hub.plugin import Settings

from ._address import BadAddressError, MailAddress, is_loopback, read_address, read_mailbox


class Security(StrEnum):
    """How the line is kept private (RFC 8314: `tls` from the first byte is preferred)."""

    TLS = "tls"
    STARTTLS = "starttls"
    NONE = "none"


SMTP_PORTS = {Security.TLS: 465, Security.STARTTLS: 587, Security.NONE: 25}
IMAP_PORTS = {Security.TLS: 993, Security.STARTTLS: 143, Security.NONE: 143}


class _Line(Settings):
    """What both ends of mail, sending and the bounce mailbox, say about their server."""

    host: str = Field(
        max_length=255, pattern=r"^([\w-]+(\.[\w-]+)*|[0-9A-Fa-f:.]+)$",
        description="The mail server's name, such as `smtp.shop.example`.",
    )  # fmt: skip
    port: int | None = Field(None, ge=1, le=65535, description="Its port; by default the usual one for `security`.")
    security: Security = Field(Security.TLS, description="`tls`, `starttls`, or `none` (only to this machine).")
    insecure: bool = Field(False, description="Allow `security: none` to another machine. Anybody on the way can read.")
    ca_file: Path | None = Field(
        None, description="PEM file of the certificate authority to trust instead of the system's."
    )

    @model_validator(mode="after")
    def _private(self) -> Self:
        if self.security is Security.NONE and not self.insecure and not is_loopback(self.host):
            raise ValueError("security: none would send customers' mail in the clear; use tls or starttls")
        return self


class Mailbox(_Line):
    """The mailbox that bounces arrive in, read by IMAP. It is opened read-only: nothing is deleted or marked."""

    username: str = Field(min_length=1, max_length=255, description="Who signs in.")
    password: SecretStr = Field(description="The mailbox's password.")
    folder: str = Field(
        "INBOX", min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]+$", description="Its folder."
    )

    @property
    def address(self) -> tuple[str, int]:
        return self.host, self.port or IMAP_PORTS[self.security]


class SmtpSettings(_Line):
    """Settings of a `channel: smtp` connection."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    sender: str = Field(alias="from", max_length=400, description='Who mails come from: `"Shop <shop@shop.example>"`.')
    reply_to: str = Field("", max_length=400, description="Where answers go, when not to `from`.")
    username: str = Field(
        "", max_length=255, pattern=r"^[^\x00-\x1f\x7f]*$", description="Who signs in; empty: nobody does."
    )
    password: SecretStr | None = Field(None, description="The account's (or application's) password.")
    oauth_token: SecretStr | None = Field(None, description="An OAuth access token (XOAUTH2) instead of a password.")
    max_connections: int = Field(4, ge=1, le=32, description="How many connections at once.")
    per_connection: int = Field(
        50, ge=1, le=10000, description="How many mails one connection carries before it is closed."
    )
    rate: int | None = Field(None, ge=1, description="How many mails per minute at most.")
    timeout: float = Field(10, gt=0, le=60, description="Seconds that the server has for one command.")
    dot_timeout: float = Field(
        60, gt=0, le=60, description="Seconds that it has to take a mail on after its last byte."
    )
    list_id: str = Field(
        "", max_length=200, description="List-Id of mails that can be unsubscribed from: `news.shop.example`."
    )
    bounce_domain: str = Field(
        "", max_length=200, description="Domain of the envelope addresses `b+token@…` of this hub."
    )
    bounce_secret: SecretStr | None = Field(None, description="Signs those tokens, so that nobody can forge a bounce.")
    webhook_secret: SecretStr | None = Field(
        None, description="Last part of the address that a mail server posts bounces to."
    )
    bounces: Mailbox | None = Field(None, description="The mailbox that bounces arrive in.")

    @field_validator("sender", "reply_to")
    @classmethod
    def _mailbox(cls, value: str) -> str:
        if value:
            _, address = read_mailbox(value)
            if not address.ascii:
                raise BadAddressError("the shop's own address needs plain letters before the @")
        return value

    @field_validator("list_id", "bounce_domain")
    @classmethod
    def _domain(cls, value: str) -> str:
        return read_address(f"b@{value}").domain if value else value

    @field_validator("bounce_secret", "webhook_secret")
    @classmethod
    def _unguessable(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value().strip()) < 16:
            raise ValueError("needs at least 16 characters that nobody can guess")
        return value

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.password is not None and self.oauth_token is not None:
            raise ValueError("either a password or an oauth_token")
        if bool(self.username) != (self.password is not None or self.oauth_token is not None):
            raise ValueError("username comes with a password or an oauth_token")
        if self.username and self.security is Security.NONE:
            raise ValueError("credentials are only sent inside TLS: use security tls or starttls")
        if (self.bounce_domain or self.bounces or self.webhook_secret) and self.bounce_secret is None:
            raise ValueError("bounces need a bounce_secret")
        return self

    @property
    def address(self) -> tuple[str, int]:
        return self.host, self.port or SMTP_PORTS[self.security]

    @property
    def sender_address(self) -> MailAddress:
        return read_mailbox(self.sender)[1]
