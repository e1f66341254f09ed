"""Tags that the merchant gave a meaning to: the one place where a Shopify shop has statuses of its own."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from hub.clock import VirtualClock
from hub.flows.load import load_config
from hub.model import RefKind, Reread
from hub.plugin import Raw
from hub.plugin.registry import Registry
from hub.status import Axis, Order, Table, axis_of, lookup
from plugins.platforms.shopify import Shopify

from .conftest import MORNING
from .telling import settings, snapshot_of
from .test_reading import fulfilment_order, node, sample

TAGS = {"Ready-To-Ship": "order.packed", "on the table": "order.picking", "call first": "order.on_hold"}


def shop(**more: Any) -> Shopify:
    client = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(503)))
    return Shopify(settings(**more), client, VirtualClock(MORNING))


def read(body: Any, **more: Any) -> Sequence[Any]:
    return shop(**more).normalise(Raw(body, subject="order:1", dedupe_key="k", occurred_at=MORNING))


def order_axis(body: Any, tags: dict[str, str] = TAGS) -> list[tuple[str, str, Any]]:
    """(code, label, status) of the words that claim the order axis."""
    tables = {name: Table.of(rows) for name, rows in Shopify.statuses_of(settings(tags=tags)).items()}
    found = []
    for native in snapshot_of(read(body, tags=tags)).natives:
        known = lookup(native.code, plugin=tables[native.vocabulary])
        assert known is not None
        status = known.meaning.status
        if status is None or axis_of(status) is Axis.ORDER:
            found.append((native.code, native.label, status))
    return found


def open_order(*tags: str, status: str = "OPEN", **changes: Any) -> Any:
    orders = {"nodes": [fulfilment_order(status)]}
    return {**node("cash-on-delivery"), "tags": list(tags), "fulfillmentOrders": orders, **changes}


def test_a_tag_stands_for_its_status_whatever_its_case() -> None:
    assert order_axis(open_order("vip", " ready-to-ship")) == [("ready-to-ship", "ready-to-ship", Order.PACKED)]
    assert order_axis(open_order("READY-TO-SHIP")) == [("ready-to-ship", "READY-TO-SHIP", Order.PACKED)]


@pytest.mark.parametrize("tags", [("call first", "on the table", "ready-to-ship"), ("on the table", "ready-to-ship")])
def test_of_several_the_first_in_the_settings_counts(tags: tuple[str, ...]) -> None:
    assert [status for *_, status in order_axis(open_order(*tags))] == [Order.PACKED]


def test_other_tags_and_a_tag_that_is_gone_leave_shopifys_own_word() -> None:
    assert order_axis(open_order("vip")) == order_axis(open_order()) == [("open", "", Order.RECEIVED)]
    assert order_axis(open_order("ready-to-ship"), {}) == [("open", "", Order.RECEIVED)]


@pytest.mark.parametrize(
    ("status", "changes", "leads"),
    [
        ("OPEN", {}, Order.PACKED),
        ("IN_PROGRESS", {}, Order.PACKED),
        ("SCHEDULED", {}, Order.PACKED),
        ("OPEN", {"displayFulfillmentStatus": "PARTIALLY_FULFILLED"}, Order.PACKED),
        ("ON_HOLD", {}, Order.ON_HOLD),
        ("INCOMPLETE", {}, Order.ON_HOLD),
        ("CLOSED", {"displayFulfillmentStatus": "FULFILLED"}, Order.COMPLETED),
        ("OPEN", {"cancelledAt": "2026-11-24T09:00:00Z", "cancelReason": "CUSTOMER"}, Order.CANCELLED),
    ],
)
def test_one_word_claims_the_order_axis_and_trouble_or_an_end_lead(
    status: str, changes: dict[str, Any], leads: Order
) -> None:
    assert [found for *_, found in order_axis(open_order("ready-to-ship", status=status, **changes))] == [leads]


def test_a_word_nobody_knows_is_not_hidden_by_a_tag() -> None:
    record = snapshot_of(read(open_order("ready-to-ship", status="NOVELTY"), tags=TAGS))
    assert [each.code for each in record.natives if each.vocabulary == "shopify.fulfillment_order"] == ["novelty"]
    assert not [each for each in record.natives if each.vocabulary == "shopify.tag"]


def test_a_webhook_says_no_tag_and_asks_to_look() -> None:
    body = {**sample("order-created"), "tags": "ready-to-ship"}
    records = read(body, tags=TAGS)
    assert [each for each in records if isinstance(each, Reread)] == [Reread(RefKind.ORDER, str(body["id"]))]
    assert not [each for each in snapshot_of(records).natives if each.vocabulary == "shopify.tag"]
    untagged = read({**body, "tags": ""}, tags=TAGS)
    assert [each for each in untagged if isinstance(each, Reread)], "the tag may be gone"
    assert not [each for each in read(body) if isinstance(each, Reread)], "nobody gave tags a meaning"


@pytest.mark.parametrize(
    "tags",
    [
        {"": "order.packed"},
        {" ": "order.packed"},
        {"a,b": "order.packed"},
        {"a*": "order.packed"},
        {"a?": "order.packed"},
        {"${NP_KEY}": "order.packed"},
        {"Vip": "order.packed", "vip ": "order.picking"},
        *[{"vip": target} for target in ("packed", "order.received", "order.completed", "payment.paid", "order.lost")],
    ],
)
def test_what_is_no_tag_or_no_step_of_the_work_is_refused(tags: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        settings(tags=tags)


FILE = """\
shop: {name: Kavovar, locale: uk, timezone: Europe/Kyiv}
connections:
  main-shop: {platform: shopify, domain: a.myshopify.com, client_id: x, client_secret: "${SECRET}",
              tags: {ready: %s}}
  mail: {channel: smtp, host: 127.0.0.1, security: none, from: "Kavovar <shop@kavovar.example>"}
contact: {routes: {default: [mail]}}
flows:
  packed: {on: order.packed, steps: [{stop: enough}]}
"""


def problems(tmp_path: Path, target: str) -> list[tuple[int, str, str]]:
    path = tmp_path / "flows.yaml"
    path.write_text(FILE % target, encoding="utf-8")
    found = load_config(path, Registry.load(), {"SECRET": "s"}).problems
    return [(each.line, each.code, each.text) for each in found if each.code in ("bad-value", "never-fires")]


def test_every_wrong_tag_is_named(tmp_path: Path) -> None:
    tags = '"b,c": order.packed, fine: order.packed, " ": order.packed, "${NP_KEY}": order.packed, '
    path = tmp_path / "flows.yaml"
    path.write_text(FILE.replace("{ready: %s}", "{" + tags + "Fine: order.picking}"), encoding="utf-8")
    (wrong,) = [each for each in load_config(path, Registry.load(), {"SECRET": "s"}).problems if each.line == 4]
    assert wrong.text == (
        "'tags' is not right: 'b,c' is no tag: it holds ','; ' ' is an empty tag; "
        "'${NP_KEY}' is taken as it is written: no secret or variable can stand for a tag; "
        "'fine' and 'Fine' are one tag: upper and lower case make no other"
    )


def test_an_order_at_the_counter_bears_its_tag_too() -> None:
    mark = {"fulfillment_order": "gid://shopify/FulfillmentOrder/5", "at": "2026-11-20T09:00:00Z"}
    body = {"prepared_for_pickup": mark, "order": open_order("ready-to-ship")}
    assert order_axis(body) == [("ready-to-ship", "ready-to-ship", Order.PACKED)]
    assert [each.ref.partition(":")[0] for each in snapshot_of(read(body, tags=TAGS)).parcels or ()] == ["pickup"]
    assert order_axis(body, {}) == [("open", "", Order.RECEIVED)]


def test_a_wrong_target_is_told_with_its_line_and_a_right_one_can_start_a_flow(tmp_path: Path) -> None:
    (wrong,) = problems(tmp_path, "shipment.delivered")
    assert wrong[:2] == (4, "bad-value")
    assert "order.packed" in wrong[2], "what may stand there is said"
    assert problems(tmp_path, "order.packed") == []
    assert [each[1] for each in problems(tmp_path, "order.picking")] == ["never-fires"]
