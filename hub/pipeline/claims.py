"""Flows that begin once for an order, a parcel or a customer, ever or within a time (FLOWS 2.2): what was claimed.

A claim is a row, made in the transaction that starts the run. All orders of a batch share what was read, so that two
orders of one customer do not both begin; what another process claimed meanwhile is found when the row is written.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from hub.config.model import Shop
from hub.flows.model import Once, Per
from hub.store.database import insert_new
from hub.store.rows import rows_of
from hub.store.tables import TENANT, claims

Key = tuple[str, str, str]
"""Flow in its realm, what it is once for, and the id of that."""
Claims = dict[Key, datetime]
"""Key → when it was claimed last."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim to be written. `seen`: when the same was claimed before, and is claimed anew."""

    key: Key
    home: str
    """The order or the customer by which it is found."""
    at: datetime
    seen: datetime | None


def load_claims(connection: sa.Connection, homes: Iterable[str]) -> Claims:
    """What was claimed for these orders, with their parcels, and customers."""
    return {(row.flow, row.scope, row.ref): row.at for row in rows_of(connection, claims.c.home, homes)}


def ids_of(once: Once, order_id: str, subjects: Sequence[str], customer_id: str) -> Sequence[str]:
    """What a flow is once for, by the ids it is and was known by; `subjects`: of the parcel."""
    match once.per:
        case Per.SHIPMENT:
            return subjects
        case Per.ORDER:
            return (order_id,)
        case Per.CUSTOMER:
            return (customer_id,)


def is_taken(once: Once, found: Claims, keys: Iterable[Key], now: datetime, shop: Shop) -> bool:
    """Whether one of these keys is claimed, and its time is not over."""
    held = [found[key] for key in keys if key in found]
    if once.within is None:
        return bool(held)
    return any(now < once.within.after(at, shop.timezone, shop.hours) for at in held)


def write_claims(connection: sa.Connection, dialect: str, rows: Sequence[Claim]) -> bool:
    """Write them; False: somebody else was faster with one."""
    for each in rows:
        flow, scope, ref = each.key
        mine = {"tenant": TENANT, "flow": flow, "scope": scope, "ref": ref}
        if each.seen is None:
            done = connection.execute(insert_new(claims, dialect), {**mine, "home": each.home, "at": each.at})
        else:
            same = (*(claims.c[name] == value for name, value in mine.items()), claims.c.at == each.seen)
            done = connection.execute(sa.update(claims).where(*same).values(at=each.at))
        if done.rowcount != 1:
            return False
    return True
