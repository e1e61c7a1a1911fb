"""Runs revisions on the connection that db.migrate hands over."""

from alembic import context

from db.metadata import METADATA

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=METADATA,
    render_as_batch=True,
    compare_type=True,
    user_module_prefix="db.types.",
)
context.run_migrations()
