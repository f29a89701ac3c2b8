"""HTTP for do-not-call and do-not-mail lists: who asked us to stop, put on a controller's own list; lists shown."""

from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, JSONBody
from litestar.types import ControllerRouterHandler

from registry.access.guard import principal_of, rights_of
from registry.access.workspace import Workspace
from registry.contacts.identifiers import Identifier, Kind, normalise
from registry.contacts.service import ContactGone
from registry.exchange import list_states, listings
from registry.exchange.schemas import ListShown, ListsShown, MadeListings, NewListings
from registry.kit import clock
from registry.kit.database import Session
from registry.kit.errors import Misuse, Refused
from registry.kit.http.admission import needs
from registry.kit.http.writing import caller_of, write
from registry.policy.lists import AddressList
from registry.policy.model import PolicySet

AppRequest = Request[Any, Any, Any]


@post("/{name:str}/entries", opt=needs("list.import", persons=True), status_code=201)
async def add(
    request: AppRequest, name: FromPath[str], data: JSONBody[NewListings]
) -> Response[MadeListings]:
    """Put addresses and numbers on a controller's own list; in force when this answers.

    They are kept as keyed codes. A national list is imported from its keeper's file (`zgoda list import`).
    """
    workspace: Workspace = request.app.state.workspace
    policies = workspace.policies
    told = listings.known(policies, name)
    if told.kind != "own":
        raise Refused(
            "list.national",
            "A national list is imported whole from its keeper's file.",
            field="list",
            mend="zgoda list import",
        )
    for controller in told.controllers or tuple(policies.controllers):
        rights_of(request).require_controller(principal_of(request), controller)
    identifiers = [_identifier(policies, told, place, text) for place, text in enumerate(data.entries)]

    async def work(session: Session) -> MadeListings:
        at = await session.value("SELECT clock_timestamp()")
        return MadeListings(*await listings.enlist(session, workspace.ring, policies, told, identifiers, at))

    for _ in range(listings.TRIES):
        try:
            return await write(request, workspace.database, workspace.ring.token, work, status=201)
        except (listings.Moved, ContactGone):
            continue
    raise listings.contended()


@get("/", opt=needs("list.read"))
async def show(request: AppRequest) -> ListsShown:
    """Every list: how many are on it, and whether a national exemption may rest on it."""
    workspace: Workspace = request.app.state.workspace
    async with workspace.database.begin(caller_of(request)) as session:
        states = await list_states.states(session, workspace.policies, clock.now())
    return ListsShown(
        [
            ListShown(
                one.id,
                one.kind,
                one.country,
                list(one.channels),
                one.entries,
                one.dated,
                one.fresh_until,
                one.usable,
            )
            for one in states
        ]
    )


def _identifier(policies: PolicySet, told: AddressList, place: int, text: str) -> Identifier:
    """The address or number; Misuse names it by its place and never repeats it."""
    kind = Kind.EMAIL if "@" in text else Kind.PHONE
    field = f"entries.{place}"
    if kind not in listings.kinds_of(policies, told):
        raise Misuse("address.kind_unlisted", "The list holds no such addresses.", field=field)
    try:
        return normalise(kind, text, listings.region_of(policies, told))
    except Refused as error:
        error.field = field
        raise


def routers() -> list[ControllerRouterHandler]:
    """The routes of this area."""
    return [Router("/api/v1/lists", route_handlers=[add, show], tags=["lists"])]
