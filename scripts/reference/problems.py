"""Each kind of mistake that `hub flows check` tells: what it means, a file with it, what is printed, what to do."""

from hub.config.mending import MENDING
from hub.config.problems import CODES, Level
from tests.wrong.corpus import Wrong, wrong_files

from . import tables

HOW = """\
`hub flows check` prints a mistake as `file:line:column: what was found, expected and meant  [code]`, then the line with
a caret under the character, everything at once and in the order of the file. `hub flows check --explain CODE` says in
the terminal what stands here. An error refuses the file; a warning does not, unless `--strict` is given; a note is a
remark.

With `--json` it prints one document: `right` (whether the file can be used) and `problems`, each with `file`, `line`,
`column` (both from 1), `severity` (`E`, `W`, `N`), `code`, `text` and `hint`. More keys may come; these stay.

What the whole set of flows says is asked by walking it: each trigger that the connections can produce, with every
combination of the statuses its conditions read, and each branch. A condition on other data (amounts, tags, texts) may
hold or not; where a warning depends on one, it says `sampled`.

The examples stand on this file, [shop.yaml](../../tests/wrong/files/shop.yaml), in which everything is right; there are
{count} of them in [tests/wrong/files](../../tests/wrong/files)."""
MOST = 2
"""So many of the files beside an example are shown."""
WEIGHT = {Level.ERROR: "error", Level.WARNING: "warning", Level.NOTE: "note"}


def page() -> str:
    shown = list(wrong_files())
    examples = {each.code: each for each in reversed(shown)}
    rows = ((f"[`{code}`](#{code})", WEIGHT[kind.level], kind.means) for code, kind in CODES.items())
    index = tables.table(("code", "", "meaning"), rows)
    parts = (_code(code, examples.get(code)) for code in CODES)
    return tables.page("Mistakes", HOW.format(count=len(shown)), index, *parts)


def _code(code: str, example: Wrong | None) -> str:
    kind = CODES[code]
    told = f"## {code}\n\n{WEIGHT[kind.level].capitalize()}. {kind.means}\n\n{MENDING[code]}\n"
    if example is None:  # it does not come of reading a file
        return told
    files = [_file("flows.yaml", "yaml", example.path.read_text("utf-8"))]
    folder = example.path.with_suffix(".files")
    files += [_file(str(each.relative_to(folder)), "text", each.read_text("utf-8")) for each in example.beside[:MOST]]
    if len(example.beside) > MOST:
        files.append(f"and {len(example.beside) - MOST} more files like these\n")
    said = example.snapshot.read_text("utf-8")
    return f"{told}\n" + "\n".join(files) + f"\nprints\n\n```text\n{_short(said)}```"


def _file(name: str, kind: str, text: str) -> str:
    own = f"In `{name}`:\n\n" if name != "flows.yaml" else ""
    return f"{own}```{'text' if kind == 'yaml' else kind}\n{_short(text)}```\n"


def _short(text: str) -> str:
    """Lines as wide as a page."""
    return "".join(line if len(line) < 200 else f"{line[:200]}…\n" for line in text.splitlines(keepends=True))
