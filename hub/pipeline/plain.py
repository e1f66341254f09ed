"""Values that conditions and templates read, as JSON: times, amounts and lengths keep their kind."""

import hashlib
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from hub.clock import aware


def to_plain(value: Any) -> Any:
    """A JSON value; `from_plain` gives back an equal one."""
    match value:
        case datetime():
            return {"$time": aware(value).isoformat()}
        case Decimal():
            return {"$amount": str(value)}
        case timedelta():
            return {"$length": value.total_seconds()}
        case dict():
            inner = {name: to_plain(each) for name, each in value.items()}
            # A map of somebody else's may have a key that looks like one of ours.
            return {"$map": inner} if any(str(name).startswith("$") for name in inner) else inner
        case list() | tuple():
            return [to_plain(each) for each in value]
        case _:
            return value


def from_plain(value: Any) -> Any:
    """The value again."""
    match value:
        case {"$map": dict(inner)}:
            return {name: from_plain(each) for name, each in inner.items()}
        case {"$time": text}:
            return datetime.fromisoformat(text)
        case {"$amount": text}:
            return Decimal(text)
        case {"$length": seconds}:
            return timedelta(seconds=seconds)
        case dict():
            return {name: from_plain(each) for name, each in value.items()}
        case list():
            return [from_plain(each) for each in value]
        case _:
            return value


def key_of(*parts: object) -> str:
    """A key made of content: the SHA-256 of the parts, in hex."""
    total = hashlib.sha256()
    for part in parts:
        data = str(part).encode()
        total.update(len(data).to_bytes(4, "big") + data)
    return total.hexdigest()


def number_of(*parts: object) -> int:
    """A whole number made of content, for where an occurrence is asked for: 60 bits of the key."""
    return int(key_of(*parts)[:15], 16)


def attempt_key(message_key: str, connection: str) -> str:
    """The idempotency key of an attempt: 32 hex digits of the SHA-256 of (message, connection)."""
    return key_of(message_key, connection)[:32]


def receipt_subject(connection: str, provider_id: str) -> str:
    """What a receipt waits for that came before its attempt's outcome was recorded."""
    return f"receipt:{connection}:{provider_id}"
