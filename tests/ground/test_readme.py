"""What the README tells a newcomer to type works, word for word but for the port."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.routing import Route

from hub.clock import VirtualClock
from hub.web.app import build_app
from tests.e2e.hamlet import START, Board, config_of, new_hub

from .repository import ROOT

README = (ROOT / "README.md").read_text("utf-8")
TESTED = dict(re.findall(r"<!-- tested: (\w+) -->\n```sh\n(.*?)```", README, re.DOTALL))
NOWHERE = "http://127.0.0.1:9"


def environment() -> dict[str, str]:
    """With this environment's commands first, and no proxy on the way to this machine."""
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "NO_PROXY": "*"}


def type_in(commands: str, folder: Path) -> str:
    done = subprocess.run(
        ["sh", "-euc", commands], cwd=folder, env=environment(), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, f"{commands}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def begun(folder: Path) -> Path:
    """The shop of the README, with its outside systems on a port of this machine where nobody listens."""
    told = type_in(TESTED["begin"], folder)
    assert "no mistakes" in told
    shop = folder / "my-shop"
    flows = (shop / "flows.yaml").read_text("utf-8")
    for plugin in ("platform: shopify", "carrier: nova_poshta"):
        assert plugin in flows
        flows = flows.replace(plugin, f'{plugin}, url: "{NOWHERE}"')
    (shop / "flows.yaml").write_text(flows, "utf-8")
    return shop


@contextmanager
def running(shop: Path, port: int) -> Iterator[None]:
    """`hub run`, from the line that says it is ready to its end."""
    command = ["hub", "run", "--listen", f"127.0.0.1:{port}"]
    with subprocess.Popen(command, cwd=shop, env=environment(), stdout=subprocess.PIPE, text=True) as hub:
        try:
            assert hub.stdout is not None
            assert "ready" in hub.stdout.readline()
            yield
        finally:
            hub.send_signal(signal.SIGTERM)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.slow
def test_a_webhook_signed_by_hand_becomes_a_message(tmp_path: Path) -> None:
    for tool in ("curl", "openssl"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not here: sudo apt-get install -y {tool}")
    shop, port = begun(tmp_path), free_port()
    by_hand = TESTED["webhook"].replace(":8080/", f":{port}/").replace("hub order 1001\n", "")
    assert str(port) in by_hand
    with running(shop, port):
        type_in(by_hand, shop)
        shown = ""
        for _ in range(50):  # applied a moment after it was answered
            shown = type_in("hub order 1001 || true", shop)
            if "order-received" in shown:
                break
        assert re.search(r"order-received +customer +due", shown)
        again = by_hand[by_hand.index("secret=") :]
        type_in(again, shop)
        assert type_in("hub order 1001", shop).count("order-received") == 1
        with (shop / "order.json").open("a") as file:
            file.write(" ")
        forged = again.replace("signature=$(", "wrong=$(")
        with pytest.raises(AssertionError, match="401"):
            type_in(f"signature=$(echo no | openssl base64)\n{forged}", shop)


def test_the_proxy_is_told_of_every_door_for_strangers(tmp_path: Path) -> None:
    config, texts = config_of({}, tmp_path)
    hub = new_hub(config, texts, VirtualClock(START), f"sqlite:///{tmp_path / 'hub.db'}", Board())
    own = {"/healthz", "/readyz", "/metrics"}  # for who runs it
    doors = {each.path.partition("{")[0] for each in build_app(hub).routes if isinstance(each, Route)} - own
    (passed,) = re.findall(r"proxy\s+pass (.*?), and keep", README, re.DOTALL)
    assert set(re.findall(r"`(/\S+)`", passed)) == doors


def test_the_readme_says_what_the_scripts_are() -> None:
    for name in ("demo", "test", "check", "fix", "docs", "pictures"):
        assert f"./scripts/{name}" in README
