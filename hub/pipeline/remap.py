"""When the meaning of codes changed (a newly mapped code, another edition of a table): the orders that hold such facts
are folded again, silently but for what is still news (STATUS.md 7, re-application).
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hub.plugin import digest
from hub.status import By, Found, Meaning, Reason, Table, full_name, lookup, parse_status, plain_code
from hub.store.database import insert_new
from hub.store.tables import TENANT, InboxState, connections, facts, inbox, slot_of, unmapped

from .batch import REFOLD
from .facts import StoredFact
from .unmapped import EXAMPLES, example_of, forget, row_of
from .world import World

Tables = Mapping[str, Mapping[str, Any]]
MERCHANT = ""


def tables_of(world: World, source: str) -> Tables:
    """All status tables of a connection as plain data: vocabulary (`""`: the merchant's own) → code → meaning."""
    adapter = world.adapters[source]
    plugin = adapter.statuses_of(adapter.settings)
    merchant = world.config.statuses.get(source, {})
    return {
        MERCHANT: {code: _plain(meaning) for code, meaning in merchant.items()},
        **{name: {code: _plain(meaning) for code, meaning in rows.items()} for name, rows in plugin.items()},
    }


def _plain(meaning: Meaning) -> list[str | None]:
    return [
        full_name(meaning.status) if meaning.status is not None else None,
        meaning.reason.value if meaning.reason else None,
    ]


def _meaning(plain: Any) -> Meaning:
    status, reason = plain
    return Meaning(parse_status(status) if status else None, "", Reason(reason) if reason else None)


def _found(tables: Tables, vocabulary: str, code: str) -> Found | None:
    merchant, plugin = (
        Table.of({each: _meaning(plain) for each, plain in rows.items()}) if rows else None
        for rows in (tables.get(MERCHANT), tables.get(vocabulary))
    )
    return lookup(code, merchant=merchant, plugin=plugin)


def remember_statuses(connection: sa.Connection, dialect: str, world: World, now: datetime) -> int:
    """Compare each connection's tables with those its facts were last folded with; returns how many orders are to be
    folded again."""
    total = 0
    for source in (*world.of_kind("platform"), *world.of_kind("carrier")):
        new = tables_of(world, source)
        connection.execute(insert_new(connections, dialect).values(tenant=TENANT, name=source))
        row = connection.execute(sa.select(connections.c.statuses).where(connections.c.name == source)).one()
        old: Tables = row.statuses or {}
        if old and old != new:
            total += _refold(connection, dialect, source, old, new, now)
        if old != new:
            connection.execute(sa.update(connections).where(connections.c.name == source).values(statuses=new))
    return total


def _refold(connection: sa.Connection, dialect: str, source: str, old: Tables, new: Tables, now: datetime) -> int:
    codes = connection.execute(
        sa.select(facts.c.vocabulary, facts.c.code).where(facts.c.tenant == TENANT, facts.c.source == source).distinct()
    ).all()
    changed = [
        [source, row.vocabulary, row.code, _plainly(before)]
        for row in codes
        if _plainly(before := _found(old, row.vocabulary, row.code)) != _plainly(_found(new, row.vocabulary, row.code))
    ]
    listed = sa.select(unmapped).where(unmapped.c.tenant == TENANT, unmapped.c.connection == source)
    for row in connection.execute(listed).all():
        if _found(new, row.vocabulary, row.code) is not None:
            forget(connection, row)
    for _, vocabulary, code, before in changed:
        lost = before is not None and _found(new, vocabulary, code) is None
        if lost and row_of(connection, source, vocabulary, code) is None:
            alike = [each.code for each in codes if each.vocabulary == vocabulary and _same(each.code, code)]
            again = _unmapped_again(connection, source, vocabulary, alike, now)
            connection.execute(sa.insert(unmapped).values(**again))
    order_ids = {order_id for each in changed for order_id in _orders_with(connection, *each[:3])}
    rows = [look_again(source, order_id, changed, now) for order_id in sorted(order_ids)]
    if rows:
        connection.execute(insert_new(inbox, dialect), rows)
    return len(rows)


def _same(one: str, other: str) -> bool:
    return plain_code(one) == plain_code(other)


def _unmapped_again(
    connection: sa.Connection, source: str, vocabulary: str, spellings: Sequence[str], now: datetime
) -> dict[str, Any]:
    """A code that lost its meaning is listed with those that never had one."""
    mine = (facts.c.tenant == TENANT, facts.c.source == source, facts.c.vocabulary == vocabulary)
    where = (*mine, facts.c.code.in_(spellings))
    many = connection.execute(sa.select(sa.func.count()).select_from(facts).where(*where)).scalar_one()
    subject = (facts.c.order_id, facts.c.subject)
    firsts = sa.select(*subject, sa.func.min(facts.c.key)).where(*where).group_by(*subject).order_by(*subject)
    some = [tuple(row) for row in connection.execute(firsts.limit(EXAMPLES))]
    rows = connection.execute(sa.select(facts).where(*mine, sa.tuple_(*subject, facts.c.key).in_(some))).all()
    said = [(row.order_id, StoredFact.from_row(row)) for row in rows]
    first = min((fact for _, fact in said), key=lambda fact: fact.at)
    return {
        "tenant": TENANT,
        "connection": source,
        "vocabulary": vocabulary,
        "code": first.native.code,
        "label": first.native.label,
        "count": many,
        "first_seen": now,
        "last_seen": now,
        "examples": [example_of(order_id, fact) for order_id, fact in said],
    }


def _plainly(found: Found | None) -> list[str | None] | None:
    return None if found is None else _plain(found.meaning)


def _orders_with(connection: sa.Connection, source: str, vocabulary: str, code: str) -> Iterator[str]:
    where = (facts.c.source == source, facts.c.vocabulary == vocabulary, facts.c.code == code)
    query = sa.select(facts.c.order_id).where(facts.c.tenant == TENANT, *where).distinct()
    return (row.order_id for row in connection.execute(query))


def look_again(source: str, order_id: str, changed: list[Any], now: datetime) -> dict[str, Any]:
    """An event by which an order is decided on anew: because codes changed their meaning (`changed`; then it is
    silent), or because more is known of it than it has heard."""
    return {
        "tenant": TENANT,
        "slot": slot_of(order_id),
        "connection": source,
        "dedupe_key": digest("refold", order_id, changed, now.isoformat()),
        "subject": f"refold:{order_id}",
        "topic": REFOLD,
        "body": {"changed": changed},
        "received_at": now,
        "mode": "live",
        "state": InboxState.PENDING,
    }


def former(body: Mapping[str, Any]) -> dict[tuple[str, str, str], Found | None]:
    """What the changed codes meant before, from a refold event."""
    return {
        (source, vocabulary, code): None if plain is None else Found(_meaning(plain), By.PLUGIN_EXACT, code)
        for source, vocabulary, code, plain in body["changed"]
    }
