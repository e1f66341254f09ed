"""The flows of the repository's own flows.yaml on one page: when each begins, and what it says and does."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from hub.config.files import peek
from hub.config.settings import Reading
from hub.config.yaml import MapNode, Node, Scalar, to_plain
from hub.flows import svg
from hub.flows.compile import compile_flow
from hub.flows.graph import overview
from hub.flows.lists import read_lists, unfold

from .tables import page as whole
from .tables import table

INTRODUCTION = (
    "What the repository's own [`flows.yaml`](../flows.yaml) does, flow by flow, in the order of the file. "
    "[reference/flows.md](reference/flows.md) says what every word means; `tests/shipped` plays a month of shops, "
    "carriers and customers in which each of these flows does what stands here, to the minute.\n\n"
    "![The flows, by what begins them](images/shipped-flows.svg)\n\n"
    "`hub flows graph` draws this picture of your own file; with `--flow ready-for-pickup` it draws one flow, with its "
    "waits and branches."
)

HOLDS = "## What must hold\n\n[policies.md](policies.md) says how such sentences are kept."


def page(path: Path) -> str:
    """The page of a file. It is read as plain words: nothing of it is a secret, and no plugin is asked."""
    whole_file = yaml.load(path.read_text("utf-8"), yaml.BaseLoader)
    flows, policies = whole_file["flows"], whole_file["policies"]
    rows = [
        (f"`{name}`", _when(flow), "; ".join(_deeds(flow["steps"])), flow.get("about", ""))
        for name, flow in flows.items()
    ]
    sentences = [(f"`{name}`", f"`{_inline(policy)}`") for name, policy in policies.items()]
    return whole(
        "The flows that come with it",
        INTRODUCTION,
        table(("flow", "begins", "says and does", "why"), rows),
        HOLDS,
        table(("policy", "what must hold"), sentences),
    )


def _inline(value: Any) -> str:
    """A value as it is written on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_inline(each)}" for name, each in value.items()) + "}"
    return f"[{', '.join(map(_inline, value))}]" if isinstance(value, list) else str(value)


def picture(path: Path) -> str:
    """The flows of a file as `hub flows graph` draws them."""
    top, reading = {key: node for key, (_, node) in peek(path).top.items()}, Reading()
    lists = read_lists({key.text: (key, node) for key, node in _entries(top.get("steps"))}, reading)
    flows = {
        key.text: compile_flow(key.text, to_plain(unfold(node, lists, reading)))
        for key, node in _entries(top["flows"])
        if isinstance(node, MapNode)
    }
    return svg.overview(overview(flows))


def _entries(node: Node | None) -> list[tuple[Scalar, Node]]:
    return list(node) if isinstance(node, MapNode) else []


def _when(flow: Mapping[str, Any]) -> str:
    triggers = flow["on"] if isinstance(flow["on"], list) else [flow["on"]]
    conditions = flow.get("when", [])
    conditions = conditions if isinstance(conditions, list) else [conditions]
    said = ", ".join(_trigger(each) for each in triggers)
    return " if ".join([said, " and ".join(f"`{each}`" for each in conditions)]) if conditions else said


def _trigger(trigger: str | Mapping[str, str]) -> str:
    if isinstance(trigger, str):
        return f"`{trigger}`"
    return "`" + ", ".join(f"{word}: {value}" for word, value in trigger.items()) + "`"


def _deeds(steps: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What steps do, in their order."""
    for step in steps:
        for word, given in step.items():
            if word == "choose":
                ways = [", ".join(_deeds(branch.get("steps") or branch["else"])) for branch in given]
                yield " or ".join(ways) if len(ways) > 1 else f"where it applies {ways[0]}"
            else:
                yield WORDS[word](given)


def _wait(given: str | Mapping[str, str]) -> str:
    if isinstance(given, str):
        return f"waits {given}"
    return f"waits for {given.get('event') or 'what is missing'}" if "until" not in given else "waits until its time"


WORDS: Mapping[str, Any] = {
    "notify": lambda it: f"tells {it.get('to', 'the customer')} **{it['template']}**",
    "wait": _wait,
    "escalate": lambda it: f"raises a matter for {it['to']}",
    "survey": lambda it: f"asks the survey {it['name']}",
    "mute": lambda it: f"mutes {' and '.join(it['classes'])} for {it['for']}",
    "tag": lambda it: f"tags {', '.join(it['add'])}",
    "call": lambda it: f"calls {it['to']}",
    "write_back": lambda it: f"writes {'the status ' + it['status'] if 'status' in it else 'a note'} into the shop",
}
"""Step → what it comes to, in a few words."""
