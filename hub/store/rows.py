"""Rows by the values of one of their columns, and changes of one row, with statements that are made once: building one
anew costs more than SQLite takes to answer it."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa

from .tables import TENANT


def rows_of(
    connection: sa.Connection, column: sa.Column[Any], values: Iterable[Any], *order: sa.ColumnElement[Any]
) -> Sequence[Any]:
    """The rows of a column's table in which it has one of these values; no query where there are none."""
    wanted = sorted(set(values))
    return connection.execute(_having(column, order), {"wanted": wanted}).all() if wanted else ()


def change_row(connection: sa.Connection, key: sa.Column[Any], value: Any, values: Mapping[str, Any]) -> None:
    """Give columns (by name) of the row that has this key other values."""
    connection.execute(_with(key), {"wanted": value, **values})


@cache
def _having(column: sa.Column[Any], order: Sequence[sa.ColumnElement[Any]]) -> sa.Select[Any]:
    among = column.in_(sa.bindparam("wanted", expanding=True))
    return sa.select(column.table).where(column.table.c.tenant == TENANT, among).order_by(*order)


@cache
def _with(key: sa.Column[Any]) -> sa.Update:
    return sa.update(key.table).where(key == sa.bindparam("wanted"))
