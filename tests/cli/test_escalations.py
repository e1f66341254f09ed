"""Matters for a person, from the command line."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from hub.store import tables as t

from .using import Shop

WHEN = datetime(2026, 11, 24, 9, tzinfo=UTC)
LOW, HIGH = "a1" * 12, "b2" * 12


def _rows(order_id: str, uid: str, severity: str, due_at: datetime | None = None) -> list[Any]:
    matter = {
        "tenant": "main", "slot": 0, "uid": uid, "key": uid, "order_id": order_id, "run_key": "", "flow": "problem",
        "subject": order_id, "rung": "support", "told": 1, "severity": severity, "reason": f"{severity} matter",
        "state": "open", "owner": "", "note": "", "due_at": due_at, "opened_at": WHEN,
    }  # fmt: skip
    clock = {
        "tenant": "main", "slot": 0, "key": f"acknowledge:{uid}", "kind": "acknowledge", "ref": uid,
        "order_id": order_id, "due_at": WHEN + timedelta(days=400), "state": 0,
    }  # fmt: skip
    due = {**clock, "key": f"due:{uid}", "kind": "due"}
    return [
        sa.insert(t.escalations).values(**matter),
        sa.insert(t.timers).values(**clock),
        sa.insert(t.timers).values(**due),
    ]


@pytest.fixture
def matters(shop: Shop) -> Shop:
    """The shop with two open matters."""
    order_id = shop.rows(sa.select(t.orders))[0].id
    shop.change(*_rows(order_id, LOW, "low"), *_rows(order_id, HIGH, "high", WHEN + timedelta(hours=4)))
    return shop


def _one(shop: Shop, uid: str) -> Any:
    return shop.rows(sa.select(t.escalations).where(t.escalations.c.uid == uid))[0]


def _clocks(shop: Shop, uid: str) -> dict[str, int]:
    rows = shop.rows(sa.select(t.timers).where(t.timers.c.ref == uid))
    return {row.kind: row.state for row in rows}


class TestEscalations:
    def test_nothing_is_said_in_words(self, shop: Shop) -> None:
        assert "nothing waits for a person" in shop.hub("escalation", "list").stdout
        assert shop.told("escalation", "list") == []

    def test_the_most_pressing_comes_first_with_its_order(self, matters: Shop) -> None:
        rows = matters.told("escalation", "list")
        assert [row["severity"] for row in rows] == ["high", "low"]
        assert rows[0]["order"].startswith("#") and rows[0]["with"] == "support"
        assert "high matter" in matters.hub("escalation", "list").stdout

    def test_who_takes_one_on_is_kept_and_nobody_else_is_called(self, matters: Shop) -> None:
        result = matters.hub("escalation", "take", HIGH[:8], "--by", "olena")
        assert result.exit_code == 0 and "taken by olena" in result.stdout
        row = _one(matters, HIGH)
        assert (row.state, row.owner) == ("acknowledged", "olena") and row.acknowledged_at is not None
        assert _clocks(matters, HIGH) == {"acknowledge": 1, "due": 0}, "it must still be resolved in time"
        assert _one(matters, LOW).state == "open"

    def test_a_resolved_one_is_listed_no_more_and_keeps_the_note(self, matters: Shop) -> None:
        assert matters.hub("escalation", "resolve", LOW, "--note", "called them").exit_code == 0
        assert (_one(matters, LOW).state, _one(matters, LOW).note) == ("resolved", "called them")
        assert _clocks(matters, LOW) == {"acknowledge": 1, "due": 1}
        assert [row["id"] for row in matters.told("escalation", "list")] == [HIGH[:8]]

    @pytest.mark.parametrize("wanted", ["ffffffffff", "b2", "%", ""])
    def test_an_unknown_id_is_one_line(self, matters: Shop, wanted: str) -> None:
        result = matters.hub("escalation", "resolve", wanted)
        assert result.exit_code == 1
        assert result.stderr.startswith("hub: no escalation that is open begins with")

    def test_what_is_taken_or_resolved_is_not_taken_again(self, matters: Shop) -> None:
        matters.hub("escalation", "take", HIGH)
        again = matters.hub("escalation", "take", HIGH)
        assert again.exit_code == 1 and "is acknowledged already" in again.stderr
        matters.hub("escalation", "resolve", HIGH)
        assert "no escalation that is open" in matters.hub("escalation", "resolve", HIGH).stderr

    def test_who_resolves_it_is_kept_with_the_choice(self, matters: Shop) -> None:
        matters.change(sa.update(t.escalations).where(t.escalations.c.uid == HIGH).values(choices=["yes", "no"]))
        wrong = matters.hub("escalation", "resolve", HIGH, "--choice", "yess")
        assert wrong.exit_code == 2 and f"no choice of {HIGH}; did you mean 'yes'?" in wrong.stderr
        assert matters.hub("escalation", "resolve", HIGH, "--choice", "yes", "--by", "olena").exit_code == 0
        row = _one(matters, HIGH)
        assert (row.state, row.choice, row.owner) == ("resolved", "yes", "olena")

    def test_it_says_that_nobody_chose(self, matters: Shop) -> None:
        matters.change(sa.update(t.escalations).where(t.escalations.c.uid == HIGH).values(choices=["yes", "no"]))
        said = matters.hub("escalation", "resolve", HIGH)
        assert said.exit_code == 0 and "nobody chose one of: yes, no" in said.stdout

    def test_one_is_handed_over_and_who_has_it_now_is_told(self, matters: Shop) -> None:
        result = matters.hub("escalation", "hand-over", HIGH, "olena", "--by", "olena", "--note", "a call came in")
        assert result.exit_code == 0 and "handed over to olena" in result.stdout, result.stderr
        row = _one(matters, HIGH)
        assert (row.state, row.owner, row.note, row.handed) == ("open", "olena", "a call came in", 1)
        told = matters.rows(sa.select(t.messages).where(t.messages.c.template == "staff-handed-over"))
        assert [each.recipient for each in told] == ["staff:olena"]
        wrong = matters.hub("escalation", "hand-over", HIGH, "suport")
        assert wrong.exit_code == 2 and "did you mean 'support'?" in wrong.stderr

    def test_what_stands_in_it_cannot_steer_the_terminal(self, matters: Shop) -> None:
        hostile = {"reason": "call\x07\u202e them", "note": "first\r\x07\nsecond\u202e"}
        matters.change(sa.update(t.escalations).where(t.escalations.c.uid == HIGH).values(**hostile))
        said = matters.hub("escalation", "show", HIGH).stdout
        assert "call them" in said and "first" in said and "\nsecond" in said
        assert not {"\x07", "\r", "\u202e"} & set(said)

    def test_one_is_shown_with_everything_that_was_done_about_it(self, matters: Shop) -> None:
        matters.hub("escalation", "take", HIGH, "--by", "olena")
        matters.hub("escalation", "resolve", HIGH, "--note", "called them")
        told = matters.told("escalation", "show", HIGH[:8])
        assert [each["what"] for each in told["history"]] == ["taken by olena", "resolved: called them"]
        assert (told["state"], told["with"], told["note"]) == ("resolved", "olena", "called them")
        shown = matters.hub("escalation", "show", HIGH).stdout
        assert "high matter" in shown and "taken by olena" in shown and "called them" in shown
        assert matters.hub("escalation", "show", "ffffffffff").exit_code == 1

    def test_an_unknown_person_suggests_the_nearest(self, matters: Shop) -> None:
        result = matters.hub("escalation", "take", HIGH, "--by", "olen")
        assert result.exit_code == 2 and "did you mean 'olena'?" in result.stderr
        assert _one(matters, HIGH).state == "open"
