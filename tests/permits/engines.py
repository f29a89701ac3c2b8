"""What an engine outside does with permits, through the services that its calls reach."""

from hashlib import sha256
from typing import Any
from uuid import UUID

from registry.access.workspace import Workspace
from registry.consents.ledger import EntryKind
from registry.contacts.queries import parse_reference
from registry.gate import permits
from registry.gate.permits import Issued, Redemption, Wanted
from registry.kit.database import Session
from tests.persons import CALLER, act, make

CONTENT = sha256(b"the message").digest()
OTHER = sha256(b"another message").digest()
EMAIL = "anna@example.test"


async def subscriber(workspace: Workspace, *addresses: str, **more: Any) -> UUID:
    """Somebody who gets the newsletter at the first of these addresses."""
    addresses = addresses or (EMAIL,)
    made = await make(workspace, *addresses, **more)
    await act(workspace, f"email:{addresses[0]}", EntryKind.GRANTED)
    return made


async def issue(
    workspace: Workspace, reference: object = f"email:{EMAIL}", purpose: str = "newsletter", **more: Any
) -> Issued:
    wanted = Wanted(parse_reference(str(reference)), purpose, "email", CONTENT, **more)

    async def work(session: Session) -> Issued:
        return await permits.issue(session, workspace.ring, workspace.policies, wanted)

    return await workspace.database.run(CALLER, work)


async def token(workspace: Workspace, reference: object = f"email:{EMAIL}", **more: Any) -> str:
    """The token of a permit that is issued; the gate says yes."""
    issued = await issue(workspace, reference, **more)
    assert issued.token is not None, issued.decision.reason
    return issued.token


async def redeem(workspace: Workspace, given: str, content: bytes = CONTENT) -> Redemption:
    async def work(session: Session) -> Redemption:
        return await permits.redeem(session, workspace.ring, workspace.policies, given, content)

    return await workspace.database.run(CALLER, work)


async def kept(workspace: Workspace) -> list[Any]:
    """All permits on record, in the order of their issue."""
    async with workspace.database.begin(CALLER) as session:
        return await session.all(
            "SELECT id, state, ended_at, ended_by, redemption_id FROM permit ORDER BY id"
        )
