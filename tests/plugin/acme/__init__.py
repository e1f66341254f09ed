"""Acme Express: tracking of up to 25 parcels per request, and signed webhooks."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from pydantic import Field, SecretStr

from hub.model import Checkpoint
from hub.plugin import (
    Carrier,
    Limits,
    Raw,
    Received,
    RefusedError,
    Settings,
    TrackRequest,
    UnreadableError,
    WebhookRequest,
    digest,
    hookimpl,
    read_json,
    verify_hmac,
)
from hub.status import Native

from .statuses import STATUSES, VOCABULARY


class AcmeSettings(Settings):
    api_key: SecretStr = Field(description="Key from the Acme developer portal.")
    webhook_secret: SecretStr = Field(description="The secret that signs Acme's webhooks.")
    url: str = Field(default="https://api.acme.example/v2", description="Another address, for a sandbox.")


class Acme(Carrier[AcmeSettings]):
    name = "acme"
    label = "Acme Express"
    settings_type = AcmeSettings
    statuses = STATUSES
    limits = Limits(concurrency=2, per_second=5, burst=5)
    batch = 25

    def recognises(self, number: str) -> bool:
        return len(number) == 10 and number.startswith("AC") and number[2:].isdecimal()

    def tracking_url(self, number: str) -> str:
        return f"https://acme.example/track/{quote(number, safe='')}"

    async def hello(self) -> str:
        match await self._call("GET", "/account"):
            case {"name": str(name)}:
                return f"Acme Express answers to {name}"
        raise UnreadableError("acme: this is no account")

    async def track(self, parcels: Sequence[TrackRequest]) -> Sequence[Raw]:
        numbers = [each.number for each in parcels]
        batches = [numbers[start : start + self.batch] for start in range(0, len(numbers), self.batch)]
        return [raw for some in batches for raw in await self._ask(some)]

    async def _ask(self, numbers: Sequence[str]) -> Sequence[Raw]:
        match await self._call("GET", "/parcels", params={"number": numbers}):
            case {"parcels": list(found)}:
                return [raw for raw in map(_raw, found) if raw.subject.removeprefix("parcel:") in numbers]
        raise UnreadableError("acme: this is no list of parcels")

    async def register(self, url: str | None) -> Sequence[str]:
        if url is None or await self._call("GET", "/hook") == {"url": url}:
            return []
        await self._call("PUT", "/hook", json={"url": url})
        return ["Acme now sends its webhooks here"]

    def verify(self, request: WebhookRequest) -> Received:
        if request.method != "POST":
            raise RefusedError("not a POST")
        secret = self.settings.webhook_secret.get_secret_value()
        verify_hmac(request, secret=secret, header="X-Acme-Signature")
        return Received([_raw(read_json(request.body))])

    def normalise(self, raw: Raw) -> Sequence[Checkpoint]:
        match raw.body:
            case {"number": str(number), "scans": list(scans)}:
                return [_checkpoint(number, scan) for scan in scans]
        raise UnreadableError("acme: this is no parcel")

    async def _call(self, method: str, path: str, **rest: Any) -> Any:
        headers = {"X-Api-Key": self.settings.api_key.get_secret_value()}
        return (await self.client.request(method, self.settings.url + path, headers=headers, **rest)).json()


def _raw(parcel: Any) -> Raw:
    match parcel:
        case {"number": str(number)}:
            return Raw(parcel, subject=f"parcel:{number}", dedupe_key=digest(parcel))
    raise UnreadableError("acme: this is no parcel")


def _checkpoint(number: str, scan: Any) -> Checkpoint:
    match scan:
        case {"code": str(code), "at": str(at), "text": str(text), "place": str(place)}:
            return Checkpoint(number, Native(VOCABULARY, code), _time(at), text=text, place=place)
    raise UnreadableError("acme: this is no scan")


def _time(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UnreadableError("acme: this is no time") from None
    if found.tzinfo is None:
        raise UnreadableError("acme: a time without a zone")
    return found


@hookimpl
def adapters() -> Sequence[type[Carrier[Any]]]:
    return [Acme]
