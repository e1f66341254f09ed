"""What customers allow and refuse. One place writes it, `set_consent`: a row of history for each change, and how it
stands; and one reading, `Standing`, answers whoever asks (docs/consent.md).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from .database import insert_new
from .tables import TENANT, consents, optouts

TRANSACTIONAL, FEEDBACK, MARKETING = "transactional", "feedback", "marketing"
REFUSABLE = (FEEDBACK, MARKETING)
"""The classes that a customer may refuse (FLOWS 7)."""
ALL_CHANNELS = ""
STOP, START, COMPLAINT, AT_THE_TILL = "stop", "start", "complaint", "order"
"""How it was said: a word in the channel itself, a mailbox that calls our mail spam, the shop's own question."""
IN_THE_CHANNEL = (STOP, COMPLAINT)
"""What was said so is not undone by a word for all channels."""
OPTED_OUT, NO_CONSENT = "opted out", "no consent"


@dataclass(frozen=True, slots=True)
class Standing:
    """How it stands for one customer. `left`: what is refused, as (class, channel), the empty channel being all of
    them, and how that was said. `said`: channel → when marketing was spoken of last there, and whether it was allowed.
    """

    left: Mapping[tuple[str, str], str] = field(default_factory=dict)
    said: Mapping[str, tuple[datetime, bool]] = field(default_factory=dict)

    def refusal(self, cls: str, channel: str = ALL_CHANNELS, *, order_allows: bool = False) -> str:
        """Why a class is refused in a channel, or in all of them; empty: it is not. `order_allows` is what an order
        itself says of marketing: it counts where nothing was ever kept."""
        if cls == TRANSACTIONAL:
            return ""
        if (cls, ALL_CHANNELS) in self.left or (cls, channel) in self.left:
            return OPTED_OUT
        return NO_CONSENT if cls == MARKETING and not self._allowed(channel, order_allows) else ""

    def told_by_order(self, at: datetime, given: bool) -> "Standing":
        """How it stands once the shop's own word in an order is kept, as `set_consent` keeps it."""
        newer = any(when > at for when, _ in self.said.values())
        said = {**self.said, ALL_CHANNELS: max(self.said.get(ALL_CHANNELS, (at, given)), (at, given))}
        if newer:
            return Standing(self.left, said)
        if not given:
            return Standing({**self.left, (MARKETING, ALL_CHANNELS): AT_THE_TILL}, said)
        kept = {
            each: how
            for each, how in self.left.items()
            if each[0] != MARKETING or (how in IN_THE_CHANNEL and each[1] != ALL_CHANNELS)
        }
        return Standing(kept, said)

    def _allowed(self, channel: str, order_allows: bool) -> bool:
        if channel == ALL_CHANNELS and any(given for name, (_, given) in self.said.items() if name):
            return True
        words = [self.said[name] for name in {ALL_CHANNELS, channel} if name in self.said]
        return max(words)[1] if words else order_allows


NOTHING_SAID = Standing()


def _standing() -> sa.CompoundSelect[Any]:
    shape = ("customer_id", "cls", "channel", "at", "how")
    customers: Any = sa.bindparam("customers", expanding=True)
    refused = sa.select(*(optouts.c[name] for name in shape), sa.literal(-1).label("given"))
    words = sa.select(*(consents.c[name] for name in shape), consents.c.given)
    return sa.union_all(
        refused.where(optouts.c.tenant == TENANT, optouts.c.customer_id.in_(customers)),
        words.where(consents.c.tenant == TENANT, consents.c.customer_id.in_(customers), consents.c.cls == MARKETING),
    )


_STANDING = _standing()


def standings(connection: sa.Connection, customers: Iterable[str]) -> dict[str, Standing]:
    """Customer → how it stands, in one query; who is not there has said nothing."""
    wanted = sorted(set(customers) - {""})
    if not wanted:
        return {}
    rows = connection.execute(_STANDING, {"customers": wanted}).all()
    left: dict[str, dict[tuple[str, str], str]] = {}
    said: dict[str, dict[str, tuple[datetime, bool]]] = {}
    for row in rows:
        if row.given < 0:
            left.setdefault(row.customer_id, {})[row.cls, row.channel] = row.how
        else:
            mine, word = said.setdefault(row.customer_id, {}), (row.at, bool(row.given))
            mine[row.channel] = max(mine.get(row.channel, word), word)
    return {each: Standing(left.get(each, {}), said.get(each, {})) for each in left.keys() | said.keys()}


def set_consent(
    connection: sa.Connection,
    dialect: str,
    *,
    customer_id: str,
    cls: str,
    channel: str = ALL_CHANNELS,
    given: bool,
    at: datetime,
    how: str,
    channels: Sequence[str] = (),
) -> bool:
    """Keep that a customer allowed or refused a class, in a channel or in all of them. The newest word decides: one
    that comes after a newer one (an order that arrives late) is history alone. What was stopped in a channel by its own
    word is allowed again by a word for that channel only. `channels`: all there are, for a customer who refused a class
    everywhere and allows it again in one. Returns whether it is news."""
    mine = {"tenant": TENANT, "customer_id": customer_id, "cls": cls}
    words = {row.channel: row for row in _history(connection, customer_id, cls)}
    left: dict[str, Any] = {row.channel: row for row in _refused(connection, customer_id, cls)}
    gone = {ALL_CHANNELS, channel} & left.keys()
    if channel == ALL_CHANNELS and given:
        gone = {name for name, row in left.items() if name == ALL_CHANNELS or row.how not in IN_THE_CHANNEL}
    last = words.get(channel)
    if last is not None and bool(last.given) is given is not bool(gone):
        return False
    connection.execute(sa.insert(consents).values(**mine, channel=channel, given=int(given), at=at, how=how))
    newer = [row for name, row in words.items() if row.at > at and (not channel or name in (ALL_CHANNELS, channel))]
    if newer:
        return True
    if not given:
        connection.execute(insert_new(optouts, dialect).values(**mine, channel=channel, at=at, how=how))
        return True
    everywhere: Any = left.get(ALL_CHANNELS)
    for name in channels if channel and everywhere is not None else ():
        if name != channel:
            row = {**mine, "channel": name, "at": everywhere.at, "how": everywhere.how}
            connection.execute(insert_new(optouts, dialect).values(**row))
    _forget(connection, customer_id, cls, sorted(gone))
    return True


def stop(connection: sa.Connection, dialect: str, *, customer_id: str, channel: str, at: datetime, how: str) -> None:
    """Everything that can be refused is, in this channel."""
    for cls in REFUSABLE:
        set_consent(connection, dialect, customer_id=customer_id, cls=cls, channel=channel, given=False, at=at, how=how)


def start(
    connection: sa.Connection, dialect: str, *, customer_id: str, channel: str, at: datetime, channels: Sequence[str]
) -> None:
    """What was stopped in this channel by its own word is as it was before. Marketing that was not allowed before the
    word is not allowed by taking it back."""
    for cls in REFUSABLE:
        stopped = [row for row in _refused(connection, customer_id, cls) if row.channel == channel and row.how == STOP]
        if not stopped:
            continue
        before = Standing(said=_said(connection, customer_id, before=stopped[0].at))
        if cls == MARKETING and before.refusal(MARKETING, channel):
            _forget(connection, customer_id, cls, [channel])
        else:
            set_consent(
                connection, dialect, customer_id=customer_id, cls=cls, channel=channel, given=True, at=at, how=START,
                channels=channels,
            )  # fmt: skip


def history(connection: sa.Connection, customer_id: str) -> Sequence[Any]:
    """All that a customer ever allowed and refused, in the order in which it was kept."""
    query = sa.select(consents).where(consents.c.tenant == TENANT, consents.c.customer_id == customer_id)
    return connection.execute(query.order_by(consents.c.id)).all()


def refusals(connection: sa.Connection, customer_id: str) -> Sequence[Any]:
    """What a customer refuses now."""
    query = sa.select(optouts).where(optouts.c.tenant == TENANT, optouts.c.customer_id == customer_id)
    return connection.execute(query.order_by(optouts.c.cls, optouts.c.channel)).all()


def _history(connection: sa.Connection, customer_id: str, cls: str) -> Sequence[Any]:
    """Words on a class, the oldest first."""
    of = (consents.c.tenant == TENANT, consents.c.customer_id == customer_id, consents.c.cls == cls)
    return connection.execute(sa.select(consents).where(*of).order_by(consents.c.at, consents.c.id)).all()


def _said(connection: sa.Connection, customer_id: str, *, before: datetime) -> dict[str, tuple[datetime, bool]]:
    rows = _history(connection, customer_id, MARKETING)
    return {row.channel: (row.at, bool(row.given)) for row in rows if row.at < before}


def _refused(connection: sa.Connection, customer_id: str, cls: str) -> Sequence[Any]:
    of = (optouts.c.tenant == TENANT, optouts.c.customer_id == customer_id, optouts.c.cls == cls)
    return connection.execute(sa.select(optouts).where(*of)).all()


def _forget(connection: sa.Connection, customer_id: str, cls: str, names: Sequence[str]) -> None:
    of = (optouts.c.tenant == TENANT, optouts.c.customer_id == customer_id, optouts.c.cls == cls)
    connection.execute(sa.delete(optouts).where(*of, optouts.c.channel.in_(names)))
