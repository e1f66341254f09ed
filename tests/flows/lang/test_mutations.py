"""Files that went wrong in any way: nothing crashes, nothing hangs, and every refusal has its place."""

import random
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.config.load import Loaded
from hub.config.problems import CODES, lines_of, render_problems
from hub.flows.compile import compile_flow
from tests.config.fakes import GROUND, FakeTexts, load

FLOWS = """\
flows:
  ready:
    on: shipment.ready_for_pickup
    when: [order.total >= 100, '!has(order.note) || order.note != "x"']
    stop_on: [shipment.delivered]
    steps:
      - notify: {template: ready-for-pickup}
      - choose:
          - when: shipment.pickup_deadline - shipment.arrived_at > days(4)
            steps:
              - wait: {until: "between(shipment.arrived_at, shipment.pickup_deadline, 0.5)", or: 3d}
              - notify: {template: pickup-last-day, urgent: true, before: shipment.pickup_deadline}
          - else: [{stop: short}]
      - wait: {that: has(shipment.tracking_url), up_to: 12h}
      - escalate: {to: support, due: 4h, severity: high, reason: "Ask {{ order.number }}"}
  refunded:
    on: [payment.refunded, payment.partly_refunded]
    once: occurrence
    mode: ignore
    steps: [{notify: {template: delivered, via: [mail, bot], with: {total: order.total}}}]
statuses:
  main-shop: {"wc-lost": {to: shipment.problem, reason: lost}, NO: nothing}
"""
GOOD = GROUND + FLOWS
PIECES = (
    *(
        "{",
        "}",
        "[",
        "]",
        ":",
        ": ",
        "- ",
        "\n",
        "  ",
        "\t",
        "'",
        '"',
        "!",
        "&a",
        "*a",
        "#",
        "|",
        ">",
        "<<: ",
        "? ",
        ",",
    ),
    *(
        "null",
        "true",
        "0",
        "-1",
        "9" * 400,
        "${TOKEN}",
        "${X}",
        "2d working",
        "order.",
        "{{ x }}",
        "\x00",
        "\u2028",
        "ї",
    ),
    *(
        "on",
        "steps",
        "when",
        "notify",
        "wait",
        "choose",
        "- stop: x\n",
        "%",
        "@",
        "`",
        "---\n",
        "...\n",
        "!!python/name:os",
    ),
)


def checked(folder: str, text: str) -> Loaded:
    loaded = load(Path(folder), text, FakeTexts())
    assert (loaded.config is None) == bool(loaded.errors)
    lines = len(lines_of(loaded.sources.get("flows.yaml", ""))) + 1
    for each in loaded.problems:
        assert each.file == "flows.yaml" and 1 <= each.line <= lines and each.column >= 1
        assert each.code in CODES and each.text and "\n" not in each.text
    assert render_problems(loaded.problems) == "" if not loaded.problems else True
    for flow in loaded.config.flows.values() if loaded.config else ():
        assert compile_flow(flow.name, flow.source) == flow
    return loaded


def test_the_file_itself_is_right() -> None:
    with TemporaryDirectory() as folder:
        assert checked(folder, GOOD).problems == ()


@settings(max_examples=250, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, len(GOOD)), st.integers(0, 12), st.sampled_from(PIECES)), min_size=1, max_size=4)
)
def test_pieces_put_in_anywhere(changes: list[tuple[int, int, str]]) -> None:
    text = GOOD
    for at, gone, piece in changes:
        text = text[:at] + piece + text[at + gone :]
    with TemporaryDirectory() as folder:
        checked(folder, text)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_lines_lost_doubled_and_moved(data: st.DataObject) -> None:
    lines = GOOD.splitlines(keepends=True)
    for _ in range(data.draw(st.integers(1, 4))):
        at, to = data.draw(st.integers(0, len(lines) - 1)), data.draw(st.integers(0, len(lines) - 1))
        change = data.draw(st.sampled_from(["lose", "double", "move", "indent", "outdent"]))
        line = lines[at]
        if change == "lose":
            lines[at] = ""
        elif change == "double":
            lines.insert(to, line)
        elif change == "move":
            lines[at], lines[to] = lines[to], line
        else:
            lines[at] = "  " + line if change == "indent" else line.removeprefix("  ")
    with TemporaryDirectory() as folder:
        checked(folder, "".join(lines))


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
def test_bytes_that_are_no_file(content: bytes) -> None:
    with TemporaryDirectory() as folder:
        checked(folder, content.decode("latin-1"))


@pytest.mark.parametrize("seed", range(20))
def test_words_exchanged(seed: int) -> None:
    """Every word of the file may stand where another one does: the shape is right, the meaning is not."""
    dice = random.Random(seed)
    words = sorted(set(GOOD.replace("{", " ").replace("}", " ").replace(",", " ").replace(":", " ").split()))
    with TemporaryDirectory() as folder:
        for _ in range(5):
            old, new = dice.sample(words, 2)
            checked(folder, GOOD.replace(old, new, dice.randint(1, 3)))
