"""HTTP for AuthZEN: evaluations, searches and discovery as its specification writes them.

Requests are judged by the specification: what it does not know is ignored, a body that is not JSON is a 400, and
errors say so as problem documents (it asks for a status and some text).
"""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, JSONBody
from litestar.types import ASGIApp, ControllerRouterHandler, Receive, Scope, Send

from registry.access.workspace import Workspace
from registry.gate import authzen, authzen_search, batch
from registry.gate.authzen import Asker, Plan
from registry.gate.authzen_schemas import (
    AccessDecision,
    AccessDecisions,
    AccessQuestion,
    AccessQuestions,
    ActionSearch,
    Configuration,
    FoundActions,
    FoundEntities,
    ResourceSearch,
    SubjectSearch,
)
from registry.gate.checks import Checks
from registry.keys.ring import KeyRing
from registry.kit.database import Database
from registry.kit.errors import Misuse, NotFound
from registry.kit.http.admission import PUBLIC, needs
from registry.kit.http.shortcut import Sent, short_way

AppRequest = Request[Any, Any, Any]
S = TypeVar("S")
F = TypeVar("F")

# Names the decision that was kept; in the body it would make two answers to the same question differ.
DECISION_HEADER = "Zgoda-Decision"
_DECISION = DECISION_HEADER.lower().encode()
_WELL_KNOWN = "/.well-known/authzen-configuration"
_DECODE = msgspec.json.Decoder(AccessQuestion).decode
_ENCODE = msgspec.json.Encoder().encode


def json_only(app: ASGIApp) -> ASGIApp:
    """Refuse (400) a body that does not say it is JSON, with or without a charset."""

    async def judging(scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("method") == "POST":
            given = next((value for name, value in scope["headers"] if name == b"content-type"), b"")
            if given.partition(b";")[0].strip().lower() != b"application/json":
                raise Misuse(
                    "content_type.unsupported",
                    "The body is application/json.",
                    field="Content-Type",
                    mend="send Content-Type: application/json",
                )
        await app(scope, receive, send)

    return judging


async def _evaluated(scope: Scope, body: bytes) -> Sent | None:
    """The answer to a well-formed evaluation."""
    try:
        asked: AccessQuestion = _DECODE(body)
    except ValueError:
        return None
    decided, identity = await _decide(scope, asked)
    return Sent(_ENCODE(decided), ((_DECISION, identity.encode()),))


async def _decide(scope: Scope, asked: AccessQuestion) -> tuple[AccessDecision, str]:
    checks: Checks = scope["litestar_app"].state.checks
    decided = await checks.ask(_asker(scope).check(asked.subject, asked.action, asked.resource))
    return AccessDecision.of(decided), str(decided.id)


@post("/evaluation", opt={**needs("decision.check"), **short_way(_evaluated)}, status_code=200)
async def evaluation(request: AppRequest, data: JSONBody[AccessQuestion]) -> Response[AccessDecision]:
    """May this subject be processed by this action for this purpose, now?

    A deny is an answer (200), for an unknown subject, action or resource too. The decision is kept before the
    answer goes out; the header `Zgoda-Decision` names it.
    """
    decided, identity = await _decide(request.scope, data)
    return Response(decided, headers={DECISION_HEADER: identity})


@post("/evaluations", opt=needs("decision.check"), status_code=200)
async def evaluations(
    request: AppRequest, data: JSONBody[AccessQuestions]
) -> Response[AccessDecisions | AccessDecision]:
    """Up to 1,000 questions; what one leaves out is taken, as a whole object, from the request.

    One that is incomplete, or about a purpose that the key does not reach, is a no with `context.error`. Without
    `evaluations` the request itself is the one question, and the answer a single decision.
    """
    asker = _asker(request.scope)
    if not data.evaluations:
        subject = authzen.entity(data.subject, "subject")
        action = authzen.action(data.action)
        question = AccessQuestion(subject, action, authzen.entity(data.resource, "resource"))
        decided, identity = await _decide(request.scope, question)
        return Response(decided, headers={DECISION_HEADER: identity})
    workspace: Workspace = request.app.state.workspace
    plan = Plan.of(asker, data, data.evaluations)
    kept = await batch.ask(
        workspace.database, workspace.ring, workspace.policies, asker.caller, plan.checks, plan.cut
    )
    return Response(AccessDecisions(plan.answered(kept)))


@post("/search/subject", opt=needs("decision.bulk"), status_code=200)
async def search_subject(request: AppRequest, data: JSONBody[SubjectSearch]) -> Response[FoundEntities]:
    """The persons whom an action may reach for a purpose now, page by page, by our ids."""
    return await _found(request, data, authzen_search.subjects)


@post("/search/resource", opt=needs("decision.bulk"), status_code=200)
async def search_resource(request: AppRequest, data: JSONBody[ResourceSearch]) -> Response[FoundEntities]:
    """The purposes for which an action may reach a person now, among those that the key reaches."""
    return await _found(request, data, authzen_search.resources)


@post("/search/action", opt=needs("decision.bulk"), status_code=200)
async def search_action(request: AppRequest, data: JSONBody[ActionSearch]) -> Response[FoundActions]:
    """The channels, and `process`, by which a person may be reached for a purpose now."""
    return await _found(request, data, authzen_search.actions)


@get(_WELL_KNOWN, opt=PUBLIC, tags=["authzen"], sync_to_thread=False)
def discovery(request: AppRequest) -> Response[Configuration]:
    """Where this decision point answers; 404 when its base URL has a path, which then ends this one."""
    return _configuration(request, "")


@get(_WELL_KNOWN + "/{place:path}", opt=PUBLIC, tags=["authzen"], sync_to_thread=False)
def discovery_below(request: AppRequest, place: FromPath[str]) -> Response[Configuration]:
    """The same for a decision point whose base URL has a path: the well-known part goes before it (RFC 8615)."""
    return _configuration(request, place)


def _configuration(request: AppRequest, path: str) -> Response[Configuration]:
    base = request.app.state.workspace.settings.base_url
    if path.strip("/") != urlsplit(base).path.strip("/"):
        raise NotFound("decision_point.unknown", "There is no decision point of that path here.")
    place = base.rstrip("/") + "/access/v1"
    told = Configuration(
        base,
        f"{place}/evaluation",
        f"{place}/evaluations",
        f"{place}/search/subject",
        f"{place}/search/resource",
        f"{place}/search/action",
    )
    return Response(told, headers={"Cache-Control": "public, max-age=300"})


async def _found(
    request: AppRequest, search: S, look: Callable[[Database, KeyRing, Asker, S], Awaitable[F]]
) -> Response[F]:
    """What a search finds for whoever asks."""
    workspace: Workspace = request.app.state.workspace
    asker = _asker(request.scope)
    await _strictly(request, type(search))
    return Response(await look(workspace.database, workspace.ring, asker, search))


async def _strictly(request: AppRequest, expected: type) -> None:
    """Misuse for a number that came as text: the framework would take it."""
    try:
        msgspec.json.decode(await request.body(), type=expected)
    except msgspec.ValidationError:
        raise Misuse(
            "request.invalid", "A page's limit is a number of results.", field="page.limit"
        ) from None


def _asker(scope: Scope) -> Asker:
    parts, state = scope["litestar_app"].state, scope["state"]
    return Asker(state["caller"], state["principal"], parts.rights, parts.workspace.policies)


def routers() -> list[ControllerRouterHandler]:
    """The routes of the standard."""
    handlers = [evaluation, evaluations, search_subject, search_resource, search_action]
    return [
        Router("/access/v1", route_handlers=handlers, middleware=[json_only], tags=["authzen"]),
        discovery,
        discovery_below,
    ]
