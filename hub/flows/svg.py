"""The picture of the flows as SVG, drawn here: three columns for all flows, one column that forks for a single one.

Lengths are pixels. How wide a text is cannot be asked of anybody, so letters are taken as wide as in common fonts, and
what is too long is cut; the whole of it is the element's tooltip.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape

from .graph import Deed, Fork, Group, Kind, Row, Steps, Tree
from .model import State

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif"
LETTER = 6.9
"""Width of a letter at 12 px, on the wide side."""
HIGH, GAP, PAD = 26, 10, 10
MARGIN = 24
TRIGGERS, FLOWS, DEEDS, RIGHT = 24.0, 396.0, 672.0, 1260.0
"""Where the columns begin, and where the last one ends."""
WIDEST = 325.0
"""The width of the first column; what begins a flow stands at its right."""

_COLOURS: Mapping[str, tuple[str, str, str]] = {
    "trigger": ("#e8f5e9", "#2e7d32", "#123d15"),
    "flow": ("#ffffff", "#374151", "#111827"),
    "when": ("#fffde7", "#8d6e00", "#3d3000"),
    Kind.SAY: ("#e3f2fd", "#1565c0", "#0d2b4e"),
    Kind.STAFF: ("#fff3e0", "#c24a00", "#4e2600"),
    Kind.WAIT: ("#f3f4f6", "#6b7280", "#1f2937"),
    Kind.DO: ("#ede7f6", "#5e35b1", "#2a1760"),
    Kind.STOP: ("#ffffff", "#6b7280", "#1f2937"),
}
"""Fill, line and letters."""
_LEGEND = (
    ("trigger", "begins it"), ("flow", "flow"), (Kind.SAY, "told to the customer"), (Kind.STAFF, "told to staff"),
    (Kind.DO, "done"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Box:
    """A text in a rounded rectangle; `y` is its upper edge."""

    x: float
    y: float
    width: float
    text: str
    colour: str
    round: float = 5
    dashed: bool = False
    bold: bool = False

    @property
    def middle(self) -> float:
        return self.y + HIGH / 2

    def draw(self) -> str:
        fill, line, ink = _COLOURS[self.colour]
        dash = ' stroke-dasharray="5 3"' if self.dashed else ""
        shown = _cut(self.text, self.width)
        title = f"<title>{escape(self.text)}</title>" if shown != self.text else ""
        weight = ' font-weight="600"' if self.bold else ""
        return (
            f'<g>{title}<rect x="{self.x:.1f}" y="{self.y:.1f}" width="{self.width:.1f}" height="{HIGH}" '
            f'rx="{self.round:g}" fill="{fill}" stroke="{line}"{dash}/>'
            f'<text x="{self.x + PAD:.1f}" y="{self.middle + 4:.1f}" fill="{ink}"{weight}>{escape(shown)}</text></g>'
        )


def _width(text: str) -> float:
    return len(text) * LETTER + 2 * PAD


def _cut(text: str, width: float) -> str:
    most = int((width - 2 * PAD) / LETTER + 0.01)
    return text if len(text) <= most else text[: max(most - 1, 1)].rstrip() + "…"


@dataclass(slots=True)
class _Page:
    """What is drawn: lines lie under boxes."""

    lines: list[str] = field(default_factory=list)
    boxes: list[str] = field(default_factory=list)

    def write(self, x: float, y: float, text: str, size: int = 12, colour: str = "#4b5563", bold: bool = False) -> None:
        weight = ' font-weight="600"' if bold else ""
        self.boxes.append(
            f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{colour}"{weight}>{escape(text)}</text>'
        )

    def curve(self, x1: float, y1: float, x2: float, y2: float) -> None:
        half = (x1 + x2) / 2
        self.lines.append(f'<path d="M{x1:.1f} {y1:.1f}C{half:.1f} {y1:.1f} {half:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"/>')

    def line(self, *points: tuple[float, float]) -> None:
        self.lines.append(f'<path d="M{"L".join(f"{x:.1f} {y:.1f}" for x, y in points)}"/>')

    def whole(self, width: float, height: float, title: str) -> str:
        return "\n".join([
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
            f'height="{height:.0f}" font-family="{FONT}" font-size="12" role="img">',
            f"<title>{escape(title)}</title>",
            '<rect width="100%" height="100%" fill="#ffffff"/>',
            '<g fill="none" stroke="#9ca3af" stroke-width="1.3">', *self.lines, "</g>", *self.boxes, "</svg>", "",
        ])  # fmt: skip


# ------------------------------------------------------------------------------------------------ all flows


def overview(groups: Sequence[Group]) -> str:
    """All flows in three columns: what begins them, the flows, what comes of them."""
    page = _Page()
    x = float(MARGIN)
    for colour, text in _LEGEND:
        shown = Box(x, MARGIN, _width(text), text, colour)
        page.boxes.append(shown.draw())
        x += shown.width + GAP
    y = MARGIN + HIGH + 2.0 * GAP
    for group in groups:
        y = _group(page, group, y) + GAP
    return page.whole(RIGHT + MARGIN, y + MARGIN - GAP, "The flows")


def _group(page: _Page, group: Group, top: float) -> float:
    """Draw a group; returns where it ends."""
    page.write(TRIGGERS, top + 15, group.title, 15, "#111827", bold=True)
    y = top + HIGH
    flows: list[tuple[Row, Box]] = []
    for row in group.rows:
        note = f" ({row.state})" if row.state is not State.LIVE else ""
        flow = Box(FLOWS, y, 220, row.name + note, "flow", dashed=bool(note), bold=True)
        end = _deeds(page, row, flow)
        page.boxes.append(flow.draw())
        flows.append((row, flow))
        y = end + GAP
    bottom = max(y, _triggers(page, flows, top + HIGH))
    page.boxes.append(f'<path d="M{TRIGGERS:.0f} {bottom:.1f}H{RIGHT:.0f}" stroke="#e5e7eb"/>')
    return bottom + GAP


def _deeds(page: _Page, row: Row, flow: Box) -> float:
    """What comes of a flow, as many to a line as fit; returns where it ends."""
    x, y = DEEDS, flow.y
    for deed in row.deeds:
        width = min(_width(deed.text), RIGHT - DEEDS)
        if x > DEEDS and x + width > RIGHT:
            x, y = DEEDS, y + HIGH + 4
        page.boxes.append(Box(x, y, width, deed.text, deed.kind).draw())
        x += width + 6
    if row.deeds:
        page.curve(flow.x + flow.width, flow.middle, DEEDS, flow.middle)
    return y + HIGH


def _triggers(page: _Page, flows: Sequence[tuple[Row, Box]], top: float) -> float:
    """Each trigger once, as near as can be to the flows that it begins; returns where the last one ends."""
    heard: dict[str, list[Box]] = {}
    for row, box in flows:
        for trigger in row.triggers:
            heard.setdefault(trigger, []).append(box)
    y = top
    for text, boxes in sorted(heard.items(), key=lambda each: _mean(each[1])):
        y = max(y, _mean(boxes))
        width = min(_width(text), WIDEST)
        head = Box(TRIGGERS + WIDEST - width, y, width, text, "trigger", HIGH / 2)
        page.boxes.append(head.draw())
        for each in boxes:
            page.curve(head.x + head.width, head.middle, each.x, each.middle)
        y += HIGH + 6
    return y


def _mean(boxes: Sequence[Box]) -> float:
    return sum(box.y for box in boxes) / len(boxes)


# ------------------------------------------------------------------------------------------------ one flow


MOST = 620.0
"""How wide a step may be."""
DOWN = 22.0
"""From one step to the next."""


@dataclass(frozen=True, slots=True)
class Part:
    """Steps with the room that they take."""

    width: float
    height: float
    ends: bool
    """Whether nothing goes on behind them."""


def flow(it: Tree) -> str:
    """One flow, from its triggers down to its end."""
    page = _Page()
    size = _size(it.steps)
    heads = [*it.triggers, *(f"if {each}" for each in it.when)]
    notes = [it.about, f"ends by {', '.join(it.stop_on)}" if it.stop_on else ""]
    width = max(size.width, *(min(_width(each), 2 * MOST) for each in (*heads, *notes)), _width(it.name) + 40, 300)
    middle = MARGIN + width / 2
    page.write(MARGIN, MARGIN + 14, it.name, 17, "#111827", bold=True)
    y = MARGIN + 24.0
    for note in filter(None, notes):
        page.write(MARGIN, y + 12, _cut(note, width + 2 * PAD))
        y += 18
    y += GAP
    for number, each in enumerate(heads):
        kind = "trigger" if number < len(it.triggers) else "when"
        wide = min(_width(each), width)
        page.boxes.append(Box(middle - wide / 2, y, wide, each, kind, HIGH / 2 if kind == "trigger" else 5).draw())
        y += HIGH + (4 if number < len(it.triggers) - 1 else DOWN)
        if number >= len(it.triggers) - 1:
            page.line((middle, y - DOWN), (middle, y))
    y = _steps(page, it.steps, middle, y)
    if not size.ends:
        page.boxes.append(f'<circle cx="{middle:.1f}" cy="{y + 6:.1f}" r="6" fill="#374151"/>')
    return page.whole(width + 2 * MARGIN, y + 12 + MARGIN, f"The flow {it.name}")


def _size(steps: Steps) -> Part:
    parts = [_size_of(each) for each in steps]
    if not parts:
        return Part(60, DOWN, ends=False)
    height = sum(part.height for part in parts)
    return Part(max(part.width for part in parts), height, parts[-1].ends)


def _size_of(step: Deed | Fork) -> Part:
    if isinstance(step, Deed):
        return Part(min(_width(step.text), MOST), HIGH + DOWN, step.kind is Kind.STOP)
    ways = _ways(step)
    width = sum(part.width for _, _, part in ways) + (len(ways) - 1) * 2 * GAP
    head = HIGH + DOWN if step.deed else 0
    return Part(width, head + HIGH + 2 * DOWN + max(part.height for _, _, part in ways) + DOWN,
                all(part.ends for _, _, part in ways))  # fmt: skip


def _ways(fork: Fork) -> list[tuple[str, Steps, Part]]:
    """The ways of a fork, that of going on among them; each as wide as its steps and its condition."""
    passes: tuple[tuple[str, Steps], ...] = (("done" if fork.deed else "none of these", ()),) if fork.open else ()
    sized = ((label, way, _size(way)) for label, way in (*fork.ways, *passes))
    return [(label, way, replace(part, width=max(part.width, min(_width(label), MOST)))) for label, way, part in sized]


def _steps(page: _Page, steps: Steps, middle: float, y: float) -> float:
    """Draw steps below one another around `middle`, each with the line to what comes next; returns where they end."""
    for step in steps:
        if isinstance(step, Fork):
            y = _fork(page, step, middle, y)
            continue
        y = _deed(page, step, middle, y)
        if step.kind is Kind.STOP:
            return y
    if not steps:
        page.line((middle, y), (middle, y + DOWN))
        y += DOWN
    return y


def _deed(page: _Page, deed: Deed, middle: float, y: float) -> float:
    width = min(_width(deed.text), MOST)
    page.boxes.append(Box(middle - width / 2, y, width, deed.text, deed.kind).draw())
    if deed.kind is not Kind.STOP:
        page.line((middle, y + HIGH), (middle, y + HIGH + DOWN))
    return y + HIGH + DOWN


def _fork(page: _Page, fork: Fork, middle: float, y: float) -> float:
    """The ways beside one another, and back together below."""
    if fork.deed is not None:
        y = _deed(page, fork.deed, middle, y)
    ways, size = _ways(fork), _size_of(fork)
    bottom = y + size.height - (HIGH + DOWN if fork.deed else 0)
    x = middle - size.width / 2
    for label, way, part in ways:
        own = x + part.width / 2
        page.line((middle, y), (own, y), (own, y + DOWN))
        wide = min(_width(label), part.width)
        page.boxes.append(Box(own - wide / 2, y + DOWN, wide, label, "when").draw())
        page.line((own, y + DOWN + HIGH), (own, y + 2 * DOWN + HIGH))
        end = _steps(page, way, own, y + 2 * DOWN + HIGH)
        if not part.ends:
            page.line((own, end), (own, bottom - DOWN), (middle, bottom - DOWN))
        x += part.width + 2 * GAP
    if not size.ends:
        page.line((middle, bottom - DOWN), (middle, bottom))
    return bottom
