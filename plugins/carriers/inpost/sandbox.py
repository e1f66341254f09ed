"""A fake of ShipX: tracking for everybody, shipments for one organization, and its unsigned webhooks.

Its facts are those of the project's dossier on InPost (November 2026). What is not published is our own here, and
nothing may be built on it: the bodies of 401 and 403, a point's description (as inside a tracking answer), the type of
a PaczkoPunkt, and that nothing is sent again.
"""

import csv
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hub.clock import Clock
from hub.plugin.sandbox import Chaos, Delivery, Entry, Ledger, WebhookSender, serve

TOKEN = "sandbox-token-of-shipx"
ORGANIZATION = 1234
ADDRESS = "91.216.25.7"
CHAIN = ("created", "offers_prepared", "offer_selected", "confirmed")
LANGUAGES = {"pl_PL": "native_label_original", "en_GB": "native_label_en"}
PAGE = 30

_ZONE = ZoneInfo("Europe/Warsaw")
_LOCKER = "inpost_locker_standard"
_COURIER = "inpost_courier_standard"


def machine(
    name: str, street: str, town: str, north: float, east: float, kind: str = "parcel_locker"
) -> dict[str, Any]:
    """A point, as tracking answers describe it."""
    return {
        "name": name,
        "opening_hours": "24/7",
        "location_description": "Obok sklepu",
        "location": {"latitude": north, "longitude": east},
        "address": {"line1": street, "line2": town},
        "type": [kind],
        "location247": True,
    }


MACHINES = (
    machine("KRA010", "Przykładowa 12", "31-019 Kraków", 50.0614, 19.9366),
    machine("KRA01M", "Zmyślona 3", "30-001 Kraków", 50.0701, 19.9402),
    machine("WAW123", "Testowa 1", "00-001 Warszawa", 52.2297, 21.0122),
    machine("POP-KRA5", "Wymyślona 8", "31-020 Kraków", 50.0622, 19.9401, kind="pop"),
)


@dataclass(frozen=True, slots=True)
class Asked(Entry):
    """One request: its method and path, the number or id it was about, the status it was answered with, and whether it
    came with a token."""

    method: str
    path: str
    status: int
    token: bool


@dataclass
class Parcel:
    """One shipment. `history`: (status, when, agency), oldest first."""

    id: int
    number: str | None
    service: str
    target: str
    cod: dict[str, Any] | None
    receiver: dict[str, Any] = field(repr=False)
    reference: str = ""
    history: list[tuple[str, datetime, str | None]] = field(default_factory=list)
    described: bool = True
    """False: the answer names the target and does not describe it."""

    @property
    def status(self) -> str:
        return self.history[-1][0]


class InPostSandbox:
    """InPost with its parcels; `ledger` keeps what it was asked, `sender.ledger` what became of its webhooks. `lag`:
    how long the tracking is behind what webhooks tell."""

    def __init__(self, clock: Clock, *, token: str = TOKEN, organization: int = ORGANIZATION) -> None:
        self.clock, self.token, self.organization = clock, token, organization
        self.ledger: Ledger[Asked] = Ledger()
        self.chaos = Chaos()
        self.sender = WebhookSender(clock)
        self.machines = {each["name"]: each for each in MACHINES}
        self.statuses = _dictionary()
        self.parcels: dict[int, Parcel] = {}
        self.lag = timedelta(0)
        self.hook = ""
        self.told: list[bytes] = []
        """Every webhook's body, in order."""
        self._ids = count(998877)
        shipments = f"/v1/organizations/{organization}/shipments"
        self.app = Starlette(
            routes=[
                Route("/v1/tracking/{number}", self._tracking),
                Route("/v1/statuses", self._statuses),
                Route("/v1/points/{name}", self._point),
                Route(shipments, self._list, methods=["GET"]),
                Route(shipments, self._create, methods=["POST"]),
                Route("/v1/organizations/{organization}/{rest:path}", self._foreign, methods=["GET", "POST"]),
                Route("/v1/shipments/{id:int}", self._one, methods=["GET", "DELETE"]),
                Route("/v1/shipments/{id:int}/label", self._label),
                Route("/{rest:path}", self._nowhere, methods=["GET", "POST", "PUT", "DELETE"]),
            ],
            middleware=[self.chaos.middleware()],
        )

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        """Run on a free port; gives the address of the API, without the version."""
        async with serve(self.app) as url:
            try:
                yield url
            finally:
                await self.sender.aclose()

    # --- levers: the world moves -------------------------------------------------------------------------------

    def create(
        self,
        number: str = "",
        *,
        to: str = "KRA010",
        cod: float = 0,
        receiver: Mapping[str, Any] | None = None,
        status: str = "confirmed",
    ) -> str:
        """A parcel that is ready to be sent; nobody is told. `to`: a point's name, or "" for a courier. Returns the
        number."""
        serial = next(self._ids)
        parcel = Parcel(
            id=serial,
            number=number or f"6300712345{serial:014d}",
            service=_LOCKER if to else _COURIER,
            target=to,
            cod={"amount": cod, "currency": "PLN"} if cod else None,
            receiver=dict(receiver or {"first_name": "Jan", "last_name": "Przykład", "phone": "600100200"}),
        )
        parcel.history.append((status, self.clock.now(), None))
        self.parcels[serial] = parcel
        return str(parcel.number)

    async def move(self, number: str, status: str, *, agency: str | None = None, at: datetime | None = None) -> None:
        """Give a parcel a status, now or at `at`; whoever has a webhook is told."""
        parcel = self.parcel(number)
        parcel.history.append((status, at or self.clock.now(), agency))
        await self._tell("shipment_status_changed", parcel, status=status)

    async def redirect(self, number: str, to: str, *, described: bool = True) -> None:
        """The parcel goes to another locker from now on."""
        parcel = self.parcel(number)
        parcel.target, parcel.described = to, described
        await self.move(number, "permanently_redirected_to_box_machine")

    async def prepare(self, serial: int) -> None:
        """The next step of a shipment that is being created: with `confirmed` it has a number."""
        parcel = self.parcels[serial]
        step = CHAIN[CHAIN.index(parcel.status) + 1]
        parcel.history.append((step, self.clock.now(), None))
        if step == "offers_prepared":
            await self._tell("offers_prepared", parcel)
        elif step == CHAIN[-1]:
            parcel.number = f"6300712345{parcel.id:014d}"
            await self._tell("shipment_confirmed", parcel)

    def purge(self, number: str) -> None:
        """Forget a parcel, as happens some time after its end."""
        del self.parcels[self.parcel(number).id]

    async def activate(self, url: str) -> bool:
        """Somebody enters the webhook's address in Manager Paczek: it is taken when a GET there is answered 200."""
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(url)
        if answer.status_code == 200:
            self.hook = url
        return answer.status_code == 200

    async def repeat(self, which: int = -1) -> Delivery:
        """Send a webhook that was sent before, as it was: nothing says that they come once or in order."""
        return await self._post(self.told[which])

    def parcel(self, number: str) -> Parcel:
        """The parcel with this number; KeyError when there is none."""
        found = next((each for each in self.parcels.values() if each.number == number), None)
        if found is None:
            raise KeyError(number)
        return found

    # --- webhooks ----------------------------------------------------------------------------------------------

    async def _tell(self, event: str, parcel: Parcel, **payload: Any) -> None:
        more = {"return_tracking_number": None} if payload.get("status") == "returned_to_sender" else {}
        said = {
            "event_ts": self.clock.now().astimezone(_ZONE).strftime("%Y-%m-%d %H:%M:%S %z"),
            "event": event,
            "organization_id": self.organization,
            "payload": {"shipment_id": parcel.id, **payload, "tracking_number": parcel.number, **more},
        }
        self.told.append(json.dumps(said).encode())
        if self.hook:
            await self._post(self.told[-1])

    async def _post(self, body: bytes) -> Delivery:
        # Such a header is the reverse proxy's in front of the hub, not InPost's.
        return await self.sender.send(self.hook, body, {"x-real-ip": ADDRESS})

    # --- the API: for everybody ---------------------------------------------------------------------------------

    async def _tracking(self, request: Request) -> Response:
        number = request.path_params["number"]
        parcel = next((each for each in self.parcels.values() if each.number == number), None)
        seen = self._seen(parcel) if parcel else []
        if parcel is None or not seen:
            return self._absent(request, f"Tracking information about {number} not found")
        return self._answer(request, self._tracked(parcel, seen))

    def _seen(self, parcel: Parcel) -> list[tuple[str, datetime, str | None]]:
        return [each for each in parcel.history if each[1] <= self.clock.now() - self.lag]

    def _tracked(self, parcel: Parcel, seen: list[tuple[str, datetime, str | None]]) -> dict[str, Any]:
        details = [
            {"status": status, "origin_status": None, "agency": agency, "datetime": _iso(at)}
            for status, at, agency in reversed(seen)
        ]
        return {
            "tracking_number": parcel.number,
            "type": parcel.service,
            "service": parcel.service,
            "status": seen[-1][0],
            "created_at": _iso(parcel.history[0][1]),
            "updated_at": _iso(max(at for _, at, _ in seen) + timedelta(milliseconds=900)),
            "custom_attributes": self._attributes(parcel),
            "tracking_details": details,
            "expected_flow": [],
        }

    def _attributes(self, parcel: Parcel) -> dict[str, Any]:
        if not parcel.target:
            return {}
        return {
            "size": "A",
            "target_machine_id": parcel.target,
            "target_machine_detail": self.machines.get(parcel.target) if parcel.described else None,
            "dropoff_machine_id": "WAW123",
            "dropoff_machine_detail": self.machines["WAW123"],
            "end_of_week_collection": False,
        }

    async def _statuses(self, request: Request) -> Response:
        language = request.query_params.get("lang", "pl_PL")
        if language not in LANGUAGES:
            return self._no(request, 400, "invalid_parameter", {"lang": ["is not supported"]}, key="description")
        titles = ((name, row[LANGUAGES[language]] or row["native_label_en"]) for name, row in self.statuses.items())
        items = [{"name": name, "title": title, "description": ""} for name, title in titles]
        return self._answer(request, {"href": str(request.url), "items": items})

    async def _point(self, request: Request) -> Response:
        found = self.machines.get(request.path_params["name"])
        return self._answer(request, found) if found else self._absent(request, "Point not found")

    # --- the API: for the organization ---------------------------------------------------------------------------

    async def _list(self, request: Request) -> Response:
        if refusal := self._refuse(request):
            return refusal
        wanted = request.query_params.get("tracking_number")
        found = [each for each in self.parcels.values() if wanted in (None, each.number)]
        page = max(int(request.query_params.get("page", "1")), 1)
        items = [_shipment(each) for each in found[(page - 1) * PAGE : page * PAGE]]
        body = {"href": str(request.url), "count": len(found), "page": page, "per_page": PAGE, "items": items}
        return self._answer(request, body)

    async def _create(self, request: Request) -> Response:
        if refusal := self._refuse(request):
            return refusal
        wish = await request.json()
        missing = {name: ["required"] for name in ("receiver", "parcels") if not wish.get(name)}
        if missing:
            return self._no(request, 400, "validation_failed", missing)
        parcel = Parcel(
            id=next(self._ids),
            number=None,
            service=wish.get("service") or _COURIER,
            target=(wish.get("custom_attributes") or {}).get("target_point", ""),
            cod=wish.get("cod"),
            receiver=wish["receiver"],
            reference=wish.get("reference", ""),
            history=[(CHAIN[0], self.clock.now(), None)],
        )
        self.parcels[parcel.id] = parcel
        return self._answer(request, _shipment(parcel), 201)

    async def _one(self, request: Request) -> Response:
        if refusal := self._refuse(request):
            return refusal
        parcel = self.parcels.get(request.path_params["id"])
        if parcel is None:
            return self._absent(request, "Shipment not found")
        if request.method == "GET":
            return self._answer(request, _shipment(parcel))
        if parcel.status not in CHAIN[:2]:
            return self._no(request, 400, "validation_failed", {"status": ["cannot be cancelled any more"]})
        del self.parcels[parcel.id]
        return self._answer(request, None, 204)

    async def _label(self, request: Request) -> Response:
        if refusal := self._refuse(request):
            return refusal
        parcel = self.parcels.get(request.path_params["id"])
        if parcel is None or parcel.number is None:
            return self._absent(request, "Label not found")
        self._note(request, 200)
        return Response(b"%PDF-1.4\n%%EOF\n", media_type="application/pdf")

    async def _foreign(self, request: Request) -> Response:
        return self._refuse(request) or self._no(request, 403, "access_forbidden", {})

    async def _nowhere(self, request: Request) -> Response:
        return self._absent(request, "There is nothing here")

    # --- answers -------------------------------------------------------------------------------------------------

    def _refuse(self, request: Request) -> Response | None:
        good = request.headers.get("authorization") == f"Bearer {self.token}"
        return None if good else self._no(request, 401, "token_invalid", {})

    def _absent(self, request: Request, message: str) -> Response:
        return self._no(request, 404, "resource_not_found", {}, message=message)

    def _no(
        self, request: Request, status: int, error: str, details: Any, *, key: str = "message", message: str = "Refused"
    ) -> Response:
        return self._answer(request, {"status": status, "error": error, key: message, "details": details}, status)

    def _answer(self, request: Request, body: Any, status: int = 200) -> Response:
        self._note(request, status)
        return Response(status_code=status) if body is None else JSONResponse(body, status)

    def _note(self, request: Request, status: int) -> None:
        token = "authorization" in request.headers
        self.ledger.record(Asked(self.clock.now(), request.method, request.url.path, status, token))


def _shipment(parcel: Parcel) -> dict[str, Any]:
    return {
        "id": parcel.id,
        "status": parcel.status,
        "tracking_number": parcel.number,
        "service": parcel.service,
        "reference": parcel.reference,
        "receiver": parcel.receiver,
        "cod": parcel.cod or {"amount": None, "currency": None},
        "sending_method": "parcel_locker",
        "transactions": [],
    }


def _iso(at: datetime) -> str:
    return at.astimezone(_ZONE).isoformat(timespec="milliseconds")


def _dictionary() -> dict[str, dict[str, str]]:
    """Status → its row in the table as data: the names that ShipX publishes."""
    with (Path(__file__).parent / "codes.csv").open(encoding="utf-8", newline="") as file:
        return {row["native_code"]: row for row in csv.DictReader(file)}


SANDBOX = InPostSandbox
