"""HTTP for the ledger: acts recorded, grounds recorded, history read."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.types import ControllerRouterHandler

from registry.access.guard import principal_of, rights_of
from registry.access.workspace import Workspace
from registry.consents import (
    acts,
    collection_routes,
    complaints,
    history,
    mending,
    merging_routes,
    proving,
    receipting,
    signal_routes,
)
from registry.consents.ground_service import NewGround as Ground
from registry.consents.ledger import ANY, EntryKind
from registry.consents.mending import Correction, Mend
from registry.consents.schemas import History, NewAct, NewGround, RecordedAct, RecordedEntry, RecordedGround
from registry.consents.validation import NewEntry
from registry.contacts.referring import reference_of
from registry.kit import clock
from registry.kit.database import Session
from registry.kit.errors import Misuse
from registry.kit.http.admission import needs
from registry.kit.http.writing import caller_of, write
from registry.kit.ids import NIL
from registry.policy.model import Grade

AppRequest = Request[Any, Any, Any]

KINDS = {
    "request": EntryKind.REQUESTED,
    "grant": EntryKind.GRANTED,
    "confirm": EntryKind.CONFIRMED,
    "refuse": EntryKind.REFUSED,
    "withdraw": EntryKind.WITHDRAWN,
    "object": EntryKind.OBJECTED,
    "invalidate": EntryKind.INVALIDATED,
    "correct": EntryKind.CORRECTED,
}
_MENDING = frozenset({EntryKind.INVALIDATED, EntryKind.CORRECTED})


@post("/consents", opt=needs(*(f"consent.{kind}" for kind in KINDS)), status_code=201)
async def record(request: AppRequest, data: JSONBody[NewAct]) -> Response[RecordedAct]:
    """Record what a person did (request, grant, confirm, refuse, withdraw, object), or what was found out about it.

    `invalidate` says that the entry named by `refers_to` never was a consent, `correct` that it was less than it
    says; what was found out stands in `evidence` as `reason`.

    In force when this answers: what has not been handed to a channel by then will not be. A mail relay may
    still deliver what it had accepted before.
    """
    workspace: Workspace = request.app.state.workspace
    _require_scope(request, data)
    reference = reference_of(data.subject)
    entry = _entry(data)
    if data.cause is not None:
        purpose = workspace.policies.purposes.get(data.purpose)
        entry = complaints.complaint(entry, purpose.controller if purpose else data.controller)

    mend = _mend(data) if entry.kind in _MENDING else None

    async def work(session: Session) -> RecordedAct:
        ring, policies = workspace.ring, workspace.policies
        if mend is None:
            timed = data.acted_at is not None
            recorded = await acts.act(session, ring, policies, reference, entry, timed=timed)
        else:
            recorded = [await mending.mend(session, ring, policies, reference, mend)]
        hours = workspace.settings.relay_queue_hours if entry.kind.takes_away else None
        return RecordedAct(
            [RecordedEntry(r.id, r.contact_id, r.seq, r.recorded_at) for r in recorded],
            hours,
            session.voided,
            session.in_flight,
        )

    return await write(request, workspace.database, workspace.ring.token, work, status=201)


@post("/grounds", opt=needs("ground.record"), status_code=201)
async def record_ground(request: AppRequest, data: JSONBody[NewGround]) -> Response[RecordedGround]:
    """Record a fact other than consent: a sale, a contract, a parent's authority, a sign of life."""
    workspace: Workspace = request.app.state.workspace
    rights_of(request).require_controller(principal_of(request), data.controller)
    reference = reference_of(data.subject)
    ground = Ground(
        contact_id=NIL,
        kind=data.kind,
        controller=data.controller,
        occurred_at=clock.require_aware(data.occurred_at, "occurred_at"),
        source=data.source,
        assignment_id=data.identifier,
        products=tuple(data.products),
        opt_out_offered=data.opt_out_offered,
        collected_in_sale=data.collected_in_sale,
        ends_at=data.ends_at and clock.require_aware(data.ends_at, "ends_at"),
        evidence=dict(data.evidence) or None,
    )

    async def work(session: Session) -> RecordedGround:
        return RecordedGround(
            await acts.record_ground(session, workspace.ring, workspace.policies, reference, ground)
        )

    return await write(request, workspace.database, workspace.ring.token, work, status=201)


@get("/contacts/{contact_id:uuid}/consents", opt=needs("consent.read", personal=True))
async def read_history(
    request: AppRequest,
    contact_id: FromPath[UUID],
    after: Annotated[int, QueryParameter(ge=0, le=2**63 - 1, description="`next` of the page before")] = 0,
    limit: Annotated[int, QueryParameter(ge=1, le=history.PAGE_LIMIT)] = history.PAGE,
) -> History:
    """A person's ledger, oldest first: what the key's purposes and controllers are told of it."""
    workspace: Workspace = request.app.state.workspace
    async with workspace.database.begin(caller_of(request)) as session:
        scope = rights_of(request).scope(principal_of(request))
        return await history.page(session, workspace.ring, contact_id, after, limit, scope)


@get("/contacts/{contact_id:uuid}/consents/{entry_id:uuid}/proof", opt=needs("consent.prove", personal=True))
async def read_proof(
    request: AppRequest, contact_id: FromPath[UUID], entry_id: FromPath[UUID]
) -> dict[str, Any]:
    """What proves one entry offline: the exact text shown, the evidence, and its place in the signed log."""
    workspace: Workspace = request.app.state.workspace
    return await proving.prove(workspace.database, workspace.ring, caller_of(request), contact_id, entry_id)


@get(
    "/contacts/{contact_id:uuid}/consents/{entry_id:uuid}/receipt",
    opt=needs("consent.read", personal=True),
    media_type="application/ld+json",
)
async def read_receipt(
    request: AppRequest, contact_id: FromPath[UUID], entry_id: FromPath[UUID]
) -> Response[bytes]:
    """The signed receipt of one entry (ISO/IEC TS 27560 in DPV terms): every byte of it counts."""
    workspace: Workspace = request.app.state.workspace
    async with workspace.database.begin(caller_of(request)) as session:
        scope = rights_of(request).scope(principal_of(request))
        await history.require_within(session, contact_id, entry_id, scope)
        made = await receipting.receipt(
            session,
            workspace.ring,
            workspace.policies,
            workspace.settings.base_url,
            contact_id,
            entry_id,
        )
    return Response(made, media_type="application/ld+json")


def _require_scope(request: AppRequest, data: NewAct) -> None:
    """The role must list this very act, and the key must reach the purpose."""
    rights, principal = rights_of(request), principal_of(request)
    if data.purpose != ANY:
        rights.require(principal, f"consent.{data.kind}", purpose=data.purpose)
        return
    rights.require(principal, f"consent.{data.kind}")
    if data.controller is None:
        raise Misuse(
            "controller.missing",
            "All marketing is meant of one controller, which is missing.",
            field="controller",
            mend="name the controller, or one purpose",
        )
    rights.require_controller(principal, data.controller)


def _entry(data: NewAct) -> NewEntry:
    kind = KINDS[data.kind]
    acted_at: datetime = (
        clock.now() if data.acted_at is None else clock.require_aware(data.acted_at, "acted_at")
    )
    return NewEntry(
        contact_id=NIL,
        kind=kind,
        purpose=data.purpose,
        channel=data.channel,
        grade=Grade.FIRST_PARTY,
        source=data.source,
        assignment_id=data.identifier,
        acted_at=acted_at,
        controller=data.controller,
        act=data.act,
        notice_version=data.notice.version if data.notice else None,
        notice_locale=data.notice.locale if data.notice else None,
        refers_to=data.refers_to,
        evidence=dict(data.evidence) or None,
        bundled_with=tuple(data.bundled_with),
        authority=data.authority,
    )


def _mend(data: NewAct) -> Mend:
    """What was found out about an entry; Misuse `refers_to.missing`."""
    if data.refers_to is None:
        raise Misuse("refers_to.missing", "The entry that is meant is missing.", field="refers_to")
    circumstances = {name: text for name, text in data.evidence.items() if name != "reason"}
    correction = None
    if data.kind == "correct":
        correction = Correction(
            data.acted_at and clock.require_aware(data.acted_at, "acted_at"),
            data.notice.version if data.notice else None,
            data.notice.locale if data.notice else None,
            Grade[data.grade.upper()] if data.grade else None,
        )
    return Mend(
        entry_id=data.refers_to,
        reason=data.evidence.get("reason", ""),
        source=data.source,
        correction=correction,
        circumstances=circumstances,
        purpose=data.purpose,
        channel=data.channel,
    )


def routers() -> list[ControllerRouterHandler]:
    """The routes of this area."""
    return [
        Router(
            "/api/v1",
            route_handlers=[record, record_ground, read_history, read_proof, read_receipt],
            tags=["consents"],
        ),
        Router("/api/v1", route_handlers=collection_routes.HANDLERS, tags=["collection points"]),
        Router("/api/v1", route_handlers=signal_routes.HANDLERS, tags=["signals"]),
        *signal_routes.ROOT_HANDLERS,
        Router("/api/v1/contacts", route_handlers=merging_routes.HANDLERS, tags=["contacts"]),
    ]
