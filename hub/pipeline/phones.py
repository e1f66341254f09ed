"""A phone number in one form, so that an answer from it is known for that of the number in the order. Pure."""

from functools import lru_cache

import phonenumbers

from hub.config.model import Shop
from hub.model import OrderSnapshot

LONGEST = 40


def phone_of(snapshot: OrderSnapshot, shop: Shop) -> str:
    """The customer's phone in international form (E.164); as it was written, where that is no number; or empty."""
    address = snapshot.address
    written = snapshot.customer.phone or (address.phone if address else "")
    return e164(written, (address.country if address else "") or shop.country)


@lru_cache(maxsize=4096)
def e164(written: str, country: str) -> str:
    """`600 100 200` of Poland is `+48600100200`."""
    text = written.strip()
    try:
        number = phonenumbers.parse(text[:LONGEST], country.upper() or None)
    except phonenumbers.NumberParseException:
        return text
    if not phonenumbers.is_possible_number(number):
        return text
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
