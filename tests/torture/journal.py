"""Ledgers on disk: JSON lines, each on the disk before anybody is told that it was written."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from hub.plugin.sandbox import Entry, Ledger

E = TypeVar("E", bound=Entry)


class Journal:
    """Append-only. `sync` False: for what may be lost with the machine, but not with the process."""

    def __init__(self, path: Path, *, sync: bool = True) -> None:
        self._file = path.open("ab", buffering=0)
        self._sync = sync

    def write(self, **line: Any) -> None:
        """Write a line; it is on disk when this returns."""
        self._file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
        if self._sync:
            os.fdatasync(self._file.fileno())

    def close(self) -> None:
        self._file.close()


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a journal; a last one that was torn is left out."""
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield json.loads(line)


class WrittenLedger(Ledger[E]):
    """A sandbox's ledger that is written down too, before the sandbox answers."""

    def __init__(self, journal: Journal, describe: Callable[[E], dict[str, Any]]) -> None:
        super().__init__()
        self._journal, self._describe = journal, describe

    def record(self, entry: E) -> E:
        self._journal.write(**self._describe(entry))
        return super().record(entry)
