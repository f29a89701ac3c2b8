"""HTTP for permits: issued, redeemed at the moment of sending, given back."""

from typing import Any

from litestar import Request, Response, post
from litestar.params import JSONBody

from registry.access.guard import principal_of, rights_of
from registry.access.workspace import Workspace
from registry.contacts.referring import reference_of
from registry.gate import permits
from registry.gate.permits_model import Issued, Redemption, Wanted
from registry.gate.permits_schemas import (
    NewPermit,
    PermitAnswer,
    PermitStanding,
    Redeem,
    Redeemed,
    VoidPermit,
)
from registry.kit.database import Session
from registry.kit.errors import Misuse
from registry.kit.http.admission import needs
from registry.kit.http.writing import caller_of, write
from registry.standing import permits as standing

AppRequest = Request[Any, Any, Any]


# Neither of the two keeps its answer for a repeat under an `Idempotency-Key`: that of the first holds a token, which
# is kept nowhere, and a "yes" of the second, told again after a withdrawal, would be a lie. Both are harmless to
# repeat: a permit that nobody heard of is over soon, and one that was redeemed is refused.
@post("/", opt=needs("permit.issue"), status_code=200)
async def issue(request: AppRequest, data: JSONBody[NewPermit]) -> Response[PermitAnswer]:
    """Ask the gate, and get a permit for one message: single-use, short-lived, for this content and address.

    A "no" is an answer, with `permit` null. A repeat gives another permit, also under the same Idempotency-Key; the
    one that nobody heard of is over soon.
    """
    workspace: Workspace = request.app.state.workspace
    rights = rights_of(request)
    purpose = data.purpose if data.purpose in rights.controllers else None
    rights.require(principal_of(request), "permit.issue", purpose=purpose)
    wanted = Wanted(
        reference_of(data.subject),
        data.purpose,
        data.channel,
        bytes.fromhex(data.content_hash),
        data.identifier,
        data.expires_in,
    )

    async def work(session: Session) -> Issued:
        return await permits.issue(session, workspace.ring, workspace.policies, wanted)

    return Response(PermitAnswer.of(await workspace.database.run(caller_of(request), work)))


@post("/redeem", opt=needs("permit.redeem"), status_code=200)
async def redeem(request: AppRequest, data: JSONBody[Redeem]) -> Response[Redeemed]:
    """Ask at the moment of sending: the gate decides anew, under the person's locks, before this answers.

    Hand the message over only on `permit`, and at once. A repeat is a deny, `permit.redeemed`, also under the same
    Idempotency-Key: whoever did not get the answer does not know whether a withdrawal came since.
    """
    workspace: Workspace = request.app.state.workspace
    reaches = permits.reach_of(rights_of(request), principal_of(request))

    async def work(session: Session) -> Redemption:
        return await permits.redeem(
            session,
            workspace.ring,
            workspace.policies,
            data.token,
            bytes.fromhex(data.content_hash),
            reaches,
        )

    return Response(Redeemed.of(await workspace.database.run(caller_of(request), work)))


@post("/void", opt=needs("permit.void"), status_code=200)
async def void(request: AppRequest, data: JSONBody[VoidPermit]) -> Response[PermitStanding]:
    """Give a permit back. One that has ended stays as it was, and its state is the answer."""
    workspace: Workspace = request.app.state.workspace
    reaches = permits.reach_of(rights_of(request), principal_of(request))
    if (data.token is None) == (data.permit is None):
        raise Misuse(
            "permit.unnamed",
            "A permit is named in one way.",
            field="permit",
            mend="by its token or by its id",
        )

    async def work(session: Session) -> PermitStanding:
        found = (
            await standing.find_by_id(session, data.permit)
            if data.permit is not None
            else await standing.find(session, data.token or "")
        )
        return PermitStanding.of(await permits.void(session, workspace.ring, found, reaches))

    return await write(request, workspace.database, workspace.ring.token, work)


HANDLERS = (issue, redeem, void)
