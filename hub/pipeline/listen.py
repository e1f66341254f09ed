"""Who is told after a commit that something happened: plugins that listen (DESIGN 5)."""

from typing import Protocol


class Listeners(Protocol):
    """What `hub.plugin.registry.Registry` offers; a listener that raises changes nothing."""

    def tell_event_received(self, connection: str, subject: str) -> None: ...

    def tell_status_changed(self, order_id: str, word: str) -> None: ...

    def tell_message_finished(self, message_id: int, state: str) -> None: ...


class Nobody:
    """Nobody listens."""

    def tell_event_received(self, connection: str, subject: str) -> None:
        return

    def tell_status_changed(self, order_id: str, word: str) -> None:
        return

    def tell_message_finished(self, message_id: int, state: str) -> None:
        return


NOBODY = Nobody()
