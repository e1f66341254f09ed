"""From the sections' shapes to the frozen configuration: names are followed, what leads nowhere is reported."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from hub.model import PointKind
from hub.plugin import Adapter, Carrier, Channel, Platform, Settings, Target
from hub.status import Shipment

from .calendars import Calendar
from .kinds import found, keys_of
from .lengths import OFFICE, Hours
from .model import Connection, HubSettings, Shop, Support
from .problems import Place, did_you_mean, instead, listed, quoted
from .scalars import MistakeError, read_name
from .sections import FAILOVER, KEYS_OF_KIND, KINDS, CalendarShape, ConnectionShape, HubShape, ShopShape
from .settings import Reading, read_settings
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
            named(key, reading)
            _add_shop(built, key.text, value, reading, key.place)
    elif many is not None:
        reading.report(many, "bad-value", f"'shops' is name → shop, not {found(many)}")
    elif not broken:
        reading.report(file, "missing-setting", "a file needs 'shop' or 'shops'")
    return built


def _add_shop(built: Built[Shop], key: str, node: Node, reading: Reading, place: Place) -> None:
    built.names[key] = ""
    own = frozenset({"contact"})  # read where the connections and the staff are known
    shape = read_settings(node, ShopShape, reading, f"shop '{key}'", place=place, skip=own)
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
        hours=replace(Hours(*shape.hours) if shape.hours else OFFICE, calendar=_calendar(shape)),
        support=support,
        returns_url=shape.returns_url or "",
        voice=shape.voice,
        connections=dict(shape.connections),
    )


def _calendar(shape: ShopShape) -> Calendar:
    """When a shop rests: of its own accord, else with its country."""
    own, country = shape.calendar, shape.country or ""
    if isinstance(own, CalendarShape):
        region = own.country if own.country is not None else country
        return Calendar(region, frozenset(own.also), frozenset(own.except_))
    return Calendar(own if own is not None else country)


# ------------------------------------------------------------------------------------------------ connections


def build_connections(entries: Named, shops: Built[Shop], registry: Any, reading: Reading) -> Built[Connection]:
    """The connections; a failover counts as a channel by name, and is none of the good ones."""
    built: Built[Connection] = Built()
    for name, (key, node) in entries.items():
        built.names[name] = ""
        if not isinstance(node, MapNode):
            reading.report(
                node, "bad-value", f"connection '{name}' takes settings, as in {{channel: smtp, …}}, not {found(node)}"
            )
            continue
        kind = _kind(name, key, node, reading)
        built.names[name] = "channel" if kind == FAILOVER else kind or ""
        if kind is not None and kind != FAILOVER:
            connection = _connection(name, key, kind, node, shops, registry, reading)
            if connection is not None:
                built.good[name] = connection
    return built


def _kind(name: str, key: Scalar, node: MapNode, reading: Reading) -> str | None:
    kinds = [each for each in (*KINDS, FAILOVER) if node.key(each) is not None]
    if len(kinds) > 1:
        reading.report(
            node.key(kinds[1]) or key, "conflicting-settings", f"'{kinds[0]}' and '{kinds[1]}' exclude each other"
        )
        return None
    if not kinds:
        known = (*KINDS, FAILOVER)
        near = [each.text for each, _ in node if did_you_mean(each.text, known)]
        meant = f"; is '{near[0]}' meant to be{did_you_mean(near[0], known)[14:]}" if near else ""
        reading.report(key, "missing-setting", f"connection '{name}' needs one of {listed(known)}{meant}")
        return None
    return kinds[0]


def _connection(
    name: str, key: Scalar, kind: str, node: MapNode, shops: Built[Shop], registry: Any, reading: Reading
) -> Connection | None:
    adapter = _adapter(kind, node, registry, reading)
    if adapter is None:
        return None
    hub_keys = KEYS_OF_KIND[kind]
    ours, own = _split(node, hub_keys | ConnectionShape.later)
    what = f"connection '{name}'"
    plain = Reading(reading.problems)
    shape = read_settings(ours, ConnectionShape, plain, what, place=key.place)
    also = tuple(each for each in keys_of(ConnectionShape) if each in hub_keys)
    settings = read_settings(own, adapter.settings_type, reading, what, place=key.place, also=also)
    sound = _shop_is_right(name, key, kind, node, shops, plain) and _storage_is_right(node, plain)
    tells = _told_by_itself(node, plain)
    if shape is None or settings is None or tells is None or not sound:
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
        tells=tells if shape.tells is not None else getattr(adapter, "tells", frozenset()),
        expires=shape.expires,
    )


_BASES: Mapping[str, type[Adapter[Any]]] = {
    "platform": Platform,
    "carrier": Carrier,
    "channel": Channel,
    "target": Target,
}


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


def _split(node: MapNode, hub_keys: frozenset[str]) -> tuple[MapNode, MapNode]:
    """The hub's own settings of a connection, and the plugin's."""
    ours = tuple((key, value) for key, value in node if key.text in hub_keys)
    rest = tuple((key, value) for key, value in node if key.text not in hub_keys)
    return MapNode(ours, node.place), MapNode(rest, node.place)


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
        meant = instead(word.text, shops.names, "a name under 'shops'")
        reading.report(word, "unknown-shop", f"there is no shop {quoted(word.text)}{meant}")
        return False
    return True


def _storage_is_right(node: MapNode, reading: Reading) -> bool:
    storage, kinds = node.get("storage"), [str(each) for each in PointKind]
    wrong = [key for key, _ in storage if key.text not in kinds] if isinstance(storage, MapNode) else []
    for key in wrong:
        meant = instead(key.text, kinds)
        reading.report(key, "bad-value", f"there is no kind of pickup point {quoted(key.text)}{meant}")
    return not wrong


def _told_by_itself(node: MapNode, reading: Reading) -> frozenset[Shipment] | None:
    """The statuses under `tells`; None where one of them is none of a parcel's."""
    words, known = scalars_of(node.get("tells")), {str(each): each for each in Shipment}
    wrong = [each for each in words if each.text not in known]
    for each in wrong:
        meant = instead(each.text.removeprefix("shipment."), known, "a status of a parcel, such as out_for_delivery")
        reading.report(each, "unknown-status", f"there is no status of a parcel {quoted(each.text)}{meant}")
    return frozenset(known[each.text] for each in words) if not wrong else None


def known_connection(node: Node, connections: Built[Any], kind: str, reading: Reading) -> bool:
    """Whether a scalar names a connection of this kind; else the mistake is reported."""
    if not isinstance(node, Scalar):
        return False
    actual = connections.names.get(node.text)
    same = [name for name, each in connections.names.items() if each == kind]
    if actual is None:
        meant = instead(node.text, same, f"a connection of the kind '{kind}'")
        reading.report(node, "unknown-connection", f"there is no {kind} {quoted(node.text)}{meant}")
        return False
    if actual and actual != kind:
        reading.report(node, "wrong-connection", f"'{node.text}' is a {actual}; a {kind} is asked for here")
        return False
    return True


def named(key: Scalar, reading: Reading) -> None:
    """Report a key that is no name."""
    try:
        read_name(key.text)
    except MistakeError as mistake:
        reading.report(key, mistake.code, mistake.text)


def check_words(top: Mapping[str, Node], connections: Built[Connection], reading: Reading) -> None:
    """What a shop's own words mean must be channels."""
    for _, shop in shop_nodes(top):
        words = shop.get("connections") if isinstance(shop, MapNode) else None
        for _, value in words if isinstance(words, MapNode) else ():
            known_connection(value, connections, "channel", reading)


def shop_nodes(top: Mapping[str, Node]) -> list[tuple[str, Node]]:
    """The shops of a file as they stand there, each by its key."""
    one, many = top.get("shop"), top.get("shops")
    named = [(key.text, value) for key, value in many] if isinstance(many, MapNode) else []
    return [*([("shop", one)] if one is not None else ()), *named]


def scalars_of(node: Node | None) -> list[Scalar]:
    """The scalars of a list."""
    return [each for each in node.items if isinstance(each, Scalar)] if isinstance(node, ListNode) else []
