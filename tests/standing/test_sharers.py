"""Two people at two mailboxes of a third say no at the same moment: the third's rows know both."""

import asyncio
from typing import Any
from uuid import UUID

from registry.access.workspace import Workspace
from registry.consents import projection
from registry.consents.ledger import EntryKind
from registry.dispatch.tokens import OneClick
from registry.kit.database import Database
from registry.portal import service as portal
from tests import installation
from tests.persons import CALLER, act, check, make


async def test_of_two_noes_that_reach_somebody_by_two_addresses_neither_is_lost(workspace: Workspace) -> None:
    both = await make(workspace, "x@example.org", "y@example.org")
    sharers = [await make(workspace, address) for address in ("x@example.org", "y@example.org")]
    held = await _assignments(workspace, both)
    for one in held:
        await act(workspace, both, EntryKind.GRANTED, assignment_id=one)
    settled, go_on = asyncio.Event(), asyncio.Event()

    async def late(_: list[dict[str, Any]]) -> None:
        """After the rows were written, and before the commit."""
        settled.set()
        await go_on.wait()

    database = Database(workspace.database.urls, settle=installation.settle, journal=late)
    await database.open()
    first = asyncio.create_task(_click(database, workspace, sharers[0]))
    await asyncio.wait_for(settled.wait(), 20)
    second = asyncio.create_task(_click(workspace.database, workspace, sharers[1]))
    # The second cannot know what the first says, and so waits for it.
    assert not (await asyncio.wait({second}, timeout=0.5))[0]
    go_on.set()
    await asyncio.gather(first, second)
    await database.close()
    for one in held:
        assert (await check(workspace, both, assignment_id=one)).reason == "address.suppressed"
    before = await _rows(workspace)
    await projection.rebuild(workspace.database, CALLER)
    assert await _rows(workspace) == before


async def _click(database: Database, workspace: Workspace, person: UUID) -> None:
    (held,) = await _assignments(workspace, person)
    token = OneClick(person, held, workspace.policies.purpose_ids["newsletter"])
    await database.run(CALLER, lambda s: portal.withdraw(s, workspace.ring, workspace.policies, token))


async def _assignments(workspace: Workspace, person: UUID) -> list[UUID]:
    async with workspace.database.begin(CALLER) as session:
        rows = await session.all("SELECT id FROM assignment WHERE contact_id = %s ORDER BY id", (person,))
    return [row.id for row in rows]


async def _rows(workspace: Workspace) -> list[tuple[Any, ...]]:
    async with workspace.database.begin(CALLER) as session:
        return sorted(map(tuple, await session.all("SELECT * FROM gate_state")), key=repr)
