"""Who is told that something happened: plugins that listen, after the commit (DESIGN 5), and flows."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

import sqlalchemy as sa

from hub.flows.run import SAID
from hub.store.database import say_after_commit
from hub.store.tables import messages

from .names import known
from .news import report
from .said import tell_run
from .shadow import SHADOW
from .states import FINISHED, REACHED
from .world import World

MESSAGE_DELIVERED, MESSAGE_FAILED = "message.delivered", "message.failed"


class Listeners(Protocol):
    """What `hub.plugin.registry.Registry` offers; a listener that raises changes nothing."""

    def tell_event_received(self, connection: str, subject: str) -> None: ...

    def tell_status_changed(self, order_id: str, word: str) -> None: ...

    def tell_message_finished(self, message_id: int, state: str) -> None: ...


def event_received(connection: sa.Connection, source: str, subject: str) -> None:
    """An event is stored with this transaction."""
    say_after_commit(connection, ("tell_event_received", source, subject))


def status_changed(connection: sa.Connection, order_id: str, word: str) -> None:
    """A status moves with this transaction."""
    say_after_commit(connection, ("tell_status_changed", order_id, word))


def message_moved(
    connection: sa.Connection, dialect: str, world: World, message_id: int, state: str, now: datetime
) -> None:
    """A message comes into a state with this transaction; listeners hear of it where that is a final one, and flows
    where it reached the customer or could not (FLOWS 3)."""
    if state not in FINISHED:
        return
    say_after_commit(connection, ("tell_message_finished", message_id, state))
    heard = world.hears(MESSAGE_DELIVERED) or world.hears(MESSAGE_FAILED)
    if heard or world.hears(SAID) or state not in REACHED:
        row = connection.execute(sa.select(messages).where(messages.c.id == message_id)).one()
        tell_run(connection, dialect, world, row, now)
        if not heard:
            return
        word = _came_to(row, world)
        if word:
            report(
                connection, dialect, world, home=row.order_id, word=word, kind="message", subject=row.key, occurrence=1,
                at=now, now=now, names={"message": _names(row, now)}, run=row.run_key, shadow=bool(row.shadow),
            )  # fmt: skip


def _came_to(row: Any, world: World) -> str:
    """The word for what a message came to, or nothing. What is said because of a message brings no more such news:
    somebody whom nothing reaches would else be told of it for ever."""
    if row.recipient != "customer" or not row.order_id or row.word in (MESSAGE_DELIVERED, MESSAGE_FAILED):
        return ""
    if row.state == "failed" or (row.state == "suppressed" and row.reason.startswith(("missing-data", "too-late"))):
        return MESSAGE_FAILED
    if row.reason == SHADOW:
        return MESSAGE_DELIVERED
    receipts = row.connection in world.adapters and world.gives_receipts(row.connection)
    return MESSAGE_DELIVERED if row.state in ("delivered", "read") or (row.state == "sent" and not receipts) else ""


def _names(row: Any, now: datetime) -> dict[str, Any]:
    """`message` as conditions and texts read it."""
    reached = row.state in REACHED or row.reason == SHADOW
    return known(
        template=row.template,
        flow=row.flow,
        channel=row.connection,
        outcome=f"{row.state}: {row.reason}" if row.reason else row.state,
        tried=[*row.doc.get("tried", ())],
        sent_at=now if reached else None,
        reached=reached,
        **{"class": row.cls},
    )


def tell(listeners: Listeners, said: Sequence[tuple[str, Any, Any]]) -> None:
    """Tell listeners what a transaction had to say."""
    for how, what, news in said:
        getattr(listeners, how)(what, news)
