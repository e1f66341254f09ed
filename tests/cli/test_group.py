"""The command itself: light to load, helpful, and never a traceback for what can be expected."""

import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from hub.cli import COMMANDS, cli
from hub.cli._errors import explained
from hub.cli._group import LazyGroup
from hub.plugin import FailureError, Transient
from hub.store.database import DatabaseBusyError

from .using import Shop

SNAPSHOT = Path(__file__).parent / "help.txt"
HEAVY = ("sqlalchemy", "starlette", "rich", "uvicorn", "pydantic", "httpx", "alembic", "apscheduler", "jinja2", "yaml")


def help_of(*args: str) -> str:
    return CliRunner().invoke(cli, [*args, "--help"], prog_name="hub", env={"COLUMNS": "100"}).output


def all_commands(group: click.Command = cli, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(group, LazyGroup):
        return [path]
    context = click.Context(group)
    found = [path]
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        found += all_commands(command, (*path, name))
    return found


def test_importing_the_command_line_loads_nothing_heavy() -> None:
    program = f"import hub.cli, sys; print([each for each in {HEAVY!r} if each in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_help_loads_nothing_heavy_either() -> None:
    program = (
        "import sys, hub.cli, click\n"
        "try: hub.cli.main(['--help'])\n"
        f"except SystemExit: print([each for each in {HEAVY!r} if each in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("[]") and "Exit status:" in done.stdout


def test_help_is_as_it_was_agreed() -> None:
    assert help_of() == SNAPSHOT.read_text("utf-8")


@pytest.mark.parametrize("path", all_commands()[1:], ids=" ".join)
def test_each_command_has_help_with_an_example(path: tuple[str, ...]) -> None:
    said = help_of(*path)
    command = click.Context(cli).command
    for name in path:
        assert isinstance(command, LazyGroup)
        command = command.get_command(click.Context(command), name) or command
    if path == ("demo",):
        return  # it has a help of its own
    assert isinstance(command, LazyGroup) or f"Example:\n    hub {' '.join(path)}" in said
    assert command.help


def test_the_line_in_the_list_says_what_the_command_says() -> None:
    for commands in COMMANDS.values():
        for name, lazy in commands.items():
            command = lazy.load()
            assert command.name == name and lazy.about.endswith(".")


def test_an_unknown_command_suggests_the_nearest() -> None:
    for args, meant in ((["flwos"], "did you mean 'flows'?"), (["flows", "chek"], "did you mean 'check'?")):
        said = CliRunner().invoke(cli, args, prog_name="hub")
        assert said.exit_code == 2 and meant in said.stderr
    assert "there are: init, flows" in CliRunner().invoke(cli, ["zzzz"]).stderr


def test_exit_statuses_are_in_the_help() -> None:
    assert all(f"  {number}  " in help_of() for number in range(4))


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (DatabaseBusyError("another hub is at work"), 3, "another hub is at work"),
        (FailureError(Transient("bot: no connection")), 1, "bot: no connection"),
        (PermissionError(13, "Permission denied", "/x"), 1, "/x: Permission denied"),
        (ModuleNotFoundError("no", name="psycopg"), 3, "install orderhub[postgresql]"),
        (KeyError("secret"), 1, "this is a fault of orderhub (KeyError)"),
    ],
)
def test_errors_are_one_line(error: Exception, status: int, text: str) -> None:
    stop = explained(error)
    assert stop.exit_code == status and text in stop.message and "\n" not in stop.message
    assert "secret" not in stop.message


def test_an_impossible_database_is_refused_in_words(shop: Shop) -> None:
    text = shop.file.read_text("utf-8").replace("hub: {", 'hub: {database: "postgresql://127.0.0.1:1/none", ')
    shop.file.write_text(text, "utf-8")
    said = shop.hub("status")
    assert said.exit_code == 3 and said.stderr.startswith("hub: the database cannot be used")
    shop.file.write_text(text.replace("postgresql://127.0.0.1:1/none", "nonsense"), "utf-8")
    assert shop.hub("status").exit_code == 2


def test_a_file_that_is_no_database_is_refused_in_words(shop: Shop) -> None:
    (shop.folder / "hub.db").write_bytes(b"this is not a database at all" * 100)
    said = shop.hub("status")
    assert said.exit_code == 3 and "the database cannot be used" in said.stderr


def test_who_reads_only_the_first_line_ends_it_quietly() -> None:
    program = (
        "import os; r, w = os.pipe(); os.close(r); os.dup2(w, 1); from hub.cli import main; main(['plugin', 'list'])"
    )
    done = subprocess.run([sys.executable, "-u", "-c", program], stderr=subprocess.PIPE, text=True, check=False)
    assert done.stderr == "" and done.returncode == 1


def test_plugins_are_listed() -> None:
    said = CliRunner().invoke(cli, ["plugin", "list"]).stdout
    assert "carrier" in said and "Nova Poshta" in said and "orderhub:nova_poshta" in said
    assert '"broken"' in CliRunner().invoke(cli, ["plugin", "list", "--json"]).stdout


def test_the_database_is_made_and_brought_up_to_date(shop: Shop) -> None:
    assert shop.hub("db", "upgrade").stdout.startswith("nothing to do")
    (shop.folder / "hub.db").unlink()
    assert shop.hub("db", "upgrade").stdout.startswith("applied ")
    assert shop.told("status")["queues"]["orders"] == 0


def test_the_demo_has_a_help_of_its_own() -> None:
    said = CliRunner().invoke(cli, ["demo", "--help"])
    assert said.exit_code == 0 and "hub demo" in said.output
