"""What a grant and a withdrawal cost in statements and in ways there and back, and that what is spared is no fact."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from typing import Any

import pytest
from psycopg import AsyncConnection

from registry.access.workspace import Workspace
from registry.consents import projection
from registry.consents.ledger import EntryKind
from registry.kit.database import Role
from registry.kit.together import Connection
from registry.standing.model import GateState
from tests.persons import CALLER, act, check, make

COLUMNS = ", ".join(field.name for field in fields(GateState))


@contextmanager
def counting(patch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many statements go in each way there and back."""
    trips: list[int] = []
    together, execute, commit = Connection.together, AsyncConnection.execute, AsyncConnection.commit

    async def several(connection: Connection, statements: Any) -> Any:
        trips.append(len(statements))
        return await together(connection, statements)

    async def one(connection: Any, *rest: Any, **more: Any) -> Any:
        trips.append(1)
        return await execute(connection, *rest, **more)

    async def last(connection: Any) -> None:
        trips.append(1)
        await commit(connection)

    with patch.context() as patched:
        patched.setattr(Connection, "together", several)
        patched.setattr(AsyncConnection, "execute", one)
        patched.setattr(AsyncConnection, "commit", last)
        yield trips


@pytest.mark.parametrize(
    ("kind", "most", "statements"), [(EntryKind.GRANTED, 5, 13), (EntryKind.WITHDRAWN, 6, 18)]
)
async def test_by_our_id_it_takes_so_many_round_trips(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, kind: EntryKind, most: int, statements: int
) -> None:
    person = await make(workspace, "anna@example.test")
    await act(workspace, person, EntryKind.GRANTED, assignment_id=await _assignment(workspace, person))
    more = {} if kind.takes_away else {"assignment_id": await _assignment(workspace, person)}
    with counting(monkeypatch) as trips:
        await act(workspace, person, kind, **more)
    assert len(trips) <= most, trips
    assert sum(trips) <= statements, trips
    # The lock of the gate row stands alone, after BEGIN and before everything that is read.
    assert trips[:2] == [1, 1]


async def _assignment(workspace: Workspace, person: Any) -> Any:
    async with workspace.database.begin(CALLER) as session:
        return await session.value("SELECT id FROM assignment WHERE contact_id = %s", (person,))


async def _rows(workspace: Workspace, person: Any) -> list[Any]:
    async with workspace.database.begin(CALLER) as session:
        return await session.all(
            f"SELECT {COLUMNS} FROM gate_state WHERE contact_id = %s ORDER BY purpose_id, channel_id, assignment_id",
            (person,),
        )


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE gate_state SET consent = 5, grade = 2 WHERE contact_id = %s",
        (
            "UPDATE gate_state SET suppressed = 1 WHERE contact_id = %s AND channel_id = (SELECT min(channel_id)"
            " FROM gate_state)"
        ),
        "DELETE FROM gate_state WHERE contact_id = %s AND purpose_id = (SELECT max(purpose_id) FROM gate_state)",
        (
            "UPDATE gate_state SET assignment_id = gen_random_uuid() WHERE contact_id = %s AND assignment_id <>"
            " '00000000-0000-0000-0000-000000000000'"
        ),
    ],
)
async def test_rows_that_are_not_what_follows_are_mended_by_the_next_act(
    workspace: Workspace, change: str
) -> None:
    """It is the stored rows that are compared, and not what was thought to be stored."""
    person = await make(workspace, "anna@example.test", "anna@work.test")
    await act(workspace, "email:anna@example.test", EntryKind.GRANTED)
    async with workspace.database.begin(CALLER, Role.OWNER) as session:
        assert (await session.execute(change, (person,))).rowcount
    await act(workspace, "email:anna@work.test", EntryKind.GRANTED)
    stands = await _rows(workspace, person)
    await projection.rebuild(workspace.database, CALLER)
    assert await _rows(workspace, person) == stands
    assert (await check(workspace, person)).permitted
