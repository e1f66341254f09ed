"""`hub order press`: a button of a flow, for hubs without a console, and for scripts."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ._errors import refused
from ._orders import one_order
from ._setup import config_option, configured, example, offline, opened

if TYPE_CHECKING:
    from hub.store.database import Database


@click.command("press", epilog=example("hub order press 1001", 'hub order press 1001 "Apologise with 10 %"'))
@click.argument("number")
@click.argument("label", default="")
@config_option
def press(number: str, label: str, path: Path) -> None:
    """Press a button that a flow puts on an order; without a LABEL, say which there are.

    NUMBER is the order's number, the number of one of its parcels, or its id. Twice within ten seconds is once.
    """
    config, texts = configured(path)
    with opened(path) as db:
        order = one_order(db, number)
        if order.connection not in config.connections:
            raise refused(f"there is no shop '{order.connection}' in {path.name} any more")
        click.echo(offline(config, texts, lambda world: _press(db, order, label, world)))


def _press(db: "Database", order: Any, label: str, world: Any) -> str:
    from hub.clock import SystemClock
    from hub.config.problems import did_you_mean, listed
    from hub.pipeline.presses import buttons, press

    shop = world.shop_of(order.connection)
    there = buttons(world, shop)
    if not label:
        return "\n".join(there) or "no flow of this file puts a button on an order"
    if label not in there:
        meant = did_you_mean(label, there) or f"; there are: {listed(there) or 'none'}"
        raise refused(f"there is no button '{label[:60]}'{meant}")
    now = SystemClock().now()
    pressed = db.run(lambda connection: press(connection, db.dialect, world, shop, order.id, label, now))
    said = "is pressed" if pressed else "was pressed a moment ago, which counts once"
    return f"'{label}' {said} for {order.number or order.id}; `hub order {order.number or order.id}` shows what follows"
