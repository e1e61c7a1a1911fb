"""who reads the metrics of the whole server."""

import sqlalchemy as sa
from alembic import op

revision = "0008_metrics_permission"
down_revision = "0007_buckets"
branch_labels = None
depends_on = None

GIVEN = "METRICS_READ"
TABLES = [
    sa.table(name, sa.column("id", sa.Uuid()), sa.column("kind"), sa.column("permissions", sa.JSON()))
    for name in ("roles", "service_clients")
]


def upgrade() -> None:
    # Whoever registered had it, and could give it away.
    for table in TABLES:
        _change(table, sa.select(table.c.id, table.c.permissions), given=False)


def downgrade() -> None:
    roles = TABLES[0]
    administrators = sa.select(roles.c.id, roles.c.permissions).where(roles.c.kind == "ADMINISTRATOR")
    _change(roles, administrators, given=True)


def _change(table: sa.TableClause, rows: sa.Select[tuple[object, list[str]]], *, given: bool) -> None:
    connection = op.get_bind()
    for id, permissions in connection.execute(rows).all():
        if (GIVEN in permissions) is not given:
            kept = sorted({*permissions, GIVEN} if given else {*permissions} - {GIVEN})
            connection.execute(sa.update(table).where(table.c.id == id).values(permissions=kept))
