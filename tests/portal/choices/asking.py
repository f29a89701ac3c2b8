"""Links to somebody's choices, and the forms that stand there."""

import re
import time

from registry.access.workspace import Workspace
from registry.dispatch.tokens import Preferences, seal_preferences
from tests.portal.letters import ids

ANNA = "anna@example.org"
NO = ("consent.withdrawn", "address.suppressed", "purpose.objected")


async def link(
    workspace: Workspace, address: str = ANNA, purpose: str = "newsletter", days: float | None = 0
) -> str:
    """The path of a link to somebody's choices, mailed so many days ago; None for one that never was fresh."""
    contact_id, assignment_id = await ids(workspace, address)
    issued = 0 if days is None else int(time.time() - days * 86_400)
    token = Preferences(contact_id, assignment_id, workspace.policies.purpose_ids[purpose], issued)
    return f"/p/prefs/{seal_preferences(workspace.ring.token, token)}"


def take(purpose: str, channel: str = "email") -> dict[str, str]:
    return {"action": "take", "purpose": purpose, "channel": channel}


def give(workspace: Workspace, purpose: str, locale: str = "en", **more: str) -> dict[str, str]:
    version = workspace.policies.purposes[purpose].notice_version
    return {"action": "give", "purpose": purpose, "channel": "email", "notice": f"{version}.{locale}", **more}


def forms(page: str) -> list[dict[str, str]]:
    """The hidden fields of every form of a page."""
    return [
        dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form))
        for form in re.findall(r"<form.*?</form>", page, re.DOTALL)
    ]
