"""How sandboxes send webhooks: exact bytes, a short time, no redirects, and repeats when the clock says so."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count

import httpx

from hub.clock import Clock

from ._ledger import Entry, Ledger

LONGEST = 5.0
"""Seconds a receiver has; Shopify gives five as well."""


@dataclass(frozen=True, slots=True)
class Delivery(Entry):
    """One try to deliver: `status` None and the class of the `error` where no answer came."""

    number: int
    attempt: int
    url: str
    status: int | None = None
    error: str = ""
    answer: str = ""

    @property
    def taken(self) -> bool:
        """Whether the receiver said 2xx."""
        return self.status is not None and 200 <= self.status <= 299


@dataclass(frozen=True, slots=True)
class _Pending:
    number: int
    url: str
    body: bytes
    headers: Mapping[str, str]
    attempt: int
    due_at: datetime


class WebhookSender:
    """Sends webhooks as one outside system does. `schedule`: the waits between its tries, in the clock's time; what is
    still refused after the last one is dropped, as real senders do. Tries stand in `ledger`. Close with `aclose()`.
    """

    def __init__(
        self, clock: Clock, *, schedule: Sequence[timedelta] = (), seconds: float = LONGEST, concurrency: int = 16
    ) -> None:
        self.ledger: Ledger[Delivery] = Ledger()
        self._clock = clock
        self._schedule = tuple(schedule)
        self.seconds = min(seconds, LONGEST)
        self._pending: list[_Pending] = []
        self._numbers = count(1)
        self._places = asyncio.Semaphore(concurrency)
        self._client = httpx.AsyncClient(timeout=None, follow_redirects=False, trust_env=False)

    def headers(self, body: bytes, number: int, attempt: int) -> Mapping[str, str]:
        """Headers of a try; a sender that signs overrides this."""
        return {"content-type": "application/json"}

    async def send(self, url: str, body: bytes, headers: Mapping[str, str] | None = None) -> Delivery:
        """Send these bytes now; what is not taken is tried again by `tick`. Never raises for what the receiver does."""
        return await self._try(_Pending(next(self._numbers), url, body, headers or {}, 1, self._clock.now()))

    async def tick(self) -> Sequence[Delivery]:
        """Try again all that is due at the clock's time."""
        now = self._clock.now()
        due = [each for each in self._pending if each.due_at <= now]
        self._pending = [each for each in self._pending if each.due_at > now]
        return await asyncio.gather(*(self._try(each) for each in due))

    def next_at(self) -> datetime | None:
        """When `tick` has something to do."""
        return min((each.due_at for each in self._pending), default=None)

    async def aclose(self) -> None:
        """Let go of connections; what is pending is dropped."""
        self._pending.clear()
        await self._client.aclose()

    async def _try(self, each: _Pending) -> Delivery:
        status, error, answer = await self._post(each)
        done = self.ledger.record(
            Delivery(self._clock.now(), each.number, each.attempt, each.url, status, error, answer)
        )
        if not done.taken and each.attempt <= len(self._schedule):
            due_at = self._clock.now() + self._schedule[each.attempt - 1]
            self._pending.append(replace(each, attempt=each.attempt + 1, due_at=due_at))
        return done

    async def _post(self, each: _Pending) -> tuple[int | None, str, str]:
        headers = {**self.headers(each.body, each.number, each.attempt), **each.headers}
        try:
            async with self._places, asyncio.timeout(self.seconds):
                answer = await self._client.post(each.url, content=each.body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            return None, type(error).__name__, ""
        return answer.status_code, "", answer.text[:200]
