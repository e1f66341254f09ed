"""Steps that reach outside: a receiver that believes nothing unsigned, and what is written back into the shop."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from standardwebhooks import Webhook

from hub.clock import SystemClock
from hub.store import tables
from hub.store.errands import dismiss_errand, failed_errands, replay_errand, stop_errands
from hub.store.queries import NOT_DONE, not_done_in_shadow, replay_run
from hub.web.metrics import metrics_text
from plugins.targets.http.sandbox import SECRET, HttpTargetSandbox

from .town import CONNECTIONS, Town, town

NUMBER = "20450999123456"


@asynccontextmanager
async def called(folder: Path, flows: str, **more: Any) -> AsyncIterator[tuple[Town, HttpTargetSandbox]]:
    """The town with a receiver of calls, `crm`. It is now there, since a stranger's library looks at the real clock."""
    crm = HttpTargetSandbox(SystemClock())
    async with crm.serve() as url:
        target = f'  crm: {{{{target: http, url: "{url}", secret: "{SECRET}", private: true}}}}\n'
        connections = CONNECTIONS.replace("contact:\n", f"{target}contact:\n", 1)
        now = SystemClock().now().replace(microsecond=0)
        async with town(folder, connections=connections, flows=f"\nflows:\n{flows}\n", start=now, **more) as it:
            crm.clock = it.clock
            yield it, crm


async def errands(it: Town) -> list[tuple[str, str, int]]:
    return [(row.step, row.state, row.tries) for row in await it.rows(tables.errands)]


async def runs(it: Town) -> list[tuple[str, str]]:
    return [(row.state, row.reason) for row in await it.rows(tables.runs)]


async def lines(it: Town) -> list[str]:
    rows = await it.rows(tables.timeline, tables.timeline.c.kind == "errand")
    return [row.doc["text"] for row in rows]


def call(more: str = "", *, on: str = "order.received", then: str = "") -> str:
    return f"  tell: {{on: {on}, steps: [{{call: {{to: crm{more}}}}}{then}]}}"


async def test_a_strangers_receiver_believes_a_call(tmp_path: Path) -> None:
    body = ", path: /orders, body: {order: order.number, total: order.total, at: event.occurred_at, eta: order.eta}"
    async with called(tmp_path, call(body)) as (it, crm):
        it.shop.shop.create_order()
        await it.advance(minutes=1)
        (taken,) = crm.ledger
        heard = Webhook(SECRET).verify(taken.raw, taken.headers)
        assert heard["order"] == "#1071" and set(heard) == {"order", "total", "at"} and taken.path == "/orders"
        (row,) = await it.rows(tables.errands)
        assert (row.state, row.key, row.tries, row.answer) == ("done", taken.key, 1, {"status": 200})
        assert "body" not in row.doc, "what it said goes when it is done"
        assert await lines(it) == ["call:crm: done by crm (200)"]
        assert await runs(it) == [("done", "")]
        assert 'hub_errand_tries_total{connection="crm",outcome="done"} 1' in await metrics_text(it.hub)


async def test_a_delivered_order_is_told_as_the_hubs_own_json(tmp_path: Path) -> None:
    async with called(tmp_path, call(on="order.delivered")) as (it, crm):
        order = it.shop.shop.create_order()
        it.np.create(NUMBER)
        it.shop.shop.fulfil(order, NUMBER, "Nova Poshta")
        await it.advance(minutes=10)
        it.np.move(NUMBER, "5")
        it.np.arrive(NUMBER)
        await it.advance(hours=6)
        it.np.hand_over(NUMBER)
        await it.advance(hours=6)
        (taken,) = crm.ledger
        said = taken.body
        assert said["type"] == "order.delivered" and said["data"]["version"] == 1
        data = said["data"]
        assert data["order"]["number"] == "#1071" and data["order"]["headline"] == "delivered"
        assert data["shipments"][0]["tracking_number"] == NUMBER and data["shop"]["key"] == "kavovar"
        assert isinstance(data["order"]["total"], str), "amounts are exact"
        kept_back = {"url"} & data["order"].keys() | {"url"} & data["payment"].keys()
        assert not kept_back and "pickup_code" not in data["shipments"][0]


async def test_a_call_is_tried_eight_times_in_a_day_and_then_parks_the_run(tmp_path: Path) -> None:
    async with called(tmp_path, call(then=", {wait: 3d}")) as (it, crm):
        crm.chaos.fail(500, times=100)
        it.shop.shop.create_order()
        await it.advance(hours=30)
        assert await errands(it) == [("call:crm", "failed", 8)] and crm.chaos.struck == 8
        ((state, reason),) = await runs(it)
        assert state == "parked" and reason.startswith("call:crm failed: crm: POST 127.0.0.1: trouble on their side")
        (mail,) = [each for each in it.smtp.ledger if "olena@" not in each.to[0]]
        assert "call:crm failed" in mail.text, "told once, as a run that cannot go on"
        # mended: the call is made again under its key, and the run goes on where it waited
        crm.chaos._orders.clear()
        (row,) = await it.rows(tables.errands)
        assert await it.hub.db.write(lambda c: replay_errand(c, row.id, it.clock.now()))
        parked = (await it.rows(tables.runs))[0].id
        assert await it.hub.db.write(lambda c: replay_run(c, parked, it.clock.now()))
        await it.advance(minutes=1)
        assert [each.key for each in crm.ledger] == [row.key] and (await runs(it))[0][0] == "waiting"


async def test_what_failed_after_its_run_was_over_is_a_dead_letter_of_its_own(tmp_path: Path) -> None:
    async with called(tmp_path, call(", if_fails: continue")) as (it, crm):
        crm.chaos.fail(410)
        it.shop.shop.create_order()
        await it.advance(minutes=2)
        assert await errands(it) == [("call:crm", "failed", 1)] and await runs(it) == [("done", "")]
        assert "There is no such thing" not in str(await lines(it)) and "failed at crm" in (await lines(it))[0]
        assert len([mail for mail in it.smtp.ledger if "reaches outside" in mail.text]) == 1
        (row,) = await it.hub.db.read(failed_errands)
        assert await it.hub.db.write(lambda c: dismiss_errand(c, row.id, "known"))
        assert not await it.hub.db.read(failed_errands)
        assert not await it.hub.db.write(lambda c: replay_errand(c, row.id, it.clock.now()))


async def test_a_run_waits_for_the_answer_that_it_keeps(tmp_path: Path, database_url: str) -> None:
    vip = "saved.vip == true && saved.id == 'c7'"
    then = f', {{choose: [{{when: "{vip}", steps: [{{escalate: {{to: support, reason: VIP}}}}]}}]}}'
    save = ', save: {vip: response.json.vip, id: "response.json.customer.id", none: response.json.nothing}'
    given = "" if database_url.startswith("sqlite") else database_url
    async with called(tmp_path, call(save, then=then), database=given) as (it, crm):
        crm.answers[""] = {"vip": True, "customer": {"id": "c7"}}
        crm.chaos.fail(503, retry_after=600)
        it.shop.shop.create_order()
        await it.advance(minutes=5)
        assert (await runs(it))[0][0] == "waiting" and await errands(it) == [("call:crm", "due", 1)]
        await it.restart()
        await it.advance(minutes=6)
        assert await runs(it) == [("done", "")] and await errands(it) == [("call:crm", "done", 2)]
        assert [row.reason for row in await it.rows(tables.escalations)] == ["VIP"]
        (row,) = await it.rows(tables.runs)
        assert row.doc["run"]["values"]["saved"] == {"vip": True, "id": "c7"}


async def test_a_run_that_no_order_belongs_to_hears_of_its_calls_too(tmp_path: Path) -> None:
    keeps = ', save: {ok: "response.status"}, body: {shop: shop.key}'
    async with called(tmp_path, call(keeps, on='{schedule: "0 * * * *"}')) as (it, crm):
        await it.advance(hours=1)
        assert len(crm.ledger) == 1 and await runs(it) == [("done", "")]
        crm.chaos.fail(410)
        await it.advance(hours=1)
        assert [state for state, _ in await runs(it)] == ["done", "parked"]


async def test_a_run_does_not_wait_for_ever_for_a_target_that_is_gone_from_the_file(tmp_path: Path) -> None:
    async with called(tmp_path, call(", save: {id: response.json.id}")) as (it, crm):
        crm.chaos.fail(503, retry_after=600)
        it.shop.shop.create_order()
        await it.advance(minutes=5)
        await it.restart(("  crm: {target", "  other: {target"), ("{to: crm", "{to: other"))
        await it.advance(hours=22)
        assert (await runs(it))[0][0] == "waiting", "it may come back"
        await it.advance(hours=3)
        assert await errands(it) == [("call:crm", "failed", 1)]
        ((state, reason),) = await runs(it)
        assert (state, "the connection is not in the file" in reason) == ("parked", True)
        assert [mail for mail in it.smtp.ledger if "not in the file" in mail.text]


async def test_an_answer_that_is_no_json_is_kept_as_unknown(tmp_path: Path) -> None:
    then = ", {choose: [{when: has(saved.id), steps: [{stop: known}]}, {else: [{stop: unknown}]}]}"
    async with called(tmp_path, call(", save: {id: response.json.id, n: response.status}", then=then)) as (it, crm):
        crm.chaos.garble()
        it.shop.shop.create_order()
        await it.advance(minutes=2)
        assert await runs(it) == [("done", "unknown")]


async def test_steps_for_a_failure_are_done_and_the_run_goes_on_behind_them(tmp_path: Path) -> None:
    more = ", if_fails: [{escalate: {to: support, reason: 'the CRM is silent'}}]"
    async with called(tmp_path, call(more, then=", {stop: behind}")) as (it, crm):
        crm.chaos.fail(400)
        it.shop.shop.create_order()
        await it.advance(minutes=2)
        assert await runs(it) == [("done", "behind")]
        assert [row.reason for row in await it.rows(tables.escalations)] == ["the CRM is silent"]


async def test_a_parked_run_is_resumed_at_the_step_that_failed(tmp_path: Path) -> None:
    async with called(tmp_path, call(", save: {id: response.json.id}", then=", {stop: behind}")) as (it, crm):
        crm.answers[""] = {"id": 7}
        crm.chaos.fail(404)
        it.shop.shop.create_order()
        await it.advance(minutes=2)
        ((state, _),) = await runs(it)
        assert state == "parked"
        parked = (await it.rows(tables.runs))[0].id
        await it.hub.db.write(lambda c: replay_run(c, parked, it.clock.now()))
        await it.advance(minutes=1)
        assert await runs(it) == [("done", "behind")] and await errands(it) == [("call:crm", "done", 1)]


async def test_one_orders_calls_of_one_target_come_in_order(tmp_path: Path) -> None:
    steps = ", ".join(f"{{call: {{to: crm, id: c{n}, body: {{n: '{n}'}}}}}}" for n in range(4))
    async with called(tmp_path, f"  tell: {{on: order.received, steps: [{steps}]}}") as (it, crm):
        crm.chaos.fail(500)
        it.shop.shop.create_order()
        it.shop.shop.create_order()
        await it.advance(minutes=2)
        assert [state for _, state, _ in await errands(it)] == ["done"] * 8
        by_order: dict[str, list[int]] = {}
        for row in await it.rows(tables.errands):
            at = next(n for n, each in enumerate(crm.ledger) if each.key == row.key)
            by_order.setdefault(row.order_id, []).append(at)
        assert all(places == sorted(places) for places in by_order.values()) and len(by_order) == 2


async def test_what_was_on_the_wire_when_the_hub_died_is_counted_and_made_again_under_its_key(tmp_path: Path) -> None:
    async with called(tmp_path, call()) as (it, crm):
        it.shop.shop.create_order()
        await it.advance(minutes=1)
        (row,) = await it.rows(tables.errands)
        again = sa.update(tables.errands).values(
            state="on_wire", owner="a dead one", tries=1, doc=row.doc | {"body": 1}
        )
        await it.hub.db.write(lambda c: c.execute(again))
        await it.restart()
        assert it.hub.uncertain_at_start == 1
        assert await errands(it) == [("call:crm", "due", 1)]
        await it.advance(minutes=1)
        assert [(each.key, each.again) for each in crm.ledger] == [(row.key, False), (row.key, True)]
        assert await errands(it) == [("call:crm", "done", 2)]


async def test_a_stopped_runs_calls_are_not_made(tmp_path: Path) -> None:
    async with called(tmp_path, call()) as (it, crm):
        crm.chaos.fail(503, times=3)
        order = it.shop.shop.create_order()
        await it.advance(seconds=40)
        it.shop.shop.cancel(order)
        await it.advance(hours=24)
        (state,) = [state for _, state, _ in await errands(it)]
        assert state == "stopped" and len(crm.ledger) == 0


async def test_what_a_stopped_run_has_on_the_wire_is_not_tried_again(tmp_path: Path) -> None:
    async with called(tmp_path, call()) as (it, crm):
        crm.chaos.fail(503)
        it.shop.shop.create_order()
        await it.advance(seconds=5)
        (row,) = await it.rows(tables.errands)
        lost = sa.update(tables.errands).values(state="on_wire", owner="a dead one")
        await it.hub.db.write(lambda c: c.execute(lost))
        await it.hub.db.write(lambda c: stop_errands(c, [row.run_key], it.clock.now()))
        await it.restart()
        await it.advance(hours=1)
        assert [state for _, state, _ in await errands(it)] == ["stopped"] and not crm.ledger


async def test_a_target_that_is_out_of_order_harms_no_message_and_is_asked_again(tmp_path: Path) -> None:
    flows = call() + "\n  confirm: {on: order.received, steps: [{notify: {template: order-received, via: letter}}]}"
    async with called(tmp_path, flows) as (it, crm):
        crm.chaos.fail(500, times=12)
        for _ in range(8):
            it.shop.shop.create_order()
        await it.advance(minutes=5)
        assert [state for _, state, _ in await it.messages()] == ["sent"] * 8
        await it.advance(hours=12)
        assert [state for _, state, _ in await errands(it)] == ["done"] * 8
        assert len({each.key for each in crm.ledger}) == 8


async def test_a_target_that_leaves_the_file_is_waited_for(tmp_path: Path) -> None:
    async with called(tmp_path, call()) as (it, crm):
        crm.chaos.fail(500)
        it.shop.shop.create_order()
        await it.advance(seconds=5)
        line = next(each for each in it.path.read_text().splitlines(keepends=True) if each.startswith("  crm:"))
        await it.restart((f"{line}contact:", "contact:"), ("{call: {to: crm}}", "{stop: x}"))
        await it.advance(hours=3)
        ((_, state, _),) = await errands(it)
        assert state == "due" and not crm.ledger
        await it.restart(("contact:", f"{line}contact:"))
        await it.advance(hours=2)
        assert len(crm.ledger) == 1


# ------------------------------------------------------------------------------------------------ write-backs

UNPAID = """
  unpaid:
    on: payment.awaiting_payment
    stop_on: [payment.paid]
    steps:
      - wait: 2h
      - write_back: {status: cancelled, note: "not paid in time: {{ order.number }}"}
  cancelled: {on: order.cancelled, steps: [{notify: {template: order-cancelled, via: letter}}]}
"""


async def test_an_order_that_is_not_paid_is_cancelled_in_the_shop_and_that_is_told_once(tmp_path: Path) -> None:
    async with called(tmp_path, UNPAID) as (it, _):
        order = it.shop.shop.create_order(gateway="shopify_payments")
        await it.advance(hours=1)
        assert await errands(it) == []
        await it.advance(hours=8)
        assert [state for _, state, _ in await errands(it)] == ["done"]
        assert it.shop.shop.orders[int(order)].cancelled_at is not None
        assert [template for template, state, _ in await it.messages() if state == "sent"] == ["order-cancelled"]
        assert await it.headline() == "cancelled"
        await it.advance(days=2)
        assert len(await it.messages()) == 1 and len(await errands(it)) == 1


async def test_a_shop_that_refuses_a_write_back_parks_nothing_that_is_over(tmp_path: Path) -> None:
    flow = "  paid: {on: order.received, steps: [{write_back: {tracking: true}}]}"
    async with called(tmp_path, flow) as (it, _):
        it.shop.shop.create_order()
        await it.advance(minutes=2)
        (row,) = await it.rows(tables.errands)
        assert (row.state, row.reason) == ("failed", "there is no tracking number that could be written")
        assert row.finished_at - row.created_at < timedelta(minutes=1)


async def test_a_shop_that_refuses_our_credentials_is_waited_for_and_uses_up_no_try(tmp_path: Path) -> None:
    flow = "  noted: {on: order.received, steps: [{wait: 1h}, {write_back: {note: seen}}]}"
    async with called(tmp_path, flow) as (it, _):
        order = it.shop.shop.create_order()
        await it.advance(minutes=59)
        it.shop.chaos.fail(402, times=1, path="*/graphql.json")
        await it.advance(minutes=5)
        assert await errands(it) == [("write_back:note", "due", 0)]
        (paused,) = await it.rows(tables.connections, tables.connections.c.paused != "")
        assert paused.name == "main-shop"
        await it.advance(minutes=30)
        assert await errands(it) == [("write_back:note", "done", 1)]
        assert it.shop.shop.orders[int(order)].note == "seen"
        assert not await it.rows(tables.connections, tables.connections.c.paused != "")


async def test_a_shadow_calls_nobody_and_goes_on(tmp_path: Path) -> None:
    flow = call(", save: {id: response.json.id}", then=", {stop: behind}").replace("{on:", "{state: shadow, on:")
    async with called(tmp_path, flow) as (it, crm):
        it.shop.shop.create_order()
        await it.advance(minutes=5)
        assert await runs(it) == [("done", "behind")] and not crm.ledger and not await errands(it)


async def test_a_hub_in_shadow_calls_nobody_and_its_runs_wait_for_no_answer(tmp_path: Path) -> None:
    written = ", {write_back: {note: seen, if_fails: [{stop: refused}]}}, {stop: behind}"
    async with called(tmp_path, call(", save: {id: response.json.id}", then=written), shadow=True) as (it, crm):
        order = it.shop.shop.create_order()
        await it.advance(hours=1)
        assert await runs(it) == [("done", "behind")] and not crm.ledger and not await errands(it)
        assert it.shop.shop.orders[int(order)].note != "seen"
        seen = await it.hub.db.read(
            lambda connection: not_done_in_shadow(connection, it.clock.now() - timedelta(days=1))
        )
        assert [row.doc["result"] for row in seen] == [f"{NOT_DONE}call:crm", f"{NOT_DONE}write_back:note"]


async def test_what_was_asked_for_live_rests_while_the_hub_is_in_shadow(tmp_path: Path) -> None:
    flow = call(", save: {id: response.json.id}", then=", {stop: behind}")
    async with called(tmp_path, flow) as (it, crm):
        crm.chaos.fail(503, times=1)
        it.shop.shop.create_order()
        await it.settle()
        await it.restart(shadow=True)
        await it.advance(days=2)
        assert await errands(it) == [("call:crm", "due", 1)] and len(crm.ledger) == 0
        assert [state for state, _ in await runs(it)] == ["waiting"]
        assert (await it.hub.next_due() or it.clock.now()) >= it.clock.now()
        await it.restart(shadow=False)
        await it.advance(minutes=5)
        assert await errands(it) == [("call:crm", "done", 2)] and len(crm.ledger) == 1
        assert await runs(it) == [("done", "behind")]
