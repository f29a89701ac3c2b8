"""HTTP for records of one person: merged, parted, and an address of theirs changed."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, post
from litestar.params import FromPath, JSONBody
from litestar.types import ControllerRouterHandler
from msgspec import Meta, Struct

from registry.access.workspace import Workspace
from registry.audit.body import MAX_REASON
from registry.consents import acts, merging, readdressing
from registry.consents.merging import Merge, Unmerge
from registry.consents.readdressing import Changed
from registry.contacts.queries import Reference
from registry.contacts.referring import reference_of
from registry.contacts.schemas import Source, Subject
from registry.kit.database import Session
from registry.kit.http.admission import needs
from registry.kit.http.writing import write

AppRequest = Request[Any, Any, Any]


class NewMerge(Struct, frozen=True, forbid_unknown_fields=True):
    """Another record of the same person, which goes on under the one that the address of the request names."""

    other: Subject
    reason: Annotated[str, Meta(min_length=1, max_length=MAX_REASON)]
    """How it is known that both are one person; kept with the merge, so without names and addresses."""


class Parting(Struct, frozen=True, forbid_unknown_fields=True):
    """The merge that was wrong."""

    merge: UUID


class NewAddress(Struct, frozen=True, forbid_unknown_fields=True):
    """What comes in the place of one of the person's e-mail addresses or phone numbers."""

    value: Annotated[str, Meta(min_length=1, max_length=320)]
    source: Source
    by_person: bool = False
    """The person gave it here, at first hand: an address from which somebody was erased takes that."""


@post("/{contact_id:uuid}/merge", opt=needs("contact.merge", personal=True), status_code=201)
async def merge(request: AppRequest, contact_id: FromPath[UUID], data: JSONBody[NewMerge]) -> Response[Merge]:
    """Make another record one of this person's; what either said no to holds for both, from now on.

    In force when this answers. Both ids, and every identifier of both, go on naming the person.
    """
    workspace: Workspace = request.app.state.workspace
    reference = reference_of(data.other)

    async def work(session: Session) -> Merge:
        surviving = await acts.one(session, workspace.ring, Reference(contact_id, None))
        other = await acts.one(session, workspace.ring, reference)
        return await merging.merge(session, workspace.ring, workspace.policies, surviving, other, data.reason)

    return await write(request, workspace.database, workspace.ring.token, work, status=201)


@post("/{contact_id:uuid}/unmerge", opt=needs("contact.unmerge", personal=True), status_code=200)
async def unmerge(
    request: AppRequest, contact_id: FromPath[UUID], data: JSONBody[Parting]
) -> Response[Unmerge]:
    """Part what a merge brought together. Each record goes on with the no of both, and with its own yes."""
    workspace: Workspace = request.app.state.workspace

    async def work(session: Session) -> Unmerge:
        person = await acts.one(session, workspace.ring, Reference(contact_id, None))
        return await merging.unmerge(session, workspace.ring, workspace.policies, data.merge, person)

    return await write(request, workspace.database, workspace.ring.token, work)


@post(
    "/{contact_id:uuid}/identifiers/{identifier_id:uuid}/change",
    opt=needs("contact.change_address", persons=True),
    status_code=200,
)
async def change_address(
    request: AppRequest,
    contact_id: FromPath[UUID],
    identifier_id: FromPath[UUID],
    data: JSONBody[NewAddress],
) -> Response[Changed]:
    """End one of a person's addresses and open another, unverified. Consent does not pass to it; every no does."""
    workspace: Workspace = request.app.state.workspace

    async def work(session: Session) -> Changed:
        person = await acts.one(session, workspace.ring, Reference(contact_id, None))
        return await readdressing.change_address(
            session,
            workspace.ring,
            workspace.policies,
            person,
            identifier_id,
            data.value,
            source=data.source,
            by_person=data.by_person,
        )

    return await write(request, workspace.database, workspace.ring.token, work)


HANDLERS: list[ControllerRouterHandler] = [merge, unmerge, change_address]
