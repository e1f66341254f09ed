"""From the sections' shapes to the frozen configuration: names are followed, what leads nowhere is reported."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from hub.model import PointKind
from hub.plugin import Adapter, Carrier, Channel, Platform, Settings
from hub.status import Axis, Meaning, axis_of, full_name, parse_reason, parse_status

from .model import Cap, Connection, Contact, Hours, HubSettings, Person, Quiet, Rung, Shop, Support, Unheard
from .problems import Place, did_you_mean, listed, quoted
from .sections import (
    KEYS_OF_KIND,
    KINDS,
    LATER_KINDS,
    CapShape,
    ConnectionShape,
    ContactShape,
    HubShape,
    MeaningShape,
    PersonShape,
    QuietShape,
    RungShape,
    ShopShape,
)
from .settings import Reading, found, keys_of, not_yet, read_settings, read_value
from .yaml import ListNode, MapNode, Node, Scalar

T = TypeVar("T")
Named = Mapping[str, tuple[Scalar, Node]]


@dataclass(slots=True)
class Built(Generic[T]):
    """What was read well, and all names that stand in the file: a broken entry makes its name no less known."""

    good: dict[str, T] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    """name → kind (of a connection), else ""."""


def build_hub(node: Node | None, reading: Reading, path: Path) -> HubSettings:
    shape = read_settings(node, HubShape, reading, "'hub'") or HubShape.model_validate({})
    return HubSettings(shape.public_url, shape.listen, path.parent / shape.data, shape.database)


# ------------------------------------------------------------------------------------------------ shops


def build_shops(top: Mapping[str, Node], reading: Reading, file: Place, broken: bool) -> Built[Shop]:
    one, many = top.get("shop"), top.get("shops")
    built: Built[Shop] = Built()
    if one is not None and many is not None:
        reading.report(many, "conflicting-settings", "'shop' and 'shops' exclude each other")
    if one is not None:
        _add_shop(built, "shop", one, reading, one.place)
    elif isinstance(many, MapNode):
        for key, value in many:
            _add_shop(built, key.text, value, reading, key.place)
    elif many is not None:
        reading.report(many, "bad-value", f"'shops' is name → shop, not {found(many)}")
    elif not broken:
        reading.report(file, "missing-setting", "a file needs 'shop' or 'shops'")
    return built


def _add_shop(built: Built[Shop], key: str, node: Node, reading: Reading, place: Place) -> None:
    built.names[key] = ""
    shape = read_settings(node, ShopShape, reading, f"shop '{key}'", place=place)
    if shape is None:
        return
    support = Support(shape.support.phone, shape.support.email, shape.support.url)
    built.good[key] = Shop(
        key=key,
        name=shape.name,
        url=shape.url or "",
        country=shape.country or "",
        locale=shape.locale,
        timezone=shape.timezone,
        currency=shape.currency or "",
        support=support,
        returns_url=shape.returns_url or "",
        connections=dict(shape.connections),
    )


# ------------------------------------------------------------------------------------------------ connections


def build_connections(named: Named, shops: Built[Shop], registry: Any, reading: Reading) -> Built[Connection]:
    built: Built[Connection] = Built()
    for name, (key, node) in named.items():
        built.names[name] = ""
        if not isinstance(node, MapNode):
            reading.report(
                node, "bad-value", f"connection '{name}' takes settings, as in {{channel: smtp, …}}, not {found(node)}"
            )
            continue
        kind = _kind(name, key, node, reading)
        built.names[name] = kind or ""
        if kind is not None:
            connection = _connection(name, key, kind, node, shops, registry, reading)
            if connection is not None:
                built.good[name] = connection
    return built


def _kind(name: str, key: Scalar, node: MapNode, reading: Reading) -> str | None:
    kinds = [each for each in (*KINDS, *LATER_KINDS) if node.key(each) is not None]
    if len(kinds) > 1:
        reading.report(
            node.key(kinds[1]) or key, "conflicting-settings", f"'{kinds[0]}' and '{kinds[1]}' exclude each other"
        )
        return None
    if not kinds:
        near = [each.text for each, _ in node if did_you_mean(each.text, KINDS)]
        meant = f"; is '{near[0]}' meant to be{did_you_mean(near[0], KINDS)[14:]}" if near else ""
        reading.report(key, "missing-setting", f"connection '{name}' needs one of {listed(KINDS)}{meant}")
        return None
    if kinds[0] in LATER_KINDS:
        not_yet(reading, node.key(kinds[0]) or key, f"'{kinds[0]}'")
        return None
    return kinds[0]


def _connection(
    name: str, key: Scalar, kind: str, node: MapNode, shops: Built[Shop], registry: Any, reading: Reading
) -> Connection | None:
    adapter = _adapter(kind, node, registry, reading)
    if adapter is None:
        return None
    ours, own = _split(node, kind, adapter)
    what = f"connection '{name}'"
    plain = Reading(reading.problems)
    shape = read_settings(ours, ConnectionShape, plain, what, place=key.place)
    settings = read_settings(own, adapter.settings_type, reading, what, place=key.place)
    sound = _shop_is_right(name, key, kind, node, shops, plain) and _storage_is_right(node, plain)
    if shape is None or settings is None or not sound:
        return None
    return Connection(
        name=name,
        kind=kind,
        plugin=adapter.name,
        adapter=adapter,
        settings=settings,
        shop=shape.shop,
        uncertain=shape.uncertain,
        completed_means=shape.completed_means,
        storage=dict(shape.storage),
        poll_every=shape.poll_every,
    )


_BASES: Mapping[str, type[Adapter[Any]]] = {"platform": Platform, "carrier": Carrier, "channel": Channel}


def _adapter(kind: str, node: MapNode, registry: Any, reading: Reading) -> type[Adapter[Settings]] | None:
    word = node.get(kind)
    if not isinstance(word, Scalar) or not word.text:
        reading.report(word or node, "bad-value", f"'{kind}' is the name of a plugin")
        return None
    try:
        entry = registry.adapter(kind, word.text)
    except LookupError as error:
        said = _first_line(error)
        unknown = said.startswith("there is no ") or f"{word.text} is no " in said or said == repr(word.text)
        text = said if " " in said else f"there is no {kind} plugin {quoted(word.text)}"
        reading.report(word, "unknown-plugin" if unknown else "broken-plugin", text)
        return None
    adapter: type[Adapter[Settings]] = entry.adapter
    if not issubclass(adapter, _BASES[kind]):
        reading.report(word, "broken-plugin", f"the plugin {quoted(word.text)} is no {kind}")
        return None
    return adapter


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]


def _split(node: MapNode, kind: str, adapter: type[Adapter[Settings]]) -> tuple[MapNode, MapNode]:
    """The hub's own keys of a connection, and the plugin's. A misspelt key is told once, by the plugin's side."""
    hub_keys = KEYS_OF_KIND[kind] | ConnectionShape.later
    own = keys_of(adapter.settings_type)
    ours = tuple((key, value) for key, value in node if key.text in hub_keys)
    rest = tuple((key, value) for key, value in node if key.text not in hub_keys)
    stray = did_you_mean_ours(rest, own, hub_keys)
    return MapNode(ours + stray, node.place), MapNode(tuple(each for each in rest if each not in stray), node.place)


def did_you_mean_ours(
    rest: tuple[tuple[Scalar, Node], ...], own: Mapping[str, Any], hub_keys: Iterable[str]
) -> tuple[tuple[Scalar, Node], ...]:
    """Keys that are nobody's and look like one of the hub's, not of the plugin's."""
    return tuple(
        each
        for each in rest
        if each[0].text not in own and did_you_mean(each[0].text, hub_keys) and not did_you_mean(each[0].text, own)
    )


def _shop_is_right(name: str, key: Scalar, kind: str, node: MapNode, shops: Built[Shop], reading: Reading) -> bool:
    word = node.get("shop")
    if kind != "platform":
        return True
    if word is None:
        if len(shops.names) > 1:
            reading.report(
                key,
                "missing-setting",
                f"connection '{name}' needs 'shop': whose orders are these? One of {listed(shops.names)}",
            )
            return False
        return True
    if isinstance(word, Scalar) and word.text not in shops.names:
        reading.report(
            word, "unknown-shop", f"there is no shop {quoted(word.text)}{did_you_mean(word.text, shops.names)}"
        )
        return False
    return True


def _storage_is_right(node: MapNode, reading: Reading) -> bool:
    storage, kinds = node.get("storage"), [str(each) for each in PointKind]
    wrong = [key for key, _ in storage if key.text not in kinds] if isinstance(storage, MapNode) else []
    for key in wrong:
        meant = did_you_mean(key.text, kinds) or f"; there are: {listed(kinds)}"
        reading.report(key, "bad-value", f"there is no kind of pickup point {quoted(key.text)}{meant}")
    return not wrong


def known_connection(node: Node, connections: Built[Any], kind: str, reading: Reading) -> bool:
    """Whether a scalar names a connection of this kind; else the mistake is reported."""
    if not isinstance(node, Scalar):
        return False
    actual = connections.names.get(node.text)
    same = [name for name, each in connections.names.items() if each == kind]
    if actual is None:
        meant = did_you_mean(node.text, same) or (f"; {kind}s: {listed(same)}" if same else "")
        reading.report(node, "unknown-connection", f"there is no connection {quoted(node.text)}{meant}")
        return False
    if actual and actual != kind:
        reading.report(node, "wrong-connection", f"'{node.text}' is a {actual}; a {kind} is asked for here")
        return False
    return True


# ------------------------------------------------------------------------------------------------ people and staff


def build_people(named: Named, connections: Built[Connection], reading: Reading) -> Built[Person]:
    built: Built[Person] = Built()
    channels = [name for name, kind in connections.names.items() if kind == "channel"]
    for name, (key, node) in named.items():
        built.names[name] = ""
        person = _person(name, key, node, connections, channels, reading)
        if person is not None:
            built.good[name] = person
    return built


def _person(
    name: str, key: Scalar, node: Node, connections: Built[Connection], channels: list[str], reading: Reading
) -> Person | None:
    own = keys_of(PersonShape)
    skip = (
        frozenset(each.text for each, _ in node if each.text not in own) if isinstance(node, MapNode) else frozenset()
    )
    shape = read_settings(node, PersonShape, reading, f"person '{name}'", place=key.place, skip=skip)
    if not isinstance(node, MapNode):
        return None
    addresses: dict[str, str] = {}
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
    return Person(name, shape.name, shape.locale, addresses) if shape is not None else None


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
            if isinstance(node, MapNode):
                _reachable(rung, node, people, reading)
    _ladders(built, named, reading)
    return built


def _follow_rung(
    node: MapNode, named: Named, people: Built[Person], connections: Built[Connection], reading: Reading
) -> None:
    for each in _scalars(node.get("people")):
        if each.text not in people.names:
            reading.report(
                each, "unknown-staff", f"there is no person {quoted(each.text)}{did_you_mean(each.text, people.names)}"
            )
    for each in _scalars(node.get("via")):
        known_connection(each, connections, "channel", reading)
    then = node.get("then")
    if isinstance(then, Scalar) and then.text not in named:
        reading.report(
            then, "unknown-staff", f"there is no staff group {quoted(then.text)}{did_you_mean(then.text, named)}"
        )


def _reachable(rung: Rung, node: MapNode, people: Built[Person], reading: Reading) -> None:
    for each in _scalars(node.get("people")):
        person = people.good.get(each.text)
        if person is not None and not any(channel in person.addresses for channel in rung.via):
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


def _scalars(node: Node | None) -> list[Scalar]:
    return [each for each in node.items if isinstance(each, Scalar)] if isinstance(node, ListNode) else []


# ------------------------------------------------------------------------------------------------ contact


def build_contact(
    node: Node | None, connections: Built[Connection], staff: Built[Rung], shops: Built[Shop], reading: Reading
) -> Contact:
    shape = read_settings(node, ContactShape, reading, "'contact'")
    if isinstance(node, MapNode):
        _follow_contact(node, connections, staff, _words(shops), reading)
    if shape is None:
        return _routes_only(node)
    return Contact(
        routes={name: tuple(channels) for name, channels in shape.routes.items()},
        quiet=_quiet(shape.quiet),
        settle=shape.settle,
        receipt=dict(shape.receipt),
        caps=tuple(map(_cap, shape.caps)),
        fresh=shape.fresh,
        unheard=Unheard(shape.unheard.escalate, shape.unheard.due) if shape.unheard else None,
        silent=frozenset(shape.silent),
    )


def _routes_only(node: Node | None) -> Contact:
    """Enough to check flows against when a part of `contact` is wrong."""
    routes = node.get("routes") if isinstance(node, MapNode) else None
    entries = routes if isinstance(routes, MapNode) else ()
    return Contact(routes={key.text: tuple(each.text for each in _scalars(value)) for key, value in entries})


def _words(shops: Built[Shop]) -> frozenset[str]:
    """Words that a shop lets mean a channel of its own."""
    return frozenset(word for shop in shops.good.values() for word in shop.connections)


def _quiet(shape: Any) -> Quiet | None:
    if shape is None:
        return None
    if isinstance(shape, QuietShape):
        return Quiet(*shape.hours, tuple(shape.channels) if shape.channels is not None else None)
    return Quiet(*shape)


def _cap(shape: CapShape) -> Cap:
    return Cap(shape.at_most, shape.per, shape.channel, shape.class_)


def _follow_contact(
    node: MapNode, connections: Built[Connection], staff: Built[Rung], words: frozenset[str], reading: Reading
) -> None:
    routes = node.get("routes")
    for key, value in routes if isinstance(routes, MapNode) else ():
        _route(key, value, connections, words, reading)
    quiet = node.get("quiet")
    channels = _scalars(quiet.get("channels")) if isinstance(quiet, MapNode) else []
    caps = node.get("caps")
    entries = caps.items if isinstance(caps, ListNode) else ()
    channels += [each for cap in entries if isinstance(cap, MapNode) and isinstance(each := cap.get("channel"), Scalar)]
    receipt = node.get("receipt")
    channels += [key for key, _ in receipt] if isinstance(receipt, MapNode) else []
    for each in channels:
        known_connection(each, connections, "channel", reading)
    _unheard(node.get("unheard"), staff, reading)
    for each in _scalars(node.get("silent")):
        known_status(each, reading)


def _route(key: Scalar, value: Node, connections: Built[Connection], words: frozenset[str], reading: Reading) -> None:
    items = _scalars(value)
    if isinstance(value, ListNode) and not items:
        reading.report(value, "bad-value", f"the route '{key.text}' holds no channel")
    if len(items) > 6:
        reading.report(items[6], "bad-value", "a route holds at most 6 channels")
    for each in items:
        if each.text not in words:
            known_connection(each, connections, "channel", reading)


def _unheard(node: Node | None, staff: Built[Rung], reading: Reading) -> None:
    group = node.get("escalate") if isinstance(node, MapNode) else None
    if isinstance(group, Scalar) and group.text not in staff.names:
        meant = did_you_mean(group.text, staff.names)
        reading.report(group, "unknown-staff", f"there is no staff group {quoted(group.text)}{meant}")


def known_status(node: Scalar, reading: Reading) -> bool:
    """Whether a scalar is `axis.status`; else the mistake is reported."""
    try:
        parse_status(node.text)
    except ValueError as error:
        reading.report(node, "unknown-status", str(error))
        return False
    return True


# ------------------------------------------------------------------------------------------------ statuses


def build_statuses(
    node: Node | None, connections: Built[Connection], reading: Reading
) -> Mapping[str, Mapping[str, Meaning]]:
    if node is None:
        return {}
    if not isinstance(node, MapNode):
        reading.report(node, "bad-value", f"'statuses' is connection → map of codes, not {found(node)}")
        return {}
    return {key.text: _table(key, value, connections, reading) for key, value in node}


def _table(key: Scalar, node: Node, connections: Built[Connection], reading: Reading) -> Mapping[str, Meaning]:
    kind = connections.names.get(key.text)
    if kind == "channel":
        reading.report(key, "wrong-connection", f"'{key.text}' is a channel; a platform or a carrier is asked for here")
    elif kind is None:
        meant = did_you_mean(key.text, connections.names)
        reading.report(key, "unknown-connection", f"there is no connection {quoted(key.text)}{meant}")
    if not isinstance(node, MapNode):
        reading.report(node, "bad-value", f"'{key.text}' is native code → axis.status, not {found(node)}")
        return {}
    rows = {code.text: _meaning(code, value, kind, reading) for code, value in node}
    return {code: meaning for code, meaning in rows.items() if meaning is not None}


def _meaning(code: Scalar, node: Node, kind: str | None, reading: Reading) -> Meaning | None:
    if isinstance(node, Scalar):
        return Meaning(None, code.text) if node.text == "nothing" else _row(code, node, None, kind, reading)
    shape = read_settings(node, MeaningShape, reading, f"'{code.text}'", place=code.place)
    if shape is None or not isinstance(node, MapNode):
        return None
    to, reason = node.get("to"), node.get("reason")
    if to is None and reason is None:
        reading.report(
            node, "missing-setting", f"'{code.text}' needs 'to'; for a code that moves nothing write 'nothing'"
        )
        return None
    if isinstance(to, Scalar) and to.text == "nothing":
        to = None
    return _row(code, to, reason, kind, reading)


def _row(code: Scalar, to: Node | None, reason: Node | None, kind: str | None, reading: Reading) -> Meaning | None:
    status = why = None
    if isinstance(to, Scalar):
        if not known_status(to, reading):
            return None
        status = parse_status(to.text)
        if kind == "carrier" and axis_of(status) in (Axis.PAYMENT, Axis.RETURN):
            text = f"a carrier says nothing of {full_name(status)}; its codes are of the shipment or the order axis"
            reading.report(to, "bad-value", text)
            return None
    if isinstance(reason, Scalar):
        try:
            why = parse_reason(reason.text)
        except ValueError as error:
            reading.report(reason, "bad-value", str(error))
            return None
    return Meaning(status, code.text, why)
