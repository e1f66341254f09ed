"""By which channels a customer can be reached."""

from collections.abc import Mapping

import sqlalchemy as sa

from hub.plugin import AddressKind
from hub.store.tables import TENANT, contacts, customers

from .world import World


def states_of(connection: sa.Connection, customer_id: str) -> dict[str, str]:
    """Channel connection → open, or closed by the customer."""
    mine = contacts.c.tenant == TENANT, contacts.c.customer_id == customer_id
    return {row.channel: row.state for row in connection.execute(sa.select(contacts).where(*mine))}


def channels_of(
    connection: sa.Connection, world: World, customer_id: str, states: Mapping[str, str]
) -> tuple[str, ...]:
    """The channel connections that have an address of a customer, without those that they closed."""
    mine = customers.c.tenant == TENANT, customers.c.id == customer_id
    row = connection.execute(sa.select(customers).where(*mine)).first()
    known = {AddressKind.EMAIL: row is not None and row.email, AddressKind.PHONE: row is not None and row.phone}
    return open_channels(world, states, known)


def open_channels(world: World, states: Mapping[str, str], known: Mapping[AddressKind, object]) -> tuple[str, ...]:
    """The same, given which kinds of address are known."""
    return tuple(
        name
        for name in world.of_kind("channel")
        if not any(states.get(each) == "closed" for each in world.one_address[name])
        and (states.get(name) == "open" or known.get(world.channel(name).address_kind, False))
    )


def with_failovers(world: World, channels: tuple[str, ...]) -> tuple[str, ...]:
    """Channel connections, and the failovers that hold one of them."""
    joined = (name for name, providers in world.config.failovers.items() if any(each in channels for each in providers))
    return (*channels, *joined)
