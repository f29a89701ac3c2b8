"""The answer as it stood at an earlier time, for one person named by a reference; kept and noted like any other."""

from datetime import datetime
from uuid import UUID

from registry.audit import entries
from registry.contacts import queries as contacts
from registry.contacts.queries import Reference
from registry.gate import past, service
from registry.gate.model import Decision, Question
from registry.keys.ring import KeyRing
from registry.kit import clock
from registry.kit.database import Session
from registry.kit.errors import Misuse
from registry.kit.ids import NIL
from registry.policy.model import PolicySet


async def recall(
    session: Session,
    ring: KeyRing,
    policies: PolicySet,
    reference: Reference,
    purpose: str,
    channel: str,
    assignment_id: UUID | None,
    at: datetime,
) -> Decision:
    """What stood on record at `at`; entry `decision.check`. An address is looked up as it is assigned today."""
    if at > clock.now():
        raise Misuse(
            "time.in_future", "What will be is not on record.", field="at", mend="leave it out for now"
        )
    found = await contacts.resolve(session, ring, reference)
    question = Question(found[0] if len(found) == 1 else NIL, purpose, channel, assignment_id)
    if len(found) == 1:
        decision = await past.explain(
            session, policies, await _at_address(session, ring, policies, reference, question), at
        )
    else:
        reason = "contact.ambiguous" if found else "contact.unknown"
        decision = service.refusal(policies, question, reason, at)
    (kept,) = await service.record(session, [decision], "recall")
    await entries.append(
        session,
        ring,
        "decision.check",
        subjects=found[:1] if len(found) == 1 else [],
        kinds=("standing",),
        detail={"decision": str(kept.id), "at": at.isoformat()},
    )
    return kept


async def _at_address(
    session: Session, ring: KeyRing, policies: PolicySet, reference: Reference, question: Question
) -> Question:
    """Asked by an address of the channel's own kind, the answer is about that address."""
    channel, identifier = policies.channels.get(question.channel), reference.identifier
    if question.assignment_id or identifier is None or channel is None:
        return question
    if channel.address != identifier.kind.name.lower():
        return question
    held = (await contacts.holders(session, ring, [identifier]))[identifier]
    return question._replace(assignment_id=held[0].assignment_id)
