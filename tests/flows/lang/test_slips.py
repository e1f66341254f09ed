"""Everyday slips: each is one mistake, at its place, with the words that mend it."""

from pathlib import Path

import pytest

from hub.config.load import Loaded
from hub.config.problems import Problem
from hub.flows.compile import compile_flow
from hub.flows.load import load_config
from hub.messages import Texts, check_text
from tests.config.fakes import ENV, GROUND, LINES, FakeRegistry


def read(folder: Path, flow: str, ground: str = GROUND) -> Loaded:
    """The file with flow `f`; line 1 and column 1 of `flow` are line 3 and column 5 behind the ground."""
    lines = "".join(f"    {line}\n" for line in flow.splitlines())
    path = folder / "flows.yaml"
    path.write_text(f"{ground}flows:\n  f:\n{lines}")
    texts, _ = Texts.load(None)
    return load_config(path, FakeRegistry(), ENV, texts=texts, check_text=check_text)


def only(folder: Path, flow: str, ground: str = GROUND) -> Problem:
    (problem,) = read(folder, flow, ground).problems
    return problem


ON, STEPS = "on: order.received", "steps: [{stop: x}]"


def steps(step: str) -> str:
    return f"{ON}\nsteps:\n  - {step}"


SPACES = [
    pytest.param(f"on:order.received\nmode: restart\n{STEPS}", "1:4", "on", id="before a setting"),
    pytest.param(f"on:order.received\n{STEPS}", "1:4", "on", id="before the steps"),
    pytest.param(f"{ON}\nmode:restart\n{STEPS}", "2:6", "mode", id="in the middle"),
    pytest.param(f"{ON}\n{STEPS}\nmode:restart", "3:6", "mode", id="at the end"),
    pytest.param("on:order.received", "1:1", "on", id="alone"),
    pytest.param(steps("notify: {template:delivered}"), "3:23", "template", id="inside braces"),
    pytest.param(steps("notify:{template: delivered}"), "3:12", "notify", id="before braces"),
    pytest.param(steps("{stop:x}"), "3:11", "stop", id="a step"),
    pytest.param(steps("stop:x"), "3:5", "stop", id="a step without braces"),
]


@pytest.mark.parametrize(("flow", "place", "word"), SPACES)
def test_a_missing_space_is_named(tmp_path: Path, flow: str, place: str, word: str) -> None:
    said = only(tmp_path, flow)
    assert (said.code, said.text) == ("yaml-syntax", f"a space is missing behind '{word}:'")
    assert f"{said.line - LINES - 2}:{said.column - 4}" == place


@pytest.mark.parametrize(
    ("step", "column"),
    [
        ("escalate: {to: support, reason: {{ order.number }}}", 37),
        ("escalate: {to: support, reason: {{ order.number }} is late}", 37),
        ("escalate:\n      to: support\n      reason: {{ order.number }}", 15),
        ("escalate:\n      to: support\n      reason: {{ order.number }} is late", 15),
        ("notify: {template: {{ order.status }}}", 24),
        ("notify: {template: delivered, with: {x: {{ order.number }}}}", 45),
        ("wait: {{ order.eta }}", 11),
    ],
)
def test_braces_without_quotes_are_one_mistake(tmp_path: Path, step: str, column: int) -> None:
    said = only(tmp_path, steps(step))
    assert (said.code, said.column - 4) == ("yaml-quote", column)
    assert said.text == "a text that begins with '{{' must be quoted as a whole" and said.hint == '"{{ … }}"'


def test_a_reference_inside_braces_is_to_be_quoted(tmp_path: Path) -> None:
    ground = GROUND.replace("connections:\n", "connections:\n  x: {carrier: post, api_key: ${POST_KEY}}\n", 1)
    said = only(tmp_path, f"{ON}\n{STEPS}", ground)
    assert (said.code, said.column, said.hint) == ("yaml-quote", 31, '"${POST_KEY}"')


def test_a_sentence_with_commas_is_to_be_quoted(tmp_path: Path) -> None:
    said = only(tmp_path, steps("escalate: {to: support, due: 4h, reason: Call, please, the customer}"))
    assert (said.code, said.column - 4) == ("yaml-quote", 46)
    assert said.text == "this value goes on behind a comma and must be quoted as a whole"


def test_a_misspelt_word_behind_a_text_is_no_sentence(tmp_path: Path) -> None:
    assert only(tmp_path, steps("escalate: {to: support, reason: Call, severty}")).code == "unknown-setting"
    assert only(tmp_path, f"about: x\nsomething:\n{ON}\n{STEPS}").code == "unknown-setting"


@pytest.mark.parametrize(("step", "clock"), [("notify: {template: delivered, before: '21:00'}", "21:00"),
                                             ("wait: {until: 9:00, or: skip}", "09:00")])  # fmt: skip
def test_an_hour_of_the_day_is_told_as_a_moment_is_written(tmp_path: Path, step: str, clock: str) -> None:
    said = only(tmp_path, steps(step))
    assert said.code == "not-a-time" and said.hint.startswith(f"\"at(now, '{clock}', shop.timezone)\"")
    right = step.replace("'21:00'", said.hint.partition(" is ")[0]).replace("9:00", said.hint.partition(" is ")[0])
    assert read(tmp_path, steps(right)).problems == ()


def test_a_reserved_word_is_called_one(tmp_path: Path) -> None:
    said = only(tmp_path, steps("notify: {template: delivered, with: {in: order.total}}"))
    assert said.text == "'in' is a reserved word of texts; give the value another name"


def test_what_a_misspelt_section_says_is_read_all_the_same(tmp_path: Path) -> None:
    notify = steps("notify: {template: delivered}")
    assert only(tmp_path, notify, GROUND.replace("contact:", "contacts:")).code == "unknown-setting"
    assert only(tmp_path, notify, GROUND.replace("connections:", "conections:")).code == "unknown-setting"


def test_a_refused_merge_is_one_mistake(tmp_path: Path) -> None:
    path = tmp_path / "flows.yaml"
    path.write_text(f"{GROUND}flows:\n  f: &a {{{ON}, {STEPS}}}\n  g:\n    <<: *a\n    state: off\n")
    assert [each.code for each in load_config(path, FakeRegistry(), ENV).problems] == ["yaml-merge"]


# ------------------------------------------------------------------------------------------------ missed before


@pytest.mark.parametrize("when", ["", "[]", "''"])
def test_no_condition_is_not_every_time(tmp_path: Path, when: str) -> None:
    said = only(tmp_path, f"{ON}\nwhen: {when}\n{STEPS}")
    assert said.code == "bad-value" and said.text.startswith("'when' holds no condition")


def test_a_flow_that_is_stored_runs_on_with_what_is_refused_today() -> None:
    assert compile_flow("f", {"on": "order.received", "when": [], "steps": [{"stop": "x"}]}).when == ()
    assert compile_flow("f", {"on": "order.received", "when": "order.status == 'x'", "steps": [{"stop": "x"}]})


@pytest.mark.parametrize(
    ("condition", "never", "meant"),
    [
        ("order.status == 'recieved'", "'order.status' is never 'recieved'", "received"),
        ("'shiped' != shipment.status", "'shipment.status' is never 'shiped'", "shipped"),
        ("payment.status in ['paid', 'refundet']", "'payment.status' is never 'refundet'", "refunded"),
        ("shipments.exists(s, s.status == 'delivred')", "'shipments.status' is never 'delivred'", "delivered"),
        ("shipment.reason == 'los'", "'shipment.reason' is never 'los'", "lost"),
        ("shipment.pickup_point.kind == 'loker'", "'shipment.pickup_point.kind' is never 'loker'", "locker"),
        ("waited == 'payment.payed'", "'waited' is never 'payment.payed'", "payment.paid"),
    ],
)
def test_a_word_that_a_field_never_holds_is_refused(tmp_path: Path, condition: str, never: str, meant: str) -> None:
    wait = '- wait: {event: payment.paid, up_to: 1d}\n  - choose: [{when: "' + condition + '", steps: [{stop: x}]}]'
    said = only(tmp_path, f"on: shipment.shipped\nsteps:\n  {wait}")
    assert said.code == "cel-constant" and said.text.startswith(never)
    assert said.text.endswith(f"did you mean '{meant}'?")


@pytest.mark.parametrize(
    "condition",
    ["waited == ''", "waited == 'payment.paid'", "waited != 'that'", "order.status in ['received', 'packed']",
     "order.number == 'x'", "order.items.exists(i, i.name == 'received')"],
)  # fmt: skip
def test_a_word_that_a_field_may_hold_is_right(tmp_path: Path, condition: str) -> None:
    wait = '- wait: {event: payment.paid, up_to: 1d}\n  - choose: [{when: "' + condition + '", steps: [{stop: x}]}]'
    assert read(tmp_path, f"on: shipment.shipped\nsteps:\n  {wait}").problems == ()
