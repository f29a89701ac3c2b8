"""A served application on loopback, and the two clients of it behind one way of calling."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio
import uvicorn

from registry.access.workspace import Workspace
from registry.client import AsyncClient, Client
from tests.http.routes import key


@pytest_asyncio.fixture
async def served(app: Any) -> AsyncIterator[str]:
    """The real application behind a real server; its address."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="critical"))
        task = asyncio.create_task(server.serve(sockets=[listening]))
        while not server.started:
            await asyncio.sleep(0.005)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        await task


class Threaded:
    """The waiting client, called from a loop: each call in a thread, each iterator read to its end."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self.client, name)
        if name == "because":
            return lambda *args: Threaded(method(*args))

        async def called(*args: Any, **named: Any) -> Any:
            return await asyncio.to_thread(lambda: _read(method(*args, **named)))

        return called


def _read(result: Any) -> Any:
    return list(result) if hasattr(result, "__next__") else result


class Awaited:
    """The client for loops, its iterators read to their end."""

    def __init__(self, client: AsyncClient) -> None:
        self.client = client

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self.client, name)
        if name == "because":
            return lambda *args: Awaited(method(*args))

        async def called(*args: Any, **named: Any) -> Any:
            result = method(*args, **named)
            return [one async for one in result] if hasattr(result, "__anext__") else await result

        return called


WHY = {"purpose": "support", "reason": "ticket 4711"}


@pytest_asyncio.fixture(params=["waiting", "awaited"])
async def zgoda(request: pytest.FixtureRequest, workspace: Workspace, served: str) -> AsyncIterator[Any]:
    """A client with an admin key."""
    made = await key(workspace, "admin")
    if request.param == "waiting":
        with Client(served, made, **WHY) as client:
            yield Threaded(client)
    else:
        async with AsyncClient(served, made, **WHY) as awaited:
            yield Awaited(awaited)
