"""A mistake in a configuration as data, the table of all kinds of mistakes, and how a mistake is shown."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from enum import StrEnum


class Level(StrEnum):
    """How much a problem weighs: an error refuses the file, a warning does not, a note is a remark."""

    ERROR = "E"
    WARNING = "W"
    NOTE = "N"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A character of a file; line and column count from 1. `file` is as the person would name it."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake. `text` is what was found, expected and meant; `hint` stands behind the caret; `snippet` is the line
    itself (secrets masked), empty when the file could not be read."""

    place: Place
    code: str
    text: str
    hint: str = ""
    snippet: str = ""
    level: Level | None = None
    """Where it weighs otherwise than its code usually does."""

    @property
    def file(self) -> str:
        return self.place.file

    @property
    def line(self) -> int:
        return self.place.line

    @property
    def column(self) -> int:
        return self.place.column

    @property
    def severity(self) -> Level:
        return self.level or CODES[self.code].level

    def __str__(self) -> str:
        return f"{self.place}: {_WORDS[self.severity]}{self.text}  [{self.code}]"


_WORDS = {Level.ERROR: "", Level.WARNING: "warning: ", Level.NOTE: "note: "}


@dataclass(frozen=True, slots=True)
class Code:
    """A kind of mistake: how much it weighs, and what it means, in one line."""

    level: Level
    means: str


def _codes(level: Level, table: Mapping[str, str]) -> dict[str, Code]:
    return {name: Code(level, means) for name, means in table.items()}


CODES: Mapping[str, Code] = {
    **_codes(
        Level.ERROR,
        {
            "yaml-syntax": "The file cannot be read as YAML.",
            "yaml-encoding": "The file is not UTF-8, or holds a character that text cannot hold.",
            "yaml-tag": "A tag (`!tag`) is used; the language has none.",
            "yaml-merge": "A merge (`<<`) is used; write the settings out.",
            "yaml-aliases": "More than 50 aliases, or an alias that contains itself or is not defined.",
            "yaml-depth": "Something is nested deeper than 32 levels.",
            "yaml-size": "A file is larger than 1 MB, there are more than 64 files, or too many values.",
            "yaml-quote": "A value begins with a quote, `!` or `{{`, or holds a comma or a reference inside `{…}`: "
            "quote the whole value.",
            "duplicate-key": "One map holds a key twice.",
            "duplicate-name": "Two files define the same name; nothing overrides silently.",
            "include-missing": "An included file is not there.",
            "include-outside": "An include leaves the folder of the file that asks for it.",
            "include-loop": "Files include each other, or deeper than four levels.",
            "unknown-setting": "A setting that does not exist here.",
            "missing-setting": "A setting that must be given is absent.",
            "conflicting-settings": "Settings that exclude each other.",
            "bad-value": "A value of the wrong kind.",
            "bad-name": "A name is `a-z`, digits and `-`, begins with a letter, and has at most 63 characters.",
            "bad-length": "Not a length of time; write it like 30s, 10m, 3h, 2d, 1w or 1d12h.",
            "bad-share": "Not a share of customers; write it like 5%, from 1% to 99%.",
            "bad-time": "Not a time of day, or not opening hours.",
            "bad-zone": "No such time zone.",
            "bad-cron": "Not a cron line of five fields, as in `0 8 * * MON`, or one that never comes.",
            "bad-locale": "No such language.",
            "not-yet": "A word of the language that this version does not support.",
            "secret-missing": "A secret that is referred to is not set, or its file cannot be read.",
            "secret-place": "A reference to a secret outside `connections` and `people`.",
            "unknown-plugin": "No plugin of that kind has this name.",
            "broken-plugin": "The plugin is there and cannot be used.",
            "unknown-connection": "There is no connection of this name.",
            "wrong-connection": "The connection is of another kind than is asked for here, or its platform cannot do "
            "what a step asks.",
            "unknown-trigger": "No such trigger.",
            "unknown-status": "No such status on this axis.",
            "unknown-step": "No such step.",
            "unknown-list": "There is no list of steps of this name.",
            "unknown-template": "No text has this name.",
            "unknown-staff": "Neither a staff group nor a person has this name.",
            "unknown-survey": "There is no survey of this name.",
            "unknown-shop": "There is no shop of this name.",
            "unknown-flow": "There is no flow of this name.",
            "unknown-route": "There is no route of this name.",
            "step-shape": "A step is a map with exactly one word.",
            "step-needs-id": "Two steps of a flow would share a key; give one of them an `id`.",
            "list-recursion": "A list of steps leads back to itself.",
            "list-depth": "Lists of steps stand inside each other more than four deep.",
            "bad-parameter": "A list of steps takes no such parameter, or lacks one, or its value is of another type.",
            "coupon-uncapped": "A `coupon` without `at_most`: nothing would bound what it costs.",
            "cel-syntax": "The expression cannot be read.",
            "cel-name": "No such name in an expression.",
            "cel-field": "No such field in an expression.",
            "cel-type": "Values of these types cannot be combined so.",
            "cel-function": "No such function.",
            "cel-constant": 'A constant that cannot be what it stands for, such as `duration("3d")`, or a word that '
            "its field never holds.",
            "cel-limit": "The expression is too long, too deep, or loops too much.",
            "not-a-condition": "The expression is right, and is not a condition (true or false).",
            "not-a-time": "The expression is right, and is not a moment in time.",
            "not-offered": "A name that this trigger, or one of the list, does not offer, stands here or in a text; or "
            "a message to a customer where there is none.",
            "gather-not-shipment": "`gather` is for flows of parcels only.",
            "jinja-syntax": "The text cannot be read as a template.",
            "jinja-name": "No such name or filter in a text.",
            "jinja-unsafe": "A construct that texts may not use.",
            "jinja-limit": "The text is too long or too deep.",
            "urgent-marketing": "Marketing is never urgent.",
            "test-failed": "Something else came of a test than was agreed (`hub flows test`).",
            "policy-broken": "A policy cannot hold with these flows; the path that breaks it is named.",
            "holdout-required": "`holdout` stands at a flow that nobody may be left out of: it escalates, is urgent, "
            "or a policy counts on it.",
        },
    ),
    **_codes(
        Level.WARNING,
        {
            "secret-literal": "A secret stands in the file; write a reference such as `${NAME}`.",
            "maybe-missing": "`until`, `before` or a text reads what may be absent, and nothing above asked for it.",
            "clock-in-when": "A condition reads `now` in a flow that waits: time alone may turn it false.",
            "never-fires": "No connection can produce this trigger, or the flow can never start.",
            "never-reached": "A branch or step that nothing leads to.",
            "unused-parameter": "A parameter that nothing in its list of steps uses.",
            "ends-silent": "An order may end, or stay, and no flow says so to anybody.",
            "waits-too-long": "A wait is longer than a pickup point keeps a parcel.",
            "waits-past-stop": "A wait that is always ended by `stop_on`, or by the deadline, first.",
            "quiet-past-deadline": "Quiet hours may last until the message is pointless.",
            "receipt-past-deadline": "The channels cannot all be tried before the message is pointless.",
            "loop-risk": "What a `write_back` writes may come back and set off its own flow.",
            "said-twice": "Two flows tell one person the same news.",
            "dead-channel": "A route or list holds a channel that can reach nobody.",
            "no-text": "The text is missing in a language of a shop.",
            "no-form": "The text is missing in a form that a channel needs.",
        },
    ),
    **_codes(
        Level.NOTE,
        {
            "not-told": "A status that no flow tells and that is not listed in `silent`.",
            "policy-sampled": "Whether a policy holds depends on more than triggers, steps and waits.",
            "sms-segments": "A few characters make the SMS dear: outside GSM-7 a part holds 70 characters, not 160.",
            "unused-text": "A text of your own that no flow uses; perhaps its file has a misspelt name.",
        },
    ),
}
"""Every kind of mistake there is; the reference page is written from this table."""


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """The choice that was probably meant."""
    names = [str(choice) for choice in choices]
    folded = {name.casefold(): name for name in reversed(names)}
    close = get_close_matches(word.casefold(), list(folded), n=1, cutoff=0.6)
    return folded[close[0]] if close else None


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """The end of a sentence about a wrong word: "; did you mean 'notify'?", or nothing when none is near."""
    found = nearest(word, choices)
    return f"; did you mean '{found}'?" if found else ""


SHORT, LONG = 100, 400
"""So many characters of words still fit into the one line of a mistake: with the word that is meant, and without."""


def instead(word: str, choices: Iterable[str], family: str = "", also: Iterable[str] = ()) -> str:
    """The end of a sentence about a word that is not in a closed list: what is expected, and what was probably meant.
    A list too long for one line is called by its `family` ("a time zone such as Europe/Kyiv"). `also` are words that
    may be meant and are not offered."""
    names = [str(choice) for choice in choices]
    meant, whole = did_you_mean(word, (*names, *also)), listed(names, 60)
    named = family and len(whole) > (SHORT if meant else LONG)
    return f"; expected: {family}{meant}" if named else f"; there are: {whole or 'none'}{meant}"


def listed(words: Iterable[str], most: int = 24) -> str:
    """Words one after the other, cut when there are too many."""
    names = list(words)
    return ", ".join(names[:most]) + (", …" if len(names) > most else "")


def quoted(text: str, most: int = 60) -> str:
    """A person's own text inside a sentence: on one line, printable, not too long."""
    return f"'{on_one_line(text, most)}'"


def on_one_line(text: str, most: int) -> str:
    """A sentence that may hold a person's own text: printable, on one line, not endless."""
    line = text if text.isprintable() else "".join(each if each.isprintable() else " " for each in text)
    return line if len(line) <= most else line[:most] + "…"


def in_order(problems: Iterable[Problem], sources: Mapping[str, str]) -> tuple[Problem, ...]:
    """Sorted by file (the first file first), line and column, each once, fit to be shown, with the line itself."""
    files = {name: rank for rank, name in enumerate(sources)}
    unique = dict.fromkeys(problems)
    ranked = sorted(unique, key=lambda each: (files.get(each.file, len(files)), each.place, each.code))
    lines = {name: lines_of(text) for name, text in sources.items()}
    return tuple(
        replace(
            each,
            text=on_one_line(each.text, 500),
            hint=on_one_line(each.hint, 500),
            snippet=_line(lines.get(each.file, []), each.line),
        )
        for each in ranked
    )


_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


def lines_of(text: str) -> list[str]:
    """The lines of a file as YAML counts them."""
    return _BREAK.split(text)


def _line(lines: list[str], number: int) -> str:
    return lines[number - 1] if 0 < number <= len(lines) else ""


MAX_PROBLEMS = 1000
"""A file with so many problems is not read any further."""

WIDTH = 160
"""A line longer than this is shown in part."""


def render_problems(problems: Iterable[Problem], sources: Mapping[str, str] | None = None) -> str:
    """All problems as a person reads them: the place and the sentence, then the line and a caret under the character.

    `sources` (file → text) is asked for lines that a problem does not bring along.
    """
    lines = {name: lines_of(text) for name, text in (sources or {}).items()}
    return "".join(_rendered(each, each.snippet or _line(lines.get(each.file, []), each.line)) for each in problems)


def _rendered(problem: Problem, line: str) -> str:
    if not line.strip():
        hint = f"  {problem.hint}\n" if problem.hint else ""
        return f"{problem}\n{hint}"
    shown, column = _window(line, problem.column)
    number = str(problem.line)
    gap = "".join("\t" if each == "\t" else " " for each in shown[: column - 1]).ljust(column - 1)
    hint = f" {problem.hint}" if problem.hint else ""
    return f"{problem}\n{number} | {_printable(shown)}\n{' ' * len(number)} | {gap}^{hint}\n"


def _window(line: str, column: int) -> tuple[str, int]:
    """The part of a long line around a column, and the column in it."""
    if len(line) <= WIDTH:
        return line.rstrip(), column
    start = max(0, column - 1 - WIDTH // 2)
    head = "…" if start else ""
    tail = "…" if start + WIDTH < len(line) else ""
    return head + line[start : start + WIDTH] + tail, column - start + len(head)


def _printable(line: str) -> str:
    return "".join(each if each.isprintable() or each == "\t" else "\N{REPLACEMENT CHARACTER}" for each in line)


def counted(problems: Iterable[Problem]) -> str:
    """`2 mistakes, 1 warning`, for the line under a list of problems."""
    levels = [each.severity for each in problems]
    words = ((Level.ERROR, "mistake"), (Level.WARNING, "warning"), (Level.NOTE, "note"))
    counts = [(levels.count(level), word) for level, word in words]
    return ", ".join(f"{n} {word}{'' if n == 1 else 's'}" for n, word in counts if n) or "no mistakes"
