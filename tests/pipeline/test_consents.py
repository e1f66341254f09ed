"""What customers allow and refuse: the newest word decides, whatever way it came."""

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from hub.store.consents import (
    AT_THE_TILL,
    NO_CONSENT,
    OPTED_OUT,
    STOP,
    Standing,
    history,
    set_consent,
    standings,
    start,
    stop,
)
from hub.store.database import Database
from hub.store.migrate import upgrade
from hub.store.tables import optouts

from .fakes import moment

WHO, OTHER = "c1", "c2"
CHANNELS = ("bot", "mail", "sms")


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    upgrade(database)
    yield database
    database.close()


def say(db: Database, given: bool, at: str, *, cls: str = "marketing", channel: str = "", how: str = "page") -> bool:
    def work(connection: sa.Connection) -> bool:
        return set_consent(
            connection, db.dialect, customer_id=WHO, cls=cls, channel=channel, given=given, at=moment(at), how=how,
            channels=CHANNELS,
        )  # fmt: skip

    return db.run(work)


def standing(db: Database) -> Standing:
    return db.run(lambda connection: standings(connection, [WHO, OTHER])).get(WHO, Standing())


def refused(db: Database, cls: str = "marketing") -> dict[str, str]:
    it = standing(db)
    return {name: it.refusal(cls, name) for name in ("", *CHANNELS)}


def kept(db: Database) -> list[tuple[str, str, bool, str]]:
    rows = db.run(lambda connection: history(connection, WHO))
    return [(row.cls, row.channel, bool(row.given), row.how) for row in rows]


def in_all(word: str) -> dict[str, str]:
    return dict.fromkeys(("", *CHANNELS), word)


def test_who_said_nothing_gets_all_but_offers(db: Database) -> None:
    it = standing(db)
    assert [it.refusal(cls) for cls in ("transactional", "feedback", "marketing")] == ["", "", NO_CONSENT]
    assert it.refusal("marketing", "mail", order_allows=True) == "", "an order of before anything was kept"


def test_the_newest_word_decides(db: Database) -> None:
    assert say(db, True, "10:00", how=AT_THE_TILL)
    assert refused(db) == in_all("")
    assert say(db, False, "11:00")
    assert refused(db) == in_all(OPTED_OUT)
    assert say(db, True, "12:00", how=AT_THE_TILL), "a newer order gives it again"
    assert refused(db) == in_all("")
    assert kept(db) == [("marketing", "", True, "order"), ("marketing", "", False, "page"),
                        ("marketing", "", True, "order")]  # fmt: skip


def test_a_late_word_is_history_alone(db: Database) -> None:
    """The order that allowed it was placed before the customer took it back, and came in later."""
    say(db, False, "11:00")
    assert say(db, True, "10:00", how=AT_THE_TILL)
    assert refused(db) == in_all(OPTED_OUT)
    assert len(kept(db)) == 2


def test_what_changes_nothing_is_not_kept(db: Database) -> None:
    assert say(db, False, "10:00", cls="feedback", channel="mail")
    assert not say(db, False, "11:00", cls="feedback", channel="mail")
    assert len(kept(db)) == 1


def test_a_word_for_one_channel_says_nothing_of_the_others(db: Database) -> None:
    say(db, True, "09:00")
    say(db, False, "10:00", channel="mail")
    assert refused(db) == {"": "", "bot": "", "mail": OPTED_OUT, "sms": ""}
    assert standing(db).refusal("feedback", "mail") == ""


@pytest.mark.parametrize("cls", ["feedback", "marketing"])
def test_who_refused_it_everywhere_may_want_it_in_one_channel(db: Database, cls: str) -> None:
    say(db, False, "10:00", cls=cls)
    say(db, True, "11:00", cls=cls, channel="bot")
    assert refused(db, cls) == {"": "", "bot": "", "mail": OPTED_OUT, "sms": OPTED_OUT}


def test_offers_allowed_in_one_channel_are_not_allowed_in_the_others(db: Database) -> None:
    say(db, True, "10:00", channel="bot")
    assert refused(db) == {"": "", "bot": "", "mail": NO_CONSENT, "sms": NO_CONSENT}


def test_a_newer_order_opens_a_channel_that_was_left_but_not_one_that_was_stopped(db: Database) -> None:
    say(db, True, "09:00", how=AT_THE_TILL)
    say(db, False, "10:00", channel="mail", how="one-click")
    say(db, False, "10:00", channel="bot", how=STOP)
    say(db, True, "11:00", how=AT_THE_TILL)
    assert refused(db) == {"": "", "bot": OPTED_OUT, "mail": "", "sms": ""}


def _stop_and_start(db: Database, at: str, *, back: bool) -> None:
    def work(connection: sa.Connection) -> None:
        who: dict[str, Any] = {"customer_id": WHO, "channel": "bot", "at": moment(at)}
        if back:
            start(connection, db.dialect, **who, channels=CHANNELS)
        else:
            stop(connection, db.dialect, **who, how=STOP)

    db.run(work)


@pytest.mark.parametrize("allowed", [True, False])
def test_what_is_stopped_and_started_again_is_as_it_was(db: Database, allowed: bool) -> None:
    """Taking back a stop gives no consent that there never was."""
    if allowed:
        say(db, True, "09:00", how=AT_THE_TILL)
    before = refused(db)
    _stop_and_start(db, "10:00", back=False)
    assert refused(db)["bot"] == OPTED_OUT and refused(db, "feedback")["bot"] == OPTED_OUT
    assert refused(db)["mail"] == before["mail"]
    _stop_and_start(db, "11:00", back=True)
    assert refused(db) == before and refused(db, "feedback") == in_all("")
    assert db.run(lambda connection: connection.execute(sa.select(optouts)).all()) == []


def test_starting_takes_back_only_what_was_stopped(db: Database) -> None:
    say(db, False, "09:00", cls="feedback")
    _stop_and_start(db, "11:00", back=True)
    assert refused(db, "feedback") == in_all(OPTED_OUT)


@pytest.mark.parametrize("given", [True, False])
@pytest.mark.parametrize("at", ["08:30", "11:30"])
def test_what_an_order_says_counts_in_its_own_batch_as_it_will_be_kept(db: Database, given: bool, at: str) -> None:
    say(db, True, "09:00")
    say(db, False, "10:00", channel="mail", how="one-click")
    say(db, False, "10:00", channel="bot", how=STOP)
    foreseen = standing(db).told_by_order(moment(at), given)
    say(db, given, at, how=AT_THE_TILL)
    after = standing(db)
    for name in ("", *CHANNELS):
        assert foreseen.refusal("marketing", name) == after.refusal("marketing", name), name
