"""Reading what SMSAPI says: the outcome of a send, receipts, and what customers answer. Pure."""

import logging
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from hub.model import ChannelClosed, ChannelRecord, Receipt, ReceiptState, Reply
from hub.plugin import Accepted, Outcome, Raw, Unknown, UnreadableError, digest, e164

from .statuses import NAMES, NOT_SMSAPI, RECEIPTS, START, STOP, STRANGER, verdict

log = logging.getLogger(__name__)

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_KEY = re.compile(r"[0-9a-f]{32}")
_TIME = re.compile(r"[0-9]{1,11}")

REPORT = ("MsgId", "status", "status_name", "idx", "donedate")
"""What is kept of a receipt; number, sender, points and network say nothing that the hub needs."""
ANSWER = ("MsgId", "sms_from", "sms_to", "sms_text", "sms_date")
"""What is kept of a customer's answer. From general knowledge of SMSAPI's two-way numbers: the dossier is silent."""


def error_of(body: Any) -> int | None:
    """The error code in an answer, None where there is none."""
    code = body.get("error") if isinstance(body, dict) else None
    if isinstance(code, str) and re.fullmatch(r"[0-9]{1,6}", code):
        return int(code)
    return code if isinstance(code, int) and not isinstance(code, bool) and 0 < code < 10**6 else None


def outcome(status: int, body: Any, now: datetime) -> Outcome:
    """What an answer to `sms.do` means; `body` None: it could not be read."""
    code = error_of(body)
    if code is not None:
        return verdict(code, now)
    if status >= 400:
        return STRANGER.get(status, NOT_SMSAPI)
    match body:
        case {"list": [{"id": str(found)} as one, *_]} if _ID.fullmatch(found):
            inner = error_of(one)
            if inner is not None:
                return verdict(inner, now)
            _note(one)
            return Accepted(found)
        case {"list": [dict(one), *_]} if (inner := error_of(one)) is not None:
            return verdict(inner, now)
    return Unknown("SMSAPI's answer could not be read")


def _note(one: Mapping[str, Any]) -> None:
    """What it cost; an outcome has no room for that."""
    parts, points = one.get("parts"), one.get("points")
    if isinstance(parts, int) and isinstance(points, int | float):
        log.info("smsapi: a message of %d parts for %s points", parts, points)


def events(fields: Mapping[str, str], now: datetime) -> Sequence[Raw]:
    """The events of a call to our address: an answer, or receipts, of which several may come at once, separated by
    commas. What cannot be told apart stays one event, that nobody can read."""
    if "sms_from" in fields:
        return [_raw({name: fields[name] for name in ANSWER if name in fields}, "answer", now)]
    if not fields.get("MsgId"):
        return []
    columns = {name: fields[name].split(",") for name in REPORT if name in fields}
    size = len(columns["MsgId"])
    if any(len(values) != size for values in columns.values()):
        return [_raw({name: fields[name] for name in columns}, "receipts", now)]
    reports = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    told = {digest(each): each for each in reports}
    return [_raw(each, "receipt", now) for each in told.values()]


def _raw(body: Mapping[str, str], topic: str, now: datetime) -> Raw:
    message_id = body.get("MsgId", "")
    subject = f"message:{message_id}" if topic == "receipt" and _ID.fullmatch(message_id) else "message:none"
    at = _time(body.get("donedate", body.get("sms_date"))) or now
    return Raw(dict(body), subject=subject, dedupe_key=digest("smsapi", body), topic=topic, occurred_at=at)


def read(raw: Raw, country: str) -> Sequence[ChannelRecord]:
    """The records of an event; `UnreadableError` for what is none."""
    body = raw.body
    if not isinstance(body, dict) or not all(isinstance(each, str) for each in body.values()):
        raise UnreadableError("smsapi: this is neither a receipt nor an answer")
    return _answer(body, raw, country) if "sms_from" in body else _receipt(body, raw)


def _receipt(body: Mapping[str, str], raw: Raw) -> Sequence[ChannelRecord]:
    message_id, status, idx = (body.get(name, "") for name in ("MsgId", "status", "idx"))
    if not _ID.fullmatch(message_id) or status not in RECEIPTS:
        raise UnreadableError("smsapi: a receipt without a message or with a status that nobody knows")
    state = RECEIPTS[status]
    if state is None:
        return ()
    key = idx if _KEY.fullmatch(idx) else ""
    reason = f"SMSAPI: {NAMES[status]}" if state is ReceiptState.FAILED else ""
    return (Receipt(state, _when(body, "donedate", raw), key=key, provider_id=message_id, reason=reason),)


def _answer(body: Mapping[str, str], raw: Raw, country: str) -> Sequence[ChannelRecord]:
    address = e164(body["sms_from"], country)
    if address is None:
        raise UnreadableError("smsapi: an answer from nobody's number")
    text, at = body.get("sms_text", ""), _when(body, "sms_date", raw)
    word = text.strip(" \t\r\n.!?\"'").casefold()
    if word not in STOP | START:
        return (Reply(address, text, at, event_id=raw.dedupe_key),) if text.strip() else ()
    reason = "start" if word in START else "stop"
    return (ChannelClosed(address=address, at=at, reason=reason, open=word in START, word=True),)


def _when(body: Mapping[str, str], name: str, raw: Raw) -> datetime:
    at = _time(body.get(name)) or raw.occurred_at
    if at is None:
        raise UnreadableError("smsapi: it does not say when")
    return at


def _time(text: str | None) -> datetime | None:
    if text is None or not _TIME.fullmatch(text):
        return None
    try:
        return datetime.fromtimestamp(int(text), UTC)
    except (ValueError, OverflowError, OSError):
        return None
