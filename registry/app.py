"""The HTTP application: every area's routes behind one guard, one way to say no, one event a request."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from litestar import MediaType, Request, Response, get
from litestar.datastructures import State
from litestar.types import ControllerRouterHandler
from msgspec import Struct

from registry import __version__
from registry.access.authentication import Keychain
from registry.access.guard import admission, admit
from registry.access.workspace import Workspace
from registry.audit import queries as log
from registry.gate.checks import Checks
from registry.kit.http.admission import PUBLIC
from registry.kit.http.edge import BODY_LIMIT, Edge
from registry.kit.http.examples import Example, Examples
from registry.kit.http.openapi import document
from registry.kit.http.problems import HANDLERS
from registry.kit.http.writing import caller_of
from registry.kit.server_settings import clocks_differ
from registry.policy import in_force
from registry.policy.rights import rights

# Each has a module `routes` with `routers()`.
AREAS = ("contacts", "consents", "gate", "campaigns", "exchange", "subject_requests", "audit", "portal")

# Beyond this nobody seals: no worker runs, or a transaction somewhere in the cluster holds the horizon.
SEALING_LAG_LIMIT = 300.0


class Health(Struct, frozen=True):
    """The process runs."""

    status: str = "ok"


class Readiness(Struct, frozen=True):
    """Whether this node can do its work, part by part."""

    ready: bool
    database: bool
    keys: bool
    clock: bool
    policies: bool
    sealing: bool
    sealing_lag_seconds: float


@get("/healthz", opt=PUBLIC, tags=["operation"], sync_to_thread=False)
def healthz() -> Health:
    """Answers as long as the process runs; asks nothing of the database."""
    return Health()


@get("/readyz", opt=PUBLIC, tags=["operation"])
async def readyz(request: Request[Any, Any, State]) -> Response[Readiness]:
    """Database, key ring, clocks, policies and sealing; 503 when one of them fails or is out of date."""
    workspace: Workspace = request.app.state.workspace
    async with workspace.database.begin(caller_of(request)) as session:
        lag = await log.unsealed_age(session)
        in_step = not clocks_differ(await session.value("SELECT clock_timestamp()"))
        named = await session.all("SELECT epoch FROM key_epoch WHERE destroyed_at IS NULL")
        in_use = await in_force.number(session) == workspace.policies.number or not workspace.policies.number
    keys = {row.epoch for row in named} <= {epoch.number for epoch in workspace.ring.live()}
    sealing = lag <= SEALING_LAG_LIMIT
    ready = keys and in_step and in_use and sealing
    told = Readiness(ready, True, keys, in_step, in_use, sealing, round(lag, 3))
    return Response(told, status_code=200 if told.ready else 503)


def area_routers() -> list[ControllerRouterHandler]:
    """The routes of every area."""
    found: list[ControllerRouterHandler] = []
    for area in AREAS:
        if find_spec(f"registry.{area}") and find_spec(f"registry.{area}.routes"):
            found += import_module(f"registry.{area}.routes").routers()
    return found


EXAMPLES: Examples = {
    "GET /healthz": Example(answers={"alive": {"status": "ok"}}),
    "GET /readyz": Example(
        answers={
            "ready": {
                "ready": True,
                "database": True,
                "keys": True,
                "clock": True,
                "policies": True,
                "sealing": True,
                "sealing_lag_seconds": 0.4,
            }
        }
    ),
}


def area_examples() -> Examples:
    """The examples of every area, and of what is here."""
    found = dict(EXAMPLES)
    for area in AREAS:
        if find_spec(f"registry.{area}") and find_spec(f"registry.{area}.examples"):
            found |= import_module(f"registry.{area}.examples").EXAMPLES
    return found


def create_app(workspace: Workspace) -> Edge:
    """The application on an open installation, which stays the caller's to close."""
    handlers = [healthz, readyz, *area_routers()]
    described: list[bytes] = []

    @get("/schema/openapi.json", opt=PUBLIC, include_in_schema=False, sync_to_thread=False)
    def schema() -> Response[bytes]:
        """The OpenAPI 3.1 document of the routes that this application has."""
        if not described:
            described.append(document(handlers, "Zgoda", __version__, area_examples()))
        return Response(described[0], media_type=MediaType.JSON)

    app = Edge(
        route_handlers=[*handlers, schema],
        middleware=[admission],
        exception_handlers=HANDLERS,
        request_max_body_size=BODY_LIMIT,
        openapi_config=None,
        logging_config=None,
    )
    app.admit = admit
    app.echoing = ("/access/v1/",)
    place(app, workspace)
    return app


def place(app: Edge, workspace: Workspace) -> None:
    """Let `app` answer for this installation, and for no other any more; only while it answers nobody."""
    app.state = State(
        {
            "workspace": workspace,
            "keychain": Keychain(workspace.database),
            "rights": rights(workspace.policies),
            "checks": Checks(workspace.database, workspace.ring, workspace.policies),
        }
    )
    app.transport_secure = workspace.settings.base_url.startswith("https://")
