"""The whole set of flows: what never happens, what nobody tells, what is told twice, what has no words."""

from pathlib import Path
from typing import Any, ClassVar

import pytest

from hub.config.problems import Level, render_problems
from hub.flows.load import load_config
from hub.plugin import Adapter, StatusTables
from hub.status import Meaning, Order
from tests.config.fakes import ENV, GROUND, FakeRegistry, FakeShop, FakeTexts, flows, load, said

SAY = "steps: [{notify: {template: shipped}}]"


def test_a_trigger_that_no_connection_can_produce(tmp_path: Path) -> None:
    text = GROUND.replace('  post: {carrier: post, api_key: "${POST_KEY}"}\n', "")
    text += f"flows:\n  a: {{on: [order.received, shipment.delivered], {SAY}}}\n"
    text += f"  b: {{on: order.delivered, {SAY}, state: off}}\n"
    loaded = load(tmp_path, text)
    assert said(loaded) == ["14:28 never-fires"] and loaded.config is not None


class Little(FakeShop):
    statuses: ClassVar[StatusTables] = {"fake": {"open": Meaning(Order.RECEIVED, "open")}}


class Registry(FakeRegistry):
    known: ClassVar[dict[tuple[str, str], type[Adapter[Any]]]] = {**FakeRegistry.known, ("platform", "shoplet"): Little}


def test_what_the_merchants_own_map_produces_can_happen(tmp_path: Path) -> None:
    flow = f"flows:\n  a: {{on: order.packed, {SAY}}}\n"
    path = tmp_path / "flows.yaml"
    path.write_text(GROUND + flow)
    assert [each.code for each in load_config(path, Registry(), ENV).problems] == ["never-fires"]
    path.write_text(GROUND + flow + "statuses: {main-shop: {packed: order.packed}}\n")
    assert load_config(path, Registry(), ENV).problems == ()


def test_what_follows_from_other_statuses_can_happen(tmp_path: Path) -> None:
    words = "[order.received, order.delivered, shipment.shipped, shipment.returned, payment.paid, return.returned]"
    assert said(flows(tmp_path, f"  a: {{on: {words}, steps: [{{stop: x}}]}}\n")) == []


def test_a_broken_connection_is_no_reason_to_call_a_trigger_impossible(tmp_path: Path) -> None:
    text = GROUND.replace("carrier: post", "carrier: psot") + f"flows:\n  a: {{on: shipment.delivered, {SAY}}}\n"
    assert [each.code for each in load(tmp_path, text).problems] == ["unknown-plugin"]


def test_statuses_that_nobody_tells_are_one_remark(tmp_path: Path) -> None:
    text = GROUND.replace("order.received, order.on_hold, ", "").replace("payment.paid, ", "")
    loaded = load(tmp_path, text + f"flows:\n  a: {{on: order.received, {SAY}}}\n")
    assert said(loaded) == ["14:1 not-told"] and loaded.problems[0].severity is Level.NOTE
    assert loaded.problems[0].text == "no flow tells of order.on_hold, payment.paid"
    assert loaded.config is not None


def test_a_flow_with_a_mistake_is_no_reason_to_say_that_nobody_tells(tmp_path: Path) -> None:
    text = GROUND.replace("order.received, order.on_hold, ", "") + f"flows:\n  a: {{on: order.received, {SAY}, x: y}}\n"
    assert [each.code for each in load(tmp_path, text).problems] == ["unknown-setting"]


TWICE = [
    pytest.param(f"a: {{on: shipment.shipped, {SAY}}}", f"b: {{on: shipment.shipped, {SAY}}}", 1, id="the same text"),
    pytest.param(
        f"a: {{on: shipment.shipped, {SAY}}}",
        "b: {on: shipment.shipped, steps: [{notify: {template: delivered}}]}",
        1,
        id="both always",
    ),
    pytest.param(
        f"a: {{on: shipment.shipped, when: order.gift, {SAY}}}",
        f"b: {{on: shipment.shipped, when: '!order.gift', {SAY}}}",
        0,
        id="one or the other",
    ),
    pytest.param(
        f"a: {{on: shipment.shipped, {SAY}}}",
        "b: {on: shipment.shipped, steps: [{escalate: {to: support, reason: x}}]}",
        0,
        id="customer and staff",
    ),
    pytest.param(
        f"a: {{on: shipment.shipped, {SAY}}}",
        "b: {on: shipment.shipped, steps: [{notify: {template: staff-news, to: support}}]}",
        0,
        id="a message to staff",
    ),
    pytest.param(f"a: {{on: shipment.shipped, {SAY}}}", f"b: {{on: order.delivered, {SAY}}}", 0, id="other triggers"),
    pytest.param(f"a: {{on: shipment.shipped, {SAY}}}", f"b: {{on: shipment.shipped, state: off, {SAY}}}", 0, id="off"),
    pytest.param(
        f"a: {{on: shipment.shipped, {SAY}}}",
        f"b: {{on: shipment.shipped, state: shadow, {SAY}}}",
        0,
        id="one is heard, the other is looked at",
    ),
    pytest.param(
        f"a: {{on: shipment.shipped, state: shadow, {SAY}}}",
        f"b: {{on: shipment.shipped, state: shadow, {SAY}}}",
        1,
        id="both in shadow",
    ),
    pytest.param(
        f"a: {{on: [shipment.shipped, order.received], {SAY}}}",
        f"b: {{on: [order.received, shipment.shipped], {SAY}}}",
        1,
        id="two triggers, one remark",
    ),
    pytest.param(f"a: {{on: [shipment.shipped, shipment.delivered], {SAY}}}", "", 1, id="one flow, one axis"),
    pytest.param(f"a: {{on: [shipment.shipped, shipment.delivered], once: occurrence, {SAY}}}", "", 0, id="meant so"),
    pytest.param(f"a: {{on: [shipment.shipped, order.delivered], {SAY}}}", "", 0, id="one flow, two axes"),
    pytest.param("a: {on: [shipment.shipped, shipment.delivered], steps: [{stop: x}]}", "", 0, id="nothing said"),
]


@pytest.mark.parametrize(("first", "second", "count"), TWICE)
def test_news_told_twice(tmp_path: Path, first: str, second: str, count: int) -> None:
    loaded = flows(tmp_path, f"  {first}\n" + (f"  {second}\n" if second else ""))
    assert [each.code for each in loaded.problems] == ["said-twice"] * count, render_problems(loaded.problems)
    assert loaded.config is not None


def test_two_flows_for_different_shops_tell_nobody_twice(tmp_path: Path) -> None:
    text = GROUND.replace(
        "shop: {name: Kavovar, locale: uk, timezone: Europe/Kyiv}", "shops: {one: {name: A}, two: {name: B}}"
    )
    text = text.replace("platform: shoplet,", "platform: shoplet, shop: one,")
    text += f"flows:\n  a: {{on: shipment.shipped, shops: [one], {SAY}}}\n"
    text += f"  b: {{on: shipment.shipped, shops: [two], {SAY}}}\n"
    assert load(tmp_path, text).problems == ()


def test_a_former_name_that_is_another_flow(tmp_path: Path) -> None:
    loaded = flows(tmp_path, f"  a: {{on: shipment.shipped, {SAY}, was: [b]}}\n  b: {{on: order.received, {SAY}}}\n")
    assert said(loaded, ground=True) == ["1:3 duplicate-name"]


# ------------------------------------------------------------------------------------------------ texts


def test_a_text_that_is_missing_in_the_shops_language(tmp_path: Path) -> None:
    text = f"  a: {{on: shipment.shipped, {SAY}}}\n"
    none = FakeTexts(("shipped", "uk", "mail"), ("shipped", "uk", "chat"))
    assert said(flows(tmp_path, text, none), ground=True) == ["1:38 no-text"]
    assert said(flows(tmp_path, text, FakeTexts(("shipped", "uk", "chat"))), ground=True) == ["1:38 no-form"]
    assert said(flows(tmp_path, text, FakeTexts(("shipped", "uk", "sms"))), ground=True) == []
    assert said(flows(tmp_path, text, FakeTexts(("shipped", "en", "mail"))), ground=True) == []


def test_a_text_prints_only_what_every_trigger_offers(tmp_path: Path) -> None:
    texts = FakeTexts(prints="shipment.tracking_number")
    loaded = flows(tmp_path, f"  a: {{on: order.packed, {SAY}}}\n  b: {{on: shipment.shipped, {SAY}}}\n", texts)
    assert said(loaded, ground=True) == ["1:34 not-offered"] and loaded.config is None
    assert loaded.problems[0].text == (
        "the text 'shipped' prints shipment.tracking_number, and order.packed offers no 'shipment'"
    )
    both = f"  a: {{on: [order.packed, shipment.shipped], {SAY}}}\n"
    assert said(flows(tmp_path, both, texts), ground=True) == ["1:54 not-offered"]


def test_a_text_prints_no_name_of_a_later_version(tmp_path: Path) -> None:
    loaded = flows(tmp_path, f"  a: {{on: order.packed, {SAY}}}\n", FakeTexts(prints="question.text"))
    assert [each.text for each in loaded.problems] == [
        "the text 'shipped' prints question.text, and order.packed offers no 'question'"
    ]


def test_a_text_that_no_flow_uses_is_a_remark(tmp_path: Path) -> None:
    text = f"  a: {{on: shipment.shipped, {SAY}}}\n"
    own = {"shiped": "messages/uk/shiped.mail", "shipped": "messages/uk/shipped.mail"}
    (problem,) = flows(tmp_path, text, FakeTexts(own=own)).problems
    assert (str(problem.place), problem.severity) == ("messages/uk/shiped.mail:1:1", Level.NOTE)
    assert problem.text == "no flow uses the text 'shiped'; did you mean 'shipped'?"
    off = "  a: {on: shipment.shipped, state: off, steps: [{notify: {template: shiped}}]}\n"
    assert "unused-text" not in {each.code for each in flows(tmp_path, text + off.replace("a:", "b:"),
                                                             FakeTexts(own={"shiped": "x"})).problems}  # fmt: skip


def test_a_text_with_a_mistake_is_there_all_the_same(tmp_path: Path) -> None:
    text = "  a: {on: shipment.shipped, steps: [{notify: {template: please-pay}}]}\n"
    assert said(flows(tmp_path, text, FakeTexts(spoilt=frozenset({"please-pay"})))) == []
    assert said(flows(tmp_path, text, FakeTexts()), ground=True) == ["1:57 unknown-template"]


def test_only_the_channels_of_the_step_need_a_form(tmp_path: Path) -> None:
    text = "  a: {on: shipment.shipped, steps: [{notify: {template: shipped, via: letter}}]}\n"
    assert said(flows(tmp_path, text, FakeTexts(("shipped", "uk", "chat")))) == []
    assert [each.code for each in flows(tmp_path, text, FakeTexts(("shipped", "uk", "mail"))).problems] == ["no-text"]


def test_staff_are_told_in_their_own_language(tmp_path: Path) -> None:
    text = "  a: {on: shipment.shipped, steps: [{notify: {template: staff-news, to: support}}]}\n"
    assert said(flows(tmp_path, text, FakeTexts())) == []
    missing = FakeTexts(("staff-news", "uk", "chat"), ("staff-news", "uk", "mail"))
    assert [each.code for each in flows(tmp_path, text, missing).problems] == ["no-text"]
    person = text.replace("support", "olena")
    assert [each.code for each in flows(tmp_path, person, missing).problems] == ["no-text"]


def test_a_region_is_served_by_its_language(tmp_path: Path) -> None:
    path = tmp_path / "flows.yaml"
    path.write_text(
        GROUND.replace("locale: uk, timezone", "locale: uk-UA, timezone")
        + f"flows:\n  a: {{on: shipment.shipped, {SAY}}}\n"
    )
    assert load_config(path, FakeRegistry(), ENV, texts=FakeTexts()).problems == ()


def test_staff_who_have_no_address_for_a_message(tmp_path: Path) -> None:
    text = "  a: {on: shipment.shipped, steps: [{notify: {template: staff-news, to: support, via: [mail]}}]}\n"
    ground = GROUND.replace("mail: olena@kavovar.example, ", "")
    assert said(load(tmp_path, ground + "flows:\n" + text)) == ["15:38 dead-channel"]
    assert said(load(tmp_path, GROUND + "flows:\n" + text)) == []


@pytest.mark.parametrize(
    ("on", "possible"),
    [
        ("{stalled: shipment, for: 5d}", False),
        ("{late: shipment, by: 1d}", False),
        ("shipment.changed", False),
        ("{stalled: shipment.in_transit, for: 5d}", False),
        ("{late: order, by: 1d}", True),
        ("{stalled: connection, for: 6h}", True),
        ('{schedule: "0 8 * * 1"}', True),
    ],
)
def test_a_clock_on_what_no_connection_brings_never_rings(tmp_path: Path, on: str, possible: bool) -> None:
    path = tmp_path / "flows.yaml"
    bare = GROUND.replace('  post: {carrier: post, api_key: "${POST_KEY}"}\n', "")
    path.write_text(bare + f"flows:\n  a: {{on: {on}, steps: [{{stop: x}}]}}\n")
    codes = [each.code for each in load_config(path, Registry(), ENV).problems]
    assert ("never-fires" not in codes) is possible
