"""The tables of docs/clocks.md, line by line: what they say is what happens."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from hub.config.model import Config
from hub.flows.compile import compile_flow
from hub.flows.cron import cron_of
from hub.flows.run import Moment, Run, proceed
from hub.pipeline.guards import quiet_until
from hub.pipeline.names import shop_names
from tests.config.fakes import GROUND, load
from tests.ground.repository import ROOT

LINES = [line.strip("| ").split(" | ") for line in (ROOT / "docs/clocks.md").read_text("utf-8").splitlines()]
TABLE = [line for line in LINES if len(line) == 5 and line[0].startswith("`{")]


def configured(folder: Path, shop: str, quiet: str) -> Config:
    text = GROUND.replace(
        "shop: {name: Kavovar, locale: uk, timezone: Europe/Kyiv}", f"shop: {{name: Kavovar, {shop.strip('`{')}"
    )
    loaded = load(folder, text.replace("contact:\n", f'contact:\n  quiet: "{quiet}"\n') if quiet else text)
    assert loaded.config is not None, loaded.problems
    return loaded.config


def test_the_page_has_its_tables() -> None:
    assert len(TABLE) == 25


@pytest.mark.parametrize(("shop", "written", "begins", "until", "because"), TABLE, ids=lambda cell: cell[:60])
def test_what_a_line_says_happens(
    shop: str, written: str, begins: str, until: str, because: str, tmp_path: Path
) -> None:
    kind, _, value = written.strip("`").partition(": ")
    config = configured(tmp_path, shop, value if kind == "quiet" else "")
    (its,) = config.shops.values()
    now = datetime.fromisoformat(begins).astimezone(UTC)
    expected = None if until == "at once" else datetime.fromisoformat(until)
    if kind == "quiet":
        quiet = config.contact_of(its).quiet
        assert quiet is not None and quiet_until(quiet, now, its.timezone) == expected
    elif kind == "schedule":
        assert cron_of(value).next_after(now, its.timezone) == expected
    else:
        step = {"wait": value if kind == "wait" else {"until": value, "or": "skip"}}
        flow = compile_flow("f", {"on": "order.packed", "steps": [step]})
        names = {"now": now, "shop": shop_names(its)}
        run, _ = proceed(flow, Run(), Moment(lambda values: names, now, its.timezone, hours=its.hours))
        assert run.due_at == expected
    if expected is not None:
        shown = expected.astimezone(its.timezone)
        assert shown.isoformat(" ", "minutes") == until, "the page writes times as the clock shows them"
