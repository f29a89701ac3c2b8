"""HTTP for collection points: the form as it is to be shown, and what was left at it."""

from typing import Annotated, Any, cast

from litestar import Request, Response, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.types import ControllerRouterHandler

from registry.access.guard import principal_of, rights_of
from registry.access.workspace import Workspace
from registry.consents import collecting, submissions
from registry.consents.collecting import Collected, published, refuse_withdrawn
from registry.consents.collection_schemas import (
    ShownControl,
    ShownNotice,
    ShownOption,
    ShownPoint,
    Submission,
    Submitted,
    SubmittedEntry,
)
from registry.contacts.identifiers import Kind, normalise
from registry.contacts.queries import Reference
from registry.contacts.referring import reference_of
from registry.kit import clock
from registry.kit.database import Session
from registry.kit.errors import NotFound
from registry.kit.http.admission import PUBLIC, needs
from registry.kit.http.writing import write
from registry.policy.model import PolicySet

AppRequest = Request[Any, Any, Any]


@get("/collection/{point:str}", opt=PUBLIC, sync_to_thread=False)
def read_point(
    request: AppRequest,
    point: FromPath[str],
    locale: Annotated[
        str | None, QueryParameter(pattern="^[a-z]{2}$", description="its default language else")
    ] = None,
    version: Annotated[int | None, QueryParameter(ge=1, le=32000, description="the one in use else")] = None,
) -> ShownPoint:
    """A form as it is to be shown in one language: its controls, the information of art. 13, the notices."""
    workspace: Workspace = request.app.state.workspace
    return shown(workspace.policies, point, locale, version)


def shown(policies: PolicySet, name: str, locale: str | None, version: int | None) -> ShownPoint:
    """What a person sees; refuses as `collecting.published` and `refuse_withdrawn` do."""
    versions = policies.collection.get(name)
    if versions is None:
        raise NotFound(
            "point.unknown", "There is no such collection point.", mend="see zgoda collection list"
        )
    current = versions[-1]
    point = published(policies, name, version or current.version, locale or current.default_locale)
    refuse_withdrawn(policies, point)
    text = point.text(locale or current.default_locale)
    assert text is not None
    controls = [
        ShownControl(
            id=control.id,
            kind=control.kind.value,
            label=text.labels[control.id],
            required=control.required,
            submits=control.submits,
            step=control.step,
            prominence=control.prominence,
            default=control.default,
            options=[
                ShownOption(option.id, text.options[control.id][option.id]) for option in control.options
            ],
        )
        for control in point.controls
    ]
    notices = [
        ShownNotice(notice.purpose, notice.version, notice.body)
        for purpose, number in point.notices.items()
        for notice in policies.notices.get(purpose, ())
        if (notice.version, notice.locale) == (number, text.locale)
    ]
    return ShownPoint(
        point.id, point.version, text.locale, point.controller, point.hash.hex(), controls, text.body, notices
    )


@post("/collection/{point:str}/submissions", opt=needs("collection.submit"), status_code=201)
async def submit(
    request: AppRequest, point: FromPath[str], data: JSONBody[Submission]
) -> Response[Submitted]:
    """Record what somebody left at a form: the person, their yes and no to each purpose, the sale, the evidence.

    The server reads the answers: a box left alone is no entry, a chosen "no" is a refusal, and a yes to what asks for
    a second step waits for it.
    """
    workspace: Workspace = request.app.state.workspace
    _require_scope(request, workspace.policies, point)
    acted_at = clock.now() if data.acted_at is None else clock.require_aware(data.acted_at, "acted_at")
    submission = submissions.Submission(
        point=point,
        version=data.version,
        locale=data.locale,
        controls=data.controls,
        acted_at=acted_at,
        acts=data.acts,
        presented=data.presented,
        subject=reference_of(data.subject) if data.subject is not None else None,
        device=Reference(None, normalise(Kind.DEVICE, data.device)) if data.device is not None else None,
        products=tuple(data.products),
        evidence=data.evidence,
    )

    async def work(session: Session) -> Submitted:
        done = await collecting.submit(session, workspace.ring, workspace.policies, submission)
        hours = workspace.settings.relay_queue_hours if _takes_away(done) else None
        return Submitted(
            contact=done.contact_id,
            created=done.created,
            entries=[
                SubmittedEntry(
                    one.purpose,
                    one.channel,
                    cast(Any, one.kind.name.lower()),
                    one.entry.id if one.entry else None,
                )
                for one in done.made
            ],
            grounds=list(done.grounds),
            relay_queue_hours=hours,
            permits_voided=session.voided,
            permits_in_flight=session.in_flight,
        )

    return await write(request, workspace.database, workspace.ring.token, work, status=201)


def _takes_away(done: Collected) -> bool:
    return any(one.kind.takes_away for one in done.made)


def _require_scope(request: AppRequest, policies: PolicySet, name: str) -> None:
    """The key must reach every purpose of the form; of one that it does not reach it learns nothing."""
    rights, principal = rights_of(request), principal_of(request)
    rights.require(principal, "collection.submit")
    for version in policies.collection.get(name, ()):
        for purpose in version.purposes:
            if purpose in policies.purposes:
                rights.require(principal, "collection.submit", purpose=purpose)


HANDLERS: list[ControllerRouterHandler] = [read_point, submit]
