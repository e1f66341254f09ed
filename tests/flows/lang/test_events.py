"""`{event: name}`: which names there are, what they offer, where they may stand."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import pytest

from hub.config.load import Loaded
from hub.flows.compile import compile_flow
from hub.flows.load import load_config
from hub.flows.model import WaitEvent
from hub.model import EventAbout
from tests.config.fakes import ENV, GROUND, FakeRegistry, FakeShop, FakeTexts


class Telltale(FakeShop):
    events: ClassVar[Mapping[str, EventAbout]] = {
        "pick-short": EventAbout.ORDER,
        "weighed": EventAbout.PARCEL,
        "gate-open": EventAbout.NOTHING,
    }


class Registry(FakeRegistry):
    known: ClassVar = {**FakeRegistry.known, ("platform", "shoplet"): Telltale}


def read(folder: Path, on: str, steps: str = "[{stop: x}]", more: str = "") -> Loaded:
    path = folder / "flows.yaml"
    path.write_text(f"{GROUND}flows:\n  a:\n    on: {on}\n{more}    steps: {steps}\n")
    return load_config(path, Registry(), ENV, texts=FakeTexts())


def told(loaded: Loaded) -> list[str]:
    return [f"{each.code} {each.snippet[each.column - 1 :].split('}')[0].split(',')[0]}" for each in loaded.problems]


def test_it_is_a_trigger_by_the_name_that_a_plugin_declares(tmp_path: Path) -> None:
    loaded = read(
        tmp_path, "{event: pick-short}", "[{wait: {event: [{event: weighed}, order.packed], up_to: 1d}}]",
        "    stop_on: [{event: gate-open}]\n",
    )  # fmt: skip
    assert told(loaded) == []
    assert loaded.config is not None
    flow = loaded.config.flows["a"]
    assert (flow.triggers, flow.stop_on) == (("event.pick-short",), ("event.gate-open",))
    [wait] = flow.steps
    assert isinstance(wait, WaitEvent)
    assert wait.words == ("event.weighed", "order.packed")
    assert compile_flow("a", flow.source) == flow


@pytest.mark.parametrize(
    ("on", "steps", "more", "expected"),
    [
        pytest.param("{event: pick-shrt}", "[{stop: x}]", "", ["unknown-trigger pick-shrt"], id="on"),
        pytest.param(
            "order.received", "[{stop: x}]", "    stop_on: [{event: pick}]\n", ["unknown-trigger pick"], id="stop_on"
        ),
        pytest.param(
            "order.received", "[{wait: {event: {event: pick}, up_to: 1d}}]", "", ["unknown-trigger pick"], id="wait"
        ),
        pytest.param("{event: Pick}", "[{stop: x}]", "", ["bad-name Pick"], id="no name"),
        pytest.param("event", "[{stop: x}]", "", ["bad-value event"], id="without its name"),
        pytest.param("event.pick-short", "[{stop: x}]", "", ["unknown-trigger event.pick-short"], id="as one word"),
        pytest.param(
            "{event: gate-open}", "[{notify: {template: shipped}}]", "", ["not-offered notify: {template: shipped"],
            id="about nothing there is no customer",
        ),
        pytest.param(
            "[{event: weighed}, {event: pick-short}]",
            "[{choose: [{when: shipment.count > 1, steps: [{stop: x}]}]}]", "", ["not-offered shipment.count > 1"],
            id="what all of them offer",
        ),
        pytest.param(
            "{event: weighed}", "[{choose: [{when: event.data.g > 500 && shipment.count > 1, steps: [{stop: x}]}]}]",
            "", [], id="what it says is not typed",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_where_it_stands(
    tmp_path: Path, on: str, steps: str, more: str, expected: list[str]
) -> None:
    assert told(read(tmp_path, on, steps, more)) == expected


def test_what_a_connection_may_tell_is_not_known_while_it_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "flows.yaml"
    path.write_text(GROUND.replace("platform: shoplet,", "platform: shoplit,") + "flows:\n  a:\n    on: {event: x}\n"
                    "    steps: [{stop: x}]\n")  # fmt: skip
    assert [each.code for each in load_config(path, Registry(), ENV).problems] == ["unknown-plugin"]
