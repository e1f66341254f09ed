"""What `hub flows explain` asks the database."""

from itertools import islice
from typing import Any

import sqlalchemy as sa

from .queries import Rows
from .tables import TENANT, messages, timeline

BACK = 1_000_000
"""How many lines are looked through for those of one flow: no index serves what is asked so seldom."""


def message(connection: sa.Connection, number: int) -> Any:
    """The message of this number, or None."""
    query = sa.select(messages).where(messages.c.tenant == TENANT, messages.c.id == number)
    return connection.execute(query).first()


def lines_of_flow(connection: sa.Connection, flow: str, most: int) -> Rows:
    """The newest lines about a flow that was set off: what became of it; of the newest `BACK` of all lines."""
    newest = connection.execute(sa.select(sa.func.max(timeline.c.id))).scalar() or 0
    mine = sa.select(timeline).where(
        timeline.c.tenant == TENANT, timeline.c.kind == "run", timeline.c.id > newest - BACK
    )
    found = (row for row in connection.execute(mine.order_by(timeline.c.id.desc())) if row.doc.get("flow") == flow)
    return list(islice(found, most))
