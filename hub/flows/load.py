"""`load_config`: the whole file, read, checked and frozen."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from hub.config.load import Ground, Loaded, Registry, read_ground

from .check import Texts, check_all
from .compile import Checked, read_flow
from .model import Flow
from .scope import Known, TextCheck

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
    `check_text(text, names)` checks a TEXT (an escalation's reason); None: its syntax is not checked.
    """
    ground = read_ground(path, registry, env)
    known = _known(ground, texts, check_text)
    checked = _flows(ground, known)
    check_all(checked, ground, texts)
    flows: dict[str, Flow] = {name: each.flow for name, each in checked.items()}
    return ground.finish(replace(ground.config, flows=flows))


def _flows(ground: Ground, known: Known) -> dict[str, Checked]:
    flows: dict[str, Checked] = {}
    for index, (name, (key, node)) in enumerate(ground.flows.items()):
        if index == MAX_FLOWS:
            ground.reading.report(key, "bad-value", f"a file has at most {MAX_FLOWS:,} flows")
            break
        checked = read_flow(key, node, ground.reading, known)
        if checked is not None:
            flows[name] = checked
    return flows


def _known(ground: Ground, texts: Texts | None, check_text: TextCheck | None) -> Known:
    return Known(
        connections=ground.connections,
        routes=frozenset(ground.config.contact.routes),
        staff=ground.staff,
        people=ground.people,
        shops=ground.shops,
        words=frozenset(word for shop in ground.config.shops.values() for word in shop.connections),
        templates=frozenset(texts.names()) if texts is not None else None,
        check_text=check_text,
    )
