"""From records to facts: keyed by content, at a time that can be believed."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.model import OrderSnapshot, ParcelNews, RefKind, Retraction, ReturnSnapshot, StatusEvent
from hub.pipeline.facts import StoredFact, Witness, facts_of, said_in_between, take_in
from hub.status import Axis, Fact, Level, Mode, Native, Order, Payment, Precision, Reason, Shipment, Way, fold

from .fakes import moment, native, order, parcel, scan, uah

POST = Witness("post", Level.CARRIER, moment("10:00"))
SHOP = Witness("shop", Level.SHOP, moment("10:00"))


def facts(record: Any, witness: Witness = POST) -> Sequence[StoredFact]:
    return list(facts_of(record, witness))


def event(at: str = "09:00", **more: Any) -> StatusEvent:
    return StatusEvent(RefKind.PARCEL, "p1", "1", native("shipment.shipped"), moment(at), **more)


WHOLE = order(
    "09:00", "order.packed", "payment.paid",
    parcels=(parcel("p1", "09:30", "shipment.shipped"),),
    returns=(ReturnSnapshot("r1", moment("09:45"), (native("return.requested"),)),),
)  # fmt: skip


def test_a_snapshot_gives_a_fact_for_each_native_at_its_own_version() -> None:
    found = [(fact.subject, fact.native.code, fact.at, fact.snapshot) for fact in facts(WHOLE, SHOP)]
    assert found == [
        ("o", "order.packed", moment("09:00"), True),
        ("o", "payment.paid", moment("09:00"), True),
        ("p:p1", "shipment.shipped", moment("09:30"), True),
        ("r:r1", "return.requested", moment("09:45"), True),
    ]


@pytest.mark.parametrize("record", [WHOLE, event(), event(event_id="e7"), scan("P1", "shipped", "09:00")])
def test_a_key_is_made_of_content_and_never_of_the_delivery(record: Any) -> None:
    again = replace(POST, received_at=moment("+3 10:00"), mode=Mode.IMPORT)
    assert [fact.key for fact in facts(record)] == [fact.key for fact in facts(record, again)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (scan("P1", "shipped", "09:00"), scan("P1", "shipped", "09:01")),
        (scan("P1", "shipped", "09:00"), scan("P1", "delivered", "09:00")),
        (scan("P1", "shipped", "09:00", event_id="1"), scan("P1", "shipped", "09:00", event_id="2")),
        (order("09:00", "order.packed"), order("09:01", "order.packed")),
    ],
)
def test_other_content_has_another_key(one: Any, other: Any) -> None:
    assert facts(one)[0].key != facts(other)[0].key


def test_texts_do_not_make_another_fact() -> None:
    one, other = scan("P1", "shipped", "09:00", text="Posted"), scan("P1", "shipped", "09:00", text="Надіслано")
    assert facts(one)[0].key == facts(other)[0].key


MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("ahead", "at", "flagged"),
    [
        (-MINUTE, moment("09:59"), False),
        (10 * MINUTE, moment("10:10"), False),
        (10 * MINUTE + timedelta(seconds=1), moment("10:00"), True),
        (timedelta(days=900), moment("10:00"), True),
    ],
)
def test_a_clock_that_runs_ahead_is_believed_for_ten_minutes(ahead: timedelta, at: datetime, flagged: bool) -> None:
    checkpoint = replace(scan("P1", "shipped", "10:00"), at=moment("10:00") + ahead)
    snapshot = replace(order("10:00", "order.packed"), version=moment("10:00") + ahead)
    for record in (checkpoint, snapshot):
        (fact,) = facts(record)
        assert (fact.at, fact.clock) == (at, flagged)


@pytest.mark.parametrize(
    ("end_of_day", "at", "flagged"),
    [
        pytest.param("-1 21:59", moment("-1 21:59"), False, id="yesterday"),
        pytest.param("21:59", moment("10:00"), False, id="today: not after we heard of it"),
        pytest.param("+1 21:59", moment("10:00"), True, id="tomorrow"),
    ],
)
def test_of_a_day_the_end_counts_but_not_after_we_heard_of_it(end_of_day: str, at: datetime, flagged: bool) -> None:
    (fact,) = facts(scan("P1", "shipped", end_of_day, precision=Precision.DAY))
    assert (fact.at, fact.clock, fact.precision) == (at, flagged, Precision.DAY)


def cancelled(*codes: str, reason: Reason | None = Reason.OUT_OF_STOCK) -> OrderSnapshot:
    return order("09:00", *codes, cancel_reason=reason)


def test_the_reason_of_a_cancellation_rides_on_the_word_that_cancels() -> None:
    reasons = {fact.native.code: fact.native.reason for fact in facts(cancelled("payment.paid", "order.cancelled"))}
    assert reasons == {"payment.paid": None, "order.cancelled": Reason.OUT_OF_STOCK}


def test_a_reason_of_the_words_own_is_kept() -> None:
    own = replace(cancelled(), natives=(Native("shop", "order.cancelled", reason=Reason.FRAUD_CHECK),))
    assert [fact.native.reason for fact in facts(own)] == [Reason.FRAUD_CHECK]


def test_a_retraction_names_the_event_it_takes_back() -> None:
    taken = facts(event(event_id="e7"), SHOP)[0]
    (back,) = facts(Retraction("1", "e7", moment("10:00")), SHOP)
    assert back.retracts == taken.key
    assert facts(Retraction("1", "e8", moment("10:00")), SHOP)[0].retracts != taken.key


def test_news_and_removals_are_no_facts() -> None:
    assert facts(ParcelNews("P1", moment("09:00"))) == []


FULL = StoredFact(
    "n:P1", "k", "post", Level.CARRIER, Native("post", "7/doors", "In town", Reason.DELAYED), moment("09:00"),
    moment("10:00"), Precision.DAY, True, Way.BACK, "other", Mode.IMPORT, "text", "place", True,
    Decimal("10.00"), Decimal(0),
)  # fmt: skip


@pytest.mark.parametrize("fact", [FULL, facts(scan("P1", "shipped", "09:00"))[0]], ids=["full", "bare"])
def test_a_fact_comes_back_from_its_row_as_it_was(fact: StoredFact) -> None:
    columns = {"subject": fact.subject, "key": fact.key, "source": fact.source}
    stored = SimpleNamespace(**columns, vocabulary=fact.native.vocabulary, code=fact.native.code, doc=fact.to_json())
    assert StoredFact.from_row(stored) == fact


@given(st.permutations(range(9)), st.lists(st.sampled_from(["a", "b"]), min_size=9, max_size=9))
@settings(max_examples=60, deadline=None)
def test_equal_words_in_between_can_be_left_out_whatever_comes_late(order: list[int], codes: list[str]) -> None:
    """What is kept comes to the state that everything comes to, at every moment and in every order of arrival."""
    meaning = {"a": Order.PROCESSING, "b": Order.ON_HOLD}
    kept: list[StoredFact] = []
    everything: list[StoredFact] = []
    for place in order:
        at = moment("12:00") + timedelta(hours=place)
        fact = StoredFact("o", f"k{place}", "shop", Level.SHOP, Native("v", codes[place]), at, at, snapshot=True)
        kept, everything = [*kept, fact], [*everything, fact]
        needless = said_in_between(kept, lambda each: meaning[each.native.code])
        kept = [each for each in kept if (each.subject, each.key) not in needless]
        assert _folded(kept, meaning) == _folded(everything, meaning)


def _folded(facts: list[StoredFact], meaning: dict[str, Order]) -> Any:
    folded = fold(
        Axis.ORDER,
        [
            Fact(
                each.key, "o", Axis.ORDER, meaning[each.native.code], None, each.at, each.precision, each.source,
                each.level, each.snapshot, each.way, None, each.native, each.received_at,
            )
            for each in facts
        ],
    )  # fmt: skip
    return folded.state


WORDS = st.sampled_from(["in_transit", "out_for_delivery", "delivered", "problem"])
TIMES = st.integers(0, 20).map(lambda step: moment("10:00") + timedelta(minutes=4 * step))


@st.composite
def heard(draw: st.DrawFn) -> list[StoredFact]:
    """What a shop answers of the order and of its parcel, each time it is asked, and among it, at any time and heard at
    any time, what a post and the shop itself say happened."""
    events = [
        _said(draw(st.sampled_from(["post", "shop"])), "n:P1", draw(WORDS), draw(TIMES), snapshot=False)
        for _ in range(draw(st.integers(1, 4)))
    ]
    answers = [
        _said("shop", subject, draw(st.sampled_from(["in_transit", "delivered"])), at, snapshot=True)
        for at in sorted(draw(st.lists(TIMES, min_size=3, max_size=8)))
        for subject in draw(st.sampled_from([("o",), ("p:1",), ("o", "p:1")]))
    ]
    for event in events:
        answers.insert(draw(st.integers(0, len(answers))), event)
    return answers


def _said(source: str, subject: str, code: str, at: datetime, *, snapshot: bool) -> StoredFact:
    key = f"{source}|{subject}|{code}|{at}|{snapshot}"
    return StoredFact(subject, key, source, Level.CARRIER, Native("v", code), at, at, snapshot=snapshot)


@given(heard())
@settings(max_examples=150, deadline=None)
def test_equal_words_in_between_can_be_left_out_whatever_happened_among_them(facts: list[StoredFact]) -> None:
    kept: dict[tuple[str, str], StoredFact] = {}
    everything: dict[tuple[str, str], StoredFact] = {}
    for fact in facts:
        take_in(kept, [fact])
        take_in(everything, [fact])
        for place in said_in_between(list(kept.values()), lambda each: Shipment(each.native.code)):
            del kept[place]
        assert _shipment(kept.values()) == _shipment(everything.values())
    assert len(kept) <= len(everything)


def test_a_word_beside_other_amounts_is_another_word() -> None:
    amounts = [("09:00", "40"), ("09:10", "40"), ("09:20", "40"), ("09:30", "100"), ("09:40", "100")]
    said = [
        fact
        for at, refunded in amounts
        for fact in facts(order(at, "payment.refunded", paid=uah("100"), refunded=uah(refunded)), SHOP)
    ]
    needless = said_in_between(said, lambda each: Payment.REFUNDED)
    assert [fact.at for fact in said if (fact.subject, fact.key) in needless] == [moment("09:10")]


def test_a_word_repeated_ever_so_often_is_kept_twice() -> None:
    kept: dict[tuple[str, str], StoredFact] = {}
    for minute in range(500):
        take_in(kept, [_said("shop", "o", "delivered", moment("10:00") + minute * MINUTE, snapshot=True)])
        for place in said_in_between(list(kept.values()), lambda each: Shipment(each.native.code)):
            del kept[place]
    assert len(kept) == 2


def _shipment(facts: Iterable[StoredFact]) -> Any:
    """All that a fold comes to, but its lines."""
    folded = fold(
        Axis.SHIPMENT,
        [
            Fact(
                each.key, "s", Axis.SHIPMENT, Shipment(each.native.code), None, each.at, each.precision, each.source,
                each.level, each.snapshot, each.way, None, each.native, each.received_at, about=each.subject,
            )
            for each in facts
        ],
    )  # fmt: skip
    return folded.state, folded.since, folded.reason, folded.entered
