"""The database: one unit of work is one transaction, committed at the edge, with what it owes settled first."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, TypeVar

import psycopg
from psycopg.rows import namedtuple_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from registry.kit.caller import Caller
from registry.kit.errors import Overtaken, Unavailable
from registry.kit.session import Params, Row, Session
from registry.kit.together import Connection

__all__ = ["Database", "Params", "Role", "Row", "Session", "Settle", "Urls"]

T = TypeVar("T")


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
        self._pools: dict[Role, AsyncConnectionPool[Connection]] = {}
        self._sizes = {Role.APP: size, Role.RETENTION: 2, Role.OWNER: 2}
        self._opening = asyncio.Lock()

    async def open(self) -> None:
        """Open the application role's pool; the others open when first used."""
        await self._pool(Role.APP)

    async def close(self) -> None:
        for pool in self._pools.values():
            await pool.close()
        self._pools.clear()

    async def _pool(self, role: Role) -> AsyncConnectionPool[Connection]:
        if pool := self._pools.get(role):
            return pool
        async with self._opening:
            if pool := self._pools.get(role):
                return pool
            pool = AsyncConnectionPool(
                self.urls.of(role),
                connection_class=Connection,
                min_size=1,
                max_size=self._sizes[role],
                open=False,
                timeout=10,
                # Transactions begin by a statement of ours, which also tells whether the connection lives.
                kwargs={"row_factory": namedtuple_row, "autocommit": True},
            )
            await pool.open()
            self._pools[role] = pool
            return pool

    @asynccontextmanager
    async def connection(
        self, role: Role = Role.APP, *, beginning: bool = False
    ) -> AsyncIterator[Connection]:
        """A pooled connection that lives, in a transaction if it is `beginning` one; Unavailable when none answers."""
        pool = await self._pool(role)
        connection = await _living(pool, "BEGIN" if beginning else "")
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
            yield Session(connection, caller)

    @asynccontextmanager
    async def begin(self, caller: Caller, role: Role = Role.APP) -> AsyncIterator[Session]:
        """One transaction: committed when the block ends, rolled back when it raises.

        What the transaction owes (projections of the persons it locked) is settled before the commit; its
        takings-away are in the journal before they are in force.
        """
        async with self.connection(role, beginning=True) as connection:
            session = Session(connection, caller)
            try:
                yield session
                if session.stale and self._settle is not None:
                    await self._settle(session)
                if session.takings and self._journal is not None:
                    # Before the commit: what is in force is in the journal whatever dies next. Should the commit
                    # fail, the journal says more than happened, which errs on the side of the person.
                    await self._journal(session.takings)
                await session.commit()
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
        """`work` in one transaction, done again when it is a deadlock's victim or was Overtaken.

        What overtook it in every attempt is raised, as by `begin`, with nothing written.
        """
        for attempt in range(1, attempts + 1):
            try:
                async with self.begin(caller, role) as session:
                    return await work(session)
            except (psycopg.Error, Overtaken) as error:
                again = isinstance(error, Overtaken) or error.sqlstate in _AGAIN
                if not again or attempt == attempts:
                    raise
                await asyncio.sleep(random.uniform(0, 0.02 * attempt))
        raise AssertionError("unreachable")


async def _living(pool: AsyncConnectionPool[Connection], first: Literal["BEGIN", ""]) -> Connection:
    """A connection that took its first statement; those that died since they were used last are given up."""
    for _ in range(pool.max_size + 1):
        try:
            connection = await pool.getconn()
        except PoolTimeout:
            break
        try:
            await connection.together(((first, None),))
        except BaseException as error:
            await pool.putconn(connection)
            if not isinstance(error, psycopg.OperationalError):
                raise
        else:
            return connection
    raise Unavailable("database.unavailable", "The database does not answer.")
