"""A customer's phone in one form, so that an answer from it is known for that of the number in the order. Pure."""

from functools import lru_cache

from hub.config.model import Shop
from hub.model import OrderSnapshot
from hub.plugin import e164


def phone_of(snapshot: OrderSnapshot, shop: Shop) -> str:
    """The phone in international form (E.164); as it was written, where that is no number; or empty."""
    address = snapshot.address
    written = (snapshot.customer.phone or (address.phone if address else "")).strip()
    return _known(written, (address.country if address else "") or shop.country) or written


_known = lru_cache(maxsize=4096)(e164)
"""Every look at the outbox asks for the same numbers again."""
