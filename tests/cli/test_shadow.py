"""`hub shadow`: what staff see of a hub that said nothing."""

import asyncio
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hub.cli._shadow import report_of
from tests.e2e.town import town

from .test_run import get, running
from .test_run import shop as small
from .using import Shop

PARCEL = "20450999123456"
SINCE = ("--since", "2026-11-20")
ASKS = """
surveys: {after-paying: {template: five-questions, remind: 2h}}
flows: {ask: {on: payment.paid, steps: [{survey: {name: after-paying, via: letter}}]}}
"""
__all__ = ["small"]


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a hub that ran in shadow for two days: one order under way, one whose customer gave no address."""
    folder = tmp_path_factory.mktemp("shadow")
    asyncio.run(_live(folder))
    return folder


async def _live(folder: Path) -> None:
    async with town(folder, shadow=True) as it:
        order = it.shop.shop.create_order(gateway="shopify_payments", paid=True)
        it.shop.shop.create_order(email="", phone="")
        await it.advance(minutes=5)
        it.np.create(PARCEL)
        it.shop.shop.fulfil(order, PARCEL, "Nova Poshta")
        await it.advance(minutes=5)
        it.np.move(PARCEL, "105")
        await it.advance(hours=5)


@pytest.fixture
def shop(lived: Path, tmp_path: Path) -> Shop:
    """A copy of it."""
    folder = tmp_path / "shop"
    shutil.copytree(lived, folder)
    file = folder / "flows.yaml"
    file.write_text(file.read_text("utf-8").replace(str(lived), str(folder)), "utf-8")
    return Shop(folder)


def test_what_would_have_been_sent_is_listed(shop: Shop) -> None:
    found = shop.told("shadow", "list", *SINCE)
    assert [each["template"] for each in found] == ["order-received", "payment-received"]
    assert {each["channel"] for each in found} == {"mail"} and {each["to"] for each in found} == {"customer"}
    assert found[0]["begins"] and found[0]["order"].startswith("#")
    said = shop.hub("shadow", "list", *SINCE, "--flow", "paid").stdout
    assert "payment-received" in said and "order-received" not in said


def test_what_would_not_and_what_staff_would_have_got_is_listed_when_asked_for(shop: Shop) -> None:
    found = shop.told("shadow", "list", *SINCE, "--all")
    assert {"staff:olena", "customer"} == {each["to"] for each in found}
    assert {each["why_not"].partition(":")[0] for each in found if not each["would_be_sent"]} == {
        "nobody could be reached"
    }


def test_one_message_is_shown_as_its_reader_would_have_read_it(shop: Shop) -> None:
    first = shop.told("shadow", "list", *SINCE)[0]
    said = shop.hub("shadow", "show", first["id"])
    assert said.exit_code == 0 and first["order"] in said.stdout and "by mail at" in said.stdout
    content = shop.told("shadow", "show", first["id"])["content"]
    assert content["subject"] in said.stdout and content["text"].splitlines()[0] in said.stdout
    assert content["html"].startswith("<")


def test_what_is_no_shadows_is_not_shown(shop: Shop) -> None:
    said = shop.hub("shadow", "show", "m999")
    assert said.exit_code == 1 and "no message m999 was made in shadow" in said.stderr


def test_the_report_counts_and_names_nobody(shop: Shop) -> None:
    found = shop.told("shadow", "report", *SINCE)
    assert (found["messages"], found["customers"]) == (2, 1)
    assert [each["flow"] for each in found["flows"]] == ["confirm", "paid"]
    assert [(each["day"], each["messages"]) for each in found["days"]] == [("2026-11-24", 2)]
    assert len(found["silent"]) == 1 and found["staff"][0] == {
        "flow": "problem", "group": "support", "severity": "critical", "times": 1,
    }  # fmt: skip
    said = shop.hub("shadow", "report", *SINCE).stdout
    for part in ("2 messages to 1 customer", "By flow", "Not sent, and why", "would have heard nothing", "called for"):
        assert part in said
    assert "@" not in said and "Гриценко" not in said


async def test_an_invitation_to_a_survey_is_listed_shown_and_counted(tmp_path: Path) -> None:
    async with town(tmp_path, shadow=True, flows=ASKS) as it:
        it.shop.shop.create_order(gateway="shopify_payments", paid=True)
        await it.advance(hours=3)
    shop = Shop(tmp_path)

    def read() -> tuple[Any, str, Any]:
        found = shop.told("shadow", "list", *SINCE)
        return found, shop.hub("shadow", "show", found[0]["id"]).stdout, shop.told("shadow", "report", *SINCE)

    found, said, figures = await asyncio.to_thread(read)
    assert [(each["template"], each["would_be_sent"]) for each in found] == [
        ("five-questions", True), ("five-questions-reminder", True),
    ]  # fmt: skip
    assert "/s/" in said and found[0]["order"] in said
    assert (figures["messages"], figures["not_done"], figures["silent"]) == (2, [], [])


@pytest.mark.parametrize("since", ["7x", "2026-13-01", "soon", "999999999d"])
def test_a_period_that_cannot_be_read_is_one_line(shop: Shop, since: str) -> None:
    said = shop.hub("shadow", "report", "--since", since)
    assert said.exit_code == 2 and "--since: " in said.stderr


def test_status_says_that_the_hub_is_in_shadow(shop: Shop) -> None:
    assert "in shadow since 20" in shop.hub("status").stdout
    assert shop.told("status")["shadow_since"].startswith("2026-11-24T08:00")


# ------------------------------------------------------------------------------------------------ figures

AT = datetime(2026, 11, 24, 10, tzinfo=UTC)


def row(**more: Any) -> Any:
    given = {
        "recipient": "customer", "customer_id": "c1", "order_id": "shop:1", "number": "#1", "flow": "f",
        "template": "shipped", "connection": "sms", "state": "suppressed", "reason": "shadow", "finished_at": AT,
        "content": {"form": "sms", "text": "Your parcel is on its way"},
    }  # fmt: skip
    return SimpleNamespace(**{**given, **more})


def report(*rows: Any, **more: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "heard": (),
        "matters": (),
        "undone": (),
        "new": (),
        "since": AT,
        "until": AT,
        "clock": UTC,
        **more,
    }
    return report_of(rows, **given)


def test_sms_are_counted_in_segments_with_what_makes_them_dear() -> None:
    dear = row(template="ready", content={"form": "sms", "text": "Посилка чекає" * 6})
    mail = row(content={"form": "mail", "text": "Посилка" * 100})
    found = report(row(), row(), dear, mail)["sms"]
    assert [(each["template"], each["messages"], each["segments"], each["ucs2"]) for each in found] == [
        ("ready", 1, 2, 1), ("shipped", 2, 2, 0),
    ]  # fmt: skip
    assert set(found[0]["because_of"]) <= set("Посилкачекає") and found[1]["because_of"] == ""


def test_who_would_have_heard_more_than_three_in_a_day_is_pointed_out_by_the_order() -> None:
    others = [row(customer_id="c2", number="#2", finished_at=AT + timedelta(days=n)) for n in range(5)]
    found = report(*(row() for _ in range(4)), *others)["told_often"]
    assert found == [{"day": "2026-11-24", "messages": 4, "orders": ["#1"], "templates": ["shipped"] * 4}]


def test_what_flows_beside_the_shadows_really_said_is_held_against_a_day_and_no_silence() -> None:
    live = [row(state="sent", reason="", order_id="shop:2", number="#2") for _ in range(3)]
    new = [SimpleNamespace(id="shop:2", number="#2", headline="received")]
    found = report(row(), heard=live, new=new)
    assert (found["messages"], found["silent"]) == (1, [])
    assert [(each["messages"], each["orders"]) for each in found["told_often"]] == [(4, ["#1", "#2"])]


def test_what_would_not_have_gone_is_counted_by_the_guard() -> None:
    gone = row()
    untrue = [row(reason=f"no-longer-true: order.total was {n}") for n in range(2)]
    waits = row(state="due", reason="", finished_at=None, due_at=AT)
    found = report(gone, *untrue, waits, row(state="superseded", reason="superseded"))
    assert found["messages"] == 1
    assert {(each["why"], each["messages"]) for each in found["not_sent"]} == {
        ("no-longer-true", 2), ("not yet due", 1), ("superseded", 1),
    }  # fmt: skip


def test_silent_orders_and_steps_that_were_not_done() -> None:
    new = [SimpleNamespace(id=f"shop:{n}", number=f"#{n}", headline="received") for n in (1, 2)]
    line = SimpleNamespace(doc={"flow": "f", "result": "in shadow, so not done: call:crm"})
    found = report(row(), new=new, undone=[line, line])
    assert found["silent"] == [{"order": "#2", "status": "received"}]
    assert found["not_done"] == [{"flow": "f", "step": "call:crm", "times": 2}]


# ------------------------------------------------------------------------------------------------ hub run --shadow


async def test_a_hub_in_shadow_says_so_loudly_and_so_does_the_next_one(small: Shop) -> None:
    async with running(small, "--shadow") as it:
        assert it.ready.endswith(", in shadow)")
        assert (await get(f"{it.url}/readyz")).json()["shadow"] is True
        assert "hub_shadow 1\n" in (await get(f"{it.url}/metrics")).text
        assert (await asyncio.to_thread(small.told, "status"))["shadow_since"]
        assert await it.stop() == 0
        assert any(line["message"].startswith("SHADOW: nothing goes to customers") for line in it.log)
    async with running(small) as it:
        assert not it.ready.endswith(", in shadow)")
        assert (await get(f"{it.url}/readyz")).json()["shadow"] is False
        assert "hub_shadow 0\n" in (await get(f"{it.url}/metrics")).text
        assert (await asyncio.to_thread(small.told, "status"))["shadow_since"] is None
        assert await it.stop() == 0
        assert any("0 runs and 0 messages begun in shadow end in shadow" in line["message"] for line in it.log)
