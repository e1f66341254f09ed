"""Reading untrusted JSON by name. What is not as expected is `UnreadableError`; it names the place, never the value."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from hub.clock import aware
from hub.model import Money
from hub.plugin import UnreadableError

_AMOUNT = re.compile(r"-?\d{1,18}(\.\d{1,9})?", re.ASCII)
_ID = re.compile(r"[1-9]\d{0,18}", re.ASCII)
_GID = re.compile(r"gid://shopify/([A-Za-z]{1,60})/([1-9]\d{0,18})(\?.*)?", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_MAX_COUNT = 10**9


@dataclass(frozen=True, slots=True)
class Body:
    """One JSON object and where it stands in the event."""

    value: Mapping[str, Any]
    where: str

    def text(self, name: str) -> str:
        """The text; empty when absent or null."""
        found = self.value.get(name)
        if found is None:
            return ""
        if not isinstance(found, str):
            raise self.wrong(name, "is not a text")
        return found.strip()

    def word(self, name: str) -> str:
        """A code of an enum, in lower case."""
        return self.text(name).lower()

    def ident(self, name: str) -> str:
        """An int64 id, as a text."""
        found = self.value.get(name)
        text = str(found) if isinstance(found, int) and not isinstance(found, bool) and 0 < found < 2**63 else found
        if not isinstance(text, str) or not _ID.fullmatch(text):
            raise self.wrong(name, "is not an id")
        return text

    def gid(self, name: str, kind: str) -> str:
        """The number in `gid://shopify/<kind>/<number>`."""
        found, number = split_gid(self.value.get(name))
        if found != kind:
            raise self.wrong(name, f"is not a gid of {kind}")
        return number

    def moment(self, name: str) -> datetime | None:
        """A time with its zone, in UTC."""
        text = self.text(name)
        if not text:
            return None
        try:
            return aware(datetime.fromisoformat(text))
        except (ValueError, OverflowError):
            raise self.wrong(name, "is not a time with a zone") from None

    def needed_moment(self, name: str) -> datetime:
        found = self.moment(name)
        if found is None:
            raise self.wrong(name, "is missing")
        return found

    def amount(self, name: str) -> Decimal | None:
        """An amount; Shopify writes money as a text."""
        text = self.text(name)
        if not text:
            return None
        if not _AMOUNT.fullmatch(text):
            raise self.wrong(name, "is not an amount")
        return Decimal(text)

    def currency(self, name: str) -> str:
        text = self.text(name)
        if not _CURRENCY.fullmatch(text):
            raise self.wrong(name, "is not a currency")
        return text

    def shop_money(self, name: str) -> Money | None:
        """`{shopMoney: {amount, currencyCode}}`: the amount in the shop's own currency."""
        bag = self.child(name)
        inner = bag.child("shopMoney") if bag else None
        amount = inner.amount("amount") if inner else None
        return Money(amount, inner.currency("currencyCode")) if inner and amount is not None else None

    def count(self, name: str) -> Decimal | None:
        found = self.value.get(name)
        if found is None:
            return None
        if not isinstance(found, int) or isinstance(found, bool) or not 0 <= found <= _MAX_COUNT:
            raise self.wrong(name, "is not a count")
        return Decimal(found)

    def flag(self, name: str, *, default: bool = False) -> bool:
        found = self.value.get(name)
        if found is None:
            return default
        if not isinstance(found, bool):
            raise self.wrong(name, "is not true or false")
        return found

    def child(self, name: str) -> "Body | None":
        found = self.value.get(name)
        return None if found is None else as_body(found, f"{self.where}.{name}")

    def needed(self, name: str) -> "Body":
        return as_body(self.value.get(name), f"{self.where}.{name}")

    def items(self, name: str) -> "list[Body]":
        """The objects of a list; empty when absent or null."""
        return [as_body(each, f"{self.where}.{name}[{index}]") for index, each in enumerate(self._list(name))]

    def nodes(self, name: str) -> "list[Body]":
        """The objects of a GraphQL connection."""
        found = self.child(name)
        return found.items("nodes") if found else []

    def texts(self, name: str) -> list[str]:
        """The texts of a list, without empty ones."""
        found = self._list(name)
        if not all(each is None or isinstance(each, str) for each in found):
            raise self.wrong(name, "is not a list of texts")
        return [each.strip() for each in found if each and each.strip()]

    def _list(self, name: str) -> list[Any]:
        found = self.value.get(name)
        if found is None:
            return []
        if not isinstance(found, list):
            raise self.wrong(name, "is not a list")
        return found

    def wrong(self, name: str, what: str) -> UnreadableError:
        return UnreadableError(f"shopify: {self.where}.{name} {what}")


def as_body(value: Any, where: str) -> Body:
    if not isinstance(value, dict):
        raise UnreadableError(f"shopify: {where} is not an object")
    return Body(value, where)


def split_gid(value: Any) -> tuple[str, str]:
    """`gid://shopify/Order/6120` → ("Order", "6120"); two empty texts when it is none."""
    found = _GID.fullmatch(value) if isinstance(value, str) else None
    return (found[1], found[2]) if found else ("", "")


def gid(kind: str, number: str) -> str:
    return f"gid://shopify/{kind}/{number}"
