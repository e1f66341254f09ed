"""Talking to the Admin API: the token, the one endpoint, and what its refusals mean."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import httpx

from hub.plugin import Clock, Config, FailureError, Permanent, Transient, Unknown, UnreadableError, expecting, read_json

from ._fields import Body, as_body

TOKEN_MARGIN = timedelta(minutes=5)
_LONGEST_WAIT = timedelta(hours=1)

STATUSES: Mapping[int, str] = {
    401: "the access token was refused",
    402: "the shop is frozen",
    403: "the app may not do this, or the shop is closed",
    404: "no such shop or API version",
    423: "the shop is locked",
}
"""HTTP statuses that a person has to put right (they pause the connection)."""

CODES: Mapping[str, tuple[type[Config] | type[Transient] | type[Permanent], str]] = {
    "ACCESS_DENIED": (Config, "access denied: a scope or the permission for customer data is missing"),
    "SHOP_INACTIVE": (Config, "the shop is not active"),
    "INTERNAL_SERVER_ERROR": (Transient, "trouble on Shopify's side"),
    "MAX_COST_EXCEEDED": (Permanent, "the query is too costly"),
    "THROTTLED": (Transient, "throttled"),
}
"""`extensions.code` of a GraphQL error; any other is our own query's fault and stays."""


class TooCostlyError(FailureError):
    """The query costs more than a single one may: ask for less at once."""


class Api:
    """One shop's Admin API. The token lives in memory only; it is renewed before it ends, and once when refused."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        clock: Clock,
        *,
        url: str,
        version: str,
        credentials: Mapping[str, str],
        token: str,
    ) -> None:
        self._client = client
        self._clock = clock
        self._url = url.rstrip("/")
        self._version = version
        self._credentials = credentials
        self._fixed = token
        self._token = token
        self._ends_at: datetime | None = None
        self._renewing = asyncio.Lock()
        self.served = version
        """The version that really answered: an expired one is silently served by the oldest that is supported."""

    async def read(self, document: str, variables: Mapping[str, Any] | None = None) -> Body:
        """The `data` of a query."""
        return await self._ask(document, variables or {}, safe=True)

    async def change(self, document: str, variables: Mapping[str, Any], name: str) -> Body:
        """The payload of the mutation `name`; its user errors are a `FailureError` (Permanent)."""
        answer = await self._ask(document, variables, safe=False)
        with as_documented(Unknown):
            payload = answer.needed(name)
            found = payload.items("userErrors") or payload.items("orderCancelUserErrors")
            said = "; ".join(each.text("message")[:120] for each in found[:3])
        if found:
            raise FailureError(Permanent(f"shopify: {name}: {said}"))
        return payload

    async def _ask(self, document: str, variables: Mapping[str, Any], *, safe: bool) -> Body:
        answer = await self._post(document, variables, await self._valid_token(), safe=safe)
        if answer.status_code == 401 and not self._fixed:
            refused = answer.request.headers["x-shopify-access-token"]
            answer = await self._post(document, variables, await self._valid_token(refused), safe=safe)
        self.served = answer.headers.get("x-shopify-api-version", self._version)[:20]
        if answer.status_code in STATUSES:
            raise FailureError(Config(f"shopify: {STATUSES[answer.status_code]}"), status=answer.status_code)
        with as_documented(Transient if safe else Unknown):
            return self._data(as_body(read_json(answer.content), "answer"), safe=safe)

    async def _post(self, document: str, variables: Mapping[str, Any], token: str, *, safe: bool) -> httpx.Response:
        return await self._client.post(
            f"{self._url}/admin/api/{self._version}/graphql.json",
            json={"query": document, "variables": variables},
            headers={"X-Shopify-Access-Token": token},
            extensions=expecting(*STATUSES, safe=safe),
        )

    def _data(self, answer: Body, *, safe: bool) -> Body:
        if answer.value.get("errors"):
            raise self._failure(answer, safe=safe)
        return answer.needed("data")

    def _failure(self, answer: Body, *, safe: bool) -> FailureError:
        errors = answer.value["errors"]
        first = errors[0] if isinstance(errors, list) and isinstance(errors[0], dict) else {}
        extensions = first.get("extensions")
        code = str(extensions.get("code", "")) if isinstance(extensions, dict) else ""
        kind, text = CODES.get(code, (Permanent, f"the query was refused ({code[:40] or 'no code'})"))
        reason = f"shopify: {text}"
        if code == "MAX_COST_EXCEEDED":
            return TooCostlyError(Permanent(reason))
        if code == "THROTTLED":
            return FailureError(Transient(reason, self._clock.now() + _wait(answer)))
        if kind is Transient and not safe:
            return FailureError(Unknown(reason))
        return FailureError(kind(reason))

    async def _valid_token(self, refused: str = "") -> str:
        """A token that is not about to end, and is not the one just refused."""
        if self._fixed:
            return self._fixed
        async with self._renewing:
            ends_at = self._ends_at
            if self._token and self._token != refused and ends_at and self._clock.now() < ends_at - TOKEN_MARGIN:
                return self._token
            self._token, self._ends_at = await self._grant()
            return self._token

    async def _grant(self) -> tuple[str, datetime]:
        """Client credentials: a token for 24 hours, and no refresh token. A repeat does no harm."""
        answer = await self._client.post(
            f"{self._url}/admin/oauth/access_token",
            json={**self._credentials, "grant_type": "client_credentials"},
            extensions=expecting(400, *STATUSES, safe=True),
        )
        if answer.status_code != 200:
            why = STATUSES.get(answer.status_code, "") if answer.status_code in (402, 404, 423) else ""
            raise FailureError(
                Config(f"shopify: {why or 'the client id or secret was refused'}"), status=answer.status_code
            )
        with as_documented():
            body = as_body(read_json(answer.content), "answer")
            token, seconds = body.text("access_token"), body.count("expires_in")
            if not token:
                raise body.wrong("access_token", "is missing")
        return token, self._clock.now() + timedelta(seconds=int(seconds if seconds is not None else 86_399))


@contextmanager
def as_documented(outcome: type[Transient] | type[Unknown] = Transient) -> Iterator[None]:
    """An answer that is not as documented is a failure; it says where, and nothing of what stood there."""
    try:
        yield
    except UnreadableError as error:
        raise FailureError(outcome(f"shopify: the answer is not readable ({error})")) from None


def _wait(answer: Body) -> timedelta:
    """`(requestedQueryCost - currentlyAvailable) / restoreRate` seconds, and at least one."""
    cost = _at(answer.value, "extensions", "cost")
    asked = _figure(cost, "requestedQueryCost")
    status = _at(cost, "throttleStatus")
    missing, rate = asked - _figure(status, "currentlyAvailable"), _figure(status, "restoreRate")
    return min(max(timedelta(seconds=missing / rate if rate > 0 else 1), timedelta(seconds=1)), _LONGEST_WAIT)


def _at(value: Any, *names: str) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _figure(value: Any, name: str) -> float:
    found = _at(value, name)
    return float(found) if isinstance(found, int | float) and abs(found) < 1e9 else 0.0
