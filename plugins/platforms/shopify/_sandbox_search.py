"""Shopify's search syntax, as far as the documents here use it: `name:value` terms, all of which must hold."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from ._sandbox_graphql import QueryError
from ._sandbox_state import Order

_TERM = re.compile(r"(\w+):(>=|<=|>|<)?('[^']*'|\"[^\"]*\"|\S+)")

_COMPARE: Mapping[str, Callable[[datetime, datetime], bool]] = {
    ">=": lambda left, right: left >= right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    "<": lambda left, right: left < right,
    "": lambda left, right: left == right,
}


def _status(order: Order, word: str) -> bool:
    if word == "cancelled":
        return order.cancelled_at is not None
    closed = order.closed_at is not None
    return closed if word == "closed" else not closed


_WORDS: Mapping[str, Callable[[Order, str], bool]] = {
    "status": _status,
    "financial_status": lambda order, word: order.financial_status == word,
    "tag": lambda order, word: word in order.tags,
    "name": lambda order, word: order.name.lstrip("#") == word.lstrip("#"),
    "gateway": lambda order, word: order.gateway.casefold() == word.casefold(),
}


def matches(order: Order, query: str) -> bool:
    """Whether an order meets every term. A term the sandbox does not know is an error, not a silent nothing."""
    if _TERM.sub("", query).replace("AND", "").strip():
        raise QueryError("this sandbox does not understand the search", "INVALID_SEARCH")
    return all(_holds(order, *found) for found in _TERM.findall(query))


def _holds(order: Order, name: str, sign: str, value: str) -> bool:
    word = value.strip("'\"")
    if name in ("updated_at", "created_at"):
        moment: datetime = getattr(order, name)
        return _COMPARE[sign](moment.astimezone(UTC).replace(microsecond=0), _time(word))
    if name not in _WORDS:
        raise QueryError(f"this sandbox knows no search for {name}", "INVALID_SEARCH")
    return _WORDS[name](order, word)


def _time(word: str) -> datetime:
    try:
        return datetime.fromisoformat(word).astimezone(UTC)
    except ValueError:
        raise QueryError("an unreadable time in the search", "INVALID_SEARCH") from None
