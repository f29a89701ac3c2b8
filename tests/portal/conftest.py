"""What the tests of the pages share."""

from collections.abc import AsyncIterator

import httpx
import pytest_asyncio


@pytest_asyncio.fixture
async def client(client: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that speaks English, unless a request of it says otherwise."""
    client.headers["Accept-Language"] = "en"
    yield client
