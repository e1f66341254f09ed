"""What was skipped is told; where everything is required, it is a failure."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .repository import ROOT

CASE = """
import pytest

def test_that_runs(): pass

@pytest.mark.parametrize("number", [1, 2])
def test_that_needs_something(number): pytest.skip("there is no flying carpet here")

@pytest.mark.xfail
def test_that_is_expected_to_fail(): assert False
"""


def outcome(folder: Path, case: str, *, require: bool, more: tuple[str, ...] = ()) -> tuple[int, str]:
    (folder / "test_case.py").write_text(case)
    command = [sys.executable, "-m", "pytest", "-p", "tests.skips", "-p", "no:cacheprovider", *more, "test_case.py"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HUB_REQUIRE_ALL": "1" if require else ""}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def test_a_skip_is_told_in_one_line(tmp_path: Path) -> None:
    status, told = outcome(tmp_path, CASE, require=False)
    assert status == 0
    assert told.count("skipped 2: there is no flying carpet here") == 1


@pytest.mark.parametrize("more", [(), ("-n", "2")])
def test_where_everything_is_required_a_skip_is_a_failure(tmp_path: Path, more: tuple[str, ...]) -> None:
    status, told = outcome(tmp_path, CASE, require=True, more=more)
    assert status == 1
    assert "skipped 2: there is no flying carpet here (HUB_REQUIRE_ALL=1: this is a failure)" in told


def test_a_module_that_skips_itself_counts(tmp_path: Path) -> None:
    case = 'import pytest\npytest.skip("not on this moon", allow_module_level=True)\n\ndef test_it(): pass\n'
    assert outcome(tmp_path, case, require=True)[0] != 0


def test_where_everything_is_required_and_there_nothing_fails(tmp_path: Path) -> None:
    assert outcome(tmp_path, "def test_it(): pass\n", require=True)[0] == 0
