"""The log: one JSON object a line for machines, one plain line for people. Nothing personal and no secret in either.

Nothing that is logged should hold an address, a number or a token in the first place; this is the second line of
defence, and it takes what it must take for one away.
"""

import json
import logging
import re
import sys
import traceback
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TextIO

QUIET = (
    "uvicorn",
    "httpx",
    "httpcore",
    "apscheduler",
    "alembic",
    "asyncio",
    "aiohttp",
    "aiosmtplib",
    "hub.plugin.http",
)
"""Loggers that are heard from warnings upwards only."""

_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), put)
    for pattern, put in (
        (
            r"(?i)[^\s@<>\"'(),:;=\[\]{}/]{1,64}@[^\s@<>\"'(),:;=\[\]{}/]{1,253}\.[^\s@<>\"'(),:;=\[\]{}/.]{2,63}",
            "<e-mail>",
        ),
        (r"\b\d{5,19}:[A-Za-z0-9_-]{20,}", "<token>"),
        (r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}", r"\1 <token>"),
        (
            r"(?i)\b([\w-]*(?:token|secret|password|passwd|api[-_]?key|access[-_]?key|signature|hmac|authorization))"
            r"(\"?'?\s*[=:]\s*\"?'?)(?!<)[^\s\"'&,;})]+",
            r"\1\2<secret>",
        ),
        (r"\bshp[a-z]{2}_[A-Za-z0-9]{8,}", "<token>"),
        (r"\beyJ[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]+){0,2}", "<token>"),
        (r"(?<=/)(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[A-Za-z0-9_-]{22,}", "<token>"),
        (r"\b[0-9a-fA-F]{32,}\b", "<token>"),
        (
            r"(?<![\w-])(?=[\w-]*[a-z])(?=[\w-]*[A-Z])(?=[\w-]*\d)[A-Za-z0-9_-]{24,}(?![\w-])",
            "<token>",
        ),
        (r"(?<![\w+])(?:\+|00)\d(?:[\s().-]{0,2}\d){7,14}(?!\w)", "<phone>"),
        (r"(?<![\w.:+-])\(?0\d{1,3}\)?(?:[\s.-]\d{2,4}){2,4}(?![\w.:-])", "<phone>"),
        (r"(?<![\w.:+#-])\d{9,12}(?![\w.:-])", "<number>"),
    )
)
"""What is taken for an address, a number or a token, in this order. Bare digits: 9 to 12, as phones and chat ids have;
tracking numbers and the ids of orders are longer."""


class Redactor:
    """Takes personal data and secrets out of a text. `known`: secrets of the configuration, word for word."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        self.known: tuple[str, ...] = ()
        self.learn(known)

    def learn(self, known: Iterable[str]) -> None:
        """These, too, from now on."""
        words = {each for each in known if len(each) > 3} | set(self.known)
        self.known = tuple(sorted(words, key=len, reverse=True))

    def __call__(self, text: str) -> str:
        for word in self.known:
            text = text.replace(word, "<secret>")
        for pattern, put in _PATTERNS:
            text = pattern.sub(put, text)
        return text


class _Formatter(logging.Formatter):
    def __init__(self, redact: Redactor) -> None:
        super().__init__()
        self.redact = redact

    def said(self, record: logging.LogRecord) -> str:
        """The message, even where its arguments do not fit."""
        try:
            return self.redact(record.getMessage())
        except Exception:  # a wrong log call must not cost the line
            return self.redact(str(record.msg))

    def trace(self, record: logging.LogRecord) -> str:
        """Where it happened."""
        if not record.exc_info or record.exc_info[0] is None:
            return ""
        return self.redact("".join(traceback.format_exception(*record.exc_info)).rstrip())


def _at(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)


class JsonLines(_Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": _at(record).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self.said(record),
        }
        trace = self.trace(record)
        return json.dumps(line | {"trace": trace} if trace else line, ensure_ascii=False)


class PlainLines(_Formatter):
    """Lines for people, on this machine's clock."""

    def format(self, record: logging.LogRecord) -> str:
        at = _at(record).astimezone().strftime("%H:%M:%S")
        level = "" if record.levelno <= logging.INFO else f"{record.levelname.lower()}: "
        said = "".join(each if each.isprintable() else " " for each in self.said(record))
        trace = self.trace(record)
        return f"{at} {level}{said}" + (f"\n{trace}" if trace else "")


def set_up(form: str, level: str, redact: Redactor, stream: TextIO | None = None) -> None:
    """Log to stderr. `form`: `json`, `text`, or `auto` (text on a terminal)."""
    stream = stream or sys.stderr
    plain = form == "text" or (form == "auto" and stream.isatty())
    handler = logging.StreamHandler(stream)
    handler.setFormatter((PlainLines if plain else JsonLines)(redact))
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
