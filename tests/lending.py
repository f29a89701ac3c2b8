"""Databases lent to one test after the other: putting one back as it was takes a tenth of the time of a new one.

What a test changed in the schema, or filled with much, is not put back: such a database is dropped.
"""

import json
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
_EMPTY = """
DO $$ DECLARE t text; BEGIN
    FOR t IN SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' LOOP
        EXECUTE format('DELETE FROM %I', t);
    END LOOP;
END $$
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


class Lender:
    """Clones of the run's template, for one process."""

    def __init__(self, server: "Server", run: Path) -> None:
        self._server = server
        self._run = run
        self._free: list[str] = []
        self._told: dict[str, Any] | None = None

    def lend(self) -> tuple[str, Urls]:
        """A database that is as the template is."""
        if self._free:
            name = self._free.pop()
            return name, self._server.urls(name)
        return self._server.create()

    def take_back(self, name: str) -> None:
        """Put a database back as it was, or drop it."""
        if self._put_back(name):
            self._free.append(name)
        else:
            self._server.drop(name)

    def close(self) -> None:
        while self._free:
            self._server.drop(self._free.pop())

    def _put_back(self, name: str) -> bool:
        if self._told is None:
            self._told = json.loads((self._run / PRISTINE).read_text(encoding="utf-8"))
        url = psycopg.conninfo.make_conninfo(self._server.superuser_url, dbname=name)
        try:
            with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
                return _put_back(connection, self._told)
        except psycopg.OperationalError:
            return False


def _put_back(connection: psycopg.Connection, told: dict[str, Any]) -> bool:
    connection.execute(
        "SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    # No trigger refuses, and no foreign key asks for an order.
    connection.execute("SET session_replication_role = replica; SET statement_timeout = '20s'")
    (shape, largest) = connection.execute(
        f"SELECT ({_SHAPE}), (SELECT max(pg_relation_size(oid)) FROM pg_class WHERE relkind = 'r'"
        " AND relnamespace = 'public'::regnamespace)"
    ).fetchone() or ("", 0)
    if shape != told["shape"] or largest > LARGEST:
        return False
    with connection.transaction():
        connection.execute(_EMPTY)
        for name, text in told["tables"].items():
            with (
                connection.cursor() as cursor,
                cursor.copy(sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(name))) as copy,
            ):
                copy.write(text)
        for name, (last, called) in told["sequences"].items():
            connection.execute("SELECT setval(%s, %s, %s)", (f'public."{name}"', last or 1, called))
    return True
