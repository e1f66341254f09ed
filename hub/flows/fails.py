"""`if_fails`: what becomes of a run when one of its steps has failed for good (FLOWS 5.10)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import Field

from hub.config.kinds import found
from hub.config.yaml import ListNode, Node, Scalar

from .cel_tree import NONE
from .model import IfFails, Step
from .scope import Scope

ReadSteps = Callable[[Node, Scope], tuple[Step, ...]]
IF_FAILS: Any = Field(
    None,
    title="`stop`, `continue` or a list of steps",
    description="When it has failed for good: park the run for staff (`stop`, the default), go on as if nothing had "
    "happened, or do these steps first.",
)


def read_if_fails(
    node: Node | None, scope: Scope, steps: ReadSteps, default: IfFails = IfFails.STOP
) -> IfFails | tuple[Step, ...] | None:
    """What becomes of the run: what the step says, else its flow, else `default`; None after reporting what is wrong
    with it."""
    if node is None:
        return default if scope.if_fails is None else scope.if_fails
    if isinstance(node, ListNode):
        with scope.branch(NONE):
            return steps(node, scope)
    if isinstance(node, Scalar) and node.text in set(IfFails):
        return IfFails(node.text)
    scope.report(node, "bad-value", f"'if_fails' is stop, continue or a list of steps, not {found(node)}")
    return None


def read_default(node: Node | None, scope: Scope, steps: ReadSteps) -> None:
    """`if_fails` of a flow, for every step that has none. What its steps bring to be read is theirs alone: a run may
    never come by there."""
    if node is not None:
        offered = scope.offered
        scope.if_fails = read_if_fails(node, scope, steps)
        scope.offered = offered
