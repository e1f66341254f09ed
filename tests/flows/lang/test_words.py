"""What is said of a word that stands in no list: what was found, what is expected, what was probably meant."""

from pathlib import Path

import pytest

from tests.config.fakes import GROUND, FakeTexts, flows, load

ORDER = "received, on_hold, processing, picking, packed, completed, cancelled, delivered"
STEPS = "notify, survey, wait, choose, stop, escalate, coupon, do, mute, tag, call, write_back"
STOP = "steps: [{stop: x}]"


def told(folder: Path, flow: str) -> list[str]:
    return [each.text for each in flows(folder, f"  a: {{{flow}}}\n", FakeTexts()).problems]


def notify(more: str) -> str:
    return f"on: order.received, steps: [{{notify: {{template: shipped, {more}}}}}]"


@pytest.mark.parametrize(
    ("flow", "text"),
    [
        (
            f"on: shipment.deliverd, {STOP}",
            "there is no shipment status 'deliverd'; expected: a status of the shipment axis; "
            "did you mean 'delivered'?",
        ),
        (f"on: order.pakced, {STOP}", f"there is no order status 'pakced'; there are: {ORDER}; did you mean 'packed'?"),
        (
            f"on: order.shipped, {STOP}",
            f"there is no order status 'shipped'; there are: {ORDER}; did you mean 'shipment.shipped'?",
        ),
        (f"on: order.xyz, {STOP}", f"there is no order status 'xyz'; there are: {ORDER}"),
        (
            f"on: parcel.delivered, {STOP}",
            "there is no trigger 'parcel.delivered'; expected: a trigger such as shipment.delivered; "
            "did you mean 'shipment.delivered'?",
        ),
        (
            f"on: ordr.delivered, {STOP}",
            "there is no trigger 'ordr.delivered'; expected: a trigger such as shipment.delivered; "
            "did you mean 'order.delivered'?",
        ),
        (
            f"on: delivered, {STOP}",
            "there is no trigger 'delivered'; expected: a trigger such as shipment.delivered; "
            "did you mean 'shipment.delivered'?",
        ),
        (f"on: xyz, {STOP}", "there is no trigger 'xyz'; expected: a trigger such as shipment.delivered"),
        (
            f"on: {{staled: order}}, {STOP}",
            "there is no trigger {staled: …}; expected: a trigger such as shipment.delivered; did you mean 'stalled'?",
        ),
        (
            "on: order.received, steps: [{notfy: {}}]",
            f"there is no step 'notfy'; there are: {STEPS}; did you mean 'notify'?",
        ),
        (
            "on: order.received, steps: [{suvey: {}}]",
            f"there is no step 'suvey'; there are: {STEPS}; did you mean 'survey'?",
        ),
        (
            notify("class: marketign"),
            "'class': 'marketign' is not possible; there are: transactional, feedback, marketing; "
            "did you mean 'marketing'?",
        ),
        (
            notify("to: olna"),
            "there is no staff group or person 'olna'; there are: customer, support, olena; did you mean 'olena'?",
        ),
        (notify("via: lettr"), "there is no route 'lettr'; there are: default, letter; did you mean 'letter'?"),
        (notify("via: [mial]"), "there is no channel 'mial'; there are: mail, bot; did you mean 'mail'?"),
        (
            f"on: order.received, mode: ignroe, {STOP}",
            "'mode': 'ignroe' is not possible; there are: restart, ignore, queue; did you mean 'ignore'?",
        ),
        (
            f"on: order.received, mode: queu, {STOP}",
            "'mode': 'queu' is not possible; there are: restart, ignore, queue; did you mean 'queue'?",
        ),
        (f"on: order.received, shops: [shp], {STOP}", "there is no shop 'shp'; there are: shop; did you mean 'shop'?"),
    ],
)
def test_a_wrong_word_is_told_with_what_is_expected_and_meant(tmp_path: Path, flow: str, text: str) -> None:
    assert told(tmp_path, flow) == [text]


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (
            "order.delivered",
            "there is no order status 'delivered'; there are: "
            "received, on_hold, processing, picking, packed, completed, cancelled; did you mean 'shipment.delivered'?",
        ),
        (
            "nothin",
            "'nothin' is not of the form axis.value; expected: a status, or 'nothing'; did you mean 'nothing'?",
        ),
        ("foo", "'foo' is not of the form axis.value; expected: a status, or 'nothing'"),
        (
            "delivered",
            "'delivered' is not of the form axis.value; expected: a status, or 'nothing'; "
            "did you mean 'shipment.delivered'?",
        ),
    ],
)
def test_a_wrong_status_in_the_merchants_own_map(tmp_path: Path, found: str, text: str) -> None:
    loaded = load(tmp_path, f"{GROUND}statuses:\n  post: {{X: {found}}}\n")
    assert [each.text for each in loaded.problems] == [text]


def test_what_is_silent_is_a_status_and_order_delivered_is_none(tmp_path: Path) -> None:
    loaded = load(tmp_path, GROUND.replace("silent: [", "silent: [order.delivered, "))
    assert [each.text.rpartition("; ")[2] for each in loaded.problems] == ["did you mean 'shipment.delivered'?"]


def test_a_far_off_reason_means_none(tmp_path: Path) -> None:
    loaded = load(tmp_path, f"{GROUND}statuses:\n  post: {{X: {{to: shipment.problem, reason: stolen}}}}\n")
    (problem,) = loaded.problems
    assert problem.text.startswith("there is no reason 'stolen'; there are: not_at_home, refused, ")
    assert "did you mean" not in problem.text
