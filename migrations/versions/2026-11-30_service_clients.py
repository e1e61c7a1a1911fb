"""service clients."""

import sqlalchemy as sa
from alembic import op

import db.types

revision = "0005_service_clients"
down_revision = "0004_audit_log"
branch_labels = None
depends_on = None

SENT = "ix_messages_conversation_id_sender_client_id_client_key"
OF_A_CLIENT = sa.text("sender_client_id IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "service_clients",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("name", _text(100), nullable=False),
        sa.Column("permissions", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("allowed_hosts", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("secret", _long_text(), nullable=True),
        sa.Column("previous_secret", _long_text(), nullable=True),
        sa.Column("last_used_at", db.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("created_at", db.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", db.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", db.types.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_service_clients_owner_id")),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_service_clients_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_clients")),
    )
    names = ["workspace_id", "name", "id"]
    op.create_index(op.f("ix_service_clients_workspace_id_name_id"), "service_clients", names)
    op.create_table(
        "client_nonces",
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("nonce", _text(128), nullable=False),
        sa.Column("created_at", db.types.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"], ["service_clients.id"], name=op.f("fk_client_nonces_client_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("client_id", "nonce", name=op.f("pk_client_nonces")),
    )
    op.create_index(op.f("ix_client_nonces_created_at"), "client_nonces", ["created_at"])
    # The caller of a key may be a client.
    with op.batch_alter_table("idempotency") as batch_op:
        batch_op.drop_constraint(op.f("fk_idempotency_user_id"), type_="foreignkey")
    # As text: by it SQLite adds the column without writing the whole table anew.
    kind = "UUID" if op.get_bind().dialect.name == "postgresql" else "CHAR(32)"
    op.execute(
        f"ALTER TABLE messages ADD COLUMN sender_client_id {kind}"
        " CONSTRAINT fk_messages_sender_client_id REFERENCES service_clients (id)"
    )
    sent = ["conversation_id", "sender_client_id", "client_key"]
    only: dict[str, sa.TextClause] = {"sqlite_where": OF_A_CLIENT, "postgresql_where": OF_A_CLIENT}
    op.create_index(op.f(SENT), "messages", sent, unique=True, **only)


def downgrade() -> None:
    op.drop_index(op.f(SENT), "messages")
    with op.batch_alter_table("messages") as batch_op:
        batch_op.drop_column("sender_client_id")
    # Those of clients would point at no user.
    op.execute("DELETE FROM idempotency WHERE user_id NOT IN (SELECT id FROM users)")
    with op.batch_alter_table("idempotency") as batch_op:
        batch_op.create_foreign_key(
            op.f("fk_idempotency_user_id"), "users", ["user_id"], ["id"], ondelete="CASCADE"
        )
    op.drop_table("client_nonces")
    op.drop_table("service_clients")


def _text(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length=length).with_variant(sa.String(length=length, collation="C"), "postgresql")


def _long_text() -> sa.types.TypeEngine[str]:
    return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
