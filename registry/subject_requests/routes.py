"""HTTP for the requests of persons: access, restriction, erasure."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, Router, post
from litestar.params import JSONBody
from litestar.types import ControllerRouterHandler

from registry.access.guard import principal_of, rights_of
from registry.access.workspace import Workspace
from registry.contacts.queries import Reference
from registry.contacts.referring import reference_of
from registry.kit.database import Role, Session
from registry.kit.http.admission import needs
from registry.kit.http.writing import caller_of, write
from registry.subject_requests import erasure, package, restriction
from registry.subject_requests.schemas import Completed, NewRequest

AppRequest = Request[Any, Any, Any]

_ACTIONS = {"access": "contact.export", "restriction": "contact.restrict", "erasure": "contact.erase"}


@post("/", opt=needs(*_ACTIONS.values(), personal=True), status_code=200)
async def create(request: AppRequest, data: JSONBody[NewRequest]) -> Response[Completed]:
    """Do what a person asks for: give them everything stored about them, restrict its use, or erase them.

    Restriction and erasure are in force when this answers; a message that is on the wire at that moment is waited
    for. An access package is made anew each time: an `Idempotency-Key` does not keep it.
    """
    workspace: Workspace = request.app.state.workspace
    rights_of(request).require(principal_of(request), _ACTIONS[data.kind])
    reference = reference_of(data.subject)
    if data.kind == "access":
        return await _access(request, workspace, reference)
    if data.kind == "erasure":
        return await _erasure(request, workspace, reference, data.ground)

    async def work(session: Session) -> Completed:
        contact_id, request_id = await (
            restriction.lift(session, workspace.ring, reference)
            if data.lift
            else restriction.restrict(session, workspace.ring, reference, data.because)
        )
        return Completed(
            request_id,
            data.kind,
            contact_id,
            "lifted" if data.lift else "restricted",
            permits_voided=session.voided,
            permits_in_flight=session.in_flight,
        )

    return await write(request, workspace.database, workspace.ring.token, work)


async def _access(request: AppRequest, workspace: Workspace, reference: Reference) -> Response[Completed]:
    async def work(session: Session) -> dict[str, Any]:
        return await package.make(session, workspace.ring, workspace.policies, reference)

    made = await workspace.database.run(caller_of(request), work)
    done = Completed(UUID(made["request"]), "access", UUID(made["contact"]), "completed", made)
    return Response(done, status_code=200, headers={"Cache-Control": "no-store"})


async def _erasure(
    request: AppRequest, workspace: Workspace, reference: Reference, ground: erasure.Ground | None
) -> Response[Completed]:
    async def work(session: Session) -> Completed:
        done = await erasure.erase(session, workspace.ring, workspace.policies, reference, ground)
        return Completed(
            id=done.id,
            kind="erasure",
            contact=done.contact_id,
            state="erased",
            erased_at=done.erased_at,
            certified_at=done.certified_at,
            already=done.already,
            permits_voided=list(done.voided),
            permits_in_flight=list(done.in_flight),
            counts=done.counts,
        )

    return await write(request, workspace.database, workspace.ring.token, work, role=Role.RETENTION)


def routers() -> list[ControllerRouterHandler]:
    """The routes of this area."""
    return [Router("/api/v1/subject-requests", route_handlers=[create], tags=["subject requests"])]
