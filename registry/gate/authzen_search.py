"""AuthZEN's searches: whom, for which purposes, or by which channels; what was read is in the log before it is told."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from registry.audit import readsets
from registry.audit.body import JSON
from registry.gate import audience
from registry.gate.authzen import CONTACT, PURPOSE, UNDECLARED, Asker, reference_of
from registry.gate.authzen_paging import Place, place
from registry.gate.authzen_schemas import (
    ActionSearch,
    FoundAction,
    FoundActions,
    FoundEntities,
    FoundEntity,
    NextPage,
    ResourceSearch,
    SubjectSearch,
)
from registry.gate.checks import NOBODY, Check, about, judge
from registry.keys import persons
from registry.keys.ring import KeyRing
from registry.kit import clock
from registry.kit.database import Database, Session
from registry.kit.ids import NIL

# An answer that names nobody, because its types or ids are none of ours.
_NOTHING: list[str] = []


async def subjects(database: Database, ring: KeyRing, asker: Asker, search: SubjectSearch) -> FoundEntities:
    """One page of the persons whom an action may reach for a purpose now, by our ids and in their order.

    Only `contact` finds anybody: addresses are not given out. Entry `decision.bulk` with the persons of the page.
    """
    at = place(ring.token, search)
    purpose = asker.purpose(search.resource, "decision.bulk")
    channel = asker.channel(search.action)
    asked = asker.policies.purposes.get(purpose)
    if search.subject.type != CONTACT or asked is None or channel not in asked.channels:
        return FoundEntities(NextPage("", 0), [])
    after = UUID(at.after) if at.after else NIL
    statement = audience.permitted(asker.policies, asked, channel, clock.now(), after, at.limit + 1)
    async with database.held(asker.caller) as session:
        rows = await session.all_binary(statement.text, statement.params)
        found = [row.contact_id for row in rows[: at.limit]]
        await _note(session, ring, found, {"search": "subject", "purpose": purpose, "channel": channel})
    more = len(rows) > at.limit
    token = at.token(ring.token, str(found[-1]) if found else at.after) if more else ""
    return FoundEntities(NextPage(token, len(found)), [FoundEntity(CONTACT, str(one)) for one in found])


async def resources(database: Database, ring: KeyRing, asker: Asker, search: ResourceSearch) -> FoundEntities:
    """One page of the purposes, among those that the key reaches, for which an action may reach a person now."""
    at = place(ring.token, search)
    asker.rights.require(asker.principal, "decision.bulk")
    channel = asker.channel(search.action)
    names = _NOTHING
    if search.resource.type == PURPOSE and channel != UNDECLARED:
        names = [
            one.id
            for one in asker.policies.purposes.values()
            if channel in one.channels and asker.rights.reaches(asker.principal, one.id)
        ]
    reference = reference_of(search.subject)
    checks = [Check(asker.caller, reference, name, channel) for name in names]
    detail = {"search": "resource", **({"channel": channel} if names else {})}
    found, token = await _page(database, ring, asker, checks, at, lambda check: check.purpose, detail)
    return FoundEntities(NextPage(token, len(found)), [FoundEntity(PURPOSE, name) for name in found])


async def actions(database: Database, ring: KeyRing, asker: Asker, search: ActionSearch) -> FoundActions:
    """One page of the channels (and `process`) by which a person may be reached for a purpose now."""
    at = place(ring.token, search)
    purpose = asker.purpose(search.resource, "decision.bulk")
    asked = asker.policies.purposes.get(purpose)
    reference = reference_of(search.subject)
    channels = asked.channels if asked else ()
    checks = [Check(asker.caller, reference, purpose, channel) for channel in channels]
    detail = {"search": "action", **({"purpose": purpose} if asked else {})}
    found, token = await _page(database, ring, asker, checks, at, lambda check: check.channel, detail)
    return FoundActions(NextPage(token, len(found)), [FoundAction(name) for name in found])


async def _page(
    database: Database,
    ring: KeyRing,
    asker: Asker,
    checks: Sequence[Check],
    at: Place,
    name: Callable[[Check], str],
    detail: Mapping[str, JSON],
) -> tuple[list[str], str]:
    """The names of the checks that are permitted, in order, as far as the page goes, and the token of the next."""
    checks = [check for check in checks if check.reference is not NOBODY]
    if not checks:
        return [], ""
    async with database.held(asker.caller) as session:
        decided, held = await judge(session, ring, asker.policies, checks)
        read = readsets.gather_held(ring, about(decided, held))
        await readsets.append(session, "decision.bulk", read, kinds=("standing",), detail=detail)
    permitted = sorted(
        name(check) for check, decision in zip(checks, decided, strict=True) if decision.permitted
    )
    waiting = [one for one in permitted if one > at.after]
    found = waiting[: at.limit]
    more = len(waiting) > at.limit
    return found, at.token(ring.token, found[-1] if found else at.after) if more else ""


async def _note(session: Session, ring: KeyRing, read: Sequence[UUID], detail: Mapping[str, JSON]) -> None:
    held = await persons.wrapped(session, read)
    gathered = await asyncio.to_thread(readsets.gather_held, ring, held)
    await readsets.append(
        session, "decision.bulk", gathered, kinds=("standing",), detail={**detail, "persons": len(read)}
    )
