"""HTTP for up to a thousand questions at once."""

from typing import Any

from litestar import Request, Response, post
from litestar.params import JSONBody

from registry.access.guard import principal_of, rights_of
from registry.access.workspace import Workspace
from registry.contacts.queries import Reference
from registry.contacts.referring import reference_of
from registry.contacts.schemas import Subject
from registry.gate import batch
from registry.gate.batch_schemas import Answers, AskMany, BatchQuestion
from registry.gate.checks import NOBODY, Check
from registry.gate.schemas import Answer
from registry.kit.caller import Caller
from registry.kit.errors import Misuse
from registry.kit.http.admission import needs
from registry.kit.http.writing import caller_of

AppRequest = Request[Any, Any, Any]


@post("/batch", opt=needs("decision.check"), status_code=200)
async def decide_many(request: AppRequest, data: JSONBody[AskMany]) -> Response[Answers]:
    """Ask up to 1,000 questions; the decisions come in their order, each kept with its evidence.

    `subjects` are all asked about for one `purpose` and `channel`; `questions` each say their own. An unknown
    person, purpose or channel is a deny with its reason, and so is an address that cannot be one.
    """
    workspace: Workspace = request.app.state.workspace
    caller = caller_of(request)
    checks = _checks(caller, data)
    _require(request, {check.purpose for check in checks})
    decided = await batch.ask(workspace.database, workspace.ring, workspace.policies, caller, checks)
    return Response(Answers([Answer.of(one) for one in decided]))


def _require(request: AppRequest, purposes: set[str]) -> None:
    """Forbidden when the key does not reach one of the purposes that exist."""
    rights, principal = rights_of(request), principal_of(request)
    rights.require(principal, "decision.check")
    for purpose in purposes & set(rights.controllers):
        rights.require(principal, "decision.check", purpose=purpose)


def _checks(caller: Caller, data: AskMany) -> list[Check]:
    if (data.subjects is None) == (data.questions is None):
        raise Misuse(
            "batch.invalid",
            "A batch has subjects or questions.",
            field="subjects",
            mend="send one of the two",
        )
    if data.questions is not None:
        if data.purpose is not None or data.channel is not None:
            field = "purpose" if data.purpose is not None else "channel"
            raise Misuse("batch.invalid", "Questions each say their purpose and channel.", field=field)
        return [_check(caller, place, one) for place, one in enumerate(data.questions)]
    assert data.subjects is not None
    if data.purpose is None or data.channel is None:
        field = "purpose" if data.purpose is None else "channel"
        raise Misuse("batch.invalid", "Subjects are asked about for a purpose and a channel.", field=field)
    purpose, channel = data.purpose, data.channel
    return [
        Check(caller, _reference(one, f"subjects.{place}"), purpose, channel)
        for place, one in enumerate(data.subjects)
    ]


def _check(caller: Caller, place: int, asked: BatchQuestion) -> Check:
    reference = _reference(asked.subject, f"questions.{place}.subject")
    return Check(caller, reference, asked.purpose, asked.channel, asked.identifier)


def _reference(subject: Subject, field: str) -> Reference:
    """The reference, or one to nobody for an address that cannot be one; Misuse names the place in the batch."""
    try:
        return reference_of(subject)
    except Misuse as error:
        if error.code == "subject.invalid":
            error.field = field
            raise
        return NOBODY
