"""Restriction of processing (GDPR art. 18): in force when the transaction commits, for every sender at once."""

from typing import Literal
from uuid import UUID

from registry.audit import entries as audit
from registry.contacts.queries import Reference
from registry.keys.ring import KeyRing
from registry.kit.clock import now
from registry.kit.database import Session
from registry.policy.model import PurposeClass
from registry.standing import permits
from registry.standing import service as standing
from registry.standing.permits import No
from registry.subject_requests import intake

# GDPR art. 18(1)(a) to (d), in this order.
Because = Literal["accuracy", "unlawful", "claims", "objection"]
# What a restriction stops; what the person asked for, and what the law says they must be told, goes on.
STOPPED = (PurposeClass.MARKETING.value, PurposeClass.SERVICE.value)
REASONS: tuple[Because, ...] = ("accuracy", "unlawful", "claims", "objection")


async def restrict(
    session: Session, ring: KeyRing, reference: Reference, because: Because
) -> tuple[UUID, UUID]:
    """Restrict a person; (person, request). Doing it again counts anew. Raises as `intake.locked`."""
    contact_id = await intake.locked(session, ring, reference)
    await standing.restrict(session, contact_id, because)
    await permits.void(session, [No(contact_id)], "contact.restrict", STOPPED)
    return contact_id, await _noted(session, ring, contact_id, "restriction", because)


async def lift(session: Session, ring: KeyRing, reference: Reference) -> tuple[UUID, UUID]:
    """End a restriction; (person, request). The person was told before (art. 18(3)). Raises as `intake.locked`."""
    contact_id = await intake.locked(session, ring, reference)
    await standing.lift_restriction(session, contact_id)
    return contact_id, await _noted(session, ring, contact_id, "restriction_lifted", None)


async def _noted(
    session: Session, ring: KeyRing, contact_id: UUID, kind: intake.Kind, because: Because | None
) -> UUID:
    request_id = await intake.record(session, contact_id, kind, because)
    session.takings.append({"what": kind, "contact": str(contact_id), "at": now().isoformat()})
    await audit.append(
        session,
        ring,
        "contact.restrict",
        subjects=[contact_id],
        kinds=("standing",),
        detail={
            "request": str(request_id),
            "lifted": kind == "restriction_lifted",
            **permits.told(session),
        },
    )
    return request_id
