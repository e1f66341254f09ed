"""What happens in shadow: everything as if it were live, except that nobody outside feels anything of it.

Whether something is a shadow's is a fact of its row (`runs.shadow`, `messages.shadow`, `surveys.shadow`, a matter whose
state is `shadow`), never of the process that comes upon it: what was begun in shadow stays so to its end, whatever is
switched meanwhile, and what was begun live is never ended by a shadow.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hub.flows.model import Flow, State
from hub.flows.run import Effect, Exceeded, Invite, Note, Open, SayTo
from hub.plugin import Outgoing
from hub.store.database import insert_new, upsert
from hub.store.queries import NOT_DONE, SINCE, shadow_since
from hub.store.tables import TENANT, messages, meta, runs

from .world import World

SHADOW = "shadow"
"""Why a message is `suppressed` that would have been sent, the outcome of its attempt, and the state of a matter that
would have been raised."""
WAITS = "waits: the hub runs in shadow"
"""Why a message that was made live does not leave now."""
RECORDED = (SayTo, Open, Invite, Note, Exceeded)
"""Effects that know shadows: their rows carry it. Every other effect of a shadow's run is only written down."""


def in_shadow(flow: Flow, world: World) -> bool:
    """Whether what this flow starts now is a shadow's."""
    return world.shadow or flow.state is State.SHADOW


def realm(name: str, shadow: bool) -> str:
    """The name under which keys are claimed: what a shadow said keeps nobody from saying it live, nor the other way
    round. No name has a `~` (FLOWS 1)."""
    return f"{SHADOW}~{name}" if shadow else name


def would_have(effect: Effect) -> str:
    """What the trace says of an effect that is not carried out; empty: this one knows shadows itself."""
    if isinstance(effect, RECORDED):
        return ""
    step = getattr(effect, "step", None)
    return f"{NOT_DONE}{getattr(step, 'id', '') or type(effect).__name__.lower()}"


def speaks(row: Any) -> bool:
    """Whether a message is told, was told, or in shadow would have been."""
    ended = row.state in ("superseded", "failed") or (row.state == "suppressed" and not would_have_gone(row))
    return not ended


def would_have_gone(row: Any) -> bool:
    """Whether a shadow would have sent it."""
    return (row.state, row.reason) == ("suppressed", SHADOW)


def from_a_shadow(said: Outgoing) -> Outgoing:
    """What staff are really told by a hub in shadow, with that in front; in plain text, so that nothing is left out."""
    mark = "[shadow] "
    return replace(said, subject=said.subject and mark + said.subject, text=mark + said.text, html="")


def write_messages(connection: sa.Connection, dialect: str, world: World, rows: Iterable[dict[str, Any]]) -> None:
    """The one door by which messages come into the outbox. Those that do not say whether they are a shadow's are what
    the hub is, or the run that they come of."""
    rows = list(rows)
    unsaid = {row.get("run_key", "") for row in rows if "shadow" not in row} - {""}
    where = (runs.c.tenant == TENANT, runs.c.key.in_(sorted(unsaid)), runs.c.shadow == 1)
    shadows = set(connection.execute(sa.select(runs.c.key).where(*where)).scalars()) if unsaid else set()
    marked = [{"shadow": int(world.shadow or row.get("run_key") in shadows), **row} for row in rows]
    if marked:
        connection.execute(insert_new(messages, dialect), marked)


def remember_mode(connection: sa.Connection, dialect: str, shadow: bool, now: datetime) -> datetime | None:
    """Note in the database whether the whole hub runs in shadow, for who looks from outside; returns since when it did
    until now."""
    since = shadow_since(connection)
    if (since is not None) is not shadow:
        row = {"key": SINCE, "value": now.isoformat() if shadow else ""}
        connection.execute(upsert(meta, dialect, keys=("key",), change=("value",)), [row])
    return since
