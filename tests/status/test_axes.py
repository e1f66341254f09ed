"""The values of the four axes and the moves between them are those of STATUS.md, section 1, and no others."""

from datetime import datetime

import pytest

from hub.status import (
    FAULT,
    FINAL,
    RANK,
    RULES,
    TELL_STAFF,
    VALUES,
    Axis,
    HeadlineValue,
    Order,
    Payment,
    Reason,
    Return,
    Shipment,
    Status,
    Way,
    allowed,
    axis_of,
    full_name,
    parse_reason,
    parse_status,
)

from .making import fact, moment
from .moves import TABLE, may_move


def test_every_value_of_every_axis_has_a_rule() -> None:
    assert set(RULES) == {value for values in VALUES.values() for value in values}
    assert {full_name(value) for value in RULES} == set(TABLE)


@pytest.mark.parametrize("value", RULES, ids=full_name)
def test_rank_stage_and_end_are_those_of_the_table(value: Status) -> None:
    row = TABLE[full_name(value)]
    assert (RANK[value], RULES[value].stage, value in FINAL) == (row.rank, row.stage, row.final)


@pytest.mark.parametrize("axis", Axis)
@pytest.mark.parametrize("way", Way)
def test_no_move_exists_outside_the_table(axis: Axis, way: Way) -> None:
    for state in VALUES[axis]:
        for value in VALUES[axis]:
            if value is not state:
                expected = may_move(full_name(state), full_name(value), way)
                assert allowed(state, value, way) == expected, (state, value)


def test_ranks_of_an_axis_are_all_different() -> None:
    for values in VALUES.values():
        assert len({RANK[value] for value in values}) == len(values)


def test_the_same_word_of_two_axes_is_two_things() -> None:
    assert Order.ON_HOLD != Shipment.ON_HOLD
    assert len({Order.ON_HOLD, Shipment.ON_HOLD, HeadlineValue.ON_HOLD}) == 3
    assert Payment.REFUNDED not in (Return.REFUNDED, HeadlineValue.REFUNDED)


def test_a_value_equals_its_plain_text() -> None:
    assert Order.ON_HOLD == "on_hold"
    assert Shipment.ON_HOLD == "on_hold"
    assert {"on_hold": 1}[Order.ON_HOLD] == 1
    assert f"{Shipment.ON_HOLD}" == "on_hold"


@pytest.mark.parametrize("value", RULES, ids=full_name)
def test_a_status_is_read_back_from_its_full_name(value: Status) -> None:
    assert parse_status(full_name(value)) is value
    assert full_name(value).startswith(f"{axis_of(value)}.")


AXES = "order, payment, shipment, return"
ORDER = "received, on_hold, processing, picking, packed, completed, cancelled"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "shipment.deliverd",
            "there is no shipment status 'deliverd'; "
            "expected: a status of the shipment axis; did you mean 'delivered'?",
        ),
        ("order.pakced", f"there is no order status 'pakced'; there are: {ORDER}; did you mean 'packed'?"),
        ("shipmnt.delivered", f"there is no axis 'shipmnt'; there are: {AXES}; did you mean 'shipment'?"),
        ("parcel.delivered", f"there is no axis 'parcel'; there are: {AXES}; did you mean 'shipment.delivered'?"),
        (
            "delivered",
            "'delivered' is not of the form axis.value; "
            "expected: a status such as shipment.delivered; did you mean 'shipment.delivered'?",
        ),
        ("foo", "'foo' is not of the form axis.value; expected: a status such as shipment.delivered"),
        (
            "order.delivered",
            f"there is no order status 'delivered'; there are: {ORDER}; did you mean 'shipment.delivered'?",
        ),
        ("x.y", f"there is no axis 'x'; there are: {AXES}"),
    ],
)
def test_a_wrong_status_is_named_with_the_nearest_right_one(name: str, message: str) -> None:
    with pytest.raises(ValueError) as refused:
        parse_status(name)
    assert str(refused.value) == message


def test_a_wrong_reason_is_named_with_the_nearest_right_one() -> None:
    assert parse_reason("lost") is Reason.LOST
    expected = "there is no reason 'not_home'; expected: a reason such as lost; did you mean 'not_at_home'"
    with pytest.raises(ValueError, match=expected):
        parse_reason("not_home")


def test_a_far_off_word_means_nothing() -> None:
    with pytest.raises(ValueError) as refused:
        parse_reason("stolen")
    assert str(refused.value) == f"there is no reason 'stolen'; there are: {', '.join(Reason)}"


def test_every_reason_has_a_fault() -> None:
    assert set(FAULT) == set(Reason)
    assert len(Reason) == 30
    assert len(TELL_STAFF) == 11


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        fact("shipped", "10:00", received_at=datetime(2026, 3, 2, 10))
    assert fact("shipped", "10:00").at == moment("10:00")


def test_a_value_of_another_axis_is_refused() -> None:
    known = fact("shipped", "10:00")
    with pytest.raises(ValueError, match="'shipped' is not a value of the order axis"):
        type(known)(
            "k", "s", Axis.ORDER, Shipment.SHIPPED, None, known.at, known.precision, "s", known.level, False,
            known.way, None, known.native, known.at,
        )  # fmt: skip
