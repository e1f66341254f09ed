"""`load_config`: the whole file, read, checked and frozen."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from hub.config.load import Ground, Loaded, Opened, Registry, read_ground
from hub.config.model import Config
from hub.config.settings import Reading, TooManyError
from hub.config.yaml import MapNode, Scalar

from .able import unable
from .cases import read_cases
from .check import Texts, check_all, words_of_whole
from .compile import Checked, read_flow, read_steps
from .explore import explore
from .lists import alone, read_lists, uses
from .loops import loop_risks
from .policies_check import check_policies
from .read_policies import read_policies
from .scope import Known, Scope, TextCheck
from .timing import timing
from .types import EVENT_OFFERS, UNKNOWN_TRIGGER

MAX_FLOWS = 2000


def load_config(
    path: Path,
    registry: Registry,
    env: Mapping[str, str],
    *,
    texts: Texts | None = None,
    check_text: TextCheck | None = None,
) -> Loaded:
    """The configuration in `path`, and every problem in it, sorted by place. Never raises for what stands in a file.

    `env` is the environment; a `.env` beside the file stands behind it. `texts` None: templates are not checked.
    `check_text(text, names, absent)` checks a TEXT (an escalation's reason); None: its syntax is not checked.
    """
    opened = Opened.of(path, env)
    try:
        return opened.finish(_read(opened, registry, texts, check_text))
    except TooManyError:
        return opened.finish(None)


def _read(opened: Opened, registry: Registry, texts: Texts | None, check_text: TextCheck | None) -> Config:
    ground = read_ground(opened, registry)
    known = _known(ground, texts, check_text, opened.reading)
    _survey_texts(ground, known, opened.reading)
    _lists(ground, known, opened.reading)
    _promise_text(ground, known, opened.reading)
    checked = _flows(ground, known, opened.reading)
    check_all(checked, ground, opened.reading, texts)
    explore(checked, ground.config, words_of_whole(checked, ground), opened.reading)
    timing(checked.values(), ground.config, opened.reading)
    loop_risks(checked.values(), opened.reading)
    unable(checked.values(), ground.config, opened.reading)
    sentences = read_policies(ground, known, opened.reading)
    check_policies(sentences.values(), checked, ground, opened.reading)
    flows = {name: each.flow for name, each in checked.items()}
    named = {name: flows.get(name) for name in ground.flows}
    return replace(
        ground.config,
        flows=flows,
        policies={name: each.policy for name, each in sentences.items()},
        tests=read_cases(ground.tests, ground.config, known, named, opened.reading),
    )


def _flows(ground: Ground, known: Known, reading: Reading) -> dict[str, Checked]:
    flows: dict[str, Checked] = {}
    for index, (name, (key, node)) in enumerate(ground.flows.items()):
        if index == MAX_FLOWS:
            reading.report(key, "bad-value", f"a file has at most {MAX_FLOWS:,} flows")
            break
        checked = read_flow(key, node, reading, known)
        if checked is not None:
            flows[name] = checked
    return flows


def _lists(ground: Ground, known: Known, reading: Reading) -> None:
    """Lists that no flow uses are looked at by themselves."""
    used = {each.text for _, node in ground.flows.values() for each in uses(node)}
    todo = list(used)
    while todo:
        own = known.lists.get(todo.pop())
        inner = {each.text for each in uses(own.steps)} if own is not None and own.steps is not None else set()
        todo += inner - used
        used |= inner
    for name, own in known.lists.items():
        steps, params = alone(own, known.lists, reading) if name not in used else (None, None)
        if steps is not None and params is not None:
            scope = Scope(reading, UNKNOWN_TRIGGER, known)
            with scope.listed(params, "", own.key.place):
                read_steps(steps, scope)


def _survey_texts(ground: Ground, known: Known, reading: Reading) -> None:
    """The texts that surveys are announced with must be there, as those of `notify`."""
    scope = Scope(reading, frozenset(), known)
    for name, (_, node) in ground.surveys.items():
        template = node.get("template") if isinstance(node, MapNode) else None
        if isinstance(template, Scalar) and template.text:
            scope.template(template)
        survey, remind = ground.config.surveys.get(name), node.key("remind") if isinstance(node, MapNode) else None
        if survey is None or remind is None or known.templates is None or survey.template not in known.templates:
            continue
        if survey.reminder not in known.templates:
            said = f"there is no text '{survey.reminder}', with which this survey would remind"
            reading.report(remind, "unknown-template", said, "write it in messages/, or leave out 'remind'")


def _events(ground: Ground) -> Mapping[str, frozenset[str]] | None:
    """Events that connections may tell of, with the names that they offer, whoever tells of them; None where a
    connection could not be read."""
    if not ground.whole or {*ground.config.connections, *ground.config.failovers} != set(ground.connections):
        return None
    found: dict[str, frozenset[str]] = {}
    for each in ground.config.connections.values():
        for name, about in each.adapter.events_of(each.settings).items():
            found[name] = found.get(name, EVENT_OFFERS[about]) & EVENT_OFFERS[about]
    return found


def _promise_text(ground: Ground, known: Known, reading: Reading) -> None:
    """The text by which promises are renewed must be there, and its channels, as those of `notify`."""
    key = ground.contact.key("promise") if isinstance(ground.contact, MapNode) else None
    node = ground.contact.get("promise") if isinstance(ground.contact, MapNode) else None
    if key is None or not isinstance(node, MapNode):
        return
    scope, template = Scope(reading, frozenset(), known), node.get("template")
    if isinstance(template, Scalar) and template.text:
        scope.template(template)
    scope.via(node.get("via"), key)


def _known(ground: Ground, texts: Texts | None, check_text: TextCheck | None, reading: Reading) -> Known:
    return Known(
        connections=ground.connections,
        routes={shop.key: frozenset(ground.config.contact_of(shop).routes) for shop in ground.config.shops.values()}
        or {"": frozenset(ground.config.contact.routes)},
        staff=ground.staff,
        people=ground.people,
        shops=ground.shops,
        surveys=frozenset(ground.surveys),
        events=_events(ground),
        lists=read_lists(ground.lists, reading),
        words=frozenset(word for shop in ground.config.shops.values() for word in shop.connections),
        templates=frozenset(texts.names()) | texts.spoilt if texts is not None else None,
        check_text=check_text,
    )
