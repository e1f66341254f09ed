"""The reference of flows.yaml as text, written from what the code runs on: shapes, steps, names, functions, problems.

`python -m hub.flows.reference > docs/reference/flows.md`
"""

from collections.abc import Iterable, Iterator

from pydantic.fields import FieldInfo

from hub.config.kinds import annotation_of, expected, key_of
from hub.config.problems import CODES, Level
from hub.config.sections import SECTIONS, TOP
from hub.config.settings import Shape
from hub.status import Axis

from .builtin import STEPS
from .cases import SHAPES as CASES
from .cel_functions import FUNCTIONS
from .compile import FlowShape
from .read_policies import OF_A_MESSAGE, SHAPES
from .types import (
    GIVEN,
    IN_LISTS,
    IN_SAVE,
    IN_STEPS,
    LATER_NAMES,
    NAMES,
    NEWS,
    RECORDS,
    TRIGGERS,
    Field,
    axis_of_word,
    offers_of,
)
from .words import MAPS

HEAD = """\
# flows.yaml: reference

Written from what the code runs on (`python -m hub.flows.reference`); do not edit.

A LENGTH is `30s` `10m` `3h` `2d` `1w`, joined: `1d12h`. `s m h` are exact; `d w` are calendar days: the same local
time, so a day over a change of the clock has 23 or 25 hours. Under a text key a value is what was typed: `NO`, `01234`,
`21:00` are texts. A secret is `${NAME}` or `${file:/path}`, the whole value, in `connections` and `people`.
"""


def reference() -> str:
    """docs/reference/flows.md. The same text every time."""
    flows = (*_flow(), *_steps(), *_policies(), *_triggers(), *_names(), *_functions())
    parts = (HEAD, *_top(), *_sections(), *flows, *_tests(), *_problems())
    return "\n".join(part.rstrip() + "\n" for part in parts)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    cells = [list(head), *map(list, rows)]
    lines = ["| " + " | ".join(each.replace("|", "\\|") for each in row) + " |" for row in cells]
    rule = "| " + " | ".join("---" for _ in cells[0]) + " |"
    return "\n".join([lines[0], rule, *lines[1:]])


def _top() -> Iterator[str]:
    yield "## The file"
    yield _table(("key", "holds"), ((f"`{key}`", means) for key, means in TOP.items()))


def _sections() -> Iterator[str]:
    for title, shape in SECTIONS:
        yield f"## `{title}`" if title == title.strip() else title
        yield _keys(shape)
        if shape.later:
            yield _later(shape.later)


def _keys(shape: type[Shape]) -> str:
    rows = (_key(key_of(name, info), info) for name, info in shape.model_fields.items())
    return _table(("key", "value", "default", "meaning"), rows)


def _key(key: str, info: FieldInfo) -> tuple[str, str, str, str]:
    words = info.title or expected(annotation_of(info))
    return f"`{key}`", words, _default(info), info.description or ""


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "required"
    value = info.default
    if value is None or value in ("", [], {}, ()) or isinstance(value, Shape):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{_written(value)}`"


def _written(value: object) -> str:
    seconds = getattr(value, "total_seconds", None)
    if seconds is None:
        return str(value)
    whole = int(seconds())
    unit, size = next((unit, size) for unit, size in (("h", 3600), ("m", 60), ("s", 1)) if whole % size == 0)
    return f"{whole // size}{unit}"


def _later(words: Iterable[str]) -> str:
    return "Not in this version: " + ", ".join(f"`{each}`" for each in sorted(words)) + "."


def _flow() -> Iterator[str]:
    yield "## A flow"
    yield _keys(FlowShape)


def _steps() -> Iterator[str]:
    yield "## Steps"
    for kind in STEPS.values():
        yield f"### `{kind.name}`"
        yield kind.summary
        yield f"```yaml\n- {kind.example}\n```"
        if kind.settings.model_fields:
            yield _keys(kind.settings)
        if kind.settings.later:
            yield _later(kind.settings.later)


def _policies() -> Iterator[str]:
    yield "## Policies"
    names = ", ".join(f"`{each}`" for each in sorted(OF_A_MESSAGE))
    yield f"The condition of `after` reads what its trigger offers; that of `never` reads {names}."
    for shape in SHAPES:
        yield f"### {(shape.__doc__ or '').strip()}"
        yield _keys(shape)


def _triggers() -> Iterator[str]:
    yield "## Triggers"
    rows = (
        (f"`{axis}.…`", " ".join(f"`{word.partition('.')[2]}`" for word in TRIGGERS if axis_of_word(word) is axis))
        for axis in Axis
    )
    yield _table(("axis", "statuses"), rows)
    yield "`order.delivered` comes when the last open parcel was handed over."
    yield _table(("trigger", "comes when", "about"), ((f"`{word}`", it.means, it.kind) for word, it in NEWS.items()))
    for shape in MAPS.values():
        yield f"### {(shape.__doc__ or '').strip()}"
        yield _keys(shape)


def _names() -> Iterator[str]:
    yield (
        "## Names\n\nWhat expressions and texts can read. A field with `?` may be absent: ask `has(…)`. "
        "A condition that reads what is absent does not hold."
    )
    always = frozenset.intersection(*(offers_of(word) for word in (*TRIGGERS, *NEWS)))
    rows = ((_written_name(each), each.written, _there(each, always)) for each in NAMES.values())
    yield _table(("name", "is", "there"), rows)
    yield _later(LATER_NAMES)
    for name, fields in ((name, fields) for name, fields in RECORDS.items() if fields):
        yield f"### `{name}`"
        yield _table(("field", "is", "meaning"), ((_written_name(each), each.written, each.means) for each in fields))


def _written_name(each: Field) -> str:
    return f"`{each.name}{'?' if each.maybe else ''}`"


def _there(each: Field, always: frozenset[str]) -> str:
    if each.name in always:
        return f"{each.means}; with every trigger"
    if each.name in IN_STEPS:
        return f"{each.means}; in later steps"
    if each.name == IN_LISTS:
        return f"{each.means}; in its steps"
    if each.name == IN_SAVE:
        return f"{each.means}; in its `save`"
    groups: dict[str, list[str]] = {}
    for word in (*TRIGGERS, *NEWS, *GIVEN):
        groups.setdefault(word.rpartition(".")[0], []).append(word)
    return f"{each.means}; with {', '.join(filter(None, (_of_group(each.name, *group) for group in groups.items())))}"


def _of_group(name: str, group: str, words: list[str]) -> str:
    """Which of a group's triggers offer a name, in few words."""
    has = [word for word in words if name in offers_of(word)]
    lacks = [f"`{word}`" for word in words if word not in has]
    if not lacks or len(lacks) < len(has):
        return (f"`{group}.…`" if len(words) > 1 else f"`{words[0]}`") + (f" but {', '.join(lacks)}" if lacks else "")
    return ", ".join(f"`{word}`" for word in has)


def _functions() -> Iterator[str]:
    yield "## Functions\n\nBeside CEL's own (`size has startsWith endsWith contains matches exists all filter map …`):"
    yield _table(
        ("function", "gives", "as in"), ((f"`{each.name}`", each.means, f"`{each.example}`") for each in FUNCTIONS)
    )


def _tests() -> Iterator[str]:
    for title, shape in CASES:
        yield f"## `{title}`" if shape is CASES[0][1] else f"### `{title}`"
        yield _keys(shape)


def _problems() -> Iterator[str]:
    yield (
        "## Mistakes\n\nE refuses the file, W does not, N is a remark. Shown as "
        "`file:line:column: what is wrong  [code]`, with the line and a caret."
    )
    levels = {Level.ERROR: "E", Level.WARNING: "W", Level.NOTE: "N"}
    rows = ((f"`{name}`", levels[code.level], code.means) for name, code in CODES.items())
    yield _table(("code", "", "means"), rows)


if __name__ == "__main__":
    print(reference(), end="")
