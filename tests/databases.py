"""Databases for tests: a SQLite file each, and one PostgreSQL server for the whole session, a database each.

The server is the one of HUB_TEST_PG_DSN; without it, one of the installed programs in a temporary folder, reached by a
socket there. It ends when the tests end, also when they are killed.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

MISSING = "PostgreSQL is not here: sudo apt-get install -y postgresql, or name a server in HUB_TEST_PG_DSN"

# Lives as long as the pipe to it is open. Nothing here has to survive a power cut, so nothing waits for the disk.
SERVER = """
set -e
trap 'rm -rf "$folder"' EXIT
folder=$1; PATH=$2:$PATH
initdb -D "$folder/data" -U hub --auth=trust --encoding=UTF8 --locale=C --no-sync --no-instructions >"$folder/log" 2>&1
pg_ctl -D "$folder/data" -l "$folder/log" -s -w -o \
    "-k $folder -c listen_addresses= -c fsync=off -c full_page_writes=off -c max_connections=200" start
echo ready
cat >/dev/null
pg_ctl -D "$folder/data" -s -m immediate stop
"""

_names = count(1)


def programs() -> Path | None:
    """The folder of PostgreSQL's server programs; the newest where there are several."""
    found = shutil.which("pg_ctl")
    packaged = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda path: int(path.parts[-3]))
    places = [Path(found).resolve()] if found else packaged[::-1]
    return next((place.parent for place in places if (place.parent / "initdb").exists()), None)


def unprivileged() -> pwd.struct_passwd | None:
    """Who runs the server where we are root, which PostgreSQL refuses; None: we do."""
    if os.geteuid() != 0:
        return None
    known = {each.pw_name: each for each in pwd.getpwall()}
    return known.get("postgres") or known["nobody"]


@contextmanager
def own_server(place: Path) -> Iterator[sa.URL]:
    """A server of ours, from the programs at `place`."""
    folder = tempfile.mkdtemp(prefix="hub-pg-")
    other = unprivileged()
    if other:
        os.chown(folder, other.pw_uid, other.pw_gid)
    with subprocess.Popen(
        ["sh", "-c", SERVER, "sh", folder, str(place)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,  # what kills the tests must not kill it before it has put things away
        cwd=folder,
        env={**os.environ, "LC_ALL": "C"},
        user=other.pw_uid if other else None,
        group=other.pw_gid if other else None,
        extra_groups=[] if other else None,
    ) as server:
        assert server.stdin is not None and server.stdout is not None
        try:
            if server.stdout.readline() != b"ready\n":
                pytest.fail(f"PostgreSQL at {place} did not start")
            yield sa.URL.create("postgresql+psycopg", username="hub", database="postgres", query={"host": folder})
        finally:
            server.stdin.close()


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[sa.URL]:
    """The address of the server, by its `postgres` database."""
    given = os.environ.get("HUB_TEST_PG_DSN")
    place = programs()
    if given:
        yield sa.make_url(given).set(drivername="postgresql+psycopg")
    elif place is None:
        pytest.skip(MISSING)
    else:
        with own_server(place) as url:
            yield url


@pytest.fixture
def postgresql_url(postgresql_server: sa.URL) -> Iterator[str]:
    """A new empty PostgreSQL database; gone afterwards."""
    name = f"hub_{os.getpid()}_{next(_names)}"
    address = postgresql_server.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield postgresql_server.set(database=name).render_as_string(hide_password=False)
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new empty database, of each sort that the hub runs on."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'hub.db'}"
    return str(request.getfixturevalue("postgresql_url"))
