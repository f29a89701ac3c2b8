"""Many questions in one call: answered by the one rule table, kept and noted together before the answers go out."""

from collections.abc import Callable, Sequence

from registry.audit import readsets
from registry.audit.body import JSON
from registry.gate import evidence, records
from registry.gate.checks import KIND, Check, about, judge
from registry.gate.model import Decision
from registry.keys.ring import KeyRing
from registry.kit.caller import Caller
from registry.kit.database import Database, Session
from registry.policy.model import PolicySet

Cut = Callable[[Sequence[Decision]], int]
# So many decisions share an entry of the log: their digests and their persons' commitments fit into it together.
NOTED_TOGETHER = 500


async def ask(
    database: Database,
    ring: KeyRing,
    policies: PolicySet,
    caller: Caller,
    checks: Sequence[Check],
    cut: Cut | None = None,
) -> list[Decision]:
    """The answers in the order of the questions, all of them durable when this returns; see `answer`."""
    if not checks:
        return []
    async with database.begin(caller) as session:
        return await answer(session, ring, policies, checks, cut)


async def answer(
    session: Session,
    ring: KeyRing,
    policies: PolicySet,
    checks: Sequence[Check],
    cut: Cut | None = None,
) -> list[Decision]:
    """Answer checks, and keep the decisions with an entry about every 500 of them, which holds their digests.

    `cut` says after how many answers the rest is of no use: those are neither kept nor told.
    """
    decided, held = await judge(session, ring, policies, checks)
    if cut is not None:
        number = cut(decided)
        decided, held = decided[:number], held[:number]
    for start in range(0, len(decided), NOTED_TOGETHER):
        some = decided[start : start + NOTED_TOGETHER]
        read = readsets.gather_held(ring, about(some, held[start : start + NOTED_TOGETHER]))
        await readsets.append(
            session,
            "decision.check",
            read,
            kinds=("standing",),
            detail=_told(policies, some),
            beside=records.INSERT,
            params=records.parameters(some, KIND),
        )
    return decided


def _told(policies: PolicySet, decided: Sequence[Decision]) -> dict[str, JSON]:
    """What the log says of a batch: the words of the policy, and none that a caller made up."""
    return {
        "digests": evidence.digests(decided, KIND),
        "purposes": sorted({one.purpose for one in decided} & set(policies.purposes)),
        "channels": sorted({one.channel for one in decided} & set(policies.channels)),
    }
