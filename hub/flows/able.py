"""What a flow asks of the shop's platform that it cannot do: make coupons, put on tags."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from hub.config.model import Config
from hub.config.problems import Level, Problem, listed
from hub.config.settings import Reading
from hub.plugin import Platform, TagScope

from .check import all_steps
from .compile import Checked
from .model import Coupon, Flow, State, Step, Tag


def unable(checked: Iterable[Checked], config: Config, reading: Reading) -> None:
    """Report each step that the platforms of its flow cannot do: an error where none can, a warning where some cannot
    (there it fails, and `if_fails` decides)."""
    for each in checked:
        platforms = _platforms(each.flow, config) if each.flow.state is not State.OFF else {}
        for step in all_steps(each.flow.steps):
            lacking = sorted(name for name, adapter in platforms.items() if not _can(step, adapter))
            if lacking:
                labels = sorted({platforms[name].label for name in lacking})
                text = f"{listed(lacking)} ({listed(labels)}) cannot {_what(step)}"
                level = Level.ERROR if len(lacking) == len(platforms) else Level.WARNING
                place = each.keys.get(step.id, each.place)
                reading.add(Problem(place, "wrong-connection", text, level=level))


def _platforms(flow: Flow, config: Config) -> Mapping[str, type[Platform[Any]]]:
    """The platform connections whose orders the flow may be about."""
    return dict(_of_shops(config, flow.shops))


def _of_shops(config: Config, shops: tuple[str, ...] | None) -> Iterator[tuple[str, type[Platform[Any]]]]:
    only = next(iter(config.shops)) if len(config.shops) == 1 else ""  # a shop that is wrong in the file is not there
    for name, each in config.connections.items():
        if issubclass(each.adapter, Platform) and (shops is None or (each.shop or only) in shops):
            yield name, each.adapter


def _can(step: Step, adapter: type[Platform[Any]]) -> bool:
    match step:
        case Coupon():
            return adapter.coupons
        case Tag(write_back=True, who=who):
            return TagScope(who) in adapter.tags_on
    return True


def _what(step: Step) -> str:
    return (
        "make coupons" if isinstance(step, Coupon) else f"put tags on the {step.who if isinstance(step, Tag) else ''}"
    )
