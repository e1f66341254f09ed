"""One mistake in a step does not hide another, and texts are looked at as conditions are (FLOWS 13)."""

from pathlib import Path

import pytest

from hub.config.load import Loaded
from hub.config.problems import Level
from hub.flows.load import load_config
from hub.flows.types import KEYWORDS, LATER_NAMES, NAMES, TEXT_NAMES
from hub.messages import Texts, check_text
from hub.messages._names import ROOTS
from tests.config.fakes import ENV, GROUND, FakeRegistry


def read(folder: Path, *steps: str, on: str = "shipment.shipped", more: str = "") -> Loaded:
    lines = "".join(f"      - {each}\n" for each in steps)
    path = folder / "flows.yaml"
    path.write_text(f"{GROUND}flows:\n  a:\n    on: {on}\n{more}    steps:\n{lines}")
    texts, _ = Texts.load(None)
    return load_config(path, FakeRegistry(), ENV, texts=texts, check_text=check_text)


def told(loaded: Loaded) -> list[str]:
    """The code of each problem with the word that it points to."""
    return [f"{each.code} {each.snippet[each.column - 1 :].split('}')[0].split(',')[0]}" for each in loaded.problems]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        pytest.param(
            ["escalate: {to: support, reason: '{{ shipmnt.reason }}', due: 2x}"],
            ["jinja-name shipmnt.reason ", "bad-length 2x"],
            id="a text beside a wrong length",
        ),
        pytest.param(
            ["notify: {template: delivered, urgnt: true, with: {x: ordr.total}}"],
            ["unknown-setting urgnt: true", "cel-name ordr.total"],
            id="values of a message beside a wrong setting",
        ),
        pytest.param(
            ["notify: {template: delivered, before: order.totl, with: {x: order.totl}, class: ads}"],
            ["cel-field totl", "cel-field totl", "bad-value ads"],
            id="every expression of a message",
        ),
        pytest.param(
            ["notify: {template: delivered, urgent: true, class: marketing, urgnt: 1}"],
            ["urgent-marketing urgent: true", "unknown-setting urgnt: 1"],
            id="urgent marketing beside a wrong setting",
        ),
        pytest.param(
            ["choose: [{steps: [{notfy: {template: delivered}}]}]"],
            ["missing-setting {steps: [{notfy: {template: delivered", "unknown-step notfy: {template: delivered"],
            id="inside a branch without a condition",
        ),
        pytest.param(
            ["choose: [{whne: order.gift, steps: [{notfy: {}}]}, {els: 1, else: [{wit: 1d}]}]"],
            [
                "unknown-setting whne: order.gift",
                "unknown-step notfy: {",
                "unknown-setting els: 1",
                "unknown-step wit: 1d",
            ],
            id="inside branches with a wrong key",
        ),
        pytest.param(
            ["wait: {event: shipment.deliverd, up_to: 1x}"],
            ["unknown-status shipment.deliverd", "bad-length 1x"],
            id="an event beside a wrong length",
        ),
        pytest.param(
            ["notify: {template: delivered, urgnt: true}", "notify: {template: delivered}"],
            ["unknown-setting urgnt: true", "step-needs-id notify: {template: delivered"],
            id="one key twice, the first message being wrong",
        ),
        pytest.param(
            ["escalate: {to: support, reason: x, due: 2x}", "escalate: {to: support, reason: y}"],
            ["bad-length 2x", "step-needs-id escalate: {to: support"],
            id="one key twice, the first matter being wrong",
        ),
        pytest.param(
            ["wait: {that: order.gift, up_to: 1x, id: k}", "wait: {that: order.gift, up_to: 1d, id: k}"],
            ["bad-length 1x", "step-needs-id wait: {that: order.gift"],
            id="one id twice, the first wait being wrong",
        ),
        pytest.param(
            ["notify: {template: delivered, idd: x}", "notify: {template: delivered, idd: y}"],
            ["unknown-setting idd: x", "unknown-setting idd: y"],
            id="a misspelt id is no missing one",
        ),
        pytest.param(
            ["notify: {template: delivered, with: {x: at(now, '09:00', shop.timezone)}}"],
            ["yaml-quote at(now"],
            id="a value with commas is one mistake",
        ),
    ],
)
def test_all_mistakes_of_a_step_are_told(tmp_path: Path, steps: list[str], expected: list[str]) -> None:
    assert told(read(tmp_path, *steps)) == expected


# ------------------------------------------------------------------------------------------------ texts

REASON = "escalate: {{to: support, reason: '{}'}}"


@pytest.mark.parametrize(
    ("text", "absent"),
    [
        ("{{ shipment.reason }} {{ order.note }}", ["shipment.reason ", "order.note "]),
        ("{{ order.note }}, {{ order.note }}", ["order.note "]),
        ("{{ shipment.pickup_point.name }}", ["shipment.pickup_point.name "]),
        ("{{ shipment.last.native_status }}", ["shipment.last.native_status "]),
        ("{{ order.eta | day }}", ["order.eta | day "]),
        ("{{ order.number }} {{ customer.locale }} {{ shipment.index }}", []),
        ('{{ order.note or "none" }}', []),
        ("{% if order.note %}{{ order.note }}{% endif %}", []),
        ('{{ order.note if order.note else "none" }}', []),
        ("{% for item in order.items %}{{ item.sku }}{% endfor %}", []),
        ("{% for s in shipments %}{{ s.tracking_number }}{% endfor %}", ["s.tracking_number "]),
        ("{% for s in shipments %}{{ order.note }}{% else %}{{ order.eta | day }}{% endfor %}", ["order.note "]),
        ("{% for s in shipments %}{% if s.eta %}{{ s.eta | day }}{% endif %}{% endfor %}", []),
        ("{% for s in shipments if s.tracking_number %}{{ s.tracking_number }}{% endfor %}", []),
    ],
)
def test_a_text_that_prints_what_may_be_absent_is_told(tmp_path: Path, text: str, absent: list[str]) -> None:
    loaded = read(tmp_path, REASON.format(text))
    assert told(loaded) == [f"maybe-missing {each}" for each in absent]
    assert all(each.severity is Level.WARNING for each in loaded.problems)


@pytest.mark.parametrize(
    ("more", "steps"),
    [
        ("    when: has(order.note)\n", []),
        ("    when: order.note != 'x'\n", []),
        ("", ["wait: {until: 'has(order.note) && order.note != \"\" ? order.eta : order.eta', or: stop}"]),
    ],
)
def test_what_was_asked_for_above_a_text_is_there(tmp_path: Path, more: str, steps: list[str]) -> None:
    text = "{{ order.note }}" if more else "{{ order.eta | day }}"
    assert told(read(tmp_path, *steps, REASON.format(text), more=more)) == []


def test_after_its_step_a_name_is_there_and_before_it_is_not_offered(tmp_path: Path) -> None:
    text = REASON.format("{{ waited }} {{ escalation.severity }}")
    assert told(read(tmp_path, "escalate: {to: support, reason: x, id: x}", "wait: 1d", text)) == []
    assert told(read(tmp_path, "wait: 1d", text)) == ["not-offered escalation.severity "]
    branch = "choose: [{when: order.gift, steps: [{wait: 1d}]}]"
    assert told(read(tmp_path, branch, REASON.format("{{ waited }}"))) == ["maybe-missing waited "]


NOTE = REASON.format("{{ order.note }}")


@pytest.mark.parametrize("field", ["order.total", "order.currency", "shipment.carrier", "order.status"])
def test_what_flows_md_gives_without_a_question_mark_is_not_warned_about(tmp_path: Path, field: str) -> None:
    assert told(read(tmp_path, REASON.format(f"{{{{ {field} }}}}"))) == []


def test_what_is_told_of_a_gap_is_what_is_shown_there(tmp_path: Path) -> None:
    (said,) = read(tmp_path, NOTE).problems
    assert said.text.startswith("'order.note' may be absent; then a dash is shown")


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param(
            ["choose: [{when: '!has(order.note)', steps: [{stop: x}]}]", NOTE], id="behind a branch that stops"
        ),
        pytest.param(
            ["choose: [{when: '!has(order.note)', steps: [{wait: 1d}]}, {else: [{" + NOTE + "}]}]"], id="else"
        ),
        pytest.param(
            ["choose: [{when: '!has(order.note)', steps: [{wait: 1d}]}, {when: order.gift, steps: [{" + NOTE + "}]}]"],
            id="a later branch",
        ),
        pytest.param(
            ["choose: [{when: '!has(order.note) || order.gift', steps: [{stop: x}]}]", NOTE], id="one reason to stop"
        ),
        pytest.param(
            ["choose: [{when: has(order.note), steps: [{wait: 1d}]}, {else: [{stop: x}]}]", NOTE], id="only so"
        ),
        pytest.param(
            ["choose: [{when: order.gift, steps: [{wait: 1d}]}, {else: [{wait: 2d}]}]", REASON.format("{{ waited }}")],
            id="every branch waits",
        ),
        pytest.param(
            ["choose: [{when: 'has(order.note) ? true : false', steps: [{" + NOTE + "}]}]"], id="asked with ? and :"
        ),
    ],
)
def test_what_the_branches_above_left_over_is_there(tmp_path: Path, steps: list[str]) -> None:
    assert told(read(tmp_path, *steps)) == []


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param(["choose: [{when: order.note == 'x', steps: [{stop: x}]}]", NOTE], id="unknown is not met"),
        pytest.param(["choose: [{when: '!has(order.note)', steps: [{wait: 1d}]}]", NOTE], id="the branch goes on"),
        pytest.param(
            ["choose: [{when: '!has(order.note) && order.gift', steps: [{stop: x}]}]", NOTE], id="two reasons to stop"
        ),
        pytest.param(
            [
                "choose: [{when: '!has(shipment.pickup_point.hours)', steps: [{stop: x}]}]",
                REASON.format("{{ shipment.pickup_point.hours }}"),
            ],
            id="asking within what may be absent is unknown",
        ),
        pytest.param(
            ["choose: [{when: 'order.gift ? true : has(order.note)', steps: [{" + NOTE + "}]}]"], id="? and :"
        ),
    ],
)
def test_what_no_branch_above_had_to_ask_may_be_absent(tmp_path: Path, steps: list[str]) -> None:
    assert [each.code for each in read(tmp_path, *steps).problems] == ["maybe-missing"]


@pytest.mark.parametrize("name", ["waited", "escalation.id"])
def test_a_name_before_its_step_is_told_with_the_step(tmp_path: Path, name: str) -> None:
    word = name.partition(".")[0]
    step = {"waited": "wait", "escalation": "escalate"}[word]
    expected = f"there is no '{word}' here: it is there behind the step '{step}' of the same run"
    for more, steps in (("", [REASON.format(f"{{{{ {name} }}}}")]), (f"    when: {name} == 'x'\n", ["stop: x"])):
        (said,) = read(tmp_path, *steps, more=more).problems
        assert (said.code, said.text) == ("not-offered", expected)


def test_a_matters_own_triggers_offer_it(tmp_path: Path) -> None:
    text = REASON.format("{{ escalation.severity }}")
    more = "    when: escalation.severity == 'high'\n"
    assert told(read(tmp_path, text, on="escalation.overdue", more=more)) == []
    assert told(read(tmp_path, text, on="customer.asked", more=more))[0].startswith("not-offered")


def test_a_trigger_that_there_is_not_is_the_only_mistake(tmp_path: Path) -> None:
    text = REASON.format("{{ escalation.severity }}")
    more = "    when: escalation.severity == 'high'\n"
    assert told(read(tmp_path, text, on="{event: x}", more=more)) == ["unknown-trigger x"]


def test_a_name_that_the_trigger_does_not_offer_is_told_as_in_conditions(tmp_path: Path) -> None:
    (said,) = read(tmp_path, REASON.format("{{ shipment.carrier }}"), on="order.packed").problems
    assert said.code == "not-offered" and said.text.startswith("there is no 'shipment' here: not this trigger")


# ------------------------------------------------------------------------------------------------ names of values


@pytest.mark.parametrize(
    "name", ["order", "shop", "question", "orders", "link", "loop", "1x", "q-r", "_x", "a b", "or"]
)
def test_a_value_for_a_text_has_a_name_of_its_own(tmp_path: Path, name: str) -> None:
    step = f"notify: {{template: delivered, with: {{'{name}': order.total}}}}"
    assert told(read(tmp_path, step)) == [f"bad-name '{name}': order.total"]


def test_names_of_values_that_are_none_of_those_are_right(tmp_path: Path) -> None:
    step = "notify: {template: delivered, with: {x: order.total, first_Name2: order.number}}"
    assert told(read(tmp_path, step)) == []


def test_what_texts_know_is_known_to_flows() -> None:
    assert set(ROOTS) <= NAMES.keys() | LATER_NAMES | TEXT_NAMES
    assert not LATER_NAMES & NAMES.keys() and not KEYWORDS & NAMES.keys()
