"""What the database itself says of its tables: the tests ask it, so that a new table or column cannot hide."""

from typing import Any
from uuid import UUID

from registry.kit.database import Role
from tests.persons import CALLER

_TABLES = """
SELECT c.relname AS table, a.attname AS column, format_type(a.atttypid, a.atttypmod) AS type
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition
ORDER BY c.relname, a.attnum"""


async def columns(workspace: Any) -> dict[str, dict[str, str]]:
    """Every column of every table, with its type."""
    found: dict[str, dict[str, str]] = {}
    async with workspace.database.begin(CALLER, Role.OWNER) as session:
        for row in await session.all(_TABLES):
            found.setdefault(row.table, {})[row.column] = row.type
    return found


async def contact_tables(workspace: Any) -> list[tuple[str, str]]:
    """(table, column) of every column that names a person."""
    return [
        (table, column)
        for table, has in (await columns(workspace)).items()
        for column in has
        if column in ("contact_id", "subject_id") or (table, column) == ("contact", "id")
    ]


async def rows_about(workspace: Any, person: UUID) -> dict[str, list[Any]]:
    """Everything stored under a person's id, by table."""
    found = {}
    for table, column in await contact_tables(workspace):
        async with workspace.database.begin(CALLER, Role.OWNER) as session:
            rows = await session.all(
                f"SELECT to_jsonb(t) AS row FROM {table} t WHERE {column} = %s ORDER BY 1", (person,)
            )
        if rows:
            found[table] = [row.row for row in rows]
    return found
