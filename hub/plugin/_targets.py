"""The fourth kind of adapter: where a flow may call. It takes one call at a time and says what was answered."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar
from urllib.parse import unquote

from ._adapters import Adapter, Settings

S = TypeVar("S", bound=Settings)

Method = Literal["POST", "PUT", "PATCH", "GET", "DELETE"]
BODILESS = frozenset({"GET", "DELETE"})
"""Methods that carry no body."""


@dataclass(frozen=True, slots=True)
class TargetCall:
    """One call. `key` is the same for each try of it, so that a repeat is recognised; `path` is appended to the
    connection's address; `body` is a JSON value (None: no body)."""

    key: str
    method: Method = "POST"
    path: str = ""
    body: Any = None


@dataclass(frozen=True, slots=True)
class TargetAnswer:
    """What was answered, with a status from 200 to 299. `json` is None where the text is no JSON."""

    status: int
    text: str = ""
    json: Any = None


class Target(Adapter[S]):
    """Where a flow may call."""

    async def call(self, call: TargetCall) -> TargetAnswer:
        """Make one call; `FailureError` when it was not taken."""
        raise NotImplementedError

    async def register(self, url: str | None) -> Sequence[str]:
        """Nothing comes in from a target."""
        return ()

    @classmethod
    def reaches_private(cls, settings: S) -> bool:
        """A target is called wherever a file says: not inside the hub's own network."""
        return False


_PATH = re.compile(r"[A-Za-z0-9/._~!$&'()*+,;=:@%-]*")


def path_mistake(path: str) -> str:
    """Why a path cannot be appended to the address of a target; empty: it can. What it leads to stays below that
    address, however a server reads it."""
    if not _PATH.fullmatch(path) or re.search(r"%(?![0-9A-Fa-f]{2})", path):
        return "a path holds letters, digits, '/' and -._~!$&'()*+,;=:@, and all else as %XX; no '?' and no '#'"
    plain = path
    for _ in range(3):  # a server, and a proxy before it, may each undo the escapes once
        plain = unquote(plain)
    parts = plain.replace("\\", "/").split("/")
    if any(part.partition(";")[0] in (".", "..") for part in parts):
        return "a path does not lead up: it has no '.' and no '..' between its slashes"
    if "//" in plain or "\\" in plain or not plain.isprintable() or path.count("/") != plain.count("/"):
        return "a path has no empty part, and no slash, backslash or control character in disguise"
    return ""
