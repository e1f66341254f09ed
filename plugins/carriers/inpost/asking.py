"""Asking ShipX: one number per request, without a token. What is asked beside it (points, cash, titles) is a kindness
that is kept in memory, and never fails the tracking.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx

from hub.plugin import Clock, FailureError, Transient, UnreadableError, expecting, read_json

from .reading import fields, text

log = logging.getLogger(__name__)

URL = "https://api-shipx-pl.easypack24.net"
ABSENT = "resource_not_found"
NOBODYS_NUMBER = "0" * 24
LANGUAGE = "pl_PL"

AGAIN = timedelta(hours=1)
"""When things are asked for again after one of them could not be had."""
ROOM = 4096

_Shape = Mapping[str, Any] | None
_POINT: _Shape = {
    "name": None,
    "type": None,
    "opening_hours": None,
    "location247": None,
    "location": {"latitude": None, "longitude": None},
    "address": {"line1": None, "line2": None},
}
_TRACKING: _Shape = {
    "tracking_number": None,
    "service": None,
    "status": None,
    "updated_at": None,
    "tracking_details": {"status": None, "datetime": None, "agency": None},
    "custom_attributes": {"target_machine_id": None, "target_machine_detail": _POINT},
}
_CASH: _Shape = {"amount": None, "currency": None}


class Api:
    """ShipX at one address, for one organization or for none."""

    def __init__(self, client: httpx.AsyncClient, url: str, token: str, organization: int | None) -> None:
        self._client, self._url = client, url.rstrip("/")
        self._token, self._organization = token, organization

    async def tracking(self, number: str) -> dict[str, Any] | None:
        """The part of the answer about one number that is stored; None for a number that InPost does not know, not
        yet, or no longer (it does not say which)."""
        return await self._found(f"/v1/tracking/{quote(number, safe='')}", _TRACKING)

    async def point(self, name: str) -> dict[str, Any]:
        """A point's own description, none where there is no such point. Assumed to have the shape that it has inside a
        tracking answer."""
        return await self._found(f"/v1/points/{quote(name, safe='')}", _POINT) or {}

    async def titles(self, language: str) -> dict[str, Any]:
        """Status → the carrier's title for it."""
        answer = await self._client.get(f"{self._url}/v1/statuses", params={"lang": language})
        items = fields(answer.json()).get("items")
        if not isinstance(items, list):
            raise UnreadableError("inpost: this is no list of statuses")
        return {name: text(fields(each).get("title")) for each in items if (name := text(fields(each).get("name")))}

    async def cash(self, number: str) -> dict[str, Any]:
        """Amount and currency of the cash on delivery of one of the organization's own parcels; none of others."""
        answer = await self._client.get(
            f"{self._url}/v1/organizations/{self._organization}/shipments",
            params={"tracking_number": number},
            headers={"Authorization": f"Bearer {self._token}"},
        )
        items = fields(answer.json()).get("items")
        if not isinstance(items, list):
            raise UnreadableError("inpost: this is no list of shipments")
        own = (each for each in map(fields, items) if text(each.get("tracking_number")) == number)
        return next((dict(fields(kept(each.get("cod"), _CASH))) for each in own), {})

    async def _found(self, path: str, shape: _Shape) -> dict[str, Any] | None:
        answer = await self._client.get(self._url + path, extensions=expecting(404))
        if answer.status_code == httpx.codes.NOT_FOUND:
            if _is_absence(answer):
                return None
            # A wrong address answers so too, and would look as if no parcel were known.
            raise FailureError(Transient("InPost's 404 is not in its own form; is the url right?"), status=404)
        found = kept(answer.json(), shape)
        if not isinstance(found, dict):
            raise UnreadableError("inpost: the answer is no object")
        return found


def _is_absence(answer: httpx.Response) -> bool:
    try:
        return fields(read_json(answer.content)).get("error") == ABSENT
    except UnreadableError:
        return False


def kept(value: Any, shape: _Shape) -> Any:
    """The part of an answer that is stored: the fields of the shape, and of those only plain values and lists."""
    if isinstance(value, list):
        return [kept(each, shape) for each in value]
    if shape is None:
        return value if isinstance(value, str | int | float) else None
    if not isinstance(value, dict):
        return None
    return {name: kept(value[name], part) for name, part in shape.items() if name in value}


@dataclass(frozen=True, slots=True)
class _Known:
    """What was told of one thing, and until when it is believed."""

    until: datetime
    told: Mapping[str, Any] = field(default_factory=dict)


class Aside:
    """Answers to one kind of question that is asked beside the tracking. What was known outlives a failure, and after
    one nothing is asked for `AGAIN`."""

    def __init__(self, clock: Clock, ask: Callable[[str], Awaitable[Mapping[str, Any]]], fresh: timedelta) -> None:
        self._clock, self._ask, self._fresh = clock, ask, fresh
        self._known: dict[str, _Known] = {}
        self._rests_until: datetime | None = None

    async def of(self, key: str) -> Mapping[str, Any]:
        """What is known of it; nothing where that could not be learnt."""
        now = self._clock.now()
        known = self._known.get(key)
        rests = self._rests_until is not None and now < self._rests_until
        if not rests and (known is None or known.until <= now):
            try:
                known = self._keep(key, _Known(now + self._fresh, await self._ask(key)))
            except (FailureError, UnreadableError) as failure:
                log.info("something beside the tracking is not known: %s", failure)
                self._rests_until = now + AGAIN
        return known.told if known else {}

    def _keep(self, key: str, known: _Known) -> _Known:
        self._known.pop(key, None)
        while len(self._known) >= ROOM:
            del self._known[next(iter(self._known))]
        self._known[key] = known
        return known
