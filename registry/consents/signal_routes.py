"""HTTP for machine signals: Global Privacy Control, recorded as the objection that it is."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.params import JSONBody
from litestar.types import ControllerRouterHandler
from msgspec import Meta, Struct

from registry.access.guard import principal_of, rights_of
from registry.access.workspace import Workspace
from registry.consents import signals
from registry.consents.schemas import Text, Word
from registry.contacts.identifiers import Kind, normalise
from registry.contacts.queries import Reference
from registry.contacts.referring import reference_of
from registry.contacts.schemas import Source, Subject, Value
from registry.kit.database import Session
from registry.kit.http.admission import PUBLIC, needs
from registry.kit.http.writing import caller_of, write

AppRequest = Request[Any, Any, Any]
HEADER = "Sec-GPC"


class NewSignal(Struct, frozen=True, forbid_unknown_fields=True):
    """A request that a browser made, as the site saw it."""

    source: Source
    device: Value | None = None
    """The browser, by the id that the site gave it."""
    subject: Subject | None = None
    """Whose browser it is, where somebody is signed in."""
    sec_gpc: Annotated[str, Meta(max_length=64)] | None = None
    """The header `Sec-GPC` of that request, forwarded as it came; the header of this one counts as well."""
    evidence: Annotated[dict[Word, Text], Meta(max_length=30)] = {}


class Objection(Struct, frozen=True):
    """An objection that the signal became; `repeated` when it stood already."""

    purpose: str
    id: UUID
    repeated: bool


class HeardSignal(Struct, frozen=True):
    """What the signal became; `honoured` when it is `Sec-GPC: 1` exactly and a purpose here yields to it."""

    honoured: bool
    objections: list[Objection]


class GpcStatement(Struct, frozen=True, rename="camel"):
    """The statement of support of Global Privacy Control."""

    gpc: bool
    last_update: date


@post("/signals", opt=needs("signal.record"), status_code=200)
async def record(request: AppRequest, data: JSONBody[NewSignal]) -> Response[HeardSignal]:
    """Record `Sec-GPC: 1` as an objection to the purposes that the policy maps to it, once for each.

    It is the device's, and that of the person named, and never that of whoever uses the device later.
    """
    workspace: Workspace = request.app.state.workspace
    _require_scope(request, workspace)
    sent = request.headers.get(HEADER)
    signal = signals.Signal(
        value=signals.GPC if signals.GPC in (sent, data.sec_gpc) else data.sec_gpc,
        source=data.source,
        device=Reference(None, normalise(Kind.DEVICE, data.device)) if data.device is not None else None,
        subject=reference_of(data.subject) if data.subject is not None else None,
        evidence=data.evidence,
    )

    async def work(session: Session) -> HeardSignal:
        heard = await signals.hear(session, workspace.ring, workspace.policies, signal)
        objections = [Objection(purpose, one.id, one.repeated) for purpose, one in heard.objections]
        return HeardSignal(heard.honoured, objections)

    return await write(request, workspace.database, workspace.ring.token, work, status=200)


def _require_scope(request: AppRequest, workspace: Workspace) -> None:
    rights, principal = rights_of(request), principal_of(request)
    rights.require(principal, "signal.record")
    for purpose in workspace.policies.purposes.values():
        if purpose.gpc:
            rights.require(principal, "signal.record", purpose=purpose.id)


@get("/.well-known/gpc.json", opt=PUBLIC)
async def support(request: AppRequest) -> Response[bytes]:
    """Whether this installation yields to Global Privacy Control, and since when it says so."""
    workspace: Workspace = request.app.state.workspace
    async with workspace.database.begin(caller_of(request)) as session:
        told = await signals.statement(session, workspace.policies)
    body = msgspec.json.encode(GpcStatement(told.gpc, told.last_update))
    return Response(body, media_type="application/json", headers={"Cache-Control": "public, max-age=3600"})


HANDLERS: list[ControllerRouterHandler] = [record]
ROOT_HANDLERS: list[ControllerRouterHandler] = [support]
