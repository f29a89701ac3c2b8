"""Databases lent to one test after the other: putting one back as it was takes a tenth of the time of a new one.

What a test changed in the schema, or filled with much, is not put back: such a database is dropped.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from registry.kit.database import Urls

if TYPE_CHECKING:
    from tests.installation import Server

PRISTINE = "pristine.json"
# A table that grew beyond this many bytes is slow to look through even when it is empty again.
LARGEST = 4_000_000

_SHAPE = """
SELECT md5(string_agg(d, ',' ORDER BY d)) FROM (
    SELECT concat_ws(' ', 'c', c.relname, c.relkind, c.relacl, c.relowner::regrole, c.relispartition)
    FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace
    UNION ALL
    SELECT concat_ws(' ', 'a', c.relname, a.attname, a.atttypid, a.attnotnull, a.attacl)
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT concat_ws(' ', 't', t.tgrelid::regclass, t.tgname, t.tgenabled) FROM pg_trigger t WHERE NOT t.tgisinternal
    UNION ALL
    SELECT concat_ws(' ', 'p', p.proname, md5(p.prosrc)) FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
    UNION ALL
    SELECT concat_ws(' ', 'k', o.conrelid::regclass, o.conname, o.convalidated) FROM pg_constraint o
    WHERE o.connamespace = 'public'::regnamespace
    UNION ALL
    SELECT concat_ws(' ', 'n', n.nspname, n.nspacl) FROM pg_namespace n WHERE n.nspname !~ '^pg_(toast_)?temp'
) AS s(d)
"""
_TABLES = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY relname"
# What every table ever took, and the file that it lies in: whoever wrote to it, or emptied it, changed this. The
# figures of a connection are there once it has ended.
_WRITES = """
SELECT c.relname, concat_ws(' ', c.oid, c.relfilenode, pg_stat_get_tuples_inserted(c.oid),
    pg_stat_get_tuples_updated(c.oid), pg_stat_get_tuples_deleted(c.oid))
FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
"""


def remember(url: str, run: Path) -> None:
    """Write down what the template holds, in `run`: for whoever puts a clone of it back."""
    tables: dict[str, str] = {}
    with psycopg.connect(url, autocommit=True) as connection:
        for (name,) in connection.execute(_TABLES).fetchall():
            with (
                connection.cursor() as cursor,
                cursor.copy(sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(name))) as copy,
            ):
                if text := b"".join(bytes(piece) for piece in copy).decode():
                    tables[name] = text
        sequences = {
            name: [last, last is not None]
            for name, last in connection.execute(
                "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public'"
            )
        }
        (shape,) = connection.execute(_SHAPE).fetchone() or ("",)
    told = {"shape": shape, "tables": tables, "sequences": sequences}
    (run / PRISTINE).write_text(json.dumps(told), encoding="utf-8")


@dataclass(slots=True)
class _Lent:
    """A database of ours: the connection that puts it back, and what its tables had taken when it was lent."""

    connection: psycopg.Connection
    writes: dict[str, str]


class Lender:
    """Clones of the run's template, for one process."""

    def __init__(self, server: "Server", run: Path) -> None:
        self._server = server
        self._run = run
        self._free: list[str] = []
        self._kept: dict[str, _Lent] = {}
        self._told: dict[str, Any] | None = None

    def lend(self) -> tuple[str, Urls]:
        """A database that is as the template is."""
        if self._free:
            name = self._free.pop()
            return name, self._server.urls(name)
        return self._server.create()

    def take_back(self, name: str) -> None:
        """Put a database back as it was, or drop it."""
        try:
            usable = self._put_back(name)
        except psycopg.OperationalError:
            usable = False
        if usable:
            self._free.append(name)
        else:
            self._drop(name)

    def close(self) -> None:
        self._free.clear()
        for name in [*self._kept]:
            self._drop(name)

    def _drop(self, name: str) -> None:
        if kept := self._kept.pop(name, None):
            kept.connection.close()
        self._server.drop(name)

    def _put_back(self, name: str) -> bool:
        if self._told is None:
            self._told = json.loads((self._run / PRISTINE).read_text(encoding="utf-8"))
        kept = self._kept.get(name)
        if kept is None or not _living(kept.connection):
            # Nothing is known of this one, or the server was down meanwhile and forgot what its tables took.
            if kept is not None:
                kept.connection.close()
            kept = self._kept[name] = _Lent(self._connected(name), {})
        if not _put_back(kept.connection, self._told, kept.writes):
            return False
        kept.writes = _writes(kept.connection)
        return True

    def _connected(self, name: str) -> psycopg.Connection:
        url = psycopg.conninfo.make_conninfo(self._server.superuser_url, dbname=name)
        connection = psycopg.connect(url, autocommit=True, connect_timeout=5)
        # No trigger refuses, and no foreign key asks for an order.
        connection.execute("SET session_replication_role = replica; SET statement_timeout = '20s'")
        return connection


def _living(connection: psycopg.Connection) -> bool:
    try:
        connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


def _writes(connection: psycopg.Connection) -> dict[str, str]:
    # Ours are told when we say so; everybody else's were when they left.
    connection.execute("SELECT pg_stat_force_next_flush()")
    return dict(connection.execute(_WRITES).fetchall())


def _put_back(connection: psycopg.Connection, told: dict[str, Any], before: dict[str, str]) -> bool:
    """Put back what was written to since `before`; False where the schema changed, or a table is too large."""
    connection.execute(
        "SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    (shape, largest) = connection.execute(
        f"SELECT ({_SHAPE}), (SELECT max(pg_relation_size(oid)) FROM pg_class WHERE relkind = 'r'"
        " AND relnamespace = 'public'::regnamespace)"
    ).fetchone() or ("", 0)
    if shape != told["shape"] or largest > LARGEST:
        return False
    changed = [name for name, taken in _writes(connection).items() if before.get(name) != taken]
    with connection.transaction():
        for name in changed:
            connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(name)))
            if text := told["tables"].get(name):
                with (
                    connection.cursor() as cursor,
                    cursor.copy(sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(name))) as copy,
                ):
                    copy.write(text)
        for name, (last, called) in told["sequences"].items():
            connection.execute("SELECT setval(%s, %s, %s)", (f'public."{name}"', last or 1, called))
    return True
