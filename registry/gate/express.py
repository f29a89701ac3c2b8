"""The commonest request of all, one check as it stands now, by its short way (`registry.kit.http.shortcut`).

It says what the route would say; whatever is the least unusual (another shape, another time, an audience, a mistake)
goes on to the route.
"""

import msgspec
from litestar.types import Scope

from registry.access.principals import Principal, Rights
from registry.contacts.referring import reference_of
from registry.gate.checks import Check, Checks
from registry.gate.schemas import Answer, Ask
from registry.kit.caller import Caller
from registry.kit.http.shortcut import Sent

_DECODE = msgspec.json.Decoder(Ask).decode
_ENCODE = msgspec.json.Encoder().encode


async def checked(scope: Scope, body: bytes) -> Sent | None:
    """The answer to a plain check."""
    try:
        asked: Ask = _DECODE(body)
    except ValueError:
        return None
    if asked.subject is None or asked.audience is not None or asked.at or asked.known_at:
        return None
    checks: Checks = scope["litestar_app"].state.checks
    return Sent(_ENCODE(Answer.of(await checks.ask(check_of(scope, asked)))))


def check_of(scope: Scope, asked: Ask) -> Check:
    """The check that a request about one subject asks for; Forbidden for a purpose that the key does not reach.

    A purpose that does not exist is answered, with a deny; one of others is nobody's to ask about.
    """
    state = scope["state"]
    rights: Rights = scope["litestar_app"].state.rights
    principal: Principal = state["principal"]
    rights.require(
        principal, "decision.check", purpose=asked.purpose if asked.purpose in rights.controllers else None
    )
    assert asked.subject is not None
    caller: Caller = state["caller"]
    return Check(caller, reference_of(asked.subject), asked.purpose, asked.channel, asked.identifier)
