"""When a parcel that does not move is asked about less often."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("polls", sa.Column("slow_at", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("polls", "slow_at")
