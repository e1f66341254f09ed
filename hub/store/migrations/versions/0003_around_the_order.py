"""What is asked and answered, allowed and silenced, tagged, and done outside.

Revision ID: 0003
Revises: 0002
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "claims",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("flow", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("home", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "flow", "scope", "ref", name=op.f("pk_claims")),
    )
    op.create_index("ix_claims_home", "claims", ["tenant", "home"], unique=False)
    op.create_table(
        "consents",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), sa.Identity(always=False), nullable=False
        ),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("cls", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("given", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
    )
    op.create_index("ix_consents_customer", "consents", ["tenant", "customer_id", "id"], unique=False)
    op.create_table(
        "errands",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), sa.Identity(always=False), nullable=False
        ),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("run_key", sa.Text(), nullable=False),
        sa.Column("flow", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("doc", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_errands")),
        sa.UniqueConstraint("tenant", "key", name=op.f("uq_errands_tenant_key")),
    )
    op.create_index(
        "ix_errands_due",
        "errands",
        ["due_at", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'due'"),
        postgresql_where=sa.text("state = 'due'"),
    )
    op.create_index(
        "ix_errands_due_slot",
        "errands",
        ["slot", "due_at", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'due'"),
        postgresql_where=sa.text("state = 'due'"),
    )
    op.create_index(
        "ix_errands_leased",
        "errands",
        ["lease_until"],
        unique=False,
        sqlite_where=sa.text("state = 'on_wire'"),
        postgresql_where=sa.text("state = 'on_wire'"),
    )
    op.create_index("ix_errands_order", "errands", ["tenant", "order_id", "id"], unique=False)
    op.create_index(
        "ix_errands_undone",
        "errands",
        ["tenant", "order_id", "connection", "id"],
        unique=False,
        sqlite_where=sa.text("state IN ('due', 'on_wire')"),
        postgresql_where=sa.text("state IN ('due', 'on_wire')"),
    )
    op.create_table(
        "coupons",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("shop", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "key", name=op.f("pk_coupons")),
    )
    op.create_index("ix_coupons_customer", "coupons", ["tenant", "customer_id", "at"], unique=False)
    op.create_index("ix_coupons_shop", "coupons", ["tenant", "shop", "at"], unique=False)
    op.create_table(
        "flow_hours",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("flow", sa.Text(), nullable=False),
        sa.Column("shadow", sa.Integer(), nullable=False),
        sa.Column("hour", sa.BigInteger(), nullable=False),
        sa.Column("sent", sa.Integer(), nullable=False),
        sa.Column("excused", sa.Integer(), nullable=False),
        sa.Column("most", sa.Integer(), nullable=False),
        sa.Column("held_at", sa.BigInteger(), nullable=True),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "flow", "shadow", "hour", name=op.f("pk_flow_hours")),
    )
    op.create_index(
        "ix_flow_hours_held",
        "flow_hours",
        ["tenant", "flow"],
        unique=False,
        sqlite_where=sa.text("held_at IS NOT NULL AND settled_at IS NULL"),
        postgresql_where=sa.text("held_at IS NOT NULL AND settled_at IS NULL"),
    )
    op.create_table(
        "file_versions",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("files", sa.Text(), nullable=False),
        sa.Column("flows", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "digest", name=op.f("pk_file_versions")),
    )
    op.create_table(
        "live_files",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), sa.Identity(always=False), nullable=False
        ),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("waiting", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.Column("live_at", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_live_files")),
    )
    op.create_index(
        "ix_live_files_waits", "live_files", ["tenant"], unique=False,
        sqlite_where=sa.text("state = 'waits'"), postgresql_where=sa.text("state = 'waits'"),
    )  # fmt: skip
    op.create_index("ix_live_files_live", "live_files", ["tenant", "live_at"], unique=False)
    op.create_table(
        "mutes",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("cls", sa.Text(), nullable=False),
        sa.Column("until_at", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "scope", "ref", "cls", name=op.f("pk_mutes")),
    )
    op.create_table(
        "questions",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column("answered_by", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_questions")),
    )
    op.create_index("ix_questions_customer", "questions", ["tenant", "customer_id", "asked_at"], unique=False)
    op.create_index(
        "ix_questions_open",
        "questions",
        ["tenant", "asked_at"],
        unique=False,
        sqlite_where=sa.text("answered_at IS NULL"),
        postgresql_where=sa.text("answered_at IS NULL"),
    )
    op.create_index("ix_questions_order", "questions", ["tenant", "order_id"], unique=False)
    op.create_table(
        "surveys",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("run_key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("shadow", sa.Integer(), nullable=False),
        sa.Column("answers", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("until_at", sa.BigInteger(), nullable=False),
        sa.Column("heard_at", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_surveys")),
        sa.UniqueConstraint(
            "tenant", "order_id", "name", "shadow", name=op.f("uq_surveys_tenant_order_id_name_shadow")
        ),
    )
    op.create_index("ix_surveys_finished", "surveys", ["tenant", "name", "finished_at"], unique=False)
    op.create_table(
        "tags",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("present", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "scope", "ref", "tag", name=op.f("pk_tags")),
    )
    op.create_table(
        "watches",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("word", sa.Text(), nullable=False),
        sa.Column("subject_kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("warned", sa.Integer(), nullable=False),
        sa.Column("shadow", sa.Integer(), nullable=False),
        sa.Column("doc", sa.Text(), nullable=False),
        sa.Column("since_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "key", name=op.f("pk_watches")),
    )
    op.create_index("ix_watches_order", "watches", ["tenant", "order_id", "since_at"], unique=False)
    op.add_column("connections", sa.Column("last_webhook_at", sa.BigInteger(), nullable=True))
    op.add_column("escalations", sa.Column("choices", sa.Text(), nullable=True))
    op.add_column("escalations", sa.Column("choice", sa.Text(), nullable=False, server_default=""))
    op.add_column("escalations", sa.Column("handed", sa.Integer(), nullable=False, server_default="0"))
    for table in ("runs", "messages"):
        op.add_column(table, sa.Column("shadow", sa.Integer(), nullable=False, server_default="0"))
    op.create_index(
        "ix_messages_shadow", "messages", ["created_at", "id"], unique=False,
        sqlite_where=sa.text("shadow = 1"), postgresql_where=sa.text("shadow = 1"),
    )  # fmt: skip
    op.create_index(
        "ix_messages_held", "messages", ["tenant", "run_key"], unique=False,
        sqlite_where=sa.text("state = 'held'"), postgresql_where=sa.text("state = 'held'"),
    )  # fmt: skip
    _occurrences(sa.BigInteger())


def downgrade() -> None:
    _occurrences(sa.Integer())
    op.drop_index("ix_claims_home", table_name="claims")
    op.drop_table("claims")
    op.drop_index("ix_messages_held", table_name="messages")
    op.drop_index("ix_messages_shadow", table_name="messages")
    for table in ("messages", "runs"):
        op.drop_column(table, "shadow")
    op.drop_column("escalations", "handed")
    op.drop_column("escalations", "choice")
    op.drop_column("escalations", "choices")
    op.drop_column("connections", "last_webhook_at")
    op.drop_table("watches")
    op.drop_table("tags")
    op.drop_table("surveys")
    op.drop_table("questions")
    op.drop_table("mutes")
    op.drop_table("coupons")
    op.drop_table("flow_hours")
    op.drop_table("live_files")
    op.drop_table("file_versions")
    op.drop_table("errands")
    op.drop_table("consents")


def _occurrences(kind: Any) -> None:
    """An occurrence may be an instant in microseconds; SQLite's whole numbers are wide enough as they are."""
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("runs", "occurrence", type_=kind)
