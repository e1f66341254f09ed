"""Put one row into `statuses` of a flows.yaml and leave every other character alone, comments and line ends included.

The place is found by the positions of the YAML nodes; the result is read again and compared with what was meant, so
that a file in a style nobody thought of is refused and never spoilt.
"""

import copy
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from hub.config.yaml import parse, to_plain

SECTION = "statuses"

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


class CannotEditError(Exception):
    """The file is written in a way that cannot be edited here; the text says what to write by hand."""


@dataclass(frozen=True, slots=True)
class MapRow:
    """`connection: {code: target}`; `target` is `axis.status` or `nothing`, `reason` may be empty."""

    connection: str
    code: str
    target: str
    reason: str = ""

    @property
    def value(self) -> str:
        """What stands behind the code."""
        return f"{{to: {self.target}, reason: {self.reason}}}" if self.reason else self.target

    @property
    def entry(self) -> str:
        """The code with its value."""
        return f"{_key(self.code)}: {self.value}"

    @property
    def line(self) -> str:
        """The line to paste under `statuses`."""
        return f"{_key(self.connection)}: {{{self.entry}}}"

    @property
    def plain(self) -> Any:
        """The value as data."""
        return {"to": self.target, "reason": self.reason} if self.reason else self.target


def _key(text: str) -> str:
    if _PLAIN.fullmatch(text):
        return text
    return json.dumps(text, ensure_ascii=not text.isprintable())


def holds(text: str, connection: str = "") -> bool:
    """Whether a file has `statuses` (of this connection, if one is named)."""
    section = _section(to_plain_root(text))
    return section is not None and (not connection or connection in section)


def to_plain_root(text: str) -> Mapping[str, Any]:
    """A file as plain data; empty when it cannot be read."""
    root, problems = parse(text, "")
    plain = to_plain(root) if root is not None and not problems else None
    return plain if isinstance(plain, Mapping) else {}


def _section(plain: Mapping[str, Any]) -> Mapping[str, Any] | None:
    if SECTION not in plain:
        return None
    section = plain[SECTION]
    return section if isinstance(section, Mapping) else {}


def with_row(text: str, row: MapRow) -> str:
    """The file with the row in it; raises `CannotEditError`."""
    before = to_plain_root(text)
    table = (_section(before) or {}).get(row.connection) or {}
    if isinstance(table, Mapping) and any(_same(code, row.code) for code in table):
        raise CannotEditError(f"'{row.code}' of {row.connection} is mapped there already; change that line")
    after = _insert(text, row)
    if to_plain_root(after) != _meant(before, row):
        raise CannotEditError(
            f"it is written in a way that this command does not touch; write under {SECTION}:  {row.line}"
        )
    return after


def _same(code: str, other: str) -> bool:
    return code.strip().casefold() == other.strip().casefold()


def _meant(before: Mapping[str, Any], row: MapRow) -> Mapping[str, Any]:
    meant = copy.deepcopy(dict(before))
    section = dict(meant.get(SECTION) or {})
    section[row.connection] = {**(section.get(row.connection) or {}), row.code: row.plain}
    return {**meant, SECTION: section}


# ------------------------------------------------------------------------------------------------ where, and how


def _insert(text: str, row: MapRow) -> str:
    try:
        root = yaml.compose(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        raise CannotEditError("it cannot be read as YAML; `hub flows check` says where") from error
    if root is None:
        return _appended(text, row)
    if not isinstance(root, yaml.MappingNode):
        raise CannotEditError("it is not a map of settings")
    section = _entry(root, SECTION)
    if section is None:
        return _into_flow(text, root, f"{SECTION}: {{{row.line}}}") if root.flow_style else _appended(text, row, root)
    key, value = section
    if _is_empty(value):
        return _below(text, key, row.line)
    if not isinstance(value, yaml.MappingNode) or _elsewhere(key, value):
        raise _by_hand(row)
    own = _entry(value, row.connection)
    if own is None:
        return _into(text, value, row.line)
    name, table = own
    if _is_empty(table) and not value.flow_style:
        return _below(text, name, row.entry)
    if not isinstance(table, yaml.MappingNode) or _elsewhere(name, table):
        raise _by_hand(row)
    return _into(text, table, row.entry)


def _by_hand(row: MapRow) -> CannotEditError:
    return CannotEditError(
        f"it is written in a way that this command does not touch; write under {SECTION}:  {row.line}"
    )


def _entry(node: yaml.MappingNode, name: str) -> tuple[yaml.Node, yaml.Node] | None:
    return next(((key, value) for key, value in node.value if getattr(key, "value", None) == name), None)


def _is_empty(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and not node.value and not node.style


def _elsewhere(key: yaml.Node, value: yaml.Node) -> bool:
    """Whether the value is an alias of something above: editing it would change that, too."""
    return bool(value.start_mark.index < key.end_mark.index)


def _into(text: str, node: yaml.MappingNode, entry: str) -> str:
    return _into_flow(text, node, entry) if node.flow_style else _after(text, node, entry)


def _into_flow(text: str, node: yaml.MappingNode, entry: str) -> str:
    """Behind the last value between braces."""
    if not node.value:
        at = node.start_mark.index + 1
        return f"{text[:at]}{entry}{text[at:]}"
    at = _end(node.value[-1][1])
    return f"{text[:at]}, {entry}{text[at:]}"


def _after(text: str, node: yaml.MappingNode, entry: str) -> str:
    """On a line of its own behind the last entry, indented as the first."""
    return _new_line(text, _end(node.value[-1][1]), " " * node.value[0][0].start_mark.column + entry)


def _below(text: str, key: yaml.Node, entry: str) -> str:
    """On a line of its own below a key that has no value yet."""
    return _new_line(text, key.end_mark.index, " " * (key.start_mark.column + 2) + entry)


def _end(node: yaml.Node) -> int:
    """Where the last thing in a node ends. (A block's own end mark lies behind the comments that follow it.)"""
    while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    return int(node.end_mark.index)


def _new_line(text: str, at: int, line: str) -> str:
    newline = "\r\n" if "\r\n" in text else "\n"
    if at and text[at - 1] == "\n":  # behind a block of text, which ends with its line
        return f"{text[:at]}{line}{newline}{text[at:]}"
    end = text.find("\n", at)
    if end < 0:
        return f"{text}{newline}{line}{newline}"
    return f"{text[: end + 1]}{line}{newline}{text[end + 1 :]}"


def _appended(text: str, row: MapRow, root: yaml.MappingNode | None = None) -> str:
    """A section of its own at the end of the file."""
    newline = "\r\n" if "\r\n" in text else "\n"
    indent = " " * root.value[0][0].start_mark.column if root is not None and root.value else ""
    gap = "" if not text or text.endswith("\n") else newline
    space = newline if text.strip() else ""
    return f"{text}{gap}{space}{indent}{SECTION}:{newline}{indent}  {row.line}{newline}"
