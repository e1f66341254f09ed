"""The one order that a number on the command line means."""

from typing import TYPE_CHECKING, Any

from ._errors import Stop
from ._setup import look

if TYPE_CHECKING:
    from hub.store.database import Database


def one_order(db: "Database", number: str, *, hint: str = "") -> Any:
    """The row of the order with this number, or with a parcel of it; stops where there is none (with the `hint`) or
    more than one."""
    from hub.store.queries import find_orders

    rows = look(db, lambda connection: find_orders(connection, number))
    if not rows:
        raise Stop(f"no order or parcel has the number '{number[:40]}'{f'; {hint}' if hint else ''}")
    if len(rows) > 1:
        listed = ", ".join(row.id for row in rows[:5])
        raise Stop(f"{len(rows)} orders have the number '{number[:40]}'; give the id of one: {listed}")
    return rows[0]
