"""The scripts: plain sh, runnable, and all of those that the pages name exist."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from hub.cli import cli

from .repository import ROOT, files

SCRIPTS = [path for path in files() if path.parent == ROOT / "scripts" and not path.suffix]
PAGES = [path for path in files() if path.suffix == ".md" and path.name != "CHANGELOG.md"]
NAMED = re.compile(r"(?:\./)?\bscripts/([a-z_]+)\b(?![./])")
CALLED = re.compile(r"^(?:\$ )?(?:\.venv/bin/)?hub ([a-z][^\n#]*)", re.MULTILINE)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_is_short_plain_sh(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.startswith("#!/bin/sh\n# "), "it says in its second line what it does"
    assert os.access(path, os.X_OK)
    assert len(text.splitlines()) <= 30
    subprocess.run(["sh", "-n", path], check=True)


def test_the_build_script_is_sound() -> None:
    subprocess.run(["bash", "-n", ROOT / ".ci/run"], check=True)


def test_every_script_that_a_page_names_is_there() -> None:
    known = {path.name for path in SCRIPTS}
    for page in PAGES:
        named = set(NAMED.findall(page.read_text("utf-8")))
        assert named <= known, f"{page.relative_to(ROOT)} names {named - known}"


def calls() -> Iterator[tuple[str, list[str]]]:
    """Page and words of every `hub …` line in a block of commands, and of every `hub …` in back quotes."""
    for page in PAGES:
        text = page.read_text("utf-8")
        blocks = re.findall(r"```(?:sh|console|)\n(.*?)```", text, re.DOTALL)
        for line in [
            *(each for block in blocks for each in CALLED.findall(block)),
            *re.findall(r"`hub ([a-z][^`\n]*)`", text),
        ]:
            yield str(page.relative_to(ROOT)), line.split()


def test_every_command_that_a_page_names_is_there() -> None:
    for page, words in calls():
        command: click.Command | None = cli
        context = click.Context(cli)
        for word in words:
            if not isinstance(command, click.Group) or not re.fullmatch(r"[a-z][a-z-]*", word):
                break
            command = command.get_command(context, word)
            assert command is not None, f"{page}: hub {' '.join(words)}"
