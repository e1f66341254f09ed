"""Reading untrusted JSON by name. What is not as expected is `UnreadableError`; it names the place, never the value."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hub.clock import aware
from hub.plugin import UnreadableError

_AMOUNT = re.compile(r"-?\d{1,18}(\.\d{1,9})?", re.ASCII)
_ID = re.compile(r"[1-9]\d{0,18}", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_LEAST, _MOST = 1e-6, 10**9


@dataclass(frozen=True, slots=True)
class Body:
    """One JSON object and where it stands in the event."""

    value: Mapping[str, Any]
    where: str

    def text(self, name: str) -> str:
        """The text; empty when absent, null or (as PHP writes an absent text) false."""
        found = self.value.get(name)
        if found is None or found is False:
            return ""
        if not isinstance(found, str):
            raise self.wrong(name, "is not a text")
        return found.strip()

    def ident(self, name: str) -> str:
        """A positive id, as a text."""
        found = self.value.get(name)
        text = str(found) if isinstance(found, int) and not isinstance(found, bool) and 0 < found < 2**63 else found
        if not isinstance(text, str) or not _ID.fullmatch(text):
            raise self.wrong(name, "is not an id")
        return text

    def moment(self, name: str) -> datetime | None:
        """A time of a `…_gmt` member: UTC, written without a zone."""
        text = self.text(name)
        if not text:
            return None
        try:
            found = datetime.fromisoformat(text)
            return aware(found if found.tzinfo else found.replace(tzinfo=UTC))
        except (ValueError, OverflowError):
            raise self.wrong(name, "is not a time") from None

    def needed_moment(self, name: str) -> datetime:
        found = self.moment(name)
        if found is None:
            raise self.wrong(name, "is missing")
        return found

    def amount(self, name: str) -> Decimal | None:
        """An amount; WooCommerce writes money as a text."""
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

    def count(self, name: str) -> Decimal:
        """How many; shops that sell by weight have parts of one."""
        found = self.value.get(name)
        if not isinstance(found, int | float) or isinstance(found, bool):
            raise self.wrong(name, "is not a count")
        if found != 0 and not _LEAST <= found <= _MOST:
            raise self.wrong(name, "is not a count")
        return Decimal(str(found))

    def flag(self, name: str, *, default: bool = False) -> bool:
        found = self.value.get(name)
        if found is None:
            return default
        if not isinstance(found, bool):
            raise self.wrong(name, "is not true or false")
        return found

    def child(self, name: str) -> "Body | None":
        """An object; None when absent, null or (PHP's empty object) an empty list."""
        found = self.value.get(name)
        return None if found is None or found == [] else as_body(found, f"{self.where}.{name}")

    def items(self, name: str) -> "list[Body]":
        """The objects of a list; empty when absent or null."""
        found = self.value.get(name)
        if found is None:
            return []
        return as_list(found, f"{self.where}.{name}")

    def wrong(self, name: str, what: str) -> UnreadableError:
        return UnreadableError(f"woocommerce: {self.where}.{name} {what}")


def as_body(value: Any, where: str) -> Body:
    if not isinstance(value, dict):
        raise UnreadableError(f"woocommerce: {where} is not an object")
    return Body(value, where)


def as_list(value: Any, where: str) -> list[Body]:
    if not isinstance(value, list):
        raise UnreadableError(f"woocommerce: {where} is not a list")
    return [as_body(each, f"{where}[{index}]") for index, each in enumerate(value)]
