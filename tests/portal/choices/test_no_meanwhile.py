"""A "no" on the page of choices while somebody else is recorded at the same address: it binds them too."""

import asyncio
from uuid import UUID

import httpx
import pytest

from registry.access.workspace import Workspace
from registry.consents import service as ledger
from registry.consents.ledger import EntryKind
from registry.consents.validation import NewEntry
from registry.contacts import service as contacts
from registry.contacts.identifiers import Kind, normalise
from registry.contacts.service import NewContact, NewIdentifier
from registry.kit.database import Session
from registry.policy.model import Grade, Subscriber
from tests.persons import CALLER, at, reason
from tests.portal.choices.asking import ANNA, NO, link, take
from tests.portal.letters import rows


@pytest.mark.law("LP-22")
@pytest.mark.parametrize("form", [take("newsletter"), {"action": "take-all"}], ids=["take", "take-all"])
async def test_a_no_that_waited_for_an_import_is_the_addresses_too(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID, form: dict[str, str]
) -> None:
    path = await link(workspace)
    async with workspace.database.begin(CALLER) as importing:
        twice = await imported(importing, workspace)
        saying = asyncio.create_task(client.post(path, data=form))
        async with asyncio.timeout(20):
            while not await somebody_waits(workspace):
                await asyncio.sleep(0.01)
        assert not saying.done()
    assert (await saying).status_code == 200
    (refusal,) = await rows(workspace, "SELECT cause FROM address_refusal")
    assert refusal.cause == "one_click"
    assert await reason(workspace, anna) in NO
    assert await reason(workspace, twice) == "address.suppressed"


async def imported(session: Session, workspace: Workspace) -> UUID:
    """A second record at the same address, with an old consent."""
    new = NewContact(
        [NewIdentifier(normalise(Kind.EMAIL, ANNA))], "old list", country="LV", subscriber=Subscriber.NATURAL
    )
    (made,) = await contacts.create(session, workspace.ring, workspace.policies, [new])
    entry = NewEntry(
        made,
        EntryKind.GRANTED,
        "newsletter",
        "email",
        Grade.FIRST_PARTY,
        "old list",
        assignment_id=await session.value("SELECT id FROM assignment WHERE contact_id = %s", (made,)),
        acted_at=at("2026-01-10"),
        act="ticked",
        notice_version=1,
        notice_locale="en",
    )
    await ledger.record(session, workspace.ring, workspace.policies, [entry])
    return made


async def somebody_waits(workspace: Workspace) -> bool:
    # In a transaction of its own: within one, the server shows the activity as it was first asked about.
    return bool(
        await rows(
            workspace,
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
        )
    )
