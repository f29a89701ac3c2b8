"""Whose hand a message is in: a name that the database forgets in the moment its worker is gone.

A worker's name is a number under which its own connection holds an advisory lock. Whoever can take the lock
knows that the worker has no connection any more, so what lies in its hand is nobody's.
"""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from psycopg import AsyncConnection

from registry.kit.database import Session

# Advisory locks have 64-bit numbers.
_NUMBERS = 2**63


class Owner:
    """A living worker's name. `check` raises OperationalError when its connection is lost."""

    def __init__(self, name: str, connection: AsyncConnection[object]) -> None:
        self.name = name
        self._connection = connection

    async def check(self) -> None:
        await self._connection.execute("SELECT 1")


@asynccontextmanager
async def owner(url: str) -> AsyncIterator[Owner]:
    """A new name, held by a connection of its own for the time of the block (not through a pooler)."""
    number = secrets.randbits(62)
    connection = await AsyncConnection.connect(url, autocommit=True, keepalives_idle=10)
    try:
        await connection.execute("SELECT pg_advisory_lock(%s)", (number,))
        yield Owner(str(number), connection)
    finally:
        await connection.close()


async def is_gone(session: Session, name: str | None) -> bool:
    """Whether the worker of that name has no connection any more; true also for no name at all."""
    if name is None or not name.isdigit() or int(name) >= _NUMBERS:
        return True
    return bool(await session.value("SELECT pg_try_advisory_xact_lock(%s::bigint)", (int(name),)))
