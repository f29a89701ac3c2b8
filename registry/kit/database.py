"""The database: one unit of work is one transaction, committed at the edge, with what it owes settled first."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import Any, LiteralString, NamedTuple, TypeVar, cast
from uuid import UUID

import psycopg
from psycopg import AsyncConnection, AsyncCursor, sql
from psycopg.rows import namedtuple_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from sqlalchemy import ClauseElement
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from registry.kit import arrays, copying
from registry.kit.caller import Caller
from registry.kit.errors import Unavailable

T = TypeVar("T")
Row = Any
Params = Any


class Role(Enum):
    """The three database roles: who may change the schema, who may write facts, who may take facts away."""

    OWNER = "owner"
    APP = "app"
    RETENTION = "retention"


@dataclass(frozen=True, slots=True)
class Urls:
    """Where each role connects; libpq connection strings."""

    owner: str
    app: str
    retention: str

    def of(self, role: Role) -> str:
        return {Role.OWNER: self.owner, Role.APP: self.app, Role.RETENTION: self.retention}[role]


class Compiled(NamedTuple):
    text: str
    params: dict[str, Any]


arrays.teach_driver()

_DIALECT = PGDialect_psycopg()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped


@lru_cache(maxsize=512)
def _compiled(statement: ClauseElement) -> Compiled:
    compiled = statement.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
    return Compiled(str(compiled), dict(compiled.params))


def _literal(text: str) -> LiteralString:
    """SQL of ours: psycopg's types ask for a literal, so that nobody passes text that came from outside."""
    return cast(LiteralString, text)  # type: ignore[redundant-cast]  # mypy takes LiteralString for str


@dataclass(slots=True)
class Session:
    """One transaction. Rows are named tuples; SQL is text with `%(name)s`, or a SQLAlchemy Core statement.

    `stale` collects the persons whose gate rows were locked for writing: what the gate reads about them is
    written anew before the commit, in this transaction, so no fact is ever ahead of its projection.
    """

    driver: AsyncConnection[Row]
    caller: Caller
    stale: set[UUID] = field(default_factory=set)
    # Persons made in this transaction: nothing of theirs can be there yet.
    fresh: set[UUID] = field(default_factory=set)
    # Address rows made in this transaction: nobody else can hold or change them.
    fresh_addresses: set[UUID] = field(default_factory=set)
    # Keys of those persons, as `registry.keys.persons` made them.
    fresh_keys: dict[UUID, Any] = field(default_factory=dict)
    # Of persons locked here of whom there are several records: which one stands for each (`registry.standing.merged`).
    merged: dict[UUID, UUID] = field(default_factory=dict)
    # Takings-away (ids and MACs only) that must be on disk outside the database before they are acknowledged.
    takings: list[dict[str, Any]] = field(default_factory=list)
    # What those takings-away put an end to, and what was past ending: `registry.standing.permits` fills them in, and
    # the answer to whoever said no tells them.
    voided: list[Any] = field(default_factory=list)
    in_flight: list[Any] = field(default_factory=list)
    # Entries that begin or end a double opt-in (`registry.consents.service.Step`): whoever opened the database mails
    # the confirmation when this transaction ends.
    steps: list[Any] = field(default_factory=list)
    # What this process read when it started was found to hold still, under this transaction's locks
    # (`registry.policy.in_force`).
    current: bool = False

    async def execute(self, statement: str | ClauseElement, params: Params = None) -> AsyncCursor[Row]:
        """Run one statement and return its cursor."""
        if isinstance(statement, str):
            return await self.driver.execute(_literal(statement), params)
        compiled = _compiled(statement)
        return await self.driver.execute(_literal(compiled.text), {**compiled.params, **(params or {})})

    async def all(self, statement: str | ClauseElement, params: Params = None) -> list[Row]:
        """Every row."""
        return await (await self.execute(statement, params)).fetchall()

    async def all_binary(self, statement: str, params: Params = None) -> list[Row]:
        """Every row, in the protocol's binary form: ids and bytes come a quarter faster; for hot statements."""
        return await (await self.driver.execute(_literal(statement), params, binary=True)).fetchall()

    async def first(self, statement: str | ClauseElement, params: Params = None) -> Row | None:
        """The first row, or None."""
        return await (await self.execute(statement, params)).fetchone()

    async def one(self, statement: str | ClauseElement, params: Params = None) -> Row:
        """The first row; LookupError when there is none."""
        row = await self.first(statement, params)
        if row is None:
            raise LookupError("a row was expected")
        return row

    async def value(self, statement: str | ClauseElement, params: Params = None) -> Any:
        """The first column of the first row, or None."""
        row = await self.first(statement, params)
        return None if row is None else row[0]

    async def many(self, statement: str, rows: Iterable[Params]) -> None:
        """Run one statement for each of many parameter sets, pipelined."""
        async with self.driver.cursor() as cursor:
            await cursor.executemany(_literal(statement), rows)

    async def copy(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Append rows by COPY, the fastest way in; constraints and triggers hold as for INSERT."""
        await self.copy_lines(table, columns, copying.lines(rows))

    async def copy_lines(self, table: str, columns: Sequence[str], lines: Iterable[str]) -> None:
        """The same with rows that are in the text form of COPY already, without their ends."""
        pieces = copying.pieces(lines)
        first = next(pieces, None)
        if first is None:
            return
        target = sql.SQL("COPY {} ({}) FROM STDIN").format(
            sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
        )
        async with self.driver.cursor() as cursor, cursor.copy(target) as copy:
            await copy.write(first)
            for piece in pieces:
                await copy.write(piece)


Settle = Callable[[Session], Awaitable[None]]
Journal = Callable[[list[dict[str, Any]]], Awaitable[None]]

# Deadlock, serialisation failure, an epoch closed meanwhile: the transaction did nothing and can be done again.
_AGAIN = frozenset({"40P01", "40001", "ZG001"})


class Database:
    """Connections by role, and the unit of work."""

    def __init__(
        self, urls: Urls, *, settle: Settle | None = None, journal: Journal | None = None, size: int = 16
    ) -> None:
        self.urls = urls
        self._settle = settle
        self._journal = journal
        self._pools: dict[Role, AsyncConnectionPool[AsyncConnection[Row]]] = {}
        self._sizes = {Role.APP: size, Role.RETENTION: 2, Role.OWNER: 2}
        self._opening = asyncio.Lock()

    async def open(self) -> None:
        """Open the application role's pool; the others open when first used."""
        await self._pool(Role.APP)

    async def close(self) -> None:
        for pool in self._pools.values():
            await pool.close()
        self._pools.clear()

    async def _pool(self, role: Role) -> AsyncConnectionPool[AsyncConnection[Row]]:
        if pool := self._pools.get(role):
            return pool
        async with self._opening:
            if pool := self._pools.get(role):
                return pool
            pool = AsyncConnectionPool(
                self.urls.of(role),
                min_size=1,
                max_size=self._sizes[role],
                open=False,
                timeout=10,
                kwargs={"row_factory": namedtuple_row},
                check=AsyncConnectionPool.check_connection,
            )
            await pool.open()
            self._pools[role] = pool
            return pool

    @asynccontextmanager
    async def connection(self, role: Role = Role.APP) -> AsyncIterator[AsyncConnection[Row]]:
        """A pooled connection; Unavailable when the database does not answer."""
        pool = await self._pool(role)
        try:
            connection = await pool.getconn()
        except PoolTimeout as error:
            raise Unavailable("database.unavailable", "The database does not answer.") from error
        try:
            yield connection
        finally:
            await pool.putconn(connection)

    @asynccontextmanager
    async def held(self, caller: Caller) -> AsyncIterator[Session]:
        """A connection without a transaction: every statement is one of its own, committed when it returns.

        For hot paths whose one write is one statement; what needs settling, or a journal, needs `begin`.
        """
        async with self.connection() as connection:
            await connection.set_autocommit(True)
            try:
                yield Session(connection, caller)
            finally:
                if not connection.closed:
                    await connection.set_autocommit(False)

    @asynccontextmanager
    async def begin(self, caller: Caller, role: Role = Role.APP) -> AsyncIterator[Session]:
        """One transaction: committed when the block ends, rolled back when it raises.

        What the transaction owes (projections of the persons it locked) is settled before the commit; its
        takings-away are in the journal before they are in force.
        """
        async with self.connection(role) as connection:
            session = Session(connection, caller)
            try:
                yield session
                if session.stale and self._settle is not None:
                    await self._settle(session)
                if session.takings and self._journal is not None:
                    # Before the commit: what is in force is in the journal whatever dies next. Should the commit
                    # fail, the journal says more than happened, which errs on the side of the person.
                    await self._journal(session.takings)
                await connection.commit()
            except BaseException:
                if not connection.closed:
                    await connection.rollback()
                raise

    async def run(
        self,
        caller: Caller,
        work: Callable[[Session], Awaitable[T]],
        *,
        role: Role = Role.APP,
        attempts: int = 5,
    ) -> T:
        """`work` in one transaction, done again when the database chose it as a deadlock's victim."""
        for attempt in range(1, attempts + 1):
            try:
                async with self.begin(caller, role) as session:
                    return await work(session)
            except psycopg.Error as error:
                if error.sqlstate not in _AGAIN or attempt == attempts:
                    raise
                await asyncio.sleep(random.uniform(0, 0.02 * attempt))
        raise AssertionError("unreachable")
