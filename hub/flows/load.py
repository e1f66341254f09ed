"""`load_config`: the whole file, read, checked and frozen."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from hub.config.load import Ground, Loaded, Opened, Registry, read_ground
from hub.config.model import Config
from hub.config.settings import Reading, TooManyError
from hub.config.yaml import MapNode, Scalar

from .cases import read_cases
from .check import Texts, check_all
from .compile import Checked, read_flow
from .loops import loop_risks
from .scope import Known, Scope, TextCheck

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
    known = _known(ground, texts, check_text)
    _survey_texts(ground, known, opened.reading)
    checked = _flows(ground, known, opened.reading)
    check_all(checked, ground, opened.reading, texts)
    loop_risks(checked.values(), opened.reading)
    flows = {name: each.flow for name, each in checked.items()}
    named = {name: flows.get(name) for name in ground.flows}
    tests = read_cases(ground.tests, ground.config, known, named, opened.reading)
    return replace(ground.config, flows=flows, tests=tests)


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


def _known(ground: Ground, texts: Texts | None, check_text: TextCheck | None) -> Known:
    return Known(
        connections=ground.connections,
        routes={shop.key: frozenset(ground.config.contact_of(shop).routes) for shop in ground.config.shops.values()}
        or {"": frozenset(ground.config.contact.routes)},
        staff=ground.staff,
        people=ground.people,
        shops=ground.shops,
        surveys=frozenset(ground.surveys),
        words=frozenset(word for shop in ground.config.shops.values() for word in shop.connections),
        templates=frozenset(texts.names()) | texts.spoilt if texts is not None else None,
        check_text=check_text,
    )
