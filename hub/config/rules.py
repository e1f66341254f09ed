"""`contact` and `statuses`: the merchant's own rules and the merchant's own map of codes."""

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from typing import Any, TypeVar

from hub.status import Axis, Meaning, axis_of, full_name, parse_reason, parse_status

from .build import Built, known_connection, named, scalars_of, shop_nodes
from .kinds import found
from .model import Cap, Connection, Contact, Quiet, Rung, Shop, Unheard
from .problems import did_you_mean, instead, nearest, quoted
from .sections import CapShape, ContactShape, MeaningShape, QuietShape
from .settings import Reading, read_settings
from .yaml import ListNode, MapNode, Node, Scalar

Failovers = Mapping[str, tuple[str, ...]]
T = TypeVar("T")


def build_contact(
    node: Node | None,
    connections: Built[Connection],
    failovers: Failovers,
    staff: Built[Rung],
    words: frozenset[str],
    reading: Reading,
) -> Contact:
    """`words` are what routes may name beside the channels of the file."""
    shape = read_settings(node, ContactShape, reading, "'contact'")
    if isinstance(node, MapNode):
        _follow_contact(node, connections, staff, words, reading)
    if shape is None:
        return _routes_only(node)
    return Contact(
        routes={name: tuple(channels) for name, channels in shape.routes.items()},
        quiet=_quiet(shape.quiet, failovers),
        settle=shape.settle,
        receipt=for_providers(shape.receipt, failovers),
        caps=tuple(_cap(each, failovers) for each in shape.caps),
        fresh=shape.fresh,
        unheard=Unheard(shape.unheard.escalate, shape.unheard.due) if shape.unheard else None,
        silent=frozenset(shape.silent),
    )


def _routes_only(node: Node | None) -> Contact:
    """Enough to check flows against when a part of `contact` is wrong."""
    if not isinstance(node, MapNode):
        return Contact()
    routes = node.get("routes")
    entries = routes if isinstance(routes, MapNode) else ()
    silent = frozenset(each.text for each in scalars_of(node.get("silent")))
    return Contact({key.text: tuple(each.text for each in scalars_of(value)) for key, value in entries}, silent=silent)


def words_of(shops: Iterable[Shop]) -> frozenset[str]:
    """Words that these shops let mean a channel of their own."""
    return frozenset(word for shop in shops for word in shop.connections)


def build_contacts(
    common: Contact,
    top: Mapping[str, Node],
    connections: Built[Connection],
    failovers: Failovers,
    staff: Built[Rung],
    shops: Built[Shop],
    reading: Reading,
) -> Mapping[str, Contact]:
    """The rules of the shops that have some of their own: each key that stands there replaces the common one."""
    contacts: dict[str, Contact] = {}
    for key, node in shop_nodes(top):
        own = node.get("contact") if isinstance(node, MapNode) else None
        if own is None or (isinstance(own, Scalar) and own.empty):
            continue
        words = words_of([shops.good[key]] if key in shops.good else shops.good.values())
        rules = build_contact(own, connections, failovers, staff, words, reading)
        written = {each.text for each, _ in own} if isinstance(own, MapNode) else set()
        replaced = {each.name: getattr(rules, each.name) for each in fields(Contact) if each.name in written}
        contacts[key] = replace(common, **replaced)
    return contacts


def _quiet(shape: Any, failovers: Failovers) -> Quiet | None:
    if shape is None:
        return None
    if isinstance(shape, QuietShape):
        named = [each for name in shape.channels or () for each in failovers.get(name, (name,))]
        return Quiet(*shape.hours, tuple(named) if shape.channels is not None else None)
    return Quiet(*shape)


def for_providers(given: Mapping[str, T], failovers: Failovers) -> dict[str, T]:
    """What is said of channels by name; said of a failover it holds for each provider of which nothing is said."""
    shared = {each: given[name] for name, providers in failovers.items() if name in given for each in providers}
    return {**shared, **given}


def _cap(shape: CapShape, failovers: Failovers) -> Cap:
    providers = frozenset(failovers.get(shape.channel or "", ()))
    return Cap(shape.at_most, shape.per, shape.channel, shape.class_, providers)


def _follow_contact(
    node: MapNode, connections: Built[Connection], staff: Built[Rung], words: frozenset[str], reading: Reading
) -> None:
    routes = node.get("routes")
    for key, value in routes if isinstance(routes, MapNode) else ():
        _route(key, value, connections, words, reading)
    quiet = node.get("quiet")
    channels = scalars_of(quiet.get("channels")) if isinstance(quiet, MapNode) else []
    caps = node.get("caps")
    entries = caps.items if isinstance(caps, ListNode) else ()
    channels += [each for cap in entries if isinstance(cap, MapNode) and isinstance(each := cap.get("channel"), Scalar)]
    receipt = node.get("receipt")
    channels += [key for key, _ in receipt] if isinstance(receipt, MapNode) else []
    for each in channels:
        known_connection(each, connections, "channel", reading)
    _unheard(node.get("unheard"), staff, reading)
    for each in scalars_of(node.get("silent")):
        known_status(each, reading)


def _route(key: Scalar, value: Node, connections: Built[Connection], words: frozenset[str], reading: Reading) -> None:
    items = scalars_of(value)
    named(key, reading)
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
        meant = instead(group.text, staff.names, "a group of 'staff'")
        reading.report(group, "unknown-staff", f"there is no staff group {quoted(group.text)}{meant}")


NOTHING = "nothing"
"""What a merchant's map says of a code that moves nothing."""


def known_status(node: Scalar, reading: Reading, also: str = "") -> bool:
    """Whether a scalar is `axis.status`; else the mistake is reported. `also` may stand there instead of a status."""
    try:
        parse_status(node.text)
    except ValueError as error:
        reading.report(node, "unknown-status", _no_status(node.text, str(error), also))
        return False
    return True


def _no_status(word: str, said: str, also: str) -> str:
    """What the status model says of a word that is none of its own, with the word that may stand there instead."""
    if not also or "." in word:
        return said
    _, asks, near = said.rpartition("; did you mean ")
    meant = f"{asks}{near}" if asks and not nearest(word, [also]) else did_you_mean(word, [also])
    return f"{quoted(word)} is not of the form axis.value; expected: a status, or '{also}'{meant}"


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
        meant = instead(key.text, connections.names, "a name under 'connections'")
        reading.report(key, "unknown-connection", f"there is no connection {quoted(key.text)}{meant}")
    if not isinstance(node, MapNode):
        reading.report(node, "bad-value", f"'{key.text}' is native code → axis.status, not {found(node)}")
        return {}
    rows = {code.text: _meaning(code, value, kind, reading) for code, value in node}
    return {code: meaning for code, meaning in rows.items() if meaning is not None}


def _meaning(code: Scalar, node: Node, kind: str | None, reading: Reading) -> Meaning | None:
    if isinstance(node, Scalar):
        return Meaning(None, code.text) if node.text == NOTHING else _row(code, node, None, kind, reading)
    shape = read_settings(node, MeaningShape, reading, f"'{code.text}'", place=code.place)
    if shape is None or not isinstance(node, MapNode):
        return None
    to, reason = node.get("to"), node.get("reason")
    if to is None and reason is None:
        reading.report(
            node, "missing-setting", f"'{code.text}' needs 'to'; for a code that moves nothing write 'nothing'"
        )
        return None
    if isinstance(to, Scalar) and to.text == NOTHING:
        to = None
    return _row(code, to, reason, kind, reading)


def _row(code: Scalar, to: Node | None, reason: Node | None, kind: str | None, reading: Reading) -> Meaning | None:
    status = why = None
    if isinstance(to, Scalar):
        if not known_status(to, reading, NOTHING):
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
