"""While messages are on their way the connection that holds the persons' locks is watched: without it they stop.

A connection that ends lets its locks go, and then a withdrawal can be acknowledged. So whatever is not out by
then is cut off at once, and not when somebody next asks the database.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

import psycopg
from psycopg.pq import ConnStatus

from registry.kit.database import Session

T = TypeVar("T")


async def while_held(session: Session, works: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """The results of `works`, run at once; OperationalError, and all of them cancelled, once the locks are lost.

    The session may run no statement meanwhile.
    """
    tasks = [asyncio.ensure_future(work) for work in works]
    if not tasks:
        return []
    lost = asyncio.ensure_future(_lost(session))
    done = asyncio.gather(*tasks)
    either: set[asyncio.Future[Any]] = {done, lost}
    try:
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not done.done():
            raise psycopg.OperationalError("the connection that held the locks is gone")
        return list(await done)
    finally:
        lost.cancel()
        for task in tasks:
            task.cancel()
        await asyncio.gather(lost, *tasks, return_exceptions=True)


async def _lost(session: Session) -> None:
    """Return when the server ended the connection."""
    connection = session.driver.pgconn
    loop = asyncio.get_running_loop()
    while True:
        heard = asyncio.Event()
        loop.add_reader(connection.socket, heard.set)
        try:
            await heard.wait()
        finally:
            loop.remove_reader(connection.socket)
        try:
            connection.consume_input()
        except psycopg.OperationalError:
            return
        if connection.status != ConnStatus.OK:
            return
