"""`hub demo`: start the world, play the story, show it, reckon, end."""

import asyncio
import logging
import re
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from io import StringIO, TextIOWrapper
from pathlib import Path

import click
from rich.console import Console

from hub.clock import VirtualClock, monotonic, pause

from . import screen, story
from .drive import Drive, EndlessError
from .evidence import Evidence, gather
from .page import Pages
from .reckoning import Line, failed, reckon, the_day
from .stage import Stage, StageError
from .town import DemoError, Town, town
from .watch import Glance, Watch

PORT = 8090
BEGINNING = "1 09:55"
LONGEST = 85.0
"""Real seconds after which the demo gives up: it has to end by itself within 90."""
BREATH = 0.1
"""Real seconds that a stop with news stays on a live screen, so that eyes can follow."""
UNHURRIED = 40.0
"""Real seconds after which it takes no breath any more."""
PICTURED = "2 11:45"
"""The moment that a picture of the screen shows: Telegram is down."""
_ELSEWHERE = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)
"""Fonts that a picture would fetch from somebody's server."""


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--keep", is_flag=True, help="Leave the page running until Ctrl-C.")
@click.option("--port", type=click.IntRange(1, 65535), help=f"Port of the page (by default {PORT}, or any free one).")
@click.option("--plain", is_flag=True, help="Lines instead of a live screen, as when the output is no terminal.")
@click.option(
    "--picture", type=click.Path(dir_okay=False, path_type=Path), help="Write an SVG of the screen to a file."
)
@click.option("--config", "path", type=click.Path(path_type=Path), help="Another flows.yaml with the same connections.")
def command(keep: bool, port: int | None, plain: bool, picture: Path | None, path: Path | None) -> None:
    """See it work: two shops, two carriers and their customers, on this machine.

    The real hub runs the repository's flows.yaml through a shop's week on a virtual clock, in about half a minute. In
    the end the ledgers of the shops, the mail server, Telegram, both SMS providers and a CRM are compared with the
    database; when anything differs, the exit status is 1.
    """
    sys.exit(play(keep=keep, port=port, plain=plain, picture=picture, path=path))


def main(args: Sequence[str] | None = None) -> None:
    """Run the command with these arguments; always ends with `SystemExit`."""
    command.main(None if args is None else list(args), prog_name="hub demo")


def play(
    *, keep: bool = False, port: int | None = None, plain: bool = False, picture: Path | None = None,
    path: Path | None = None, console: Console | None = None,
) -> int:  # fmt: skip
    """The whole demo; returns the exit status: 0 all agrees, 1 something differs, 2 it could not begin."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without Cyrillic is no reason to fail
    console = console or Console()
    logger = logging.getLogger("hub")
    level = logger.level
    logger.setLevel(logging.CRITICAL)  # a channel that is down is part of the story
    try:
        return asyncio.run(_Demo(console, plain, picture).run(path or flows_yaml(), port, keep))
    except KeyboardInterrupt:
        return 130
    except (DemoError, StageError, EndlessError) as error:
        console.print(f"hub demo: {error}", highlight=False, markup=False)
        return 2 if isinstance(error, DemoError) else 1
    except TimeoutError:
        console.print(f"hub demo: not over after {LONGEST:.0f} seconds; this machine is too busy")
        return 1
    finally:
        logger.setLevel(level)


def flows_yaml() -> Path:
    """The repository's own file: in the checkout that this package lies in, else in the working directory."""
    beside = Path(__file__).parents[2] / "flows.yaml"
    return beside if beside.is_file() else Path("flows.yaml")


class _Demo:
    def __init__(self, console: Console, plain: bool, picture: Path | None) -> None:
        self.console, self.picture = console, picture
        self.live = console.is_terminal and not plain and console.width >= screen.NARROW
        self.started = monotonic()
        self.pictured: Glance | None = None

    async def run(self, path: Path, port: int | None, keep: bool) -> int:
        pages = Pages()
        async with AsyncExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="orderhub-demo-")))
            clock = VirtualClock(story.moment(BEGINNING))
            async with asyncio.timeout(LONGEST):
                ports = (PORT, 0) if port is None else (port,)
                it = await stack.enter_async_context(
                    town(path, story.PLAN, clock, folder, ports=ports, extra=pages.routes())
                )
                stage = Stage(it)
                pages.open(stage)
                lines, stops, evidence = await self._play(it, stage)
            self._end(lines, evidence, stops)
            if keep:
                await self._keep(it)
            else:
                self.console.print(f"[bright_black]with --keep the page at {it.base} stays until Ctrl-C[/]")
        return 1 if failed(lines) else 0

    async def _play(self, it: Town, stage: Stage) -> tuple[list[Line], int, Evidence]:
        watch = Watch(stage)
        view: screen.View = screen.Screen(self.console, it.base) if self.live else screen.Lines(self.console, it.base)

        async def seen() -> None:
            glance = await watch.look()
            view.show(glance)
            if self.pictured is None and it.clock.now() >= story.moment(PICTURED):
                self.pictured = glance
                self._draw(it.base)
            if self.live and (glance.fresh or glance.moved) and monotonic() - self.started < UNHURRIED:
                await pause(BREATH)

        drive = Drive(it, stage, seen)
        try:
            await drive.play()
        finally:
            view.close()
        evidence = await gather(stage)
        return reckon(evidence), drive.stops, evidence

    def _draw(self, url: str) -> None:
        if self.picture is not None and self.pictured is not None:
            paper = Console(
                record=True, width=150, height=30, force_terminal=True, file=StringIO(), legacy_windows=False
            )
            paper.print(screen.picture(self.pictured, url, 30), height=30)
            drawn = paper.export_svg(title="./scripts/demo")
            self.picture.write_text(_ELSEWHERE.sub("", drawn), "utf-8")

    def _end(self, lines: Sequence[Line], evidence: Evidence, stops: int) -> None:
        figures = the_day(evidence, {case.key: case.locale[:2] for case in story.CASES})
        self.console.print(screen.day(figures, stops, monotonic() - self.started))
        self.console.print(screen.reckoned(lines))
        self.console.print(screen.ending(lines, figures.arrived, figures.events + figures.repeated))

    async def _keep(self, it: Town) -> None:
        self.console.print(f"The page stays at {it.base} until Ctrl-C", highlight=False)
        with suppress(asyncio.CancelledError):  # Ctrl-C is how it ends
            await asyncio.Event().wait()
