"""`hub flows diff` and `apply`: on a file and a database alone, and beside a hub that runs."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hub.flows.compile import compile_flow
from hub.flows.run import Run
from hub.store import lives
from hub.store.database import Database
from hub.store.tables import TENANT, flow_versions, live_files, runs

from .test_asking import outside
from .test_run import running
from .using import Shop

TUESDAY = datetime(2026, 11, 24, 9, tzinfo=UTC)
OLD = {"on": "order.packed", "steps": [{"wait": "3d"}, {"notify": {"template": "packed", "via": ["mail"]}}]}
NEW = "{on: order.packed, steps: [{wait: 1d}, {notify: {template: on-hold, via: [mail]}}]}"
GONE = "{on: order.packed, steps: [{notify: {template: on-hold, via: [mail]}}]}"


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with outside(tmp_path) as it:
        yield it.shop


def write(shop: Shop, flows: str, name: str = "flows.yaml") -> None:
    base = shop.file.read_text("utf-8").partition("flows:")[0]
    (shop.folder / name).write_text(f"{base}flows: {{shipped: {flows}}}\n" if flows else base, "utf-8")


def wait_in(shop: Shop, many: int) -> None:
    """So many runs of `shipped` wait in a former text."""
    flow = compile_flow("shipped", OLD)
    text = {"tenant": TENANT, "version": flow.version, "name": flow.name, "source": OLD}
    rows = [
        {
            "tenant": TENANT, "slot": 1, "key": f"run-{n}", "order_id": f"main:{n}", "flow": "shipped",
            "version": flow.version, "subject_kind": "order", "subject": f"main:{n}", "word": "order.packed",
            "occurrence": 1, "state": "waiting", "started_at": TUESDAY,
            "doc": {"run": Run(since=TUESDAY).to_json(), "event": {}},
        }
        for n in range(many)
    ]  # fmt: skip
    shop.change(sa.insert(flow_versions).values(**text), sa.insert(runs).values(rows))


def states(shop: Shop) -> list[tuple[str, str]]:
    return [(row.digest, row.state) for row in shop.rows(sa.select(live_files).order_by(live_files.c.id))]


def test_the_difference_says_what_keep_move_and_stop_would_mean(shop: Shop) -> None:
    wait_in(shop, 1200)
    write(shop, NEW)
    said = shop.hub("flows", "diff")
    assert said.exit_code == 0 and "Runs under way: 1,200" in said.stdout
    line = next(each for each in said.stdout.splitlines() if each.startswith("shipped") and "wait:3d" in each)
    assert "1200" in line and "to wait:1d" in line and "main:0, main:1" in line and line.endswith("…")
    (place,) = shop.told("flows", "diff")["waiting"]
    assert (place["runs"], place["to"], place["why_not"]) == (1200, "wait:1d", "")
    write(shop, GONE)
    assert "does not fit: where wait:3d stood there is notify:on-hold" in shop.hub("flows", "diff").stdout
    assert states(shop) == []


def test_without_a_hub_that_runs_it_goes_live_at_the_next_start(shop: Shop) -> None:
    wait_in(shop, 1)
    write(shop, NEW, "new.yaml")
    said = shop.hub("flows", "apply", str(shop.folder / "new.yaml"), "--waiting", "move", "--yes")
    assert said.exit_code == 0 and "goes live when the next one starts" in said.stdout
    assert shop.file.read_text("utf-8") == (shop.folder / "new.yaml").read_text("utf-8")
    assert [state for _, state in states(shop)] == ["waits"]


def test_a_no_changes_nothing(shop: Shop) -> None:
    wait_in(shop, 1)
    before = shop.file.read_bytes()
    write(shop, NEW, "new.yaml")
    said = shop.hub("flows", "apply", str(shop.folder / "new.yaml"), typed="n\n")
    assert said.exit_code == 1 and "nothing was changed" in said.stderr
    assert shop.file.read_bytes() == before and states(shop) == []


@pytest.mark.parametrize(
    ("flows", "options", "why"),
    [
        ("{on: order.pakced, steps: [{stop: x}]}", (), "there is no order status 'pakced'"),
        (NEW, ("--waiting", "mvoe"), "'mvoe' is none of keep, move, stop; did you mean 'move'?"),
        (NEW, ("--waiting", "shiped=move"), "there is no flow 'shiped'; did you mean 'shipped'?"),
        (NEW, ("--waiting", "move", "--waiting", "stop"), "all flows can be only one of move and stop"),
    ],
)
def test_what_is_wrong_never_goes_live(shop: Shop, flows: str, options: tuple[str, ...], why: str) -> None:
    wait_in(shop, 1)
    before = shop.file.read_bytes()
    write(shop, flows, "new.yaml")
    said = shop.hub("flows", "apply", str(shop.folder / "new.yaml"), "--yes", *options)
    assert said.exit_code == 2 and why in said.stderr
    assert shop.file.read_bytes() == before and states(shop) == []


def test_a_file_elsewhere_is_refused_because_its_neighbours_would_not_come_with_it(shop: Shop) -> None:
    wait_in(shop, 1)
    other = shop.folder / "elsewhere"
    other.mkdir()
    (other / "new.yaml").write_bytes(shop.file.read_bytes())
    said = shop.hub("flows", "apply", str(other / "new.yaml"), "--yes")
    assert said.exit_code == 2 and "must lie beside" in said.stderr


async def test_a_running_hub_takes_it_up_and_does_with_the_runs_what_was_decided(shop: Shop) -> None:
    async with running(shop) as hub:
        await asyncio.to_thread(wait_in, shop, 3)
        write(shop, NEW, "new.yaml")
        new = str(shop.folder / "new.yaml")
        said = await asyncio.to_thread(shop.hub, "flows", "apply", new, "--waiting", "shipped=stop", "--yes")
        assert said.exit_code == 0 and "flows.yaml is live" in said.stdout, said.output
        assert "shipped: 3 runs stopped" in said.stdout
        found = await asyncio.to_thread(shop.rows, sa.select(runs))
        assert {(row.state, row.reason) for row in found} == {("stopped", "another file went live")}
        again = await asyncio.to_thread(shop.hub, "flows", "diff")
        assert "flows.yaml is what is live since" in again.stdout
        assert await hub.stop() == 0
        assert sum("a new configuration is live" in line["message"] for line in hub.log) == 1


async def test_what_the_running_hub_refuses_is_undone(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(shop) as hub:
        await asyncio.to_thread(wait_in, shop, 1)
        before = shop.file.read_bytes()
        write(shop, NEW, "new.yaml")
        spoilt = (shop.folder / "new.yaml").read_text("utf-8").replace("${NP_KEY}", "${ONLY_HERE}")
        (shop.folder / "new.yaml").write_text(spoilt, "utf-8")
        shop.env = {**shop.env, "ONLY_HERE": shop.env["NP_KEY"]}  # the hub was started without it
        new = str(shop.folder / "new.yaml")
        said = await asyncio.to_thread(shop.hub, "flows", "apply", new, "--waiting", "stop", "--yes")
        assert said.exit_code == 2 and "new.yaml is not live: the hub refuses the file" in said.stderr
        assert shop.file.read_bytes() == before
        assert [row.state for row in await asyncio.to_thread(shop.rows, sa.select(runs))] == ["waiting"]
        assert await hub.stop() == 0


def with_database(shop: Shop, work: Callable[[sa.Connection], Any]) -> Any:
    db = Database(f"sqlite:///{shop.folder / 'hub.db'}")
    try:
        return db.run(work)
    finally:
        db.close()


async def test_what_was_decided_while_no_hub_ran_is_carried_out_at_the_start(shop: Shop) -> None:
    await asyncio.to_thread(wait_in, shop, 2)
    write(shop, NEW)
    said = await asyncio.to_thread(shop.hub, "flows", "apply", "--waiting", "stop", "--yes")
    assert said.exit_code == 0
    async with running(shop) as hub:
        live = await asyncio.to_thread(with_database, shop, lives.live_file)
        assert live.files["flows.yaml"] == shop.file.read_text("utf-8")
        assert {row.state for row in await asyncio.to_thread(shop.rows, sa.select(runs))} == {"stopped"}
        assert await hub.stop() == 0
