"""TurboSMS (Ukraine): SMS under a registered name. HTTP always says 200; what became of a message stands in the body.

A repeat under the same `sequence_id` is answered from memory (507). Receipts are called in, signed with SHA-1 over a
secret and the event's id, or asked for.
"""

import hashlib
import logging
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar
from urllib.parse import urlsplit

import httpx
from pydantic import ConfigDict, Field, SecretStr, field_validator

from hub.clock import Clock
from hub.model import ChannelRecord
from hub.plugin import (
    Accepted,
    AddressKind,
    Channel,
    Config,
    Duplicate,
    FailureError,
    Form,
    Limits,
    Outcome,
    Outgoing,
    Page,
    Permanent,
    Raw,
    Received,
    RefusedError,
    Settings,
    Suppress,
    Transient,
    Unknown,
    UnreadableError,
    WebhookRequest,
    e164,
    expecting,
    hookimpl,
    read_json,
    same_secret,
    sms_text,
)

from .reading import Answered, callback, outcome, polled, read_answer, receipts, refusal, statuses, word_of
from .statuses import SUCCESS, state_of

log = logging.getLogger(__name__)

SENDER = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 !\"#%&'()*+,./:;<=>?_-]{1,11}")
"""At most eleven characters of GSM-7, one of them a letter (3GPP TS 23.040 leaves room for eleven)."""
BATCH = 100
"""Messages asked about at once; how many TurboSMS takes is not published."""
FOLLOWED = timedelta(hours=48)
"""How long a message is asked about; later no receipt changes what the hub does."""
SAFETY_NET = timedelta(minutes=10)
"""How often to ask where callbacks come in."""


class TurboSmsSettings(Settings):
    """Settings of one account. Nothing of a wrong value is repeated in an error: it may be a token."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    token: SecretStr = Field(description="The token from TurboSMS's panel, where the HTTP API is switched on.")
    sender: str = Field(description="The name that customers see, as registered with TurboSMS; at most 11 characters.")
    callback_secret: SecretStr | None = Field(
        None,
        description="The secret key that stands beside the callback address in TurboSMS's panel. "
        "Without it no callback is believed, and receipts are asked for.",
    )
    country: str = Field("UA", description="The country of numbers that are written without its code, such as UA.")
    url: str = Field("https://api.turbosms.ua", description="Another address, for a sandbox.")

    @field_validator("token", "callback_secret")
    @classmethod
    def _secret_shape(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.fullmatch(r"[!-~]{8,256}", value.get_secret_value()):
            raise ValueError("a secret is 8 to 256 characters without blanks")
        return value

    @field_validator("sender")
    @classmethod
    def _sender_shape(cls, value: str) -> str:
        if not SENDER.fullmatch(value):
            raise ValueError("a sender's name is 1 to 11 characters of ASCII, one of them a letter")
        return value

    @field_validator("country")
    @classmethod
    def _country_shape(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Z]{2}", value):
            raise ValueError("a country such as UA")
        return value

    @field_validator("url")
    @classmethod
    def _url_shape(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("https", "http") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("an address like https://api.turbosms.ua, without query or fragment")
        return value.rstrip("/")


Waiting = dict[str, tuple[str, str]]
"""Id of a message → when it was sent (ISO 8601), and the last word about it."""


class TurboSms(Channel[TurboSmsSettings]):
    """An account at TurboSMS."""

    name = "turbosms"
    label = "TurboSMS"
    settings_type = TurboSmsSettings
    limits = Limits(concurrency=8, per_second=10, burst=5, timeout=timedelta(seconds=20))
    form = Form.SMS
    address_kind = AddressKind.PHONE
    rings = True
    receipts = True
    honours_keys = True
    receipt_wait = timedelta(minutes=30)
    poll_every: ClassVar[timedelta | None] = timedelta(minutes=1)

    def __init__(
        self, settings: TurboSmsSettings, client: httpx.AsyncClient, clock: Clock, *, connection: str = ""
    ) -> None:
        super().__init__(settings, client, clock, connection=connection)
        self._sent: Waiting = {}

    async def send(self, message: Outgoing) -> Outcome:
        """One `message/send` to one number, under the message's key."""
        number, text = e164(message.to, self.settings.country), sms_text(message.text)
        if number is None:
            return Suppress("this is no telephone number")
        if not text:
            return Permanent("the text is empty")
        digits = number.removeprefix("+")
        wish = {
            "recipients": [digits],
            "sms": {"sender": self.settings.sender, "text": text},
            "sequence_id": message.key,
        }
        answered = await self._call("message/send", wish)
        found = outcome(answered, digits) if answered else Unknown("TurboSMS's answer could not be read")
        if isinstance(found, Accepted | Duplicate) and found.provider_id:
            self._sent[found.provider_id] = (self.clock.now().isoformat(), "")
        return found

    def verify(self, request: WebhookRequest) -> Received:
        """Believe a callback whose body names the SHA-1 of our secret and its own id."""
        if request.method.upper() != "POST":
            raise RefusedError("a callback is a POST")
        try:
            event = read_json(request.body)
        except UnreadableError as error:
            raise RefusedError(str(error)) from None
        if not isinstance(event, dict):
            raise RefusedError("a callback is an object")
        self._believe(event)
        return Received([callback(event, self.clock.now())])

    def _believe(self, event: Mapping[str, Any]) -> None:
        """The page does not say which comes first, the secret or the id: either will do, and the log says which."""
        secret = self.settings.callback_secret
        event_id, signature = event.get("id"), event.get("signature")
        if secret is None:
            raise RefusedError("no callback_secret is set")
        if not isinstance(event_id, str) or not event_id or not isinstance(signature, str):
            raise RefusedError("no signature")
        said, key = signature.casefold(), secret.get_secret_value()
        orders = {"secret, id": key + event_id, "id, secret": event_id + key}
        good = [
            order
            for order, text in orders.items()
            if same_secret(said, hashlib.sha1(text.encode(errors="surrogatepass")).hexdigest())
        ]
        if not good:
            raise RefusedError("wrong signature")
        log.debug("turbosms: a callback is signed over (%s)", good[0])

    def normalise(self, raw: Raw) -> Sequence[ChannelRecord]:
        """The receipt in a callback or in an answer to asking."""
        return receipts(raw)

    def asks_every(self, url: str | None) -> timedelta | None:
        """Seldom where callbacks come in: what they lose is dropped for good."""
        return SAFETY_NET if url is not None and self.settings.callback_secret is not None else self.poll_every

    async def poll(self, cursor: Any) -> Page:
        """The statuses of messages that are under way: those of the cursor, and those sent since it was stored.

        A message stays in the cursor until its end has been stored with it once.
        """
        known: Waiting = dict(cursor) if isinstance(cursor, dict) else {}
        for message_id in known:
            self._sent.pop(message_id, None)  # the cursor is on disk, so it need not be remembered here
        oldest = (self.clock.now() - FOLLOWED).isoformat()
        waiting = {
            message_id: (sent_at, word)
            for message_id, (sent_at, word) in {**known, **self._sent}.items()
            if state_of(word) is None and sent_at > oldest
        }
        events: list[Raw] = []
        for some in _batches(list(waiting)):
            for status in await self._statuses(some):
                message_id, word = status["message_id"], word_of(status)
                sent_at, before = waiting[message_id]
                if word and word != before:
                    events.append(polled(status, self.clock.now()))
                    waiting[message_id] = (sent_at, word)
        return Page(events, {message_id: list(each) for message_id, each in waiting.items()})

    async def _statuses(self, some: Sequence[str]) -> Sequence[dict[str, Any]]:
        return statuses(await self._result("message/status", {"messages": list(some)}), some)

    async def hello(self) -> str:
        """Ask for the balance."""
        match await self._result("user/balance", {}):
            case {"balance": int(left) | float(left)}:
                return f"TurboSMS answers, the balance is {left:.2f}"
        raise FailureError(Config("TurboSMS did not say what the balance is"))

    async def _result(self, method: str, wish: Mapping[str, Any]) -> Any:
        """What a call that only reads gave, or `FailureError`."""
        answered = await self._call(method, wish, safe=True)
        if answered is None:
            raise FailureError(Config("what answers at this address is not TurboSMS"))
        if answered.code in SUCCESS:
            return answered.result
        found = refusal(answered)
        if not isinstance(found, Transient | Permanent | Suppress | Config | Unknown):
            found = Permanent("TurboSMS refused the call")
        raise FailureError(found)

    async def _call(self, method: str, wish: Mapping[str, Any], *, safe: bool = False) -> Answered | None:
        """One call; None where the answer is not TurboSMS's."""
        headers = {"Authorization": f"Bearer {self.settings.token.get_secret_value()}"}
        address = f"{self.settings.url}/{method}.json"
        answer = await self.client.post(address, json=wish, headers=headers, extensions=expecting(safe=safe))
        return read_answer(answer.json())


def _batches(ids: Sequence[str]) -> Sequence[Sequence[str]]:
    return [ids[start : start + BATCH] for start in range(0, len(ids), BATCH)]


@hookimpl
def adapters() -> Sequence[type[Channel[Any]]]:
    """The TurboSMS channel."""
    return [TurboSms]
