"""Waits and deadlines against what cuts them short: the shelf of a pickup point, a stop, quiet hours, receipts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import time, timedelta
from typing import TypeAlias

from hub.config.lengths import Length
from hub.config.model import Config, Quiet
from hub.config.problems import listed
from hub.config.scalars import read_clock
from hub.config.settings import Reading
from hub.plugin import Channel
from hub.status import STORAGE_RULES

from .cel import Compiled
from .cel_tree import Call, Const, Tree, path_of, reads
from .check import all_steps, channels_of
from .compile import Checked
from .model import Choose, Flow, Notify, State, Step, WaitEvent, WaitFor, WaitThat, WaitUntil, lists_in
from .truth import Path

READY = "shipment.ready_for_pickup"
SENT_BACK = "shipment.returning"
DEADLINE: Path = ("shipment", "pickup_deadline")
SHELF = frozenset({DEADLINE, ("shipment", "arrived_at"), ("shipment", "pickup_point")})
"""A condition that reads one of these has asked how long there is."""
STARTS = frozenset({("started_at",), ("entered_at",), ("event", "occurred_at"), ("event", "received_at")})
"""Moments that are, but for seconds, the one at which the run starts."""
UNSTOPPED = ("payment.", "return.", "customer.", "survey.", "escalation.", "order.cancelled")
"""Runs of these triggers are not ended by a cancelled order (FLOWS 2.3)."""
ZERO = timedelta(0)
Since: TypeAlias = tuple[Path, timedelta]
"""A moment: so long after a field."""


@dataclass(frozen=True, slots=True)
class At:
    """Where a run stands: how long it has waited at least since its start (None: nobody can say), the moment that its
    last wait led to, and whether a condition around has asked about the shelf."""

    waited: timedelta | None = ZERO
    anchor: Since | None = None
    asked: bool = False


def timing(checked: Iterable[Checked], config: Config, reading: Reading) -> None:
    """Report waits and deadlines that cannot be what was meant."""
    for each in checked:
        if each.flow.state is not State.OFF:
            look = _Look(each, config, reading)
            look.steps(each.flow.steps, At(asked=any(_asks(one) for one in each.flow.when)))


def _asks(expression: object) -> bool:
    trees = (expression.tree,) if isinstance(expression, Compiled) else ()
    return any(read.path[:2] in SHELF for tree in trees for read in reads(tree))


@dataclass(frozen=True, slots=True)
class _Look:
    checked: Checked
    config: Config
    reading: Reading

    @property
    def flow(self) -> Flow:
        return self.checked.flow

    def tell(self, step: Step, code: str, text: str, hint: str = "") -> None:
        self.reading.report(self.checked.keys.get(step.id, self.checked.place), code, text, hint)

    def steps(self, steps: tuple[Step, ...], at: At) -> At:
        for each in steps:
            match each:
                case WaitFor():
                    at = self._wait_for(each, at)
                case WaitUntil():
                    at = self._wait_until(each, at)
                case WaitEvent():
                    self._wait_event(each)
                    at = replace(at, waited=None, anchor=None)
                case WaitThat():
                    at = replace(at, waited=None, anchor=None)
                case Notify():
                    self._quiet(each)
                    self._receipts(each, at)
                    at = self._inside(each, at) if lists_in(each) else at
                case _ if lists_in(each):
                    at = self._inside(each, at)
        return at

    def _inside(self, step: Step, at: At) -> At:
        """Behind branches only what holds in all of them is known."""
        asked = [_asks(branch.when) for branch in step.branches] if isinstance(step, Choose) else []
        for index, inner in enumerate(lists_in(step)):
            self.steps(inner, replace(at, asked=at.asked or any(asked[: index + 1])))
        waits = any(isinstance(each, WaitFor | WaitUntil | WaitThat | WaitEvent) for each in all_steps((step,)))
        return At(None, None, at.asked) if waits else at

    # -- waits

    def _wait_for(self, step: WaitFor, at: At) -> At:
        least = step.length.about
        waited = at.waited + least if at.waited is not None else None
        if waited is not None and set(self.flow.triggers) == {READY} and not at.asked:
            self._shelf(step, waited)
        anchor = (at.anchor[0], at.anchor[1] + least) if at.anchor is not None else None
        return replace(at, waited=waited, anchor=anchor)

    def _shelf(self, step: Step, waited: timedelta) -> None:
        kept = dict(_kept(self.config))
        if not kept:
            return
        longest, shortest = max(kept.values()), min(kept.values())
        if waited > longest and SENT_BACK in self.flow.stop_on:
            text = f"by then no pickup point keeps the parcel: '{SENT_BACK}' in 'stop_on' has ended the run"
            self.tell(step, "waits-past-stop", text, f"at most {_days(longest)}, and it has waited {_days(waited)}")
        elif waited > shortest:
            where = listed(sorted(each for each, length in kept.items() if length < waited), 4)
            text = f"the run has waited {_days(waited)} by then, longer than a parcel is kept at {where}"
            self.tell(step, "waits-too-long", text, f"{_days(shortest)} there")

    def _wait_until(self, step: WaitUntil, at: At) -> At:
        since = moment(step.until)
        if since is not None and since[0] == DEADLINE and since[1] > ZERO and SENT_BACK in self.flow.stop_on:
            text = f"behind its deadline a parcel goes back, and '{SENT_BACK}' in 'stop_on' has ended the run"
            self.tell(step, "waits-past-stop", text)
        certain = since is not None and not isinstance(step.otherwise, Length)
        return replace(at, waited=None, anchor=since if certain else None)

    def _wait_event(self, step: WaitEvent) -> None:
        stops = set(self.flow.stop_on)
        if not any(word.startswith(UNSTOPPED) for word in self.flow.triggers):
            stops.add("order.cancelled")
        for word in step.words:
            if word in stops:
                text = f"'{word}' ends the run before this wait can go on with it"
                self.tell(step, "waits-past-stop", text)

    # -- deadlines

    def _quiet(self, step: Notify) -> None:
        """A message due in the night whose hour comes before the night is over."""
        quiet = self.config.contact.quiet
        clock = _hour(step.before)
        if quiet is None or clock is None or step.urgent or step.to != "customer" or not _within(quiet, clock):
            return
        if all(_rings(self.config, each, quiet) for each in channels_of(step, self.config)):
            end = f"{quiet.end:%H:%M}"
            text = f"what is due in quiet hours can be said from {end} on, and this is pointless from {clock:%H:%M}"
            self.tell(step, "quiet-past-deadline", text, "there is no channel that does not ring")

    def _receipts(self, step: Notify, at: At) -> None:
        """The time that all channels but the last may take, against the time there is."""
        room = self._room(step, at)
        waits = [_receipt(self.config, each) for each in channels_of(step, self.config)][:-1]
        needed = sum(waits, ZERO)
        if room is not None and not step.urgent and step.to == "customer" and needed > max(room, ZERO):
            text = f"waiting for receipts may take {_days(needed)}, and the message is pointless after {_days(room)}"
            self.tell(step, "receipt-past-deadline", text, "then its last channel is never tried")

    def _room(self, step: Notify, at: At) -> timedelta | None:
        since = moment(step.before)
        if since is None:
            return None
        base, offset = since
        if base == ("now",):
            return offset
        if at.anchor is not None and at.anchor[0] == base:
            return offset - at.anchor[1]
        return offset - at.waited if base in STARTS and at.waited is not None else None


def _kept(config: Config) -> Iterator[tuple[str, timedelta]]:
    """Where parcels are kept, and how long at least: the file's word, else what is known of the carrier."""
    for each in config.connections.values():
        if each.kind != "carrier":
            continue
        known = {kind: rule.free for (carrier, kind), rule in STORAGE_RULES.items() if carrier == each.plugin}
        for kind, length in {**known, **each.storage}.items():
            if length is not None:
                yield f"{each.name} ({kind})", length


def moment(expression: object) -> Since | None:
    """A moment that is a field and a fixed length; None for any other."""
    return _moment(expression.tree) if isinstance(expression, Compiled) else None


def _moment(tree: Tree) -> Since | None:
    path = path_of(tree)
    if path is not None:
        return path, ZERO
    if not isinstance(tree, Call) or tree.function not in ("_+_", "_-_"):
        return None
    since, length = _moment(tree.args[0]), _length(tree.args[1])
    if since is None or length is None:
        return None
    return since[0], since[1] + (length if tree.function == "_+_" else -length)


_UNITS: Mapping[str, timedelta] = {
    "days": timedelta(days=1),
    "hours": timedelta(hours=1),
    "minutes": timedelta(minutes=1),
}


def _length(tree: Tree) -> timedelta | None:
    if isinstance(tree, Call) and tree.function in _UNITS and isinstance(tree.args[0], Const):
        return int(tree.args[0].value) * _UNITS[tree.function] if abs(int(tree.args[0].value)) < 10_000 else None
    return None


def _hour(expression: object) -> time | None:
    """The hour of `at(…, '21:00', …)` on the day of the message itself."""
    tree = expression.tree if isinstance(expression, Compiled) else None
    if not isinstance(tree, Call) or tree.function != "at" or not isinstance(tree.args[1], Const):
        return None
    path = path_of(tree.args[0])
    return read_clock(tree.args[1].value) if path == ("now",) or path in STARTS else None


def _within(quiet: Quiet, clock: time) -> bool:
    """Whether quiet hours of that day begin before this hour and last until it or longer."""
    if quiet.start <= quiet.end:
        return quiet.start < clock <= quiet.end
    return time(0) < clock <= quiet.end


def _rings(config: Config, channel: str, quiet: Quiet) -> bool:
    if quiet.channels is not None:
        return channel in quiet.channels
    adapters = [config.connections[each].adapter for each in config.providers(channel) if each in config.connections]
    return any(issubclass(each, Channel) and each.rings for each in adapters)


def _receipt(config: Config, channel: str) -> timedelta:
    """How long a receipt of this channel is waited for before the next one is tried."""
    adapters = [config.connections[each].adapter for each in config.providers(channel) if each in config.connections]
    own = [each.receipt_wait for each in adapters if issubclass(each, Channel) and each.receipts]
    return config.contact.receipt.get(channel, max(own)) if own else ZERO


def _days(length: timedelta) -> str:
    """`2d`, `36h`, `20m`: as one would write it."""
    minutes = int(length.total_seconds() // 60)
    if minutes and minutes % 1440 == 0:
        return f"{minutes // 1440}d"
    return f"{minutes // 60}h" if minutes and minutes % 60 == 0 else f"{minutes}m"
