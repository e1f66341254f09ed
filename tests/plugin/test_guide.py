"""The plugin guide is what the code is. To write its included parts anew: `python -m tests.plugin.test_guide`."""

import inspect
import re
from pathlib import Path

import hub.plugin.sandbox
from hub.plugin import _hooks
from hub.plugin._failures import CONDITIONS, STATUSES

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "plugins.md"
INCLUDED = re.compile(r"<!-- (file|table): (\S+) -->\n(?:\n(?:```python\n.*?\n```\n|(?:\|[^\n]*\n)+))?", re.DOTALL)


def written() -> str:
    """The guide with its included parts as they should be."""
    return INCLUDED.sub(_part, GUIDE.read_text())


def _part(found: re.Match[str]) -> str:
    sort, name = found.groups()
    body = f"```python\n{(ROOT / name).read_text().rstrip()}\n```\n" if sort == "file" else _table()
    return f"<!-- {sort}: {name} -->\n\n{body}"


def _table() -> str:
    statuses: dict[str, list[str]] = {}
    for low, high, word in STATUSES:
        statuses.setdefault(word, []).append(str(low) if low == high else f"{low}–{high}")
    lines = ["| what happened | outcome | unsafe | whose fault | statuses |", "| --- | --- | --- | --- | --- |"]
    for word, row in CONDITIONS.items():
        kinds = row.kind.__name__.lower(), row.unsafe.__name__.lower()
        lines.append(f"| {row.text} | {kinds[0]} | {kinds[1]} | {row.whose} | {', '.join(statuses.get(word, []))} |")
    return "\n".join(lines) + "\n"


def test_the_guide_shows_the_code_that_tests_run() -> None:
    assert GUIDE.read_text() == written(), "run: python -m tests.plugin.test_guide"


def test_the_guide_names_every_hook_with_its_arguments() -> None:
    hooks = [each for name, each in vars(_hooks).items() if hasattr(each, "orderhub_spec")]
    assert len(hooks) == 6
    for each in hooks:
        call = f"| `{each.__name__}({', '.join(inspect.signature(each).parameters)})` |"
        assert call in GUIDE.read_text(), f"docs/plugins.md does not show {call}"
    assert [each for each in _hooks.LATER if f"`{each}` is refused by name" not in GUIDE.read_text()] == []


def test_the_guide_names_the_kit() -> None:
    for name in set(hub.plugin.sandbox.__all__) - {"ABORT", "When", "Delivery"}:
        assert f"`{name}" in GUIDE.read_text()


if __name__ == "__main__":
    GUIDE.write_text(written())
