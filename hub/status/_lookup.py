"""What a native code means: the merchant's rows before the plugin's (STATUS.md, section 8)."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from ._axes import Order, Payment, Return, Shipment, Status, full_name
from ._facts import Meaning


class By(StrEnum):
    """Whose row, and of which kind, gave a meaning."""

    MERCHANT_EXACT = "merchant-exact"
    MERCHANT_PATTERN = "merchant-pattern"
    PLUGIN_EXACT = "plugin-exact"
    PLUGIN_PATTERN = "plugin-pattern"


NOT_BY_PATTERN: frozenset[Status] = frozenset(
    {
        Order.CANCELLED,
        Payment.REFUNDED,
        Shipment.CANCELLED,
        Shipment.DELIVERED,
        Shipment.RETURNED,
        Return.RETURNED,
        Return.REFUNDED,
    }
)
"""Where a plugin's pattern may not lead: too much hangs on it for a guess."""


@dataclass(frozen=True, slots=True)
class Found:
    """A meaning, where it stood, and the code or pattern of its row as it was written."""

    meaning: Meaning
    by: By
    pattern: str


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table: the code or pattern as it was written, and for a pattern what it matches."""

    written: str
    meaning: Meaning
    matches: re.Pattern[str] | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of one vocabulary. In a pattern, `?` is one character and `*` any number of them."""

    exact: Mapping[str, Row]
    patterns: tuple[Row, ...]

    @classmethod
    def of(cls, rows: Mapping[str, Meaning]) -> "Table":
        """Rows as they are written in a plugin or in `flows.yaml`; ValueError when two are the same code."""
        folded: dict[str, Row] = {}
        for written, meaning in rows.items():
            code = plain_code(written)
            if code in folded:
                raise ValueError(f"'{written}' and '{folded[code].written}' are the same code")
            folded[code] = Row(written, meaning, _matcher(code) if is_pattern(code) else None)
        patterns = sorted(
            ((code, row) for code, row in folded.items() if row.matches), key=lambda item: (-_fixed(item[0]), item[0])
        )
        return cls({code: row for code, row in folded.items() if not row.matches}, tuple(row for _, row in patterns))


def is_pattern(code: str) -> bool:
    return "*" in code or "?" in code


def lookup(code: str, *, merchant: Table | None = None, plugin: Table | None = None) -> Found | None:
    """What a code means, or None when nobody has mapped it.

    At each of the four levels the code with its qualifier (`7/doors`) is tried before the code without it.
    """
    forms = _forms(code)
    levels = ((merchant, By.MERCHANT_EXACT, By.MERCHANT_PATTERN), (plugin, By.PLUGIN_EXACT, By.PLUGIN_PATTERN))
    for table, exact, pattern in levels:
        if table is None:
            continue
        for by, rows in ((exact, _exact(table, forms)), (pattern, _matching(table, forms))):
            row = next(rows, None)
            if row is not None:
                return Found(row.meaning, by, row.written)
    return None


def check_plugin_table(rows: Mapping[str, Meaning]) -> None:
    """Refuse a plugin's table with a pattern that leads to delivered, returned, refunded or cancelled."""
    wrong = [
        f"'{code}' to {full_name(meaning.status)}"
        for code, meaning in rows.items()
        if is_pattern(code) and meaning.status is not None and meaning.status in NOT_BY_PATTERN
    ]
    if wrong:
        raise ValueError(f"a plugin's pattern may not lead there, write the codes out: {', '.join(wrong)}")


def plain_code(code: str) -> str:
    """A code as codes are compared: stripped, and without case."""
    return code.strip().casefold()


def _forms(code: str) -> tuple[str, ...]:
    whole = plain_code(code)
    bare = whole.rpartition("/")[0].strip()
    return (whole, bare) if bare else (whole,)


def _exact(table: Table, forms: tuple[str, ...]) -> Iterator[Row]:
    return (table.exact[form] for form in forms if form in table.exact)


def _matching(table: Table, forms: tuple[str, ...]) -> Iterator[Row]:
    return (row for form in forms for row in table.patterns if row.matches and row.matches.fullmatch(form))


def _fixed(pattern: str) -> int:
    return sum(character not in "*?" for character in pattern)


def _matcher(pattern: str) -> re.Pattern[str]:
    wild = {"*": ".*", "?": "."}
    return re.compile("".join(wild.get(character) or re.escape(character) for character in pattern), re.DOTALL)
