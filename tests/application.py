"""The real HTTP application, lent to one test after the other: putting its routes together costs more than most tests.

Nothing of an installation stays in it: what the handlers are handed is replaced whole.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpx

from registry.access import service as access
from registry.access.workspace import Workspace
from tests.persons import CALLER

ADDRESS = "http://127.0.0.1:8400"

_FREE: list[Any] = []


@contextmanager
def lent(workspace: Workspace) -> Iterator[Any]:
    """An application on this installation. Who asks for two at a time gets two."""
    # Imported late: most tests have no use for the framework.
    from registry.app import create_app, place

    if _FREE:
        app = _FREE.pop()
        place(app, workspace)
    else:
        app = create_app(workspace)
    yield app
    _FREE.append(app)


@asynccontextmanager
async def client_of(workspace: Workspace) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client of an application on this installation, with an admin key, a purpose and a reason."""
    async with workspace.database.begin(CALLER) as session:
        _, key = await access.create_key(session, workspace.ring, "admin", "test")
    headers = {"Authorization": f"Bearer {key}", "Zgoda-Purpose": "operation", "Zgoda-Reason": "test"}
    with lent(workspace) as app:
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=ADDRESS, headers=headers) as client:
            yield client
