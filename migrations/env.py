"""Alembic's entry: runs on the connection that registry.kit.migrations holds the lock with."""

from alembic import context

connection = context.config.attributes.get("connection")
if connection is None:
    raise SystemExit(
        "migrations run inside zgoda (registry.kit.migrations.upgrade), not by the alembic command"
    )

# Migrations are SQL files with several statements and with per cent signs: sent as they are.
context.configure(connection=connection.execution_options(no_parameters=True), transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
