"""What would have been answered at an earlier time: the same fold and the same rules over older entries."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from registry.consents import projection
from registry.consents.merged_rows import rows
from registry.consents.standing_rows import Person
from registry.gate import rules, service
from registry.gate.model import Decision, Facts, Moment, Question
from registry.kit.database import Session
from registry.policy.model import PolicySet, Purpose
from registry.standing.model import ContactState, GateState


@dataclass(frozen=True, slots=True)
class _Answer:
    state: int
    code: int
    assignment_id: UUID
    evidence: UUID
    soft_opt_in: int
    jurisdiction: int
    clock: int
    capped_until: datetime


async def explain(
    session: Session,
    policies: PolicySet,
    question: Question,
    at: datetime,
    known_at: datetime | None = None,
) -> Decision:
    """The answer at `at` as it follows from what was on record at `known_at` (default: `at`), by these policies.

    A contact that was not recorded by then is unknown. Of somebody erased nothing is on record, at whatever time.
    """
    reason = service.before_facts(policies, question)
    if reason is not None:
        return service.refusal(policies, question, reason, at)
    known = known_at or at
    row = await session.first(
        "SELECT g.state, c.created_at FROM gate_row g LEFT JOIN contact c ON c.id = g.subject_id"
        " WHERE g.subject_id = %s",
        (question.contact_id,),
    )
    if row is not None and row.state == ContactState.ERASED:
        return service.refusal(policies, question, "contact.erased", at)
    people = await projection.load(session, [question.contact_id], at, known)
    if not people or row is None or row.created_at is None or row.created_at > known:
        return service.refusal(policies, question, "contact.unknown", at)
    return answer(policies, people[0], question, at)


def answer(policies: PolicySet, person: Person, question: Question, at: datetime) -> Decision:
    """The answer about one person from everything recorded about them. Pure; worked cases are played by it too."""
    purpose = policies.purposes[question.purpose]
    moment = Moment.of(policies, purpose, question.channel, at)
    found = best(policies, person, question, moment, rows(policies, person, at))
    if found is None:
        return service.refusal(policies, question, "address.missing", at)
    code, row = found
    told = _Answer(
        person.state,
        code,
        row.assignment_id,
        row.evidence,
        row.soft_opt_in,
        row.jurisdiction,
        row.clock,
        row.capped_until,
    )
    return service.decision(policies, purpose, question, told, at)


def best(
    policies: PolicySet, person: Person, question: Question, moment: Moment, of: Iterable[GateState]
) -> tuple[int, GateState] | None:
    """The code and the row of the permitted address verified last, else of that whose reason comes latest."""
    purpose = policies.purposes[question.purpose]
    ranked = [
        (
            rules.CODES[rules.judge(purpose, Facts.of(row), moment)],
            row.verified_at,
            -row.assignment_id.int,
            row,
        )
        for row in of
        if row.purpose_id == policies.purpose_ids[purpose.id]
        and row.channel_id == policies.channel_ids[question.channel]
        and question.assignment_id in (None, row.assignment_id)
    ]
    if not ranked:
        return None
    code, _, _, row = max(ranked, key=lambda answer: answer[:3])
    return code, row


def narrowed(policies: PolicySet, purpose: Purpose, channel: str) -> PolicySet:
    """Policies of which only one purpose on one channel is left: all that a count about it needs."""
    alone: dict[str, Any] = {purpose.id: purpose.model_copy(update={"channels": (channel,)})}
    return policies.model_copy(update={"purposes": alone})
