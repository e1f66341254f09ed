"""A run of a flow with a list in it: the list's steps are the flow's own, and its texts know what it was given."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from hub.store.database import Database
from hub.store.tables import escalations, flow_versions, messages, runs

from .fakes import Desk, order, world

LIST: Mapping[str, Any] = {
    "list": "ask",
    "takes": {"what": "text", "pause": "length"},
    "with": {"what": "the gift", "pause": "2h"},
    "steps": [
        {"wait": "2h"},
        {"choose": [{"when": "param.pause < hours(1)", "steps": [{"stop": "too soon"}]}]},
        {"escalate": {"to": "support", "reason": "{{ order.number }}: {{ param.what }} after {{ param.pause }}"}},
        {"notify": {"template": "order-received"}},
    ],
}  # fmt: skip


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'hub.db'}")
    yield database
    database.close()


async def test_its_steps_are_done_and_its_texts_know_what_it_was_given(db: Database) -> None:
    it = Desk(db, world({"asks": {"on": "order.received", "steps": [{"do": LIST}]}}))
    await it.hear(order("10:00", "order.received"))
    await it.wait(hours=1, minutes=59)
    assert not it.rows(escalations)
    await it.wait(minutes=2)
    assert [row.reason for row in it.rows(escalations)] == ["#1: the gift after 2h"]
    [said] = [row for row in it.rows(messages) if row.recipient == "customer"]
    assert said.doc["extra"]["param"] == {"what": "the gift", "pause": "2h"}
    assert [(row.state, row.reason) for row in it.rows(runs)] == [("done", "")]


async def test_a_run_under_way_keeps_its_list_when_the_file_has_another(db: Database) -> None:
    it = Desk(db, world({"asks": {"on": "order.received", "steps": [{"do": LIST}]}}))
    await it.hear(order("10:00", "order.received"))
    it.go_live(world({"asks": {"on": "order.received", "steps": [{"stop": "nothing"}]}}))
    await it.wait(hours=3)
    assert [row.reason for row in it.rows(escalations)] == ["#1: the gift after 2h"]
    assert "steps" in it.rows(flow_versions)[0].source["steps"][0]["do"]
