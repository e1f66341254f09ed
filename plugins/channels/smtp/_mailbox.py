"""The bounce mailbox, read by IMAP: read-only, a page at a time, in a thread of its own."""

import asyncio
import contextlib
import imaplib
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hub.plugin import Config, FailureError, Transient

from ._bounces import MAX_BYTES
from ._settings import Mailbox, Security

PAGE = 20
"""Mails per page."""

LOOK_BACK = timedelta(days=3)
"""How far back the first reading goes; what the hub has seen already is known by its dedupe key."""

TIMEOUT = 10.0
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Found:
    """Mails after the cursor; `cursor` is `{"validity": …, "uid": …}` of the mailbox."""

    mails: tuple[bytes, ...]
    cursor: dict[str, int]
    more: bool


async def read_mailbox_page(mailbox: Mailbox, cursor: Any, now: datetime) -> Found:
    """The next page. Raises `FailureError`: Config for credentials, TLS and folder, Transient for the rest."""
    return await asyncio.to_thread(_read, mailbox, cursor, now)


def _read(mailbox: Mailbox, cursor: Any, now: datetime) -> Found:
    with _failures(), _signed_in(mailbox) as box:
        validity = _open_folder(box, mailbox.folder)
        known = cursor if isinstance(cursor, dict) and cursor.get("validity") == validity else {}
        last = int(known.get("uid", 0))
        uids = _uids(box, last, now)
        page = uids[:PAGE]
        mails = tuple(mail for mail in (_fetch(box, uid) for uid in page) if mail)
        return Found(mails, {"validity": validity, "uid": page[-1] if page else last}, len(uids) > len(page))


@contextlib.contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except ssl.SSLCertVerificationError:
        raise FailureError(Config("the bounce mailbox's certificate is not trusted")) from None
    except (OSError, imaplib.IMAP4.abort, EOFError):
        raise FailureError(Transient("no connection to the bounce mailbox")) from None
    except (imaplib.IMAP4.error, ValueError, IndexError, TypeError):
        raise FailureError(Transient("the bounce mailbox answers nonsense")) from None


@contextlib.contextmanager
def _signed_in(mailbox: Mailbox) -> Iterator[imaplib.IMAP4]:
    box = _connect(mailbox)
    try:
        try:
            box.login(mailbox.username, mailbox.password.get_secret_value())
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error:
            raise FailureError(Config("the bounce mailbox does not let us in")) from None
        yield box
    finally:
        box.shutdown()


def _connect(mailbox: Mailbox) -> imaplib.IMAP4:
    host, port = mailbox.address
    if mailbox.security is Security.NONE:
        return imaplib.IMAP4(host, port, timeout=TIMEOUT)
    tls = ssl.create_default_context(cafile=mailbox.ca_file)
    if mailbox.security is Security.TLS:
        return imaplib.IMAP4_SSL(host, port, ssl_context=tls, timeout=TIMEOUT)
    box = imaplib.IMAP4(host, port, timeout=TIMEOUT)
    try:
        if "STARTTLS" not in box.capabilities:
            raise FailureError(Config("the bounce mailbox does not offer STARTTLS"))
        box.starttls(ssl_context=tls)
    except BaseException:
        box.shutdown()
        raise
    return box


def _open_folder(box: imaplib.IMAP4, folder: str) -> int:
    quoted = '"' + folder.replace("\\", "\\\\").replace('"', '\\"') + '"'
    answer, _ = box.select(quoted, readonly=True)
    if answer != "OK":
        raise FailureError(Config("the bounce mailbox has no such folder"))
    _, validity = box.response("UIDVALIDITY")
    return int(validity[0] or 0) if validity else 0


def _uids(box: imaplib.IMAP4, last: int, now: datetime) -> list[int]:
    """UIDs after `last` in rising order. `n:*` always names the newest mail, even when it is older than n."""
    since = now - LOOK_BACK
    wish = f"UID {last + 1}:*" if last else f"SINCE {since.day}-{MONTHS[since.month - 1]}-{since.year}"
    answer, found = box.uid("SEARCH", wish)
    if answer != "OK":
        raise imaplib.IMAP4.error("no search")
    return sorted(uid for uid in map(int, (found[0] or b"").split()) if uid > last)


def _fetch(box: imaplib.IMAP4, uid: int) -> bytes:
    """The first `MAX_BYTES` of a mail; empty if it is gone by now. PEEK: it stays unread for people."""
    answer, found = box.uid("FETCH", str(uid), f"(BODY.PEEK[]<0.{MAX_BYTES}>)")
    if answer != "OK":
        raise imaplib.IMAP4.error("no fetch")
    return next((bytes(each[1]) for each in found if isinstance(each, tuple)), b"")
