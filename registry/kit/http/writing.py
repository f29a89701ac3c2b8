"""One write over HTTP: one transaction, one answer, and the same answer again for the same `Idempotency-Key`."""

from collections.abc import Awaitable, Callable
from typing import Any, cast

import msgspec
from litestar import Request, Response

from registry.kit.caller import Caller
from registry.kit.database import Database, Role, Session
from registry.kit.http.idempotency import HEADER, REPLAYED, Answer, attempt, once

_ENCODE = msgspec.json.Encoder().encode


def caller_of(request: Request[Any, Any, Any]) -> Caller:
    """Who calls and why, as the guard found it."""
    return cast(Caller, request.scope["state"]["caller"])


async def write(
    request: Request[Any, Any, Any],
    database: Database,
    secret: bytes,
    work: Callable[[Session], Awaitable[Any]],
    *,
    status: int | Callable[[Any], int] = 200,
    role: Role = Role.APP,
) -> Response[Any]:
    """`work` in one transaction of `role`; its result as JSON with `status`, which may depend on the result.

    With an `Idempotency-Key` the answer is recorded in that transaction; `secret` keys the MACs that are kept.
    """
    caller = caller_of(request)
    key = request.headers.get(HEADER)

    def answered(result: Any) -> Answer:
        return Answer(status if isinstance(status, int) else status(result), _ENCODE(result))

    if key is None:
        return _response(answered(await database.run(caller, work, role=role)))
    route = f"{request.method} {request.url.path}"
    tried = attempt(caller.actor, key, route, await request.body(), secret)

    async def recorded(session: Session) -> Answer:
        async def run() -> Answer:
            return answered(await work(session))

        return await once(session, tried, run)

    return _response(await database.run(caller, recorded, role=role))


def _response(answer: Answer) -> Response[Any]:
    headers = {REPLAYED: "true"} if answer.replayed else {}
    return Response(answer.body, status_code=answer.status, media_type="application/json", headers=headers)
