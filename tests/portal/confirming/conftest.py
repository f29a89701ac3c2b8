"""Somebody whose consent is confirmed by letter."""

from uuid import UUID

import pytest

from registry.access.workspace import Workspace
from tests.persons import make


@pytest.fixture
async def anna(workspace: Workspace) -> UUID:
    return await make(workspace, "anna@example.org", country="PL")
