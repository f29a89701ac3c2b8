"""Somebody whose choices are looked at."""

from uuid import UUID

import pytest

from registry.access.workspace import Workspace
from registry.consents.ledger import EntryKind
from tests.persons import act, make, sale
from tests.portal.choices.asking import ANNA


@pytest.fixture
async def anna(workspace: Workspace) -> UUID:
    made = await make(workspace, ANNA, country="LV", fields={"first_name": "Annapurna"})
    await act(workspace, f"email:{ANNA}", EntryKind.GRANTED, "newsletter")
    await sale(workspace, f"email:{ANNA}")
    return made
