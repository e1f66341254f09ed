"""Rows that lie in the tables of a hub that has worked for long: raw SQL, a table at a time."""

import sqlite3
from pathlib import Path

NOW = "CAST(strftime('%s', 'now') AS INTEGER) * 1000000"
DAY = 86_400_000_000

_SERIES = "WITH RECURSIVE series(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < :rows) "

STATEMENTS = (
    # done events, over the last 80 days
    f"""INSERT INTO inbox (tenant, slot, connection, dedupe_key, subject, topic, body, received_at, mode, state, error,
            done_at)
        SELECT 'main', n % 1024, 'main-shop', lower(hex(randomblob(16))), 'order:' || (1000 + n), 'orders/create',
            '{{"id": ' || (1000 + n) || '}}', {NOW} - {80 * DAY} + n * 6000000, 'live', 1, '',
            {NOW} - {80 * DAY} + n * 6000000
        FROM series""",
    # sent messages of other orders and customers
    f"""INSERT INTO messages (tenant, slot, key, order_id, customer_id, run_key, flow, step, template, cls, recipient,
            word, subject, state, reason, due_at, tries, connection, owner, doc, created_at, finished_at)
        SELECT 'main', n % 1024, lower(hex(randomblob(16))), 'main-shop:' || (1000 + n), 'c' || (n % 300000),
            'old' || n, 'confirm', '0', 'order-received', 'transactional', 'customer', 'order.received', 'o', 'sent',
            '', {NOW} - {80 * DAY} + n * 6000000, 1, 'mail', '', '{{}}', {NOW} - {80 * DAY} + n * 6000000,
            {NOW} - {80 * DAY} + n * 6000000
        FROM series""",
    # timers that are far away: 30 to 150 days
    f"""INSERT INTO timers (tenant, slot, key, kind, ref, order_id, due_at, state)
        SELECT 'main', n % 1024, lower(hex(randomblob(16))), 'run', 'old' || n, 'main-shop:' || (1000 + n),
            {NOW} + {30 * DAY} + abs(random() % {120 * DAY}), 0
        FROM series""",
    # orders, with a document of some length that nobody reads
    f"""INSERT INTO orders (tenant, id, slot, shop, connection, ref, number, customer_id, headline, order_status,
            payment_status, rev, incomplete, doc, created_at, updated_at)
        SELECT 'main', 'main-shop:' || (1000 + n), n % 1024, 'kavovar', 'main-shop', '' || (1000 + n), '#' || n,
            'c' || (n % 300000), 'Completed', 'order.completed', 'payment.paid', 3, 0,
            '{{"filler": "' || hex(zeroblob(200)) || '"}}', {NOW} - {80 * DAY} + n * 6000000, {NOW} - {DAY}
        FROM series""",
)


def fill(path: Path, rows: int) -> None:
    """So many rows in each of four tables, and no sorting afterwards: keys are random, as real ones are."""
    db = sqlite3.connect(path, isolation_level=None, timeout=30)
    for pragma in ("synchronous=OFF", "cache_size=-1500000", "temp_store=MEMORY"):
        db.execute(f"PRAGMA {pragma}")
    for statement in STATEMENTS:
        into, _, select = statement.partition("SELECT")
        db.execute("BEGIN IMMEDIATE")
        db.execute(f"{into}{_SERIES}SELECT{select}", {"rows": rows})
        db.execute("COMMIT")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
