"""`hub connect`: one connection, proved and registered."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ._errors import FAILED, Stop, one_line
from ._setup import config_option, configured, connection_named, example, opened, with_adapter

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.command(epilog=example("hub connect main-shop"))
@click.argument("name")
@config_option
def connect(name: str, path: Path) -> None:
    """Prove a connection's credentials and register its webhooks.

    One harmless call shows that they are right; then the other side is told where to send its events (with
    hub.public_url). A connection that was paused goes to work again.
    """
    from hub.plugin import FailureError

    config, _ = configured(path)
    connection_named(config, name)
    base = config.hub.public_url
    url = f"{base}/in/{name}" if base else None

    async def work(adapter: Any) -> tuple[str, "Sequence[str]"]:
        try:
            greeting = await adapter.hello()
        except NotImplementedError as error:
            raise Stop(f"the plugin of '{name}' cannot be asked whether its credentials are right", FAILED) from error
        return greeting, await adapter.register(url)

    try:
        greeting, lines = with_adapter(config, name, work)
    except FailureError as failure:
        text = one_line(failure)
        raise Stop(text if text.startswith(name) else f"{name}: {text}", FAILED) from failure
    click.echo(f"{name}: {one_line(greeting)}")
    for line in lines:
        click.echo(f"{name}: {one_line(line)}")
    if url is None:
        click.echo(f"{name}: no webhooks, because hub.public_url is not set; the hub asks by itself")
    _unpause(path, name)


def _unpause(path: Path, name: str) -> None:
    """A hub that has never run has no pause to end."""
    from hub.clock import SystemClock
    from hub.store.queries import unpause

    try:
        with opened(path) as db:
            was = db.run(lambda connection: unpause(connection, name, SystemClock().now()))
    except Stop:
        return
    if was:
        click.echo(f"{name}: was paused and is at work again")
