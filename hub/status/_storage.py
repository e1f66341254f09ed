"""How long a pickup point keeps a parcel (STATUS.md, section 5): data, overridable per connection."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

ANY = "*"


@dataclass(frozen=True, slots=True)
class StorageRule:
    """Until when a parcel is kept.

    `free`: how long from `starts`; None when the carrier tells the date itself (basis `told`), or nobody knows (no
    basis): then no deadline is shown. `kind`: what happens then. `source`: where the rule comes from.
    """

    free: timedelta | None
    starts: Literal["ready_for_pickup", "first_notice"] | None
    kind: Literal["goes_back", "fee_from"] | None
    basis: Literal["told", "estimated"] | None
    source: str


_UNKNOWN = StorageRule(None, None, None, None, "not known: no deadline until the merchant sets one")

STORAGE_RULES: Mapping[tuple[str, str], StorageRule] = {
    ("inpost", "locker"): StorageRule(
        timedelta(hours=48),
        "ready_for_pickup",
        "goes_back",
        "estimated",
        "carrier's documents (older: 72 h; customer may extend)",
    ),
    ("nova_poshta", "branch"): StorageRule(
        None, None, "fee_from", "told", "DatePayedKeeping, about 7 days; lockers shorter: unverified"
    ),
    ("poczta_polska", "post_office"): StorageRule(
        timedelta(days=14), "first_notice", "goes_back", "estimated", "postal rules"
    ),
    ("ukrposhta", "branch"): StorageRule(
        timedelta(days=14), "ready_for_pickup", "goes_back", "estimated", "unverified: 14 to 30 days by product"
    ),
    ("ups", "partner"): StorageRule(None, None, "goes_back", "told", "pickupByDate"),
    ("usps", "post_office"): StorageRule(None, None, "goes_back", "told", "returnDateNotice"),
    ("cdek", ANY): StorageRule(None, None, "fee_from", "told", "keep_free_until: unverified"),
    ("inpost", "partner"): _UNKNOWN,
    ("meest", ANY): _UNKNOWN,
    ("dpd_pl", ANY): _UNKNOWN,
    ("gls", ANY): _UNKNOWN,
    ("orlen_paczka", ANY): _UNKNOWN,
    ("dhl", ANY): _UNKNOWN,
    ("fedex", ANY): _UNKNOWN,
    (ANY, "shop"): StorageRule(
        timedelta(days=7), "ready_for_pickup", "goes_back", "estimated", "our default: a setting"
    ),
}
"""(carrier, kind of point) → rule; `ANY` stands for every carrier or kind without a row of its own."""


def storage_rule(carrier: str, kind: str) -> StorageRule | None:
    """The rule for a carrier's kind of point; None when there is none at all."""
    keys = ((carrier, kind), (carrier, ANY), (ANY, kind))
    return next((STORAGE_RULES[key] for key in keys if key in STORAGE_RULES), None)
