"""Bring a database up to date, with Alembic; which is loaded only when there is something to do, for it is slow to."""

from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from .database import Database

if TYPE_CHECKING:
    from alembic.config import Config

FOLDER = Path(__file__).parent / "migrations"


def current(db: Database) -> str | None:
    """The revision that the database is at; None when it is empty."""
    with db.writer.connect() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


def newest() -> str:
    """The revision that this release needs: files of migrations are named by their numbers."""
    return max(path.name.partition("_")[0] for path in (FOLDER / "versions").glob("[0-9]*.py"))


def upgrade(db: Database) -> list[str]:
    """Apply what is missing, in one transaction; returns the revisions applied (empty: nothing to do)."""
    before = current(db)
    if before == newest():
        return []
    from alembic import command
    from alembic.script import ScriptDirectory

    with db.writer.begin() as connection:
        command.upgrade(alembic_config(connection), "head")
    script = ScriptDirectory.from_config(alembic_config())
    return [step.revision for step in script.iterate_revisions("head", before or "base")][::-1]


def alembic_config(connection: sa.Connection | None = None) -> "Config":
    """Alembic's own configuration: our folder of migrations, on this connection."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.attributes["connection"] = connection
    return config
