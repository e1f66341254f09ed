"""A bare durable server: uvicorn, one ASGI function, one row per request in SQLite (WAL, FULL), grouped commits.

It checks nothing and parses nothing; what it does share with the hub is that 200 means on disk. With `duties` it has
the least that the hub owes as well: the signature, the JSON, and a row that a repeated webhook does not make again.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import sqlite3
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from .child import obey
from .load import SECRET
from .web import loop_factory, serving

MAX_GROUP = 100


class Bare:
    """The application."""

    create = "CREATE TABLE IF NOT EXISTS inbox (id INTEGER PRIMARY KEY, body BLOB NOT NULL)"
    insert = "INSERT INTO inbox (body) VALUES (?)"

    def __init__(self, path: str) -> None:
        self.db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            self.db.execute(f"PRAGMA {pragma}")
        self.db.execute(self.create)
        self.thread = ThreadPoolExecutor(1)
        self.waiting: list[tuple[tuple[Any, ...], asyncio.Future[None]]] = []
        self.task: asyncio.Task[None] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        future = asyncio.get_running_loop().create_future()
        self.waiting.append((self.row(scope, body), future))
        if self.task is None or self.task.done():
            self.task = asyncio.create_task(self._commit())
        await future
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    async def _commit(self) -> None:
        while self.waiting:
            group, self.waiting = self.waiting[:MAX_GROUP], self.waiting[MAX_GROUP:]
            rows = [row for row, _ in group]
            await asyncio.get_running_loop().run_in_executor(self.thread, self._insert, rows)
            for _, future in group:
                if not future.done():
                    future.set_result(None)

    def row(self, scope: Any, body: bytes) -> tuple[Any, ...]:
        return (body,)

    def _insert(self, rows: list[tuple[Any, ...]]) -> None:
        self.db.execute("BEGIN IMMEDIATE")
        self.db.executemany(self.insert, rows)
        self.db.execute("COMMIT")

    async def count(self) -> int:
        return int(self.db.execute("SELECT count(*) FROM inbox").fetchone()[0])


class Duties(Bare):
    """The same with what cannot be left out."""

    create = (
        "CREATE TABLE IF NOT EXISTS inbox (id INTEGER PRIMARY KEY, dedupe_key TEXT UNIQUE, subject TEXT, body TEXT)"
    )
    insert = "INSERT INTO inbox (dedupe_key, subject, body) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"

    def row(self, scope: Any, body: bytes) -> tuple[Any, ...]:
        given = dict(scope["headers"])[b"x-shopify-hmac-sha256"]
        if not hmac.compare_digest(given, base64.b64encode(hmac.new(SECRET.encode(), body, hashlib.sha256).digest())):
            raise ValueError("not signed")
        order = json.loads(body)
        return hashlib.sha256(body).hexdigest(), f"order:{order['id']}", json.dumps(order)


async def live() -> None:
    app = (Duties if "duties" in sys.argv else Bare)(sys.argv[1])
    async with serving(app) as base:
        await obey({"base": base}, {"count": app.count})


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(live())
