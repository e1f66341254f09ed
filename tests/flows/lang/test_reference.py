"""What is written about the language is what the code runs on."""

import json
from pathlib import Path

import pytest
import yaml

from hub.config.problems import CODES
from hub.config.sections import SECTIONS
from hub.flows.builtin import STEPS
from hub.flows.cases import SHAPES as CASES
from hub.flows.cel import Compiled, Wants, compile_expression
from hub.flows.cel_functions import FUNCTIONS
from hub.flows.compile import FlowShape
from hub.flows.read_policies import FORMS, SHAPES
from hub.flows.reference import reference
from hub.flows.schema import json_schema
from hub.flows.types import NAMES, RECORDS, TRIGGERS, offered
from tests.config.fakes import GROUND, WITH_TARGET, FakeTexts, load

ROOT = Path(__file__).parents[3]


def test_the_reference_page_is_the_one_that_the_code_writes() -> None:
    written = (ROOT / "docs" / "reference" / "flows.md").read_text()
    assert written == reference(), "write it again: python -m hub.flows.reference > docs/reference/flows.md"


def test_the_page_holds_every_word() -> None:
    page = reference()
    words = [
        *CODES,
        *STEPS,
        *(each.name for each in FUNCTIONS),
        *NAMES,
        *RECORDS,
        *(w.partition(".")[2] for w in TRIGGERS),
    ]
    assert [each for each in words if each not in page] == []


def test_every_setting_has_a_description() -> None:
    shapes = [shape for _, shape in (*SECTIONS, *CASES)] + [kind.settings for kind in STEPS.values()]
    shapes += [FlowShape, *SHAPES]
    bare = [
        f"{shape.__name__}.{name}"
        for shape in shapes
        for name, info in shape.model_fields.items()
        if not info.description
    ]
    assert bare == []


LIST = """\
steps:
  remind:
    takes: {template: template, first: length}
    steps: [{wait: $first}, {notify: {template: $template}}]
"""


@pytest.mark.parametrize("name", STEPS)
def test_a_steps_example_is_right(tmp_path: Path, name: str) -> None:
    kind = STEPS[name]
    assert kind.summary.endswith(".")
    text = f"flows:\n  a:\n    on: shipment.ready_for_pickup\n    steps:\n      - {kind.example}\n"
    more = "surveys: {after-delivery: {template: delivered}}\n" + LIST + text
    assert load(tmp_path, WITH_TARGET + more, FakeTexts()).problems == ()


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_a_functions_example_is_right(function: object) -> None:
    example = getattr(function, "example", "")
    assert isinstance(compile_expression(example, Wants.ANY, offered(("shipment.delivered",))), Compiled)


def test_the_schema_takes_the_good_file_and_is_plain_data() -> None:
    schema = json_schema()
    assert json.loads(json.dumps(schema)) == schema
    assert set(schema["properties"]) >= set(yaml.safe_load(GROUND))


def test_the_schema_knows_every_setting_of_every_step() -> None:
    steps = json_schema()["$defs"]["steps"]["items"]["oneOf"]
    notify = next(each for each in steps if "notify" in each["properties"])["properties"]["notify"]
    assert set(notify["properties"]) == {
        "template",
        "to",
        "via",
        "class",
        "urgent",
        "before",
        "promise",
        "echo",
        "with",
        "id",
        "if_fails",
    }
    assert notify["required"] == ["template"]
    flow = json_schema()["properties"]["flows"]["additionalProperties"]
    assert flow["required"] == ["on", "steps"] and flow["properties"]["on"] == {
        "$ref": "#/$defs/triggers",
        "description": "What starts it.",
    }


def test_the_schema_knows_the_forms_of_policies() -> None:
    forms = json_schema()["properties"]["policies"]["additionalProperties"]["oneOf"]
    assert [next(iter(each["properties"])) for each in forms] == list(FORMS)
    after, _, never = forms
    assert after["required"] == ["after", "within", "hear"] and "payment.paid" in after["properties"]["after"]["enum"]
    assert set(never["properties"]["never"]["properties"]) == {"template", "class", "channel", "to"}
