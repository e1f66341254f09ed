"""A small carrier for the kit to look at: a batch of three, signed webhooks, and nothing wrong with it."""

import hashlib
import hmac
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

from pydantic import Field, SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from hub.clock import Clock
from hub.model import Checkpoint
from hub.plugin import (
    Carrier,
    FailureError,
    Raw,
    Received,
    RefusedError,
    Settings,
    TrackRequest,
    Transient,
    UnreadableError,
    WebhookRequest,
    digest,
    hookimpl,
    read_json,
    verify_hmac,
)
from hub.plugin.sandbox import serve
from hub.status import Meaning, Native, Shipment
from hub.testing import CarrierConformance, WebhookConformance

SECRET = "webhook-secret-of-acme"
GOOD = {"api_key": "api-key-of-acme", "webhook_secret": SECRET}
SAMPLES = Path(__file__).parent / "samples"


class AcmeSettings(Settings):
    api_key: SecretStr = Field(description="Key from the portal.")
    webhook_secret: SecretStr = Field(description="Signs the webhooks.")
    url: str = Field(default="https://acme.example/v2", description="Another address, for a sandbox.")


class Acme(Carrier[AcmeSettings]):
    name = "acme"
    label = "Acme Express"
    settings_type = AcmeSettings
    statuses: ClassVar[Any] = {
        "acme": {"COL": Meaning(Shipment.SHIPPED, "Collected"), "DLV": Meaning(Shipment.DELIVERED, "Done")}
    }
    batch = 3

    def recognises(self, number: str) -> bool:
        return len(number) == 10 and number.startswith("AC") and number[2:].isascii() and number[2:].isdigit()

    def tracking_url(self, number: str) -> str:
        return f"https://acme.example/t/{quote(number, safe='')}"

    async def track(self, parcels: Sequence[TrackRequest]) -> Sequence[Raw]:
        wanted = [each.number for each in parcels]
        batches = [wanted[start : start + self.batch] for start in range(0, len(wanted), self.batch)]
        return [raw for batch in batches for raw in await self._ask(batch)]

    async def _ask(self, numbers: Sequence[str]) -> Sequence[Raw]:
        found = (await self._get({"number": list(numbers)})).get("parcels")
        if not isinstance(found, list):
            raise FailureError(Transient("acme: no list of parcels"))
        known = [each for each in found if isinstance(each, dict) and each.get("number") in numbers]
        return [_raw(each) for each in known]

    async def _get(self, params: Mapping[str, Any]) -> dict[str, Any]:
        headers = {"x-api-key": self.settings.api_key.get_secret_value()}
        answer = (await self.client.get(f"{self.settings.url}/parcels", params=params, headers=headers)).json()
        if not isinstance(answer, dict):
            raise FailureError(Transient("acme: not an object"))
        return answer

    def verify(self, request: WebhookRequest) -> Received:
        if request.method != "POST":
            raise RefusedError("not a POST")
        verify_hmac(request, secret=self.settings.webhook_secret.get_secret_value(), header="x-acme-signature")
        body = read_json(request.body)
        if not isinstance(body, dict) or not isinstance(body.get("number"), str) or not body["number"]:
            raise RefusedError("about no parcel")
        return Received([_raw(body)])

    def normalise(self, raw: Raw) -> Sequence[Checkpoint]:
        try:
            return [_checkpoint(raw.body["number"], scan) for scan in raw.body["scans"]]
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise UnreadableError(f"acme: {type(error).__name__}") from error

    async def hello(self) -> str:
        await self._get({})
        return "Acme answers"


def _raw(parcel: dict[str, Any]) -> Raw:
    return Raw(parcel, subject=f"parcel:{parcel['number']}", dedupe_key=digest(parcel.get("scans"), parcel["number"]))


def _checkpoint(number: str, scan: dict[str, Any]) -> Checkpoint:
    return Checkpoint(number=number, native=Native("acme", scan["code"]), at=datetime.fromisoformat(scan["at"]))


@hookimpl
def adapters() -> Sequence[type[Carrier[Any]]]:
    return [Acme]


class AcmeSandbox:
    def __init__(self, clock: Clock) -> None:
        self.app = Starlette(routes=[Route("/v2/parcels", self._parcels)])

    async def _parcels(self, _: Request) -> JSONResponse:
        return JSONResponse({"parcels": []})

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        async with serve(self.app) as base:
            yield f"{base}/v2"


class AcmeConformance(WebhookConformance, CarrierConformance):
    """Not collected, because of its name; the tests inherit it."""

    adapter: ClassVar[Any] = Acme
    settings = GOOD
    samples = SAMPLES
    sandbox = AcmeSandbox

    def sign(self, body: bytes) -> Mapping[str, str]:
        return {"x-acme-signature": hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()}
