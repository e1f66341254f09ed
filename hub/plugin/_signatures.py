"""Helpers for verifying webhooks and for making dedupe keys."""

import base64
import binascii
import hashlib
import hmac
import json
from typing import Any, Literal

from ._outcomes import RefusedError, UnreadableError
from ._webhook import WebhookRequest

MAX_DEPTH = 64


def verify_hmac(
    request: WebhookRequest,
    *,
    secret: str | tuple[str, ...],
    header: str,
    encoding: Literal["hex", "base64"] = "hex",
    algorithm: Literal["sha256", "sha1", "sha512"] = "sha256",
    prefix: str = "",
) -> None:
    """Refuse the request unless `header` holds the HMAC of the raw body under the secret (or one of several)."""
    given = request.header(header)
    if given is None or not given.startswith(prefix):
        raise RefusedError("no signature")
    try:
        claimed = _decode(given[len(prefix) :], encoding)
    except (ValueError, binascii.Error) as error:
        raise RefusedError("signature unreadable") from error
    secrets = (secret,) if isinstance(secret, str) else secret
    good = [
        hmac.compare_digest(hmac.new(each.encode(), request.body, algorithm).digest(), claimed)
        for each in secrets
        if each.strip()
    ]
    if not any(good):
        raise RefusedError("wrong signature")


def _decode(text: str, encoding: str) -> bytes:
    if encoding == "hex":
        return bytes.fromhex(text) if text == text.strip().lower() else b""
    decoded = base64.b64decode(text, validate=True)
    if base64.b64encode(decoded).decode() != text:
        raise ValueError("not canonical base64")
    return decoded


def same_secret(given: str | None, secret: str) -> bool:
    """Whether a plain shared secret came back, compared in constant time; an empty secret never matches."""
    return bool(secret.strip()) and given is not None and hmac.compare_digest(given.encode(), secret.encode())


def digest(*parts: Any) -> str:
    """A dedupe key: 40 hex digits of the SHA-256 over the parts (bytes as they are, all else as canonical JSON)."""
    total = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else json.dumps(part, sort_keys=True, ensure_ascii=False).encode()
        total.update(len(data).to_bytes(8, "big") + data)
    return total.hexdigest()[:40]


def read_json(body: bytes) -> Any:
    """Untrusted JSON, with floats as text kept exact (as `Decimal`-ready strings are not needed: ids are never floats).

    Refused with `UnreadableError`: not UTF-8, not JSON, nested deeper than 64, NaN and infinities, lone surrogates,
    keys given twice, integers of more than 1,000 digits.
    """
    try:
        text = body.decode("utf-8-sig" if body.startswith(b"\xef\xbb\xbf") else "utf-8")
        value = json.loads(text, parse_constant=_no_constant, parse_float=_finite, object_pairs_hook=_once)
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"not readable JSON: {type(error).__name__}") from None
    if _depth(value) > MAX_DEPTH:
        raise UnreadableError(f"JSON nested deeper than {MAX_DEPTH}")
    return value


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError("number too large")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key comes twice")
    return found


def _depth(value: Any) -> int:
    level, here = 0, [value]
    while here:
        level += 1
        here = [
            child
            for each in here
            if isinstance(each, dict | list)
            for child in (each.values() if isinstance(each, dict) else each)
        ]
    return level
