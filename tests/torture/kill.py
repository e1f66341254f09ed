"""The kill run: a hub under load is killed at random and at every named crash point, and must have lost nothing.

First the run proves itself: it must catch faults that are planted in the hub (`planted.py`).
"""

import contextlib
import random
import resource
import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hub.clock import monotonic, pause
from hub.pipeline.crash import POINTS

from .config import SHOPIFY, WOO
from .journal import lines
from .reference import killed_states, undisturbed_states
from .rig import BY_CHANCE, UNDONE, HubProcess, Life, Rig, RigError, rig, until_idle
from .verdict import Evidence, Verdict, judge
from .world import Plan

Say = Callable[[str], None]

RANDOM = ""
"""A life that aims at no crash point; it is killed by chance."""
POINT_PATIENCE = 6.0
"""Seconds that a life has, once it is ready, to come to its crash point; then it is killed wherever it is."""


@dataclass(frozen=True, slots=True)
class Options:
    """The size of a run. `per_point`: lives that aim at each crash point; `kills`: all together."""

    seed: int
    events: int
    kills: int
    per_point: int
    uptime: float
    """Seconds that a life lasts on average, once it is ready, before it is killed at random."""
    proofs: Sequence[str] = ("early-2xx", "lost-row")
    compare: bool = True
    recovers: float = 15
    """Seconds from a restart to /readyz 200 that 95 of 100 lives may take; a busy build server is given more."""
    settles: float = 240
    """Seconds that the hub has to finish everything after the last kill."""
    waits_for: Sequence[str] = tuple(UNDONE)


ALL_PROOFS = ("early-2xx", "lost-row", "uncounted", "twice")
FULL = Options(seed=1, events=10_000, kills=200, per_point=6, uptime=1.2, proofs=ALL_PROOFS, recovers=5)
SHORT = Options(seed=1, events=1_000, kills=20, per_point=1, uptime=0.6)
PROOF = Options(seed=1, events=100, kills=3, per_point=0, uptime=0.5, proofs=(), compare=False, settles=45)


@dataclass(slots=True)
class Run:
    """A run that is over."""

    options: Options
    verdict: Verdict
    lives: list[Life]
    seconds: float
    missed: Counter[str] = field(default_factory=Counter)
    cpu: float = 0.0


async def kill_run(folder: Path, options: Options, say: Say, *, planted: str = "") -> Run:
    """One run in a folder of its own; `planted`: with this fault in the hub."""
    folder.mkdir(parents=True)
    began, used = monotonic(), _cpu()
    async with rig(folder, plan_of(options), planted=planted) as it:
        await _first_life(it)
        missed = await _kill_again_and_again(it, options, say)
        await _last_life(it, say)
        undone = await until_idle(it.hub, options.settles, of=options.waits_for)
        await it.hub.stop()
        verdict = await _judged(it, options)
        verdict.expect(_seldom(it.hub.lives, options), "crash points reached too seldom")
        ready = percentile(recoveries(folder, it.hub.lives)["ready"], 0.95)
        verdict.expect([f"{ready:.1f} s"] if ready > options.recovers else [], "times too slow to be ready again")
        if undone:
            verdict.problems.append(f"not finished after {options.settles:.0f} s: {undone}")
    return Run(options, verdict, it.hub.lives, monotonic() - began, missed, _cpu() - used)


def _seldom(lives: Sequence[Life], options: Options) -> list[str]:
    reached = Counter(life.how for life in lives)
    return [f"{point} {reached[point]}" for point in POINTS if reached[point] < options.per_point]


def plan_of(options: Options) -> Plan:
    """What the world does in such a run."""
    return Plan(seed=options.seed, events=options.events, hub="")


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


async def _first_life(it: Rig) -> None:
    """Undisturbed until the first poll has imported the (empty) shop: what comes from then on is news."""
    await it.hub.begin()
    if not await it.hub.ready():
        raise RigError(f"the hub did not start; see {it.folder / 'hub.log'}")
    until = monotonic() + 60
    while not _imported(it.hub):
        if monotonic() > until:
            raise RigError("the first import did not end")
        await pause(0.05)


def _imported(hub: HubProcess) -> bool:
    with contextlib.closing(sqlite3.connect(f"file:{hub.database}?mode=ro", uri=True, timeout=5)) as connection:
        found = connection.execute("select name from connections where imported_at is not null").fetchall()
    return {SHOPIFY, WOO} <= {name for (name,) in found}


async def _kill_again_and_again(it: Rig, options: Options, say: Say) -> Counter[str]:
    """One life after the other. A crash point that was not reached is aimed at again, three times at most."""
    dice = random.Random(options.seed + 2)
    aims = [point for point in POINTS for _ in range(options.per_point)]
    aims += [RANDOM] * (options.kills - len(aims))
    dice.shuffle(aims)
    missed: Counter[str] = Counter()
    share = options.events * (1 + plan_of(options).repeated) / options.kills
    it.world.tell(f"{share:.0f}")
    await it.hub.dies_within(dice.uniform(0, 2 * options.uptime))
    kills = 0
    while True:
        life = await it.hub.kill()
        kills += 1
        if life.point and life.how == BY_CHANCE and missed[life.point] < 3 * options.per_point:
            missed[life.point] += 1
            aims.append(life.point)
        if kills % 20 == 0:
            say(f"  {kills} kills, {it.world.last.get('progress', 0)} events accepted")
        if not aims:
            return missed
        it.world.tell(f"{share * (kills + 1):.0f}")
        await _next_life(it, aims.pop(), dice, options)


async def _next_life(it: Rig, point: str, dice: random.Random, options: Options) -> None:
    nth = dice.randint(1, 3 if point == "after-poll" else 10)
    await it.hub.begin(point, nth)
    if point:
        if await it.hub.ready():
            await it.hub.dies_within(POINT_PATIENCE)
    elif dice.random() < 0.15:
        await it.hub.dies_within(dice.uniform(0.3, 2))  # also while it starts
    elif await it.hub.ready():
        await it.hub.dies_within(dice.uniform(0, 2 * options.uptime))


async def _last_life(it: Rig, say: Say) -> None:
    """Let it live, and let the world tell the rest."""
    it.world.tell("1000000000")
    await it.hub.begin()
    if not await it.hub.ready():
        raise RigError(f"the hub did not start; see {it.folder / 'hub.log'}")
    while not it.settled():
        if it.world.process.returncode is not None:
            raise RigError(f"the world ended early; see {it.folder / 'world.log'}")
        await pause(0.1)
    say(f"  all told: {it.world.last}")


async def _judged(it: Rig, options: Options) -> Verdict:
    on_wire = [life.on_wire for life in it.hub.lives]
    evidence = Evidence(it.folder, on_wire)
    if not options.compare:
        return judge(evidence)
    killed = await killed_states(it.hub.database, it.hub.config)
    undisturbed = await undisturbed_states(it.folder)
    return judge(Evidence(it.folder, on_wire, killed, undisturbed))


async def prove(folder: Path, options: Options, say: Say) -> list[str]:
    """Plant each fault and see that it is found; gives the faults that were not."""
    missed = []
    for fault in options.proofs:
        size = replace(PROOF, waits_for=WAITS.get(fault, PROOF.waits_for), **SIZES.get(fault, {}))
        run = await kill_run(folder / f"planted-{fault}", size, lambda _: None, planted=fault)
        found = [problem for problem in run.verdict.problems if EXPECTED[fault] in problem]
        say(f"planted {fault}: {'found: ' + found[0][:90] if found else 'NOT FOUND'} ({run.seconds:.0f} s)")
        if not found:
            missed.append(fault)
    return missed


EXPECTED = {
    "early-2xx": "accepted events lost",
    "lost-row": "runs that said nothing",
    "uncounted": "not counted as unknown",
    "twice": "repeat",
}
SIZES: Mapping[str, Any] = {"uncounted": {"kills": len(POINTS) + 1, "per_point": 1}}
"""What can only be seen where something was on the wire is looked for at every crash point; else it would be luck."""
WAITS = {"early-2xx": ("pending",), "lost-row": ("pending", "timers")}
"""What these are known by is there before every message has arrived."""


def percentile(values: Sequence[float], part: float) -> float:
    """The value that `part` of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * part), len(ordered) - 1)] if ordered else 0.0


def recoveries(folder: Path, lives: Sequence[Life]) -> dict[str, list[float]]:
    """Seconds from each restart to /readyz 200, to the first webhook taken, and to the first message handed over."""
    taken = sorted(line["at"] for line in lines(folder / "taken.jsonl"))
    received = sorted(line["at"] for line in lines(folder / "received.jsonl"))
    found: dict[str, list[float]] = {"ready": [], "first webhook": [], "first message": []}
    for life in lives[1:]:
        end = life.ended_at or float("inf")
        if life.ready_at is not None:
            found["ready"].append(life.ready_at - life.began_at)
        for name, times in (("first webhook", taken), ("first message", received)):
            first = next((at for at in times if life.began_at < at < end), None)
            if first is not None:
                found[name].append(first - life.began_at)
    return found
