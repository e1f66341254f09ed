"""Helpers for verifying webhooks and for making dedupe keys."""

import base64
import binascii
import hashlib
import hmac
import json
import re
from typing import Any, Literal

from ._outcomes import RefusedError, UnreadableError
from ._webhook import WebhookRequest

MAX_DEPTH = 64
MAX_DIGITS = 1000


def verify_hmac(
    request: WebhookRequest,
    *,
    secret: str | tuple[str, ...],
    header: str,
    encoding: Literal["hex", "base64"] = "hex",
    algorithm: Literal["sha256", "sha1", "sha512"] = "sha256",
    prefix: str = "",
) -> None:
    """Refuse the request unless `header` holds the HMAC of the raw body under the secret (or one of several, while
    they are exchanged). Blank secrets prove nothing and are passed over; hex is lower case; all is compared in constant
    time. A sender that treats its secret first (EasyPost: NFKD) is given the treated one.
    """
    secrets = [each for each in ((secret,) if isinstance(secret, str) else secret) if each.strip()]
    if not secrets:
        raise RefusedError("no secret is set")
    given = request.header(header)
    if given is None or not given.startswith(prefix):
        raise RefusedError("no signature")
    claimed = _decode(given[len(prefix) :], encoding)
    # A list, not a generator: how long it takes must not tell which of the secrets it was.
    good = [hmac.compare_digest(hmac.new(each.encode(), request.body, algorithm).digest(), claimed) for each in secrets]
    if not any(good):
        raise RefusedError("wrong signature")


_HEX = re.compile("[0-9a-f]*")


def _decode(text: str, encoding: str) -> bytes:
    """The bytes of a signature, from its one proper spelling."""
    try:
        if encoding == "hex":
            return bytes.fromhex(text) if _HEX.fullmatch(text) else b""
        decoded = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        raise RefusedError("signature unreadable") from None
    return decoded if base64.b64encode(decoded).decode() == text else b""


def same_secret(given: str | None, secret: str) -> bool:
    """Whether a plain shared secret came back, compared in constant time; an empty secret never matches."""
    if given is None or not secret.strip():
        return False
    return hmac.compare_digest(given.encode(errors="surrogatepass"), secret.encode(errors="surrogatepass"))


def digest(*parts: Any) -> str:
    """A dedupe key: 40 hex digits of the SHA-256 over the parts (bytes as they are, all else as canonical JSON).

    Different parts give different keys: each is marked with its sort and its length. TypeError for what is not JSON.
    """
    total = hashlib.sha256()
    for part in parts:
        sort, data = (b"b", part) if isinstance(part, bytes) else (b"j", json.dumps(part, sort_keys=True).encode())
        total.update(sort + len(data).to_bytes(8, "big") + data)
    return total.hexdigest()[:40]


def read_json(body: bytes) -> Any:
    """Untrusted JSON. Numbers with a point become floats, so ids and money that must stay exact come as text.

    Refused with `UnreadableError`: not UTF-8 (a byte order mark is passed over), not JSON, nested deeper than 64, NaN,
    infinities and what is too large for a float, lone surrogates, keys given twice, integers of more than 1,000 digits.
    """
    try:
        text = body.decode("utf-8-sig")
        value = json.loads(
            text, parse_constant=_no_constant, parse_float=_finite, parse_int=_whole, object_pairs_hook=_once
        )
        if "\\u" in text:  # only an escape can bring half of a pair
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"not readable JSON: {type(error).__name__}") from None
    if _depth(value) > MAX_DEPTH:
        raise UnreadableError(f"JSON nested deeper than {MAX_DEPTH}")
    return value


def _whole(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError("number too long")
    return int(text)


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
