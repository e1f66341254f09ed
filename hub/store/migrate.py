"""Bring a database up to date, with Alembic."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from .database import Database

FOLDER = Path(__file__).parent / "migrations"


def _config(connection: sa.Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.attributes["connection"] = connection
    return config


def current(db: Database) -> str | None:
    """The revision that the database is at; None when it is empty."""
    with db.writer.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest() -> str | None:
    """The revision that this release needs."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def upgrade(db: Database) -> list[str]:
    """Apply what is missing, in one transaction; returns the revisions applied (empty: nothing to do)."""
    before = current(db)
    if before == newest():
        return []
    with db.writer.begin() as connection:
        command.upgrade(_config(connection), "head")
    script = ScriptDirectory.from_config(_config())
    return [step.revision for step in script.iterate_revisions("head", before or "base")][::-1]
