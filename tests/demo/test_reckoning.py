"""The reckoning agrees with a week that went well, and finds every difference that is planted."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from hub.sandbox.evidence import Evidence, gather, hash_of
from hub.sandbox.reckoning import CHECKS, differences, failed, reckon, the_day
from hub.sandbox.stage import Stage
from hub.sandbox.story import CASES
from hub.store.tables import InboxState

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def evidence(week: Stage) -> Evidence:
    return await gather(week)


class Changed:
    """A row with some of its columns changed."""

    def __init__(self, row: Any, **columns: Any) -> None:
        self._row, self._columns = row, columns

    def __getattr__(self, name: str) -> Any:
        return self._columns[name] if name in self._columns else getattr(self._row, name)


def wrong(evidence: Evidence) -> list[str]:
    """The checks that found something."""
    return [line.what for line in reckon(evidence) if line.differences]


async def test_a_week_that_went_well_has_no_differences(evidence: Evidence) -> None:
    lines = reckon(evidence)
    assert differences(lines) == []
    assert not failed(lines)
    assert len(lines) == len(CHECKS)
    assert all(line.n > 0 for line in lines)


async def test_the_day_is_summed_up(evidence: Evidence) -> None:
    day = the_day(evidence, {case.key: case.locale[:2] for case in CASES})
    assert day.orders == len(CASES)
    assert day.parcels > 20
    assert day.repeated > 8
    assert sum(day.by_channel.values()) == day.arrived == len(evidence.arrivals)
    assert set(day.by_locale) == {"uk", "pl", "en", "ru"}
    assert day.unknown == 1
    assert day.deferred > 0
    assert sum(day.silent.values()) > 0


def lose_webhook(it: Evidence) -> Evidence:
    return replace(it, inbox={key: state for key, state in it.inbox.items() if key != it.taken[5]})


def miscount_repeats(it: Evidence) -> Evidence:
    return replace(it, repeated=it.repeated - 1)


def bury_event(it: Evidence) -> Evidence:
    dead = Changed(it.events[3], state=InboxState.DEAD, error="unreadable")
    return replace(it, events=[dead, *it.events[:3], *it.events[4:]])


def drop_mail(it: Evidence) -> Evidence:
    gone = next(each for each in it.arrivals if each.channel == "mail")
    return replace(it, arrivals=[each for each in it.arrivals if each is not gone])


def repeat_mail(it: Evidence) -> Evidence:
    again = next(each for each in it.arrivals if each.channel == "mail")
    return replace(it, arrivals=[*it.arrivals, again])


def forget_attempt(it: Evidence) -> Evidence:
    gone = next(each for each in it.attempts if each.connection == "bot" and each.outcome == "accepted")
    return replace(it, attempts=[each for each in it.attempts if each is not gone])


def lose_text(it: Evidence) -> Evidence:
    gone = next(each for each in it.arrivals if each.channel == "sms-backup")
    return replace(it, arrivals=[each for each in it.arrivals if each is not gone])


def call_twice(it: Evidence) -> Evidence:
    return replace(it, calls=[*it.calls, it.calls[7]])


def forget_answer(it: Evidence) -> Evidence:
    return replace(it, surveys=[row for row in it.surveys if row.state != "partial"])


def write_elsewhere(it: Evidence) -> Evidence:
    return replace(it, written=["olha"])


def move_headline(it: Evidence) -> Evidence:
    return replace(it, orders=[Changed(it.orders[0], headline="problem"), *it.orders[1:]])


def swap_texts(it: Evidence) -> Evidence:
    changed = [Changed(row, template="packed") if row.template == "shipped" else row for row in it.messages]
    return replace(it, messages=changed)


def call_nobody(it: Evidence) -> Evidence:
    kept = [row for row in it.messages if not row.recipient.startswith("staff:taras")]
    return replace(it, messages=kept)


def fail_message(it: Evidence) -> Evidence:
    return replace(it, messages=[Changed(it.messages[0], state="failed"), *it.messages[1:]])


def learn_code(it: Evidence) -> Evidence:
    return replace(it, unmapped=[])


def leave_on_wire(it: Evidence) -> Evidence:
    return replace(it, messages=[Changed(it.messages[0], state="on_wire"), *it.messages[1:]])


PLANTED: list[tuple[Callable[[Evidence], Evidence], str]] = [
    (lose_webhook, "webhooks answered 2xx are in the inbox"),
    (miscount_repeats, "webhooks that came again, or after a poll, were known as such"),
    (bury_event, "events were applied; none is dead or waits"),
    (drop_mail, "mails that arrived are attempts of the database, one for one"),
    (repeat_mail, "mails that arrived are attempts of the database, one for one"),
    (repeat_mail, "messages that arrived were told once"),
    (forget_attempt, "Telegram messages that arrived are attempts of the database, one for one"),
    (lose_text, "SMS that arrived are attempts of the database, one for one"),
    (call_twice, "calls that arrived at the CRM are errands of the database, one for one"),
    (forget_answer, "surveys are answered as in the story"),
    (write_elsewhere, "orders that were written to in a shop are the story's"),
    (move_headline, "orders end with the headline of the story"),
    (swap_texts, "messages to customers are the story's, in its order"),
    (call_nobody, "messages to staff are the story's, in its order"),
    (fail_message, "messages that nobody could be reached with are the story's"),
    (learn_code, "unknown codes are in quarantine, and no other"),
    (leave_on_wire, "messages are finished; none is on the wire or overdue"),
]


@pytest.mark.parametrize(("plant", "what"), PLANTED, ids=[plant.__name__ for plant, _ in PLANTED])
async def test_a_planted_difference_is_found(
    evidence: Evidence, plant: Callable[[Evidence], Evidence], what: str
) -> None:
    assert what in wrong(plant(evidence))


async def test_every_check_can_fail() -> None:
    assert {what for _, what in PLANTED} == set(CHECKS)


async def test_one_message_told_by_two_channels_is_told_twice(evidence: Evidence) -> None:
    sent = next(row for row in evidence.attempts if row.connection == "mail" and row.outcome == "accepted")
    arrival = next(each for each in evidence.arrivals if each.mark == sent.key)
    other = Changed(sent, connection="bot", provider_id="77", address_hash="abc", id=10**6)
    doubled = replace(
        evidence,
        attempts=[*evidence.attempts, other],
        arrivals=[*evidence.arrivals, replace(arrival, channel="bot", mark="77/abc")],
    )
    assert "messages that arrived were told once" in wrong(doubled)


async def test_what_is_urgent_may_come_by_two_channels_and_once_by_each(evidence: Evidence) -> None:
    said = [row.id for row in evidence.messages if row.template == "pickup-last-day" and row.recipient == "customer"]
    tries = [row for row in evidence.attempts if row.message_id in said and row.connection == "ziarno-sms"]
    arrival = next(each for each in evidence.arrivals if each.mark == tries[0].key)
    assert wrong(evidence) == []
    again = wrong(replace(evidence, arrivals=[*evidence.arrivals, arrival]))
    assert "messages that arrived were told once" in again


@pytest.mark.parametrize("shop", ["main-shop", "woo"])
async def test_bodies_are_compared_as_the_shop_wrote_them(shop: str) -> None:
    assert hash_of({"b": "é", "a": 1}, shop) != hash_of({"a": 1, "b": "é"}, shop)
