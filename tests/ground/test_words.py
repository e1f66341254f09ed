"""What stands in no file of the project."""

import re
from pathlib import Path

from .repository import texts

UNDONE = re.compile(r"\b(TODO|FIXME|NotImplementedError)\b|(?:#|//)\s*XXX\b|pragma: no cover")
BASES = {Path("hub/plugin/_adapters.py"), Path("hub/plugin/_targets.py"), Path("hub/testing/_kit.py")}
CATCHING = re.compile(r"except (\(.*)?NotImplementedError")

# Of a machine: its home folders and where the project happened to lie. `/tmp` and `/usr/lib` are everybody's.
MACHINE = re.compile(r"(?<![\w.:/-])(/root/|/home/\w+/|/Users/\w+/|/work/|/opt/|[A-Z]:\\\\?Users)")
HERE = {Path("tests/ground/test_words.py")}


def test_nothing_is_left_undone() -> None:
    """Only the abstract bases of the door say that somebody else must write a method."""
    for path, text in texts():
        if path in BASES | HERE:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if UNDONE.search(line) and not CATCHING.search(line):
                assert not UNDONE.search(line), f"{path}:{number}: {line.strip()}"


def test_no_file_knows_the_machine_that_it_was_written_on() -> None:
    for path, text in texts():
        if path not in HERE:
            found = MACHINE.search(text)
            assert found is None, f"{path} names {found.group() if found else ''}"


def test_no_error_is_swallowed() -> None:
    for path, text in texts():
        if path.suffix == ".py" and path.parts[0] in ("hub", "plugins"):
            found = re.search(r"except[^\n]*:\s*\n\s*pass\b", text)
            assert found is None, f"{path}: an error is caught and nobody told: {found.group() if found else ''}"
