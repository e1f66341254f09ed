"""The reference pages, written from what the code runs on: `scripts/docs` writes them, `--check` compares."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from hub.flows.reference import reference as flows
from hub.flows.schema import json_schema
from hub.plugin.registry import Registry

from . import commands, hooks, metrics, moves, order_json, plugins, problems, shipped, statuses

ROOT = Path(__file__).parents[2]
FOLDER = Path("docs/reference")

WHOLE: Mapping[str, Callable[[], str]] = {
    "commands.md": commands.page,
    "flows.md": flows,
    "flows.schema.json": lambda: json.dumps(json_schema(), ensure_ascii=False, indent=2) + "\n",
    "hooks.md": hooks.page,
    "metrics.md": metrics.page,
    "problems.md": problems.page,
    "statuses.md": statuses.page,
}


def pages() -> dict[Path, str]:
    """Path in the repository → the text that belongs there."""
    wanted = {FOLDER / name: make() for name, make in WHOLE.items()}
    wanted |= {FOLDER / "plugins" / f"{name}.md": text for name, text in plugins.pages(Registry.load()).items()}
    states = Path("docs/message-states.md")
    wanted[states] = moves.within((ROOT / states).read_text("utf-8"))
    targets = Path("docs/targets.md")
    wanted[targets] = order_json.within((ROOT / targets).read_text("utf-8"))
    wanted[Path("docs/shipped-flows.md")] = shipped.page(ROOT / "flows.yaml")
    wanted[Path("docs/images/shipped-flows.svg")] = shipped.picture(ROOT / "flows.yaml")
    return wanted


def stray(wanted: Mapping[Path, str]) -> list[Path]:
    """Pages in the folder that nothing writes any more."""
    found = {path.relative_to(ROOT) for path in (ROOT / FOLDER).rglob("*.md")}
    return sorted(found - set(wanted))


def different(wanted: Mapping[Path, str]) -> list[Path]:
    """Pages that are not as they should be."""
    return [path for path, text in wanted.items() if not (ROOT / path).is_file() or (ROOT / path).read_text() != text]
