"""A client of the standard, and persons to ask about."""

from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import pytest_asyncio

from registry.access.workspace import Workspace
from registry.consents.ledger import EntryKind
from tests.authzen.asking import EMAIL
from tests.authzen.pep import Pep
from tests.http.routes import key
from tests.persons import act, make


@pytest_asyncio.fixture
async def pep(workspace: Workspace, client: httpx.AsyncClient) -> AsyncIterator[Pep]:
    """A policy enforcement point with an engine's key."""
    client.headers["Authorization"] = f"Bearer {await key(workspace, 'engine')}"
    yield Pep(client)


@pytest_asyncio.fixture
async def ilze(workspace: Workspace) -> UUID:
    """Somebody who agreed to the newsletter."""
    made = await make(workspace, EMAIL, external="C-1001")
    await act(workspace, f"email:{EMAIL}", EntryKind.GRANTED)
    return made
