"""flows.yaml up to its flows: shops, connections, contact rules, staff. The flows are read above this floor
(`hub.flows.load`), which is where `load_config` is.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from dotenv import dotenv_values

from hub.plugin import Adapter

from .build import build_connections, build_hub, build_shops, check_words, named
from .failover import build_failovers
from .files import Files, masked, read_files
from .kinds import found
from .model import Config
from .problems import Level, Place, Problem, did_you_mean, in_order, listed, nearest
from .rules import build_contact, build_contacts, build_statuses, words_of
from .secrets import Secrets
from .sections import TOP
from .settings import Reading, TooManyError, refuse_references
from .surveys import build_surveys
from .team import build_people, build_staff
from .yaml import MapNode, Node, Scalar


class Entry(Protocol):
    """What a registry knows of a plugin."""

    @property
    def adapter(self) -> type[Adapter[Any]]: ...


class Registry(Protocol):
    """Where plugins are found. `adapter` raises LookupError, with what to do, for what cannot be used."""

    def adapter(self, kind: str, name: str) -> Entry: ...


@dataclass(frozen=True, slots=True)
class Loaded:
    """What came of a file: a configuration unless there is an error, and every problem, sorted by place.

    `sources` are the texts of the files by the name problems give them, secrets masked.
    """

    config: Config | None
    problems: tuple[Problem, ...]
    sources: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(each for each in self.problems if each.severity is Level.ERROR)


@dataclass(slots=True)
class Opened:
    """A file that is being read: what was found in it so far."""

    path: Path
    secrets: Secrets
    reading: Reading = field(default_factory=Reading)
    files: Files = field(default_factory=Files)

    @classmethod
    def of(cls, path: Path, env: Mapping[str, str]) -> "Opened":
        """`env` is the environment; the `.env` beside the file stands behind it."""
        beside, readable = dot_env(path)
        opened = cls(path, Secrets({**beside, **env}, path.parent))
        if not readable:
            opened.reading.report(Place(".env"), "secret-missing", "'.env' beside the file cannot be read")
        return opened

    def finish(self, config: Config | None) -> Loaded:
        """Everything together: no configuration when there was an error."""
        self._references()
        sources = masked(self.files.sources, self.secrets.literals)
        problems = in_order(self.reading.problems, sources)
        refused = any(each.severity is Level.ERROR for each in problems)
        live = None if refused or config is None else replace(config, sources=sources)
        return Loaded(live, problems, sources)

    def _references(self) -> None:
        """Secrets are referred to in two sections; elsewhere they would go out into texts, or into the log."""
        names = {name: name if name in TOP else nearest(name, TOP) for name in self.files.top}
        elsewhere = [entry for name, entry in self.files.top.items() if names[name] not in ("connections", "people")]
        with suppress(TooManyError):
            for key, value in elsewhere:
                refuse_references(MapNode(((key, value),), key.place), self.reading)
        self.reading.problems[:] = _without_what_follows(self.reading.problems)


@dataclass(frozen=True, slots=True)
class Ground:
    """The file without its flows. `config` holds what was read well, to check flows against; the names are all that
    stand in the file, so that a broken entry makes its name no less known."""

    config: Config
    flows: Mapping[str, tuple[Scalar, Node]]
    """Name → its key and its node."""
    connections: Mapping[str, str]
    """Name → kind; "" when not even that could be read."""
    shops: frozenset[str]
    staff: frozenset[str]
    people: frozenset[str]
    surveys: Mapping[str, tuple[Scalar, Node]]
    """Name → its key and its node."""
    tests: Node | None
    """The list of `tests`."""
    policies: Mapping[str, tuple[Scalar, Node]]
    """Name → its key and its node."""
    lists: Mapping[str, tuple[Scalar, Node]]
    """Name of a list of steps → its key and its node."""
    contact: Node | None
    keys: Mapping[str, Place]
    """Top-level key → its place, for problems about the whole."""
    whole: bool
    """Whether every file could be read."""


_FIRST = ("secret-place", "yaml-syntax", "yaml-quote")


def _without_what_follows(problems: list[Problem]) -> list[Problem]:
    """Of a word with a secret in it, or that could not be read as it was meant, nothing else is told: it follows."""
    places = {each.place for each in problems if each.code in _FIRST}
    return [each for each in problems if each.code in _FIRST or each.place not in places]


def dot_env(path: Path) -> tuple[dict[str, str], bool]:
    """What the `.env` beside a file sets, and whether it could be read (it need not be there)."""
    beside = path.parent / ".env"
    try:
        values = dotenv_values(beside, interpolate=False) if beside.is_file() else {}
    except (OSError, UnicodeDecodeError):
        return {}, False
    return {name: value for name, value in values.items() if value is not None}, True


def read_ground(opened: Opened, registry: Registry) -> Ground:
    """Read a file and its includes up to the flows. Raises TooManyError, and nothing else for what stands in them."""
    path, reading, files = opened.path, opened.reading, opened.files
    read_files(path, reading, files)
    top = _top(files, reading)
    secret = reading.with_secrets(opened.secrets)
    shops = build_shops(top, reading, Place(path.name), files.broken)
    entries = _named(top.get("connections"), reading, "connection")
    connections = build_connections(entries, shops, registry, secret)
    failovers = build_failovers(entries, connections, reading)
    check_words(top, connections, reading)
    people = build_people(_named(top.get("people"), reading, "person"), connections, failovers, secret)
    staff = build_staff(_named(top.get("staff"), reading, "staff group"), people, connections, reading)
    asked = _named(top.get("surveys"), reading, "survey")
    words = words_of(shops.good.values())
    contact = build_contact(top.get("contact"), connections, failovers, staff, words, reading)
    config = Config(
        path=path,
        hub=build_hub(top.get("hub"), reading, path),
        shops=shops.good,
        connections=connections.good,
        failovers=failovers,
        contact=contact,
        contacts=build_contacts(contact, top, connections, failovers, staff, shops, reading),
        staff=staff.good,
        people=people.good,
        statuses=build_statuses(top.get("statuses"), connections, reading),
        surveys=build_surveys(asked, reading).good,
        digest=files.digest,
        messages=path.parent / "messages" if (path.parent / "messages").is_dir() else None,
    )
    return Ground(
        config=config,
        flows=_named(top.get("flows"), reading, "flow"),
        connections=connections.names,
        shops=frozenset(shops.names),
        staff=frozenset(staff.names),
        people=frozenset(people.names),
        surveys=asked,
        tests=top.get("tests"),
        policies=_named(top.get("policies"), reading, "policy"),
        lists=_named(top.get("steps"), reading, "list of steps"),
        contact=top.get("contact"),
        keys={text: key.place for text, (key, _) in files.top.items()},
        whole=not files.broken,
    )


def _top(files: Files, reading: Reading) -> dict[str, Node]:
    nodes: dict[str, Node] = {}
    for text, (key, value) in files.top.items():
        if text not in TOP:
            meant = did_you_mean(text, TOP)
            near = nearest(text, TOP)
            if near is not None and near not in files.top:
                nodes[near] = value  # read as what was meant, so that nothing is missed in it or for want of it
            reading.report(
                key,
                "unknown-setting",
                f"a file has no setting '{text[:60]}'{meant}",
                f"settings of a file: {listed(TOP)}",
            )
        elif not (isinstance(value, Scalar) and value.empty):
            nodes[text] = value
    version = nodes.get("version")
    if version is not None and not (isinstance(version, Scalar) and version.text == "1"):
        reading.report(version, "bad-value", f"'version' is 1, the only version of the language, not {found(version)}")
    return nodes


def _named(node: Node | None, reading: Reading, what: str) -> dict[str, tuple[Scalar, Node]]:
    """The entries of a section by name; a wrong name is reported and its entry still read."""
    if node is None:
        return {}
    if not isinstance(node, MapNode):
        reading.report(node, "bad-value", f"this is name → {what}, not {found(node)}")
        return {}
    for key, _ in node:
        named(key, reading)
    return {key.text: (key, value) for key, value in node}
