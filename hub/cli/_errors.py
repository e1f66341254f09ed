"""Expected errors as one line that names the thing, the place and the next step, and the exit status of each."""

import os
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

import click

FAILED, REFUSED, UNAVAILABLE = 1, 2, 3
"""Exit statuses: it failed or problems were found; usage or configuration refused; the database is not to be had."""


class Stop(click.ClickException):
    """Ends a command with a line on stderr."""

    def __init__(self, message: str, status: int = FAILED) -> None:
        super().__init__(message)
        self.exit_code = status  # type: ignore[misc]  # click reads it off the instance

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"hub: {self.message}", file=file, err=file is None)


def refused(message: str) -> Stop:
    """Usage or configuration is refused."""
    return Stop(message, REFUSED)


def unavailable(message: str) -> Stop:
    """The database cannot be used now."""
    return Stop(message, UNAVAILABLE)


def explained(error: Exception) -> Stop:
    """What an exception means to the person at the keyboard. By name, so that nothing is imported for it."""
    for kind in type(error).__mro__:
        explain = _KNOWN.get(f"{kind.__module__}.{kind.__qualname__}")
        if explain is not None:
            return explain(error)
    if os.environ.get("HUB_DEBUG"):
        traceback.print_exception(error)
    return Stop(f"this is a fault of orderhub ({type(error).__name__}{_place(error)}); HUB_DEBUG=1 shows more")


def _place(error: Exception) -> str:
    """Where in the program: never what it worked on."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return ""
    parts = Path(frames[-1].filename).parts[-3:]
    return f" at {'/'.join(parts)}:{frames[-1].lineno}"


def one_line(text: object) -> str:
    """Text from elsewhere on one line, printable, not too long."""
    line = " ".join("".join(each if each.isprintable() else " " for each in str(text)).split())
    return line if len(line) <= 300 else f"{line[:299]}…"


def _database(error: Any) -> Stop:
    said = one_line(getattr(error, "orig", None) or error)
    if "locked" in said or "busy" in said:
        return unavailable("the database is busy: another program is writing to it; try again in a moment")
    if "no such table" in said or "does not exist" in said:
        return unavailable("the database is of another release; run `hub db upgrade`")
    return unavailable(f"the database cannot be used: {said}")


def _file(error: Any) -> Stop:
    where = f"{error.filename}: " if error.filename else ""
    return Stop(f"{where}{one_line(error.strerror or error)}")


def _module(error: Any) -> Stop:
    if str(error.name or "").startswith("psycopg"):
        return unavailable("PostgreSQL needs a driver; install orderhub[postgresql]")
    return Stop(f"the Python package '{error.name}' is missing; install orderhub again")


_KNOWN: Mapping[str, Callable[[Any], Stop]] = {
    "hub.store.database.DatabaseBusyError": lambda error: unavailable(str(error)),
    "hub.plugin._outcomes.FailureError": lambda error: Stop(one_line(error)),
    "hub.plugin._outcomes.UnreadableError": lambda error: Stop(f"the answer cannot be read: {one_line(error)}"),
    "sqlalchemy.exc.DBAPIError": _database,
    "sqlalchemy.exc.ArgumentError": lambda error: refused(
        f"hub.database is not an address of a database: {one_line(error)}"
    ),
    "sqlalchemy.exc.SQLAlchemyError": _database,
    "builtins.ModuleNotFoundError": _module,
    "builtins.OSError": _file,
}
