"""A fake of api.novaposhta.ua: one URL, procedures named in the body, HTTP 200 for errors.

Its facts are those of the project's dossier on Nova Poshta (November 2026). Where the carrier publishes no wording (bad
key, too many documents) the wording here is our own; nothing may be built on it.
"""

import json
import re
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from hub.clock import Clock
from hub.plugin.sandbox import Chaos, Entry, Ledger, serve

from .sandbox_wire import DASHES, DAY, MASKING_WARNING, Point, Waybill, unknown, written

PATH = "/v2.0/json/"
KEY = "0123456789abcdef0123456789abcdef"
EXPIRED_KEY = "e" * 32
MAX_DOCUMENTS = 100
PAGE_SIZE = 100
BRANCH_FREE_FOR = timedelta(days=7)
LOCKER_FREE_FOR = timedelta(days=3)
SENDER = "380501112200"

_SERVICES = {"branch": "WarehouseWarehouse", "locker": "WarehousePostomat", "doors": "WarehouseDoors"}
_BRANCH = Point("6ccbc96e-44f6-4247-83b2-624ce583f3ff", 12, "Київ", "вул. Зразкова, 7")
_LOCKER = Point("9b2c4a10-0d5e-4c55-8f6b-0f1a2b3c4d5e", 3355, "Київ", "вул. Зразкова, 9", "Postomat")
_REASON = {"Ref": "49754eb2-a9e1-11e3-9fa0-0050568002cf", "Description": "Повернення"}
_SUBTYPE = {"Ref": "49754eb6-a9e1-11e3-9fa0-0050568002cf", "Description": "Відмова одержувача"}


@dataclass(frozen=True, slots=True)
class Happening(Entry):
    """One thing that happened: a request (`what` is `Model.method`, `outcome` is "ok" or the error), or a change of a
    waybill (`what` is "change", `outcome` the new status code). `phones`: what came beside the numbers, "" for none."""

    what: str
    numbers: tuple[str, ...]
    outcome: str
    phones: tuple[str, ...] = field(default=(), repr=False)


class _NoError(Exception):
    """The carrier's way of saying no."""

    def __init__(self, text: str, code: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.code = code


_Answer = tuple[list[dict[str, Any]], list[dict[str, str]]]
_Method = Callable[[str, Mapping[str, Any]], _Answer]


class NovaPoshtaSandbox:
    """The carrier with its waybills; `ledger` keeps what it was asked and what happened, by its clock."""

    def __init__(self, clock: Clock, *, key: str = KEY, other_keys: tuple[str, ...] = ()) -> None:
        self.clock = clock
        self.key = key
        self.keys = {key, *other_keys}
        self.expired_keys = {EXPIRED_KEY}
        self.waybills: dict[str, Waybill] = {}
        self.malformed: set[str] = set()
        """Numbers of 14 digits that are refused all the same."""
        self.points = {each.ref: each for each in (_BRANCH, _LOCKER)}
        self.ledger: Ledger[Happening] = Ledger()
        self.chaos = Chaos()
        self.app = Starlette(routes=[Route(PATH, self._post, methods=["POST"])], middleware=[self.chaos.middleware()])
        self._serials = count(1)
        self._refusals: deque[dict[str, Any]] = deque()
        self._methods: Mapping[str, _Method] = {
            "TrackingDocument.getStatusDocuments": self._states,
            "TrackingDocumentGeneral.getStatusDocuments": self._states,
            "Address.getWarehouses": self._warehouses,
            "InternetDocument.save": self._save,
            "InternetDocument.delete": self._delete,
            "InternetDocument.getDocumentList": self._list,
            "AdditionalService.CheckPossibilityCreateReturn": self._may_return,
            "AdditionalService.getReturnReasons": lambda _key, _wish: ([_REASON], []),
            "AdditionalService.getReturnReasonsSubtypes": lambda _key, _wish: ([_SUBTYPE], []),
            "AdditionalService.save": self._order_return,
        }

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        """Run on a free port; gives the URL of the API."""
        async with serve(self.app) as base:
            yield base + PATH

    # --- levers: the world moves -------------------------------------------------------------------------------

    def create(
        self,
        number: str = "",
        *,
        recipient_phone: str = "380671112233",
        recipient_name: str = "Коваль Ірина Петрівна",
        city: str = "Київ",
        to: str = "branch",
        cod: int = 0,
        controlled: int = 0,
        key: str = "",
        eta: datetime | None = None,
    ) -> str:
        """A new waybill, announced. `to`: branch, locker or doors; `cod`: cash on delivery, `controlled`: the same by
        payment control, both in hryvnias. Returns the number."""
        now = self.clock.now()
        serial = next(self._serials)
        made = Waybill(
            number=number or f"2045{serial:010d}",
            ref=f"fc93e77f-b0b0-42ef-9fbf-{serial:012d}",
            key=key or self.key,
            service=_SERVICES[to],
            city_from="Харків",
            city_to=city,
            point=self._point(city, to),
            sender_phone=SENDER,
            recipient_phone=recipient_phone.removeprefix("+"),
            recipient_name=recipient_name,
            created_at=now,
            updated_at=now,
            eta=eta or now + timedelta(days=2),
            cod=cod,
            controlled=controlled,
        )
        self.waybills[made.number] = made
        self._note(made)
        return made.number

    def move(self, number: str, code: str, at: datetime | None = None) -> None:
        """Give a waybill another status code, now or at `at`."""
        waybill = self.waybills[number]
        waybill.code, waybill.updated_at = code, at or self.clock.now()
        self._note(waybill)

    def arrive(self, number: str) -> None:
        """At the branch (7; for doors the last depot) or in the locker (8); free storage begins."""
        waybill, now = self.waybills[number], self.clock.now()
        locker = waybill.point is not None and waybill.point.category == "Postomat"
        waybill.arrived_at = now
        if waybill.point:
            waybill.storage_from = now + (LOCKER_FREE_FOR if locker else BRANCH_FREE_FOR)
        self.move(number, "8" if locker else "7")

    def hand_over(self, number: str) -> None:
        """The recipient has it: 10 with cash to be sent on, else 9."""
        waybill = self.waybills[number]
        waybill.handed_at = self.clock.now()
        self.move(number, "10" if waybill.cod else "9")

    def remit(self, number: str) -> None:
        """The sender has the cash (11)."""
        self.move(number, "11")

    def refuse(self, number: str) -> None:
        """The recipient refuses (103); nothing moves until the sender orders the return."""
        self.move(number, "103")

    def miss(self, number: str, why: str = "Отримувач відсутній за адресою") -> None:
        """A courier found nobody (111)."""
        self.waybills[number].why = why
        self.move(number, "111")

    def return_waybill(self, number: str) -> str:
        """The sender orders the return: the old waybill stays at 102, the way back gets a number of its own."""
        return self._follow_up(number, "102", "CargoReturn")

    def redirect(self, number: str, city: str = "Львів", to: str = "branch") -> str:
        """Another address: the old waybill stays at 104, the parcel goes on under a new number."""
        new = self._follow_up(number, "104", "Redirecting")
        waybill = self.waybills[new]
        waybill.city_to, waybill.service, waybill.point = city, _SERVICES[to], self._point(city, to)
        return new

    def purge(self, number: str) -> None:
        """Forget a waybill, as happens long after delivery."""
        del self.waybills[number]

    def refuse_next(self, text: str, *, code: str = "", times: int = 1, form: str = "list") -> None:
        """HTTP 200 and `success: false`; `form`: list, dict or null, as `errors` have been seen."""
        errors: Any = {"list": [text], "dict": {"0": text}, "null": None}[form]
        self._refusals.extend([_frame(errors=errors, error_codes=[code] if code else [])] * times)

    # --- the API -----------------------------------------------------------------------------------------------

    async def _post(self, request: Request) -> JSONResponse:
        body = _frame_of(await request.body())
        what = f"{body.get('modelName')}.{body.get('calledMethod')}"
        wish = body.get("methodProperties")
        wish = wish if isinstance(wish, dict) else {}
        if self._refusals:
            self._log(what, wish, "refused as told")
            return JSONResponse(self._refusals.popleft())
        try:
            data, warnings = self._dispatch(str(body.get("apiKey") or ""), what, wish)
        except _NoError as no:
            self._log(what, wish, no.code or no.text)
            return JSONResponse(_frame(errors=[no.text], error_codes=[no.code] if no.code else []))
        self._log(what, wish, "ok")
        return JSONResponse(_frame(data, warnings))

    def _dispatch(self, key: str, what: str, wish: Mapping[str, Any]) -> _Answer:
        if key in self.expired_keys:
            raise _NoError("API key expired", "20000200068")
        keyless = key == "" and what.endswith(".getStatusDocuments")
        if key not in self.keys and not keyless:
            raise _NoError("API key is not valid")
        if what not in self._methods:
            raise _NoError("Method not found")
        return self._methods[what](key, wish)

    def _states(self, key: str, wish: Mapping[str, Any]) -> _Answer:
        documents = wish.get("Documents")
        if not isinstance(documents, list) or any(self._is_malformed(each) for each in documents):
            raise _NoError("Document number is not correct", "20001401442")
        if len(documents) > MAX_DOCUMENTS:
            raise _NoError(f"No more than {MAX_DOCUMENTS} documents")
        data, warnings = [], []
        for document in documents:
            number, phone = document["DocumentNumber"], str(document.get("Phone") or "")
            waybill = self.waybills.get(number)
            full = waybill is not None and waybill.knows(key, phone)
            data.append(waybill.item(full=full) if waybill else unknown(number))
            if not full:
                warnings.append({f"ID_{number}": MASKING_WARNING})
        return data, warnings

    def _is_malformed(self, document: Any) -> bool:
        number = document.get("DocumentNumber") if isinstance(document, dict) else None
        well = isinstance(number, str) and re.fullmatch(r"[0-9]{14}", number)
        return not well or number in self.malformed

    def _warehouses(self, _key: str, wish: Mapping[str, Any]) -> _Answer:
        ref = wish.get("Ref")
        return [each.item() for each in self.points.values() if not ref or each.ref == ref], []

    def _save(self, key: str, wish: Mapping[str, Any]) -> _Answer:
        phone, service = str(wish.get("RecipientsPhone") or ""), str(wish.get("ServiceType") or "")
        if not re.fullmatch(r"380[0-9]{9}", phone):
            raise _NoError("RecipientsPhone is incorrect")
        to = next((to for to, name in _SERVICES.items() if name == service), "branch")
        number = self.create(
            recipient_phone=phone,
            to=to,
            cod=_cash(wish),
            controlled=_whole(wish.get("AfterpaymentOnGoodsCost")),
            key=key,
        )
        made = self.waybills[number]
        answer = {
            "Ref": made.ref,
            "CostOnSite": 85,
            "EstimatedDeliveryDate": written(made.eta, DAY),
            "IntDocNumber": number,
            "TypeDocument": "InternetDocument",
        }
        return [answer], []

    def _delete(self, key: str, wish: Mapping[str, Any]) -> _Answer:
        refs = wish.get("DocumentRefs")
        own = [each for each in self.waybills.values() if each.key == key and each.ref in (refs or [])]
        if not own:
            raise _NoError("Document not found")
        for waybill in own:
            self.move(waybill.number, "2")
        return [{"Ref": each.ref} for each in own], []

    def _list(self, key: str, wish: Mapping[str, Any]) -> _Answer:
        days = [_day(wish.get(name)) for name in ("DateTimeFrom", "DateTimeTo")]
        page = _whole(wish.get("Page")) or 1
        own = [
            each
            for each in self.waybills.values()
            if each.key == key and days[0] <= _day(written(each.created_at, DAY)) <= days[1]
        ]
        shown = own[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
        return [
            {"Ref": each.ref, "IntDocNumber": each.number, "DateTime": written(each.created_at, DASHES)}
            for each in shown
        ], []

    def _may_return(self, _key: str, wish: Mapping[str, Any]) -> _Answer:
        self._of_return(wish.get("Number"))
        return [{"Ref": "1ec09d88-e1c2-11e3-8c4a-0050568002cf", "NonCash": True, "City": "Харків"}], []

    def _order_return(self, _key: str, wish: Mapping[str, Any]) -> _Answer:
        waybill = self._of_return(wish.get("IntDocNumber"))
        if wish.get("OrderType") != "orderCargoReturn":
            raise _NoError("OrderType is not supported by the sandbox")
        self.return_waybill(waybill.number)
        return [{"Number": f"102-{next(self._serials):08d}", "Ref": waybill.ref}], []

    def _of_return(self, number: Any) -> Waybill:
        waybill = self.waybills.get(str(number))
        if waybill is None:
            raise _NoError("Document not found", "20000301849")
        return waybill

    # --- behind it ---------------------------------------------------------------------------------------------

    def _point(self, city: str, to: str) -> Point | None:
        if to == "doors":
            return None
        like = _LOCKER if to == "locker" else _BRANCH
        if city == like.city:
            return like
        ref = f"{like.ref[:24]}{sum(city.encode()):012d}"
        return self.points.setdefault(ref, replace(like, ref=ref, city=city))

    def _follow_up(self, number: str, code: str, kind: str) -> str:
        old, now = self.waybills[number], self.clock.now()
        new = self.create(
            recipient_phone=SENDER if kind == "CargoReturn" else old.recipient_phone,
            city=old.city_from if kind == "CargoReturn" else old.city_to,
            cod=0 if kind == "CargoReturn" else old.cod,
            key=old.key,
        )
        self.waybills[new].owner = (kind, number)
        self.waybills[new].city_from = old.city_to if kind == "CargoReturn" else old.city_from
        old.follow_up = (kind, new, now)
        self.move(number, code)
        return new

    def _note(self, waybill: Waybill) -> None:
        self.ledger.record(Happening(self.clock.now(), "change", (waybill.number,), waybill.code))

    def _log(self, what: str, wish: Mapping[str, Any], outcome: str) -> None:
        documents = wish.get("Documents")
        asked = documents if isinstance(documents, list) else []
        told = [each for each in asked if isinstance(each, dict)]
        numbers = tuple(str(each.get("DocumentNumber")) for each in told)
        phones = tuple(str(each.get("Phone") or "") for each in told)
        self.ledger.record(Happening(self.clock.now(), what, numbers, outcome, phones))


def _frame(
    data: list[dict[str, Any]] | None = None,
    warnings: list[dict[str, str]] | None = None,
    *,
    errors: Any = (),
    error_codes: list[str] | None = None,
) -> dict[str, Any]:
    return {
        "success": data is not None,
        "data": data or [],
        "errors": list(errors) if isinstance(errors, tuple) else errors,
        "warnings": warnings or [],
        "info": {} if warnings else [],
        "messageCodes": [],
        "errorCodes": error_codes or [],
        "warningCodes": [],
        "infoCodes": [],
    }


def _frame_of(body: bytes) -> dict[str, Any]:
    try:
        read = json.loads(body)
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}


def _cash(wish: Mapping[str, Any]) -> int:
    parts = wish.get("BackwardDeliveryData")
    kinds = [each for each in (parts if isinstance(parts, list) else []) if isinstance(each, dict)]
    return sum(_whole(each.get("RedeliveryString")) for each in kinds if each.get("CargoType") == "Money")


def _whole(value: Any) -> int:
    return int(str(value)) if re.fullmatch(r"[0-9]{1,9}", str(value)) else 0


def _day(value: Any) -> tuple[int, ...]:
    """`dd.mm.yyyy` as something to compare; no date is the beginning of time."""
    return tuple(int(part) for part in reversed(str(value or "0").split(".")) if part.isdigit())


SANDBOX = NovaPoshtaSandbox
"""What the demo starts."""
