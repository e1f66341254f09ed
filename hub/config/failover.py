"""`failover` connections: several providers of one kind under one name, the next one where the fault is theirs."""

from hub.plugin import AddressKind, Channel

from .build import Built, Named, known_connection, scalars_of
from .model import Connection
from .problems import listed, quoted
from .sections import FAILOVER, KINDS, ConnectionShape
from .settings import Reading, read_settings
from .yaml import ListNode, MapNode, Node, Scalar

MOST = 6
"""As many as a list of channels may hold."""


def build_failovers(entries: Named, connections: Built[Connection], reading: Reading) -> dict[str, tuple[str, ...]]:
    """Name → providers, of the failovers that nothing is wrong with."""
    found = {name: (key, node) for name, (key, node) in entries.items() if _is_one(node)}
    read = {name: _read(name, key, node, frozenset(found), connections, reading) for name, (key, node) in found.items()}
    return {name: providers for name, providers in read.items() if providers}


def _is_one(node: Node) -> bool:
    return isinstance(node, MapNode) and node.key(FAILOVER) is not None and not any(map(node.key, KINDS))


def _read(
    name: str, key: Scalar, node: Node, failovers: frozenset[str], connections: Built[Connection], reading: Reading
) -> tuple[str, ...]:
    assert isinstance(node, MapNode)
    what = f"the failover '{name}'"
    others = [each for each, _ in node if each.text != FAILOVER]
    for each in others:
        text = f"{what} has no setting {quoted(each.text)}; it has its providers and nothing else"
        reading.report(each, "unknown-setting", text, "settings stand with each provider")
    skip = frozenset(each.text for each in others)
    shape = read_settings(node, ConnectionShape, reading, what, place=key.place, skip=skip)
    listing = node.get(FAILOVER)
    if shape is None or not isinstance(listing, ListNode):
        return ()
    providers = _checked(what, listing, failovers, connections, reading)
    return providers if not others else ()


def _checked(
    what: str, listing: ListNode, failovers: frozenset[str], connections: Built[Connection], reading: Reading
) -> tuple[str, ...]:
    items = scalars_of(listing)
    if not 2 <= len(items) <= MOST:
        said = f"{what} needs two providers or more" if len(items) < 2 else f"{what} holds at most {MOST} providers"
        reading.report(items[MOST] if len(items) > MOST else listing, "bad-value", said)
        return ()
    sound = [_is_provider(what, at, items, failovers, connections, reading) for at in range(len(items))]
    return tuple(each.text for each in items) if all(sound) else ()


def _is_provider(
    what: str,
    at: int,
    items: list[Scalar],
    failovers: frozenset[str],
    connections: Built[Connection],
    reading: Reading,
) -> bool:
    item = items[at]
    if item.text in failovers:
        text = f"'{item.text}' is a failover itself, and they do not nest; name its providers"
        reading.report(item, "wrong-connection", text)
        return False
    if item.text in {each.text for each in items[:at]}:
        reading.report(item, "bad-value", f"{what} names '{item.text}' twice")
        return False
    if not known_connection(item, connections, "channel", reading):
        return False
    first, this = connections.good.get(items[0].text), connections.good.get(item.text)
    if first is None or this is None:
        return False  # its own mistake is told where it stands
    return _of_one_kind(first, this, item, reading)


def _of_one_kind(first: Connection, this: Connection, item: Node, reading: Reading) -> bool:
    ours, theirs = _kind(first), _kind(this)
    if AddressKind.LINK in theirs:
        text = f"'{this.name}' is reached by a link that its customers follow there; no other provider has that address"
        reading.report(item, "wrong-connection", text)
        return False
    if ours != theirs and AddressKind.LINK not in ours:
        text = (
            f"'{this.name}' sends {listed(theirs)} and '{first.name}' {listed(ours)} (form, address); "
            "a failover is of providers of one kind"
        )
        reading.report(item, "wrong-connection", text, "where the kind differs, put both into the list of a route")
    return ours == theirs


def _kind(connection: Connection) -> tuple[str, str]:
    adapter = connection.adapter
    assert issubclass(adapter, Channel)
    return str(adapter.form), str(adapter.address_kind)
