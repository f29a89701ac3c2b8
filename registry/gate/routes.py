"""HTTP for the gate: one check, or counts over an audience."""

from typing import Any

from litestar import Request, Response, Router, post
from litestar.params import JSONBody
from litestar.types import ControllerRouterHandler

from registry.access.guard import principal_of, rights_of
from registry.access.workspace import Workspace
from registry.gate import recalling, service
from registry.gate.checks import Checks
from registry.gate.express import check_of, express
from registry.gate.schemas import Answer, Ask, Counts
from registry.kit import clock
from registry.kit.errors import Misuse
from registry.kit.http.admission import needs
from registry.kit.http.writing import caller_of

AppRequest = Request[Any, Any, Any]


@post("/", opt=needs("decision.check", "decision.bulk"), middleware=[express], status_code=200)
async def decide(request: AppRequest, data: JSONBody[Ask]) -> Response[Answer | Counts]:
    """Ask about one subject (a decision that is kept, with its evidence) or an audience (counts by reason).

    An unknown person, purpose or channel is a deny with its reason, and no error, when one subject is asked about.
    """
    if (data.subject is None) == (data.audience is None):
        raise Misuse(
            "subject.invalid",
            "A question is about a subject or an audience.",
            field="subject",
            mend="name one",
        )
    if data.subject is None:
        return Response(await _count(request, data))
    return await _check(request, data)


async def _check(request: AppRequest, data: Ask) -> Response[Answer | Counts]:
    workspace: Workspace = request.app.state.workspace
    check = check_of(request.scope, data)
    if data.at is None:
        checks: Checks = request.app.state.checks
        return Response(Answer.of(await checks.ask(check)))
    at = clock.require_aware(data.at, "at")
    async with workspace.database.begin(check.caller) as session:
        decision = await recalling.recall(
            session,
            workspace.ring,
            workspace.policies,
            check.reference,
            check.purpose,
            check.channel,
            check.assignment_id,
            at,
        )
    return Response(Answer.of(decision))


async def _count(request: AppRequest, data: Ask) -> Counts:
    workspace: Workspace = request.app.state.workspace
    if data.at is not None or data.identifier is not None:
        field = "at" if data.at is not None else "identifier"
        raise Misuse("audience.misused", "An audience is asked about as it stands now.", field=field)
    rights_of(request).require(principal_of(request), "decision.bulk", purpose=data.purpose)
    as_of = clock.now()
    async with workspace.database.begin(caller_of(request)) as session:
        counts = await service.bulk(session, workspace.ring, workspace.policies, data.purpose, data.channel)
    permitted = counts.pop("permit", 0)
    return Counts(permitted + sum(counts.values()), permitted, counts, data.purpose, data.channel, as_of)


def routers() -> list[ControllerRouterHandler]:
    """The routes of this area."""
    return [Router("/api/v1/decisions", route_handlers=[decide], tags=["gate"])]
