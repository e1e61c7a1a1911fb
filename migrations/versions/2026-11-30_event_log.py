"""event log."""

import sqlalchemy as sa
from alembic import op

import db.types

revision = "0002_event_log"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "event_logs",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("last_position", sa.BigInteger(), nullable=False),
        sa.Column("pruned_position", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", db.types.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_event_logs_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("workspace_id", name=op.f("pk_event_logs")),
    )
    op.create_table(
        "events",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", _choice("kind", "MESSAGE", "CHAT", "ORDER", "CUSTOMER"), nullable=False),
        sa.Column("change", _choice("change", "CREATED", "UPDATED", "REMOVED"), nullable=False),
        sa.Column("node_id", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=True),
        sa.Column("channel_id", sa.Uuid(), nullable=True),
        sa.Column("reader_id", sa.Uuid(), nullable=True),
        sa.Column("changed_fields", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("at", db.types.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_events_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("workspace_id", "position", name=op.f("pk_events")),
    )
    # Every workspace has a log; those that are there already begin theirs now.
    op.execute(
        "INSERT INTO event_logs (workspace_id, last_position, pruned_position, updated_at)"
        " SELECT id, 0, 0, updated_at FROM workspaces"
    )


def downgrade() -> None:
    op.drop_table("events")
    op.drop_table("event_logs")


def _choice(name: str, *words: str) -> sa.Enum:
    return sa.Enum(*words, name=name, native_enum=False, create_constraint=True, length=32)
