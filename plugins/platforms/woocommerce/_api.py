"""Talking to one shop's REST interface: where it lies, who we are there, and what its refusals mean."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import httpx

from hub.plugin import Clock, Config, FailureError, Permanent, Transient, UnreadableError, expecting, read_json

NO_ROUTE = "rest_no_route"

REFUSALS: Mapping[int, tuple[type[Config] | type[Permanent], str]] = {
    400: (Permanent, "the shop refuses this"),
    401: (Config, "the consumer key was refused; make a new one in WooCommerce, Advanced, REST API"),
    403: (Config, "the key's user may not do this"),
    404: (Permanent, "there is no such thing there"),
    410: (Permanent, "it lies in the trash already"),
    501: (Permanent, "the shop does not do this"),
}
"""HTTP statuses that do not pass by themselves → outcome and words. All others are the HTTP client's business: 429,
5xx and time-outs pass, and so does an answer that is no JSON."""

FIREWALL = "a firewall or security plugin in front of the shop refuses us"
NO_API = "no REST interface answers there: permalinks may be plain (setting `plain_permalinks`), or WooCommerce is off"

_CODE = re.compile(r"[a-z0-9_]{1,80}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: for a refusal that the caller allowed only its `status` and `code`."""

    status: int
    code: str
    value: Any

    @property
    def refused(self) -> bool:
        return self.status in REFUSALS


class Api:
    """One shop. Whether it takes the key in the header or only in the address is found out once, and kept in memory."""

    def __init__(
        self, client: httpx.AsyncClient, clock: Clock, *, url: str, key: str, secret: str, plain_permalinks: bool
    ) -> None:
        self.host = urlsplit(url).netloc
        self._client = client
        self._clock = clock
        self._base = url.rstrip("/")
        self._plain = plain_permalinks
        self._login = (key, secret)
        self._in_query = False
        self._numbers = count(1)

    async def get(self, path: str, *, allow: tuple[int, ...] = (), **params: Any) -> Answer:
        """Ask. `allow`: refusals that the caller wants to see; every other raises `FailureError`."""
        # Caching plugins answer a GET from memory: a parameter that changes goes around them.
        params["_"] = f"{self._clock.now().timestamp():.0f}-{next(self._numbers)}"
        return await self._ask("GET", path, params, None, allow)

    async def change(self, method: str, path: str, body: Mapping[str, Any]) -> Any:
        """Write; gives the object as it is then."""
        return (await self._ask(method, path, {}, body, ())).value

    async def _ask(
        self, method: str, path: str, params: Mapping[str, Any], body: Any, allow: tuple[int, ...]
    ) -> Answer:
        response = await self._send(method, path, params, body, in_query=self._in_query)
        if response.status_code == 401 and not self._in_query:
            # Some hosts strip the header before WordPress sees it: once more, with the key in the address.
            response = await self._send(method, path, params, body, in_query=True)
            self._in_query = response.status_code != 401
        status, code = response.status_code, _code_of(response) if response.status_code in REFUSALS else ""
        if status in REFUSALS and status not in allow:
            raise self._refusal(status, code, response)
        return Answer(status, code, response.json() if status not in REFUSALS else None)

    async def _send(
        self, method: str, path: str, params: Mapping[str, Any], body: Any, *, in_query: bool
    ) -> httpx.Response:
        if self._plain:
            address, params = f"{self._base}/index.php", {"rest_route": f"/{path}", **params}
        else:
            address = f"{self._base}/wp-json/{path}"
        key, secret = self._login
        if in_query:
            params = {**params, "consumer_key": key, "consumer_secret": secret}
        return await self._client.request(
            method,
            address,
            params=dict(params),
            json=body,
            auth=None if in_query else (key, secret),
            extensions=expecting(*REFUSALS),
        )

    def _refusal(self, status: int, code: str, response: httpx.Response) -> FailureError:
        kind, text = REFUSALS[status]
        if status == 404 and (code == NO_ROUTE or not code):
            kind, text = Config, NO_API
        if status == 403 and not code:
            text = FIREWALL
        return FailureError(kind(f"woocommerce: {text}" + (f" ({code})" if code else "")), status=status)


@contextmanager
def as_documented() -> Iterator[None]:
    """An answer that is not as documented is a failure; it says where, and nothing of what stood there."""
    try:
        yield
    except UnreadableError as error:
        raise FailureError(Transient(f"woocommerce: the answer is not readable ({error})")) from None


def _code_of(response: httpx.Response) -> str:
    """WordPress's own word for an error; never its message, which may quote what was sent."""
    try:
        found = read_json(response.content)
    except UnreadableError:
        return ""
    code = found.get("code") if isinstance(found, dict) else None
    return code if isinstance(code, str) and _CODE.fullmatch(code) else ""
