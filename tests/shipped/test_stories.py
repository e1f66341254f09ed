"""A month of the repository's own flows.yaml: each of its flows is driven, by what happens outside alone."""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from hub.config.load import Loaded
from hub.config.problems import render_problems
from hub.flows.check import all_steps
from hub.flows.model import Ask, Notify
from hub.status import Order, Payment, Return, Shipment
from tests.config.test_own_file import ENV, load

from .evidence import Month, Said, played
from .month import CAST
from .stories import BROKEN, STAFF_ONLY, STORIES, SURVEYS, Story


@pytest.fixture(scope="session")
def month(tmp_path_factory: pytest.TempPathFactory) -> Month:
    """Everything that came of the month, played once."""
    return asyncio.run(played(tmp_path_factory.mktemp("month")))


@pytest.fixture(scope="session")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    return load(tmp_path_factory.mktemp("file"), ENV)


def _flows() -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        config = load(Path(folder), ENV).config
    return list(config.flows) if config else []


FLOWS = _flows()


def mistakes(flow: str, story: Story, month: Month) -> list[str]:
    """Where a month departs from a story: a line that is missing, or one too many."""
    cast = frozenset(story.cast.split())
    says = _lines(story.says)
    found: Mapping[str, tuple[list[str], list[str]]] = {
        "says": (says, [_line(each, says) for each in month.said if each.flow == flow and each.who in cast]),
        "raises": (
            _lines(story.raises),
            [
                f"{each.when} {each.case} {each.person} {each.severity} | {each.reason}"
                for each in month.raised
                if each.flow == flow and each.case in cast
            ],
        ),
        "calls": (
            _lines(story.calls),
            [f"{each.case} {each.status}" for each in month.called if each.flow == flow and each.case in cast],
        ),
        "writes": (
            _lines(story.writes),
            [f"{each.case} {each.what}" for each in month.wrote if each.flow == flow and each.case in cast],
        ),
        "mutes": (_lines(story.mutes), _by_case(flow, cast, month.muted)),
        "tags": (_lines(story.tags), _by_case(flow, cast, month.tagged)),
        "unsent": (
            _lines(story.unsent),
            [
                f"{case} {template} | {why}"
                for (name, case, template), why in month.unsent.items()
                if name == flow and case in cast and not template.startswith("staff-")
            ],
        ),
    }
    missing = [f"{what}, missing: {each}" for what, (told, came) in found.items() for each in _less(told, came)]
    return missing + [f"{what}, too many: {each}" for what, (told, came) in found.items() for each in _less(came, told)]


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _line(said: Said, wanted: list[str]) -> str:
    """The line that tells of what was said, or one that nobody expects."""
    head = f"{said.when} {said.who} {said.channel} {said.template}"
    heads = (each.partition(" | ") for each in wanted)
    return next((f"{head} | {words}" for it, _, words in heads if it == head and words in said.text),
                f"{head} | {said.text[:80]}")  # fmt: skip


def _by_case(flow: str, cast: frozenset[str], found: Mapping[tuple[str, str], frozenset[str]]) -> list[str]:
    return [
        f"{case} {' '.join(sorted(words))}" for (name, case), words in found.items() if name == flow and case in cast
    ]


def _less(some: list[str], others: list[str]) -> list[str]:
    """Those of `some` that `others` lack, as often as they lack them."""
    return list((Counter(some) - Counter(others)).elements())


@pytest.mark.parametrize("flow", FLOWS)
def test_a_flow_does_what_its_story_tells(flow: str, month: Month) -> None:
    assert flow in STORIES, f"tests/shipped/stories.py tells nothing of '{flow}'"
    assert mistakes(flow, STORIES[flow], month) == []


@pytest.mark.parametrize("flow", FLOWS)
def test_a_story_fails_without_its_flow(flow: str, month: Month) -> None:
    without = replace(
        month,
        said=[each for each in month.said if each.flow != flow],
        raised=[each for each in month.raised if each.flow != flow],
        called=[each for each in month.called if each.flow != flow],
        wrote=[each for each in month.wrote if each.flow != flow],
        muted={key: value for key, value in month.muted.items() if key[0] != flow},
        tagged={key: value for key, value in month.tagged.items() if key[0] != flow},
    )
    assert mistakes(flow, STORIES[flow], without) != []


def test_a_story_is_of_a_flow_and_of_people_that_there_are() -> None:
    assert set(STORIES) == set(FLOWS)
    known = {case.key for case in CAST} | {"olena", "taras", "iryna"}
    named = {each for story in STORIES.values() for each in story.cast.split() if not each.startswith("~")}
    assert named <= known


def test_every_text_that_the_file_names_was_read_by_somebody(month: Month) -> None:
    steps = [step for flow in month.config.flows.values() for step in all_steps(flow.steps)]
    named = {step.template for step in steps if isinstance(step, Notify)}
    surveys = {month.config.surveys[step.name].template for step in steps if isinstance(step, Ask)}
    assert named | surveys | {f"{each}-reminder" for each in surveys} <= {each.template for each in month.said}


def test_every_status_is_told_or_is_silent_on_purpose(loaded: Loaded) -> None:
    config = loaded.config
    assert config is not None
    tells = {
        word
        for flow in config.flows.values()
        for word in flow.triggers
        if any(isinstance(step, Notify) and step.to == "customer" for step in all_steps(flow.steps))
    }
    statuses = {f"{axis.__name__.lower()}.{each.value}" for axis in (Order, Payment, Shipment, Return) for each in axis}
    assert statuses - tells - config.contact.silent == STAFF_ONLY
    assert not tells & config.contact.silent, "who is told is not left in silence"


def test_the_check_has_nothing_to_say(loaded: Loaded) -> None:
    problems = [each for each in loaded.problems if each.code != "policy-sampled"]  # what only a month can show
    assert problems == [], render_problems(problems)


def test_a_strangers_library_believes_every_call(month: Month) -> None:
    assert month.skew == [] and len(month.called) > len(CAST)


def test_the_surveys_stand_as_they_were_answered(month: Month) -> None:
    assert {case: month.surveys.get(case) for case in SURVEYS} == SURVEYS


def test_policies_hold_and_call_somebody_where_they_do_not(month: Month) -> None:
    broken = {policy: states.get("broken", frozenset()) for policy, states in month.watched.items()}
    assert broken == BROKEN
    assert month.watched["problems-reach-a-human"] == {"kept": {"sofia", "sonia"}}
    assert len(month.watched["paid-orders-hear-from-us"]["kept"]) > len(CAST) // 2
    called = {
        (each.case, each.reason.split()[1].rstrip(":")) for each in month.raised if each.reason.startswith("policy ")
    }
    assert called == {(case, policy) for policy, cases in BROKEN.items() for case in cases}
    assert {each.who for each in month.said if each.template == "staff-policy"} == {"iryna"}


def test_orders_end_where_they_must(month: Month) -> None:
    wanted = {"anna": "delivered", "zofia": "cancelled", "ihor": "refunded", "larysa": "returned", "sonia": "problem"}
    assert {case: month.headlines[case] for case in wanted} == wanted
