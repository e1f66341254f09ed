"""What a sandbox really received, kept apart from the hub: the witness of tests and of the demo."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar, overload


@dataclass(frozen=True, slots=True)
class Entry:
    """Base of ledger entries: `at` is the clock's time when it happened."""

    at: datetime


E = TypeVar("E")


class Ledger(Sequence[E], Generic[E]):
    """Entries in the order in which they happened; nothing is ever taken out."""

    def __init__(self) -> None:
        self._entries: list[E] = []
        self._waiting: list[asyncio.Future[None]] = []

    def record(self, entry: E) -> E:
        """Write an entry down."""
        self._entries.append(entry)
        for each in self._waiting:
            if not each.done():
                each.set_result(None)
        self._waiting.clear()
        return entry

    def where(self, **fields: Any) -> list[E]:
        """The entries whose fields have these values."""
        return [each for each in self._entries if all(getattr(each, name) == fields[name] for name in fields)]

    async def until(self, enough: int | Callable[["Ledger[E]"], bool], *, seconds: float = 5) -> "Ledger[E]":
        """Wait until there are so many entries, or until `enough` says so; TimeoutError after (real) seconds."""
        done = enough if callable(enough) else lambda ledger: len(ledger) >= enough
        async with asyncio.timeout(seconds):
            while not done(self):
                news = asyncio.get_running_loop().create_future()
                self._waiting.append(news)
                await news
        return self

    @overload
    def __getitem__(self, index: int) -> E: ...

    @overload
    def __getitem__(self, index: slice) -> list[E]: ...

    def __getitem__(self, index: int | slice) -> E | list[E]:
        return self._entries[index]

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[E]:
        return iter(self._entries)
