"""SMSAPI (Poland): SMS under a registered name. The error code in the body decides, whatever HTTP says.

A repeat of an `idx` is refused for a day (53), which counts as sent. Receipts are called in, unsigned: an unguessable
path proves them, and the answer must be the word OK.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

import httpx
from pydantic import ConfigDict, Field, SecretStr, field_validator

from hub.clock import Clock
from hub.model import ChannelRecord
from hub.plugin import (
    AddressKind,
    Answer,
    Channel,
    Config,
    FailureError,
    Form,
    Limits,
    Outcome,
    Outgoing,
    Permanent,
    Raw,
    Received,
    RefusedError,
    Settings,
    Suppress,
    Transient,
    UnreadableError,
    WebhookRequest,
    e164,
    expecting,
    hookimpl,
    read_json,
    same_secret,
    sms_text,
)

from .reading import error_of, events, outcome, read
from .statuses import NOT_SMSAPI, STRANGER, verdict

SENDER = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 !\"#%&'()*+,./:;<=>?_-]{1,11}|[0-9]{3,15}")
"""At most eleven characters of GSM-7, one of them a letter; or a number of one's own, which can be answered."""
REFUSALS = tuple(each for each in range(400, 500) if each != 429)
"""The statuses that are read here; the hub's client hears how long a 429 asks to wait."""
TAKEN = Answer(body="OK")
"""Anything else, and SMSAPI comes again."""
MOST_FIELDS = 100


class SmsapiSettings(Settings):
    """Settings of one account. Nothing of a wrong value is repeated in an error: it may be a token."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    token: SecretStr = Field(description="The OAuth token from SMSAPI's panel.")
    sender: str = Field(
        description="The name that customers see, as registered with SMSAPI, at most 11 characters; "
        "or a two-way number of your own, in digits."
    )
    callback_secret: SecretStr | None = Field(
        None,
        description="The unguessable end of the address that receipts and answers come to, "
        "16 to 128 of A-Z a-z 0-9 _ -. Made from the token when it is left out.",
    )
    diacritics: Literal["keep", "strip", "refuse"] = Field(
        "keep",
        description="What SMSAPI does with letters that make a message dearer: send them, send plain letters instead, "
        "or refuse the message.",
    )
    max_parts: int = Field(6, ge=1, le=10, description="The most parts that a message may be sent in.")
    test: bool = Field(False, description="Let SMSAPI check messages without sending or charging them.")
    country: str = Field("PL", description="The country of numbers that are written without its code, such as PL.")
    url: str = Field(
        "https://api.smsapi.pl",
        description="Another address: https://api.smsapi.com for an international account, or a sandbox.",
    )

    @field_validator("token")
    @classmethod
    def _token_shape(cls, value: SecretStr) -> SecretStr:
        if not re.fullmatch(r"[!-~]{8,256}", value.get_secret_value()):
            raise ValueError("a token is 8 to 256 characters without blanks")
        return value

    @field_validator("callback_secret")
    @classmethod
    def _secret_shape(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.fullmatch(r"[A-Za-z0-9_-]{16,128}", value.get_secret_value()):
            raise ValueError("a callback secret is 16 to 128 of A-Z a-z 0-9 _ -")
        return value

    @field_validator("sender")
    @classmethod
    def _sender_shape(cls, value: str) -> str:
        if not SENDER.fullmatch(value):
            raise ValueError("a sender is 1 to 11 characters of ASCII with a letter among them, or digits")
        return value

    @field_validator("country")
    @classmethod
    def _country_shape(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Z]{2}", value):
            raise ValueError("a country such as PL")
        return value

    @field_validator("url")
    @classmethod
    def _url_shape(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("https", "http") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("an address like https://api.smsapi.pl, without query or fragment")
        return value.rstrip("/")

    def secret(self) -> str:
        """The end of the address for callbacks: as set, or made from the token so that nobody need think of one."""
        if self.callback_secret is not None:
            return self.callback_secret.get_secret_value()
        return hmac.new(self.token.get_secret_value().encode(), b"orderhub callback", hashlib.sha256).hexdigest()


class Smsapi(Channel[SmsapiSettings]):
    """An account at SMSAPI."""

    name = "smsapi"
    label = "SMSAPI"
    settings_type = SmsapiSettings
    limits = Limits(concurrency=8, per_second=20, burst=10, timeout=timedelta(seconds=20))
    signed = False
    form = Form.SMS
    address_kind = AddressKind.PHONE
    rings = True
    receipts = True
    honours_keys = True
    receipt_wait = timedelta(minutes=30)
    max_length = 918

    def __init__(
        self, settings: SmsapiSettings, client: httpx.AsyncClient, clock: Clock, *, connection: str = ""
    ) -> None:
        super().__init__(settings, client, clock, connection=connection)
        self._callback = ""

    async def send(self, message: Outgoing) -> Outcome:
        """One `sms.do` to one number, under the message's key."""
        number, text = e164(message.to, self.settings.country), sms_text(message.text)
        if number is None:
            return Suppress("this is no telephone number")
        if not text:
            return Permanent("the text is empty")
        wish = {
            "format": "json",
            "from": self.settings.sender,
            "to": number.removeprefix("+"),
            "message": text,
            "idx": message.key,
            "check_idx": "1",
            "details": "1",
            "max_parts": str(self.settings.max_parts),
            **self._choices(),
        }
        status, body = await self._call("POST", "sms.do", data=wish)
        return outcome(status, body, self.clock.now())

    def _choices(self) -> Mapping[str, str]:
        """What the settings and the hub's address add to each message."""
        diacritics = {"keep": {}, "strip": {"normalize": "1"}, "refuse": {"nounicode": "1"}}[self.settings.diacritics]
        test = {"test": "1"} if self.settings.test else {}
        receipts = {"notify_url": self._callback} if self._callback else {}
        return {**diacritics, **test, **receipts}

    def gives_receipts(self, url: str | None) -> bool:
        """They are called in, so none comes where the hub has no address; nor for what is only checked."""
        return url is not None and not self.settings.test

    def asks_every(self, url: str | None) -> timedelta | None:
        """There is nothing to ask for. The hub says here, before anything is sent, where callbacks would come to."""
        self._callback = f"{url}/{self.settings.secret()}" if url else ""
        return None

    async def register(self, url: str | None) -> Sequence[str]:
        """Receipts are asked for with each message; only without an address there is something to say."""
        self.asks_every(url)
        return () if url else ("smsapi: no receipts come in, the hub has no address (hub.public_url)",)

    def verify(self, request: WebhookRequest) -> Received:
        """Believe what comes to our unguessable path, as query or as form, and say OK."""
        if not same_secret(request.rest, self.settings.secret()):
            raise RefusedError("not the path for callbacks")
        match request.method.upper():
            case "GET":
                fields = request.query
            case "POST":
                fields = _form(request.body)
            case _:
                raise RefusedError("a callback is a GET or a POST")
        return Received(events(fields, self.clock.now()), TAKEN)

    def normalise(self, raw: Raw) -> Sequence[ChannelRecord]:
        """The receipt, or the channel that a customer's word closed or opened."""
        return read(raw, self.settings.country)

    async def hello(self) -> str:
        """Ask how many points are left."""
        wish = {"format": "json", "credits": "1", "details": "1"}
        status, body = await self._call("GET", "user.do", params=wish)
        code = error_of(body)
        if code is not None or status >= 400:
            found = STRANGER.get(status, NOT_SMSAPI) if code is None else verdict(code, self.clock.now())
            if not isinstance(found, Transient | Permanent | Suppress | Config):
                found = Permanent("SMSAPI refused the call")
            raise FailureError(found, status=status)
        match body:
            case {"points": int(points) | float(points)}:
                return f"SMSAPI answers, {points:.2f} points are left"
        raise FailureError(NOT_SMSAPI, status=status)

    async def _call(self, method: str, path: str, **rest: Any) -> tuple[int, Any]:
        """(status, body) of one call; the body is None where it cannot be read."""
        headers = {"Authorization": f"Bearer {self.settings.token.get_secret_value()}"}
        address = f"{self.settings.url}/{path}"
        answer = await self.client.request(method, address, headers=headers, extensions=expecting(*REFUSALS), **rest)
        try:
            return answer.status_code, read_json(answer.content)
        except UnreadableError:
            return answer.status_code, None


def _form(body: bytes) -> Mapping[str, str]:
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise UnreadableError("smsapi: this is no form") from None
    return dict(pairs)


@hookimpl
def adapters() -> Sequence[type[Channel[Any]]]:
    """The SMSAPI channel."""
    return [Smsapi]
