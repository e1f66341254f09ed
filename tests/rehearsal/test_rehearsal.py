"""The rehearsal itself: stand-ins that are their adapters but reach nobody, time that passes, and what is counted."""

import asyncio
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hub.clock import VirtualClock
from hub.config.model import Config
from hub.model import OrderSnapshot
from hub.plugin import Adapter, Channel, FailureError, Outgoing, Raw, TargetCall, UnreadableError, WriteBack
from hub.plugin.registry import Registry
from hub.rehearsal import Effect, Kind, Rehearsal
from hub.rehearsal.cases import branches_of, coverage
from hub.rehearsal.stand_ins import Board, maker
from hub.status import Native

from .agreed import loaded, played, texts_of

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
FLOWS = "confirm: {on: order.received, steps: [{notify: {template: order-received, via: letter}}]}"
CASE = """
- name: nothing at all
  when: [{at: "2026-03-02T10:00", order: packed}]
  then: nothing
"""


def configured(folder: Path, flows: str = FLOWS) -> Config:
    config = loaded(folder, flows, CASE).config
    assert config is not None
    return config


def made(folder: Path) -> dict[str, Adapter[Any]]:
    config, board = configured(folder), Board()
    return {name: maker(board)(name, config, VirtualClock(START)) for name in config.connections}


# ------------------------------------------------------------------------------------------------ stand-ins

HABITS = (
    "form", "address_kind", "rings", "receipts", "honours_keys", "buttons_reply", "receipt_wait", "max_length",
    "intervals", "batch", "snapshots", "tells", "name", "label",
)  # fmt: skip
ASKING = ("send", "poll", "fetch", "track", "write_back", "call", "hello", "register")
"""Everything of an adapter that may talk to the outside."""


def test_a_stand_in_has_the_habits_of_its_adapter(tmp_path: Path) -> None:
    config = configured(tmp_path)
    for name, stand_in in made(tmp_path).items():
        real = config.connections[name].adapter
        assert isinstance(stand_in, real)
        for habit in HABITS:
            assert getattr(stand_in, habit, None) == getattr(real, habit, None)
        assert stand_in.statuses_of(stand_in.settings) == real.statuses_of(stand_in.settings)


def test_nothing_that_may_talk_to_the_outside_is_the_adapters_own(tmp_path: Path) -> None:
    doors = {name for kind in Registry.load().adapters.values() for name in _coroutines(kind.adapter)}
    for stand_in in made(tmp_path).values():
        for name in doors & set(dir(stand_in)):
            assert getattr(type(stand_in), name).__module__ == "hub.rehearsal.stand_ins", name


def _coroutines(adapter: type[Any]) -> set[str]:
    return {name for name in dir(adapter) if not name.startswith("_") and _is_async(getattr(adapter, name))}


def _is_async(it: object) -> bool:
    return asyncio.iscoroutinefunction(it)


def test_a_client_of_a_stand_in_leads_nowhere(tmp_path: Path) -> None:
    async def ask() -> None:
        for each in made(tmp_path).values():
            with pytest.raises(FailureError):
                await each.client.get("https://example.com/")

    asyncio.run(ask())


def test_a_stand_in_reads_what_its_adapter_reads(tmp_path: Path) -> None:
    stand_in: Any = made(tmp_path)["main-shop"]
    with pytest.raises(UnreadableError):
        stand_in.normalise(Raw({"not": "an order"}, "order:1", "key", topic="orders/create"))
    assert stand_in.normalise(Raw(stand_in.board.put(["a record"]), "order:1", "key")) == ["a record"]


def test_targets_and_shops_take_what_they_are_handed(tmp_path: Path) -> None:
    async def hand_over() -> None:
        it: Any = made(tmp_path)
        assert (await it["crm"].call(TargetCall("k1", body={"a": 1}))).status == 200
        await it["main-shop"].write_back(WriteBack("1", "k2", note="n"))
        assert it["crm"].board.calls["k1"] == {"a": 1}
        it["crm"].board.failing["crm"] = "permanent"
        with pytest.raises(FailureError):
            await it["crm"].call(TargetCall("k3"))
        mail: Channel[Any] = it["mail"]
        assert type(await mail.send(Outgoing("k4", "a@b.example", "hi"))).__name__ == "Accepted"

    asyncio.run(hand_over())


# ------------------------------------------------------------------------------------------------ the harness


def snapshot(at: datetime, *words: str) -> OrderSnapshot:
    return OrderSnapshot("1", "#1", at, at, tuple(Native("rehearsed", word) for word in words))


def test_events_are_put_in_and_time_passes(tmp_path: Path) -> None:
    flows = "later: {on: order.packed, steps: [{wait: 2d}, {escalate: {to: support, reason: X}}]}"
    config = configured(tmp_path, flows)

    async def live() -> list[Effect]:
        async with Rehearsal(config, texts_of(), START) as it:
            await it.settle()
            await it.put("main-shop", "order:1", snapshot(it.now, "order.packed"))
            await it.until(START + timedelta(days=1))
            assert it.now == START + timedelta(days=1) and it.effects == []
            await it.until(START + timedelta(days=3))
            return it.effects

    (effect,) = asyncio.run(live())
    assert (effect.at, effect.kind, effect.what) == (START + timedelta(days=2), Kind.ESCALATION, "support")


def test_nothing_of_a_rehearsal_is_left_behind(tmp_path: Path) -> None:
    config = configured(tmp_path)

    async def live() -> Path:
        async with Rehearsal(config, texts_of(), START) as it:
            await it.settle()
            assert it.folder.is_dir()
            return it.folder

    assert not asyncio.run(live()).exists()


def test_the_merchants_pattern_does_not_hide_what_a_case_says(tmp_path: Path) -> None:
    from .agreed import BASE

    base = BASE + '\nstatuses:\n  main-shop: {"*": nothing}\n'
    case = """
    - name: packed all the same
      when: [{at: "2026-03-02T10:00", order: cancelled}]
      then: [{at: "2026-03-02T10:01", message: order-cancelled}]
    """
    flows = "gone: {on: order.cancelled, steps: [{notify: {template: order-cancelled, via: letter}}]}"
    assert played(tmp_path, flows, case, base)[0].holds


# ------------------------------------------------------------------------------------------------ coverage

BRANCHES = """
shipped:
  on: shipment.shipped
  steps:
    - choose:
        - when: shipment.count > 1
          steps: [{stop: many}]
        - when: has(shipment.tracking_number)
          steps:
            - choose:
                - when: shipment.index == 1
                  steps: [{stop: first}]
        - else: [{stop: none}]
    - call: {to: crm, if_fails: [{stop: failed}]}
never: {on: order.packed, state: live, steps: [{stop: x}]}
off: {on: order.packed, state: off, steps: [{stop: x}]}
"""


def test_coverage_says_what_no_case_has_reached(tmp_path: Path) -> None:
    cases = """
    - name: a number
      given: {shipment: {carrier: nova-poshta, tracking_number: "20450000000001"}}
      when: [{at: "2026-03-02T10:00", shipment: shipped}]
      then: nothing
    """
    config = loaded(tmp_path, BRANCHES, cases).config
    assert config is not None
    found = coverage(played(tmp_path, BRANCHES, cases), config)
    assert found.flows == {"shipped": True, "never": False}
    assert {each.label: taken for each, taken in found.branches.items()} == {
        "choose: when shipment.count > 1": False,
        "choose: when has(shipment.tracking_number)": True,
        "choose: when shipment.index == 1": True,
        "choose: else": False,
        "call:crm: if_fails": False,
    }
    assert found.locales == {"uk": False} and not found.whole


def test_a_way_that_opens_when_a_call_fails_is_counted(tmp_path: Path) -> None:
    flows = "crm: {on: order.packed, steps: [{call: {to: crm, if_fails: [{escalate: {to: support, reason: X}}]}}]}"
    cases = """
    - name: the target refuses
      when:
        - {at: "2026-03-02T09:00", fail: {crm: permanent}}
        - {at: "2026-03-02T10:00", order: packed}
      then:
        - {at: "2026-03-02T10:00", escalation: support}
        - {at: "2026-03-02T10:00", message: staff-notice, to: manager}
    """
    (result,) = played(tmp_path, flows, cases)
    config = loaded(tmp_path, flows, cases).config
    assert result.holds and config is not None
    assert all(coverage([result], config).branches.values())
    assert [each.label for each in branches_of(config.flows["crm"])] == ["call:crm: if_fails"]


# ------------------------------------------------------------------------------------------------ the same again


def test_it_comes_out_the_same_in_another_process_to_the_byte(tmp_path: Path) -> None:
    cases = """
    - name: a parcel that waits
      given: {shipment: {carrier: nova-poshta, tracking_number: "20450000000001", status: in_transit}}
      when:
        - {at: "2026-03-02T10:00", order: received}
        - {at: "2026-03-02T22:00", shipment: ready_for_pickup}
      then: nothing
      until: "+2d"
    """
    ready = "\nready: {on: shipment.ready_for_pickup, steps: [{notify: {template: ready-for-pickup}}]}"
    loaded(tmp_path, FLOWS + ready, cases)
    env = {"SHOPIFY_SECRET": "s" * 30, "NP_KEY": "key", "PATH": ""}
    env |= dict.fromkeys(("BOT_TOKEN", "SMS_TOKEN", "SMSAPI_TOKEN"), "123456789:AAEbcdefghijklmnopqrstuvwxyz1234567")
    command = [sys.executable, "-m", "hub.cli", "flows", "test", str(tmp_path / "flows.yaml"), "--json"]
    command[1:3] = ["-c", "from hub.cli import main; main()"]
    said = [
        subprocess.run(command, capture_output=True, env={**env, "PYTHONHASHSEED": seed}, cwd=Path(__file__).parents[2])
        for seed in ("1", "2")
    ]
    assert said[0].returncode == 1 and b"order-received" in said[0].stdout, said[0].stderr
    assert said[0].stdout == said[1].stdout


def test_an_event_that_cannot_be_applied_fails_its_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable(self: object, raw: Raw) -> None:
        raise UnreadableError("nobody can read this")

    monkeypatch.setattr("hub.rehearsal.stand_ins._StandIn.normalise", unreadable)
    (result,) = played(tmp_path, FLOWS, CASE)
    assert result.cannot and {each.found for each in result.cannot} == {"nobody can read this"}
