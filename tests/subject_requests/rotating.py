"""A rotation, and who is found after it."""

from typing import Any

from registry.contacts import queries
from registry.contacts.queries import parse_reference
from registry.subject_requests.rotation import Rotation
from tests.persons import CALLER


def work(workspace: Any) -> Rotation:
    return Rotation(workspace.database, workspace.ring, workspace.policies, CALLER)


async def found(workspace: Any, reference: str) -> list[Any]:
    async with workspace.database.begin(CALLER) as session:
        return await queries.resolve(session, workspace.ring, parse_reference(reference))
