"""HTTP for decisions of the past: one as it was kept, and what proves it offline."""

from typing import Any
from uuid import UUID

from litestar import Request, get
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from registry.access.guard import principal_of, rights_of
from registry.access.workspace import Workspace
from registry.gate import evidence_documents
from registry.gate.evidence_documents import DecisionUnknown
from registry.gate.evidence_schemas import Kept
from registry.kit.http.admission import needs
from registry.kit.http.writing import caller_of

AppRequest = Request[Any, Any, Any]


@get("/{decision_id:uuid}", opt=needs("decision.read", personal=True))
async def read_decision(request: AppRequest, decision_id: FromPath[UUID]) -> Kept:
    """A decision as it was kept, with the act, the policy and the message that it is about."""
    workspace: Workspace = request.app.state.workspace
    async with workspace.database.begin(caller_of(request)) as session:
        _require_reach(request, await evidence_documents.purpose_of(session, decision_id))
        return await evidence_documents.show(session, workspace.ring, decision_id)


@get("/{decision_id:uuid}/proof", opt=needs("decision.read", personal=True))
async def read_decision_proof(request: AppRequest, decision_id: FromPath[UUID]) -> dict[str, Any]:
    """What proves a decision offline: its place in the signed log, the policy's text, the act that it rests on.

    The evidence of that act (page, address, agent) is opened for keys that may read consents, and sealed for others.
    """
    workspace: Workspace = request.app.state.workspace
    async with workspace.database.begin(caller_of(request)) as session:
        _require_reach(request, await evidence_documents.purpose_of(session, decision_id))
    opened = rights_of(request).permits(principal_of(request), "consent.read")
    return await evidence_documents.prove(
        workspace.database, workspace.ring, caller_of(request), decision_id, opened=opened
    )


def _require_reach(request: AppRequest, purpose: str) -> None:
    """A decision for a purpose that the key does not reach is none for it, as a purpose that is no more."""
    if not rights_of(request).reaches(principal_of(request), purpose):
        raise DecisionUnknown


HANDLERS: list[ControllerRouterHandler] = [read_decision, read_decision_proof]
