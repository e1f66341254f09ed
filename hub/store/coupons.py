"""What was given away, counted so that it stays within bounds."""

import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime, timedelta

import sqlalchemy as sa

from .database import insert_new
from .tables import TENANT, coupons

_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""What nobody mistakes for another when typing it in."""
LENGTH = 12


def coupon_code(secret: bytes, key: str) -> str:
    """The code of an errand's coupon: the same each time, and not to be guessed without the hub's secret (60 bits)."""
    digest = hmac.new(secret, f"coupon\0{key}".encode(), "sha256").digest()
    return "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest[:LENGTH])


def reserve(
    connection: sa.Connection,
    dialect: str,
    key: str,
    *,
    customer_id: str,
    shop: str,
    at_most: Iterable[tuple[str, int, timedelta]],
    now: datetime,
) -> bool:
    """Count one more coupon, in the caller's transaction; False when that would be too many for the customer or the
    shop. A coupon that is counted already stays so. Who counts for the same customer or shop waits."""
    whose = {"customer": (coupons.c.customer_id, customer_id), "shop": (coupons.c.shop, shop)}
    _alone(connection, dialect, [f"coupons|{scope}|{ref}" for scope, (_, ref) in sorted(whose.items())])
    counted = sa.select(coupons.c.key).where(coupons.c.tenant == TENANT, coupons.c.key == key)
    if connection.execute(counted).first() is not None:
        return True
    for scope, most, per in at_most:
        column, ref = whose[scope]
        theirs = (coupons.c.tenant == TENANT, column == ref, coupons.c.at > now - per)
        if connection.execute(sa.select(sa.func.count()).where(*theirs)).scalar_one() >= most:
            return False
    row = {"tenant": TENANT, "key": key, "customer_id": customer_id, "shop": shop, "at": now}
    connection.execute(insert_new(coupons, dialect).values(**row))
    return True


def give_back(connection: sa.Connection, key: str) -> None:
    """A coupon that was not made counts no more."""
    connection.execute(sa.delete(coupons).where(coupons.c.tenant == TENANT, coupons.c.key == key))


def _alone(connection: sa.Connection, dialect: str, names: Iterable[str]) -> None:
    """Until the transaction ends nobody else holds these names. SQLite has one writer as it is."""
    if dialect == "postgresql":
        for name in names:
            number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(number)))
