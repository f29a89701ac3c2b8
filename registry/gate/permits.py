"""Permits: an engine outside asks for one, and redeems it at the moment of sending, under the person's locks.

The order is that of a hand-off (design: "Handing a message over"): gate row, then address rows, and in later
statements the permit and the facts. What says no holds the same rows, so a permit is redeemed before a "no", and named
in its answer where that was in the last minutes (`standing.permits.IN_FLIGHT`), or it is void.
"""

from uuid import UUID

from registry.access.principals import Principal, Rights
from registry.audit import entries as audit
from registry.contacts import queries as contacts
from registry.gate import evidence, service
from registry.gate.checks import Check, question_of
from registry.gate.model import Decision, Outcome, Question
from registry.gate.permits_model import (
    ENDED,
    LONGEST_SECONDS,
    UNKNOWN,
    Issued,
    PermitUnknown,
    Reaches,
    Redemption,
    Wanted,
)
from registry.keys.ring import KeyRing
from registry.kit import clock
from registry.kit.database import Session
from registry.kit.errors import Misuse
from registry.kit.ids import NIL, new_id
from registry.policy import in_force
from registry.policy.model import PolicySet
from registry.policy.schedule import capped_until
from registry.standing import handoffs, merged, permits
from registry.standing import service as standing
from registry.standing.permits import NewPermit, Permit, PermitState


def _everywhere(_: str) -> bool:
    return True


async def issue(session: Session, ring: KeyRing, policies: PolicySet, wanted: Wanted) -> Issued:
    """Ask the gate, under the person's locks, and if it permits issue a permit for the address that it chose.

    The decision is kept either way (kind `permit_issue`), with one entry `permit.issue`. Misuse
    `permit.too_long` for more than 15 minutes or none at all, `content_hash.invalid`. PolicyChanged (503) as `redeem`.
    """
    if not 0 < wanted.seconds <= LONGEST_SECONDS:
        raise Misuse(
            "permit.too_long",
            "A permit holds for at most 900 seconds.",
            field="expires_in",
            mend="ask again later",
        )
    if len(wanted.content_hash) != 32:
        raise Misuse(
            "content_hash.invalid", "A content hash is the SHA-256 of the content.", field="content_hash"
        )
    question, reason = await _question(session, ring, policies, wanted)
    if reason is None:
        await _lock(session, policies, question.contact_id)
        (decision,) = await service.decide(session, policies, [question])
        await in_force.require(session, policies)
    else:
        decision = service.refusal(
            policies, question, service.before_facts(policies, question) or reason, clock.now()
        )
    await service.record(session, [decision], "permit_issue")
    issued = Issued(decision)
    if decision.permitted:
        issued = await _write(session, policies, wanted, decision)
    await audit.append(
        session,
        ring,
        "permit.issue",
        subjects=[question.contact_id] if decision.reason not in _ABOUT_NOBODY else [],
        kinds=("standing",),
        detail=_told(policies, decision, "permit_issue", issued.id),
    )
    return issued


_ABOUT_NOBODY = frozenset({"contact.unknown", "contact.ambiguous", "contact.erased"})


async def _question(
    session: Session, ring: KeyRing, policies: PolicySet, wanted: Wanted
) -> tuple[Question, str | None]:
    """The question about the one person who is meant, or why there is none."""
    identifier = wanted.reference.identifier
    held = (await contacts.holders(session, ring, [identifier]))[identifier] if identifier is not None else ()
    check = Check(session.caller, wanted.reference, wanted.purpose, wanted.channel, wanted.assignment_id)
    asked = question_of(policies, check, held)
    if isinstance(asked, str):
        return Question(NIL, wanted.purpose, wanted.channel, wanted.assignment_id), asked
    return asked, None


async def _write(session: Session, policies: PolicySet, wanted: Wanted, decision: Decision) -> Issued:
    purpose = policies.purposes[decision.purpose]
    token, permit_id = permits.new_token(), new_id()
    address_id: UUID | None = None
    if decision.identifier is not None:
        address_id = await session.value(
            # It may be that of another record of the same person.
            "SELECT address_id FROM assignment WHERE contact_id = ANY(%b::uuid[]) AND id = %s",
            (list(merged.locked_records(session, decision.contact_id)), decision.identifier),
        )
    expires_at = await permits.write(
        session,
        NewPermit(
            decision.contact_id,
            permit_id,
            token,
            decision.identifier,
            address_id,
            purpose.controller,
            purpose.id,
            purpose.class_.value,
            decision.channel,
            wanted.content_hash,
            decision.id,
            wanted.seconds,
        ),
    )
    return Issued(decision, permit_id, token, expires_at)


async def _lock(
    session: Session, policies: PolicySet, contact_id: UUID, address_id: UUID | None = None
) -> None:
    """The sender's locks: the gate row, and then every address of the person, in id order.

    With them goes the question whether these policies are in force: whoever decides requires it before they write.

    All of them, because a redemption may bring the person to a cap, and then the gate's rows about every address are
    written anew. Which addresses there are can only change under the gate row's lock.
    """
    await standing.lock_for_handoff(session, [contact_id], ())
    held = set(await contacts.address_ids(session, merged.locked_records(session, contact_id)))
    await standing.lock_for_handoff(session, (), held | ({address_id} if address_id else set()))
    in_force.ask(session, policies)


async def redeem(
    session: Session,
    ring: KeyRing,
    policies: PolicySet,
    token: str,
    content_hash: bytes,
    reaches: Reaches = _everywhere,
) -> Redemption:
    """Redeem a permit: whether the message may be handed over at this very moment. Commit before you tell.

    The gate is asked anew. A permit that it refuses now is over (kind `permit`, like one that is redeemed); one whose
    content is another stays open. Whatever is wrong is a deny with its reason (see REASONS), and one thing an error:
    PolicyChanged (503) when other policies are in force than these; then the permit stays as it was, to be redeemed by
    those. A permit for a purpose that the caller does not reach is unknown to them.
    """
    permit = await permits.find(session, token)
    if permit is None or not reaches(permit.purpose):
        return await _unknown(session, ring)
    await _lock(session, policies, permit.contact_id, permit.address_id)
    # From here on every statement's snapshot is younger than the locks.
    standing_now = await permits.read(session, permit)
    if standing_now is None:
        return await _unknown(session, ring)
    at = clock.now()
    question = Question(permit.contact_id, permit.purpose, permit.channel, permit.assignment_id)
    reason = _refused(standing_now, content_hash)
    if reason is None:
        (decision,) = await service.decide(session, policies, [question], at)
        await in_force.require(session, policies)
        state = PermitState.REDEEMED if decision.permitted else PermitState.REFUSED
        if await permits.end(session, permit, state, "permit.redeem", decision.id) is None:
            reason = "permit.expired"  # between two statements
        elif decision.permitted:
            await _count(session, policies, decision)
    if reason is not None:
        decision = service.refusal(policies, question, reason, at)
    await service.record(session, [decision], "permit")
    await audit.append(
        session,
        ring,
        "permit.redeem",
        subjects=[permit.contact_id],
        kinds=("standing",),
        detail=_told(policies, decision, "permit", permit.id),
    )
    return Redemption(decision.outcome, decision.reason, permit.id, decision)


def _refused(permit: Permit, content_hash: bytes) -> str | None:
    """Why a permit cannot be redeemed, gravest first; None when it can."""
    if permit.state is not PermitState.OPEN:
        return ENDED[permit.state]
    if permit.expired:
        return "permit.expired"
    return "permit.content_changed" if permit.content_hash != content_hash else None


async def _unknown(session: Session, ring: KeyRing) -> Redemption:
    await audit.append(session, ring, "permit.redeem", kinds=("standing",), detail={"reason": UNKNOWN})
    return Redemption(Outcome.DENY, UNKNOWN)


async def _count(session: Session, policies: PolicySet, decision: Decision) -> None:
    """A redeemed permit is a message that the person was handed: it counts towards the caps."""
    purpose = policies.purposes[decision.purpose]
    caps = [
        cap
        for cap in policies.schedule.caps
        if (cap.controller, cap.channel) == (purpose.controller, decision.channel)
    ]
    if not purpose.is_marketing or not caps:
        return
    handed = handoffs.Handed(decision.contact_id, purpose.controller, decision.channel)
    days = (await handoffs.count(session, [handed]))[handed]
    at = clock.now()
    if any((until := capped_until(days, cap)) is not None and until > at for cap in caps):
        session.stale.add(decision.contact_id)


async def void(
    session: Session, ring: KeyRing, found: Permit | None, reaches: Reaches = _everywhere
) -> Permit:
    """Give a permit back: open no longer when this commits. One that has ended stays as it was; returns it as it is.

    `found` comes from `standing.permits.find` or `find_by_id`. PermitUnknown (404).
    """
    if found is None or not reaches(found.purpose):
        raise PermitUnknown
    await standing.lock_for_handoff(session, [found.contact_id], ())
    ended_at = await permits.end(session, found, PermitState.VOIDED, "permit.void")
    now = await permits.read(session, found)
    if now is None:
        raise PermitUnknown
    if ended_at is not None:
        await audit.append(
            session,
            ring,
            "permit.void",
            subjects=[found.contact_id],
            kinds=("standing",),
            detail={"permit": str(found.id), "purpose": found.purpose, "channel": found.channel},
        )
    return now


def reach_of(rights: Rights, principal: Principal) -> Reaches:
    """Which purposes a key reaches, for `redeem` and `void`."""
    return lambda purpose: rights.reaches(principal, purpose)


def _told(policies: PolicySet, decision: Decision, kind: str, permit_id: UUID | None) -> dict[str, str]:
    """What the log says: the words of the policy, and none that a caller made up; and what proves the decision."""
    told = {"decision": str(decision.id), "digest": evidence.digest_of(decision, kind)}
    if decision.purpose in policies.purposes and decision.channel in policies.channels:
        told |= {"purpose": decision.purpose, "channel": decision.channel}
    return told | ({"permit": str(permit_id)} if permit_id else {})
