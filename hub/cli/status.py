"""`hub status`: how it stands, from the database, whether a hub runs or not."""

import http.client
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ._out import moment, print_json, print_table, title, whose_clock
from ._setup import config_option, example, hub_settings, json_option, look, opened, top_of

if TYPE_CHECKING:
    import sqlalchemy as sa

SECONDS = 1.0
"""How long a hub has to say that it is there."""


@click.command(epilog=example("hub status", "hub status --json"))
@config_option
@json_option
def status(path: Path, as_json: bool) -> None:
    """Show connections, queues, and what waits for a person."""
    settings = hub_settings(path)
    with opened(path) as db:
        found = look(db, lambda connection: _found(connection, *_names(path)))
    found = {
        "running": answers(settings.listen), "listen": settings.listen, "public_url": settings.public_url, **found,
    }  # fmt: skip
    if as_json:
        print_json(found)
    else:
        _show(found)


def _names(path: Path) -> tuple[dict[str, str], dict[str, list[str]]]:
    """The connections of the file with their plugins, and the failovers with their providers, whatever is wrong in
    it."""
    from hub.config.build import scalars_of
    from hub.config.sections import KINDS
    from hub.config.yaml import MapNode, Scalar

    node = top_of(path.resolve()).get("connections")
    found: dict[str, str] = {}
    failovers: dict[str, list[str]] = {}
    for key, value in node if isinstance(node, MapNode) else ():
        if isinstance(value, MapNode) and value.get("failover") is not None:
            failovers[key.text] = [each.text for each in scalars_of(value.get("failover"))]
            continue
        kinds = [value.get(kind) for kind in KINDS] if isinstance(value, MapNode) else []
        found[key.text] = next((each.text for each in kinds if isinstance(each, Scalar)), "?")
    return found, failovers


def _found(
    connection: "sa.Connection", plugins: Mapping[str, str], failovers: Mapping[str, list[str]]
) -> dict[str, Any]:
    from hub.clock import SystemClock
    from hub.store import queries

    now = SystemClock().now()
    rows, health = queries.connection_rows(connection), queries.health_polls(connection)
    failing = {**queries.failing_sends(connection), **queries.failing_polls(connection)}
    return {
        "shadow_since": queries.shadow_since(connection),
        "connections": [
            _connection(name, plugin, rows.get(name), health.get(name), failing.get(name))
            | {"last_sent_at": queries.last_sent(connection, name)}
            for name, plugin in plugins.items()
        ],
        "failovers": [_failover(name, providers, rows) for name, providers in failovers.items()],
        "queues": dict(queries.queues(connection, now)),
        "matters": dict(queries.matters(connection, now)),
    }


def _connection(name: str, plugin: str, row: Any, health: Any, failing: tuple[int, str] | None) -> dict[str, Any]:
    return {
        "name": name,
        "plugin": plugin,
        "state": "paused" if row and row.paused else "failing" if failing else "at work",
        "paused": row.paused if row else "",
        "paused_at": row.paused_at if row and row.paused else None,
        "last_event_at": row.last_event_at if row else None,
        "imported_at": row.imported_at if row else None,
        "webhooks_seen_to_at": health.last_at if health else None,
        "webhooks_error": health.error if health else "",
        "failing": failing[0] if failing else 0,
        "error": failing[1] if failing else "",
    }


def _failover(name: str, providers: list[str], rows: Mapping[str, Any]) -> dict[str, Any]:
    """Who sends for a failover: the first of its providers that does not pause; none, when all do."""
    ready = [each for each in providers if each not in rows or not rows[each].paused]
    return {"name": name, "providers": providers, "by": ready[0] if ready else ""}


def _heard(each: Mapping[str, Any]) -> Any:
    """The last sign of life: an answer, an event, a message that was taken."""
    signs = [each[name] for name in ("last_event_at", "last_sent_at") if each[name]]
    return max(signs) if signs else "nothing yet"


def answers(listen: str) -> bool:
    """Whether a hub answers where the file says it listens."""
    host, _, port = listen.rpartition(":")
    host = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "[::]": "::1"}.get(host, host.strip("[]"))
    if not port.isdigit() or int(port) == 0:
        return False
    try:
        with closing(http.client.HTTPConnection(host, int(port), timeout=SECONDS)) as asked:
            asked.request("GET", "/healthz")
            return asked.getresponse().read(16) == b"ok\n"
    except (OSError, http.client.HTTPException):
        return False


def _show(found: Mapping[str, Any]) -> None:
    word = "a hub answers" if found["running"] else "no hub answers"
    click.echo(f"{word} on {found['listen']}; {whose_clock()}")
    if found["shadow_since"]:
        since = f"in shadow since {moment(found['shadow_since'])}"
        click.secho(f"{since}: nothing goes to customers; `hub shadow` shows what would have", bold=True)
    title("Connections")
    rows = [
        (each["name"], each["plugin"], each["state"], _heard(each), _webhooks(each, found["public_url"]), _why(each))
        for each in found["connections"]
    ]
    print_table(("name", "plugin", "state", "last heard of", "webhooks", "why"), rows, empty="no connections")
    if found["failovers"]:
        title("Failovers")
        providers = [
            (each["name"], ", ".join(each["providers"]), each["by"] or "all pause") for each in found["failovers"]
        ]
        print_table(("name", "providers", "sends by"), providers)
    title("Queues")
    print_table(("what", "how many"), list(found["queues"].items()))
    title("What waits for a person")
    waiting = [(what, many) for what, many in found["matters"].items() if many]
    print_table(("what", "how many"), waiting, empty="nothing")


def _webhooks(each: Mapping[str, Any], public_url: str | None) -> str:
    if not public_url:
        return "none, no public_url"
    if each["webhooks_error"]:
        return "failed"
    return f"seen to {moment(each['webhooks_seen_to_at'])}" if each["webhooks_seen_to_at"] else ""


def _why(each: Mapping[str, Any]) -> str:
    return str(each["paused"] or each["error"] or each["webhooks_error"])
