"""Reading the kernel's counters, and saying what was read."""

import os
import platform
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hub.clock import SystemClock


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured thing: a value of each round, and what they are."""

    name: str
    rounds: Sequence[float]
    unit: str
    note: str = ""

    @property
    def median(self) -> float:
        return statistics.median(self.rounds)

    def row(self) -> str:
        spread = f"{min(self.rounds):.3g} to {max(self.rounds):.3g}" if len(self.rounds) > 1 else ""
        return f"| {self.name} | {self.median:.3g} {self.unit} | {spread} | {self.note} |"


def ratio(name: str, ours: Sequence[float], against: Sequence[float], note: str = "") -> Figure:
    """The ratio of each pair of rounds: two that ran one after the other met the same machine."""
    return Figure(name, [a / b for a, b in zip(ours, against, strict=True) if b > 0], "x", note)


def report(title: str, figures: Sequence[Figure]) -> str:
    head = ["", f"## {title}", "", "| what | median | spread | note |", "| --- | --- | --- | --- |"]
    return "\n".join(head + [figure.row() for figure in figures])


def cpu(pid: int) -> float:
    """Seconds of CPU, user and system, that all threads of a process have used. Linux: another process's clock has a
    number made of its id (clock_getcpuclockid(3)); it counts in nanoseconds, /proc/<pid>/stat in ticks of 10 ms."""
    return time.clock_gettime(~pid << 3 | 2)


def private_memory(pid: int) -> float:
    """MB that belong to this process alone (Linux, smaps_rollup)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in lines[1:]}
    return (kilobytes["Private_Clean"] + kilobytes["Private_Dirty"]) * 1024 / 1e6


def machine() -> str:
    """Where and when, and how busy the machine was before the first round."""
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    now = SystemClock().now()
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}; {now:%Y-%m-%d %H:%M} UTC; load {load}"
