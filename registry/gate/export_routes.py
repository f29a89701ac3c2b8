"""HTTP for a whole audience as a stream of lines."""

from typing import Annotated, Any, Literal, cast
from uuid import UUID

from litestar import Request, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromQuery
from litestar.response import Stream
from msgspec import Meta

from registry.access.guard import principal_of, rights_of
from registry.access.workspace import Workspace
from registry.gate.export import Export, Head, Listed, Tail, Wanted
from registry.gate.model import Outcome
from registry.gate.schemas import Word
from registry.kit.http.admission import needs
from registry.kit.http.writing import caller_of

AppRequest = Request[Any, Any, Any]
MEDIA_TYPE = "application/x-ndjson"
Reason = Annotated[str, Meta(pattern=r"^[a-z]+(\.[a-z_]+)?$", max_length=63)]


@get(
    "/export",
    opt=needs("decision.bulk", personal=True),
    media_type=MEDIA_TYPE,
    responses={
        200: ResponseSpec(
            cast(Any, Head | Listed | Tail),
            description="One JSON object a line: the question, the persons, and the totals as the last line",
            media_type=MEDIA_TYPE,
            generate_examples=False,
        )
    },
)
async def export(
    request: AppRequest,
    purpose: FromQuery[Word],
    channel: FromQuery[Word],
    outcome: FromQuery[Literal["permit", "deny", "defer"] | None] = None,
    reason: FromQuery[Reason | None] = None,
    after: FromQuery[UUID | None] = None,
) -> Stream:
    """Everybody, or those with one outcome or reason, with the reason: one JSON object a line, in the order of ids.

    The first line is the question, the last one has `complete` and the totals; a stream without it was cut off, and
    goes on with `after` and the last contact that it named. Nobody's line leaves before the log has who was read.
    """
    workspace: Workspace = request.app.state.workspace
    rights = rights_of(request)
    known = purpose if purpose in rights.controllers else None
    rights.require(principal_of(request), "decision.bulk", purpose=known)
    wanted = Wanted(purpose, channel, None if outcome is None else Outcome(outcome), reason, after)
    running = Export.of(workspace.database, workspace.ring, workspace.policies, caller_of(request), wanted)
    return Stream(running.pieces(), media_type=MEDIA_TYPE)
