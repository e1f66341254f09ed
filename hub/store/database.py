"""The database: whole transactions handed to a thread; one writer on SQLite, group commit for what comes in.

`read` and `write` take a function of a connection and run it whole, in a transaction, outside the event loop. HTTP
never happens inside. SQLite runs in WAL with `synchronous=FULL`: an event answered 2xx survives a power cut.
"""

import asyncio
import fcntl
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import IO, Any, Generic, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

T = TypeVar("T")

PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "busy_timeout=2000",
    "foreign_keys=ON",
    "cache_size=-16384",
    "temp_store=MEMORY",
    "mmap_size=0",
    "journal_size_limit=67108864",
)
MAX_GROUP = 100
LOCK = 0x0DE4
"""The number of our advisory lock on a PostgreSQL database."""


def _no_rows(record: logging.LogRecord) -> bool:
    """SQLAlchemy logs at debug level whatever a query found: people's data."""
    return not str(record.msg).startswith("Row ")


logging.getLogger("sqlalchemy.engine.Engine").addFilter(_no_rows)
log = logging.getLogger("hub.store")


class DatabaseBusyError(Exception):
    """Another hub holds this database, or it cannot be written; the text names the file and the next step."""


_SQLITE_TROUBLE = frozenset({5, 6, 7, 8, 9, 10, 13, 14, 15})
"""Primary result codes: busy, locked, no memory, read only, interrupted, I/O, full, cannot open, locking protocol."""
_POSTGRES_TROUBLE = ("08", "40", "53", "55", "57", "58")
"""Classes of SQLSTATE: connection, rolled back by the server, resources, not now, operator, system."""


_SQLITE_WORDS = {
    5: "it is busy", 6: "it is busy", 8: "it cannot be written", 10: "the disk fails", 13: "the disk is full",
    14: "it cannot be opened",
}  # fmt: skip


def trouble(error: BaseException) -> str:
    """What is wrong with the database, in words where there are any; never the words of the error itself."""
    code = getattr(getattr(error, "orig", None), "sqlite_errorcode", None)
    known = _SQLITE_WORDS.get(code & 0xFF) if isinstance(code, int) else None
    return f"{type(error).__name__}, {known}" if known else type(error).__name__


def is_trouble(error: BaseException) -> bool:
    """Whether the database itself is in trouble (locked, full, gone), so that the same work may succeed later."""
    if isinstance(error, sa.exc.TimeoutError):
        return True
    if not isinstance(error, sa.exc.DBAPIError) or error.orig is None:
        return False
    if (code := getattr(error.orig, "sqlite_errorcode", None)) is not None:
        return code & 0xFF in _SQLITE_TROUBLE
    state = getattr(error.orig, "sqlstate", None)
    if state is not None:
        return str(state).startswith(_POSTGRES_TROUBLE)
    return error.connection_invalidated or isinstance(error, sa.exc.OperationalError)


@cache
def insert_new(table: sa.Table, dialect: str) -> Any:
    """INSERT that leaves an existing row alone (ON CONFLICT DO NOTHING), for both databases."""
    make = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return make(table).on_conflict_do_nothing()


def upsert(table: sa.Table, dialect: str, *, keys: Sequence[str], change: Sequence[str]) -> Any:
    """INSERT that overwrites `change` in the row that has the same `keys`."""
    return _upsert(table, dialect, tuple(keys), tuple(change))


@cache
def _upsert(table: sa.Table, dialect: str, keys: Sequence[str], change: Sequence[str]) -> Any:
    make = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = make(table)
    return statement.on_conflict_do_update(
        index_elements=list(keys), set_={name: statement.excluded[name] for name in change}
    )


Item = TypeVar("Item")

_SAID = "said"


def say_after_commit(connection: sa.Connection, news: Any) -> None:
    """What is to be told once this transaction is on disk, and never when it is rolled back. It is lost with the
    process: for listeners, not for work."""
    connection.info.setdefault(_SAID, []).append(news)


class GroupCommit(Generic[Item]):
    """Items that share transactions: take what has queued, commit, answer. No window is held open.

    `commit` writes a list of items in one transaction and returns a result for each.
    """

    def __init__(self, db: "Database", commit: Callable[[sa.Connection, list[Item]], Sequence[Any]]) -> None:
        self.db, self.commit = db, commit
        self.waiting: list[tuple[Item, asyncio.Future[Any]]] = []
        self.task: asyncio.Task[None] | None = None

    async def put(self, item: Item) -> Any:
        """The item's result, once it is on disk."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.waiting.append((item, future))
        if self.task is None or self.task.done():
            self.task = asyncio.create_task(self._run())
        return await future

    async def _run(self) -> None:
        while self.waiting:
            group, self.waiting = self.waiting[:MAX_GROUP], self.waiting[MAX_GROUP:]
            items = [item for item, _ in group]
            try:
                results = await self.db.write(lambda connection, items=items: self.commit(connection, items))  # type: ignore[misc]
            except Exception as error:
                await self._failed(group, error)
                continue
            for (_, future), result in zip(group, results, strict=True):
                self._tell(future, None, result)

    async def _failed(self, group: Sequence[tuple[Item, asyncio.Future[Any]]], error: Exception) -> None:
        """None of it is on disk. One item's content must not fail the others; the database's own trouble is all's."""
        for item, future in group:
            if len(group) > 1 and not is_trouble(error):
                try:
                    (result,) = await self.db.write(lambda connection, item=item: self.commit(connection, [item]))  # type: ignore[misc]
                except Exception as its_own:
                    self._tell(future, its_own)
                else:
                    self._tell(future, None, result)
            else:
                self._tell(future, error)

    @staticmethod
    def _tell(future: asyncio.Future[Any], error: Exception | None, result: Any = None) -> None:
        if future.done():  # whoever waited has gone
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)


class Database:
    """One database, embedded (SQLite file) or shared (PostgreSQL)."""

    def __init__(self, url: str, *, durable: bool = True) -> None:
        """`durable=False`: nothing of it need outlive this process, so nothing waits for the disk."""
        self.url = sa.make_url(url)
        self.pragmas = PRAGMAS if durable else (*PRAGMAS, "synchronous=OFF")
        self.dialect = self.url.get_backend_name()
        self.on_commit: Callable[[Sequence[Any]], None] = lambda said: None
        self._lock: IO[str] | None = None
        self._session: sa.Connection | None = None
        self.writer = self._engine("BEGIN IMMEDIATE", pool_size=1)
        self.reader = self._engine("BEGIN", pool_size=4) if self.dialect == "sqlite" else self.writer
        self._write_thread = ThreadPoolExecutor(1, thread_name_prefix="db-write")
        self._read_threads = ThreadPoolExecutor(3, thread_name_prefix="db-read")
        self.works: GroupCommit[Callable[[sa.Connection], Any]] = GroupCommit(
            self, lambda connection, works: [work(connection) for work in works]
        )

    def _engine(self, begin: str, pool_size: int) -> sa.Engine:
        # Parameters are people's data: no error text may show them. Row counts of inserts say what was new.
        shared: dict[str, Any] = {"hide_parameters": True, "execution_options": {"preserve_rowcount": True}}
        if self.dialect != "sqlite":
            return sa.create_engine(self.url, pool_size=pool_size + 4, pool_pre_ping=True, **shared)
        connect_args = {"timeout": 5, "check_same_thread": False}
        engine = sa.create_engine(self.url, connect_args=connect_args, pool_size=pool_size, **shared)

        @sa.event.listens_for(engine, "connect")
        def configure(connection: Any, record: Any) -> None:
            connection.isolation_level = None
            for pragma in self.pragmas:
                connection.execute(f"PRAGMA {pragma}").close()

        @sa.event.listens_for(engine, "begin")
        def start(connection: sa.Connection) -> None:
            connection.exec_driver_sql(begin)

        return engine

    @property
    def path(self) -> Path | None:
        """The SQLite file, or None."""
        return Path(self.url.database) if self.dialect == "sqlite" and self.url.database else None

    def hold(self) -> None:
        """Take the database for this process alone; a second hub on it is refused (`DatabaseBusyError`)."""
        if self.path is None:
            self._hold_session()
            return
        if self._lock is not None:
            return
        try:
            self._lock = self.path.with_suffix(self.path.suffix + ".lock").open("a")
        except OSError as error:
            raise DatabaseBusyError(
                f"{self.path.parent} cannot be written to ({error.strerror}); make it writable for this user, or name "
                "another `data` folder"
            ) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.close()
            self._lock = None
            raise DatabaseBusyError(
                f"another hub is at work on {self.path}; stop it first, or give this one another `data` folder"
            ) from error

    def _hold_session(self) -> None:
        """On a server: a lock that lasts as long as a session of ours, and ends soon after this machine has died."""
        if self._session is not None or self.dialect != "postgresql":
            return
        session = self.writer.connect().execution_options(isolation_level="AUTOCOMMIT")
        for name, seconds in (("idle", 15), ("interval", 5), ("count", 3)):
            session.exec_driver_sql(f"SET tcp_keepalives_{name} = {seconds}")
        try:  # the server may need a moment to see that a hub that was killed is gone
            session.exec_driver_sql("SET lock_timeout = '2s'")
            session.exec_driver_sql(f"SELECT pg_advisory_lock({LOCK})")
        except sa.exc.OperationalError as error:
            session.close()
            raise DatabaseBusyError(
                "another hub is at work on this database; stop it first, or name another one"
            ) from error
        self._session = session

    async def read(self, work: Callable[[sa.Connection], T]) -> T:
        """Run `work` in a reading transaction in another thread."""
        return await asyncio.get_running_loop().run_in_executor(self._read_threads, self._run, self.reader, work)

    async def write(self, work: Callable[[sa.Connection], T]) -> T:
        """Run `work` in a writing transaction in the writer thread; all of it happened, or none. What it had to say by
        `say_after_commit` is then told to `on_commit`, in the event loop."""
        loop = asyncio.get_running_loop()
        result, said = await loop.run_in_executor(self._write_thread, self._run_and_hear, work)
        if said:
            loop.call_soon(self._tell, said)  # whoever waits for this is answered first
        return result

    def _tell(self, said: list[Any]) -> None:
        try:
            self.on_commit(said)
        except Exception as error:  # what is on disk is on disk, whatever a listener makes of it
            log.error("telling what was committed failed: %s", type(error).__name__)

    def _run_and_hear(self, work: Callable[[sa.Connection], T]) -> tuple[T, list[Any]]:
        with self.writer.begin() as connection:
            connection.info[_SAID] = []  # what was said in a transaction that was rolled back never happened
            return work(connection), connection.info.pop(_SAID)

    def run(self, work: Callable[[sa.Connection], T]) -> T:
        """The same for code without an event loop (commands)."""
        return self._run(self.writer, work)

    @staticmethod
    def _run(engine: sa.Engine, work: Callable[[sa.Connection], T]) -> T:
        with engine.begin() as connection:
            return work(connection)

    async def write_grouped(self, work: Callable[[sa.Connection], T]) -> T:
        """Like `write`, but sharing one commit with what else is waiting. Work whose content makes the commit fail is
        done again alone, with all the others of its group."""
        result: T = await self.works.put(work)
        return result

    def close(self) -> None:
        """Let go of threads, connections and the file."""
        if self._session is not None:
            self._session.invalidate()  # closed for good, not kept in the pool with its lock
            self._session.close()
            self._session = None
        self._write_thread.shutdown(wait=True)
        self._read_threads.shutdown(wait=True)
        self.writer.dispose()
        self.reader.dispose()
        if self._lock is not None:
            self._lock.close()
            self._lock = None
