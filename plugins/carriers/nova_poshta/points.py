"""Hours and coordinates of pickup points: a second call for each (`Address.getWarehouses`), kept in memory.

What is asked here is a kindness to the customer. It never delays tracking by much and never fails it.
"""

import asyncio
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hub.plugin import Clock, FailureError

from .asking import Api
from .reading import text

log = logging.getLogger(__name__)

FRESH = timedelta(days=1)
"""How long what is known of a point is believed."""
AGAIN = timedelta(hours=1)
"""When a point is asked about again that could not be told of."""
ROUND = timedelta(seconds=5)
"""How long one round of tracking asks about points, a second for each: meanwhile the key is asked nothing else."""
ROOM = 4096

_REF = re.compile(r"[0-9A-Za-z-]{1,64}")
_FIELDS = ("Latitude", "Longitude")


@dataclass(frozen=True, slots=True)
class _Known:
    """The fields of one point, none where it could not be told of, and when to ask again."""

    until: datetime
    fields: dict[str, Any] = field(default_factory=dict)


class Points:
    """What one key has learnt of the carrier's branches and lockers."""

    def __init__(self, api: Api, clock: Clock) -> None:
        self._api, self._clock = api, clock
        self._known: dict[str, _Known] = {}

    async def of(self, refs: Sequence[str]) -> Mapping[str, dict[str, Any]]:
        """Ref → `{"Ref", "Schedule": {day: hours}, "Latitude", "Longitude"}`, for those of `refs` that are known. What
        one round has no time for, the next one asks."""
        now = self._clock.now()
        wanted = [each for each in dict.fromkeys(refs) if _REF.fullmatch(each)]
        old = [each for each in wanted if each not in self._known or self._known[each].until <= now]
        try:
            async with asyncio.timeout(ROUND.total_seconds()):
                for ref in old:
                    self._fail(ref)  # until it has answered: one that hangs must not be the first of every round
                    await self._ask(ref)
        except FailureError as failure:  # the others fare no better now
            log.info("hours of a pickup point are not known: %s", failure)
        except TimeoutError:
            log.debug("hours of %d pickup points wait for the next round", len(old))
        return {each: self._known[each].fields for each in wanted if each in self._known and self._known[each].fields}

    async def _ask(self, ref: str) -> None:
        """Learn of one point."""
        reply = await self._api.call("Address", "getWarehouses", {"Ref": ref})
        found = next((_kept(each) for each in reply.items if text(each.get("Ref")) == ref), {})
        self._keep(ref, _Known(self._clock.now() + (FRESH if found else AGAIN), found))

    def _fail(self, ref: str) -> None:
        """Ask again later; what was known before stands."""
        before = self._known.get(ref)
        self._keep(ref, _Known(self._clock.now() + AGAIN, before.fields if before else {}))

    def _keep(self, ref: str, known: _Known) -> None:
        self._known.pop(ref, None)
        while len(self._known) >= ROOM:
            del self._known[next(iter(self._known))]
        self._known[ref] = known


def _kept(item: dict[str, Any]) -> dict[str, Any]:
    """The part of an item that is stored with a parcel."""
    schedule = item.get("Schedule")
    days = {day: text(hours) for day, hours in schedule.items()} if isinstance(schedule, dict) else {}
    return {"Ref": text(item.get("Ref")), "Schedule": days, **{name: text(item.get(name)) for name in _FIELDS}}
