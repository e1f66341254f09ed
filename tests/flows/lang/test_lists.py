"""Named lists of steps: how `do` is unfolded, what stands in the list then, and what is wrong with which place."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hub.config.load import Loaded
from hub.flows.compile import compile_flow
from hub.flows.load import load_config
from hub.flows.model import Choose, Escalate, Flow, Notify, WaitFor, WriteBack
from hub.messages import check_text
from tests.config.fakes import ENV, GROUND, FakeRegistry, FakeTexts

REMIND = """
  remind:
    takes: {template: template, first: length, via: channels, least: number}
    steps:
      - wait: $first
      - choose:
          - when: order.total >= param.least
            steps: [{notify: {template: $template, via: $via, with: {so_far: param.first}}}]
"""
CALL = "{list: remind, with: {template: shipped, first: 3h, via: letter, least: 10.5}}"


def read(folder: Path, lists: str, *steps: str, on: str = "order.received") -> Loaded:
    lines = "".join(f"      - {each}\n" for each in steps)
    path = folder / "flows.yaml"
    path.write_text(f"{GROUND}steps:{lists}flows:\n  a:\n    on: {on}\n    steps:\n{lines}")
    return load_config(path, FakeRegistry(), ENV, texts=FakeTexts(), check_text=check_text)


def flow(folder: Path, lists: str, *steps: str) -> Flow:
    loaded = read(folder, lists, *steps)
    assert loaded.config is not None, [str(each) for each in loaded.problems]
    found: Flow = loaded.config.flows["a"]
    return found


def told(loaded: Loaded) -> list[str]:
    """The code of each problem with the word that it points to."""
    return [f"{each.code} {each.snippet[each.column - 1 :].split('}')[0].split(',')[0]}" for each in loaded.problems]


def test_its_steps_stand_in_its_place_with_the_values_that_were_given(tmp_path: Path) -> None:
    wait, choose = flow(tmp_path, REMIND, f"do: {CALL}").steps
    assert isinstance(wait, WaitFor)
    assert wait.length.exact.total_seconds() == 3 * 3600
    assert isinstance(choose, Choose)
    [branch] = choose.branches
    [notify] = branch.steps
    assert branch.when is not None
    assert branch.when.value({"order": {"total": 10.4}}) is False
    assert branch.when.value({"order": {"total": 10.6}}) is True
    assert isinstance(notify, Notify)
    assert (notify.template, notify.via) == ("shipped", "letter")
    assert notify.extra is not None
    assert notify.extra["so_far"].value({}) == timedelta(hours=3)
    assert notify.extra["param"].value({}) == {"template": "shipped", "first": "3h", "via": ["letter"], "least": 10.5}


def test_channels_may_be_a_list_of_them(tmp_path: Path) -> None:
    steps = flow(tmp_path, REMIND, "do: " + CALL.replace("letter", "[bot, mail]")).steps
    assert isinstance(steps[1], Choose)
    notify = steps[1].branches[0].steps[0]
    assert isinstance(notify, Notify)
    assert notify.via == ("bot", "mail")


def test_a_run_keeps_the_text_with_its_lists_in_it(tmp_path: Path) -> None:
    before = flow(tmp_path, REMIND, f"do: {CALL}", "stop: done")
    assert before.source is not None
    again = compile_flow("a", before.source)
    assert again == before
    after = flow(tmp_path, REMIND.replace(">=", ">"), f"do: {CALL}", "stop: done")
    assert after.version != before.version, "another list is another text of the flow"
    [branch] = [each.branches[0] for each in again.steps if isinstance(each, Choose)]
    assert branch.when is not None
    assert branch.when.value({"order": {"total": 10.6}}) is True


def test_texts_read_param(tmp_path: Path) -> None:
    lists = """
  ask:
    takes: {what: text}
    steps:
      - escalate: {to: support, reason: "Ask for {{ param.what }}", id: ask}
      - write_back: {note: "we asked for {{ param.what }}"}
"""
    escalate, write_back = flow(tmp_path, lists, "do: {list: ask, with: {what: 0123}}").steps
    assert isinstance(escalate, Escalate)
    assert isinstance(write_back, WriteBack)
    assert escalate.param == write_back.param == {"what": "0123"}


def test_a_list_in_a_list_has_its_own_parameters(tmp_path: Path) -> None:
    lists = """
  outer:
    takes: {name: template}
    steps:
      - do: {list: inner, with: {said: $name}}
      - choose: [{when: param.name == "delivered", steps: [{stop: x}]}]
  inner:
    takes: {said: template}
    steps: [{notify: {template: $said}}]
"""
    notify, choose = flow(tmp_path, lists, "do: {list: outer, with: {name: shipped}}").steps
    assert isinstance(notify, Notify)
    assert notify.template == "shipped"
    assert isinstance(choose, Choose)
    assert choose.branches[0].when is not None
    assert choose.branches[0].when.value({}) is False


SAY = "\n  say:\n    takes: {}\n    steps: [{notify: {template: shipped}}]\n"


def test_keys_stay_apart_where_a_list_is_used_twice(tmp_path: Path) -> None:
    loaded = read(tmp_path, SAY, "do: {list: say}", "do: {list: say}")
    assert [each.code for each in loaded.errors] == ["step-needs-id"]
    steps = flow(tmp_path, SAY, "do: {list: say}", "do: {list: say, id: second}").steps
    assert [each.id for each in steps] == ["notify:shipped", "second:notify:shipped"]


def deep(many: int) -> str:
    lists = [f"\n  l{n}:\n    steps: [{{do: {{list: l{n + 1}}}}}]" for n in range(1, many)]
    return "".join(lists) + f"\n  l{many}:\n    steps: [{{notify: {{template: shipped}}}}]\n"


def test_four_lists_stand_inside_each_other_and_not_five(tmp_path: Path) -> None:
    assert len(flow(tmp_path, deep(4), "do: {list: l1}").steps) == 1
    loaded = read(tmp_path, deep(5), "do: {list: l1}")
    assert told(loaded) == ["list-depth l2"]


def test_no_list_leads_back_to_itself(tmp_path: Path) -> None:
    lists = "\n  l1:\n    steps: [{do: {list: l2}}]\n  l2:\n    steps: [{do: {list: l1}}]\n"
    assert told(read(tmp_path, lists, "do: {list: l1}", "do: {list: l2}")) == ["list-recursion l1"]
    assert told(read(tmp_path, "\n  l1:\n    steps: [{do: {list: l1}}]\n", "stop: x")) == ["list-recursion l1"]


def test_a_flow_has_at_most_a_hundred_steps_with_its_lists(tmp_path: Path) -> None:
    def lists(many: int) -> str:
        return "\n  many:\n    steps: [" + ", ".join(["{wait: 1m}"] * many) + "]\n"

    assert len(flow(tmp_path, lists(50), "do: {list: many}", "do: {list: many}").steps) == 100
    loaded = read(tmp_path, lists(50), "do: {list: many}", "do: {list: many}", "stop: x")
    assert [each.code for each in loaded.errors] == ["bad-value"]
    wide = "".join(
        f"\n  l{n}:\n    steps: [" + ", ".join([f"{{do: {{list: l{n + 1}}}}}"] * 99) + "]" for n in range(1, 4)
    )
    loaded = read(tmp_path, wide + "\n  l4:\n    steps: [" + ", ".join(["{wait: 1m}"] * 99) + "]\n", "do: {list: l1}")
    assert [each.code for each in loaded.errors] == ["bad-value"], "a hundred million steps are not even unfolded"


PROBLEMS: list[Any] = [
    pytest.param(REMIND, ["do: {list: remnd}"], ["unknown-list remnd"], id="no such list"),
    pytest.param(
        REMIND, ["do: {list: remind, with: {template: shipped, first: 3h, via: letter}}"], ["bad-parameter remind"],
        id="a parameter is absent",
    ),
    pytest.param(
        REMIND, ["do: " + CALL.replace("least: 10.5", "least: 10.5, last: 1d")], ["bad-parameter last: 1d"],
        id="a parameter too many",
    ),
    pytest.param(REMIND, ["do: " + CALL.replace("3h", "soon")], ["bad-parameter soon"], id="no length"),
    pytest.param(REMIND, ["do: " + CALL.replace("3h", "[3h]")], ["bad-parameter [3h]"], id="a list is no length"),
    pytest.param(REMIND, ["do: " + CALL.replace("10.5", "many")], ["bad-parameter many"], id="no number"),
    pytest.param(REMIND, ["do: " + CALL.replace("letter", "[]")], ["bad-parameter []"], id="no channel at all"),
    pytest.param(
        REMIND, ["do: " + CALL.replace("shipped", "shpped")], ["unknown-template shpped"], id="what it is is followed"
    ),
    pytest.param(REMIND, ["do: " + CALL.replace("letter", "post")], ["unknown-route post"], id="so are routes"),
    pytest.param(REMIND.replace("$first", "$frist"), [f"do: {CALL}"], ["bad-parameter $frist"], id="misspelt inside"),
    pytest.param(
        REMIND.replace("param.least", "param.last"), [f"do: {CALL}"],
        ["unused-parameter least: number", "bad-parameter last"], id="misspelt in a condition",
    ),
    pytest.param(
        REMIND.replace("param.least", "param.template"), [f"do: {CALL}"],
        ["unused-parameter least: number", "cel-type >= param.template"], id="of another type",
    ),
    pytest.param(
        REMIND.replace("wait: $first", "wait: '$first working'"), [f"do: {CALL}"], ["bad-parameter $first working'"],
        id="only the whole value",
    ),
    pytest.param(
        REMIND.replace("first: length", "first: time"), [f"do: {CALL}"], ["bad-value time"], id="no such type"
    ),
    pytest.param(
        REMIND, ["wait: 1d", "choose: [{when: param.first > hours(1), steps: [{stop: x}]}]"],
        ["not-offered param.first > hours(1)"], id="outside a list",
    ),
    pytest.param(
        REMIND, ["escalate: {to: support, reason: '{{ param.first }}'}"], ["not-offered param.first "],
        id="in a text outside a list",
    ),
    pytest.param(
        "\n  a:\n    steps: [{notfy: {template: shipped}}]\n", ["stop: x"], ["unknown-step notfy: {template: shipped"],
        id="in a list that nobody uses",
    ),
    pytest.param("\n  a:\n    steps: []\n", ["stop: x"], ["bad-value []"], id="an empty list"),
    pytest.param("\n  a:\n    takes: {}\n", ["stop: x"], ["missing-setting a:"], id="no steps"),
    pytest.param(
        "\n  a:\n    takes: {first-day: length}\n    steps: [{wait: 1d}]\n", ["stop: x"],
        ["bad-name first-day: length", "unused-parameter first-day: length"], id="a name that is a subtraction",
    ),
    pytest.param(
        REMIND, ["do: {list: remind, steps: [{stop: x}]}"], ["unknown-setting steps: [{stop: x"], id="steps of its own"
    ),
]  # fmt: skip


@pytest.mark.parametrize(("lists", "steps", "expected"), PROBLEMS)
def test_what_is_wrong_is_told_where_it_stands(
    tmp_path: Path, lists: str, steps: list[str], expected: list[str]
) -> None:
    assert told(read(tmp_path, lists, *steps)) == expected


def test_a_mistake_in_a_list_is_told_once_with_the_place_that_uses_it(tmp_path: Path) -> None:
    lists = "\n  a:\n    steps: [{notify: {template: shpped, id: x}}]\n"
    loaded = read(tmp_path, lists, "do: {list: a}", "do: {list: a, id: b}")
    [problem] = loaded.problems
    line = loaded.sources["flows.yaml"].splitlines().index("      - do: {list: a}") + 1
    assert problem.code == "unknown-template"
    assert problem.snippet.strip().startswith("steps: [{notify")
    assert problem.hint == f"used in line {line}"


def test_a_list_that_nobody_uses_is_checked_without_values(tmp_path: Path) -> None:
    assert told(read(tmp_path, REMIND, "stop: x")) == []
