"""The figures of FLOWS 6 and 7, as they are written there and not as a constant of ours says."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hub.config.model import Cap, Contact
from hub.model import Customer, Receipt, ReceiptState
from hub.pipeline.guards import Defer, Drop, is_capped
from hub.plugin import Accepted, Outcome, Outgoing, Permanent
from hub.store import tables
from tests.e2e.hamlet import Hamlet, hamlet

from .fakes import moment, notify, order
from .test_guards import decided

BOTH = Customer(email="o@x.example", phone="+380671234567")
AT_ONCE = Contact({"default": ("mail",)}, settle=timedelta(0))


def says(template: str, *via: str, on: str = "order.received", **more: Any) -> dict[str, Any]:
    return {"on": on, "steps": [notify(template, via=list(via), **more)]}


async def arrives(it: Hamlet, ref: str = "1", *words: str) -> None:
    at = f"{it.clock.now():%H:%M}"
    order_ = order(at, "order.received", *words, ref=ref, placed=at, customer=BOTH)
    await it.hear("shop", f"order:{ref}", order_)


# ------------------------------------------------------------------------------------------------ "within 48 h"


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        pytest.param(20.5, ["mail", "sms"], id="the next day"),
        pytest.param(47.9, ["mail", "sms"], id="within 48 h"),
        pytest.param(48.1, ["mail"], id="later"),
    ],
)
async def test_a_bounce_within_two_days_undoes_reached(tmp_path: Path, hours: float, said: list[str]) -> None:
    async def taken(channel: str, message: Outgoing) -> Outcome:
        return Accepted("provider-1")

    async with hamlet(tmp_path, {"greet": says("order-received", "mail", "sms")}, contact=AT_ONCE) as it:
        it.board.outcomes["mail"] = taken
        await arrives(it)
        await it.advance(hours=hours)
        bounce = Receipt(provider_id="provider-1", state=ReceiptState.FAILED, at=it.clock.now(), dead_address=True)
        await it.hear("mail", "receipt", bounce)
        assert [channel for channel, _ in it.board.sent] == said


# ------------------------------------------------------------------------------------------------ "it waits 12 h"


@pytest.mark.parametrize("hours", [1, 5.5, 11.9])
def test_a_text_waits_twelve_hours_for_its_data(hours: float) -> None:
    created, now = moment("06:00"), moment("06:00") + timedelta(hours=hours)
    decision = decided(missing=("shipment.tracking_url",), created_at=created, now=now)
    assert isinstance(decision, Defer)
    assert decision.until <= moment("18:00")


@pytest.mark.parametrize("now", ["18:00", "18:01"])
def test_and_no_longer(now: str) -> None:
    decision = decided(missing=("shipment.tracking_url",), created_at=moment("06:00"), now=moment(now))
    assert decision == Drop("suppressed", "missing-data: shipment.tracking_url")


# ------------------------------------------------------------------------------------------------ staff are told once


async def test_staff_are_told_once_per_template_and_channel_that_it_is_refused(tmp_path: Path) -> None:
    async def refused(channel: str, message: Outgoing) -> Outcome:
        return Permanent("too long")

    flows = {
        "greet": says("order-received", "sms", "mail"),
        "packed": says("packed", "sms", "mail", on="order.packed"),
    }
    async with hamlet(tmp_path, flows, contact=AT_ONCE) as it:
        it.board.outcomes["sms"] = refused

        async def notices() -> list[tuple[str, str]]:
            """(template, channel) of each word to one of them."""
            mine = (tables.messages.c.template == "staff-notice", tables.messages.c.recipient == "staff:iryna")
            told = [row.doc["extra"]["notice"] for row in await it.rows(tables.messages, *mine)]
            return [(each["template"], each["channel"]) for each in told]

        await arrives(it, "1")
        assert await notices() == [("order-received", "sms")]
        await arrives(it, "2")
        assert await notices() == [("order-received", "sms")], "the same again"
        await arrives(it, "2", "order.packed")
        assert await notices() == [("order-received", "sms"), ("packed", "sms")], "another template"
        it.board.outcomes["mail"] = refused
        await arrives(it, "3")
        assert await notices() == [
            ("order-received", "sms"), ("packed", "sms"), ("order-received", "mail"),
        ], "another channel"  # fmt: skip


# ------------------------------------------------------------------------------------------------ "sliding window"


@pytest.mark.parametrize(
    ("microseconds", "capped"),
    [
        pytest.param(-1, True, id="in it"),
        pytest.param(0, False, id="at its end"),
        pytest.param(1, False, id="after it"),
    ],
)
def test_a_week_is_over_after_seven_days(microseconds: int, capped: bool) -> None:
    sent = [(moment("10:00"), "sms", "transactional")]
    now = moment("+7 10:00") + timedelta(microseconds=microseconds)
    cap = Cap(1, timedelta(days=7), channel="sms")
    assert is_capped((cap,), sent, connection="sms", cls="transactional", now=now) is capped


# ------------------------------------------------------------------------------------------------ "`urgent`: 0"


@pytest.mark.parametrize(
    ("urgent", "minutes", "said"),
    [
        pytest.param(True, 0, ["sms", "mail"], id="urgent does not wait for a receipt"),
        pytest.param(False, 29, ["sms"], id="an SMS has the half hour of the file"),
        pytest.param(False, 30, ["sms", "mail"], id="and no longer"),
    ],
)
async def test_how_long_a_receipt_is_waited_for(tmp_path: Path, urgent: bool, minutes: int, said: list[str]) -> None:
    contact = Contact({"default": ("mail",)}, settle=timedelta(0), receipt={"sms": timedelta(minutes=30)})
    flows = {"greet": says("order-received", "sms", "mail", urgent=urgent)}
    async with hamlet(tmp_path, flows, contact=contact) as it:
        await arrives(it)
        await it.advance(minutes=minutes)
        assert [channel for channel, _ in it.board.sent] == said
