"""The databases that tests are given."""

import sqlalchemy as sa

from hub.store.database import Database
from hub.store.migrate import current, newest, upgrade


def test_every_database_is_new_and_takes_the_tables(database_url: str) -> None:
    db = Database(database_url)
    try:
        assert sa.inspect(db.writer).get_table_names() == []
        upgrade(db)
        assert current(db) == newest()
    finally:
        db.close()
