"""InPost (Poland, ShipX): the whole history in every answer, one number per request, unsigned webhooks as hints."""

import ipaddress
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Self
from urllib.parse import quote

import httpx
from pydantic import Field, SecretStr, field_validator, model_validator

from hub.model import CarrierRecord, RefKind, Reread
from hub.plugin import (
    Carrier,
    Clock,
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
    same_secret,
)

from .asking import LANGUAGE, NOBODYS_NUMBER, URL, Api, Aside, kept
from .reading import NUMBER, fields, records, target_without_details, text, unknown_codes
from .statuses import STATUSES, VOCABULARY

# Shops write "InPost Paczkomaty 24/7", "Kurier InPost", "paczkomaty_inpost"; another firm's name may end like ours.
_NAME = re.compile(r"(?<![^\W_])(in[\W_]?post(?![^\W_])|paczkomat)", re.IGNORECASE)

_HINT = {"event": None, "event_ts": None, "payload": {"tracking_number": None, "status": None, "shipment_id": None}}


class InPostSettings(Settings):
    """Settings of an `inpost` connection. Tracking needs none of them."""

    token: SecretStr | None = Field(
        default=None,
        description="Token from Manager Paczek (My account, API). Only for the cash on delivery of your own parcels.",
    )
    organization: int | None = Field(
        default=None,
        ge=1,
        description="Your organization's id, from the same page. With it, webhooks about another one are refused.",
    )
    webhook_secret: SecretStr | None = Field(
        default=None,
        description="The unguessable end of the address that you give InPost for its webhooks, which are not signed; "
        "at least 16 characters. Without it no webhook is believed.",
    )
    sender_header: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9-]*$",
        description="Header in which your own reverse proxy tells the sender's address (`x-real-ip`). With it, "
        "webhooks from outside `senders` are refused.",
    )
    senders: tuple[str, ...] = Field(
        default=("91.216.25.0/24",), description="Networks that InPost's webhooks come from, as InPost publishes them."
    )
    url: str = Field(default=URL, description="Another address of the API, for a sandbox.")

    @field_validator("senders")
    @classmethod
    def _networks(cls, senders: tuple[str, ...]) -> tuple[str, ...]:
        for each in senders:
            ipaddress.ip_network(each)
        return senders

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.token is not None and self.organization is None:
            raise ValueError("a token needs the organization that it belongs to")
        if self.webhook_secret is not None and len(self.webhook_secret.get_secret_value()) < 16:
            raise ValueError("webhook_secret is too short to be unguessable: at least 16 characters")
        return self


class InPost(Carrier[InPostSettings]):
    name = VOCABULARY
    label = "InPost"
    settings_type = InPostSettings
    # No limit is published; five requests a second from one address are recommended.
    limits = Limits(concurrency=2, per_second=5.0)
    statuses = STATUSES
    signed = False

    def __init__(
        self, settings: InPostSettings, client: httpx.AsyncClient, clock: Clock, *, connection: str = ""
    ) -> None:
        super().__init__(settings, client, clock, connection=connection)
        token = settings.token.get_secret_value() if settings.token else ""
        self._api = Api(client, settings.url, token, settings.organization)
        self._points = Aside(clock, self._api.point, timedelta(days=1))
        self._titles = Aside(clock, self._api.titles, timedelta(days=30))
        self._cash = Aside(clock, self._api.cash, timedelta(days=1)) if token else None

    def recognises(self, number: str) -> bool:
        return NUMBER.fullmatch(number) is not None

    def calls_itself(self, word: str) -> bool:
        return _NAME.search(word) is not None

    def tracking_url(self, number: str) -> str:
        return f"https://inpost.pl/sledzenie-przesylek?number={quote(number, safe='')}"

    async def hello(self) -> str:
        """Read the list of statuses, which needs no token; and with a token ask for a parcel that nobody has."""
        known = len(await self._api.titles(LANGUAGE))
        if self._cash is None:
            return f"InPost answers and knows {known} statuses; tracking needs no token"
        await self._api.cash(NOBODYS_NUMBER)
        return f"InPost answers, knows {known} statuses and accepts the token"

    async def track(self, parcels: Sequence[TrackRequest]) -> Sequence[Raw]:
        """One raw event for each number that InPost knows, see `reading.records`. One that it does not know has none:
        it is new, old or wrong, and nobody can tell which. One that cannot be InPost's is not asked about."""
        numbers = dict.fromkeys(each.number for each in parcels)
        found = [await self._ask(each) if self.recognises(each) else self._refuse(each) for each in numbers]
        return [raw for raw in found if raw is not None]

    async def _ask(self, number: str) -> Raw | None:
        asked_at = self.clock.now()
        tracking = await self._api.tracking(number)
        if tracking is None:
            return None
        if not text(tracking.get("tracking_number")):
            raise UnreadableError("inpost: this is no answer about a parcel")
        if text(tracking.get("tracking_number")) != number:
            return None
        point = target_without_details(tracking)
        unknown = unknown_codes(tracking)
        titles = await self._titles.of(LANGUAGE) if unknown else {}
        beside = {
            "point": await self._points.of(point) if point else {},
            "cod": await self._cash.of(number) if self._cash else {},
            "titles": {code: titles[code] for code in unknown if code in titles},
        }
        return _raw(number, asked_at, {"tracking": tracking, **{name: told for name, told in beside.items() if told}})

    def _refuse(self, number: str) -> Raw:
        return _raw(number, self.clock.now(), {"bad_number": number})

    def verify(self, request: WebhookRequest) -> Received:
        """A hint on a path that nobody else knows; with a GET there InPost only asks whether we are here."""
        secret = self.settings.webhook_secret
        if secret is None or not same_secret(request.rest.strip("/"), secret.get_secret_value()):
            raise RefusedError("not our address")
        if request.method == "GET":
            return Received()
        if request.method != "POST":
            raise RefusedError("not a POST")
        self._check_sender(request)
        said = read_json(request.body)
        organization = fields(said).get("organization_id")
        if self.settings.organization not in (None, organization):
            raise RefusedError("about another organization")
        return Received(_hints(kept(said, _HINT), request.body))

    def _check_sender(self, request: WebhookRequest) -> None:
        """The last address of the header is the one that our own proxy saw; those before it are the sender's word."""
        if not self.settings.sender_header:
            return
        said = (request.header(self.settings.sender_header) or "").rpartition(",")[2].strip()
        try:
            address = ipaddress.ip_address(said)
        except ValueError:
            raise RefusedError("the sender's address is not told") from None
        address = getattr(address, "ipv4_mapped", None) or address
        if not any(address in ipaddress.ip_network(each) for each in self.settings.senders):
            raise RefusedError("not InPost's address")

    def normalise(self, raw: Raw) -> Sequence[CarrierRecord | Reread]:
        match raw.body:
            case {"hint": {"payload": {"tracking_number": str(number)}}} if NUMBER.fullmatch(number):
                return [Reread(RefKind.PARCEL, number)]
        return records(raw.body)


def _raw(number: str, asked_at: datetime, said: dict[str, Any]) -> Raw:
    # When it was asked makes no other event: the same answer is stored once.
    return Raw({"asked_at": asked_at.isoformat(), **said}, subject=f"parcel:{number}", dedupe_key=digest(number, said))


def _hints(said: Any, body: bytes) -> Sequence[Raw]:
    """The event of a webhook; none while its parcel has no number yet, which is before it is confirmed."""
    payload = fields(said).get("payload")
    if not isinstance(payload, dict):
        raise UnreadableError("inpost: this is no webhook of ShipX")
    number = payload.get("tracking_number")
    if number is None:
        return ()
    if not isinstance(number, str) or not NUMBER.fullmatch(number):
        raise UnreadableError("inpost: a webhook about something that is no parcel number")
    return [Raw({"hint": said}, subject=f"parcel:{number}", dedupe_key=digest(body), topic=text(said.get("event")))]


@hookimpl
def adapters() -> Sequence[type[Carrier[Any]]]:
    return [InPost]
