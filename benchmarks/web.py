"""The web server as `hub run` sets it up: the same loop, protocol and options for whatever is compared with it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn


def loop_factory() -> Any:
    import uvloop

    return uvloop.new_event_loop


class _Server(uvicorn.Server):
    """Without signal handling of its own."""

    def install_signal_handlers(self) -> None:
        return


@asynccontextmanager
async def serving(app: Any) -> AsyncIterator[str]:
    """The app on a free port; gives its base URL."""
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", ws="none", server_header=False)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(2048)
        server = _Server(config)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:
            await asyncio.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task
