"""What a customer wants to hear, and where: the page behind the link of a message, and the one click of RFC 8058.
Looking changes nothing; missing, unknown and expired links look alike."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hub.pipeline.reach import channels_of, states_of
from hub.pipeline.world import World
from hub.store.consents import REFUSABLE, Standing, set_consent, standings
from hub.store.links import find_link, order_of

ONE_CLICK, PAGE = "one-click", "preference page"
SHOWN = "shown"
"""The field of the form that names every box on it: what is not ticked is not in a form."""


@dataclass(frozen=True, slots=True)
class Held:
    """A good link: whose it is, and the class and channel of the message that brought it; none for an order's."""

    customer: str
    cls: str = ""
    channel: str = ""


@dataclass(frozen=True, slots=True)
class Box:
    """One kind of message in one channel."""

    name: str
    channel: str
    ticked: bool


@dataclass(frozen=True, slots=True)
class Preferences:
    """What the page shows: whether one click ends what brought the reader here; kind → its boxes; what is closed."""

    one_click: bool
    kinds: Mapping[str, Sequence[Box]]
    closed: Sequence[str]

    @property
    def shown(self) -> str:
        """The names of all boxes."""
        return " ".join(box.name for boxes in self.kinds.values() for box in boxes)


def held(connection: sa.Connection, token: str, now: datetime) -> Held | None:
    """What a token opens: the link of a message that can be left, or that of an order's page."""
    link = find_link(connection, token, "unsubscribe", now)
    if link is not None:
        return Held(*link.ref.split("|"))
    link = find_link(connection, token, "order", now)
    return Held(order_of(link.ref)[0]) if link is not None else None


def preferences(connection: sa.Connection, world: World, token: str, now: datetime) -> Preferences | None:
    """How everything stands for whoever has the link; None for a link that is none."""
    link = held(connection, token, now)
    if link is None:
        return None
    states = states_of(connection, link.customer)
    ways = _ways(world, channels_of(connection, world, link.customer, states))
    standing = standings(connection, [link.customer]).get(link.customer, Standing())
    kinds = {
        cls: [Box(f"{cls}.{names[0]}", way, not _refused(world, standing, cls, names)) for way, names in ways.items()]
        for cls in REFUSABLE
    }
    closed = dict.fromkeys(
        world.channel(name).label for name in world.of_kind("channel") if states.get(name) == "closed"
    )
    left = not link.cls or _refused(world, standing, link.cls, [link.channel])
    return Preferences(not left, kinds if ways else {}, tuple(closed))


def _ways(world: World, channels: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """What a customer calls a channel → the connections that reach them so: providers of a failover are one, and so
    are two mailers."""
    ways: dict[str, list[str]] = {}
    for name in channels:
        first = next(each for each in world.of_kind("channel") if each in world.one_address[name])
        ways.setdefault(world.channel(first).label, []).append(name)
    return ways


def _refused(world: World, standing: Standing, cls: str, names: Iterable[str]) -> bool:
    """Whether none of them brings it. What one provider of a failover was told holds for all of it."""
    alike = (world.one_address.get(name, (name,)) for name in names)
    return all(any(standing.refusal(cls, each) for each in joined) for joined in alike)


def save(connection: sa.Connection, world: World, token: str, form: Mapping[str, str], now: datetime) -> bool:
    """Keep what was changed on the page. False for a link that is none."""
    link = held(connection, token, now)
    if link is None:
        return False
    ways = _ways(world, channels_of(connection, world, link.customer, states_of(connection, link.customer)))
    standing = standings(connection, [link.customer]).get(link.customer, Standing())
    boxes = {f"{cls}.{names[0]}": (cls, names) for cls in REFUSABLE for names in ways.values()}
    for box in form.get(SHOWN, "").split(" "):
        cls, names = boxes.get(box, ("", ()))
        for name in names if _refused(world, standing, cls, names) is (box in form) else ():
            set_consent(
                connection, connection.dialect.name, customer_id=link.customer, cls=cls, channel=name,
                given=box in form, at=now, how=PAGE, channels=world.of_kind("channel"),
            )  # fmt: skip
    return True


def unsubscribe(connection: sa.Connection, token: str, now: datetime) -> bool:
    """No more of the kind that brought the reader here, in that channel. False for any other link."""
    link = held(connection, token, now)
    if link is None or not link.cls:
        return False
    who: dict[str, Any] = {"customer_id": link.customer, "cls": link.cls, "channel": link.channel}
    set_consent(connection, connection.dialect.name, **who, given=False, at=now, how=ONE_CLICK)
    return True
