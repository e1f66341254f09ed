"""Bounces: which attempt a mail that came back speaks of, and what it says.

An attempt is recognised by its token alone: the 32 hex digits of its key and 12 of an HMAC over them. It stands in the
envelope address (`b+token@bounces.shop.example`, VERP) and in the envelope id that servers repeat (RFC 3461); who does
not know the secret cannot make one.
"""

import email
import email.header
import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime

from hub.model import ChannelClosed, ChannelRecord, Receipt, ReceiptState
from hub.plugin import Raw, UnreadableError, digest

from ._address import BadAddressError, read_address
from .statuses import Kind, enhanced_rule

MAX_BYTES = 64 * 1024
"""What is kept of a mail that came in; a report stands before the returned original."""

MAX_PARTS = 40
MAX_TEXT = 16 * 1024

KEY_DIGITS, MAC_DIGITS = 32, 12

_KEY = re.compile(r"[0-9a-f]{32}")
_TOKEN = re.compile(r"(?<![0-9a-f])([0-9a-f]{32})([0-9a-f]{12})(?![0-9a-f])")
_CODE = re.compile(r"(?<![\d.])([45])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_NESTING = re.compile(rb"(?i)boundary|message/")
_ENVELOPE_HEADERS = ("To", "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "Cc")
_RETURNED_HEADERS = ("Return-Path", "X-Envelope-From", "Original-Mail-From", "Original-Envelope-Id")
_AUTOMATIC_SUBJECTS = re.compile(
    r"(?i)\s*(?:re:\s*)?(?:auto(?:matic)?[ -]?reply|auto:|out of (?:the )?office"
    r"|odpowied[zź] automatyczna|autoodpowied[zź]|автоматична відповідь|автоответ|автовідповідь)"
)


class Tokens:
    """Makes and recognises tokens. Both sides are pure functions of the secret."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def make(self, key: str) -> str:
        """The token of an attempt's key; empty for a key that is not 32 hex digits."""
        return key + self._mac(key) if _KEY.fullmatch(key) else ""

    def find(self, texts: Iterable[str]) -> str:
        """The key of the first genuine token in any of the texts; empty if there is none."""
        for text in texts:
            for key, mac in _TOKEN.findall(text[:4000].lower()):
                if hmac.compare_digest(self._mac(key), mac):
                    return str(key)
        return ""

    def _mac(self, key: str) -> str:
        return hmac.new(self._secret, f"bounce:{key}".encode(), hashlib.sha256).hexdigest()[:MAC_DIGITS]


def raw_mail(data: bytes, tokens: Tokens | None, arrived_at: datetime) -> Raw:
    """A raw event of a mail, byte for byte up to `MAX_BYTES` (NUL, which no mail may hold, as a blank)."""
    kept = data[:MAX_BYTES].replace(b"\0", b" ")
    key = ""
    if tokens is not None:
        head = kept[:32768].decode("latin-1")
        key = tokens.find([head[at : at + 4000] for at in range(0, len(head), 3900)])
    return Raw(
        body={"mail": kept.decode("latin-1")},
        subject=f"message:{key or 'unknown'}",
        dedupe_key=digest(data),
        topic="mail",
        occurred_at=arrived_at,
    )


def read_mail(raw: Raw, tokens: Tokens | None) -> Sequence[ChannelRecord]:
    """Records of a mail that came in: a receipt, a complaint, or nothing. Raises `UnreadableError`."""
    parts = _parse(raw)
    mail = parts[0]
    key = tokens.find(_places(mail, parts)) if tokens else ""
    if not key:
        return []
    at = raw.occurred_at or _date(mail)
    if any(part.get_content_type() == "message/feedback-report" for part in parts):
        return [_complaint(parts, at)]
    blocks = [
        block for part in parts if part.get_content_type() == "message/delivery-status" for block in _blocks(part)
    ]
    receipt = _reported(blocks, key, at) if blocks else _told(mail, parts, key, at)
    return [receipt] if receipt else []


def _parse(raw: Raw) -> list[Message]:
    """The mail and all its parts, outermost first."""
    try:
        data = raw.body["mail"].encode("latin-1")[:MAX_BYTES]
        if len(_NESTING.findall(data)) > MAX_PARTS:
            raise UnreadableError("a mail of too many parts")
        return list(email.message_from_bytes(data).walk())
    except (KeyError, TypeError, AttributeError, RecursionError, ValueError, LookupError) as error:
        raise UnreadableError(f"not a mail: {type(error).__name__}") from None


def _places(mail: Message, parts: Sequence[Message]) -> Iterator[str]:
    """Where a token may stand: the address the mail came to, the report, and the head of the mail that came back."""
    yield from _values(mail, _ENVELOPE_HEADERS)
    for part in parts[1:]:
        yield from _values(part, _RETURNED_HEADERS)
        if part.get_content_type() == "text/rfc822-headers":
            yield _text(part)


def _values(part: Message, names: Iterable[str]) -> Iterator[str]:
    for name in names:
        for value in part.get_all(name, []):
            yield str(value)


def _blocks(part: Message) -> list[Message]:
    """The per-recipient blocks of a delivery status (the first block speaks of the whole message)."""
    payload = part.get_payload()
    return [block for block in payload if isinstance(block, Message)][:50] if isinstance(payload, list) else []


def _reported(blocks: Sequence[Message], key: str, at: datetime) -> Receipt | None:
    """One recipient per mail, so the gravest block counts; delayed, delivered and relayed say nothing final."""
    failed = [_code(block) for block in blocks if str(block.get("Action", "")).strip().lower() == "failed"]
    if not failed:
        return None
    gravest = min(failed, key=lambda code: (not _dead(code), not code))
    return _receipt(gravest, key, at)


def _code(block: Message) -> str:
    for name in ("Status", "Diagnostic-Code"):
        found = _CODE.search(str(block.get(name, ""))[:2000])
        if found and not found[0].endswith(".0.0"):
            return found[0]
    return ""


def _dead(code: str) -> bool:
    rule = enhanced_rule(code)
    return rule is not None and rule.kind is Kind.SUPPRESS


def _receipt(code: str, key: str, at: datetime) -> Receipt:
    rule = enhanced_rule(code) if code else None
    label = rule.label if rule else "not delivered"
    reason = f"bounced: {code} {label}" if code else f"bounced: {label}"
    return Receipt(ReceiptState.FAILED, at, key=key, reason=reason, dead_address=_dead(code))


def _told(mail: Message, parts: Sequence[Message], key: str, at: datetime) -> Receipt | None:
    """A mail without a report at the token's address: a bounce in prose, unless a machine answers for a person."""
    if "X-Failed-Recipients" not in mail and _automatic(mail):
        return None
    text = next((_text(part) for part in parts if part.get_content_type() == "text/plain"), "")
    found = _CODE.search(text)
    return _receipt(found[0] if found else "", key, at)


def _automatic(mail: Message) -> bool:
    """Whether it is an out-of-office answer (RFC 3834, and what older programs write instead)."""
    said = str(mail.get("Auto-Submitted", "no")).strip().lower()
    precedence = str(mail.get("Precedence", "")).strip().lower()
    return (
        said.startswith("auto-replied")
        or precedence == "auto_reply"
        or "X-Autoreply" in mail
        or "X-Autorespond" in mail
        or _AUTOMATIC_SUBJECTS.match(_decoded(mail.get("Subject", ""))) is not None
    )


def _complaint(parts: Sequence[Message], at: datetime) -> ChannelClosed:
    """RFC 5965: whoever got the mail called it spam. The address is the one the report, or the mail itself, names."""
    named = [value for part in parts[1:] for value in _values(part, ("Original-Rcpt-To", "To"))]
    for _, text in getaddresses([value[:1000] for value in named][:10]):
        try:
            return ChannelClosed(str(read_address(text)), at, reason="complaint")
        except BadAddressError:
            continue
    raise UnreadableError("a complaint that does not name the address")


def _text(part: Message) -> str:
    payload = part.get_payload(decode=True)
    return payload[:MAX_TEXT].decode("utf-8", "replace") if isinstance(payload, bytes) else ""


def _decoded(value: object) -> str:
    try:
        return str(email.header.make_header(email.header.decode_header(str(value)[:500])))
    except (ValueError, LookupError, UnicodeError):
        return str(value)[:500]


def _date(mail: Message) -> datetime:
    try:
        return parsedate_to_datetime(str(mail.get("Date", "")))
    except (TypeError, ValueError, IndexError, OverflowError):
        raise UnreadableError("a mail without a date") from None
