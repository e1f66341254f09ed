"""What flows.yaml says of a Telegram connection."""

import hashlib
import hmac
import re
from typing import Literal
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, SecretStr, field_validator

from hub.plugin import Settings


class TelegramSettings(Settings):
    """Settings of one bot. Nothing of a wrong value is repeated in an error: it may be a token."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    token: SecretStr = Field(description="The bot's token from @BotFather, as 123456789:AAE….")
    bot: str = Field("", description="The bot's username, without @. Asked from Telegram when it is left out.")
    webhook_secret: SecretStr | None = Field(
        None,
        description="Secret that Telegram sends with each webhook, 1 to 256 of A-Z a-z 0-9 _ -. "
        "Made from the token when it is left out.",
    )
    updates: Literal["auto", "webhook", "polling"] = Field(
        "auto", description="How replies come in: by webhook, by polling, or whichever the hub's address allows."
    )
    url: str = Field("https://api.telegram.org", description="Another address: your own Bot API server, or a sandbox.")

    @field_validator("token")
    @classmethod
    def _token_shape(cls, value: SecretStr) -> SecretStr:
        if not re.fullmatch(r"[0-9]{1,19}:[A-Za-z0-9_-]{20,100}", value.get_secret_value()):
            raise ValueError("a bot's token looks like 123456789:AAE…, digits, a colon, and some 35 letters")
        return value

    @field_validator("bot")
    @classmethod
    def _username_shape(cls, value: str) -> str:
        if value and not re.fullmatch(r"@?[A-Za-z][A-Za-z0-9_]{3,31}", value):
            raise ValueError("a bot's username is 4 to 32 letters, digits and underscores")
        return value.removeprefix("@")

    @field_validator("webhook_secret")
    @classmethod
    def _secret_shape(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", value.get_secret_value()):
            raise ValueError("a webhook secret is 1 to 256 of A-Z a-z 0-9 _ -")
        return value

    @field_validator("url")
    @classmethod
    def _url_shape(cls, value: str) -> str:
        parts = urlsplit(value)
        extras = parts.query or parts.fragment or parts.username
        if parts.scheme not in ("https", "http") or not parts.hostname or extras:
            raise ValueError("an address like https://api.telegram.org, without user, query or fragment")
        return value.rstrip("/")

    @property
    def bot_id(self) -> str:
        """The public half of the token."""
        return self.token.get_secret_value().partition(":")[0]

    def secret(self) -> str:
        """The webhook secret: as set, or made from the token so that nobody need think of one."""
        if self.webhook_secret is not None:
            return self.webhook_secret.get_secret_value()
        return hmac.new(self.token.get_secret_value().encode(), b"orderhub webhook secret", hashlib.sha256).hexdigest()
