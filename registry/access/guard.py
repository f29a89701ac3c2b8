"""The one guard in front of every route: who calls, whether they may, and why they say they do."""

from typing import Any, cast

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from registry.access.authentication import Keychain
from registry.access.principals import Principal, Rights
from registry.audit.body import check_reason
from registry.kit.caller import PERSON, Caller
from registry.kit.errors import Misuse
from registry.kit.http.admission import CLOSED, OPTION, Admission
from registry.kit.http.edge import request_id
from registry.kit.http.purposes import DEFAULT_PURPOSE, REASON_HEADER, stated

Connection = ASGIConnection[Any, Any, Any, Any]


async def admit(connection: Connection, handler: BaseRouteHandler) -> None:
    """Let a request through to its handler, with a Caller in its state; a route that names no action is closed.

    Raises Unauthenticated (401), Forbidden (403), or Misuse (400) for a missing purpose or reason, in that order.
    """
    if connection.scope.get("method") == "OPTIONS":
        return  # answered by the framework from the list of methods; no code of ours runs
    admission: Admission = handler.opt.get(OPTION, CLOSED)
    state = connection.scope["state"]
    if admission.public:
        state["caller"] = Caller(PERSON, DEFAULT_PURPOSE, "public route", request_id(connection.scope))
        return
    keychain: Keychain = connection.app.state.keychain
    rights: Rights = connection.app.state.rights
    principal = await keychain.principal(connection.headers.get("authorization"))
    state["principal"] = principal
    state["actor"] = principal.actor
    rights.require(principal, *admission.actions)
    purpose, reason = stated(connection, required=admission.personal)
    try:
        check_reason(reason)
    except Misuse as error:
        raise Misuse(error.code, error.detail, field=REASON_HEADER, mend=error.mend) from None
    state["caller"] = Caller(principal.actor, purpose, reason, request_id(connection.scope))


def principal_of(request: Request[Any, Any, Any]) -> Principal:
    """The principal whom the guard let in."""
    return cast(Principal, request.scope["state"]["principal"])


def rights_of(request: Request[Any, Any, Any]) -> Rights:
    """The roles and purposes that this installation knows."""
    return cast(Rights, request.app.state.rights)
