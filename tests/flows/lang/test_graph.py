"""The pictures of the flows: all of a flow is in them, nothing stands on anything else, and any text is harmless."""

import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

import pytest

from hub.flows import mermaid, svg
from hub.flows.compile import compile_flow
from hub.flows.graph import ELSE, Deed, Fork, Kind, Tree, overview, steps_of, tree
from hub.flows.model import Flow

LADDER: Mapping[str, Any] = {
    "on": "shipment.ready_for_pickup",
    "when": ["order.total > 5", 'order.number != "a"'],
    "about": "A ladder",
    "stop_on": ["shipment.delivered"],
    "steps": [
        {"notify": {"template": "ready-for-pickup"}},
        {"choose": [
            {"when": "shipment.failures > 1", "steps": [{"wait": "1d"}, {"stop": "enough"}]},
            {"else": [{"wait": {"event": "shipment.delivered", "up_to": "2d"}},
                      {"escalate": {"to": "support", "reason": "look"}}]},
        ]},
        {"write_back": {"note": "waits", "if_fails": [{"tag": {"add": ["unwritten"]}}]}},
        {"notify": {"template": "packed", "to": "support"}},
    ],
}  # fmt: skip
SHIPPED = {
    "on": ["shipment.shipped", "order.packed"],
    "state": "shadow",
    "steps": [{"notify": {"template": "shipped"}}],
}
LATE = {
    "on": {"stalled": "shipment", "for": "5d"},
    "steps": [{"mute": {"who": "order", "classes": "all", "for": "9d"}}],
}


def flows(**sources: Mapping[str, Any]) -> dict[str, Flow]:
    return {name: compile_flow(name.replace("_", "-"), source) for name, source in sources.items()}


def boxes(text: str) -> list[tuple[float, float, float, float]]:
    """x, y, width, height of every box, the background aside."""
    root = ElementTree.fromstring(text)
    found = root.iter("{http://www.w3.org/2000/svg}rect")
    rects = [[each.get(name) or "" for name in ("x", "y", "width", "height")] for each in found]
    return [(float(x), float(y), float(w), float(h)) for x, y, w, h in rects if w != "100%"]


def words(text: str) -> str:
    return " | ".join(each.strip() for each in ElementTree.fromstring(text).itertext() if each.strip())


def apart(text: str) -> bool:
    """No box lies on another, and all are within the picture."""
    root = ElementTree.fromstring(text)
    wide, high = float(root.get("width") or 0), float(root.get("height") or 0)
    found = boxes(text)
    inside = all(x >= 0 and y >= 0 and x + w <= wide and y + h <= high for x, y, w, h in found)
    return inside and not any(
        a[0] < b[0] + b[2] and b[0] < a[0] + a[2] and a[1] < b[1] + b[3] and b[1] < a[1] + a[3]
        for n, a in enumerate(found)
        for b in found[n + 1 :]
    )


def test_steps_are_told_in_a_few_words() -> None:
    said, fork, back, staff = steps_of(LADDER["steps"])
    assert (said, staff) == (Deed(Kind.SAY, "ready-for-pickup"), Deed(Kind.STAFF, "packed to support"))
    assert isinstance(fork, Fork) and not fork.open
    assert fork.ways == (
        ("shipment.failures > 1", (Deed(Kind.WAIT, "wait 1d"), Deed(Kind.STOP, "stop enough"))),
        (ELSE, (Deed(Kind.WAIT, "wait for shipment.delivered, up to 2d"), Deed(Kind.STAFF, "asks support"))),
    )
    assert isinstance(back, Fork) and back.open and back.deed == Deed(Kind.DO, "write back")
    assert back.ways == (("if it fails", (Deed(Kind.DO, "tag unwritten"),)),)


def test_the_steps_of_a_named_list_are_shown_as_if_they_stood_there() -> None:
    unfolded = {"do": {"list": "remind", "with": {"first": "3h"}, "steps": [{"wait": "3h"}, {"stop": "enough"}]}}
    assert steps_of([unfolded]) == (Deed(Kind.WAIT, "wait 3h"), Deed(Kind.STOP, "stop enough"))


def test_flows_stand_together_by_what_they_are_about() -> None:
    groups = overview(flows(ladder=LADDER, late=LATE, shipped=SHIPPED, packed={**SHIPPED, "on": "order.packed"}))
    assert [(group.title, [row.name for row in group.rows]) for group in groups] == [
        ("Orders", ["packed"]), ("Parcels", ["ladder", "late", "shipped"]),
    ]  # fmt: skip
    late = groups[1].rows[1]
    assert late.triggers == ("stalled: shipment, for: 5d",) and late.deeds == (Deed(Kind.DO, "mute all 9d"),)


def test_the_picture_of_all_flows_names_each_with_what_begins_it_and_what_comes_of_it() -> None:
    drawn = svg.overview(overview(flows(ladder=LADDER, late=LATE, shipped=SHIPPED)))
    for part in ("ladder", "shipped (shadow)", "stalled: shipment, for: 5d", "asks support", "order.packed", "Parcels"):
        assert part in words(drawn)
    assert apart(drawn)


def test_a_hundred_flows_still_stand_apart() -> None:
    many = {
        f"flow_{n}": {**SHIPPED, "on": ["shipment.shipped", f"order.{('packed', 'picking')[n % 2]}"]}
        for n in range(100)
    }
    assert apart(svg.overview(overview(flows(**many))))


def test_the_picture_of_one_flow_shows_its_waits_and_branches() -> None:
    drawn = svg.flow(tree(flows(ladder=LADDER)["ladder"]))
    for part in ("A ladder", "ends by shipment.delivered", "if order.total > 5", "wait 1d", "else", "stop enough",
                 "if it fails", "tag unwritten"):  # fmt: skip
        assert part in words(drawn)
    assert apart(drawn)


def test_forks_within_forks_stand_apart() -> None:
    steps: list[Any] = [{"wait": "1d"}]
    for n in range(4):
        steps = [{"choose": [{"when": f"order.total > {n}", "steps": steps}, {"when": "order.gift", "steps": steps}]}]
    assert apart(svg.flow(tree(compile_flow("f", {"on": "order.packed", "steps": steps}))))


@pytest.mark.parametrize("text", ['<script>alert("&")</script>', 'a"] --> b["c', "end #1; `x` | {y}", "x" * 900])
def test_no_text_breaks_out_of_a_picture(text: str) -> None:
    it = Tree("f", text, (text,), (text,), (text,), (Deed(Kind.SAY, text), Fork(((text, (Deed(Kind.DO, text),)),))))
    drawn = svg.flow(it)
    assert "<script" not in drawn and text in "".join(ElementTree.fromstring(drawn).itertext()) and apart(drawn)
    for line in mermaid.flow(it).splitlines():
        assert "script>" not in line and line.count('"') % 2 == 0
        assert re.fullmatch(r'[^"]*("[^"<>`&]*"[^"]*)*', line), line


def test_mermaid_joins_every_branch_to_what_comes_next() -> None:
    drawn = mermaid.flow(tree(flows(ladder=LADDER)["ladder"]))
    named = {match[1]: match[2] for match in re.finditer(r'^  (n\d+)[\[({]+"(.*?)"', drawn, re.M)}
    arrows = re.findall(r"^  (n\d+) -->(?:\|.*?\|)? (n\d+)$", drawn, re.M)
    after = {end for start, end in arrows if named[start] == "asks support"}
    assert [named[each] for each in after] == ["write back"]
    assert not [end for start, end in arrows if named[start] == "stop enough"], "nothing goes on behind a stop"


def test_mermaid_of_all_flows_draws_each_trigger_once_in_its_group() -> None:
    drawn = mermaid.overview(overview(flows(ladder=LADDER, shipped=SHIPPED)))
    assert drawn.startswith("flowchart LR\n") and drawn.count('(["shipment.shipped"])') == 1
    assert '"shipped (shadow)"]:::quiet' in drawn and "f0 --> f0d0" in drawn
