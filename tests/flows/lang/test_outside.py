"""The steps that reach outside: what of them is right, and what is said of what is not."""

from pathlib import Path

import pytest

from hub.flows.check import all_steps
from hub.flows.compile import compile_flow
from hub.flows.model import Call, IfFails, Notify, Step, WriteBack
from tests.config.fakes import LINES, WITH_TARGET, FakeTexts, load

PLACED = "on: shipment.delivered"


def problems(folder: Path, *steps: str, on: str = PLACED) -> list[str]:
    """`line:column code` of what is wrong with these steps; line 1 is the first step, column 1 its dash."""
    text = f"{WITH_TARGET}flows:\n  a:\n    {on}\n    steps:\n" + "".join(f"      - {each}\n" for each in steps)
    found = load(folder, text, FakeTexts()).problems
    return [f"{each.line - LINES - 5}:{each.column - 6} {each.code}" for each in found]


def steps_of(*steps: str) -> list[Step]:
    import yaml

    flow = compile_flow("a", {"on": "shipment.delivered", "steps": [yaml.safe_load(each) for each in steps]})
    return list(all_steps(flow.steps))


GOOD = [
    "call: {to: crm}",
    "call: {to: crm, path: /orders/new, method: PUT, body: {order: order.number, total: order.total}}",
    "call: {to: crm, method: GET, path: a%20b, save: {id: response.json.id, ok: response.status == 200}}",
    "call: {to: crm, if_fails: continue}",
    "call: {to: crm, if_fails: [{escalate: {to: support, reason: 'the CRM'}}, {stop: x}]}",
    "write_back: {status: completed}",
    "write_back: {note: 'by {{ shipment.carrier }}', tracking: true, if_fails: [{notify: {template: shipped}}]}",
]


@pytest.mark.parametrize("step", GOOD)
def test_a_step_that_is_right(tmp_path: Path, step: str) -> None:
    on = "on: order.on_hold" if "write_back" not in step or "shipment" not in step else PLACED
    assert problems(tmp_path, step, on=on) == []


@pytest.mark.parametrize(
    ("step", "found"),
    [
        ("call: {}", "1:3 missing-setting"),
        ("call: {to: cmr}", "1:14 unknown-connection"),
        ("call: {to: mail}", "1:14 wrong-connection"),
        ("call: {to: crm, url: x}", "1:19 unknown-setting"),
        ("call: {to: crm, method: HEAD}", "1:27 bad-value"),
        *((f'call: {{to: crm, path: "{path}"}}', "1:25 bad-value") for path in (
            "../x", "a/../../b", "/a/./b", "%2e%2e/x", "%252e%252e/x", "..;/x", "a//b", "//evil.example/x", "a%2fb",
            "a%5cb", "a?x=1", "a#b", "https://evil.example/", "a b", "a%zz", "a%0d%0ab", "ą",
        )),
        ("call: {to: crm, method: GET, body: {a: order.number}}", "1:32 conflicting-settings"),
        ("call: {to: crm, body: {a: order.numbr}}", "1:35 cel-field"),
        ("call: {to: crm, body: {a: shipment.eta}}", "1:29 maybe-missing"),
        ("call: {to: crm, body: {a: response.text}}", "1:29 not-offered"),
        ("call: {to: crm, save: {a: order.number}}", "1:29 not-offered"),
        ("call: {to: crm, save: {a-b: response.text}}", "1:26 bad-name"),
        ("call: {to: crm, if_fails: wait}", "1:29 bad-value"),
        ("call: {to: crm, if_fails: []}", "1:29 bad-value"),
        ("call: {to: crm, if_fails: [{notfy: {}}]}", "1:31 unknown-step"),
        ("write_back: {}", "1:3 missing-setting"),
        ("write_back: {tracking: false}", "1:3 missing-setting"),
        ("write_back: {status: on_hold}", "1:24 bad-value"),
        ("write_back: {note: '{{ nothing_such }}', status: paid, to: x}", "1:58 unknown-setting"),
    ],
)  # fmt: skip
def test_a_step_that_is_wrong(tmp_path: Path, step: str, found: str) -> None:
    assert problems(tmp_path, step) == [found]


def test_two_calls_of_one_target_need_an_id(tmp_path: Path) -> None:
    assert problems(tmp_path, "call: {to: crm}", "call: {to: crm}") == ["2:3 step-needs-id"]
    assert problems(tmp_path, "call: {to: crm}", "call: {to: crm, id: again}") == []
    assert problems(tmp_path, "write_back: {note: a}", "write_back: {note: b}") == ["2:3 step-needs-id"]


def test_what_a_call_saved_is_there_behind_it_and_not_before(tmp_path: Path) -> None:
    asks = "choose: [{when: saved.id == 'x', steps: [{stop: x}]}]"
    saves = "call: {to: crm, save: {id: response.json.id}}"
    assert problems(tmp_path, saves, asks) == []
    assert problems(tmp_path, asks, saves) == ["1:19 not-offered"]


def test_nothing_can_be_written_back_where_there_is_no_order(tmp_path: Path) -> None:
    found = problems(tmp_path, "write_back: {note: x}", "call: {to: crm}", on="on: status.unmapped")
    assert found == ["1:3 not-offered"]


@pytest.mark.parametrize(
    ("on", "step", "risky"),
    [
        ("order.on_hold", "write_back: {status: cancelled}", False),
        ("order.cancelled", "write_back: {status: cancelled}", True),
        ("payment.paid", "choose: [{else: [{write_back: {status: paid}}]}]", True),
        ("shipment.shipped", "write_back: {tracking: true}", True),
        ("order.cancelled", "write_back: {note: cancelled}", False),
    ],
)
def test_what_comes_back_to_its_own_flow_is_a_risk(tmp_path: Path, on: str, step: str, risky: bool) -> None:
    assert ("loop-risk" in " ".join(problems(tmp_path, step, on=f"on: {on}"))) is risky


def test_a_way_back_may_lead_through_another_flow(tmp_path: Path) -> None:
    text = WITH_TARGET + (
        "flows:\n"
        "  a: {on: order.cancelled, steps: [{write_back: {status: completed}}]}\n"
        "  b: {on: order.completed, steps: [{write_back: {status: cancelled}}]}\n"
        "  c: {on: order.on_hold, steps: [{write_back: {status: cancelled}}]}\n"
    )
    found = load(tmp_path, text, FakeTexts()).problems
    assert [(each.code, each.line - LINES - 2) for each in found] == [("loop-risk", 1), ("loop-risk", 2)]
    assert "again through 'b'" in found[0].text


def test_a_call_as_the_engine_runs_it() -> None:
    found = steps_of("call: {to: crm, if_fails: [{notify: {template: shipped}}]}", "write_back: {tracking: 'true'}")
    call, said, written = found
    assert isinstance(call, Call) and call.body is None and call.holds and call.if_fails == (said,)
    assert isinstance(said, Notify)
    assert written == WriteBack("write_back:tracking", tracking=True, if_fails=IfFails.STOP) and not written.holds
