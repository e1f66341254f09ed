"""Who asks: the key in the header or in the address over HTTPS, or a request signed with OAuth 1.0a over plain HTTP."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import quote


def by_header(authorization: str, key: str, secret: str) -> bool:
    word, _, given = authorization.partition(" ")
    wanted = base64.b64encode(f"{key}:{secret}".encode()).decode()
    return word.lower() == "basic" and hmac.compare_digest(given.strip(), wanted)


def by_query(params: Mapping[str, str], key: str, secret: str) -> bool:
    given = (params.get("consumer_key", ""), params.get("consumer_secret", ""))
    return hmac.compare_digest(given[0], key) and hmac.compare_digest(given[1], secret)


def by_oauth(method: str, url: str, params: Mapping[str, str], key: str, secret: str) -> bool:
    """One-legged: there is no token, and the key of the HMAC ends with an ampersand."""
    kind = {"HMAC-SHA256": hashlib.sha256, "HMAC-SHA1": hashlib.sha1}.get(params.get("oauth_signature_method", ""))
    if kind is None or params.get("oauth_consumer_key") != key:
        return False
    pairs = sorted((_quoted(name), _quoted(value)) for name, value in params.items() if name != "oauth_signature")
    query = "&".join(f"{name}={value}" for name, value in pairs)
    base = "&".join((method, _quoted(url), _quoted(query)))
    wanted = base64.b64encode(hmac.new(f"{secret}&".encode(), base.encode(), kind).digest()).decode()
    return hmac.compare_digest(params.get("oauth_signature", ""), wanted)


def _quoted(text: str) -> str:
    return quote(text, safe="~")
