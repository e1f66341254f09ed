"""The whole demo, as `hub demo` runs it, and what it says when it cannot begin."""

import re
import socket
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from hub.clock import monotonic
from hub.sandbox import demo, town
from hub.sandbox.reckoning import Line
from hub.sandbox.screen import ending, reckoned
from plugins.carriers.nova_poshta import NovaPoshta
from plugins.carriers.nova_poshta.sandbox import NovaPoshtaSandbox


def paper(width: int = 120) -> tuple[Console, StringIO]:
    out = StringIO()
    return Console(file=out, width=width), out


@pytest.mark.slow
def test_the_demo_ends_by_itself_and_agrees_with_all_ledgers(tmp_path: Path) -> None:
    console, out = paper()
    began, picture = monotonic(), tmp_path / "demo.svg"
    assert demo.play(console=console, picture=picture) == 0
    assert monotonic() - began < 90
    said = out.getvalue()
    assert "0 lost, 0 told twice" in said
    assert "Telegram's server is down" in said
    assert "with --keep the page" in said
    assert re.search(r"orders, parcels\s+26, 26", said)
    drawn = picture.read_text("utf-8")
    assert drawn.startswith("<svg")
    assert "@font-face" not in drawn
    assert "Telegram" in drawn


def test_a_port_that_is_taken_is_named() -> None:
    console, out = paper()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert demo.play(console=console, port=port) == 2
    assert f"port {port} is taken" in out.getvalue()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    console, out = paper()
    assert demo.play(console=console, path=tmp_path / "none.yaml") == 2
    assert "none.yaml" in out.getvalue().replace("\n", "")


def test_a_file_with_mistakes_is_refused_with_them(tmp_path: Path) -> None:
    path = tmp_path / "flows.yaml"
    path.write_text("version: 1\nshopz: {}\n", "utf-8")
    console, out = paper()
    assert demo.play(console=console, path=path) == 2
    assert "shopz" in out.getvalue()


def test_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        demo.main(["--help"])
    assert ended.value.code == 0
    assert "--keep" in capsys.readouterr().out


def test_the_sandbox_of_a_plugin_is_found_beside_its_adapter() -> None:
    assert town.sandbox_of(NovaPoshta) is NovaPoshtaSandbox


def test_a_plugin_without_a_sandbox_is_named() -> None:
    class Bare(NovaPoshta):
        name = "bare"

    Bare.__module__ = "hub.model"
    with pytest.raises(town.DemoError, match="'bare' brings no sandbox"):
        town.sandbox_of(Bare)


def test_differences_are_printed_plainly() -> None:
    console, out = paper()
    lines = [Line("things hold", 3, ("this [bold]differs[/]",)), Line("others hold", 2)]
    console.print(reckoned(lines))
    console.print(ending(lines, arrived=5, events=7))
    said = out.getvalue()
    assert "▲ 1" in said
    assert "1 difference:" in said
    assert "this [bold]differs[/]" in said
    assert "✓ right" in said
