"""Commands that look: an order, the inbox, the whole."""

import re
import time
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from hub.cli._out import _rich_table, cell
from hub.cli.order import show
from hub.store import tables

from .conftest import PARCEL
from .using import Shop

T = tables
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def event(**more: object) -> sa.Insert:
    """A row of the inbox."""
    row = {
        "tenant": T.TENANT, "slot": 1, "connection": "main-shop", "dedupe_key": str(more), "subject": "order:1",
        "topic": "orders/updated", "body": {"id": 1}, "received_at": LONG_AGO, "state": 0,
    }  # fmt: skip
    return sa.insert(T.inbox).values(**{**row, **more})


class TestOrder:
    def test_an_order_is_told_whole(self, shop: Shop, number: str) -> None:
        said = shop.hub("order", number)
        assert said.exit_code == 0, said.output
        assert f"{number}  ready_for_pickup" in said.stdout
        for part in ("Parcels", "Timeline", "Messages", "Flows", "Runs", "Escalations"):
            assert f"\n{part}\n" in said.stdout
        assert PARCEL in said.stdout and "nova-poshta" in said.stdout

    def test_why_each_flow_did_or_did_not_start_is_told(self, shop: Shop, number: str) -> None:
        flows = {each["flow"]: each["result"] for each in shop.told("order", number)["flows"]}
        assert flows["confirm"] in ("started", "done") and "ready" in flows
        assert shop.told("order", number)["not_set_off"]["problem"] == ["shipment.problem"]
        idle = shop.hub("order", number).stdout.partition("\nFlows that nothing has set off\n")[2].split("\n\n")[0]
        rows = [line.split() for line in idle.splitlines()]
        assert ["cancelled", "order.cancelled"] in rows, "each in a line of its own"

    def test_messages_are_told_with_state_channel_and_time(self, shop: Shop, number: str) -> None:
        messages = shop.told("order", number)["messages"]
        received = next(each for each in messages if each["template"] == "order-received")
        assert (received["state"], received["channel"]) == ("sent", "mail") and received["finished_at"]
        assert [each["outcome"] for each in received["attempts"]] == ["accepted"]

    def test_texts_are_shown_only_when_asked_for(self, shop: Shop, number: str) -> None:
        assert "content" not in shop.told("order", number)["messages"][0]["attempts"][0]
        assert shop.told("order", number, "--texts")["messages"][0]["attempts"][0]["content"]["text"]
        assert "by mail: accepted" in shop.hub("order", number, "--texts").stdout

    def test_an_order_is_found_by_its_parcel_and_by_its_reference(self, shop: Shop, number: str) -> None:
        whole = shop.told("order", number)
        assert shop.told("order", f"{PARCEL[:4]} {PARCEL[4:]}")["id"] == whole["id"]
        assert shop.told("order", whole["id"].partition(":")[2])["id"] == whole["id"]
        assert shop.told("order", number.lstrip("#"))["id"] == whole["id"]

    def test_several_hits_are_listed(self, shop: Shop, number: str) -> None:
        shop.change(sa.update(T.orders).values(number="7"))
        said = shop.hub("order", "7")
        assert "2 orders have this number" in said.stdout and said.stdout.count("main-shop:") == 2
        assert len(shop.told("order", "7")["several"]) == 2

    def test_an_unknown_number_is_one_line(self, shop: Shop) -> None:
        said = shop.hub("order", "999999")
        assert said.exit_code == 1 and said.stderr.startswith("hub: no order or parcel has the number '999999'")

    def test_cash_on_delivery_is_told_beside_the_parcel(self, shop: Shop, number: str) -> None:
        [parcel] = shop.told("order", number)["parcels"]
        assert parcel["cash"] == "1334 UAH due", "1249 for the shop, and 85 for the carriage that the recipient pays"
        assert "1334 UAH due" in shop.hub("order", number).stdout

    def test_parcels_have_their_numbers_when_the_file_is_refused(self, shop: Shop, number: str) -> None:
        shop.env = {}
        [parcel] = shop.told("order", number)["parcels"]
        assert parcel["number"] == PARCEL
        said = shop.hub("order", number).stderr
        assert said == "hub: flows.yaml has mistakes; patterns and carriers are not shown (`hub flows check`)\n"

    @pytest.mark.parametrize("machine", ["UTC", "Pacific/Auckland", "America/Los_Angeles"])
    def test_a_day_is_the_shops_whatever_the_clock_of_this_machine(
        self, shop: Shop, number: str, machine: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        id_ = shop.told("order", number)["id"]
        kyiv, today = ZoneInfo("Europe/Kyiv"), [(0, 30, 0), (23, 59, 59), (15, 0, 0)]
        for at in (datetime(2026, 11, 25, *clock, tzinfo=kyiv).astimezone(UTC) for clock in today):
            doc = {
                "axis": "shipment", "native": "post:day", "label": "", "source": "post", "verdict": "move",
                "before": None, "after": "shipped", "value": "shipped", "reason": None, "precision": "day",
            }  # fmt: skip
            row = {"tenant": T.TENANT, "order_id": id_, "subject": "", "kind": "status", "at": at, "recorded_at": at}
            shop.change(sa.insert(T.timeline).values(**row, doc=doc))
        monkeypatch.setenv("TZ", machine)
        time.tzset()
        try:
            said = [row.split("  ")[0] for row in shop.hub("order", number).stdout.splitlines() if "post:day" in row]
        finally:
            monkeypatch.undo()
            time.tzset()
        assert said == ["2026-11-25"] * 3

    def test_on_a_narrow_terminal_numbers_and_statuses_are_whole(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("COLUMNS", "80")
        row = ("20450999123456", "ready_for_pickup", "storage_expired", "nova-poshta", LONG_AGO, "1334 UAH due")
        _rich_table(("number", "status", "why", "carrier", "since", "cash"), [[cell(each) for each in row]])
        said = capsys.readouterr().out
        assert "20450999123456" in said and "ready_for_pickup" in said and cell(LONG_AGO) in said
        assert max(map(len, said.splitlines())) <= 80

    def test_what_came_from_outside_cannot_steer_the_terminal(self, shop: Shop, number: str) -> None:
        hostile = {"flow": "x\x1b[2J\u202e", "word": "order.received", "result": "started", "run": ""}
        shop.change(sa.update(T.timeline).where(T.timeline.c.kind == "run").values(doc=hostile))
        said = shop.hub("order", number).stdout
        assert "\x1b" not in said and "\u202e" not in said

    def test_nor_can_its_number(self, shop: Shop, number: str) -> None:
        shop.change(sa.update(T.orders).values(number="#9\x07\u202e1"))
        said = shop.hub("order", shop.rows(sa.select(T.orders))[0].id).stdout
        assert not {"\x07", "\u202e"} & set(said)

    def test_a_time_is_shown_as_exactly_as_it_is_known(self, shop: Shop, number: str) -> None:
        id_ = shop.told("order", number)["id"]
        doc = {
            "axis": "shipment", "native": "post:x", "label": "", "source": "post", "verdict": "move",
            "before": None, "after": "shipped", "value": "shipped", "reason": None,
        }  # fmt: skip
        at = datetime(2026, 1, 5, 23, 59, 59, tzinfo=UTC)
        line = {"tenant": T.TENANT, "order_id": id_, "subject": "", "kind": "status", "at": at, "recorded_at": at}
        for more in ({"precision": "seen"}, {"precision": "day"}, {"old_news": True}):
            shop.change(sa.insert(T.timeline).values(**line, doc={**doc, **more}))
        said = [row.split("  ")[0] for row in shop.hub("order", number).stdout.splitlines() if "post:x" in row]
        exact = f"{at.astimezone():%Y-%m-%d %H:%M:%S}"
        assert said == [f"seen at {exact}", "2026-01-05", exact]
        assert "[post:x, post, move, old-news]" in shop.hub("order", number).stdout


class TestEvents:
    def test_the_newest_are_listed_without_their_bodies(self, shop: Shop) -> None:
        rows = shop.told("event", "list", "--limit", "3")
        assert len(rows) == 3 and all("body" not in row for row in rows)
        assert [int(row["id"][1:]) for row in rows] == sorted((int(row["id"][1:]) for row in rows), reverse=True)

    def test_they_are_filtered_by_state_and_connection(self, shop: Shop) -> None:
        shop.change(event(state=9, error="unreadable"), event(state=2, connection="nova-poshta"))
        assert [row["error"] for row in shop.told("event", "list", "--state", "dead")] == ["unreadable"]
        assert {row["connection"] for row in shop.told("event", "list", "--connection", "nova-poshta")} == {
            "nova-poshta"
        }
        assert "unreadable" in shop.hub("event", "list", "--state", "dead").stdout

    def test_one_is_shown_as_it_came(self, shop: Shop) -> None:
        shop.change(event(body={"id": "the-body"}))
        newest = shop.told("event", "list", "--limit", "1")[0]["id"]
        assert shop.told("event", "show", newest)["body"] == {"id": "the-body"}
        said = shop.hub("event", "show", newest)
        assert "the-body" in said.stdout and "connection:  main-shop" in said.stdout

    def test_replayed_it_is_pending_again(self, shop: Shop) -> None:
        newest = shop.told("event", "list", "--limit", "1")[0]["id"]
        assert f"{newest} was done" in shop.hub("event", "replay", newest).stdout
        assert shop.told("event", "show", newest)["state"] == "pending"

    def test_dismissed_it_keeps_the_reason(self, shop: Shop) -> None:
        shop.change(event(state=9))
        newest = shop.told("event", "list", "--limit", "1")[0]["id"]
        shop.hub("event", "dismiss", newest, "--reason", "a test")
        found = shop.told("event", "show", newest)
        assert (found["state"], found["error"]) == ("dismissed", "dismissed: a test")

    def test_an_unknown_or_impossible_id_is_one_line(self, shop: Shop) -> None:
        for command in ("show", "replay", "dismiss"):
            assert shop.hub("event", command, "e99999").stderr.startswith("hub: there is no event e99999")
            assert shop.hub("event", command, "x'; drop").exit_code == 2


class TestStatus:
    def test_connections_queues_and_matters_are_told(self, shop: Shop) -> None:
        found = shop.told("status")
        assert {each["name"]: each["plugin"] for each in found["connections"]} == {
            "main-shop": "shopify", "nova-poshta": "nova_poshta", "mail": "smtp", "bot": "telegram",
        }  # fmt: skip
        assert found["queues"]["orders"] == 2 and found["matters"]["dead events"] == 0
        assert next(each for each in found["connections"] if each["name"] == "main-shop")["last_event_at"]

    def test_a_target_is_a_connection_too(self, shop: Shop) -> None:
        crm = '\n  crm: {target: http, url: "https://crm.example/hook"}\n'
        shop.file.write_text(shop.file.read_text("utf-8").replace("connections:\n", f"connections:{crm}", 1), "utf-8")
        assert ("crm", "http") in [(each["name"], each["plugin"]) for each in shop.told("status")["connections"]]

    def test_what_waits_for_a_person_is_counted(self, shop: Shop) -> None:
        shop.change(event(state=9), event(state=2, subject="order:2"), sa.update(T.messages).values(state="failed"))
        matters = shop.told("status")["matters"]
        assert (matters["dead events"], matters["orphans over a day"]) == (1, 1) and matters["failed messages"] > 0
        assert "orphans over a day" in shop.hub("status").stdout

    def test_a_paused_connection_says_why(self, shop: Shop) -> None:
        shop.change(sa.update(T.connections).where(T.connections.c.name == "mail").values(paused="refused"))
        shop.change(sa.insert(T.connections).prefix_with("OR IGNORE").values(name="mail", paused="refused"))
        mail = next(each for each in shop.told("status")["connections"] if each["name"] == "mail")
        assert (mail["state"], mail["paused"]) == ("paused", "refused")

    def test_a_channel_that_takes_nothing_is_failing_with_the_reason(self, shop: Shop) -> None:
        sent = shop.told("status")
        assert all(each["state"] == "at work" for each in sent["connections"])
        assert next(each for each in sent["connections"] if each["name"] == "mail")["last_sent_at"]
        tried = {"state": "due", "tries": 2, "connection": "mail", "reason": "nothing listens on that port"}
        shop.change(sa.update(T.messages).values(**tried))
        mail = next(each for each in shop.told("status")["connections"] if each["name"] == "mail")
        assert (mail["state"], mail["error"]) == ("failing", "nothing listens on that port") and mail["failing"] > 1
        assert "nothing listens on that port" in shop.hub("status").stdout

    def test_who_was_never_asked_is_not_said_to_have_answered(self, shop: Shop) -> None:
        shop.change(sa.delete(T.connections), sa.delete(T.attempts))
        shop.file.write_text(re.sub(r'public_url: "[^"]*", ', "", shop.file.read_text("utf-8")), "utf-8")
        mail = next(line for line in shop.hub("status").stdout.splitlines() if line.startswith("mail"))
        assert "nothing yet" in mail and "none, no public_url" in mail

    def test_a_failover_says_who_sends(self, shop: Shop) -> None:
        """Whatever is wrong in the file."""
        line = "connections:\n  letters: {failover: [mail, spare]}\n"
        shop.file.write_text(shop.file.read_text("utf-8").replace("connections:\n", line), "utf-8")
        assert shop.told("status")["failovers"] == [{"name": "letters", "providers": ["mail", "spare"], "by": "mail"}]
        shop.change(sa.update(T.connections).where(T.connections.c.name == "mail").values(paused="refused"))
        shop.change(sa.insert(T.connections).prefix_with("OR IGNORE").values(name="mail", paused="refused"))
        found = shop.told("status")
        assert found["failovers"][0]["by"] == "spare"
        assert "letters" not in {each["name"] for each in found["connections"]}
        assert "mail, spare" in shop.hub("status").stdout
        shop.change(sa.insert(T.connections).values(name="spare", paused="refused"))
        assert shop.told("status")["failovers"][0]["by"] == ""
        assert "all pause" in shop.hub("status").stdout

    def test_a_target_has_the_name_of_its_plugin_too(self, shop: Shop) -> None:
        line = 'connections:\n  crm: {target: http, url: "https://crm.example"}\n'
        shop.file.write_text(shop.file.read_text("utf-8").replace("connections:\n", line), "utf-8")
        told = {each["name"]: each["plugin"] for each in shop.told("status")["connections"]}
        assert told["crm"] == "http"

    def test_it_needs_no_secret(self, shop: Shop) -> None:
        shop.env = {}
        assert shop.hub("status").exit_code == 0


class TestWithoutADatabase:
    def test_it_is_one_line_and_nothing_is_made(self, shop: Shop) -> None:
        (shop.folder / "hub.db").unlink()
        for command in (("status",), ("order", "1"), ("event", "list"), ("deadletter", "list"), ("unmapped", "list")):
            said = shop.hub(*command)
            assert said.exit_code == 3 and "`hub run` makes it" in said.stderr
        assert not (shop.folder / "hub.db").exists()

    def test_one_of_another_release_is_not_touched(self, shop: Shop) -> None:
        shop.change(sa.text("UPDATE alembic_version SET version_num = 'other'"))
        said = shop.hub("status")
        assert said.exit_code == 3 and "hub db upgrade" in said.stderr

    def test_no_file_is_one_line(self, shop: Shop) -> None:
        shop.file.unlink()
        said = shop.hub("status")
        assert said.exit_code == 2 and "`hub init`" in said.stderr


def test_a_return_and_how_many_parcels_are_delivered_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    whole = {
        "id": "main-shop:7", "number": "#7", "headline": "in_transit", "order_status": "processing",
        "payment_status": "paid", "phrase": "Delivered: 1 of 2 parcels", "incomplete": 0, "parcels": [], "timeline": [],
        "messages": [], "flows": [], "not_set_off": {}, "runs": [], "errands": [], "escalations": [], "policies": [],
        "returns": [{"ref": "r1", "status": "returning", "reason": "", "numbers": ["P9"], "since": LONG_AGO}],
    }  # fmt: skip
    show(whole, texts=False)
    said = capsys.readouterr().out
    assert "\nDelivered: 1 of 2 parcels\n" in said
    assert "\nReturns\n" in said and "returning" in said and "P9" in said
    show({**whole, "phrase": "", "returns": []}, texts=False)
    assert "Returns" not in capsys.readouterr().out
