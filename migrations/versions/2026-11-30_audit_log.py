"""audit log."""

import sqlalchemy as sa
from alembic import op

import db.types

revision = "0004_audit_log"
down_revision = "0003_idempotency"
branch_labels = None
depends_on = None

KEPT = "An audit entry is never changed, and goes with its workspace alone."


def upgrade() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("at", db.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("actor_table", _text(40), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=False),
        sa.Column("request_id", _text(128), nullable=False),
        sa.Column("action", _text(100), nullable=False),
        sa.Column("subject_table", _text(40), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("changed_fields", sa.JSON(none_as_null=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_audit_entries_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entries")),
    )
    for owner in ("workspace_id", "actor_id", "subject_id"):
        op.create_index(
            op.f(f"ix_audit_entries_{owner}_at_id"), "audit_entries", [owner, "at", "id"], unique=False
        )
    for statement in GUARDS[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("audit_entries")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION keep_audit_entries()")


# A workspace that is deleted takes its entries along: by then it is gone itself.
GUARDS = {
    "postgresql": (
        f"""CREATE FUNCTION keep_audit_entries() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'DELETE' AND NOT EXISTS (SELECT FROM workspaces WHERE id = OLD.workspace_id) THEN
                RETURN OLD;
            END IF;
            RAISE EXCEPTION '{KEPT}';
        END $$""",
        """CREATE TRIGGER keep_audit_entries BEFORE UPDATE OR DELETE ON audit_entries
        FOR EACH ROW EXECUTE FUNCTION keep_audit_entries()""",
    ),
    "sqlite": (
        f"""CREATE TRIGGER keep_audit_entries_unchanged BEFORE UPDATE ON audit_entries
        BEGIN SELECT RAISE(ABORT, '{KEPT}'); END""",
        f"""CREATE TRIGGER keep_audit_entries BEFORE DELETE ON audit_entries
        WHEN EXISTS (SELECT 1 FROM workspaces WHERE id = OLD.workspace_id)
        BEGIN SELECT RAISE(ABORT, '{KEPT}'); END""",
    ),
}


def _text(length: int) -> sa.String:
    return sa.String(length=length).with_variant(sa.String(length=length, collation="C"), "postgresql")
