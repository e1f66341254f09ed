"""Values as JSON, and back."""

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.pipeline.plain import attempt_key, from_plain, key_of, to_plain

LEAVES = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.floats(allow_nan=False, allow_infinity=False)
    | st.decimals(allow_nan=False, allow_infinity=False) | st.timedeltas(timedelta(days=-900), timedelta(days=900))
    | st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-3, minutes=-30))]))
)  # fmt: skip
NAMES = st.text(max_size=8) | st.sampled_from(["$time", "$amount", "$length", "$map"])
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3))


@given(VALUES)
@settings(max_examples=100, deadline=None)
def test_every_value_comes_back_equal(value: Any) -> None:
    """A shop's own attributes among them, whatever their keys look like."""
    assert from_plain(json.loads(json.dumps(to_plain(value)))) == value


def test_times_come_back_in_utc_and_amounts_to_the_last_digit() -> None:
    kyiv = datetime(2026, 7, 1, 12, tzinfo=ZoneInfo("Europe/Kyiv"))
    assert from_plain(to_plain(kyiv)).tzinfo is UTC
    assert str(from_plain(to_plain(Decimal("10.50")))) == "10.50"


@pytest.mark.parametrize(
    ("one", "other"), [(("a", "b"), ("ab",)), (("a", "b"), ("ab", "")), (("a", "b"), ("b", "a")), ((1,), (11,))]
)
def test_other_parts_make_another_key(one: tuple[Any, ...], other: tuple[Any, ...]) -> None:
    assert key_of(*one) != key_of(*other)


def test_an_attempts_key_is_32_hex_digits_of_message_and_channel() -> None:
    key = attempt_key("m", "mail")
    assert len(key) == 32 and int(key, 16)
    assert key == attempt_key("m", "mail") != attempt_key("m", "sms")
