"""`hub customer`: by which channels somebody can be reached, what they allow and refuse, and how staff change that."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ._errors import Stop, refused
from ._group import Lazy, LazyGroup
from ._out import cell, print_json, print_table, title, whose_clock
from ._setup import config_option, configured, example, json_option, look, offline, opened

if TYPE_CHECKING:
    import sqlalchemy as sa

    from hub.pipeline.world import World

COMMANDS = {
    "Commands": {
        "show": Lazy("hub.cli.customer:show", "Show by what a customer is reached, and what they allow and refuse."),
        "optout": Lazy("hub.cli.customer:optout", "Keep that a customer refuses a class of messages."),
        "consent": Lazy("hub.cli.customer:consent", "Keep that a customer allows a class of messages."),
        "revive": Lazy("hub.cli.customer:revive", "Use an address again that was marked as dead."),
    }
}
STAFF = "staff"
"""How it was said when a person of the shop keeps it."""


@click.command("customer", cls=LazyGroup, sections=COMMANDS)
def customer() -> None:
    """Customers: channels, consents, mutes, tags and dead addresses."""


class_option = click.option(
    "--class", "cls", type=click.Choice(["feedback", "marketing"]), required=True, help="Which messages."
)
channel_option = click.option("--channel", default="", help="In this channel alone; without it in all of them.")


@click.command(epilog=example("hub customer show 1001", "hub customer show anna@example.com --full"))
@click.argument("who")
@config_option
@click.option("--full", is_flag=True, help="Show addresses whole.")
@json_option
def show(who: str, path: Path, full: bool, as_json: bool) -> None:
    """Show by what a customer is reached, and what they allow and refuse.

    WHO is the number of an order, an e-mail address or a phone. Addresses are masked, unless --full.
    """
    whole = _with(path, who, lambda connection, world, row: _whole(connection, world, row, full=full))
    if as_json:
        print_json(whole)
        return
    click.secho(f"{whole['id']}  {cell(whole['name']) or 'no name'}", bold=True)
    click.echo(cell(f"shop {whole['shop']}, orders {', '.join(whole['orders']) or 'none'}; {whose_clock()}"))
    for heading, (name, columns) in TABLES.items():
        title(heading)
        print_table(columns, [[row[each] for each in columns] for row in whole[name]], empty="none")


TABLES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "Channels": ("channels", ("channel", "address", "state", "why", "feedback", "marketing")),
    "Refused now": ("optouts", ("class", "channel", "at", "how")),
    "What was allowed and refused": ("consents", ("at", "class", "channel", "given", "how")),
    "Muted": ("mutes", ("on", "class", "until", "how")),
    "Tags": ("tags", ("on", "tag", "state", "how")),
}


@click.command(epilog=example("hub customer optout 1001 --class marketing --channel bot"))
@click.argument("who")
@class_option
@channel_option
@config_option
def optout(who: str, cls: str, channel: str, path: Path) -> None:
    """Keep that a customer refuses a class of messages, as they told you.

    WHO is the number of an order, an e-mail address or a phone.
    """
    _keep(who, cls, channel, path, given=False)


@click.command(epilog=example("hub customer consent anna@example.com --class marketing --channel mail"))
@click.argument("who")
@class_option
@channel_option
@config_option
def consent(who: str, cls: str, channel: str, path: Path) -> None:
    """Keep that a customer allows a class of messages, as they told you.

    WHO is the number of an order, an e-mail address or a phone. What they stopped in a channel by its own word (/stop)
    is allowed again with --channel only.
    """
    _keep(who, cls, channel, path, given=True)


def _keep(who: str, cls: str, channel: str, path: Path, *, given: bool) -> None:
    from hub.clock import SystemClock
    from hub.store.consents import set_consent

    now = SystemClock().now()

    def work(connection: "sa.Connection", world: "World", row: Any) -> bool:
        names = world.of_kind("channel")
        if channel and channel not in names:
            raise _no_channel(channel, names)
        return set_consent(
            connection, connection.dialect.name, customer_id=row.id, cls=cls, channel=channel, given=given, at=now,
            how=STAFF, channels=names,
        )  # fmt: skip

    changed = _with(path, who, work, write=True)
    where, what = f"in {channel}" if channel else "in all channels", "allowed" if given else "refused"
    click.echo(f"{cls} is {what} {where}" if changed else f"{cls} was {what} {where} already")


@click.command(epilog=example("hub customer revive 1001 mail"))
@click.argument("who")
@click.argument("channel")
@config_option
def revive(who: str, channel: str, path: Path) -> None:
    """Use an address again that was marked as dead, when you know that it is not.

    WHO is the number of an order, an e-mail address or a phone. Who closed a channel themselves opens it themselves.
    """

    def work(connection: "sa.Connection", world: "World", row: Any) -> None:
        from hub.pipeline.around import address_hash
        from hub.store import customers

        names = world.of_kind("channel")
        if channel not in names:
            raise _no_channel(channel, names)
        contact = customers.contacts_of(connection, row.id).get(channel)
        if contact is not None and contact.state == "closed":
            raise Stop(f"the customer closed {channel} ({contact.reason}); only they can open it again")
        address = _address(row, contact, world, channel)
        if not customers.revive(connection, channel, address_hash(channel, address)):
            raise Stop(f"nothing keeps the address in {channel} from being used")

    _with(path, who, work, write=True)
    click.echo(f"the address in {channel} is used again")


# ------------------------------------------------------------------------------------------------ the customer


def _with(path: Path, who: str, work: "Callable[[sa.Connection, World, Any], Any]", *, write: bool = False) -> Any:
    """What `work` gives for the one customer that is meant."""
    from hub.store.customers import find_customers

    config, texts = configured(path)

    def go(connection: "sa.Connection", world: "World") -> Any:
        rows = find_customers(connection, who)
        if not rows:
            raise Stop(f"no customer has the order, e-mail or phone '{who[:80]}'")
        if len(rows) > 1:
            several = ", ".join(f"{row.id} (shop {row.shop})" for row in rows)
            raise Stop(f"{len(rows)} customers have '{who[:80]}'; ask for one by its id: {several}")
        return work(connection, world, rows[0])

    with opened(path) as db:
        if write:
            return offline(config, texts, lambda world: db.run(lambda connection: go(connection, world)))
        return offline(config, texts, lambda world: look(db, lambda connection: go(connection, world)))


def _no_channel(name: str, names: Any) -> click.ClickException:
    return refused(f"there is no channel '{name[:40]}'; there are: {', '.join(names) or 'none'}")


def _address(row: Any, contact: Any, world: "World", channel: str) -> str:
    from hub.plugin import AddressKind

    kind = world.channel(channel).address_kind
    known = {AddressKind.EMAIL: row.email, AddressKind.PHONE: row.phone}.get(kind, "")
    return str(known or (contact.address if contact is not None else ""))


def _whole(connection: "sa.Connection", world: "World", row: Any, *, full: bool) -> dict[str, Any]:
    from hub.clock import SystemClock
    from hub.store import consents, customers
    from hub.store.tables import mutes, tags

    now = SystemClock().now()
    theirs = customers.orders_of_customer(connection, row.id)
    ids = [each.id for each in theirs]
    standing = consents.standings(connection, [row.id]).get(row.id, consents.NOTHING_SAID)
    known = customers.contacts_of(connection, row.id)
    return {
        "id": row.id,
        "name": row.name if full else mask(row.name),
        "shop": row.shop,
        "locale": row.locale,
        "orders": [each.number or each.id for each in theirs],
        "channels": [
            _channel(connection, world, row, name, known.get(name), standing, full=full)
            for name in world.of_kind("channel")
        ],
        "optouts": [
            {"class": each.cls, "channel": each.channel or "all", "at": each.at, "how": each.how}
            for each in consents.refusals(connection, row.id)
        ],
        "consents": [
            {"class": each.cls, "channel": each.channel or "all", "given": "yes" if each.given else "no",
             "at": each.at, "how": each.how}
            for each in consents.history(connection, row.id)
        ],
        "mutes": [
            {"on": each.scope, "ref": each.ref, "class": each.cls, "until": each.until_at, "how": each.how}
            for each in customers.marks_of(connection, mutes, row.id, ids)
            if each.until_at > now
        ],
        "tags": [
            {"on": each.scope, "ref": each.ref, "tag": each.tag, "state": "on" if each.present else "taken off",
             "how": each.how}
            for each in customers.marks_of(connection, tags, row.id, ids)
        ],
    }  # fmt: skip


def _channel(
    connection: "sa.Connection", world: "World", row: Any, name: str, contact: Any, standing: Any, *, full: bool
) -> dict[str, Any]:
    from hub.pipeline.around import address_hash
    from hub.store import customers

    address = _address(row, contact, world, name)
    dead = customers.suppression(connection, name, address_hash(name, address)) if address else None
    state, why = "open", ""
    if contact is not None and contact.state == "closed":
        state, why = "closed", contact.reason
    elif dead is not None:
        state, why = "dead", dead.reason
    elif not address:
        state = "no address"
    return {
        "channel": name,
        "address": address if full else mask(address),
        "state": state,
        "why": why,
        **{cls: standing.refusal(cls, name) or "yes" for cls in ("feedback", "marketing")},
    }


def mask(text: str) -> str:
    """Enough of a name or an address to know it again, and no more: `a…@example.com`, `+38…33`."""
    name, at, domain = text.partition("@")
    if at:
        return f"{name[:1]}…@{domain}"
    return f"{text[:3]}…{text[-2:]}" if len(text) > 7 else f"{text[:1]}…" if text else ""
