"""Messages whose worker is gone: nobody knows whether they were sent, so they are shown as `unknown`.

Marketing that is unknown is never sent again (M4): twice would be worse than not at all. A legal notice is, with
the same Message-ID, so that a mailbox can tell the two are one.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from registry.audit import entries as audit
from registry.dispatch import outbox
from registry.dispatch.outbox import Outcome
from registry.dispatch.owner import is_gone
from registry.gate import evidence, past
from registry.gate import service as gate
from registry.gate.model import Question
from registry.keys.ring import KeyRing
from registry.kit import clock
from registry.kit.caller import WORKER, Caller
from registry.kit.database import Database, Session
from registry.policy.model import PolicySet, PurposeClass
from registry.standing import service as standing

CRASHED = "worker.gone"


async def recover(database: Database, ring: KeyRing, policies: PolicySet, worker: str) -> dict[str, int]:
    """Take what lies in the hands of dead workers out of them; counts by new state. `worker` is our own name."""
    counts: dict[str, int] = {}
    caller = Caller(WORKER, "dispatch", "worker is gone")
    while True:
        done = await database.run(caller, lambda session: _recover(session, ring, policies, worker))
        if not done:
            return counts
        for outcome in done:
            counts[outcome.state] = counts.get(outcome.state, 0) + 1


async def _recover(session: Session, ring: KeyRing, policies: PolicySet, worker: str) -> list[Outcome]:
    found = await outbox.in_hand_of_others(session, worker)
    gone = {name: await is_gone(session, name) for name in {row.worker for row in found}}
    orphans = [row for row in found if gone[row.worker]]
    if not orphans:
        return []
    # A dead worker's transaction may still be ending on the server: its locks are waited for here.
    await standing.lock_for_handoff(session, [row.contact_id for row in orphans], [])
    numbers = {row.id: row.attempt for row in orphans}
    still = await session.all(
        "SELECT id, attempt FROM message WHERE id = ANY(%s) AND state = 'handing_off' AND worker IS DISTINCT FROM %s"
        " ORDER BY id FOR NO KEY UPDATE",
        (list(numbers), worker),
    )
    unchanged = {row.id for row in still if numbers[row.id] == row.attempt}
    return await _settle(session, ring, policies, [row for row in orphans if row.id in unchanged])


async def _settle(
    session: Session, ring: KeyRing, policies: PolicySet, orphans: Sequence[Any]
) -> list[Outcome]:
    if not orphans:
        return []
    decisions = [
        await past.explain(
            session,
            policies,
            Question(row.contact_id, row.purpose, row.channel, row.assignment_id),
            row.attempted_at,
        )
        for row in orphans
    ]
    kept = await gate.record(session, decisions, "reconstructed", [row.id for row in orphans])
    again = clock.now() + timedelta(seconds=1)
    outcomes = [
        Outcome(row.id, outbox.QUEUED, CRASHED, again, decision.id)
        if row.class_ == PurposeClass.LEGAL_NOTICE
        else Outcome(row.id, outbox.UNKNOWN, CRASHED, None, decision.id)
        for row, decision in zip(orphans, kept, strict=True)
    ]
    await outbox.settle(session, outcomes)
    await outbox.answer(
        session, [(row.contact_id, row.id, row.attempt, "unknown", CRASHED) for row in orphans]
    )
    await audit.append(
        session,
        ring,
        "message.recover",
        subjects=[row.contact_id for row in orphans],
        kinds=("message",),
        detail={
            "messages": len(orphans),
            "digests": evidence.digests(kept, "reconstructed", [row.id for row in orphans]),
        },
    )
    return outcomes
