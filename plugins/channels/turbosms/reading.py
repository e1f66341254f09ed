"""Reading what TurboSMS says: the outcome of a send, and receipts asked for or called in. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeGuard
from zoneinfo import ZoneInfo

from hub.model import Receipt, ReceiptState
from hub.plugin import Accepted, Config, Duplicate, Outcome, Raw, Unknown, UnreadableError, digest

from .statuses import REPEATED, SUCCESS, state_of, verdict

KYIV = ZoneInfo("Europe/Kyiv")
"""In which TurboSMS tells the time (a client says so; the page does not)."""

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_NAME = re.compile(r"[A-Z0-9_]{1,64}")


@dataclass(frozen=True, slots=True)
class Answered:
    """TurboSMS's envelope."""

    code: int
    name: str
    result: Any


def read_answer(body: Any) -> Answered | None:
    """The envelope; None where something else answered."""
    if not isinstance(body, dict) or not _is_code(body.get("response_code")):
        return None
    return Answered(body["response_code"], _name(body), body.get("response_result"))


def outcome(answered: Answered, number: str) -> Outcome:
    """What became of the message to `number` (digits)."""
    if answered.code not in SUCCESS and answered.code != REPEATED:
        return verdict(answered.code, answered.name)
    found = _element(answered.result, number)
    if answered.code == REPEATED and found is None:
        return Duplicate()
    one = _one(found) if found is not None else Unknown("TurboSMS did not say what became of the message")
    return Duplicate(one.provider_id) if answered.code == REPEATED and isinstance(one, Accepted) else one


def _element(result: Any, number: str) -> dict[str, Any] | None:
    """What is said of this number; where one thing alone is said, it is said of this number."""
    said = [each for each in result if isinstance(each, dict)] if isinstance(result, list) else []
    mine = [each for each in said if each.get("phone") == number] or (said if len(said) == 1 else [])
    return mine[0] if mine else None


def _one(element: dict[str, Any]) -> Outcome:
    if _is_id(element.get("message_id")):
        return Accepted(element["message_id"])
    code = element.get("response_code")
    if not _is_code(code) or code in SUCCESS:
        return Unknown("TurboSMS took the message and gave it no id")
    return verdict(code, _name(element))


def refusal(answered: Answered) -> Outcome:
    """What a call that is not a send fails with."""
    if answered.code in SUCCESS:
        return Config("TurboSMS's answer is not what was asked for")
    return verdict(answered.code, answered.name)


def callback(event: dict[str, Any], now: datetime) -> Raw:
    """A callback as an event. Signed is its id alone, so the id makes the key: whatever message the first one names is
    the one it speaks of, and the same signature with another message does nothing."""
    told = event.get("data")
    told = told if isinstance(told, dict) else {}
    key = digest("turbosms", "callback", str(event.get("id")))
    kind = event.get("type")
    return Raw(
        event,
        subject=_subject(told),
        dedupe_key=key,
        topic=kind[:32] if isinstance(kind, str) else "",
        occurred_at=_time(told.get("dlr_date")) or now,
    )


def statuses(result: Any, asked: Sequence[str]) -> Sequence[dict[str, Any]]:
    """The statuses told of the messages that were asked about."""
    told = [each for each in result if isinstance(each, dict)] if isinstance(result, list) else []
    return [each for each in told if _is_id(each.get("message_id")) and each["message_id"] in asked]


def polled(status: dict[str, Any], now: datetime) -> Raw:
    """A status that was asked for, as an event."""
    key = digest("turbosms", "status", status["message_id"], word_of(status))
    return Raw(
        status,
        subject=_subject(status),
        dedupe_key=key,
        topic="status",
        occurred_at=_time(status.get("updated")) or now,
    )


def word_of(status: dict[str, Any]) -> str:
    """The status word, or empty."""
    word = status.get("status")
    return word if isinstance(word, str) else ""


def receipts(raw: Raw) -> Sequence[Receipt]:
    """The receipt in an event; none while the message is under way. `UnreadableError` for what is no status."""
    body = raw.body
    if not isinstance(body, dict):
        raise UnreadableError("turbosms: this is no status")
    told, when = (body["data"], "dlr_date") if isinstance(body.get("data"), dict) else (body, "updated")
    if not _is_id(told.get("message_id")) or not word_of(told):
        raise UnreadableError("turbosms: a status without its message or its word")
    state = state_of(word_of(told))
    if state is None:
        return ()
    at = _time(told.get(when)) or raw.occurred_at
    if at is None:
        raise UnreadableError("turbosms: a status without a time")
    reason = f"TurboSMS: {word_of(told).strip().casefold()}" if state is ReceiptState.FAILED else ""
    return (Receipt(state, at, provider_id=told["message_id"], reason=reason),)


def _subject(told: dict[str, Any]) -> str:
    return f"message:{told['message_id']}" if _is_id(told.get("message_id")) else "message:none"


def _time(text: Any) -> datetime | None:
    if not isinstance(text, str) or not _TIME.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=KYIV).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _name(said: dict[str, Any]) -> str:
    name = said.get("response_status")
    return name if isinstance(name, str) and _NAME.fullmatch(name) else ""


def _is_code(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10_000


def _is_id(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and _ID.fullmatch(value) is not None
