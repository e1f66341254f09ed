"""`hub db`: the database itself."""

from pathlib import Path

import click

from ._group import Lazy, LazyGroup
from ._setup import config_option, example, existing, hub_settings

COMMANDS = {"Commands": {"upgrade": Lazy("hub.cli.db:upgrade", "Bring the database up to this release.")}}


@click.command("db", cls=LazyGroup, sections=COMMANDS)
def db() -> None:
    """Bring the database up to date."""


@click.command(epilog=example("hub db upgrade"))
@config_option
def upgrade(path: Path) -> None:
    """Bring the database up to this release, or make it. `hub run` does the same when it starts."""
    from hub.store.database import Database
    from hub.store.migrate import upgrade as apply

    settings = hub_settings(existing(path))
    if not settings.database:
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = Database(settings.database or f"sqlite:///{settings.data / 'hub.db'}")
    try:
        database.hold()
        applied = apply(database)
    finally:
        database.close()
    click.echo(f"applied {', '.join(applied)}" if applied else "nothing to do: the database is up to date")
