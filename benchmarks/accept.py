"""Accepting a webhook: our `/in/main-shop` (HMAC, JSON, one row, FULL, group commit) against a bare durable server.

All are processes of their own; the same client in another sends all the same requests, round by round in turn.
"""

import itertools
import tempfile
from collections.abc import Sequence
from pathlib import Path

from .child import Child, child
from .load import bodies, post_all, request
from .measure import Figure, ratio
from .stand import write_config

ROUNDS, REQUESTS, WARM = 9, 3_000, 500
Round = tuple[float, float]
"""Milliseconds of CPU and of wall time for each request."""


async def measured() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        path = write_config(Path(folder))
        async with (
            child("stages", str(path)) as hub,
            child("bare", f"{folder}/bare.db") as bare,
            child("bare", f"{folder}/duties.db", "duties") as duties,
        ):
            servers = [hub, bare, duties]
            rounds: list[list[Round]] = [[], [], []]
            orders = bodies()
            for number in range(ROUNDS + 1):
                some = itertools.islice(orders, REQUESTS if number else WARM)
                requests = [request("/in/main-shop", body) for body in some]
                for which in (0, 1, 2) if number % 2 else (2, 1, 0):
                    rounds[which].append(await _round(servers[which], requests))
            for server in servers:
                assert await server.ask("count") == ROUNDS * REQUESTS + WARM
    return _figures(*(each[1:] for each in rounds))


async def _round(who: Child, requests: Sequence[bytes]) -> Round:
    before = who.cpu()
    seconds = await post_all(who.facts["base"], requests)
    return (who.cpu() - before) / len(requests) * 1e3, seconds / len(requests) * 1e3


def _figures(hub: Sequence[Round], bare: Sequence[Round], duties: Sequence[Round]) -> list[Figure]:
    figures = []
    for index, kind in enumerate(("CPU", "wall")):
        ours, least, owed = ([each[index] for each in rounds] for rounds in (hub, bare, duties))
        figures += [
            Figure(f"{kind}: hub, per accepted webhook", ours, "ms"),
            Figure(f"{kind}: bare durable server", least, "ms"),
            Figure(f"{kind}: bare, with signature, JSON and unique key", owed, "ms"),
            ratio(f"{kind}: hub against bare", ours, least),
            ratio(f"{kind}: hub against bare with those duties", ours, owed),
        ]
    return figures
