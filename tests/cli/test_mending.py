"""Commands that mend: dead letters, unmapped codes."""

from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from hub.store import tables as t

from .test_looking import event
from .using import Shop

WHEN = datetime(2026, 11, 24, 9, tzinfo=UTC)


def first(shop: Shop, table: sa.Table, *where: Any) -> Any:
    return shop.rows(sa.select(table).where(*where).order_by(table.c.id))[0]


@pytest.fixture
def failed(shop: Shop) -> str:
    """The id of a message that nobody received."""
    row = first(shop, t.messages, t.messages.c.recipient == "customer")
    doc = {**row.doc, "tried": ["bot", "mail"], "first_try_at": WHEN.isoformat()}
    values = {"state": "failed", "reason": "no channel left", "tries": 3, "connection": "mail", "doc": doc}
    shop.change(sa.update(t.messages).where(t.messages.c.id == row.id).values(**values, finished_at=WHEN))
    return f"m{row.id}"


@pytest.fixture
def parked(shop: Shop) -> str:
    """The id of a run that could not go on."""
    row = first(shop, t.runs, t.runs.c.state == "waiting")
    doc = {**row.doc, "run": {**row.doc["run"], "steps": 1000}}
    values = {"state": "parked", "reason": "more than 1000 steps", "ended_at": WHEN, "doc": doc}
    shop.change(sa.update(t.runs).where(t.runs.c.id == row.id).values(**values))
    return f"r{row.id}"


@pytest.fixture
def dead(shop: Shop) -> str:
    """The id of an event that nobody can read, about an order that is there."""
    order = shop.rows(sa.select(t.orders))[0]
    shop.change(
        event(subject=f"order:{order.ref}", state=9, error="unreadable"),
        sa.update(t.orders).where(t.orders.c.id == order.id).values(incomplete=1),
    )
    return f"e{first(shop, t.inbox, t.inbox.c.state == 9).id}"


class TestDeadLetters:
    def test_none_is_said_in_words(self, shop: Shop) -> None:
        assert "no dead letters" in shop.hub("deadletter", "list").stdout
        assert shop.told("deadletter", "list") == []

    def test_all_kinds_are_listed_with_their_reasons(self, shop: Shop, dead: str, failed: str, parked: str) -> None:
        timer = first(shop, t.timers)
        shop.change(sa.update(t.timers).where(t.timers.c.id == timer.id).values(state=9))
        rows = {row["id"]: row["reason"] for row in shop.told("deadletter", "list")}
        assert rows[dead] == "unreadable" and rows[failed] == "no channel left"
        assert rows[parked] == "more than 1000 steps" and f"t{timer.id}" in rows
        assert "4 dead letters" in shop.hub("deadletter", "list").stdout

    def test_a_replayed_event_is_pending_and_its_order_whole_again(self, shop: Shop, dead: str) -> None:
        assert shop.hub("deadletter", "replay", dead).exit_code == 0
        assert first(shop, t.inbox, t.inbox.c.id == int(dead[1:])).state == 0
        assert {row.incomplete for row in shop.rows(sa.select(t.orders))} == {0}

    def test_an_order_stays_incomplete_while_another_letter_speaks_of_it(self, shop: Shop, dead: str) -> None:
        row = first(shop, t.inbox, t.inbox.c.id == int(dead[1:]))
        shop.change(event(subject=row.subject, state=9, error="another"))
        shop.hub("deadletter", "dismiss", dead)
        assert max(row.incomplete for row in shop.rows(sa.select(t.orders))) == 1

    def test_a_replayed_message_is_due_with_every_channel_untried(self, shop: Shop, failed: str) -> None:
        assert shop.hub("deadletter", "replay", failed).exit_code == 0
        row = first(shop, t.messages, t.messages.c.id == int(failed[1:]))
        assert (row.state, row.reason, row.tries, row.connection, row.finished_at) == ("due", "", 0, "", None)
        assert row.doc["tried"] == [] and row.doc["first_try_at"] is None and row.due_at > WHEN

    def test_a_dismissed_message_stays_failed_and_is_shown_no_longer(self, shop: Shop, failed: str) -> None:
        shop.hub("deadletter", "dismiss", failed, "--reason", "called her")
        row = first(shop, t.messages, t.messages.c.id == int(failed[1:]))
        assert (row.state, row.reason) == ("failed", "dismissed: called her")
        assert shop.told("deadletter", "list") == []

    def test_a_replayed_run_waits_for_its_timer_which_is_due(self, shop: Shop, parked: str) -> None:
        shop.hub("deadletter", "replay", parked)
        row = first(shop, t.runs, t.runs.c.id == int(parked[1:]))
        timer = first(shop, t.timers, t.timers.c.key == f"run:{row.key}")
        assert (row.state, row.ended_at, row.doc["run"]["steps"], timer.state) == ("waiting", None, 0, 0)

    def test_a_dismissed_run_is_stopped(self, shop: Shop, parked: str) -> None:
        shop.hub("deadletter", "dismiss", parked)
        assert first(shop, t.runs, t.runs.c.id == int(parked[1:])).state == "stopped"

    def test_a_timer_fires_again_or_never(self, shop: Shop) -> None:
        timer = first(shop, t.timers)
        for command, state in (("replay", 0), ("dismiss", 1)):
            shop.change(sa.update(t.timers).where(t.timers.c.id == timer.id).values(state=9))
            assert shop.hub("deadletter", command, f"t{timer.id}").exit_code == 0
            assert first(shop, t.timers, t.timers.c.id == timer.id).state == state

    def test_one_wrong_id_changes_nothing(self, shop: Shop, failed: str) -> None:
        said = shop.hub("deadletter", "replay", failed, "m99999")
        assert said.exit_code == 1 and "there is no dead message m99999" in said.stderr
        assert first(shop, t.messages, t.messages.c.id == int(failed[1:])).state == "failed"

    def test_only_what_is_dead_is_replayed(self, shop: Shop) -> None:
        sent = first(shop, t.messages, t.messages.c.state == "sent")
        for wrong in (f"m{sent.id}", "e1", "r99", "t1"):
            assert shop.hub("deadletter", "replay", wrong).exit_code == 1
        for impossible in ("x1", "m", "m-1", "12"):
            assert shop.hub("deadletter", "replay", impossible).exit_code == 2


def unmapped_row(**more: Any) -> sa.Insert:
    row = {
        "tenant": t.TENANT, "connection": "nova-poshta", "vocabulary": "nova_poshta", "code": "X17", "label": "",
        "count": 3, "first_seen": WHEN, "last_seen": WHEN, "examples": [{"order": "main-shop:1", "subject": "n:2"}],
    }  # fmt: skip
    return sa.insert(t.unmapped).values(**{**row, **more})


def fact(number: Any, code: str, at: float, *, key: str = "") -> sa.Insert:
    """A word of the carrier's about a parcel."""
    doc = {"level": 3, "at": at, "received": at}
    row = {
        "tenant": t.TENANT, "order_id": number.order_id, "subject": f"n:{number.number}", "key": key or code,
        "source": "nova-poshta", "vocabulary": "nova_poshta", "code": code, "doc": doc,
    }  # fmt: skip
    return sa.insert(t.facts).values(**row)


class TestUnmapped:
    def test_codes_are_listed_with_a_line_to_paste(self, shop: Shop) -> None:
        shop.change(unmapped_row(label="On its way to you"), unmapped_row(code="42", count=9))
        first_, second = shop.told("unmapped", "list")
        assert (first_["code"], first_["proposal"], first_["line"]) == ("42", "", 'nova-poshta: {"42": AXIS.STATUS}')
        assert second["proposal"] == "shipment.in_transit" and "the name says" in second["ground"]
        said = shop.hub("unmapped", "list").stdout
        assert "nova-poshta: {X17: shipment.in_transit}" in said and "main-shop:1" in said and "9 times" in said

    def test_no_code_is_said_in_words(self, shop: Shop) -> None:
        assert shop.hub("unmapped", "list").stdout == "no unmapped codes\n"

    def test_examples_say_what_came_before_and_after(self, shop: Shop) -> None:
        number = shop.rows(sa.select(t.numbers))[0]
        known = shop.rows(sa.select(t.facts).where(t.facts.c.subject == f"n:{number.number}"))
        first_at = min(each.doc["at"] for each in known)
        shop.change(fact(number, "X17", first_at + 1), fact(number, "X18", first_at + 10**6))
        for code in ("X17", "X18"):
            where = {"order": number.order_id, "subject": f"n:{number.number}", "key": code}
            shop.change(unmapped_row(code=code, examples=[where]))
        one, other = (row["examples"][0] for row in shop.told("unmapped", "list"))
        assert (one["before"], one["after"]) == ("announced", "in_transit")
        assert (other["before"], other["after"]) == ("ready_for_pickup", "")
        said = shop.hub("unmapped", "list").stdout
        assert f"parcel {number.number}: announced before, in_transit after" in said
        assert "ready_for_pickup before, nothing after" in said

    def test_codes_that_only_a_pattern_knows_are_counted(self, shop: Shop) -> None:
        number = shop.rows(sa.select(t.numbers))[0]
        shop.change(*(fact(number, code, 10**9, key=code) for code in ("Y17", " y17", "Y18")))
        shop.file.write_text(
            shop.file.read_text("utf-8") + 'statuses: {nova-poshta: {"Y1*": shipment.on_hold}}\n', "utf-8"
        )
        found = {row["code"].strip().upper(): row for row in shop.told("unmapped", "list")}
        assert {code: (row["count"], row["by"], row["pattern"]) for code, row in found.items()} == {
            "Y17": (2, "merchant-pattern", "Y1*"), "Y18": (1, "merchant-pattern", "Y1*"),
        }  # fmt: skip
        said = shop.hub("unmapped", "list").stdout
        assert said.startswith("no unmapped codes\n") and "\nBy pattern\n" in said
        assert "\n  statuses: nova-poshta: {Y18: shipment.on_hold}\n" in said
        assert "\n  seen      2 times\n  by        merchant-pattern Y1*\n" in said

    def test_a_refused_file_keeps_no_code_from_being_listed(self, shop: Shop) -> None:
        shop.env = {}
        shop.change(unmapped_row())
        assert [row["code"] for row in shop.told("unmapped", "list")] == ["X17"]
        said = shop.hub("unmapped", "list")
        assert said.exit_code == 0 and said.stderr.startswith("hub: flows.yaml has mistakes; patterns and carriers are")

    def test_a_mapped_code_is_in_the_file_and_the_file_is_right(self, shop: Shop) -> None:
        before = shop.file.read_text("utf-8")
        said = shop.hub("unmapped", "map", "nova-poshta", "X17", "shipment.on_hold", "--reason", "delayed")
        assert said.exit_code == 0, said.output
        added = "\nstatuses:\n  nova-poshta: {X17: {to: shipment.on_hold, reason: delayed}}\n"
        assert shop.file.read_text("utf-8") == before + added
        assert shop.hub("flows", "check").exit_code == 0

    def test_it_goes_into_the_file_that_has_the_section(self, shop: Shop) -> None:
        (shop.folder / "more.yaml").write_text("statuses:\n  main-shop: {a: order.packed}  # ours\n", "utf-8")
        before = "include: more.yaml\n" + shop.file.read_text("utf-8")
        shop.file.write_text(before, "utf-8")
        assert shop.hub("unmapped", "map", "main-shop", "b", "order.picking").exit_code == 0
        assert shop.file.read_text("utf-8") == before
        said = (shop.folder / "more.yaml").read_text("utf-8")
        assert said == "statuses:\n  main-shop: {a: order.packed, b: order.picking}  # ours\n"

    def test_a_file_that_would_have_a_mistake_is_put_back_as_it_was(self, shop: Shop) -> None:
        before = shop.file.read_bytes()
        said = shop.hub("unmapped", "map", "nova-poshta", "X17", "payment.paid")
        assert said.exit_code == 1 and "is left alone" in said.stderr and "a carrier says nothing of" in said.stderr
        assert shop.file.read_bytes() == before
        assert sorted(each.name for each in shop.folder.glob(".*yaml*")) == []

    def test_other_mistakes_in_the_file_do_not_matter(self, shop: Shop) -> None:
        shop.env = {}
        assert shop.hub("unmapped", "map", "nova-poshta", "X17", "nothing").exit_code == 0

    @pytest.mark.parametrize(
        ("args", "why"),
        [
            (("nova-post", "X", "shipment.shipped"), "did you mean 'nova-poshta'?"),
            (("nova-poshta", "X", "shipment.shiped"), "did you mean 'shipped'?"),
            (("nova-poshta", "X", "shipment.on_hold", "--reason", "delay"), "delayed"),
            (("nova-poshta", " ", "shipment.on_hold"), "a code is not empty"),
        ],
    )
    def test_wrong_words_are_refused_with_the_nearest_right_one(
        self, shop: Shop, args: tuple[str, ...], why: str
    ) -> None:
        before = shop.file.read_bytes()
        said = shop.hub("unmapped", "map", *args)
        assert said.exit_code == 2 and why in said.stderr and shop.file.read_bytes() == before

    def test_the_rights_of_the_file_stay(self, shop: Shop) -> None:
        shop.file.chmod(0o640)
        shop.hub("unmapped", "map", "main-shop", "b", "order.picking")
        assert shop.file.stat().st_mode & 0o777 == 0o640
