"""A mail as bytes. What is the same for all mails of one template and language is built once (the skeleton); a mail is
that, a few header lines and the encoded bodies joined. Everything that leaves here is 7-bit with CRLF line ends, except
the header lines of a recipient whose address itself is Unicode."""

import binascii
import hashlib
import re
import unicodedata
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime

from hub.plugin import Outgoing

from ._address import MailAddress, read_mailbox

BOUNDARY = "=_orderhub_part"
"""`=_` can stand neither in quoted-printable nor in base64, and all bodies are one of these."""

MAX_SUBJECT, MAX_NAME, MAX_EXTRA = 400, 120, 400
"""Characters; what is longer is cut (a subject is read to about 78, RFC 5322 lines end at 998 octets)."""

MAX_LINK = 500

_EXTRA_HEADER = re.compile(r"(?i)(?:X-[a-z0-9-]{1,50}|Feedback-ID)")
_OURS = frozenset({"x-auto-response-suppress"})
_KEY = re.compile(r"[A-Za-z0-9._-]{1,64}")
_LINK = re.compile(r"https?://[!#-;=?-\[\]_a-z~%]+")
_WORDS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_BODY_CONTROLS = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 127])
_ASCII_BYTES = bytes(range(128))


class BadLinkError(ValueError):
    """The unsubscribe link cannot stand in a header."""


@dataclass(frozen=True, slots=True)
class Sender:
    """What is the same in every mail of a connection; `sender` and `reply_to` as `Name <address>`."""

    sender: str
    reply_to: str = ""
    list_id: str = ""

    @property
    def address(self) -> MailAddress:
        return read_mailbox(self.sender)[1]


def clean(text: str, most: int) -> str:
    """`text` on one line: line ends, controls and separators of every kind become blanks; no longer than `most`."""
    if not text.isprintable():
        text = "".join(_printable(each) for each in text)
    text = text.strip()
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def _printable(char: str) -> str:
    category = unicodedata.category(char)
    if category == "Cs":
        return "\ufffd"
    return " " if category in ("Cc", "Zl", "Zp") else char


def unstructured(name: str, text: str) -> str:
    """The value of a header that is free text (RFC 2047 where it has to be), folded."""
    if text.isascii() and "=?" not in text:
        if len(name) + len(text) <= 74:
            return text
        folded = _fold(name, text)
        if folded is not None:
            return folded
    return "\r\n ".join(_encoded_words(name, text))


def _fold(name: str, text: str) -> str | None:
    """ASCII text folded at its blanks, or None where that cannot be done without changing it."""
    lines, room = [""], 74 - len(name)
    for word in text.split(" "):
        if not word or len(word) > 70:
            return None
        if len(lines[-1]) + len(word) + 1 > room and lines[-1]:
            lines.append(word)
            room = 75
        else:
            lines[-1] += f" {word}" if lines[-1] else word
    return "\r\n ".join(lines)


def _encoded_words(header: str, text: str) -> Iterator[str]:
    """Base64 words on lines of at most 76 characters, the first beside the header's name; no character is split."""
    piece, room = b"", (76 - len(f"{header}: ") - len("=?utf-8?b??=")) // 4 * 3
    for char in text:
        data = char.encode()
        if len(piece) + len(data) > room:
            yield _encoded_word(piece)
            piece, room = b"", 45
        piece += data
    yield _encoded_word(piece)


def _encoded_word(data: bytes) -> str:
    return f"=?utf-8?b?{binascii.b2a_base64(data, newline=False).decode()}?="


def mailbox(header: str, name: str, address: MailAddress) -> str:
    """`Name <address>` for a header; whatever the name holds, it stays one name of one address."""
    name = clean(name, MAX_NAME)
    if not name:
        return str(address)
    if name.isascii() and "=?" not in name and len(name) <= 60:
        quoted = name if _WORDS.fullmatch(name) else '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
        return f"{quoted} <{address}>"
    return "\r\n ".join([*_encoded_words(header, name), f"<{address}>"])


def message_id(key: str, domain: str) -> str:
    """`<key@domain>`: a retry repeats it, because the key is the attempt's."""
    safe = key if _KEY.fullmatch(key) else hashlib.sha256(key.encode(errors="replace")).hexdigest()[:32]
    return f"<{safe}@{domain}>"


@dataclass(slots=True)
class Composer:
    """Makes the mails of one connection. Keeps at most `keep` skeletons."""

    sender: Sender
    keep: int = 256
    _domain: str = ""
    _skeletons: "OrderedDict[tuple[str, str, bool, bool], bytes]" = field(default_factory=OrderedDict)

    def __post_init__(self) -> None:
        self._domain = self.sender.address.domain

    def compose(self, message: Outgoing, to: MailAddress, now: datetime) -> bytes:
        """The whole mail, CRLF line ends, the last one included. Raises `BadLinkError`."""
        lines = [
            f"Message-ID: {message_id(message.key, self._domain)}",
            f"Date: {format_datetime(now)}",
            f"To: {mailbox('To', message.to_name, to)}",
            f"Subject: {unstructured('Subject', clean(message.subject, MAX_SUBJECT))}",
            *self._thread(message),
            *_unsubscribe(message.unsubscribe_url),
            *_extra(message.headers),
        ]
        return b"".join(["\r\n".join(lines).encode(), b"\r\n", self._skeleton(message), *_bodies(message)])

    def _thread(self, message: Outgoing) -> list[str]:
        if not message.thread or message.thread == message.key:
            return []
        first = message_id(message.thread, self._domain)
        return [f"In-Reply-To: {first}", f"References: {first}"]

    def _skeleton(self, message: Outgoing) -> bytes:
        shape = (message.skeleton, message.locale, bool(message.html), bool(message.unsubscribe_url))
        found = self._skeletons.get(shape)
        if found is None:
            found = self._skeletons[shape] = self._build(*shape[1:])
            if len(self._skeletons) > self.keep:
                self._skeletons.popitem(last=False)
        return found

    def _build(self, locale: str, html: bool, unsubscribable: bool) -> bytes:
        lines = [f"From: {mailbox('From', *read_mailbox(self.sender.sender))}"]
        if self.sender.reply_to:
            lines.append(f"Reply-To: {mailbox('Reply-To', *read_mailbox(self.sender.reply_to))}")
        if self.sender.list_id and unsubscribable:
            lines.append(f"List-Id: <{self.sender.list_id}>")
        if re.fullmatch(r"[A-Za-z0-9-]{2,35}", locale):
            lines.append(f"Content-Language: {locale}")
        lines += ["Auto-Submitted: auto-generated", "X-Auto-Response-Suppress: All", "MIME-Version: 1.0"]
        if html:
            lines.append(f'Content-Type: multipart/alternative; boundary="{BOUNDARY}"')
        return "".join(f"{line}\r\n" for line in lines).encode()


def _unsubscribe(link: str) -> list[str]:
    """RFC 2369 and 8058. Never folded: long folded links have broken DKIM signatures."""
    if not link:
        return []
    if len(link) > MAX_LINK or not _LINK.fullmatch(link):
        raise BadLinkError("the unsubscribe link cannot stand in a header")
    return [f"List-Unsubscribe: <{link}>", "List-Unsubscribe-Post: List-Unsubscribe=One-Click"]


def _extra(headers: Mapping[str, str]) -> list[str]:
    """Further headers: `X-…` and `Feedback-ID` only, so that none of ours can be said twice."""
    return [
        f"{name}: {unstructured(name, clean(value, MAX_EXTRA))}"
        for name, value in headers.items()
        if _EXTRA_HEADER.fullmatch(name) and name.lower() not in _OURS
    ]


def _bodies(message: Outgoing) -> list[bytes]:
    if not message.html:
        return _part("plain", message.text)
    opening = f"--{BOUNDARY}\r\n".encode()
    return [
        b"\r\n" + opening,
        *_part("plain", message.text),
        b"\r\n" + opening,
        *_part("html", message.html),
        f"\r\n--{BOUNDARY}--\r\n".encode(),
    ]


def _part(subtype: str, text: str) -> list[bytes]:
    encoding, content = encode_body(text)
    head = f"Content-Type: text/{subtype}; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return [head.encode(), content]


def encode_body(text: str) -> tuple[str, bytes]:
    """The body's encoding and its bytes, ending in CRLF: quoted-printable, or base64 where most of it is not ASCII."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").translate(_BODY_CONTROLS)
    data = text.encode(errors="replace")
    if not data.endswith(b"\n"):
        data += b"\n"
    if len(data.translate(None, _ASCII_BYTES)) * 6 > len(data):
        line = binascii.b2a_base64(data.replace(b"\n", b"\r\n"), newline=False)
        return "base64", b"".join(line[at : at + 76] + b"\r\n" for at in range(0, len(line), 76))
    return "quoted-printable", binascii.b2a_qp(data, istext=True).replace(b"\n", b"\r\n")
