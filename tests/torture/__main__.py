"""`scripts/torture kill [--short] [--seed N] [--folder F]`: kill the hub again and again, and say what was found."""

import argparse
import asyncio
import os
import platform
import shutil
import sys
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

from hub.clock import monotonic

from .kill import FULL, SHORT, Options, Run, kill_run, percentile, prove, recoveries
from .rig import RigError


def main() -> int:
    """The command line; gives the exit status: 0 all promises kept, 1 not, 2 the run itself failed."""
    parser = argparse.ArgumentParser(prog="scripts/torture", description=__doc__)
    parser.add_argument("what", choices=["kill"])
    parser.add_argument("--short", action="store_true", help="under two minutes, for every change")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, help="as many kills")
    parser.add_argument("--events", type=int, help="as many events")
    parser.add_argument("--no-proof", action="store_true", help="do not plant faults first")
    parser.add_argument("--folder", type=Path, help="keep all ledgers and logs here")
    given = parser.parse_args()
    options = replace(SHORT if given.short else FULL, seed=given.seed)
    options = replace(options, kills=given.kills or options.kills, events=given.events or options.events)
    if given.no_proof:
        options = replace(options, proofs=())
    return asyncio.run(torture(options, given.folder))


async def torture(options: Options, kept: Path | None) -> int:
    """Prove, run, report."""
    folder = kept or Path(tempfile.mkdtemp(prefix="orderhub-torture-"))
    began = monotonic()
    say(f"seed {options.seed}: {options.events} events, {options.kills} kills; {machine()}")
    try:
        missed = await prove(folder, options, say)
        run = await kill_run(folder / "run", options, say)
    except RigError as error:
        say(f"the run itself failed: {error}")
        return 2
    report(run, folder / "run")
    say(f"all together {monotonic() - began:.0f} s")
    wrong = [*run.verdict.problems, *(f"the planted fault {fault} was not found" for fault in missed)]
    for problem in wrong:
        say(f"BROKEN: {problem}")
    if wrong:
        say(f"ledgers and logs: {folder}; again with: scripts/torture kill --seed {options.seed}")
        return 1
    if kept is None:
        shutil.rmtree(folder)
    say("every promise was kept")
    return 0


def report(run: Run, folder: Path) -> None:
    """The figures of a run."""
    figures, lives = run.verdict.figures, run.lives
    kills = Counter(life.how for life in lives if life.how != "stopped")
    say(f"events accepted {figures['accepted']} in {figures['answers']} answers, orders {figures['orders']}, "
        f"compared with a hub without kills {figures.get('compared', 0)}")  # fmt: skip
    say(f"kills {kills.total()}: " + ", ".join(f"{how} {count}" for how, count in sorted(kills.items())))
    if run.missed:
        say(f"aimed at again: {dict(run.missed)}")
    say(f"messages {figures['messages']}, received {figures['received']}, attempts {figures['attempts']}")
    say(f"calls {figures['calls']}, of them again {figures['calls_again']}")
    say(f"on the wire at kills {figures['on_wire_at_kills']}, repeats {figures['repeats']}; left to staff as uncertain "
        f"{figures['uncertain']}, of these never received {figures['uncertain_not_received']}")  # fmt: skip
    for name, values in recoveries(folder, lives).items():
        say(f"restart to {name}: p50 {percentile(values, 0.5):.2f} s, p95 {percentile(values, 0.95):.2f} s, "
            f"max {max(values, default=0):.2f} s (n {len(values)})")  # fmt: skip
    lost = next((problem for problem in run.verdict.problems if "lost" in problem), "0 lost")
    say(f"{lost} of {figures['accepted']} accepted; at 95 % fewer than 3/n = {300 / max(figures['accepted'], 1):.3f} %")
    say(f"{run.seconds:.0f} s, CPU {run.cpu:.0f} s, of it hub {sum(life.cpu for life in lives):.0f} s")


def machine() -> str:
    """What it runs on."""
    return f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}"


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
