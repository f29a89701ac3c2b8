"""Requests for a confirmation, for the tests of their letters, buttons and terms."""

from pathlib import Path

from registry.access.workspace import Workspace
from registry.consents.ledger import EntryKind
from tests.persons import act, reason
from tests.portal.letters import delivered, path_in

CLUB = "club-letter"
YES = {"confirm": "yes"}
ANNA = "email:anna@example.org"


async def asked(workspace: Workspace, folder: Path) -> str:
    """Anna asks for the letter of the club; the path of the link that she is mailed."""
    await act(workspace, ANNA, EntryKind.REQUESTED, CLUB)
    (mail,) = await delivered(workspace, folder)
    return path_in(mail)


async def of_club(workspace: Workspace) -> str:
    return await reason(workspace, ANNA, CLUB)
