"""How calls fail: one table of conditions (what kind of outcome, whose fault, which words), and how it is looked up.

The words never hold anything of the URL but its host, nothing of headers and nothing of bodies: some systems want
their secret in the path.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import httpx

from ._outcomes import Config, FailureError, Permanent, Transient, Unknown

Kind = type[Transient] | type[Permanent] | type[Config] | type[Unknown]


class Whose(StrEnum):
    """Whose fault a failure is."""

    OURS = "ours"
    THEIRS = "theirs"
    WAY = "the way between"


@dataclass(frozen=True, slots=True)
class Condition:
    """One row: `kind` for a call that may be repeated, `unsafe` for one that must not happen twice."""

    kind: Kind
    unsafe: Kind
    whose: Whose
    text: str


def _row(kind: Kind, whose: Whose, text: str, *, unsafe: Kind | None = None) -> Condition:
    return Condition(kind, unsafe or kind, whose, text)


CONDITIONS = {
    # Nothing was sent.
    "address": _row(Config, Whose.OURS, "this cannot be asked: unusable address or header"),
    "forbidden": _row(Config, Whose.OURS, "the address leads to a private network and that is not allowed"),
    "name": _row(Transient, Whose.WAY, "the host's name was not found"),
    "connect": _row(Transient, Whose.WAY, "no connection"),
    "connect-time": _row(Transient, Whose.WAY, "no connection in time"),
    "tls": _row(Transient, Whose.THEIRS, "no trusted TLS connection"),
    # It may have been sent: where the call must not happen twice, nobody knows.
    "no-answer": _row(Transient, Whose.THEIRS, "no whole answer in time", unsafe=Unknown),
    "reset": _row(Transient, Whose.WAY, "the connection broke before the answer", unsafe=Unknown),
    "truncated": _row(Transient, Whose.WAY, "the answer was cut off", unsafe=Unknown),
    "garbled": _row(Transient, Whose.THEIRS, "the answer is not readable", unsafe=Unknown),
    "too-large": _row(Permanent, Whose.THEIRS, "the answer is too large", unsafe=Unknown),
    # They answered.
    "redirect": _row(Permanent, Whose.OURS, "redirect refused"),
    "credentials": _row(Config, Whose.OURS, "our credentials were refused"),
    "payment": _row(Config, Whose.OURS, "the account there must be paid"),
    "locked": _row(Config, Whose.OURS, "the account there is locked"),
    "absent": _row(Permanent, Whose.OURS, "there is no such thing there"),
    "refused": _row(Permanent, Whose.OURS, "the request was refused"),
    "asked-again": _row(Transient, Whose.THEIRS, "it asked for the same again"),
    "too-often": _row(Transient, Whose.OURS, "asked too often"),
    "their-trouble": _row(Transient, Whose.THEIRS, "trouble on their side"),
    # We did not even try.
    "waiting": _row(Transient, Whose.OURS, "not asked: they told us to wait"),
    "rate": _row(Transient, Whose.OURS, "not asked: our own rate limit"),
    "crowd": _row(Transient, Whose.OURS, "not asked: too many calls under way"),
    "breaker": _row(Transient, Whose.THEIRS, "not asked: out of order"),
}
"""Condition → outcome. The rows of one group share a cause; `tests/plugin/test_failures.py` meets each of them."""

STATUSES: tuple[tuple[int, int, str], ...] = (
    (300, 399, "redirect"),
    (401, 401, "credentials"),
    (402, 402, "payment"),
    (403, 403, "credentials"),
    (404, 404, "absent"),
    (408, 408, "asked-again"),
    (410, 410, "absent"),
    (423, 423, "locked"),
    (425, 425, "asked-again"),
    (429, 429, "too-often"),
    (400, 499, "refused"),
    (500, 599, "their-trouble"),
)
"""First match of (from, to, condition); what stands nowhere here is `garbled`."""

REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
"""Methods that may happen twice without harm (RFC 9110, 9.2.2)."""


def condition_of(status: int) -> str:
    """The condition of an answer that was not wished for."""
    return next((word for low, high, word in STATUSES if low <= status <= high), "garbled")


_HOST = re.compile(r"[A-Za-z0-9._:-]{1,253}")


NOT_ASKED = "not asked"
"""How the texts of those conditions begin in which we did not ask at all."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request, as far as failures may speak of it: connection, method, host, and whether a repeat does harm."""

    connection: str
    method: str
    host: str
    safe: bool

    @classmethod
    def of(cls, connection: str, request: httpx.Request, *, safe: bool) -> "Call":
        """What may be said of a request; `safe` marks a POST that only reads."""
        method = request.method if request.method.isalpha() else "?"
        host = request.url.raw_host.decode("ascii", "replace")
        return cls(connection, method, host if _HOST.fullmatch(host) else "?", safe or method in REPEATABLE)

    def __str__(self) -> str:
        return f"{self.connection}: {self.method} {self.host}"

    def failure(
        self, word: str, detail: str = "", *, not_before: datetime | None = None, status: int | None = None
    ) -> FailureError:
        """The failure for a condition; `detail` is a status or the name of an error class."""
        row = CONDITIONS[word]
        kind = row.kind if self.safe else row.unsafe
        reason = f"{self}: {row.text}" + (f" ({detail})" if detail else "")
        if kind is Transient:
            return FailureError(Transient(reason, not_before, row.text.startswith(NOT_ASKED)), status=status)
        return FailureError(kind(reason), status=status)
