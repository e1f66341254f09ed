"""`people` and `staff`: who is told when a person must act."""

from collections.abc import Mapping

from .build import Built, Named, known_connection, scalars_of
from .kinds import keys_of
from .lengths import Hours
from .model import Connection, Person, Rung
from .problems import did_you_mean, instead, listed, quoted
from .rules import Failovers
from .scalars import address_mistake
from .sections import PersonShape, RungShape
from .settings import Reading, read_settings, read_value
from .yaml import MapNode, Node, Scalar


def build_people(named: Named, connections: Built[Connection], failovers: Failovers, reading: Reading) -> Built[Person]:
    built: Built[Person] = Built()
    channels = [name for name, kind in connections.names.items() if kind == "channel"]
    for name, (key, node) in named.items():
        built.names[name] = ""
        person = _person(name, key, node, connections, failovers, channels, reading)
        if person is not None:
            built.good[name] = person
    return built


def _person(
    name: str,
    key: Scalar,
    node: Node,
    connections: Built[Connection],
    failovers: Failovers,
    channels: list[str],
    reading: Reading,
) -> Person | None:
    own = keys_of(PersonShape)
    skip = (
        frozenset(each.text for each, _ in node if each.text not in own) if isinstance(node, MapNode) else frozenset()
    )
    shape = read_settings(node, PersonShape, reading, f"person '{name}'", place=key.place, skip=skip)
    if not isinstance(node, MapNode):
        return None
    addresses: dict[str, str] = {}
    unread: dict[str, str] = {}
    for each, value in node:
        if each.text in own:
            continue
        if each.text not in connections.names:
            known = (*own, *channels)
            text = f"person '{name}' has no setting {quoted(each.text)}{did_you_mean(each.text, known)}"
            reading.report(each, "unknown-setting", text, f"settings of a person: {listed(known)}")
        elif known_connection(each, connections, "channel", reading):
            address = read_value(value, str, reading, f"'{each.text}'")
            if isinstance(address, str):
                addresses[each.text] = address
                provider = failovers.get(each.text, (each.text,))[0]
                _can_be(each.text, provider, address, value, connections, reading)
            else:
                unread[each.text] = ""
    if shape is None:
        return None
    return Person(name, shape.name, shape.locale, _at_all(addresses, failovers), frozenset(_at_all(unread, failovers)))


def _at_all(addresses: Mapping[str, str], failovers: Failovers) -> Mapping[str, str]:
    """An address by a failover's name is one of all its providers, and that by one of them is one of all."""
    found = dict(addresses)
    for name, providers in failovers.items():
        given = next((addresses[each] for each in (name, *providers) if each in addresses), None)
        found = {**dict.fromkeys((name, *providers), given), **found} if given is not None else found
    return found


def _can_be(
    channel: str, provider: str, address: str, node: Node, connections: Built[Connection], reading: Reading
) -> None:
    connection = connections.good.get(provider)
    kind = getattr(connection.adapter, "address_kind", "") if connection else ""
    mistake = address_mistake(kind, address)
    if mistake:
        reading.report(node, "bad-value", f"'{channel}': {mistake}")


def build_staff(named: Named, people: Built[Person], connections: Built[Connection], reading: Reading) -> Built[Rung]:
    built: Built[Rung] = Built(names=dict.fromkeys(named, ""))
    for name, (key, node) in named.items():
        shape = read_settings(node, RungShape, reading, f"staff group '{name}'", place=key.place)
        if isinstance(node, MapNode):
            _follow_rung(node, named, people, connections, reading)
        if shape is not None:
            hours = Hours(*shape.hours) if shape.hours else None
            rung = Rung(name, tuple(shape.people), tuple(shape.via), shape.acknowledge, shape.then, hours)
            built.good[name] = rung
            if isinstance(node, MapNode) and all(channel in connections.names for channel in shape.via):
                _reachable(rung, node, people, reading)
    _ladders(built, named, reading)
    return built


def _follow_rung(
    node: MapNode, named: Named, people: Built[Person], connections: Built[Connection], reading: Reading
) -> None:
    for each in scalars_of(node.get("people")):
        if each.text not in people.names:
            meant = instead(each.text, people.names, "a name under 'people'")
            reading.report(each, "unknown-staff", f"there is no person {quoted(each.text)}{meant}")
    for each in scalars_of(node.get("via")):
        known_connection(each, connections, "channel", reading)
    then = node.get("then")
    if isinstance(then, Scalar) and then.text not in named:
        meant = instead(then.text, named, "a group of 'staff'")
        reading.report(then, "unknown-staff", f"there is no staff group {quoted(then.text)}{meant}")


def _reachable(rung: Rung, node: MapNode, people: Built[Person], reading: Reading) -> None:
    for each in scalars_of(node.get("people")):
        person = people.good.get(each.text)
        if person is not None and not person.reached_by(rung.via):
            text = f"'{each.text}' has no address for any of {listed(rung.via)} and would never be told"
            reading.report(each, "dead-channel", text)


def _ladders(built: Built[Rung], named: Named, reading: Reading) -> None:
    """A ladder that leads back to itself has no top."""
    for name in built.good:
        seen, at = [name], built.good[name].then
        while at in built.good and at not in seen:
            seen.append(at)
            at = built.good[at].then
        node = named[name][1]
        if at == name and name == min(seen) and isinstance(node, MapNode):
            reading.report(
                node.get("then") or node, "bad-value", f"the ladder leads back to itself: {' → '.join([*seen, name])}"
            )
