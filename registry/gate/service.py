"""Answers: for the questions at hand and for a whole audience, from one rule table in SQL."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from registry.audit import entries as audit
from registry.gate import audience, facts, records, rules
from registry.gate.model import PERMIT, Decision, Moment, Outcome, Question, clocks
from registry.keys.ring import KeyRing
from registry.kit import arrays, clock
from registry.kit.database import Session
from registry.kit.errors import Misuse
from registry.kit.ids import NIL
from registry.policy.model import Basis, ChannelGround, PolicySet, Purpose
from registry.policy.schedule import Part, next_time
from registry.standing.model import ContactState, Mark


async def decide(
    session: Session, policies: PolicySet, questions: Sequence[Question], at: datetime | None = None
) -> list[Decision]:
    """Decide each question on the facts that this statement sees; answers in the order of the questions.

    A caller that holds the gate rows' locks runs this in a statement of its own, after the lock: its snapshot is
    younger than every withdrawal that was acknowledged before. Without `at` it is now, when the locks are held that
    were asked for: what ends while they are waited for has ended.
    """
    if at is None:
        await session.send()
        at = clock.now()
    return [answer for answer, _ in await answers(session, policies, questions, at)]


async def answers(
    session: Session, policies: PolicySet, questions: Sequence[Question], at: datetime, *, keyed: bool = False
) -> list[tuple[Decision, Any | None]]:
    """Each decision with the row that it was read from (see `facts.asked`); None where no fact was read."""
    found: list[tuple[Decision, Any | None] | None] = [None] * len(questions)
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place, question in enumerate(questions):
        reason = before_facts(policies, question)
        if reason is not None:
            found[place] = refusal(policies, question, reason, at), None
        else:
            groups[question.purpose, question.channel].append(place)
    for (purpose_id, channel), places in groups.items():
        purpose = policies.purposes[purpose_id]
        statement = facts.asked(policies, purpose, channel, at, keyed=keyed)
        asked = [questions[place] for place in places]
        rows = await session.all_binary(
            statement.text,
            {
                **statement.params,
                "contacts": arrays.uuids([question.contact_id for question in asked]),
                "assignments": arrays.uuids([question.assignment_id or NIL for question in asked]),
            },
        )
        for place, row in zip(places, rows, strict=True):
            found[place] = decision(policies, purpose, questions[place], row, at), row
    return [one for one in found if one is not None]


def before_facts(policies: PolicySet, question: Question) -> str | None:
    """Why a question is refused before any fact is read; None when it may be asked."""
    purpose = policies.purposes.get(question.purpose)
    if purpose is None or question.purpose not in policies.purpose_ids:
        return "purpose.unknown"
    if question.channel not in policies.channels or question.channel not in purpose.channels:
        return "channel.unknown" if question.channel not in policies.channels else _undeclared(purpose)
    return None


def _undeclared(purpose: Purpose) -> str:
    """A channel that the purpose does not declare: no consent can exist for it (LP-04)."""
    return "consent.missing" if purpose.basis is Basis.CONSENT else "channel.ground_missing"


def refusal(policies: PolicySet, question: Question, reason: str, at: datetime) -> Decision:
    """A "no" for a question that never came to its facts."""
    purpose = policies.purposes.get(question.purpose)
    return Decision(
        contact_id=question.contact_id,
        purpose=question.purpose,
        channel=question.channel,
        outcome=Outcome.DENY,
        reason=reason,
        basis=purpose.basis if purpose else None,
        channel_ground=None,
        identifier=question.assignment_id,
        evidence=None,
        policy=purpose.version if purpose else None,
        as_of=at,
    )


def decision(policies: PolicySet, purpose: Purpose, question: Question, row: Any, at: datetime) -> Decision:
    """The decision that a row of answers says: code, state, assignment_id, evidence, soft_opt_in, jurisdiction."""
    if row.code is None:
        if row.state is None:
            return refusal(policies, question, "contact.unknown", at)
        erased = row.state == ContactState.ERASED
        return refusal(policies, question, "contact.erased" if erased else "address.missing", at)
    reason = rules.REASONS[row.code]
    permitted = reason == PERMIT
    deferred = reason in rules.DEFERRING
    return Decision(
        contact_id=question.contact_id,
        purpose=question.purpose,
        channel=question.channel,
        outcome=Outcome.PERMIT if permitted else Outcome.DEFER if deferred else Outcome.DENY,
        reason=reason,
        basis=purpose.basis,
        channel_ground=channel_ground(policies, purpose, question.channel, row, at) if permitted else None,
        identifier=row.assignment_id if row.assignment_id.int else None,
        evidence=row.evidence if row.evidence.int else None,
        policy=purpose.version,
        as_of=at,
        not_before=not_before(policies, purpose, question.channel, row, at) if deferred else None,
    )


def not_before(policies: PolicySet, purpose: Purpose, channel: str, row: Any, at: datetime) -> datetime:
    """When what is deferred may be asked again: cap and quiet hours over, and the hour one that is preferred."""
    number, part = divmod(row.clock, len(Part))
    zone = clocks(policies, purpose).get(number, "UTC")
    hours = tuple(policies.schedule.of_channel(channel, purpose.class_))
    wanted = Part(part) if purpose.is_marketing else Part.ANY
    return next_time(hours, wanted, zone, max(at, row.capped_until or at))


def channel_ground(
    policies: PolicySet, purpose: Purpose, channel: str, row: Any, at: datetime
) -> ChannelGround | None:
    """On what a permitted marketing message by this channel rests; None where no ground is asked for."""
    if not purpose.is_marketing:
        return None
    if purpose.basis is Basis.CONSENT:
        return ChannelGround.CONSENT
    moment = Moment.of(policies, purpose, channel, at)
    if row.soft_opt_in == Mark.YES and moment.soft_opt_in.holds(row.jurisdiction):
        return ChannelGround.SOFT_OPT_IN
    return ChannelGround.EXEMPTION if moment.exempt.holds(row.jurisdiction) else ChannelGround.CONSENT


async def record(
    session: Session,
    decisions: Sequence[Decision],
    kind: str,
    message_ids: Sequence[UUID | None] | None = None,
) -> list[Decision]:
    """Keep decisions with what they rested on."""
    if decisions:
        await session.execute(records.INSERT, records.parameters(decisions, kind, message_ids))
    return list(decisions)


def require_scope(policies: PolicySet, purpose: str, channel: str) -> Purpose:
    """The purpose, if it exists and declares the channel; Misuse naming the field otherwise."""
    found = policies.purposes.get(purpose)
    if found is None:
        raise Misuse(
            "purpose.unknown", "There is no such purpose.", field="purpose", mend="see zgoda policy list"
        )
    if channel not in policies.channels:
        raise Misuse("channel.unknown", "There is no such channel.", field="channel")
    if channel not in found.channels:
        raise Misuse(
            "channel.undeclared",
            "The purpose does not declare this channel.",
            field="channel",
            mend=f"one of {', '.join(found.channels)}",
        )
    return found


async def bulk(
    session: Session, ring: KeyRing, policies: PolicySet, purpose: str, channel: str
) -> dict[str, int]:
    """Persons by reason (`permit` among them) over the whole base, in one statement; audited after it."""
    found = require_scope(policies, purpose, channel)
    at = clock.now()
    statement = audience.counted(policies, found, channel, at)
    rows = await session.all(statement.text, statement.params)
    counts = {rules.REASONS[row.code]: row.persons for row in sorted(rows, key=lambda row: -row.persons)}
    await audit.append(
        session,
        ring,
        "decision.bulk",
        kinds=("standing",),
        detail={"purpose": purpose, "channel": channel, "persons": sum(counts.values())},
    )
    return counts
