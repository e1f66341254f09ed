"""The table of codes that nobody mapped. A code is itself however it is spelled (STATUS.md 8): its row keeps the
spelling and the label that came first.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hub.status import Status, plain_code
from hub.store.tables import TENANT, unmapped

from .facts import StoredFact
from .plain import from_plain, to_plain
from .state import OrderView

EXAMPLES = 3


def row_of(connection: sa.Connection, source: str, vocabulary: str, code: str) -> Any | None:
    """The row of a code, however it is spelled there."""
    query = sa.select(unmapped).where(
        unmapped.c.tenant == TENANT, unmapped.c.connection == source, unmapped.c.vocabulary == vocabulary
    )
    wanted = plain_code(code)
    return next((row for row in connection.execute(query) if plain_code(row.code) == wanted), None)


def example_of(order_id: str, fact: StoredFact) -> dict[str, Any]:
    """Where a code was seen."""
    return {"order": order_id, "subject": fact.subject, "at": to_plain(fact.at), "key": fact.key}


def with_example(known: Sequence[Mapping[str, Any]], new: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """A few examples, each of another parcel."""
    again = any((each["order"], each["subject"]) == (new["order"], new["subject"]) for each in known)
    return list(known) if again or len(known) >= EXAMPLES else [*known, new]


def before_and_after(view: OrderView, source: str, example: Mapping[str, Any]) -> tuple[str, str] | None:
    """In which status an example's parcel was when the code came, and the next one since, each empty where there is
    none; None: the order holds that word no more."""
    key, at = example.get("key"), from_plain(example.get("at"))
    for _, _, folded in view.axes():
        for place, line in enumerate(folded.lines):
            fact = line.fact
            if fact.source == source and (fact.key == key if key else fact.at == at):
                since = (each.after for each in folded.lines[place:] if each.after is not line.before)
                return _word(line.before), _word(next(since, None))
    return None


def _word(status: Status | None) -> str:
    return status.value if status is not None else ""


def add_seen(connection: sa.Connection, each: Mapping[str, Any], at: datetime) -> str:
    """Count a code once more; returns its spelling in the table."""
    row = row_of(connection, each["connection"], each["vocabulary"], each["code"])
    if row is None:
        names = ("connection", "vocabulary", "code", "label")
        first = {"count": 1, "first_seen": at, "last_seen": at, "examples": [each["example"]]}
        new = {"tenant": TENANT, **{name: each[name] for name in names}, **first}
        connection.execute(sa.insert(unmapped).values(**new))
        return str(each["code"])
    examples = with_example(row.examples, each["example"])
    count = row._mapping["count"] + 1
    connection.execute(_this(row).values(count=count, last_seen=at, examples=examples))
    return str(row.code)


def forget(connection: sa.Connection, row: Any) -> None:
    """A code has a meaning now."""
    connection.execute(sa.delete(unmapped).where(*_where(row)))


def _this(row: Any) -> sa.Update:
    return sa.update(unmapped).where(*_where(row))


def _where(row: Any) -> list[sa.ColumnElement[bool]]:
    return [column == row._mapping[column.name] for column in unmapped.primary_key]
