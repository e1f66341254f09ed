"""How orders stand: in the database of the hub that was killed, and in a second hub that heard everything once, in the
order in which it happened, and was never killed. The second one runs in this process, says nothing to anybody, and
asks the world its own questions.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from hub.clock import Clock, SystemClock, VirtualClock
from hub.config.model import Config
from hub.flows.load import load_config
from hub.messages import Texts, check_text
from hub.pipeline.batch import Wanted
from hub.pipeline.loading import Loaded, load_orders
from hub.pipeline.view import view
from hub.pipeline.world import World
from hub.plugin import Adapter, WebhookRequest
from hub.plugin.http import make_client
from hub.plugin.registry import Registry
from hub.runtime.hub import Hub
from hub.store.tables import orders

from .config import SECRETS
from .world import webhooks

States = Mapping[str, Mapping[str, str]]
"""Order → what stands where: headline, payment, and each axis of each subject."""


def configured(path: Path) -> tuple[Config, Texts]:
    """The run's file, as the hub reads it."""
    texts, _ = Texts.load(None)
    loaded = load_config(path, Registry.load(), SECRETS, texts=texts, check_text=check_text)
    if loaded.config is None:
        raise ValueError("\n".join(map(str, loaded.problems)))
    return loaded.config, texts


def states_of(connection: sa.Connection, world: World) -> States:
    """How all orders stand in a database."""
    ids = [row.id for row in connection.execute(sa.select(orders.c.id))]
    return {
        each: state
        for start in range(0, len(ids), 200)
        for each, state in _some(connection, world, ids[start : start + 200])
    }


def _some(connection: sa.Connection, world: World, ids: list[str]) -> list[tuple[str, Mapping[str, str]]]:
    loaded = load_orders(connection, world, {each: Wanted() for each in ids})
    rows = connection.execute(sa.select(orders).where(orders.c.id.in_(ids))).all()
    return [(row.id, _state(row, loaded[row.id], world)) for row in rows]


def _state(row: Any, loaded: Loaded, world: World) -> Mapping[str, str]:
    it = view(row.id, loaded.connection, loaded.doc, loaded.facts, world)
    found = {f"{axis.value} {subject}": str(folded.state) for axis, subject, folded in it.axes()}
    columns = {name: str(row._mapping[name]) for name in ("headline", "order_status", "payment_status")}
    return {**found, **columns, "number": row.number, "folded": it.headline.value.value}


async def killed_states(database: Path, config: Path) -> States:
    """How orders stand in the hub that was killed; it has been stopped."""
    hub = _hub(config, SystemClock(), database)
    try:
        return await hub.db.read(lambda connection: states_of(connection, hub.world))
    finally:
        await hub.stop()


async def undisturbed_states(folder: Path) -> States:
    """How they stand in the hub that was never killed."""
    hub = _hub(folder / "flows.yaml", VirtualClock(SystemClock().now()), folder / "reference.db")
    await hub.start(ticking=False)
    try:
        await hub.quiet()
        for line, body in webhooks(folder):
            name, _, rest = line["to"].partition("/")
            request = WebhookRequest("POST", rest, {}, list(line["headers"].items()), body)
            answer = await hub.receiver.webhook(name, request)
            if answer.status != 200:
                raise ValueError(f"the reference refuses webhook {line['n']}: {answer.status}")
        await hub.quiet()
        return await hub.db.read(lambda connection: states_of(connection, hub.world))
    finally:
        await hub.stop()


def _hub(path: Path, clock: Clock, database: Path) -> Hub:
    config, texts = configured(path)
    silent = replace(config, flows={}, staff={}, people={})
    return Hub(silent, texts, clock=clock, database=f"sqlite:///{database}", make_adapter=_unhurried, jitter=False)


def _unhurried(name: str, config: Config, clock: Clock) -> Adapter[Any]:
    """An adapter that asks as fast as it can: its world is ours."""
    connection = config.connections[name]
    limits = replace(connection.adapter.limits, per_second=None)
    return connection.adapter(connection.settings, make_client(name, limits, clock), clock, connection=name)
