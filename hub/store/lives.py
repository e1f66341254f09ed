"""Named queries on which file was live when, and on what was decided about the runs under way when one goes live."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from .tables import TENANT, file_versions, live_files

WAITS, LIVE, REFUSED, WITHDRAWN = "waits", "live", "refused", "withdrawn"
"""States of a file that was to go live."""

_MINE = live_files.c.tenant == TENANT
_UNDONE = sa.select(live_files).where(_MINE, sa.text("live_files.state = 'waits'"))


def live_file(connection: sa.Connection) -> Any | None:
    """The file that is live: digest, live_at, flows (name → version), files (name → text)."""
    joined = sa.join(live_files, file_versions, sa.and_(
        live_files.c.tenant == file_versions.c.tenant, live_files.c.digest == file_versions.c.digest
    ))  # fmt: skip
    query = sa.select(live_files.c.digest, live_files.c.live_at, file_versions.c.flows, file_versions.c.files)
    lived = query.select_from(joined).where(_MINE, live_files.c.state == LIVE)
    return connection.execute(lived.order_by(live_files.c.id.desc()).limit(1)).first()


def undone_decision(connection: sa.Connection) -> Any | None:
    """What was decided last and has not gone live yet."""
    return connection.execute(_UNDONE.order_by(live_files.c.id.desc()).limit(1)).first()


def decide(connection: sa.Connection, digest: str, waiting: Mapping[str, str], now: datetime) -> int:
    """The file with this digest is to go live, and this is to become of the runs under way then. An earlier decision
    that was not carried out yet is withdrawn. Returns the decision's id."""
    withdraw(connection)
    row = {"tenant": TENANT, "digest": digest, "state": WAITS, "waiting": dict(waiting), "decided_at": now}
    made = connection.execute(sa.insert(live_files).values(**row).returning(live_files.c.id))
    return int(made.scalar_one())


def withdraw(connection: sa.Connection, *, but: int = 0) -> None:
    """Decisions that wait are carried out no more, but for one of them."""
    undone = sa.update(live_files).where(_MINE, sa.text("live_files.state = 'waits'"), live_files.c.id != but)
    connection.execute(undone.values(state=WITHDRAWN))


def refuse(connection: sa.Connection, reason: str) -> None:
    """The hub cannot let the decided file go live."""
    undone = sa.update(live_files).where(_MINE, sa.text("live_files.state = 'waits'"))
    connection.execute(undone.values(state=REFUSED, reason=reason))


def decision(connection: sa.Connection, which: int) -> Any:
    """What became of a decision: state, reason, outcome."""
    return connection.execute(sa.select(live_files).where(live_files.c.id == which)).one()
