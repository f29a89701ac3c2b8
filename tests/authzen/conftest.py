"""A client of the standard, and persons to ask about."""

from collections.abc import AsyncIterator

import httpx
import pytest_asyncio

from registry.access.workspace import Workspace
from tests.authzen.pep import Pep
from tests.http.routes import key


@pytest_asyncio.fixture
async def pep(workspace: Workspace, client: httpx.AsyncClient) -> AsyncIterator[Pep]:
    """A policy enforcement point with an engine's key."""
    client.headers["Authorization"] = f"Bearer {await key(workspace, 'engine')}"
    yield Pep(client)
