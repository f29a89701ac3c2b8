"""Statements that share a way there and back: in their order, all or nothing, and no worse off than alone."""

import asyncio
import contextlib
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.adapt import PyFormat

from registry.access.workspace import Workspace
from registry.kit import together
from registry.kit.database import Database, Role
from registry.kit.errors import Unavailable
from registry.kit.ids import new_id
from registry.kit.together import Connection
from tests.installation import Server
from tests.persons import CALLER

COUNT = "SELECT count(*) AS n FROM gate_row WHERE subject_id = %s"
INSERT = "INSERT INTO gate_row (subject_id) VALUES (%s)"


def test_parameters_are_numbered_and_a_name_is_one_parameter() -> None:
    found = together.parsed("SELECT %(a)s, %(b)b::uuid[], %(a)s, 5 %% 2")
    assert found.text == b"SELECT $1, $2::uuid[], $1, 5 % 2"
    assert (found.names, found.formats) == (("a", "b"), (PyFormat.AUTO, PyFormat.BINARY))
    assert together.parsed("VALUES (%s, %b)").text == b"VALUES ($1, $2)"


async def test_each_statement_sees_what_those_before_it_did(workspace: Workspace) -> None:
    one = new_id()
    async with workspace.database.begin(CALLER) as session:
        before = session.ask(COUNT, (one,))
        session.ask(INSERT, (one,))
        after = await session.one(COUNT, (one,))
        assert [row.n for row in await before.all()] == [0]
        assert after.n == 1


async def test_values_come_back_as_the_driver_reads_them(workspace: Workspace) -> None:
    ids = [new_id(), new_id()]
    statement = (
        "SELECT %(ids)b::uuid[] AS ids, clock_timestamp() AS at, NULL::text AS none, %(n)s::bigint AS n"
    )
    async with workspace.database.begin(CALLER) as session:
        session.ask("SELECT 1")
        (row,) = await session.all(statement, {"ids": ids, "n": 7})
        alone = await session.one(statement, {"ids": ids, "n": 7})
    assert (row.ids, row.none, row.n) == (alone.ids, alone.none, alone.n) == (ids, None, 7)
    assert row.at.utcoffset() == alone.at.utcoffset()


async def test_what_nobody_waits_for_is_committed(workspace: Workspace) -> None:
    one = new_id()
    async with workspace.database.begin(CALLER) as session:
        session.ask(INSERT, (one,))
    async with workspace.database.begin(CALLER) as session:
        assert await session.value(COUNT, (one,)) == 1


async def _written(workspace: Workspace, one: UUID) -> bool:
    async with workspace.database.begin(CALLER) as session:
        return bool(await session.value(COUNT, (one,)))


async def test_what_fails_undoes_everything_and_the_connection_serves_on(workspace: Workspace) -> None:
    first, second = new_id(), new_id()
    for _ in range(20):
        with pytest.raises(psycopg.errors.UniqueViolation):
            async with workspace.database.begin(CALLER) as session:
                for one in (first, first, second):
                    session.ask(INSERT, (one,))
    assert not await _written(workspace, first)
    assert not await _written(workspace, second)


async def test_a_statement_that_was_never_prepared_is_prepared_the_next_time(workspace: Workspace) -> None:
    """After a failure the server passes over what follows, preparations included."""
    for _ in range(2):
        with pytest.raises(psycopg.errors.DivisionByZero):
            async with workspace.database.begin(CALLER) as session:
                session.ask("SELECT 1 / %s::int", (0,))
                await session.all("SELECT %s::int AS later", (1,))
    async with workspace.database.begin(CALLER) as session:
        session.ask("SELECT 1 / %s::int", (1,))
        assert await session.value("SELECT %s::int AS later", (1,)) == 1


async def test_a_check_that_fails_comes_before_the_commit(workspace: Workspace) -> None:
    one = new_id()

    def refuse(_: list[Any]) -> None:
        raise Unavailable("test", "No.")

    with pytest.raises(Unavailable):
        async with workspace.database.begin(CALLER) as session:
            session.ask(INSERT, (one,))
            session.ask("SELECT 1", check=refuse)
    assert not await _written(workspace, one)


async def test_too_few_parameters_send_nothing(workspace: Workspace) -> None:
    one = new_id()
    async with workspace.database.begin(CALLER) as session:
        session.ask(INSERT, (one,))
        session.ask(INSERT, ())
        with pytest.raises(psycopg.ProgrammingError):
            await session.send()
        assert await session.value(COUNT, (one,)) == 0


async def test_more_than_the_sockets_hold_goes_through(workspace: Workspace) -> None:
    """Neither side waits for the other to read."""
    long = "x" * 200_000
    async with workspace.database.begin(CALLER) as session:
        asked = [session.ask("SELECT %s::text || %s::text AS told", (long, str(n))) for n in range(40)]
        await session.send()
        assert [(await one.all())[0].told[len(long) :] for one in asked] == [str(n) for n in range(40)]


async def test_who_gives_up_leaves_no_half_answered_connection(workspace: Workspace) -> None:
    one = new_id()

    async def wait() -> None:
        async with workspace.database.begin(CALLER) as session:
            session.ask(INSERT, (one,))
            await session.all("SELECT pg_sleep(%s)", (30,))

    task = asyncio.create_task(wait())
    await asyncio.sleep(0.3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not await _written(workspace, one)


async def test_a_connection_that_died_meanwhile_is_replaced(workspace: Workspace, server: Server) -> None:
    database = Database(workspace.database.urls, size=2)
    await database.open()
    try:
        async with database.begin(CALLER) as session, database.begin(CALLER) as other:
            dead = [one.driver.info.backend_pid for one in (session, other)]
        with psycopg.connect(server.superuser_url, autocommit=True) as connection:
            for pid in dead:
                connection.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
        for role in (Role.APP, Role.APP, Role.APP):
            async with database.begin(CALLER, role) as session:
                assert await session.value("SELECT 1") == 1
                assert isinstance(session.driver, Connection)
                assert session.driver.info.backend_pid not in dead
        async with database.held(CALLER) as session:
            assert await session.value("SELECT 1") == 1
    finally:
        await database.close()


async def test_one_statement_many_times_is_prepared_once(workspace: Workspace) -> None:
    async with workspace.database.begin(CALLER) as session:
        before = await session.value("SELECT count(*) FROM pg_prepared_statements")
        asked = [session.ask("SELECT %s::int AS again", (n,)) for n in range(500)]
        assert [(await one.all())[0].again for one in asked] == list(range(500))
        assert await session.value("SELECT count(*) FROM pg_prepared_statements") <= before + 2


async def test_a_statement_that_the_schema_left_behind_fails_once_and_is_prepared_anew(
    workspace: Workspace,
) -> None:
    database = Database(workspace.database.urls, size=1)
    await database.open()

    async def read() -> int:
        async with database.begin(CALLER, Role.OWNER) as session:
            session.ask("SELECT 1")
            return len(await session.one("SELECT * FROM left_behind WHERE one = %s", (1,)))

    async with workspace.database.begin(CALLER, Role.OWNER) as session:
        await session.execute("CREATE TABLE left_behind (one int)")
        await session.execute("INSERT INTO left_behind VALUES (1)")
    try:
        assert [await read() for _ in range(3)] == [1, 1, 1]
        async with workspace.database.begin(CALLER, Role.OWNER) as session:
            await session.execute("ALTER TABLE left_behind ADD two int")
        seen: list[int] = []
        for _ in range(6):
            try:
                seen.append(await read())
            except psycopg.errors.FeatureNotSupported:
                seen.append(0)
        assert seen.count(0) <= 2, "once for each connection"
        assert seen[-1] == 2
    finally:
        await database.close()
        async with workspace.database.begin(CALLER, Role.OWNER) as session:
            await session.execute("DROP TABLE left_behind")


async def test_an_error_that_was_passed_over_is_no_commit(workspace: Workspace) -> None:
    one = new_id()
    with pytest.raises(psycopg.errors.InFailedSqlTransaction):
        async with workspace.database.begin(CALLER) as session:
            await session.execute(INSERT, (one,))
            with contextlib.suppress(psycopg.errors.DivisionByZero):
                await session.execute("SELECT 1 / 0")
    assert not await _written(workspace, one)
