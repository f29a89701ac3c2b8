"""The answer as it stood at an earlier time, for one person named by a reference; kept and noted like any other."""

from datetime import datetime
from uuid import UUID

from registry.audit import entries
from registry.contacts import queries as contacts
from registry.contacts.queries import Reference
from registry.gate import evidence, past, past_policies, service
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
    known_at: datetime | None = None,
) -> Decision:
    """What stood at `at` as it was on record at `known_at` (default: `at`), by the policies on record then.

    Entry `decision.check`. An address is looked up as it is assigned today. Misuse `time.in_future`; Refused
    `policy.unreadable`.
    """
    known = known_at or at
    require_past(at, known_at)
    policies = await past_policies.as_of(session, policies, purpose, known)
    found = await contacts.resolve(session, ring, reference)
    question = Question(found[0] if len(found) == 1 else NIL, purpose, channel, assignment_id)
    if len(found) == 1:
        question = await _at_address(session, ring, policies, reference, question)
        decision = await past.explain(session, policies, question, at, known)
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
        detail={
            "decision": str(kept.id),
            "at": at.isoformat(),
            "known_at": known.isoformat(),
            "digest": evidence.digest_of(kept, "recall"),
        },
    )
    return kept


def require_past(at: datetime, known_at: datetime | None) -> None:
    """Misuse `time.in_future`, naming which of the two it is."""
    now = clock.now()
    for field, instant in (("at", at), ("known_at", known_at)):
        if instant is not None and instant > now:
            raise Misuse(
                "time.in_future", "What will be is not on record.", field=field, mend="leave it out for now"
            )


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
