"""Many questions in one call: answered by the one rule table, kept and noted as a whole before the answers go out."""

from collections.abc import Callable, Sequence
from uuid import UUID

import msgspec

from registry.audit import readsets
from registry.audit.body import JSON
from registry.gate import records
from registry.gate.checks import Check, judge
from registry.gate.model import Decision
from registry.keys.ring import KeyRing
from registry.kit.caller import Caller
from registry.kit.database import Database, Session
from registry.kit.ids import new_id
from registry.policy.model import PolicySet

Cut = Callable[[Sequence[Decision]], int]
# The last bits of a version 7 id may count (RFC 9562, 6.2, method 1): a batch has its ids in one row.
_COUNTING = (1 << 16) - 1


async def ask(
    database: Database,
    ring: KeyRing,
    policies: PolicySet,
    caller: Caller,
    checks: Sequence[Check],
    cut: Cut | None = None,
) -> list[Decision]:
    """The answers in the order of the questions, durable when this returns; see `answer`."""
    if not checks:
        return []
    async with database.held(caller) as session:
        return await answer(session, ring, policies, checks, cut)


async def answer(
    session: Session,
    ring: KeyRing,
    policies: PolicySet,
    checks: Sequence[Check],
    cut: Cut | None = None,
) -> list[Decision]:
    """Answer checks: facts read, then all decisions and the one entry about them kept in one statement.

    `cut` says after how many answers the rest is of no use: those are neither kept nor told. The entry names the
    first decision and their number; their ids follow one another. Without a transaction around it all of it is
    committed when this returns.
    """
    decided, opened = await judge(session, ring, policies, checks)
    if cut is not None:
        number = cut(decided)
        decided, opened = decided[:number], opened[:number]
    if not decided:
        return []
    numbered = _in_a_row(decided)
    read = readsets.gather([keys for keys in opened if keys is not None])
    await readsets.append(
        session,
        "decision.check",
        read,
        kinds=("standing",),
        detail=_told(policies, numbered),
        beside=records.INSERT,
        params=records.parameters(numbered, "check"),
    )
    return numbered


def _in_a_row(decided: Sequence[Decision]) -> list[Decision]:
    first = new_id().int & ~_COUNTING
    return [msgspec.structs.replace(one, id=UUID(int=first + place)) for place, one in enumerate(decided)]


def _told(policies: PolicySet, decided: Sequence[Decision]) -> dict[str, JSON]:
    """What the log says of a batch: the words of the policy, and none that a caller made up."""
    return {
        "decision": str(decided[0].id),
        "decisions": len(decided),
        "purposes": sorted({one.purpose for one in decided} & set(policies.purposes)),
        "channels": sorted({one.channel for one in decided} & set(policies.channels)),
    }
