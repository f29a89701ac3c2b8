"""Brings the schema up to date on start: one process at a time, in this process, as the owner."""

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import NullPool

from registry.kit.errors import Refused
from registry.kit.shipped import folder

# Any number that nobody else locks on this database: "zgoda" in ASCII.
_LOCK = 0x7A676F6461


def upgrade(owner_url: str) -> None:
    """Apply every migration that the database does not have yet; blocking.

    Held to one process by pg_advisory_lock, so several may start at once. Raises Refused
    `database.schema_newer` when the database was migrated by a later version of Zgoda.
    """
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(owner_url), poolclass=NullPool
    )
    with engine.connect() as connection:
        # A session lock: it outlives the migrations' transactions and ends with the connection.
        connection.exec_driver_sql(f"SELECT pg_advisory_lock({_LOCK})")
        connection.commit()
        try:
            _migrate(connection)
        finally:
            connection.rollback()
            connection.exec_driver_sql(f"SELECT pg_advisory_unlock({_LOCK})")
            connection.commit()
    engine.dispose()


def _migrate(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(folder("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    scripts = ScriptDirectory.from_config(config)
    present = MigrationContext.configure(connection).get_current_revision()
    connection.rollback()
    if present == scripts.get_current_head():
        return
    if present is not None and present not in {script.revision for script in scripts.walk_revisions()}:
        raise Refused(
            "database.schema_newer",
            "The database was migrated by a later version of Zgoda.",
            mend="install that version",
        )
    command.upgrade(config, "head")
