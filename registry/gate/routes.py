"""HTTP for the gate: one check, or counts over an audience."""

from datetime import datetime
from typing import Any

from litestar import Request, Response, Router, post
from litestar.params import JSONBody
from litestar.types import ControllerRouterHandler

from registry.access.guard import principal_of, rights_of
from registry.access.workspace import Workspace
from registry.gate import (
    authzen_routes,
    batch_routes,
    evidence_routes,
    export_routes,
    past_counts,
    permits_routes,
    recalling,
    service,
)
from registry.gate.checks import Checks
from registry.gate.express import check_of, checked
from registry.gate.schemas import Answer, Ask, Counts
from registry.kit import clock
from registry.kit.errors import Misuse
from registry.kit.http.admission import needs
from registry.kit.http.shortcut import short_way
from registry.kit.http.writing import caller_of

AppRequest = Request[Any, Any, Any]


@post("/", opt={**needs("decision.check", "decision.bulk"), **short_way(checked)}, status_code=200)
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
    times = _times(data)
    if times is None:
        checks: Checks = request.app.state.checks
        return Response(Answer.of(await checks.ask(check)))
    async with workspace.database.begin(check.caller) as session:
        decision = await recalling.recall(
            session,
            workspace.ring,
            workspace.policies,
            check.reference,
            check.purpose,
            check.channel,
            check.assignment_id,
            *times,
        )
    return Response(Answer.of(decision))


def _times(data: Ask) -> tuple[datetime, datetime | None] | None:
    """The time asked about and the one by whose record; None for now."""
    if data.at is None:
        if data.known_at is not None:
            raise Misuse(
                "time.incomplete",
                "What is known is asked of a time.",
                field="known_at",
                mend="name at as well",
            )
        return None
    known_at = data.known_at and clock.require_aware(data.known_at, "known_at")
    return clock.require_aware(data.at, "at"), known_at


async def _count(request: AppRequest, data: Ask) -> Counts:
    workspace: Workspace = request.app.state.workspace
    if data.identifier is not None:
        raise Misuse("audience.misused", "An audience has no one identifier.", field="identifier")
    rights_of(request).require(principal_of(request), "decision.bulk", purpose=data.purpose)
    times = _times(data)
    if times is None:
        as_of = clock.now()
        async with workspace.database.begin(caller_of(request)) as session:
            counts = await service.bulk(
                session, workspace.ring, workspace.policies, data.purpose, data.channel
            )
    else:
        as_of, known_at = times
        recalling.require_past(as_of, known_at)
        caller = caller_of(request)
        counts = await past_counts.count(
            workspace.database,
            workspace.ring,
            workspace.policies,
            caller,
            data.purpose,
            data.channel,
            as_of,
            known_at,
        )
    permitted = counts.pop("permit", 0)
    return Counts(permitted + sum(counts.values()), permitted, counts, data.purpose, data.channel, as_of)


def routers() -> list[ControllerRouterHandler]:
    """The routes of this area."""
    return [
        Router(
            "/api/v1/decisions",
            route_handlers=[
                decide,
                batch_routes.decide_many,
                export_routes.export,
                *evidence_routes.HANDLERS,
            ],
            tags=["gate"],
        ),
        Router("/api/v1/permits", route_handlers=permits_routes.HANDLERS, tags=["permits"]),
        *authzen_routes.routers(),
    ]
