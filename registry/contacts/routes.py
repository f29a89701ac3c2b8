"""HTTP for persons: recorded, looked up, read."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, Router, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, JSONBody
from litestar.types import ControllerRouterHandler

from registry.access.guard import principal_of, rights_of
from registry.access.workspace import Workspace
from registry.contacts import preferences, reading, registering, service
from registry.contacts.identifiers import Kind, normalise
from registry.contacts.schemas import Card, Found, Lookup, NewContact, Preferences, Registered
from registry.kit.clock import require_aware
from registry.kit.database import Session
from registry.kit.errors import Refused
from registry.kit.http.admission import needs
from registry.kit.http.writing import caller_of, write
from registry.policy.model import Subscriber
from registry.policy.schedule import Part

AppRequest = Request[Any, Any, Any]


@post(
    "/",
    opt=needs("contact.create", persons=True),
    status_code=201,
    responses={200: ResponseSpec(Registered, generate_examples=False, description="Known; added to.")},
)
async def create(request: AppRequest, data: JSONBody[NewContact]) -> Response[Registered]:
    """Record a person (201), or add to the one whom the identifiers mean (200)."""
    workspace: Workspace = request.app.state.workspace
    new = _new_contact(data)

    async def work(session: Session) -> Registered:
        person, made = await registering.register(session, workspace.ring, workspace.policies, new)
        if not made:
            rights_of(request).require(principal_of(request), "contact.update")
        return Registered(person, made)

    try:
        return await write(request, workspace.database, workspace.ring.token, work, status=_status)
    except service.IdentifierTaken:
        # Somebody was making the same person at that moment; now they are there to be found.
        return await write(request, workspace.database, workspace.ring.token, work, status=_status)


@post("/lookup", opt=needs("contact.read", personal=True), status_code=200)
async def look_up(request: AppRequest, data: JSONBody[Lookup]) -> Found:
    """Who has an identifier now. The identifier stands in the body, never in a URL."""
    workspace: Workspace = request.app.state.workspace
    try:
        identifier = normalise(Kind[data.kind.upper()], data.value)
    except Refused as error:
        error.field = "value"
        raise
    async with workspace.database.begin(caller_of(request)) as session:
        return await reading.look_up(session, workspace.ring, identifier)


@get("/{contact_id:uuid}", opt=needs("contact.read", personal=True))
async def show(request: AppRequest, contact_id: FromPath[UUID]) -> Card:
    """What is stored of a person, masked as far as the key's role does not list it."""
    workspace: Workspace = request.app.state.workspace
    role = rights_of(request).role(principal_of(request))
    async with workspace.database.begin(caller_of(request)) as session:
        (card,) = await reading.show(session, workspace.ring, role, [contact_id])
    return card


@post("/{contact_id:uuid}/preferences", opt=needs("contact.update"), status_code=200)
async def prefer(
    request: AppRequest, contact_id: FromPath[UUID], data: JSONBody[Preferences]
) -> Response[Preferences]:
    """Keep how the person would rather be reached, in place of what was kept before."""
    workspace: Workspace = request.app.state.workspace

    async def work(session: Session) -> Preferences:
        await preferences.prefer(
            session,
            workspace.ring,
            workspace.policies,
            contact_id,
            channel=data.channel,
            part=Part[data.part_of_day.upper()],
            time_zone=data.time_zone,
        )
        return data

    return await write(request, workspace.database, workspace.ring.token, work, status=200)


def _status(made: Registered) -> int:
    return 201 if made.created else 200


def _new_contact(data: NewContact) -> service.NewContact:
    """The request as the service takes it; Misuse names the identifier that is wrong by its place."""
    identifiers = []
    for place, one in enumerate(data.identifiers):
        field = f"identifiers.{place}"
        try:
            normal = normalise(Kind[one.kind.upper()], one.value, data.country)
        except Refused as error:
            error.field = f"{field}.value"
            raise
        verified_at = one.verified_at and require_aware(one.verified_at, f"{field}.verified_at")
        identifiers.append(service.NewIdentifier(normal, verified_at, one.by_person))
    return service.NewContact(
        identifiers=identifiers,
        source=data.source,
        fields=data.fields,
        locale=data.locale,
        country=data.country,
        subscriber=Subscriber[(data.subscriber or "unknown").upper()],
    )


def routers() -> list[ControllerRouterHandler]:
    """The routes of this area."""
    return [Router("/api/v1/contacts", route_handlers=[create, look_up, show, prefer], tags=["contacts"])]
