"""buckets."""

import sqlalchemy as sa
from alembic import op

import db.types

revision = "0007_buckets"
down_revision = "0006_sign_in_attempts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "buckets",
        sa.Column("key", _text(64), nullable=False),
        sa.Column("available", sa.Double(), nullable=False),
        sa.Column("granted", sa.Integer(), nullable=False),
        sa.Column("full_at", db.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", db.types.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_buckets")),
    )
    if op.get_bind().dialect.name == "postgresql":
        # Full again after a crash, and no draw waits for the disk.
        op.execute("ALTER TABLE buckets SET UNLOGGED")


def downgrade() -> None:
    op.drop_table("buckets")


def _text(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length=length).with_variant(sa.String(length=length, collation="C"), "postgresql")
