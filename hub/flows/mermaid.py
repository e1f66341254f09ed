"""The picture of the flows as Mermaid, which many pages draw by themselves."""

from collections.abc import Sequence

from .graph import Deed, Fork, Group, Kind, Steps, Tree
from .model import State

_CLASSES = """\
  classDef say fill:#e3f2fd,stroke:#1565c0,color:#0d2b4e
  classDef staff fill:#fff3e0,stroke:#e65100,color:#4e2600
  classDef wait fill:#f3f4f6,stroke:#6b7280,color:#1f2937
  classDef do fill:#ede7f6,stroke:#5e35b1,color:#2a1760
  classDef stop fill:#ffffff,stroke:#6b7280,color:#1f2937
  classDef quiet stroke-dasharray:4 3"""
_CODES = {"#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "&": "#amp;", "`": "#96;"}


def overview(groups: Sequence[Group]) -> str:
    """All flows: triggers, flows, what is said and who is asked."""
    lines = ["flowchart LR"]
    number = 0
    for place, group in enumerate(groups):
        triggers = list(dict.fromkeys(each for row in group.rows for each in row.triggers))
        lines += [f"  subgraph g{place}[{_text(group.title)}]", "    direction LR"]
        lines += [f"    g{place}t{n}([{_text(each)}])" for n, each in enumerate(triggers)]
        for row in group.rows:
            quiet, note = (":::quiet", f" ({row.state})") if row.state is not State.LIVE else ("", "")
            lines.append(f"    f{number}[{_text(row.name + note)}]{quiet}")
            lines += [f"    g{place}t{triggers.index(each)} --> f{number}" for each in row.triggers]
            for n, deed in enumerate(row.deeds):
                lines.append(f"    f{number} --> f{number}d{n}[{_text(deed.text)}]:::{deed.kind}")
            number += 1
        lines.append("  end")
    return "\n".join([*lines, _CLASSES, ""])


def flow(it: Tree) -> str:
    """One flow from within."""
    draw = _Draw()
    starts = [draw.node(f"([{_text(each)}])") for each in it.triggers]
    ends = [(each, "") for each in starts]
    for condition in it.when:
        ends = [(draw.node(f"{{{_text(condition)}}}", *ends), "met")]
    ends = draw.steps(it.steps, ends)
    draw.node("((end))", *ends)
    if it.stop_on:
        draw.lines.append(f"  stops[{_text('ends by ' + ', '.join(it.stop_on))}]:::stop")
    return "\n".join(["flowchart TD", *draw.lines, _CLASSES, ""])


Ends = list[tuple[str, str]]
"""Nodes from which an arrow goes to what comes next, with what stands at it."""


class _Draw:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.many = 0

    def node(self, shape: str, *before: tuple[str, str]) -> str:
        name = f"n{self.many}"
        self.many += 1
        self.lines.append(f"  {name}{shape}")
        self.lines += [f"  {end} -->{f'|{_text(label)}|' if label else ''} {name}" for end, label in before]
        return name

    def deed(self, deed: Deed, before: Ends) -> Ends:
        name = self.node(f"[{_text(deed.text)}]:::{deed.kind}", *before)
        return [] if deed.kind is Kind.STOP else [(name, "")]

    def steps(self, steps: Steps, before: Ends) -> Ends:
        for step in steps:
            before = self.deed(step, before) if isinstance(step, Deed) else self.fork(step, before)
        return before

    def fork(self, fork: Fork, before: Ends) -> Ends:
        if fork.deed is not None:
            ((start, _),) = self.deed(fork.deed, before)
        else:
            start = self.node('{"choose"}', *before)
        ways = [self.steps(way, [(start, label)]) for label, way in fork.ways]
        passes: Ends = [(start, "" if fork.deed else "none")] if fork.open else []
        return [*(end for ends in ways for end in ends), *passes]


def _text(text: str) -> str:
    return '"' + "".join(_CODES.get(each, each) for each in text) + '"'
