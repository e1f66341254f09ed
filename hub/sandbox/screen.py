"""The terminal: a live screen for people, plain lines for everything else. Colour never speaks alone: a sign and a word
stand beside it."""

from collections.abc import Sequence
from typing import Protocol

from rich import box
from rich.console import Console, Group, RenderableType
from rich.layout import Layout
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from hub.clock import monotonic
from hub.status import Label

from .reckoning import Day, Line, differences
from .watch import Glance, Standing, Told

LOOKS = {
    "calm": ("○", "default"),
    "go": ("►", "cyan"),
    "ask": ("◆", "yellow"),
    "good": ("✓", "green"),
    "bad": ("▲", "bold red"),
    "back": ("◄", "magenta"),
    "void": ("–", "bright_black"),
}
"""Role of a label → its sign and its colour."""
STAGES = ("placed", "preparing", "on_the_way", "near", "done")
STEPS = {**{stage: place + 1 for place, stage in enumerate(STAGES)}, "trouble": 3, "back": 5, "void": 0}
FRAME = 0.1
"""Seconds between two pictures of the live screen."""
NARROW = 100
"""Columns below which the live screen has no room."""


class View(Protocol):
    """Whoever shows the demo."""

    def show(self, glance: Glance) -> None:
        """The moment as it is."""

    def close(self) -> None:
        """The story is over."""


class Screen:
    """The live screen."""

    def __init__(self, console: Console, url: str) -> None:
        self.console, self.url = console, url
        self.live = Live(console=console, screen=True, auto_refresh=False)
        self.live.start()
        self.shown_at = 0.0

    def show(self, glance: Glance) -> None:
        if monotonic() - self.shown_at >= FRAME:
            self.live.update(picture(glance, self.url, self.console.height), refresh=True)
            self.shown_at = monotonic()

    def close(self) -> None:
        self.live.stop()


class Lines:
    """One line for everything that is new."""

    def __init__(self, console: Console, url: str) -> None:
        self.console, self.down = console, False
        console.print(f"The demo's page: {url}", highlight=False)

    def show(self, glance: Glance) -> None:
        when = f"{glance.now:%a %d %b %H:%M}"
        if glance.down != self.down:
            self._say(f"{when}  Telegram's server {'is down' if glance.down else 'is back'}")
            self.down = glance.down
        for each in glance.moved:
            if each.headline is not None:
                self._say(f"{when}  {each.number}  {_sign(each.headline)} {each.headline.label}  ({each.name})")
        for told in glance.fresh:
            self._say(f"{told.at:%a %d %b %H:%M}  {told.channel:<8} to {_whom(told)}: {told.text}")

    def _say(self, text: str) -> None:
        self.console.print(Text(text), no_wrap=True, overflow="ellipsis", crop=True)

    def close(self) -> None:
        """Nothing to put away."""


def picture(glance: Glance, url: str, height: int) -> Layout:
    """The whole screen."""
    whole = Layout()
    whole.split_column(Layout(_title(glance, url), size=1), Layout(name="body"), Layout(_bar(glance), size=3))
    whole["body"].split_row(
        Layout(Panel(_orders(glance.standings), title="Orders", border_style="bright_black"), ratio=11),
        Layout(
            Panel(_messages(glance.told, height - 6), title="Who was told what", border_style="bright_black"), ratio=9
        ),
    )
    return whole


def _title(glance: Glance, url: str) -> Text:
    title = (" orderhub ", "bold reverse")
    return Text.assemble(
        title, ("  a shop's week, played by the real hub", "bold"), (f"   paths and messages: {url}", "bright_black")
    )


def _orders(standings: Sequence[Standing]) -> Table:
    table = Table(box=None, expand=True, show_header=False, padding=(0, 1, 0, 0))
    table.add_column(width=5, no_wrap=True)
    table.add_column(width=22, no_wrap=True, overflow="ellipsis")
    table.add_column(width=5, no_wrap=True)
    table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    for each in standings:
        style = "" if each.headline else "bright_black"
        table.add_row(
            each.number or "·", _headline(each.headline), _progress(each.headline), Text(each.situation, style=style)
        )
    return table


def _sign(label: Label) -> str:
    return LOOKS[label.role][0]


def _headline(label: Label | None) -> Text:
    if label is None:
        return Text("not placed yet", style="bright_black")
    sign, colour = LOOKS[label.role]
    return Text(f"{sign} {label.label}", style=colour)


def _progress(label: Label | None) -> Text:
    steps = STEPS.get(label.stage, 0) if label else 0
    return Text("■" * steps + "·" * (len(STAGES) - steps), style=LOOKS[label.role][1] if label else "bright_black")


def _messages(told: Sequence[Told], room: int) -> Table:
    table = Table(box=None, expand=True, show_header=False, padding=(0, 1, 0, 0))
    table.add_column(width=9, no_wrap=True, style="bright_black")
    table.add_column(width=8, no_wrap=True)
    table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    for each in told[-max(room, 1) :]:
        text = Text(_whom(each) if each.staff else each.name.split()[0], style="bold yellow" if each.staff else "bold")
        text.append(f"  {each.text}", style="default not bold")
        table.add_row(
            f"{each.at:%a %H:%M}", Text(each.channel, style="blue" if each.channel == "mail" else "cyan"), text
        )
    return table


def _whom(told: Told) -> str:
    return f"{told.name} (staff)" if told.staff else told.name


def _many(n: int, word: str) -> str:
    return f"{n} {word}" if n == 1 else f"{n} {word}s"


def _bar(glance: Glance) -> Panel:
    text = Text(f"{glance.now:%A %d %B, %H:%M}", style="bold")
    text.append(f"   {glance.events} events   {len(glance.told)} messages", style="default not bold")
    text.append(f"   {_many(glance.unknown, 'unknown code')}", style="yellow" if glance.unknown else "bright_black")
    text.append(f"   {_many(glance.dead, 'dead letter')}", style="bold red" if glance.dead else "bright_black")
    down, style = ("   ▲ Telegram is down", "bold red") if glance.down else ("   ✓ all channels are up", "green")
    text.append(down, style=style)
    return Panel(text, border_style="bright_black")


# -- the end


def reckoned(lines: Sequence[Line]) -> Table:
    """What was compared."""
    table = Table(
        box=box.SIMPLE_HEAD, title="The reckoning: their ledgers, our database, the story", title_justify="left"
    )
    table.add_column("", width=7)
    table.add_column("compared", justify="right")
    table.add_column("what must hold")
    for line in lines:
        wrong = len(line.differences)
        verdict = Text(f"▲ {wrong}", style="bold red") if wrong else Text("✓ right", style="green")
        table.add_row(verdict, str(line.n), line.what)
    return table


def day(it: Day, stops: int, seconds: float) -> Table:
    """The table of the day."""
    table = Table(box=box.SIMPLE_HEAD, title="The shop's week", title_justify="left", show_header=False)
    table.add_column()
    table.add_column()
    table.add_row("orders, parcels", f"{it.orders}, {it.parcels}")
    table.add_row("events kept", f"{it.events}, and {it.repeated} that came again and acted once")
    table.add_row(
        "late or unknown",
        f"{_many(it.late, 'late word')} moved nothing; "
        f"{_many(it.unknown, 'unknown code')} in quarantine, told to no customer",
    )
    table.add_row("messages", _counted(it.by_channel, {name: f"by {name}" for name in it.by_channel}))
    table.add_row("to customers", _counted(it.by_locale, {}))
    table.add_row("kept for the morning", str(it.deferred))
    table.add_row("not said", "; ".join(f"{n} {why}" for why, n in sorted(it.silent.items(), key=lambda x: -x[1])))
    table.add_row("a person was called", f"{it.escalations} times, {it.failed} of them because nobody could be reached")
    table.add_row("time", f"{seconds:.0f} seconds for the week, {stops} stops of the clock")
    return table


def _counted(counts: object, words: dict[str, str]) -> str:
    items = sorted(dict(counts).items(), key=lambda pair: -pair[1])  # type: ignore[call-overload]
    return ", ".join(f"{n} {words.get(name, f'in {name}')}" for name, n in items)


def ending(lines: Sequence[Line], arrived: int, events: int) -> RenderableType:
    """The last word."""
    wrong = differences(lines)
    if not wrong:
        said = f"✓ 0 lost, 0 told twice (n = {arrived} messages, {events} events)"
        return Text(said, style="bold green")
    head = Text(f"▲ {_many(len(wrong), 'difference')}:", style="bold red")
    return Group(head, *(Text(f"  {each}") for each in wrong))
