"""Coupons are counted, and never more than allowed, whoever counts at the same time."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from hub.store.coupons import LENGTH, coupon_code, give_back, reserve
from hub.store.database import Database
from hub.store.migrate import upgrade

NOW = datetime(2026, 3, 3, 10, tzinfo=UTC)
MONTH = timedelta(days=30)


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    upgrade(database)
    yield database
    database.close()


def count(db: Database, key: str, customer: str, *, customers: int = 9, shop: int = 9, now: datetime = NOW) -> bool:
    at_most = (("customer", customers, MONTH), ("shop", shop, MONTH))
    return db.run(
        lambda connection: reserve(
            connection, db.dialect, key, customer_id=customer, shop="main", at_most=at_most, now=now
        )
    )


def test_a_customer_and_a_shop_get_so_many_in_a_time(db: Database) -> None:
    assert count(db, "1", "a", customers=1)
    assert not count(db, "2", "a", customers=1)
    assert count(db, "3", "b", customers=1, shop=2)
    assert not count(db, "4", "c", customers=1, shop=2)
    assert count(db, "5", "a", customers=1, shop=2, now=NOW + MONTH)


def test_what_is_counted_stays_so_and_counts_once(db: Database) -> None:
    assert count(db, "1", "a", customers=1) and count(db, "1", "a", customers=1)
    assert not count(db, "2", "a", customers=1)
    db.run(lambda connection: give_back(connection, "1"))
    assert count(db, "2", "a", customers=1)


def test_at_the_same_time_it_is_no_more(db: Database) -> None:
    with ThreadPoolExecutor(8) as threads:
        given = list(threads.map(lambda n: count(db, str(n), f"customer-{n % 3}", shop=5), range(24)))
    assert sum(given) == 5


def test_a_code_is_the_same_each_time_and_of_its_own_hub() -> None:
    code = coupon_code(b"secret", "key")
    assert code == coupon_code(b"secret", "key") and len(code) == LENGTH and code.isalnum()
    assert len({code, coupon_code(b"other", "key"), coupon_code(b"secret", "other")}) == 3
