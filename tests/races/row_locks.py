"""Watches from another connection which rows a transaction locks, statement by statement, and in which order.

It asks PostgreSQL and not the text of statements: a row that `FOR NO KEY UPDATE SKIP LOCKED` passes by is held by
somebody, and in these tests there is nobody else. Rows that others cannot see yet cannot be waited for, and do not
count; neither do the shared locks of foreign keys, which stand in nobody's way.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import AsyncCursor, sql

from registry.kit.together import Connection

# In the order in which everybody locks them.
TABLES = (("gate_row", "subject_id"), ("address", "id"), ("message", "id"), ("permit", "id"))


@dataclass(frozen=True, slots=True)
class Locked:
    """Rows that one statement was the first of its transaction to lock."""

    statement: str
    rows: tuple[tuple[int, UUID], ...]


@dataclass
class Watch:
    """Transactions as the locks that they took one after the other."""

    transactions: list[list[Locked]] = field(default_factory=list)
    _held: set[tuple[int, UUID]] = field(default_factory=set)

    def saw(self, statement: str, held: set[tuple[int, UUID]]) -> None:
        """What is held after a statement."""
        if not self._held <= held or not self._held:
            # Locks go with their transaction, all at once.
            self._held = set()
            self.transactions.append([])
        if new := held - self._held:
            self.transactions[-1].append(Locked(statement, tuple(sorted(new))))
        self._held = held

    def tables(self) -> list[list[str]]:
        """By transaction that locked anything, the tables in the order in which they were locked."""
        found = [[TABLES[one.rows[0][0]][0] for one in taken] for taken in self.transactions]
        return [one for one in found if one]

    def wrong(self) -> list[str]:
        """What is out of order: a table, an id, or a statement that locks several rows in whatever order."""
        found = []
        for taken in self.transactions:
            last: tuple[int, UUID] | None = None
            for locked in taken:
                words = " ".join(locked.statement.split())[:160]
                first = locked.rows[0]
                if last is not None and first < last:
                    found.append(
                        f"{_name(first)} after {_name(last)}, which comes later in the order: {words}"
                    )
                if len(locked.rows) > 1 and "ORDER BY" not in locked.statement:
                    found.append(f"{len(locked.rows)} rows in no order: {words}")
                last = max(locked.rows) if last is None else max(last, *locked.rows)
        return found


def _name(row: tuple[int, UUID]) -> str:
    return f"{TABLES[row[0]][0]} {row[1]}"


@contextmanager
def watching(patch: pytest.MonkeyPatch, url: str) -> Iterator[Watch]:
    """Look after every statement of every asynchronous connection in this process."""
    watch = Watch()
    with psycopg.connect(url, autocommit=True) as eye, patch.context() as patched:

        def look(statement: Any) -> None:
            text = statement if isinstance(statement, str) else statement.as_string()
            if text.startswith("SELECT") and "FOR" not in text:
                return  # reads, and locks nothing
            watch.saw(text, set(_held(eye)))

        execute, executemany = AsyncCursor.execute, AsyncCursor.executemany

        async def executed(cursor: Any, query: Any, *rest: Any, **more: Any) -> Any:
            result = await execute(cursor, query, *rest, **more)
            look(query)
            return result

        async def executed_many(cursor: Any, query: Any, *rest: Any, **more: Any) -> None:
            await executemany(cursor, query, *rest, **more)
            look(query)

        async def one_by_one(connection: Any, statements: Any) -> Any:
            """Each in a round trip of its own, so that it is seen which of them took a lock."""
            answers = []
            for statement, params in statements:
                cursor = await connection.execute(statement, params)
                answers.append(await cursor.fetchall() if cursor.description else [])
            return answers

        patched.setattr(Connection, "together", one_by_one)
        patched.setattr(AsyncCursor, "execute", executed)
        patched.setattr(AsyncCursor, "executemany", executed_many)
        yield watch


def _held(eye: psycopg.Connection[Any]) -> Iterator[tuple[int, UUID]]:
    for row in eye.execute(_HELD):
        yield row[0], row[1]


_HELD = sql.SQL("WITH {} {}").format(
    sql.SQL(", ").join(
        sql.SQL("{2} AS MATERIALIZED (SELECT {1} AS id FROM {0} FOR NO KEY UPDATE SKIP LOCKED)").format(
            *map(sql.Identifier, (table, column, f"free_{table}"))
        )
        for table, column in TABLES
    ),
    sql.SQL(" UNION ALL ").join(
        sql.SQL("SELECT {3}, {1} FROM {0} WHERE {1} NOT IN (SELECT id FROM {2})").format(
            *map(sql.Identifier, (table, column, f"free_{table}")), rank
        )
        for rank, (table, column) in enumerate(TABLES)
    ),
)
