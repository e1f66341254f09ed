"""Good files that went wrong by chance: bytes, lines, words and whole pieces of the grammar. Whatever comes of it, the
file is read or refused, every refusal has its place, and it takes no more than a moment.

`python -m tests.wrong.mutants [COUNT] [SEED]` tries so many (20,000) and prints what became of them.
"""

import random
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from hub.config.load import Loaded
from hub.config.problems import CODES, Problem, lines_of, render_problems
from hub.flows.compile import compile_flow
from hub.flows.load import load_config
from hub.messages import Texts, check_text
from tests.config.test_own_file import ENV

from .corpus import plugins

ROOT = Path(__file__).parents[2]
SLOW = 10.0
"""Seconds of one processor that no file may take."""
TOKENS = re.compile(r"[\w.$-]+|\"[^\"\n]*\"|'[^'\n]*'|[^\s\w]|\n *")
PIECES = (
    *("{", "}", "[", "]", ":", ": ", "- ", "\n", "  ", "\t", "'", '"', "!", "&a ", "*a", "#", "|", ">", "<<: ", "? "),
    *("null", "true", "0", "-1", "9" * 400, "${NO}", "2d working", "order.", "{{ x }}", "{% if x %}", "\x00", "\u2028"),
    *(
        "on: ",
        "steps: ",
        "when: ",
        "- stop: x\n",
        "---\n",
        "!!python/name:os ",
        "shipment.",
        "has(",
        ")",
        " && ",
        " == ",
    ),
    *("exists(i, ", "'", "ї", "\ufeff", "\U0001f69a", "1e999", "0x1f", "~", "{}", "[]", "policies: {}\n"),
)


@dataclass(slots=True)
class Seen:
    """What became of the files."""

    tried: int = 0
    read: int = 0
    slowest: float = 0.0
    codes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def good_files() -> dict[str, str]:
    """The flows.yaml of the repository, cut into a file of moderate length around each group of its flows."""
    whole = (ROOT / "flows.yaml").read_text("utf-8")
    head, _, behind = whole.partition("\nflows:\n")
    flows = behind.partition("\npolicies:")[0]  # what must hold of all of them cannot hold of some
    starts = [found.start() for found in re.finditer(r"^  [a-z][a-z-]*:\s*(?:#.*)?$", flows, re.MULTILINE)]
    parts = [flows[start:end] for start, end in zip(starts, [*starts[1:], len(flows)], strict=True)]
    groups = ["".join(parts[at : at + 6]) for at in range(0, len(parts), 6)]
    return {f"flows.yaml ({number})": f"{head}\nflows:\n{group}" for number, group in enumerate(groups, 1)}


def _bytes(text: str, dice: random.Random) -> bytes:
    content = bytearray(text.encode())
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(content))
        match dice.randrange(4):
            case 0:
                content[at] = dice.randrange(256)
            case 1:
                content[at] ^= 1 << dice.randrange(8)
            case 2:
                del content[at : at + dice.randint(1, 20)]
            case _:
                content[at:at] = content[at : at + dice.randint(1, 40)]
    return bytes(content)


def _pieces(text: str, dice: random.Random) -> bytes:
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(text))
        text = text[:at] + dice.choice(PIECES) + text[at + dice.randrange(12) :]
    return text.encode()


def _lines(text: str, dice: random.Random) -> bytes:
    lines = text.splitlines(keepends=True)
    for _ in range(dice.randint(1, 4)):
        at, to = dice.randrange(len(lines)), dice.randrange(len(lines))
        match dice.randrange(5):
            case 0:
                lines[at] = ""
            case 1:
                lines.insert(to, lines[at])
            case 2:
                lines[at], lines[to] = lines[to], lines[at]
            case 3:
                lines[at] = "  " + lines[at]
            case _:
                lines[at] = lines[at].removeprefix("  ")
    return "".join(lines).encode()


def _tokens(text: str, dice: random.Random) -> bytes:
    """Tokens take each other's places: the shape stays nearly right, the meaning does not."""
    found = list(TOKENS.finditer(text))
    for _ in range(dice.randint(1, 3)):
        one, other = dice.choice(found), dice.choice(found)
        text = text[: one.start()] + other[0] + text[one.end() :]
    return text.encode()


def _swaps(text: str, dice: random.Random) -> bytes:
    """A value of one place stands in another, as people paste it."""
    values = re.findall(r"(?<=: )[^\n{}\[\],#]+", text)
    for _ in range(dice.randint(1, 3)):
        old, new = dice.choice(values), dice.choice(values)
        text = text.replace(old, new, 1)
    return text.encode()


KINDS: tuple[Callable[[str, random.Random], bytes], ...] = (_bytes, _pieces, _lines, _tokens, _swaps)


def mutants(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Name and content of so many files; the same seed gives the same."""
    goods = list(good_files().items())
    for number in range(count):
        dice = random.Random(f"{seed}/{number}")
        name, text = goods[number % len(goods)]
        kind = KINDS[number // len(goods) % len(KINDS)]
        yield f"{seed}/{number} {kind.__name__[1:]} of {name}", kind(text, dice)


def read(path: Path) -> Loaded:
    """As `hub flows check` reads it, with the shipped texts."""
    return load_config(path, plugins(), ENV, texts=_texts(), check_text=check_text)


def _texts() -> Texts:
    return Texts.load()[0]


def mistakes_of(loaded: Loaded, content: bytes) -> Iterator[str]:
    """What is wrong about an answer: a refusal without its place, no code, a flow that does not come back."""
    if (loaded.config is None) != bool(loaded.errors):
        yield "refused without a mistake, or not refused with one"
    if loaded.problems and not render_problems(loaded.problems, loaded.sources):
        yield "nothing is printed"
    yield from (f"{each}" for each in loaded.problems if not _placed(each, loaded, content))
    for flow in loaded.config.flows.values() if loaded.config else ():
        if compile_flow(flow.name, flow.source) != flow:
            yield f"flow '{flow.name}' does not come back from its source"


def _placed(problem: Problem, loaded: Loaded, content: bytes) -> bool:
    """Whether it points into the file; what is not UTF-8 has lines all the same."""
    lines = max(len(lines_of(loaded.sources.get(problem.file, ""))), content.count(b"\n") + 1)
    right = 1 <= problem.line <= lines + 1 and problem.column >= 1
    return right and problem.code in CODES and bool(problem.text) and "\n" not in problem.text


def run(count: int, seed: int) -> Seen:
    seen = Seen()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "flows.yaml"
        for name, content in mutants(count, seed):
            path.write_bytes(content)
            began = time.process_time()
            try:
                loaded = read(path)
                found = list(mistakes_of(loaded, content))
            except Exception as error:  # the one thing that must never come
                seen.wrong.append(f"{name}: {type(error).__name__}: {error}")
                continue
            took = time.process_time() - began
            seen.tried, seen.slowest = seen.tried + 1, max(seen.slowest, took)
            seen.read += loaded.config is not None
            seen.codes.update({each.code for each in loaded.problems})
            seen.wrong += [f"{name}: {each}" for each in found]
            if took > SLOW:
                seen.wrong.append(f"{name}: took {took:.1f} s")
    return seen


def main(count: int, seed: int) -> int:
    seen = run(count, seed)
    said = [f"{seen.tried:,} files (seed {seed}): {seen.read:,} read, {seen.tried - seen.read:,} refused"]
    said += [f"{len(seen.wrong)} wrong; slowest {seen.slowest:.2f} s; {len(seen.codes)} kinds of mistakes"]
    said += seen.wrong[:50]
    sys.stdout.write("\n".join(said) + "\n")
    return bool(seen.wrong)


if __name__ == "__main__":
    given = [int(each) for each in sys.argv[1:3]]
    sys.exit(main(*given, *(20_000, 1)[len(given) :]))
