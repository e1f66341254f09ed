"""Any HTTP endpoint that takes JSON: a CRM, a warehouse, an automation service. Each call is signed after Standard
Webhooks (standardwebhooks.com, specification 1.0), so that a receiver in any language can verify it with a library.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Self

import httpx
from pydantic import Field, SecretStr, field_validator, model_validator

from hub.plugin import (
    Clock,
    Config,
    FailureError,
    Limits,
    Permanent,
    Settings,
    Target,
    TargetAnswer,
    TargetCall,
    Transient,
    UnreadableError,
    expecting,
    hookimpl,
    path_mistake,
    read_json,
)

LARGEST = 64 * 1024
"""Bytes of an answer that are read."""
PREFIX = "whsec_"
BUSY = 409
"""What a receiver says while the same key is under way there (IETF draft on the Idempotency-Key header, 2.7)."""
_ADDRESS = re.compile(r"(https?)://([^\s/?#@\\]+)(/[^\s?#\\]*)?(\?[^\s#\\]*)?")


class HttpTargetSettings(Settings):
    """Settings of an HTTP target."""

    url: str = Field(
        repr=False,
        description="The address that takes the calls, with `https://`; one that is a secret is written `${NAME}`.",
    )
    secret: SecretStr | None = Field(
        None,
        description="What calls are signed with: `whsec_` and base64, or any text; without it they are not signed.",
    )
    private: bool = Field(
        False,
        description="Allow `http://` and addresses inside your own network; only for a receiver that you run yourself.",
    )

    @field_validator("url")
    @classmethod
    def _looks_right(cls, url: str) -> str:
        found = _ADDRESS.fullmatch(url)
        if found is None:
            raise ValueError("write an address such as https://crm.example/hooks, without a name or password in it")
        if mistake := path_mistake(found[3] or ""):
            raise ValueError(mistake)
        try:
            port = httpx.URL(url).port
        except httpx.InvalidURL:
            raise ValueError("write an address such as https://crm.example/hooks") from None
        if port is not None and not 0 < port < 65536:
            raise ValueError(f"a port is 1 to 65535, not {port}")
        return url

    @field_validator("secret")
    @classmethod
    def _is_usable(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None:
            signing_key(secret.get_secret_value())
        return secret

    @model_validator(mode="after")
    def _is_safe(self) -> Self:
        if not self.private and not self.url.startswith("https://"):
            raise ValueError("calls go by https:// only; `private: true` allows http:// inside your own network")
        return self


def signing_key(secret: str) -> bytes:
    """The key that a secret stands for; ValueError for one that is too short to prove anything or is not base64."""
    if not secret.startswith(PREFIX):
        key = secret.encode()
    else:
        try:
            text = secret.removeprefix(PREFIX)
            key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        except (ValueError, binascii.Error):
            raise ValueError(f"behind {PREFIX} stands base64, as the receiver's library gives it") from None
    if len(key) < 16:
        raise ValueError("a secret has at least 16 bytes; 24 to 64 are usual")
    return key


class HttpTarget(Target[HttpTargetSettings]):
    """One endpoint."""

    name = "http"
    label = "HTTP"
    settings_type = HttpTargetSettings
    limits = Limits(concurrency=4, timeout=timedelta(seconds=10), answer=LARGEST)

    def __init__(
        self, settings: HttpTargetSettings, client: httpx.AsyncClient, clock: Clock, *, connection: str = ""
    ) -> None:
        super().__init__(settings, client, clock, connection=connection)
        self._key = signing_key(settings.secret.get_secret_value()) if settings.secret is not None else None

    @classmethod
    def reaches_private(cls, settings: HttpTargetSettings) -> bool:
        return settings.private

    async def call(self, call: TargetCall) -> TargetAnswer:
        body = b"" if call.body is None else json.dumps(call.body, ensure_ascii=False, separators=(",", ":")).encode()
        headers = self._headers(call.key, body)
        # The key makes a repeat recognisable, so no call is one that must not be made twice.
        wish = expecting(BUSY, safe=True)
        try:
            answer = await self.client.request(
                call.method, self._url(call.path), content=body or None, headers=headers, extensions=wish
            )
        except FailureError as failure:
            raise _theirs(failure) from None
        if answer.status_code == BUSY:
            raise FailureError(Transient(f"{self.connection}: it is busy with the same call (409)"), status=BUSY)
        return _read(answer)

    def _headers(self, key: str, body: bytes) -> dict[str, str]:
        at = str(int(self.clock.now().timestamp()))
        headers = {"webhook-id": key, "webhook-timestamp": at}
        if body:
            headers["content-type"] = "application/json"
        if self._key is not None:
            mac = hmac.new(self._key, f"{key}.{at}.".encode() + body, hashlib.sha256)
            headers["webhook-signature"] = f"v1,{base64.b64encode(mac.digest()).decode()}"
        return headers

    def _url(self, path: str) -> str:
        if mistake := path_mistake(path):
            raise FailureError(Permanent(f"{self.connection}: {mistake}"))
        if not path.strip("/"):
            return self.settings.url
        address, mark, query = self.settings.url.partition("?")
        return f"{address.rstrip('/')}/{path.lstrip('/')}{mark}{query}"

    async def hello(self) -> str:
        """Whether somebody answers there; what is said to a question without a call does not matter."""
        try:
            answer = await self.client.head(self.settings.url, extensions=expecting(*range(300, 500)))
        except FailureError as failure:
            raise _theirs(failure) from None
        signed = "calls are signed" if self._key is not None else "calls are NOT signed: it has no secret"
        reach = "; it may lie inside your own network" if self.settings.private else ""
        return f"{answer.request.url.host} answers ({answer.status_code}); {signed}{reach}"


def _theirs(failure: FailureError) -> FailureError:
    """A refusal is an answer to this one call: it does not stop the others, as a fault of the connection would."""
    if isinstance(failure.outcome, Config) and failure.status is not None:
        return FailureError(Permanent(failure.outcome.reason), status=failure.status)
    return failure


def _read(answer: httpx.Response) -> TargetAnswer:
    text = answer.content.decode("utf-8", "replace")
    try:
        value: Any = read_json(answer.content) if answer.content else None
    except UnreadableError:
        value = None
    return TargetAnswer(answer.status_code, text, value)


@hookimpl
def adapters() -> Sequence[type[Target[Any]]]:
    """HTTP targets."""
    return [HttpTarget]


__all__ = ["HttpTarget", "HttpTargetSettings", "adapters", "signing_key"]
