"""What the tests of routes share: keys of every kind, persons to talk about, and the log as it was written."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler

from registry.access import service
from registry.access.workspace import Workspace
from registry.kit.caller import Caller
from registry.kit.http.admission import CLOSED, OPTION, Admission

WHY = {"Zgoda-Purpose": "support", "Zgoda-Reason": "ticket 4711"}
GRANT = {"kind": "grant", "purpose": "newsletter", "channel": "email", "source": "form", "act": "ticked",
         "notice": {"version": 1, "locale": "en"}}  # fmt: skip


async def key(workspace: Workspace, kind: str, controllers: Any = (), purposes: Any = (), **more: Any) -> str:
    """A key of a kind; without a scope, one for every purpose."""
    if not controllers and not purposes:
        controllers = tuple(workspace.policies.controllers)
    async with workspace.database.begin(Caller("operator", reason="test key")) as session:
        _, made = await service.create_key(
            session, workspace.ring, kind, f"test {kind}", controllers, purposes, **more
        )
    return made


def bearer(made: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {made}", **WHY}


async def person(client: httpx.AsyncClient, email: str, **fields: str) -> str:
    """A person with one address, made over the API by `client`; their id."""
    body = {"identifiers": [{"kind": "email", "value": email}], "source": "form", "fields": fields}
    answer = await client.post("/api/v1/contacts", json=body)
    assert answer.status_code in (200, 201), answer.text
    return str(answer.json()["id"])


@asynccontextmanager
async def logged(workspace: Workspace) -> AsyncIterator[Callable[[], list[dict[str, Any]]]]:
    """The entries that were appended inside the block, once it is left."""
    found: list[dict[str, Any]] = []
    before = await _entries(workspace, 0)
    yield lambda: found
    last = max((number for number, _ in before), default=0)
    found += [body for _, body in await _entries(workspace, last)]


async def _entries(workspace: Workspace, above: int) -> list[tuple[int, dict[str, Any]]]:
    async with workspace.database.begin(Caller("operator", reason="test")) as session:
        rows = await session.all("SELECT id, body FROM audit_entry WHERE id > %s ORDER BY id", (above,))
    return [(row.id, json.loads(bytes(row.body))) for row in rows]


def admissions(app: Litestar) -> dict[tuple[str, str], Admission]:
    """Every route of the application that runs code of ours, with who may call it."""
    return {
        (method, route.path_format): handler.opt.get(OPTION, CLOSED)
        for route in app.routes
        for handler in getattr(route, "route_handlers", ())
        if isinstance(handler, HTTPRouteHandler)
        for method in handler.http_methods
        if method != "OPTIONS"
    }
