"""Bodies that nobody should send: each part of a good one left out or replaced, one after another."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

MOST = 1500
"""Changed bodies of one sample; of larger samples every n-th change is taken."""

WHOLE: tuple[Any, ...] = (None, True, 0, 1.5, "", "text", [], {}, [[]], [None], {"": None}, {"id": {}})
_PARTS: tuple[Any, ...] = (
    None,
    True,
    -1,
    10**40,
    1e300,
    "",
    "x" * 5000,
    "\x00\u202e\ud800",
    "0001-01-01",
    [],
    {},
    [None],
)
_GONE = object()

_Path = tuple[str | int, ...]


def nonsense(body: Any) -> Iterator[Any]:
    """Bodies that have nothing to do with `body`, and `body` with one part changed at a time."""
    yield from WHOLE
    changes = [(path, part) for path in _paths(body) for part in (_GONE, *_PARTS)]
    step = max(1, -(-len(changes) // MOST))
    for path, part in changes[::step]:
        yield _changed(body, path, part)


def _paths(value: Any, here: _Path = ()) -> Iterator[_Path]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield (*here, key)
        yield from _paths(each, (*here, key))


def _changed(body: Any, path: _Path, part: Any) -> Any:
    copy = deepcopy(body)
    *way, last = path
    place = copy
    for step in way:
        place = place[step]
    if part is _GONE:
        del place[last]
    else:
        place[last] = part
    return copy
