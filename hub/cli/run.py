"""`hub run`: the daemon. One process, one event loop: the hub, and the web server that takes webhooks in."""

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ._errors import Stop, explained, refused, unavailable
from ._first import EXAMPLE_SECRET
from ._out import counted
from ._setup import config_option, configured, example, existing, read_configuration, registry

if TYPE_CHECKING:
    from hub.config.model import Config
    from hub.messages import Texts
    from hub.runtime.hub import Hub

    from ._logs import Redactor

log = logging.getLogger("hub.run")

GRACE = 10
"""Seconds that requests under way have to end when the hub stops."""


@click.command(
    epilog=example("hub run", "hub run --shadow", "hub run --config /etc/orderhub/flows.yaml --listen 0.0.0.0:8080")
)
@config_option
@click.option("--shadow", is_flag=True, help="Everything real except that nothing goes to customers or is written to "
              "shops: what would have been sent is kept to be looked at (`hub shadow`).")  # fmt: skip
@click.option("--listen", help="Address and port, instead of the file's `hub.listen`.")
@click.option("--log-format", type=click.Choice(["auto", "json", "text"]), default="auto", show_default=True,
              help="`auto`: lines for people on a terminal, JSON elsewhere.")  # fmt: skip
@click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info",
              show_default=True, help="What is logged, and all above it.")  # fmt: skip
def run(path: Path, shadow: bool, listen: str | None, log_format: str, log_level: str) -> None:
    """Run the hub until it is told to stop (SIGTERM, or Ctrl-C).

    SIGHUP reads the file again: it is checked whole, and then goes live whole; a file with mistakes changes nothing.
    """
    _without_command_lines()
    from ._logs import Redactor, set_up

    config, texts = configured(path)
    address = config.hub.listen if listen is None else _address(listen)
    redact = Redactor(secrets_of(config))
    set_up(log_format, log_level, redact)
    daemon = _Daemon(existing(path), config, texts, redact, address, shadow)
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(daemon.live())
    except asyncio.CancelledError:
        raise Stop("ended before all was finished; what was on the wire is counted at the next start") from None


def _without_command_lines() -> None:
    """httpx brings a command line of its own, and with it, where they are installed, rich and pygments: some 4 MB that
    a daemon has no use for. It does without where the module cannot be imported, and None says so (Python's `import`
    statement, "the module cache")."""
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]


def _address(text: str) -> str:
    from hub.config.scalars import MistakeError, read_listen

    try:
        return read_listen(text)
    except MistakeError as mistake:
        raise refused(f"--listen: {mistake.text}") from None


def _loop_factory() -> Any:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def secrets_of(config: "Config") -> set[str]:
    """What may stand in no log: every secret setting, and the addresses of the staff."""
    found: set[str] = set()
    for connection in config.connections.values():
        _collect(connection.settings, found)
    for person in config.people.values():
        found.update(person.addresses.values())
    return found


def _collect(value: Any, found: set[str]) -> None:
    from pydantic import BaseModel, SecretStr

    if isinstance(value, SecretStr):
        found.add(value.get_secret_value())
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            _collect(getattr(value, name), found)
    elif isinstance(value, dict):
        for each in value.values():
            _collect(each, found)
    elif isinstance(value, list | tuple):
        for each in value:
            _collect(each, found)


def examples_left(config: "Config") -> list[str]:
    """Connections with a secret that is still the example of `hub init`, which anybody may know."""
    from pydantic import SecretStr

    return [
        f"{name}: {field} is still the example that hub init wrote, which anybody may know; put yours into .env"
        for name, connection in config.connections.items()
        for field, value in connection.settings
        if isinstance(value, SecretStr) and EXAMPLE_SECRET in value.get_secret_value()
    ]


class _Daemon:
    """One life of `hub run`."""

    def __init__(
        self, path: Path, config: "Config", texts: "Texts", redact: "Redactor", listen: str, shadow: bool = False
    ) -> None:
        self.path, self.config, self.texts, self.redact, self.listen = path, config, texts, redact, listen
        self.shadow = shadow
        self.reloading = asyncio.Lock()
        self.tasks: set[asyncio.Task[None]] = set()
        self.main: asyncio.Task[None] | None = None
        self.server: Any = None
        self.signals = 0
        self.reload_when_ready = False

    async def live(self) -> None:
        """From the lock on the database to its release."""
        from hub.runtime.hub import Hub

        self.main = asyncio.current_task()
        try:
            for each in examples_left(self.config):
                log.warning("%s", each)
            hub = Hub(self.config, self.texts, listeners=registry(), shadow=self.shadow)
            hub.on_decided = partial(self._reload_soon, hub)
        except OSError as error:
            raise unavailable(explained(error).message) from error
        with self._heeding_signals(hub):
            try:
                await self._at_work(hub)
            finally:
                for task in self.tasks:
                    task.cancel()
                await hub.stop()
        log.info("orderhub has stopped")

    async def _at_work(self, hub: "Hub") -> None:
        from hub.web.app import build_app

        try:
            hub.db.hold()
        except OSError as error:
            raise unavailable(explained(error).message) from error
        with _bind(self.listen) as listener:
            await hub.start()
            self._count_uncertain(hub)
            await self._say_mode(hub)
            if not self.signals:
                await self._serve(hub, build_app(hub), listener)

    async def _serve(self, hub: "Hub", app: Any, listener: socket.socket) -> None:
        import uvicorn

        self.server = _server_class()(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                lifespan="off",
                ws="none",
                server_header=False,
                timeout_graceful_shutdown=GRACE,
            )
        )
        ready = asyncio.get_running_loop().create_task(self._say_ready(hub, listener))
        try:
            await self.server.serve(sockets=[listener])
        finally:
            ready.cancel()
        if not self.signals:
            raise Stop("the web server ended by itself; the log says why")

    async def _say_ready(self, hub: "Hub", listener: socket.socket) -> None:
        while not self.server.started:
            await asyncio.sleep(0.01)
        many = counted(len(self.config.connections), "connection")
        flows, shadow = counted(len(self.config.flows), "flow"), ", in shadow" if self.shadow else ""
        with suppress(OSError):  # whoever read the output may be gone; the hub works on
            click.echo(f"orderhub is ready on {_url(listener)} ({many}, {flows}{shadow})")
        if self.reload_when_ready:
            self._reload_soon(hub)

    # -- signals

    @contextmanager
    def _heeding_signals(self, hub: "Hub") -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        loop.add_signal_handler(signal.SIGHUP, partial(self._reload_soon, hub))
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                loop.remove_signal_handler(number)

    def _stop(self) -> None:
        """Once: finish what is under way. Twice: cut requests off. Three times: leave."""
        self.signals += 1
        if self.server is not None:
            self.server.should_exit = True
            self.server.force_exit = self.signals > 1
        if self.signals == 1:
            log.info("stopping: what is under way is finished first; more signals do not wait for it")
        elif self.signals > 2 and self.main is not None:
            self.main.cancel()

    def _count_uncertain(self, hub: "Hub") -> None:
        if hub.uncertain_at_start:
            many = counted(hub.uncertain_at_start, "message")
            log.warning("%s may or may not have gone when the hub last stopped; see `hub status`", many)

    async def _say_mode(self, hub: "Hub") -> None:
        """Loudly that the hub is in shadow, or no more."""
        from hub.store import queries

        if self.shadow:
            log.warning("SHADOW: nothing goes to customers or is written to shops; `hub shadow` shows what would have")
            kept = await hub.db.read(queries.kept_from_customers)
            if kept:
                log.warning("%s made before wait until the hub runs without --shadow", counted(kept, "message"))
        elif hub.shadow_since is not None:
            waiting, due = await hub.db.read(queries.begun_in_shadow)
            ends = f"{counted(waiting, 'run')} and {counted(due, 'message')} begun in shadow end in shadow"
            log.warning(
                "the hub ran in shadow since %s and is live now; %s", f"{hub.shadow_since:%Y-%m-%d %H:%M}Z", ends
            )

    # -- the file again

    def _reload_soon(self, hub: "Hub") -> None:
        if self.server is None or not self.server.started:
            self.reload_when_ready = True
            return
        task = asyncio.get_running_loop().create_task(self._reload(hub))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _reload(self, hub: "Hub") -> None:
        from hub.store.lives import refuse

        async with self.reloading:
            if not await self._read_and_swap(hub):
                await hub.db.write(lambda connection: refuse(connection, "the hub refuses the file; its log says why"))

    async def _read_and_swap(self, hub: "Hub") -> bool:
        """Whether the file is live now."""
        try:
            read = await asyncio.to_thread(read_configuration, self.path)
        except Stop as stop:
            log.error("the configuration stays as it was: %s", stop.message)
            return False
        except Exception:
            log.exception("%s could not be read; the configuration stays as it was", self.path.name)
            return False
        for problem in read.errors:
            log.error("%s", problem)
        if read.config is None:
            log.error("%s has mistakes; the configuration that was live stays live", self.path.name)
            return False
        return await self._swap(hub, read.config, read.texts)

    async def _swap(self, hub: "Hub", config: "Config", texts: "Texts") -> bool:
        if config.digest == self.config.digest:
            log.info("%s has not changed; texts and secrets are read anew", self.path.name)
        before, now = self.config.hub, config.hub
        if (now.listen, now.data, now.database) != (before.listen, before.data, before.database):
            log.warning("hub.listen, hub.data and hub.database take effect at the next start")
        config = replace(config, hub=replace(before, public_url=now.public_url))
        self.redact.learn(secrets_of(config))
        try:
            await hub.swap(config, texts)
        except Exception:
            log.exception("the new configuration could not go live; the old one stays")
            return False
        self.config = config
        many = counted(len(config.connections), "connection")
        log.info("a new configuration is live (%s, %s)", many, counted(len(config.flows), "flow"))
        return True


def _bind(listen: str) -> socket.socket:
    """A socket on the address, taken before anything is begun."""
    host, _, port = listen.rpartition(":")
    host = host.strip("[]")
    try:
        found = socket.getaddrinfo(host or None, int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = next((each for each in found if each[0] == socket.AF_INET), found[0])
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
            listener.listen(2048)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        why = f"{listen} cannot be listened on ({error.strerror})"
        raise unavailable(f"{why}; another hub may be running, or name another address with --listen") from error
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{shown}:{port}"


def _server_class() -> Any:
    import uvicorn

    class Server(uvicorn.Server):
        """uvicorn without its own signal handling: it would raise the signal again and spoil the exit status."""

        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    return Server
