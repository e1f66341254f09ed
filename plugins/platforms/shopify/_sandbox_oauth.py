"""The fake shop's tokens: the four grants, rotating refresh tokens, and ends by the clock."""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from hub.clock import Clock

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"
OFFLINE = "urn:shopify:params:oauth:token-type:offline-access-token"

_DAY = timedelta(seconds=86_399)
_HOUR = timedelta(hours=1)
_REFRESH = timedelta(days=90)


class GrantError(Exception):
    """A token is refused, with OAuth's word for it."""


@dataclass(slots=True)
class _Refresh:
    ends_at: datetime
    replaced_by: str = ""
    used: bool = False


class Tokens:
    """What was handed out, and until when it is good."""

    def __init__(self, clock: Clock, shop: str, client_id: str, client_secret: str, scope: str) -> None:
        self._clock, self._shop, self._scope = clock, shop, scope
        self.client_id, self.client_secret = client_id, client_secret
        self._good: dict[str, datetime | None] = {}
        self._refresh: dict[str, _Refresh] = {}
        self._codes: set[str] = set()

    def permanent(self) -> str:
        """The token of an old custom app: it does not end."""
        token = f"shpat_{secrets.token_hex(16)}"
        self._good[token] = None
        return token

    def revoke_all(self) -> None:
        """Every token is refused from now on."""
        self._good.clear()

    def good(self, token: str | None) -> bool:
        if token is None or token not in self._good:
            return False
        ends_at = self._good[token]
        return ends_at is None or self._clock.now() < ends_at

    def grant(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a token call; `GrantError` when it is refused."""
        secret = str(asked.get("client_secret"))
        if asked.get("client_id") != self.client_id or not _same(secret, self.client_secret):
            raise GrantError("invalid_client")
        kind = str(asked.get("grant_type") or "authorization_code")
        if kind == "client_credentials":
            return {"access_token": self._issue(_DAY), "scope": self._scope, "expires_in": 86_399}
        if kind == "refresh_token":
            return self._refreshed(str(asked.get("refresh_token")))
        if kind == EXCHANGE:
            return self._exchanged(asked)
        if kind == "authorization_code" and asked.get("code") in self._codes:
            self._codes.discard(str(asked["code"]))
            return self._offline(expiring=str(asked.get("expiring")) == "1")
        raise GrantError("invalid_request")

    def _issue(self, lasts: timedelta | None) -> str:
        token = f"shpat_{secrets.token_hex(16)}"
        self._good[token] = None if lasts is None else self._clock.now() + lasts
        return token

    def _offline(self, *, expiring: bool) -> dict[str, Any]:
        if not expiring:
            return {"access_token": self._issue(None), "scope": self._scope}
        return self._pair()

    def _pair(self) -> dict[str, Any]:
        refresh = f"shprt_{secrets.token_hex(16)}"
        self._refresh[refresh] = _Refresh(self._clock.now() + _REFRESH)
        return {
            "access_token": self._issue(_HOUR),
            "scope": self._scope,
            "expires_in": 3600,
            "refresh_token": refresh,
            "refresh_token_expires_in": int(_REFRESH.total_seconds()),
        }

    def _refreshed(self, given: str) -> dict[str, Any]:
        """Rotates; the previous one stays good until the new one is used for the first time."""
        known = self._refresh.get(given)
        if known is None or self._clock.now() >= known.ends_at:
            raise GrantError("invalid_grant")
        replacement = self._refresh.get(known.replaced_by)
        if replacement is not None and replacement.used:
            raise GrantError("invalid_grant")
        known.used = True
        answer = self._pair()
        known.replaced_by = answer["refresh_token"]
        return answer

    def _exchanged(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        if asked.get("subject_token_type") != ID_TOKEN or asked.get("requested_token_type") != OFFLINE:
            raise GrantError("invalid_request")
        if not self._believes(str(asked.get("subject_token"))):
            raise GrantError("invalid_subject_token")
        return self._offline(expiring=str(asked.get("expiring")) == "1")

    def session_token(self) -> str:
        """What App Bridge gives an embedded app: a JWT of this shop, good for a minute."""
        ends = int((self._clock.now() + timedelta(minutes=1)).timestamp())
        head = _b64(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
        claims = {"aud": self.client_id, "dest": f"https://{self._shop}", "exp": ends}
        body = f"{head}.{_b64(json.dumps(claims).encode())}"
        return f"{body}.{_b64(self._mac(body.encode()))}"

    def _believes(self, token: str) -> bool:
        body, _, signature = token.rpartition(".")
        if not _same(_b64(self._mac(body.encode())), signature):
            return False
        claims = json.loads(base64.urlsafe_b64decode(body.partition(".")[2] + "=="))
        return bool(claims["aud"] == self.client_id and claims["exp"] > self._clock.now().timestamp())

    def authorize(self, redirect_uri: str, state: str) -> str:
        """The merchant agrees: where the browser is sent, signed in hex over the sorted parameters."""
        code = secrets.token_hex(16)
        self._codes.add(code)
        stamp = str(int(self._clock.now().timestamp()))
        said = {"code": code, "host": _b64(self._shop.encode()), "shop": self._shop, "state": state, "timestamp": stamp}
        return f"{redirect_uri}?{urlencode({**said, 'hmac': self.callback_hmac(said)})}"

    def callback_hmac(self, said: Mapping[str, str]) -> str:
        """`k=v&k=v`, sorted by key, without `hmac` itself."""
        message = "&".join(f"{name}={said[name]}" for name in sorted(said) if name != "hmac")
        return self._mac(message.encode()).hex()

    def _mac(self, message: bytes) -> bytes:
        return hmac.new(self.client_secret.encode(), message, hashlib.sha256).digest()


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
