"""Brings the schema up to date on start: one process at a time, in this process, as the owner."""

from typing import TYPE_CHECKING

import psycopg

from registry.kit.errors import Refused
from registry.kit.shipped import folder

if TYPE_CHECKING:
    from sqlalchemy import Connection

# Any number that nobody else locks on this database: "zgoda" in ASCII.
_LOCK = 0x7A676F6461


def upgrade(owner_url: str) -> None:
    """Apply every migration that the database does not have yet; blocking.

    Held to one process by pg_advisory_lock, so several may start at once. Raises Refused
    `database.schema_newer` when the database was migrated by a later version of Zgoda.
    """
    with psycopg.connect(owner_url) as connection:
        present = _present(connection)
    # Nearly every start ends here, and pays for no part of Alembic.
    if present == head():
        return
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(owner_url), poolclass=NullPool
    )
    with engine.connect() as lasting:
        # A session lock: it outlives the migrations' transactions and ends with the connection.
        lasting.exec_driver_sql(f"SELECT pg_advisory_lock({_LOCK})")
        lasting.commit()
        try:
            _migrate(lasting)
        finally:
            lasting.rollback()
            lasting.exec_driver_sql(f"SELECT pg_advisory_unlock({_LOCK})")
            lasting.commit()
    engine.dispose()


def head() -> str:
    """The revision that this release brings a database to: the last number in the names of its migrations."""
    return max(
        path.name.partition("_")[0] for path in (folder("migrations") / "versions").glob("[0-9]*_*.py")
    )


def _present(connection: psycopg.Connection) -> str | None:
    """The revision of a database; None when it has none yet. It is committed with the migration that it names."""
    if connection.execute("SELECT to_regclass('alembic_version') IS NULL").fetchone() == (True,):
        return None
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if row is None else str(row[0])


def _migrate(connection: "Connection") -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

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
