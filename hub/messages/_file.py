"""One template file: a head of `key: value` lines (always in `.mail`, optional elsewhere), a blank line, the text."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from hub.config.problems import Place, Problem, did_you_mean, listed

from ._check import Allowed
from ._names import ROOTS, Fields, field_at, with_extra
from ._render import MAX_SOURCE, Compiled, PluginFilters, Source, compile_source

FORMS = ("mail", "chat", "sms", "text")
_TEXT_KEYS = ("subject", "headline", "badge", "preheader")
_LIST_KEYS = ("needs", "must_contain")
KEYS: Mapping[str, tuple[str, ...]] = {
    "mail": (*_TEXT_KEYS, "button", *_LIST_KEYS),
    "text": (*_TEXT_KEYS, "button", *_LIST_KEYS),
    "chat": ("button", *_LIST_KEYS),
    "sms": _LIST_KEYS,
}
_HEAD = re.compile(r"([a-z_]+):(?:[ \t]+(.*?))?[ \t]*")
FRAME = ("layout", "footer", "staff-footer")
"""Names that are parts of every mail, and no templates of their own."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the head: its value and where that begins."""

    value: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class ButtonText:
    """A button under a message: left out where its address is absent."""

    text: Compiled
    url: Compiled


@dataclass(frozen=True, slots=True)
class TextFile:
    """A template of one form in one language, compiled."""

    name: str
    form: str
    locale: str
    body: Compiled
    lines: Mapping[str, Compiled] = field(default_factory=dict)
    """`subject`, `headline`, `badge`, `preheader`, as far as given."""
    buttons: tuple[ButtonText, ...] = ()
    needs: tuple[str, ...] = ()
    html: Compiled | None = None
    """A body of its own in HTML (`NAME.html`), instead of the one made from the text."""

    @property
    def reads(self) -> frozenset[str]:
        parts = [
            self.body,
            *self.lines.values(),
            *(each for button in self.buttons for each in (button.text, button.url)),
        ]
        return frozenset().union(*(each.reads for each in parts))

    @property
    def always(self) -> frozenset[str]:
        """The fields without which it cannot be said."""
        subject = frozenset(self.lines["subject"].always) if "subject" in self.lines else frozenset()
        return frozenset(self.body.always) | subject | frozenset(self.needs)


@dataclass(frozen=True, slots=True)
class Reading:
    """How files are read: extra names of flows' `with`, and plugins' filters."""

    extra: frozenset[str] = frozenset()
    filters: PluginFilters = field(default_factory=dict)

    def allowed(self, locale: str, roots: Fields = ROOTS, *, links: bool = True) -> Allowed:
        return Allowed(with_extra(roots, self.extra), locale, links, frozenset(self.filters))


def read_text(path: Path, shown: str) -> tuple[str, tuple[Problem, ...]]:
    """A file's text, or why it has none."""
    try:
        raw = path.read_bytes() if path.stat().st_size <= MAX_SOURCE else None
    except OSError as error:
        return "", (Problem(Place(shown), "bad-value", f"cannot be read: {error.strerror or type(error).__name__}"),)
    if raw is None:
        return "", (Problem(Place(shown), "jinja-limit", f"a text has at most {MAX_SOURCE // 1024} KiB"),)
    try:
        return raw.decode("utf-8-sig").replace("\r\n", "\n"), ()
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        return "", (Problem(Place(shown, line), "yaml-encoding", "the file is not UTF-8"),)


def parse_file(
    text: str, shown: str, name: str, form: str, locale: str, reading: Reading
) -> tuple[TextFile | None, tuple[Problem, ...]]:
    """The compiled file, or None and its mistakes."""
    return _Parser(text, shown, name, form, locale, reading).file()


class _Parser:
    """Reads one file and collects its mistakes."""

    def __init__(self, text: str, shown: str, name: str, form: str, locale: str, reading: Reading) -> None:
        self.shown, self.name, self.form, self.locale, self.reading = shown, name, form, locale, reading
        self.allowed = reading.allowed(locale)
        self.problems: list[Problem] = []
        self.lines = text.split("\n")
        self.rows: list[tuple[str, Row]] = []
        self.start = self.head()

    def wrong(self, line: int, column: int, code: str, text: str) -> None:
        self.problems.append(Problem(Place(self.shown, line, column), code, text, snippet=self.lines[line - 1]))

    def head(self) -> int:
        """Reads the head; gives the index of the line where the text begins."""
        if (self.form != "mail" or self.name in FRAME) and not _HEAD.fullmatch(self.lines[0]):
            return 0
        for at, line in enumerate(self.lines):
            if not line.strip():
                return at + 1
            self.row(line, at + 1)
        return len(self.lines)

    def row(self, line: str, number: int) -> None:
        found = _HEAD.fullmatch(line)
        known = KEYS[self.form]
        if not found:
            meant = did_you_mean(line.partition(":")[0].strip().lower(), known) if ":" in line else ""
            said = f"a line of the head is 'key: value', keys in small letters; a blank line ends the head{meant}"
            self.wrong(number, 1, "bad-value", said)
        elif found[1] not in known:
            hint = did_you_mean(found[1], known) or f"; there are: {listed(known)}"
            self.wrong(number, 1, "unknown-setting", f"a text of this form has no '{found[1]}'{hint}")
        elif found[1] != "button" and any(key == found[1] for key, _ in self.rows):
            self.wrong(number, 1, "conflicting-settings", f"'{found[1]}' stands here twice")
        else:
            value = found[2] or ""
            self.rows.append((found[1], Row(value, number, len(line) - len(line.lstrip()) + found.start(2) + 1)))

    def file(self) -> tuple[TextFile | None, tuple[Problem, ...]]:
        body = self.compiled("\n".join(self.lines[self.start :]), self.start + 1, 1)
        lines = {key: self.compiled(row.value, row.line, row.column) for key, row in self.rows if key in _TEXT_KEYS}
        buttons = tuple(filter(None, (self.button(row) for key, row in self.rows if key == "button")))
        if self.form == "mail" and self.name not in FRAME and "subject" not in lines:
            self.wrong(1, 1, "missing-setting", "a mail begins with 'subject: …'")
        if not "".join(self.lines[self.start :]).strip():
            self.wrong(len(self.lines), 1, "missing-setting", "there is no text under the head")
        needs = tuple(self.listed("needs"))
        if body is None or self.problems:
            return None, tuple(self.problems)
        done = {key: each for key, each in lines.items() if each is not None}
        file = TextFile(self.name, self.form, self.locale, body, done, buttons, needs)
        self.contains(file)
        return (None, tuple(self.problems)) if self.problems else (file, ())

    def compiled(self, text: str, line: int, column: int) -> Compiled | None:
        found, problems = compile_source(Source(text, self.shown, line, column), self.allowed, self.reading.filters)
        self.problems.extend(replace(each, snippet=self.lines[each.line - 1]) for each in problems)
        return found

    def button(self, row: Row) -> ButtonText | None:
        words, bar, address = row.value.rpartition(" | ")
        if not bar or not words.strip() or not address.strip():
            self.wrong(row.line, row.column, "bad-value", "a button is 'words | address'")
            return None
        text = self.compiled(words, row.line, row.column)
        url = self.compiled(address, row.line, row.column + len(words) + len(bar))
        return ButtonText(text, url) if text and url else None

    def listed(self, key: str) -> Iterator[str]:
        """The entries of `[a, b]`; those of `needs` are fields."""
        for name, row in self.rows:
            if name != key:
                continue
            entries = _entries(row.value)
            if entries is None:
                self.wrong(row.line, row.column, "bad-value", f"'{key}' is a list: [shipment.tracking_url]")
                continue
            for entry in entries:
                if key == "needs" and field_at(self.allowed.roots, entry) is None:
                    self.wrong(row.line, row.column, "jinja-name", f"there is no field '{entry}'")
                yield entry

    def contains(self, file: TextFile) -> None:
        """Every field of `must_contain` is printed somewhere, every other entry stands in the text as it is."""
        printed = {each for part in (file.body, *file.lines.values()) for each in part.prints}
        printed |= {each for button in file.buttons for each in (button.text.prints | button.url.prints)}
        text = "\n".join(self.lines[self.start :])
        for entry in self.listed("must_contain"):
            field_known = "." in entry and field_at(self.allowed.roots, entry) is not None
            if entry not in (printed if field_known else text):
                row = next(row for key, row in self.rows if key == "must_contain")
                self.wrong(row.line, row.column, "missing-setting", f"the text must contain {entry}, and does not")


def _entries(value: str) -> list[str] | None:
    if not (value.startswith("[") and value.endswith("]")):
        return None
    return [each for each in (part.strip().strip("\"'") for part in value[1:-1].split(",")) if each]
