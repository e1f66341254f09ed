"""When a parcel that does not move is asked about less often; dead letters are found by what they speak of.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("polls", sa.Column("slow_at", sa.BigInteger(), nullable=True))
    _index_dead("tenant", "subject", "connection")


def downgrade() -> None:
    _index_dead("id")
    op.drop_column("polls", "slow_at")


def _index_dead(*columns: str) -> None:
    dead = sa.text("state = 9")
    op.drop_index("ix_inbox_dead", "inbox")
    op.create_index("ix_inbox_dead", "inbox", list(columns), sqlite_where=dead, postgresql_where=dead)
