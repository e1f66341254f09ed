"""Asking api.novaposhta.ua: the frame of a call, what its answers mean, and how a number that spoils one is found."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from hub.plugin import Config, FailureError, TrackRequest, Transient, UnreadableError, expecting, read_json

from .reading import text
from .statuses import BAD_NUMBER

URL = "https://api.novaposhta.ua/v2.0/json/"

_KEY_CODES = {"20000200068"}
_BAD_NUMBER_TEXT = "document number is not correct"

# Texts come in three languages and are not published; a wish to wait goes first, because it may name the key too.
_WAIT = re.compile(
    r"too many|limit|unavailable|temporar|try again|try later|забагато|перевищен|недоступн|спробуйте|слишком|превышен",
    re.IGNORECASE,
)
_KEY = re.compile(
    r"api\W?key|permission|access denied|not allowed|unauthori|ключ|доступ\w* заборон|прав\w* доступ", re.IGNORECASE
)
_LONG_DIGITS = re.compile(r"\w*[0-9]{6,}\w*")

# Which parts of an item are kept: what the reading uses. Names, phones, street addresses of people, contents, card
# numbers and links to other documents are never stored.
_PARCEL = (
    "Number",
    "StatusCode",
    "Status",
    "ServiceType",
    "TrackingUpdateDate",
    "DateCreated",
    "RecipientDateTime",
    "ScheduledDeliveryDate",
    "AdjustedDate",
    "DateFirstDayStorage",
    "DatePayedKeeping",
    "CitySender",
    "CityRecipient",
    "Redelivery",
    "RedeliverySum",
    "AfterpaymentOnGoodsCost",
    "PayerType",
    "PaymentMethod",
    "ExpressWaybillAmountToPay",
    "AmountToPay",
    "AmountPaid",
    "LastTransactionStatusGM",
    "LastTransactionDateTimeGM",
    "OwnerDocumentType",
    "OwnerDocumentNumber",
    "LastCreatedOnTheBasisDocumentType",
    "LastCreatedOnTheBasisNumber",
    "LastCreatedOnTheBasisDateTime",
    "UndeliveryReasonsSubtypeDescription",
)
_POINT = (
    "CategoryOfWarehouse",
    "WarehouseRecipient",
    "WarehouseRecipientAddress",
    "WarehouseRecipientNumber",
    "WarehouseRecipientRef",
)


@dataclass(frozen=True, slots=True)
class Reply:
    """A readable answer: its items, or the news that one of the numbers in the request spoilt it."""

    items: Sequence[dict[str, Any]] = ()
    bad_number: bool = False


class Api:
    """The one URL of the API, for one key."""

    def __init__(self, client: httpx.AsyncClient, url: str, key: str) -> None:
        self._client = client
        self._url = url
        self._key = key

    async def documents(self, parcels: Sequence[TrackRequest]) -> Reply:
        """The present state of up to 100 parcels, in any order."""
        asked = [{"DocumentNumber": each.number, "Phone": wire_phone(each.phone)} for each in parcels]
        return await self.call("TrackingDocument", "getStatusDocuments", {"Documents": asked})

    async def call(self, model: str, method: str, properties: dict[str, Any]) -> Reply:
        """One call; raises `FailureError` unless the answer is a success or names a bad number."""
        frame = {
            "apiKey": self._key,
            "modelName": model,
            "calledMethod": method,
            "methodProperties": properties,
        }
        # The content network in front answers with pages of its own; its 403 says nothing about the key.
        answer = await self._client.post(self._url, json=frame, extensions=expecting(403, safe=True))
        return self._read(answer)

    def _read(self, answer: httpx.Response) -> Reply:
        try:
            body = read_json(answer.content)
        except UnreadableError as error:
            raise _later("Nova Poshta answered with something that is not JSON", answer.status_code) from error
        if not isinstance(body, dict) or answer.status_code != httpx.codes.OK:
            raise _later("Nova Poshta answered in a form that is not its own", answer.status_code)
        if body.get("success") is True:
            return Reply(items=_items(body.get("data"), answer.status_code))
        return self._refusal(body, answer.status_code)

    def _refusal(self, body: dict[str, Any], status: int) -> Reply:
        codes, said = set(flat(body.get("errorCodes"))), self._clean("; ".join(flat(body.get("errors"))))
        if BAD_NUMBER in codes or _BAD_NUMBER_TEXT in said.casefold():
            return Reply(bad_number=True)
        if _WAIT.search(said):
            raise _later(f"Nova Poshta asks to wait: {said}", status)
        if codes & _KEY_CODES or _KEY.search(said):
            raise FailureError(Config(f"Nova Poshta does not accept the key: {said}"), status=status)
        raise _later(f"Nova Poshta refuses: {said or 'no reason given'}", status)

    def _clean(self, said: str) -> str:
        """An error text fit for logs: without the key, phones and numbers that it may repeat."""
        without_key = said.replace(self._key, "…") if self._key else said
        return _LONG_DIGITS.sub("…", without_key)[:200]


async def states(api: Api, parcels: Sequence[TrackRequest]) -> tuple[list[dict[str, Any]], list[str]]:
    """Items for a batch, and the numbers that cannot be asked about: one of those spoils every request it is in, so
    that a spoilt request is halved until the number stands alone."""
    items: list[dict[str, Any]] = []
    bad: list[str] = []
    waiting = [parcels]
    while waiting:
        batch = waiting.pop()
        reply = await api.documents(batch)
        if not reply.bad_number:
            items += reply.items
        elif len(batch) == 1:
            bad.append(batch[0].number)
        else:
            middle = len(batch) // 2
            waiting += [batch[middle:], batch[:middle]]
    return items, bad


def wire_phone(phone: str) -> str:
    """E.164 → `380XXXXXXXXX`; "" for a phone of another country, which cannot be on a domestic waybill."""
    digits = phone.removeprefix("+")
    return digits if re.fullmatch(r"380[0-9]{9}", digits) else ""


def flat(value: Any) -> list[str]:
    """The texts in a list, an object or null: all three forms are sent where a list is documented."""
    if isinstance(value, dict):
        return [each for part in value.values() for each in flat(part)]
    if isinstance(value, list):
        return [each for part in value for each in flat(part)]
    found = text(value)
    return [found] if found else []


def kept(item: dict[str, Any]) -> dict[str, Any]:
    """The part of an item that is stored. For delivery to a door even the point is left out: it may be the address."""
    doors = text(item.get("ServiceType")).endswith("Doors")
    names = _PARCEL if doors else _PARCEL + _POINT
    return {name: item[name] for name in names if isinstance(item.get(name), str | int | float)}


def _items(data: Any, status: int) -> list[dict[str, Any]]:
    if not isinstance(data, list):
        raise _later("Nova Poshta answered without a list of parcels", status)
    return [each for each in data if isinstance(each, dict)]


def _later(reason: str, status: int) -> FailureError:
    return FailureError(Transient(reason), status=status)
