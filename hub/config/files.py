"""Reads the file and what it includes, and merges them by top-level key. Nothing overrides silently."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from .problems import Place, quoted
from .settings import Reading, TooManyError
from .yaml import MAX_BYTES, ListNode, MapNode, Node, Scalar, parse, place_of

MAX_FILES = 64
MAX_INCLUDES_DEEP = 4


@dataclass(slots=True)
class Files:
    """What was read: the merged top level, the text of each file by the name it is shown under, and a digest of all."""

    top: dict[str, tuple[Scalar, Node]] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    digest: str = ""
    broken: bool = False
    """True: a file could not be read, so what it holds is not known to be absent."""


def read_files(path: Path, reading: Reading, files: Files) -> None:
    """Read `path` and its includes into `files`. Mistakes go to `reading`; a file that cannot be read stops only
    itself."""
    walk = _Walk(path, reading, files)
    walk.read(path, path.name, Place(path.name), ())
    files.digest = walk.hash.hexdigest()


class _Walk:
    def __init__(self, path: Path, reading: Reading, files: Files) -> None:
        self.folder = path.parent.resolve()
        self.reading = reading
        self.files = files
        self.hash = hashlib.sha256()
        self.seen: set[Path] = set()

    def read(self, path: Path, name: str, asked: Place, above: tuple[Path, ...]) -> None:
        real = path.resolve()
        if real in self.seen:
            return
        self.seen.add(real)
        if len(self.seen) > MAX_FILES:
            self.reading.report(asked, "yaml-size", f"more than {MAX_FILES} files")
            return
        text = self._text(path, name, asked)
        if text is None:
            self.files.broken = True
            return
        self.files.sources[name] = text
        root, problems = parse(text, name)
        for each in problems:
            self.reading.add(each)
        if root is None:
            self.files.broken = self.files.broken or bool(problems)
            return
        if isinstance(root, MapNode):
            self._merge(root)
            self._include(root.get("include"), path, (*above, real))
        elif not (isinstance(root, Scalar) and root.empty):
            self.reading.report(root, "bad-value", "a file holds settings such as 'flows:' and 'connections:'")

    def _text(self, path: Path, name: str, asked: Place) -> str | None:
        try:
            with path.open("rb") as file:
                content = _limited(file)
        except OSError as error:
            self.reading.report(
                asked, "include-missing", f"{quoted(name)} cannot be read: {error.strerror or 'no file'}"
            )
            return None
        if len(content) > MAX_BYTES:
            self.reading.report(Place(name), "yaml-size", f"the file is larger than {MAX_BYTES // 1_000_000} MB")
            return None
        shown = "" if len(self.seen) == 1 else name  # what the first one is called is no part of what they say
        self.hash.update(shown.encode() + b"\0" + content + b"\0")
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            place = place_of(content[: error.start].decode("utf-8", "replace"), name, error.start)
            self.reading.report(place, "yaml-encoding", "the file is not UTF-8")
            return None

    def _merge(self, root: MapNode) -> None:
        for key, value in root:
            if key.text == "include":
                continue
            there = self.files.top.get(key.text)
            if there is None or there[0].place.file == key.place.file:
                self.files.top.setdefault(key.text, (key, value))
            elif key.text != "version":
                self.files.top[key.text] = (there[0], self._merged(key, there[1], value))

    def _merged(self, key: Scalar, first: Node, second: Node) -> Node:
        if isinstance(first, MapNode) and isinstance(second, MapNode):
            kept = {name.text: (name, value) for name, value in first}
            for name, value in second:
                if name.text in kept:
                    where = kept[name.text][0].place
                    text = f"'{name.text}' in '{key.text}' is also defined in {where.file}:{where.line}:{where.column}"
                    self.reading.report(name, "duplicate-name", text)
                else:
                    kept[name.text] = (name, value)
            return MapNode(tuple(kept.values()), first.place)
        if isinstance(first, ListNode) and isinstance(second, ListNode):
            return ListNode(first.items + second.items, first.place)
        self.reading.report(key, "duplicate-name", f"'{key.text}' is also defined in {first.place}")
        return first

    def _include(self, node: Node | None, path: Path, above: tuple[Path, ...]) -> None:
        if node is None:
            return
        patterns = node.items if isinstance(node, ListNode) else (node,)
        for pattern in patterns:
            if not isinstance(pattern, Scalar):
                self.reading.report(pattern, "bad-value", "'include' is a path or a list of paths")
                continue
            for found in self._matches(pattern, path.parent):
                self._follow(found, pattern, above)

    def _follow(self, found: Path, pattern: Scalar, above: tuple[Path, ...]) -> None:
        real = found.resolve()
        if not real.is_relative_to(self.folder):
            self.reading.report(pattern, "include-outside", f"{quoted(pattern.text)} leaves the folder of the file")
        elif real in above:
            self.reading.report(pattern, "include-loop", f"{quoted(found.name)} includes itself")
        elif len(above) > MAX_INCLUDES_DEEP:
            self.reading.report(pattern, "include-loop", f"includes go at most {MAX_INCLUDES_DEEP} deep")
        else:
            self.read(found, real.relative_to(self.folder).as_posix(), pattern.place, above)

    def _matches(self, pattern: Scalar, folder: Path) -> Iterator[Path]:
        text = pattern.text
        if not text or text.startswith(("/", "~")) or "\\" in text or ".." in text.split("/") or ":" in text:
            self.reading.report(
                pattern, "include-outside", f"{quoted(text)} is not a path inside the folder of the file"
            )
            return
        try:
            found = sorted(folder.glob(text))[: MAX_FILES + 1] if "**" not in text else []
        except (ValueError, OSError, NotImplementedError):
            found = []
        if not found:
            self.reading.report(pattern, "include-missing", f"there is no file {quoted(text)}")
        yield from found


def peek(path: Path) -> Files:
    """A file and its includes, whatever is wrong in them: for what must be known before they are checked."""
    files = Files()
    with suppress(TooManyError):
        read_files(path, Reading(), files)
    return files


def shops_of(files: Files) -> dict[str, str]:
    """Shop → the voice it names, or an empty text."""
    top = {key: node for key, (_, node) in files.top.items()}
    several = top.get("shops")
    shops = [(key.text, node) for key, node in several] if isinstance(several, MapNode) else [("shop", top.get("shop"))]
    voices = ((key, node.get("voice") if isinstance(node, MapNode) else None) for key, node in shops)
    return {key: voice.text if isinstance(voice, Scalar) else "" for key, voice in voices}


def _limited(file: BinaryIO) -> bytes:
    return file.read(MAX_BYTES + 1)


def masked(sources: Mapping[str, str], literals: list[Scalar]) -> dict[str, str]:
    """The texts of the files with the secrets that stand in them made unreadable, every character in its place."""
    texts = dict(sources)
    for node in literals:
        text = texts.get(node.place.file)
        if text is not None:
            start, end = node.span
            hidden = "".join(each if each in "\r\n\"' " else "•" for each in text[start:end])
            texts[node.place.file] = text[:start] + hidden + text[end:]
    return texts
