"""Rules of a shop's own, while the file is checked: a flow's routes must be there in each of its shops."""

from pathlib import Path

import pytest

from hub.config.problems import Problem
from tests.config.fakes import GROUND, load

SHOPS = """shops:
  one: {name: One}
  two: {name: Two, contact: {routes: {default: [mail]}, silent: [order.picking]}}
"""
TEXT = (
    GROUND.replace("silent: [", "silent: [order.picking, ")
    .replace("shop: {name: Kavovar, locale: uk, timezone: Europe/Kyiv}\n", SHOPS)
    .replace("platform: shoplet,", "platform: shoplet, shop: two,")
)


def found(folder: Path, flow: str, text: str = TEXT) -> list[Problem]:
    return list(load(folder, text + f"flows:\n  a: {flow}\n").problems)


@pytest.mark.parametrize(
    ("flow", "told"),
    [
        pytest.param("{on: order.packed, steps: [{notify: {template: shipped}}]}", [], id="all shops have it"),
        pytest.param(
            "{on: order.packed, steps: [{notify: {template: shipped, via: letter}}]}",
            ["shop 'two' has no route 'letter'"],
            id="one has not",
        ),
        pytest.param(
            "{on: order.packed, shops: [one], steps: [{notify: {template: shipped, via: letter}}]}",
            [],
            id="the flow is not for that one",
        ),
        pytest.param(
            "{on: order.packed, shops: [two], steps: [{notify: {template: shipped, via: lettr}}]}",
            ["there is no route 'lettr'"],
            id="nobody has it",
        ),
    ],
)
def test_a_route_is_there_in_each_shop_of_its_flow(flow: str, told: list[str], tmp_path: Path) -> None:
    routes = [each for each in found(tmp_path, flow) if each.code == "unknown-route"]
    assert [each.text.partition(";")[0] for each in routes] == told


def test_the_default_route_is_asked_of_each_shop_too(tmp_path: Path) -> None:
    flow = "{on: order.packed, steps: [{notify: {template: shipped}}]}"
    without = TEXT.replace("routes: {default: [mail]}", "routes: {other: [mail]}")
    (told,) = [each for each in found(tmp_path, flow, without) if each.code == "unknown-route"]
    assert (told.text, told.hint) == (
        "shop 'two' has no route 'default'",
        "its own 'routes' stand instead of the common ones",
    )


def test_the_channels_of_each_shop_need_their_texts(tmp_path: Path) -> None:
    """Staff are told by the route of the shop that it is about."""
    flow = "{on: order.packed, steps: [{notify: {template: staff-news, to: support, via: default}}]}"
    alone = TEXT.replace("mail: olena@kavovar.example, ", "")
    assert [
        each.text for each in found(tmp_path, flow, alone) if "told" in each.text and each.code == "dead-channel"
    ] == ["'olena' has no address for any of mail and would not be told"]


def test_silent_on_purpose_is_what_every_shop_is_silent_about(tmp_path: Path) -> None:
    flow = "{on: order.packed, steps: [{notify: {template: shipped}}]}"
    for silent, asked in (("silent: [order.picking]}", False), ("silent: [order.completed]}", True)):
        text = TEXT.replace("silent: [order.picking]}", silent)
        (told,) = [each.text for each in found(tmp_path, flow, text) if each.code == "not-told"]
        assert ("order.picking" in told) is asked
