"""What has gone out to customers of late, for policies that count it: read at once for all messages that are due, and
once more, under the customer's lock, in the transaction in which a message leaves."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from zlib import crc32

import sqlalchemy as sa

from hub.flows.policies import CUSTOMER, AtMost
from hub.store.tables import TENANT, attempts, messages

from .sentences import Gone, breaks
from .shadow import SHADOW

WENT_OUT = ("", "accepted", "duplicate", "unknown")
"""Outcomes of attempts that said something, or may have; none yet: on the wire."""
WOULD_HAVE = (*WENT_OUT, SHADOW)
"""Those that count for a message in shadow, which is held against all that its reader would have heard."""
CUSTOMERS = 0x0DE5
"""The family of advisory locks, one for each customer, on a PostgreSQL database."""


def _statement(whose: sa.Column[str], of_late: sa.ColumnElement[bool]) -> sa.Select[Any]:
    ids: Any = sa.bindparam("ids", expanding=True)
    of = messages.c
    columns = (of.id, of.order_id, of.customer_id, of.template, of.cls, of.shadow, attempts.c.connection)
    return (
        sa.select(*columns, sa.func.max(attempts.c.started_at).label("at"))
        .join(attempts, attempts.c.message_id == of.id)
        .where(of.tenant == TENANT, whose.in_(ids), of.recipient == CUSTOMER, of_late)
        .where(attempts.c.started_at >= sa.bindparam("since"), attempts.c.outcome.in_(WOULD_HAVE))
        .group_by(*columns)
    )


# Of customers two halves, each of which their index answers alone: a message finishes after its last attempt.
_OF_CUSTOMERS = tuple(
    _statement(messages.c.customer_id, of_late)
    for of_late in (messages.c.finished_at >= sa.bindparam("since"), messages.c.finished_at.is_(None))
)
_OF_ORDERS = (_statement(messages.c.order_id, sa.true()),)


def read_gone(connection: sa.Connection, limits: Collection[AtMost], due: Collection[Any], now: datetime) -> list[Gone]:
    """What these limits count for messages that are due; nothing is asked where there are no limits."""
    found: list[Gone] = []
    for by, statements, name in ((CUSTOMER, _OF_CUSTOMERS, "customer_id"), ("order", _OF_ORDERS, "order_id")):
        longest = max((each.per for each in limits if each.by == by), default=timedelta(0))
        ids = sorted({getattr(row, name) for row in due} - {""})
        if longest and ids:
            found += _rows(connection, statements, ids, now - longest)
    return found


def _rows(
    connection: sa.Connection, statements: Sequence[sa.Select[Any]], ids: Sequence[str], since: datetime
) -> Iterator[Gone]:
    for statement in statements:
        for row in connection.execute(statement, {"ids": ids, "since": since}):
            yield Gone(
                row.id, row.order_id, row.customer_id, row.template, row.cls, row.connection, row.at, bool(row.shadow)
            )


_LOCK = sa.select(sa.func.pg_advisory_xact_lock(CUSTOMERS, sa.bindparam("whose", type_=sa.Integer)))


def lock_customers(connection: sa.Connection, dialect: str, ids: Collection[str]) -> None:
    """Nobody else counts what goes out to these customers until this transaction ends. SQLite has one writer."""
    if dialect == "postgresql":
        for whose in sorted(
            {crc32(each.encode()) - 2**31 for each in ids}
        ):  # in one order, so that nobody waits for ever
            connection.execute(_LOCK, {"whose": whose})


def is_one_too_many(connection: sa.Connection, limits: Sequence[AtMost], row: Any, now: datetime) -> bool:
    """Whether what has gone since the look leaves no room for a message any more; under its customer's lock."""
    gone = read_gone(connection, limits, [row], now)
    return any(breaks(each, gone, row, now) for each in limits)
