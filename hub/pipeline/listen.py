"""Who is told after a commit that something happened: plugins that listen (DESIGN 5)."""

from collections.abc import Sequence
from typing import Any, Protocol

import sqlalchemy as sa

from hub.store.database import say_after_commit

from .states import FINISHED


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


def message_moved(connection: sa.Connection, message_id: int, state: str) -> None:
    """A message comes into a state with this transaction; listeners hear of it where that is a final one."""
    if state in FINISHED:
        say_after_commit(connection, ("tell_message_finished", message_id, state))


def tell(listeners: Listeners, said: Sequence[tuple[str, Any, Any]]) -> None:
    """Tell listeners what a transaction had to say."""
    for how, what, news in said:
        getattr(listeners, how)(what, news)
