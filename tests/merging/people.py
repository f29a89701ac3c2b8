"""Records merged and parted in tests, through the same services as everybody's."""

from uuid import UUID

from registry.access.workspace import Workspace
from registry.consents import merging, readdressing
from registry.consents.merging import Merge, Unmerge
from registry.consents.readdressing import Changed
from registry.contacts.queries import parse_reference, resolve
from tests.persons import CALLER


async def merge(workspace: Workspace, surviving: UUID, merged: UUID) -> Merge:
    async with workspace.database.begin(CALLER) as session:
        return await merging.merge(
            session, workspace.ring, workspace.policies, surviving, merged, "same customer number"
        )


async def unmerge(workspace: Workspace, merge_id: UUID) -> Unmerge:
    async with workspace.database.begin(CALLER) as session:
        return await merging.unmerge(session, workspace.ring, workspace.policies, merge_id)


async def change(workspace: Workspace, contact_id: UUID, old: str, new: str, **more: bool) -> Changed:
    async with workspace.database.begin(CALLER) as session:
        identifier = parse_reference(old).identifier
        assert identifier is not None
        held = await readdressing.find(session, workspace.ring, contact_id, identifier)
        return await readdressing.change_address(
            session,
            workspace.ring,
            workspace.policies,
            contact_id,
            held,
            new.partition(":")[2],
            source="test",
            **more,
        )


async def assignment(workspace: Workspace, contact_id: UUID, reference: str) -> UUID:
    """The id of one of a person's identifiers."""
    async with workspace.database.begin(CALLER) as session:
        identifier = parse_reference(reference).identifier
        assert identifier is not None
        return await readdressing.find(session, workspace.ring, contact_id, identifier)


async def resolved(workspace: Workspace, reference: str) -> list[UUID]:
    async with workspace.database.begin(CALLER) as session:
        return await resolve(session, workspace.ring, parse_reference(reference))
