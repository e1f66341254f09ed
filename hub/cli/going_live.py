"""`hub flows diff` and `hub flows apply`: what a file would do to the runs under way, and letting it go live."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ._errors import FAILED, REFUSED, Stop, refused
from ._files import replace_file
from ._out import cell, counted, moment, print_json, print_table, title
from ._setup import config_option, configured, example, existing, json_option, look, opened

if TYPE_CHECKING:
    from hub.config.model import Config
    from hub.pipeline.versions import Changed, Place
    from hub.store.database import Database

WAITING = ("keep", "move", "stop")
PATIENCE = 60
"""Seconds that a running hub has to let a file go live."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A file against the one that is live."""

    live: Any
    flows: "Sequence[Changed]"
    places: "Sequence[Place]"


@click.command(epilog=example("hub flows diff", "hub flows diff new.yaml --json"))
@click.argument("file", required=False, type=click.Path(path_type=Path))
@config_option
@json_option
def diff(file: Path | None, path: Path, as_json: bool) -> None:
    """What going live with a file would do: to the flows, and to each run under way if it were kept, moved to the new
    text, or stopped. Changes nothing.

    FILE: the file to look at, if it is not the configuration itself.
    """
    config = _configured(file or path)
    with opened(path) as db:
        found = _difference(db, config)
    if as_json:
        print_json(_plain(found, config))
    else:
        _show(found, config, None)


@click.command(epilog=example(
    "hub flows apply",
    "hub flows apply new.yaml --waiting move",
    "hub flows apply --waiting move --waiting shipped=stop",
))  # fmt: skip
@click.argument("file", required=False, type=click.Path(path_type=Path))
@config_option
@click.option("--waiting", multiple=True, metavar="[FLOW=]HOW",
              help="What becomes of the runs under way: keep (the text they started with), move (to the new text; what "
              "does not fit is kept) or stop. For all flows that the file changes, or for the one that is named. "
              "Default: keep.")  # fmt: skip
@click.option("-y", "--yes", is_flag=True, help="Ask nothing.")
@json_option
def apply(file: Path | None, path: Path, waiting: Sequence[str], yes: bool, as_json: bool) -> None:
    """Check a file, show what it would do, and let it go live.

    FILE: a file beside the configuration, which takes its place. A hub that runs takes it up within seconds; what was
    decided about runs under way is carried out in the same instant. Without a hub that runs it goes live at the next
    start.
    """
    path = existing(path)
    new = existing(file) if file is not None else path
    if new.parent != path.parent:
        raise refused(f"{new} must lie beside {path}, as what both of them name (includes, texts, .env) does")
    config = _configured(new)
    with opened(path) as db:
        found = _difference(db, config)
        decision = _decision(waiting, found)
        if not as_json:
            _show(found, config, decision)
        if not (yes or click.confirm("\nLet it go live?", err=as_json)):
            raise Stop("nothing was changed", FAILED)
        became = _make_live(db, path, new, config, decision)
    if as_json:
        print_json({**_plain(found, config), **became})
    else:
        _tell(became, path)


def _configured(path: Path) -> "Config":
    config, _ = configured(path)
    return config


# ------------------------------------------------------------------------------------------------ looking


def _difference(db: "Database", config: "Config") -> Difference:
    from hub.pipeline.versions import changes, flows_live, places
    from hub.store.lives import live_file

    def work(connection: Any) -> Difference:
        before = flows_live(connection)
        return Difference(live_file(connection), changes(before, config.flows), places(connection, config.flows))

    return look(db, work)


def _decision(waiting: Sequence[str], found: Difference) -> dict[str, str]:
    """`move`, `FLOW=stop` → flow, or `*` → how."""
    from hub.config.problems import did_you_mean
    from hub.pipeline.versions import ALL

    names = {name for each in found.flows for name in (each.flow, each.now)} | {each.flow for each in found.places}
    said: dict[str, str] = {}
    for each in waiting:
        flow, named, how = each.rpartition("=")
        if how not in WAITING:
            raise refused(f"--waiting: '{cell(how)[:40]}' is none of {', '.join(WAITING)}{did_you_mean(how, WAITING)}")
        if named and flow not in names:
            raise refused(f"--waiting: there is no flow '{cell(flow)[:63]}'{did_you_mean(flow, sorted(names))}")
        if said.setdefault(flow if named else ALL, how) != how:
            raise refused(f"--waiting: {flow or 'all flows'} can be only one of {said[flow or ALL]} and {how}")
    return said


def _plain(found: Difference, config: "Config") -> dict[str, Any]:
    live = found.live
    return {
        "digest": config.digest,
        "live": {"digest": live.digest, "since": live.live_at} if live is not None else None,
        "flows": found.flows,
        "waiting": found.places,
    }


def _show(found: Difference, config: "Config", decision: Mapping[str, str] | None) -> None:
    name, live = config.path.name, found.live
    if live is None:
        click.echo(f"{name}: no file has gone live on this database yet")
    elif live.digest == config.digest:
        click.echo(f"{name} is what is live since {moment(live.live_at)}")
    else:
        click.echo(f"{name} against what is live since {moment(live.live_at)}")
    differ = [each for each in found.flows if each.change != "same"]
    title("Flows")
    rows = [(each.flow, each.change, f"now {each.now}" if each.change == "renamed" else "", ", ".join(each.differs))
            for each in differ]  # fmt: skip
    print_table(("flow", "is", "", "what differs"), rows, empty="none changes")
    if differ and len(found.flows) > len(differ):
        click.echo(f"{counted(len(found.flows) - len(differ), 'flow')} more do not change")
    _show_runs(found, decision)


def _show_runs(found: Difference, decision: Mapping[str, str] | None) -> None:
    from hub.pipeline.versions import becomes

    shown = [each for each in found.places if not each.same or (decision or {}).get(each.flow)]
    total, same = sum(each.runs for each in found.places), sum(each.runs for each in found.places if each.same)
    title(f"Runs under way: {total:,}")
    headings = ["flow", "runs", "stand at", "if moved", "unsent if stopped", "orders"]
    rows = [
        [each.flow, each.runs, each.step or "?", _if_moved(each), each.unsent or "", _examples(each)] for each in shown
    ]
    if decision is not None:
        headings.insert(3, "become")
        for row, each in zip(rows, shown, strict=True):
            how = becomes(decision, each.flow, each.now, same=each.same).value
            row.insert(3, "keep, for it does not fit" if how == "move" and each.why_not else how)
    if shown:
        print_table(headings, rows)
    if same:
        click.echo(f"{same:,} of flows that do not change go on as they are")


def _if_moved(place: "Place") -> str:
    return f"does not fit: {place.why_not}" if place.why_not else f"to {place.to}"


def _examples(place: "Place") -> str:
    return ", ".join(place.examples) + (" …" if place.runs > len(place.examples) else "")


# ------------------------------------------------------------------------------------------------ going live


def _make_live(db: "Database", path: Path, new: Path, config: "Config", decision: Mapping[str, str]) -> dict[str, Any]:
    """Decide, put the file in its place, and wait for a hub that runs. What that refuses is undone."""
    from hub.clock import SystemClock
    from hub.store import lives
    from hub.store.database import DatabaseBusyError

    if _configured(new).digest != config.digest:
        raise Stop(f"{new.name} was changed meanwhile; look at it again", FAILED)
    before = path.read_bytes()
    try:
        db.hold()  # until the file lies there, no hub starts
        runs = False
    except DatabaseBusyError:
        runs = True
    if new != path:
        replace_file(path, new.read_bytes())
    which = db.run(lambda connection: lives.decide(connection, config.digest, decision, SystemClock().now()))
    row = _followed(db, which) if runs else db.run(lambda connection: lives.decision(connection, which))
    if row.state == lives.REFUSED or (runs and row.state != lives.LIVE):
        db.run(lives.withdraw)
        if new != path:
            replace_file(path, before)
        elsewhere = "the hub that runs reads another file" if row.state == lives.WITHDRAWN else ""
        why = row.reason or elsewhere or "the hub did not take it up; its log may say why"
        raise Stop(f"{new.name} is not live: {why}", REFUSED)
    return {"state": row.state, "outcome": row.outcome}


def _followed(db: "Database", which: int) -> Any:
    """What became of a decision, once the running hub has heeded it."""
    from hub.clock import monotonic
    from hub.store import lives

    async def follow() -> Any:
        until = monotonic() + PATIENCE
        while True:
            row = look(db, lambda connection: lives.decision(connection, which))
            if row.state != lives.WAITS or monotonic() > until:
                return row
            await asyncio.sleep(0.1)

    return asyncio.run(follow())


def _tell(became: Mapping[str, Any], path: Path) -> None:
    click.echo()
    if became["state"] != "live":
        click.echo(f"no hub is running on this database: {path.name} goes live when the next one starts (`hub run`)")
        return
    click.echo(f"{path.name} is live")
    outcome = became["outcome"]
    for flow, many in outcome["flows"].items():
        done = (f"{counted(number, 'run')} {_DONE[how]}" for how, number in many.items())
        click.echo(f"  {flow}: {', '.join(done)}")
    for each in outcome["misfits"]:
        click.echo(f"  {each['flow']}: {counted(each['runs'], 'run')} kept: {each['why']}")


_DONE = {"keep": "kept", "move": "moved", "stop": "stopped"}
