"""The step `do`: the steps of a named list, which stand in its place when a flow is read (`lists.py`)."""

from __future__ import annotations

from hub.config.problems import quoted
from hub.config.yaml import MapNode, Node, Scalar

from .builtin import step
from .fails import ReadSteps
from .lists import DO, DoShape, parameters_of
from .model import Step
from .scope import Scope, text_at


@step(DO, DoShape, example="do: {list: remind, with: {template: delivered, first: 3h}}")
def do(word: Scalar, node: Node, scope: Scope, steps: ReadSteps) -> Step | None:
    """Do the steps of a named list, with these values for what it takes."""
    if not (isinstance(node, Scalar) and node.told):  # what could not be unfolded has been told
        name = text_at(node, "list") if isinstance(node, MapNode) else ""
        scope.report(word, "unknown-list", f"there is no list {quoted(name)}")
    return None


def unfolded(node: Node) -> MapNode | None:
    """The settings of a `do` that has its steps with it."""
    settings = node.get(DO) if isinstance(node, MapNode) and len(node) == 1 else None
    return settings if isinstance(settings, MapNode) and settings.key("steps") is not None else None


def read_unfolded(settings: MapNode, scope: Scope, steps: ReadSteps) -> tuple[Step, ...]:
    """The steps of the list, as if they stood there themselves; only they know its parameters."""
    inner = settings.get("steps")
    assert inner is not None, "it has been unfolded"
    with scope.listed(parameters_of(settings), text_at(settings, "id"), settings.place):
        return steps(inner, scope)
