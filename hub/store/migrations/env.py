"""Alembic's entry: always online, on the connection that `hub.store.migrate` hands over."""

from typing import Any, Literal

from alembic import context

from hub.store.tables import metadata


def plainly(kind: str, item: Any, autogen: Any) -> str | Literal[False]:
    """A migration names plain column types: it must not change when our own types do."""
    return {"Json": "sa.Text()", "Utc": "sa.BigInteger()"}.get(type(item).__name__, False) if kind == "type" else False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    transactional_ddl=True,
    render_item=plainly,
    include_name=lambda name, kind, parents: not (kind == "table" and (name or "").startswith("procrastinate_")),
)
with context.begin_transaction():
    context.run_migrations()
