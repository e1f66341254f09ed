"""YAML into nodes that know their place, without the surprises of YAML 1.1: a scalar is what was typed.

PyYAML's parser gives events; the tree is built here, within limits, so that no file can take long or take memory, and
everything that is wrong is named with its place. Nothing is constructed: what a scalar *is* decides the key it stands
under (`settings.py`).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import yaml

from .problems import MAX_PROBLEMS, Place, Problem, lines_of

MAX_BYTES = 1_000_000
MAX_NODES = 200_000
MAX_DEPTH = 32
MAX_ALIASES = 50
CEL_KEYS = frozenset({"when", "until", "that", "before", "unless", "with"})
"""Keys under which an expression stands: there a leading `!` is a forgotten quote and not a tag."""

PARSERS: tuple[Any, ...] = tuple(each for each in (getattr(yaml, "CSafeLoader", None), yaml.SafeLoader) if each)
"""PyYAML's parsers, the fastest first; the one in C is not in every build. Only their events are used."""


@dataclass(frozen=True, slots=True, eq=False)
class Scalar:
    """One value as typed. `style` is "" (plain), `'`, `"`, `|` or `>`; `end` closes the span in the file. `told`: it
    could not be read as it was meant, which has been reported."""

    text: str
    place: Place
    style: str = ""
    span: tuple[int, int] = (0, 0)
    source: str = field(default="", repr=False)
    told: bool = False

    @property
    def empty(self) -> bool:
        """Whether nothing was typed (`key:` and no more)."""
        return not self.text and not self.style

    def at(self, offset: int) -> Place:
        """The place in the file of a character of `text`, also in folded and quoted text."""
        return _place_in(self, offset)


@dataclass(frozen=True, slots=True, eq=False)
class ListNode:
    """A list."""

    items: tuple["Node", ...]
    place: Place


@dataclass(frozen=True, slots=True, eq=False)
class MapNode:
    """A map; keys are unique (the first of two equal keys is kept, the second is a problem). `merged`: more was meant
    to be in it by `<<`, which has been refused."""

    entries: tuple[tuple[Scalar, "Node"], ...]
    place: Place
    merged: bool = False

    def get(self, key: str) -> "Node | None":
        return next((value for name, value in self.entries if name.text == key), None)

    def key(self, key: str) -> Scalar | None:
        return next((name for name, _ in self.entries if name.text == key), None)

    def __iter__(self) -> Iterator[tuple[Scalar, "Node"]]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)


Node: TypeAlias = Scalar | ListNode | MapNode


def parse(text: str, file: str, parser: Any = PARSERS[0]) -> tuple[Node | None, tuple[Problem, ...]]:
    """The tree of one document, and what is wrong. None: nothing could be read, or the file is empty."""
    return _Builder(text, file, parser).build()


def from_plain(value: Any, place: Place) -> Node:
    """Nodes of plain data, so that stored data is read by the same code as a file. All stand at one place."""
    if isinstance(value, Mapping):
        entries = tuple((Scalar(str(key), place), from_plain(each, place)) for key, each in value.items())
        return MapNode(entries, place)
    if isinstance(value, list | tuple):
        return ListNode(tuple(from_plain(each, place) for each in value), place)
    return Scalar(_typed(value), place, "" if value is None else '"')


def _typed(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def to_plain(node: Node) -> Any:
    """Plain data of nodes: dicts, lists and the text as typed; None where nothing was typed."""
    if isinstance(node, MapNode):
        return {key.text: to_plain(value) for key, value in node}
    if isinstance(node, ListNode):
        return [to_plain(each) for each in node.items]
    return None if node.empty else node.text


def scalars_in(node: Node) -> Iterator[Scalar]:
    """Every key and value of a tree, each once, however often an alias leads to it."""
    seen: set[int] = set()
    todo = [node]
    while todo:
        each = todo.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, Scalar):
            yield each
        elif isinstance(each, ListNode):
            todo += each.items
        else:
            todo += [part for entry in each.entries for part in entry]


_STUCK = re.compile(r"([A-Za-z_][\w-]*):(?=[^\s:/])")


def stuck_word(text: str) -> str:
    """The word of `word:value`, where a space is missing behind the colon, or nothing."""
    found = _STUCK.match(text)
    return found[1] if found else ""


def stuck_words(word: str) -> str:
    """What is told of it."""
    return f"a space is missing behind '{word[:60]}:'"


class _Stop(Exception):
    """The file cannot be read any further; the problem has been recorded."""


@dataclass(slots=True)
class _Open:
    """A list or map that is being read."""

    place: Place
    is_map: bool
    anchor: str | None
    key: Scalar | None = None
    under: str = ""
    items: list[Node] = field(default_factory=list)
    entries: dict[str, tuple[Scalar, Node]] = field(default_factory=dict)
    skip: bool = False
    braces: bool = False
    merged: bool = False


class _Builder:
    """Builds the tree from events, with a stack of its own."""

    def __init__(self, text: str, file: str, parser: Any) -> None:
        self.text, self.file, self.parser = text, file, parser
        self.problems: list[Problem] = []
        self.stack: list[_Open] = []
        self.anchors: dict[str, Node | None] = {}
        self.nodes = self.aliases = 0
        self.root: Node | None = None
        self.last: Any = None

    def build(self) -> tuple[Node | None, tuple[Problem, ...]]:
        try:
            self._read()
        except _Stop:
            return None, tuple(self.problems)
        except yaml.reader.ReaderError as error:
            self._unreadable(error)
        except yaml.MarkedYAMLError as error:
            self._broken(error)
        else:
            return self.root, tuple(self.problems)
        return None, tuple(self.problems)

    def _read(self) -> None:
        # The constructor reads the first characters, so it too raises on a NUL.
        loader = self.parser(self.text)
        take = {
            yaml.DocumentStartEvent: self._document,
            yaml.AliasEvent: self._alias,
            yaml.ScalarEvent: self._scalar,
            yaml.SequenceStartEvent: self._begin,
            yaml.MappingStartEvent: self._begin,
            yaml.SequenceEndEvent: self._end,
            yaml.MappingEndEvent: self._end,
        }
        try:
            while loader.check_event():
                event = loader.get_event()
                if (handler := take.get(type(event))) is not None:
                    handler(event)
        finally:
            loader.dispose()

    def _document(self, event: Any) -> None:
        if self.root is not None:
            self._stop(event, "yaml-syntax", "a second document begins here (`---`); a file holds one")

    def _place(self, mark: Any) -> Place:
        return Place(self.file, mark.line + 1, mark.column + 1)

    def _report(self, place: Place, code: str, text: str, hint: str = "") -> None:
        self.problems.append(Problem(place, code, text, hint))
        if len(self.problems) >= MAX_PROBLEMS:
            raise _Stop

    def _stop(self, event: Any, code: str, text: str) -> None:
        self._report(self._place(event.start_mark), code, text)
        raise _Stop

    def _count(self, event: Any) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            self._stop(event, "yaml-size", f"the file holds more than {MAX_NODES:,} values")

    def _alias(self, event: Any) -> None:
        self.aliases += 1
        if self.aliases > MAX_ALIASES:
            self._stop(event, "yaml-aliases", f"more than {MAX_ALIASES} aliases (`*{event.anchor}`)")
        target = self.anchors.get(event.anchor)
        if target is not None:
            self._count_copy(event, target)
            self._add(target)
            return
        inside = event.anchor in self.anchors
        why = "stands inside what it stands for" if inside else "stands for nothing above it"
        self._report(self._place(event.start_mark), "yaml-aliases", f"the alias '*{event.anchor}' {why}")
        self._add(Scalar("", self._place(event.start_mark)))

    def _count_copy(self, event: Any, target: Node) -> None:
        """A repeated part counts as often as it stands there: readers walk it each time."""
        size, depth = _measure(target)
        self.nodes += size
        if self.nodes > MAX_NODES:
            self._stop(event, "yaml-aliases", "aliases of aliases make the file too big")
        if len(self.stack) + depth > MAX_DEPTH:
            self._stop(event, "yaml-depth", f"the alias leads deeper than {MAX_DEPTH} levels")

    def _scalar(self, event: Any) -> None:
        self._count(event)
        self.last = event
        style = event.style if event.style and event.style in "'\"|>" else ""
        span = (event.start_mark.index, event.end_mark.index)
        place = self._place(event.start_mark)
        node = Scalar(event.value, place, style, span, self.text)
        if event.tag is not None:
            self._tag(event)
        self._name(event.anchor, node)
        self._add(node)

    def _begin(self, event: Any) -> None:
        self._count(event)
        if len(self.stack) >= MAX_DEPTH:
            self._stop(event, "yaml-depth", f"nested deeper than {MAX_DEPTH} levels")
        if event.tag is not None:
            self._tag(event)
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        is_map = isinstance(event, yaml.MappingStartEvent)
        self.stack.append(_Open(self._place(event.start_mark), is_map, event.anchor, under=self._under()))

    def _end(self, event: Any) -> None:
        done = self.stack.pop()
        node: Node
        if done.braces:
            node = Scalar("{{…}}", done.place, told=True)
        elif done.is_map:
            node = MapNode(tuple(done.entries.values()), done.place, done.merged)
        else:
            node = ListNode(tuple(done.items), done.place)
        self._name(done.anchor, node)
        self._add(node)

    def _name(self, anchor: str | None, node: Node) -> None:
        if anchor is not None:
            self.anchors[anchor] = node

    def _under(self) -> str:
        """The key that what comes next stands under, through lists."""
        if not self.stack:
            return ""
        top = self.stack[-1]
        return top.key.text if top.key is not None else top.under

    def _add(self, node: Node) -> None:
        if not self.stack:
            self.root = node
            return
        top = self.stack[-1]
        if not top.is_map:
            top.items.append(node)
        elif top.key is None:
            self._add_key(top, node)
        else:
            key, value = self._apart(top.key, node)
            if not top.skip:
                top.entries[key.text] = (key, value)
            top.key, top.skip = None, False

    def _apart(self, key: Scalar, value: Node) -> tuple[Scalar, Node]:
        """`{template:shipped}` and `notify:{template: shipped}` are told, and taken apart as they were meant."""
        word = stuck_word(key.text) if not key.style and isinstance(value, Scalar) else ""
        rest = key.text[len(word) + 1 :]
        if not word or not (rest[0] in "[{" or (isinstance(value, Scalar) and value.empty)):
            return key, value
        place = Place(key.place.file, key.place.line, key.place.column + len(word) + 1)
        self._report(place, "yaml-syntax", stuck_words(word), f"{word}: {rest[:60]}")
        return Scalar(word, key.place, "", key.span, key.source), Scalar(rest, place, told=True)

    def _add_key(self, top: _Open, node: Node) -> None:
        if not isinstance(node, Scalar):
            inner = Place(top.place.file, top.place.line, top.place.column + 1)
            if isinstance(node, MapNode) and node.place == inner:
                self._report(top.place, "yaml-quote", _BRACES, _BRACES_HINT)
                top.braces = True
            else:
                self._report(node.place, "yaml-syntax", "a key is a word, not a list or a map")
            node = Scalar("", node.place)
            top.skip = True
        elif node.text == "<<" and not node.style:
            self._report(node.place, "yaml-merge", "'<<' merges nothing here; write the settings out")
            top.skip = top.merged = True
        elif node.text in top.entries:
            first = top.entries[node.text][0].place
            self._report(
                node.place,
                "duplicate-key",
                f"'{node.text}' stands here a second time; the first is in line {first.line}",
            )
            top.skip = True
        top.key = node

    def _tag(self, event: Any) -> None:
        place = self._place(event.start_mark)
        tag = str(event.tag)
        if tag.startswith("!") and (self._under() in CEL_KEYS or re.search(r"[.()&|=<>]", tag)):
            self._report(place, "yaml-quote", _QUOTE, "'!…'")
        else:
            shown = tag.replace("tag:yaml.org,2002:", "!!")
            self._report(place, "yaml-tag", f"'{shown[:40]}' is a tag; the language has none")

    def _unreadable(self, error: yaml.reader.ReaderError) -> None:
        index = error.position if isinstance(error.position, int) else 0
        index = next((at for at, each in enumerate(self.text) if _unprintable(each)), min(index, len(self.text)))
        character = self.text[index : index + 1]
        shown = f"U+{ord(character):04X}" if character else "?"
        self._report(
            place_of(self.text, self.file, index), "yaml-encoding", f"a character that text cannot hold ({shown})"
        )

    def _broken(self, error: yaml.MarkedYAMLError) -> None:
        mark = error.problem_mark or error.context_mark
        place = Place(self.file) if mark is None else self._place(mark)
        if mark is not None and self._goes_on(mark):
            start = self._place(self.last.start_mark)
            style = self.last.style
            other = "'" if style == '"' else '"'
            text = f"a value that begins with {style} and goes on must be quoted as a whole"
            self._report(start, "yaml-quote", text, f"{other}{style}…{style} …{other}")
            return
        lines = lines_of(self.text)
        if place.line > len(lines):  # behind the end: what is missing is missing at the end of the last line
            place = Place(self.file, len(lines), len(lines[-1]) + 1)
        line = lines[place.line - 1]
        if any(each.code == "yaml-quote" and each.place.line == place.line for each in self.problems):
            return  # what follows the braces cannot be read for want of the same quotes
        if self._slipped(error, place, lines):
            return
        tag = _TAGGED.search(line[: place.column + 1])
        if tag is not None:
            self._report(Place(self.file, place.line, tag.start(1) + 1), "yaml-quote", _QUOTE, "'!…'")
            return
        tab = line[place.column - 1 : place.column] == "\t" and not line[: place.column].strip()
        self._report(place, "yaml-syntax", _TAB if tab else _said(error))

    def _slipped(self, error: yaml.MarkedYAMLError, place: Place, lines: list[str]) -> bool:
        """Whether it is an everyday slip, then told as such: `${NAME}` without quotes in a flow map, `key:value`
        without a space."""
        line, at = lines[place.line - 1], place.column - 1
        reference = _UNQUOTED.search(line)
        if reference is not None and reference.start(1) <= at <= reference.end(1):
            where = Place(self.file, place.line, reference.start(1) + 1)
            self._report(where, "yaml-quote", "inside {…} and […] a reference must be quoted", f'"{reference[1]}"')
            return True
        for number, begin in _stuck_in(error, place, lines):
            found = _STUCK.match(lines[number - 1], begin)
            if found is not None:
                self._report(Place(self.file, number, found.end() + 1), "yaml-syntax", stuck_words(found[1]))
                return True
        return False

    def _goes_on(self, mark: Any) -> bool:
        """Whether the parser stumbled over what follows a quoted value on the same line."""
        last = self.last
        if last is None or last.style not in ("'", '"') or last.end_mark.line != mark.line:
            return False
        between = self.text[last.end_mark.index : mark.index]
        return not between.strip() and bool(self.text[mark.index : mark.index + 1].strip(" ,]}:#\n"))


def _stuck_in(error: yaml.MarkedYAMLError, place: Place, lines: list[str]) -> Iterator[tuple[int, int]]:
    """Lines and characters where a word may begin that has no space behind its colon: the key whose ':' is missed, the
    line above with the same indentation, of which this one was taken to be the rest, and the word under the mark."""
    line = lines[place.line - 1]
    if error.context_mark is not None and "':'" in str(error.problem):
        yield error.context_mark.line + 1, error.context_mark.column
    if "mapping values" in str(error.problem):
        above = next((n for n in range(place.line - 1, 0, -1) if lines[n - 1].strip()), 0)
        begin = _indent(line)
        if above and _indent(lines[above - 1]) == begin and ": " not in lines[above - 1]:
            yield above, begin
    for found in _BEFORE_BRACKET.finditer(line):
        if found.end(1) <= place.column <= found.end() + 1:
            yield place.line, found.start(1)


def _indent(line: str) -> int:
    """Where the first word of a line begins, behind the dash of a list."""
    found = re.match(r" *(?:- +)*", line)
    return found.end() if found else 0


_UNQUOTED = re.compile(r"[\s,{\[](\$\{[^\s{}]*\}?)")
_BEFORE_BRACKET = re.compile(r"(?<![\w.$-])([A-Za-z_][\w-]*):[\[{]")
_BRACES = "a text that begins with '{{' must be quoted as a whole"
_BRACES_HINT = '"{{ … }}"'
_TAGGED = re.compile(r"(?:[:,\[{-]\s+|[\[{])(![\w(-])")
"""A value that begins with `!`, on a line that cannot be read."""
_QUOTE = "a value that begins with '!' must be quoted as a whole"


def _measure(node: Node) -> tuple[int, int]:
    """How many values a tree holds, and how deep it is."""
    size, deepest, todo = 0, 0, [(node, 1)]
    while todo:
        each, depth = todo.pop()
        size, deepest = size + 1, max(deepest, depth if not isinstance(each, Scalar) else 0)
        if size > MAX_NODES:
            break
        inside = [value for _, value in each] if isinstance(each, MapNode) else getattr(each, "items", ())
        todo.extend((child, depth + 1) for child in inside)
    return size, deepest


def _unprintable(character: str) -> bool:
    """What YAML allows in no file."""
    return not re.match("[\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", character)


def place_of(text: str, file: str, index: int) -> Place:
    """The place of a character of a file."""
    before = lines_of(text[:index])
    return Place(file, len(before), len(before[-1]) + 1)


_TAB = "a tab; indent with spaces"
_SAID = (
    ("mapping values are not allowed", "a second ': ' on this line; quote the value if it holds a colon"),
    ("tab", _TAB),
    ("could not find expected ':'", "there is no ':' after this key"),
    ("cannot start any token", "a value cannot begin with this character; quote it"),
    ("block end", "this line is indented differently from the lines above it"),
    ("did not find expected key", "this does not line up with the keys above it"),
    ("did not find expected '-' indicator", "this does not line up with the list above it"),
    ("',' or ']'", "a list that was opened with '[' is not closed, or a ',' is missing"),
    ("',' or '}'", "a map that was opened with '{' is not closed, or a ',' is missing"),
    ("end of stream", "the text ends inside a quoted value"),
    ("unexpected end", "the text ends inside a quoted value"),
    ("document separator", "the text ends inside a quoted value"),
    ("unknown escape", "an escape that does not exist; in '…' a backslash is itself"),
    ("duplicate anchor", "an anchor is defined twice"),
    ("undefined alias", "an alias that stands for nothing above it"),
    ("document start", "something follows the end of the document"),
    ("node content", "a value is missing here"),
)


def _said(error: yaml.MarkedYAMLError) -> str:
    """The parser's complaint in the language's own words (both of PyYAML's parsers; the pure one and the C one)."""
    theirs = f"{error.context or ''} {error.problem or ''}"
    return next((ours for part, ours in _SAID if part in theirs), "this cannot be read as YAML")


_ESCAPE = re.compile(r"\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)", re.DOTALL)
_CONTINUED = re.compile(r"\\\r?\n[ \t]*")


def _place_in(scalar: Scalar, offset: int) -> Place:
    """Walk text and source side by side: what is not blank stands in both in the same order."""
    if not scalar.source or not offset:
        start = scalar.span[0] + (1 if scalar.style in ("'", '"') and scalar.style else 0)
        if scalar.style in ("|", ">"):
            start = _content(scalar)
        return place_of(scalar.source, scalar.place.file, start) if scalar.source else scalar.place
    return place_of(scalar.source, scalar.place.file, _aligned(scalar, offset))


def _content(scalar: Scalar) -> int:
    """Where the text of a block scalar begins: behind the header line and the indentation."""
    at = scalar.source.find("\n", scalar.span[0]) + 1
    while at < scalar.span[1] and scalar.source[at].isspace():
        at += 1
    return at


def _aligned(scalar: Scalar, offset: int) -> int:
    source, text, end = scalar.source, scalar.text, scalar.span[1]
    at = _content(scalar) if scalar.style in ("|", ">") else scalar.span[0] + (1 if scalar.style else 0)
    for character in text[:offset]:
        at = _step(scalar.style, source, at, end, character)
    if scalar.style == '"' and (joined := _CONTINUED.match(source, at)) is not None:
        at = joined.end()
    while at < end and text[offset : offset + 1].strip() and source[at].isspace():
        at += 1
    return min(at, end)


def _step(style: str, source: str, at: int, end: int, character: str) -> int:
    """The position in the source behind one character of the value."""
    while style == '"' and (joined := _CONTINUED.match(source, at)) is not None:
        at = joined.end()
    escape = _ESCAPE.match(source, at) if style == '"' and source[at : at + 1] == "\\" else None
    if escape is not None:
        return escape.end()
    if character.isspace():
        return at + 1 if source[at : at + 1].isspace() else at
    while at < end and source[at].isspace():
        at += 1
    return at + (2 if style == "'" and source[at : at + 2] == "''" else 1)
