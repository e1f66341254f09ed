"""The CEL library's complaints, rewritten: our code, our words, the character meant. Its own text is never shown."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from hub.config.problems import did_you_mean, listed, quoted

from .cel_functions import FUNCTIONS, UNTYPED
from .cel_functions import NAMES as FUNCTION_NAMES
from .types import IN_SAVE, IN_STEPS, LATER_NAMES, NAMES, RECORDS


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong with an expression, at which character of it."""

    code: str
    text: str
    offset: int
    hint: str = ""


_ERROR = re.compile(r"ERROR: <input>:(\d+):(\d+): (.*?)(?=\n \| |\n?ERROR: |$)", re.DOTALL)


def rewritten(error: str, text: str, names: frozenset[str]) -> tuple[Mistake, ...]:
    """All mistakes that the library names; of syntax errors only the first, since the rest follow from it."""
    found: list[Mistake] = []
    for line, column, said in _ERROR.findall(error):
        mistake = _one(said, _offset(text, int(line), int(column)), text, names)
        if mistake is not None:
            found.append(mistake)
        if mistake is not None and mistake.code == "cel-syntax":
            return (mistake,)
    return tuple(dict.fromkeys(found)) or (_unreadable(error),)


def _unreadable(error: str) -> Mistake:
    if "recursion" in error.lower() or "nesting" in error.lower() or "depth" in error.lower():
        return Mistake("cel-limit", "nested deeper than 32 levels", 0)
    return Mistake("cel-syntax", "this expression cannot be read", 0)


def _offset(text: str, line: int, column: int) -> int:
    lines = text.split("\n")
    before = sum(len(each) + 1 for each in lines[: line - 1])
    return min(before + column - 1, len(text))


def _one(said: str, at: int, text: str, names: frozenset[str]) -> Mistake | None:
    for pattern, rewrite in _REWRITES:
        found = pattern.match(said)
        if found is not None:
            return rewrite(found, at, text, names)
    return Mistake("cel-syntax", "this expression cannot be read here", at)


def _field(found: re.Match[str], at: int, text: str, names: frozenset[str]) -> Mistake:
    word, record = found[1], found[2].removeprefix("hub.")
    dotted = re.compile(rf"\.\s*({re.escape(word)})\b").search(text, at)
    known = [each.name for each in RECORDS.get(record, ())]
    said = f"'{record}' has no field {quoted(word)}{did_you_mean(word, known)}"
    return Mistake("cel-field", said, dotted.start(1) if dotted else at, f"fields of {record}: {listed(known)}")


def _reference(found: re.Match[str], at: int, text: str, names: frozenset[str]) -> Mistake:
    word = found[1]
    if text[at : at + 1] == "(" and re.search(r"\bhas\s*$", text[:at]) and word != "has":
        at = text.find(word, at)
    elif text[at : at + 1] == "(":
        return _function(word, at - len(word) if text[:at].endswith(word) else at, text)
    name = word.partition(".")[0].strip()
    start = text.rfind(name, 0, at + len(name)) if "." in word else at
    start = at if start < 0 else start
    if name in LATER_NAMES:
        return Mistake("not-yet", f"'{name}' is not supported in this version", start)
    if name in IN_STEPS:
        return Mistake("not-offered", only_behind(name), start)
    if name == IN_SAVE:
        said = f"there is no '{name}' here: it is there in 'save' of a call, whose values are saved.… behind it"
        return Mistake("not-offered", said, start)
    if name in NAMES:
        where = "this trigger, or not every trigger of the list, offers it"
        return Mistake(
            "not-offered", f"there is no '{name}' here: not {where}", start, f"offered: {listed(sorted(names))}"
        )
    if re.match(rf"{re.escape(name)}\s*\(", text[start:]):
        return _function(name, start, text)
    return Mistake(
        "cel-name",
        f"there is no name {quoted(name)}{_name_meant(name, names)}",
        start,
        f"names: {listed(sorted(names))}",
    )


def only_behind(name: str) -> str:
    """What is told of a name that is there behind a step only, and is used before it."""
    return f"there is no '{name}' here: it is there behind the step '{IN_STEPS[name]}' of the same run"


def _name_meant(name: str, names: frozenset[str]) -> str:
    owners = [record for record in sorted(names & set(RECORDS)) if any(each.name == name for each in RECORDS[record])]
    if name in ("yes", "no", "True", "False"):
        return f"; write {'true' if name in ('yes', 'True') else 'false'}"
    return f"; did you mean '{owners[0]}.{name}'?" if owners else did_you_mean(name, names) or _text_meant(name)


def _text_meant(name: str) -> str:
    return f'; a text is written with quotes: "{name}"' if name.isidentifier() else ""


def _function(word: str, at: int, text: str) -> Mistake:
    if word in UNTYPED:
        said = f"'{word}' is not part of this language: {UNTYPED[word]}"
        return Mistake("cel-function", said, at)
    ours = next((each for each in FUNCTIONS if each.name == word), None)
    if ours is None:
        said = f"there is no function {quoted(word)} here{did_you_mean(word, FUNCTION_NAMES)}"
        return Mistake("cel-function", said, at, f"functions: {listed(sorted(FUNCTION_NAMES), 60)}")
    hint = f"write it as {ours.example}"
    if text[:at].rstrip().endswith("."):
        return Mistake("cel-function", f"{word}(…) is not called behind a dot", at, hint)
    takes = ", ".join(_type_words(each) for each in ours.takes)
    return Mistake("cel-type", f"{word}(…) takes {takes}", at, hint)


_TYPES = {
    "double": "a number",
    "int": "a whole number",
    "uint": "a whole number",
    "string": "a text",
    "bool": "true or false",
    "bytes": "bytes",
    "google.protobuf.Timestamp": "a moment in time",
    "timestamp": "a moment in time",
    "google.protobuf.Duration": "a length of time",
    "duration": "a length of time",
    "null_type": "null",
    "dyn": "anything",
}


def _type_words(name: str) -> str:
    name = name.strip()
    if name.startswith("list("):
        return "a list"
    if name.startswith("map("):
        return "a map"
    return _TYPES.get(name) or _an(name.removeprefix("hub."))


def _an(record: str) -> str:
    return f"a record ({record})"


def _arguments(text: str) -> list[str]:
    """`double, list(int)` → both, whatever stands in brackets."""
    parts, depth = [""], 0
    for each in text:
        depth += (each == "(") - (each == ")")
        if each == "," and not depth:
            parts.append("")
        else:
            parts[-1] += each
    return [each.strip() for each in parts if each.strip()]


_UNSIGNED = re.compile(r"\b(?:0x[0-9a-fA-F]+|[0-9]+)[uU]\b")


def _overload(found: re.Match[str], at: int, text: str, names: frozenset[str]) -> Mistake | None:
    symbol, types = found[1], _arguments(found[2])
    if "*error*" in types:
        return None
    words = [_type_words(each) for each in types]
    if symbol in ("_==_", "_!=_") and set(types) == {"double", "int"}:
        return Mistake("cel-type", "an amount equals no whole number; use >= and <=, or write the number as 5.0", at)
    if "uint" in types:
        literal = _UNSIGNED.search(text)
        return Mistake("cel-type", "a number is written without a 'u'", literal.start() if literal else at)
    if "null_type" in types:
        return Mistake("cel-constant", "there is no null; what is not known is absent: ask has(…)", at)
    if symbol == "!_":
        return Mistake("cel-type", f"'!' turns a condition round, and this is {words[0]}", at)
    if symbol == "_?_:_":
        return Mistake("cel-type", f"both sides of '? :' must be of one kind, not {' and '.join(words[1:])}", at)
    if symbol == "@in":
        return Mistake("cel-type", f"'in' looks for {words[0]} in {words[1]}; that cannot be", at)
    if symbol.startswith("_") and len(words) == 2:
        return Mistake("cel-type", f"'{symbol.strip('_')}' cannot be used between {words[0]} and {words[1]}", at)
    return _call(symbol, words, at, text)


def _call(symbol: str, words: list[str], at: int, text: str) -> Mistake:
    start = at - len(symbol) if text[:at].endswith(symbol) else at
    ours = next((each for each in FUNCTIONS if each.name == symbol), None)
    if ours is None:
        return Mistake("cel-type", f"{quoted(symbol)} cannot be used with {' and '.join(words) or 'nothing'}", start)
    takes = ", ".join(_type_words(each) for each in ours.takes)
    given = ", ".join(words) or "nothing"
    return Mistake("cel-type", f"{symbol}(…) takes {takes}, not {given}", start, f"write it as {ours.example}")


def _syntax(found: re.Match[str], at: int, text: str, names: frozenset[str]) -> Mistake:
    return Mistake("cel-syntax", _syntax_words(found[1], at, text), at)


_WRITE = {"and": "&&", "or": "||", "not": "!", "=": "==", "<>": "!=", "is": "==", "if": "? :", "&": "&&", "|": "||"}

_UNITS = {"m": "minutes(30)", "h": "hours(3)", "d": "days(3)", "w": "days(7)"}


def _syntax_words(said: str, at: int, text: str) -> str:
    word = _word(said) or re.match(r"\w+|\S?", text[at:])[0]  # type: ignore[index]
    if word in _WRITE:
        return f"'{word}' is not CEL; write {_WRITE[word]}"
    if "<EOF>' expecting" in said or "missing ')' at '<EOF>'" in said or at >= len(text):
        return "the expression ends too early"
    if word[:1] in ("'", '"'):
        return "a text is not closed here, or holds an escape that does not exist"
    if "}}" in text[at:] or "{{" in text[: at + 2]:
        return "an expression stands without {{ and }}"
    unit = _UNITS.get(word) if re.search(r"\d$", text[:at]) else None
    if unit is not None:
        return f"{quoted(word)} does not belong here; a length of time is written {unit}"
    return f"{quoted(word)} does not belong here" if word else "this does not belong here"


def _word(said: str) -> str:
    found = re.search(r"(?:input|at:) '(.*?)'(?: expecting|$|\n)", said, re.DOTALL)
    return found[1].strip() if found and found[1] != "<EOF>" else ""


def _macro(found: re.Match[str], at: int, text: str, names: frozenset[str]) -> Mistake:
    if found[1] == "has" and re.match(r"waited\b", text[at:]):
        return Mistake("cel-syntax", "'waited' is always there after a wait, and empty when nothing came; ask it", at,
                       'waited != "", or waited == "payment.paid"')  # fmt: skip
    if found[1] == "has":
        return Mistake("cel-syntax", "has(…) asks for a field, as in has(order.note)", at)
    return Mistake(
        "cel-syntax", f"{found[1]}(…) takes a new name and a condition, as in items.{found[1]}(i, i.price > 5.0)", at
    )


def _literal(found: re.Match[str], at: int, text: str, names: frozenset[str]) -> Mistake:
    return Mistake("cel-constant", "a number that is too large or cannot be read", at)


Rewrite = Callable[[re.Match[str], int, str, frozenset[str]], Mistake | None]
_REWRITES: tuple[tuple[re.Pattern[str], Rewrite], ...] = (
    (re.compile(r"undefined field '(.*?)' not found in struct '(.*?)'"), _field),
    (re.compile(r"undeclared reference to '(.*?)' "), _reference),
    (re.compile(r"found no matching overload for '(.*?)' applied to '\((.*)\)'", re.DOTALL), _overload),
    (re.compile(r"Syntax error: (.*)", re.DOTALL), _syntax),
    (re.compile(r"(\w+)\(\) "), _macro),
    (re.compile(r"invalid \w+ literal"), _literal),
)
