"""What ends while a lock is waited for has ended: an answer is of the instant at which all locks were held."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import psycopg
import pytest

from registry.access.workspace import Workspace
from registry.consents import acts
from registry.consents.ground_service import NewGround
from registry.contacts import queries
from registry.contacts.queries import parse_reference
from registry.dispatch import handoff
from registry.gate import permits
from registry.gate.model import Decision
from registry.gate.permits_model import Wanted
from registry.kit.database import Session, Urls
from registry.kit.ids import NIL
from tests.merging.people import assignment
from tests.persons import CALLER, make

ADDRESS = "a@example.org"
PURPOSE = "order-messages"


class InHand(NamedTuple):
    """What a hand-off has to know of a message to be decided."""

    contact_id: UUID
    assignment_id: UUID
    address_id: UUID
    purpose: str = PURPOSE
    channel: str = "email"


async def hand_over(session: Session, workspace: Workspace, message: InHand) -> Decision:
    (decision,) = await handoff.locked_decisions(session, workspace.policies, [message])  # type: ignore[list-item]
    return decision


async def permit(session: Session, workspace: Workspace, message: InHand) -> Decision:
    wanted = Wanted(parse_reference(str(message.contact_id)), PURPOSE, "email", b"x" * 32, None, 60)
    return (await permits.issue(session, workspace.ring, workspace.policies, wanted)).decision


@pytest.mark.parametrize("decide", [hand_over, permit])
async def test_a_contract_that_ends_while_the_address_is_waited_for_has_ended(
    workspace: Workspace, urls: Urls, decide: Callable[[Session, Workspace, InHand], Awaitable[Decision]]
) -> None:
    person = await make(workspace, ADDRESS)
    now = datetime.now(UTC)
    ends = now + timedelta(seconds=0.7)
    contract = NewGround(
        NIL, "contract", controller=workspace.policies.purposes[PURPOSE].controller, source="shop",
        occurred_at=now - timedelta(days=1), ends_at=ends,
    )  # fmt: skip
    async with workspace.database.begin(CALLER) as session:
        await acts.record_ground(
            session, workspace.ring, workspace.policies, parse_reference(str(person)), contract
        )
    async with workspace.database.begin(CALLER) as session:
        (address_id,) = await queries.address_ids(session, [person])
    message = InHand(person, await assignment(workspace, person, f"email:{ADDRESS}"), address_id)
    async with await psycopg.AsyncConnection.connect(urls.app) as other:
        await other.execute("SELECT id FROM address WHERE id = %s FOR NO KEY UPDATE", (address_id,))

        async def work() -> Decision:
            async with workspace.database.begin(CALLER) as session:
                return await decide(session, workspace, message)

        task = asyncio.create_task(work())
        await asyncio.sleep((ends - datetime.now(UTC)).total_seconds() + 0.3)
        assert not task.done()
        await other.rollback()
    decision = await task
    assert decision.reason == "basis.facts_missing"
    assert decision.as_of >= ends
