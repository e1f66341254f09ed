"""Bring the rows in line with the configuration that is live now."""

from datetime import datetime

import sqlalchemy as sa

from .appointments import keep
from .breaker import forget_hours
from .failing import tell_expiring
from .loading import remember_waiting
from .remap import remember_statuses
from .rewatch import note_clocks
from .versions import go_live
from .world import World


def fit(connection: sa.Connection, dialect: str, world: World, now: datetime) -> int:
    """Which file is live and what becomes of the runs under way, what codes mean, what they listen to, which
    clocks run, which credentials end; returns how many orders are to be folded again."""
    go_live(connection, dialect, world, now)
    refolded = remember_statuses(connection, dialect, world, now)
    remember_waiting(connection, world)
    keep(connection, dialect, world, now)
    tell_expiring(connection, dialect, world, now)
    note_clocks(connection, dialect, world, now)
    forget_hours(connection, now)
    return refolded
