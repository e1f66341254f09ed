"""What mail servers send back: bounces with and without a report, complaints, out-of-office answers."""

from collections.abc import Sequence
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.utils import format_datetime

MTA = "mx.sandbox.example"


def bounce(
    content: bytes,
    *,
    to: str,
    recipient: str,
    at: datetime,
    envid: str = "",
    status: str = "5.1.1",
    action: str = "failed",
    diagnostic: str = "",
    whole: bool = False,
) -> bytes:
    """A delivery status notification (RFC 3464) to the envelope sender `to`; `whole`: with the whole mail."""
    diagnostic = diagnostic or f"550 {status} <{recipient}>: it did not work"
    per_message = [f"Reporting-MTA: dns; {MTA}", f"Arrival-Date: {format_datetime(at)}"]
    if envid:
        per_message.insert(0, f"Original-Envelope-Id: {envid}")
    per_recipient = [
        f"Original-Recipient: rfc822;{recipient}",
        f"Final-Recipient: rfc822; {recipient}",
        f"Action: {action}",
        f"Status: {status}",
        f"Remote-MTA: dns; {MTA}",
        f"Diagnostic-Code: smtp; {diagnostic}",
        f"Last-Attempt-Date: {format_datetime(at)}",
    ]
    text = f"This is the mail system at host {MTA}.\n\n<{recipient}>: host {MTA} said: {diagnostic}\n"
    report = "\r\n".join([*per_message, "", *per_recipient, ""])
    head, _, _ = content.partition(b"\r\n\r\n")
    returned = ("message/rfc822", content) if whole else ("text/rfc822-headers", head + b"\r\n")
    parts = [("text/plain; charset=utf-8", text.encode()), ("message/delivery-status", report.encode()), returned]
    return _report("delivery-status", to, "Undelivered Mail Returned to Sender", at, parts)


def complaint(content: bytes, *, to: str, sender: str, recipient: str, at: datetime) -> bytes:
    """A spam complaint (ARF, RFC 5965); many senders black the recipient out: `recipient=""`."""
    fields = ["Feedback-Type: abuse", "User-Agent: Sandbox/1", "Version: 1", f"Original-Mail-From: <{sender}>"]
    if recipient:
        fields.append(f"Original-Rcpt-To: <{recipient}>")
    else:
        mail = message_from_bytes(content)
        del mail["To"]
        content = mail.as_bytes()
    parts = [
        ("text/plain", b"This is an email abuse report.\r\n"),
        ("message/feedback-report", "\r\n".join([*fields, ""]).encode()),
        ("message/rfc822", content),
    ]
    return _report("feedback-report", to, "Abuse report", at, parts)


def prose(*, to: str, at: datetime, text: str, headers: Sequence[tuple[str, str]] = ()) -> bytes:
    """A mail in words only: an old server's bounce, or an out-of-office answer when the headers say so."""
    mail = EmailMessage()
    names = {name.lower() for name, _ in headers}
    for name, value in (("From", f"MAILER-DAEMON@{MTA}"), ("Subject", "failure notice")):
        if name.lower() not in names:
            mail[name] = value
    mail["To"], mail["Date"] = to, format_datetime(at)
    for name, value in headers:
        mail[name] = value
    mail.set_content(text)
    return bytes(mail)


def _report(kind: str, to: str, subject: str, at: datetime, parts: Sequence[tuple[str, bytes]]) -> bytes:
    lines = [
        "Return-Path: <>",
        f"From: MAILER-DAEMON@{MTA}",
        f"To: {to}",
        f"Subject: {subject}",
        f"Date: {format_datetime(at)}",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/report; report-type={kind}; boundary="=_sandbox"',
        "",
        "",
    ]
    body = b"".join(f"--=_sandbox\r\nContent-Type: {type_}\r\n\r\n".encode() + data + b"\r\n" for type_, data in parts)
    return "\r\n".join(lines).encode() + body + b"--=_sandbox--\r\n"
