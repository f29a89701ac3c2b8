"""What would have been answered at an earlier time: the same fold and the same rules over older entries."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from registry.consents import projection
from registry.consents.standing_rows import Person, rows
from registry.gate import rules, service
from registry.gate.model import Decision, Facts, Moment, Question
from registry.kit.database import Session
from registry.policy.model import PolicySet


@dataclass(frozen=True, slots=True)
class _Answer:
    state: int
    code: int
    assignment_id: UUID
    evidence: UUID
    soft_opt_in: int
    jurisdiction: int


async def explain(session: Session, policies: PolicySet, question: Question, at: datetime) -> Decision:
    """The answer at `at` from the ledger as it was known then, by the policies of today.

    A contact that was not recorded yet is unknown. A restriction that was lifted since is not seen any more.
    """
    reason = service.before_facts(policies, question)
    if reason is not None:
        return service.refusal(policies, question, reason, at)
    created = await session.value("SELECT created_at FROM contact WHERE id = %s", (question.contact_id,))
    people = await projection.load(session, [question.contact_id], at)
    if not people or created is None or created > at:
        return service.refusal(policies, question, "contact.unknown", at)
    return answer(policies, people[0], question, at)


def answer(policies: PolicySet, person: Person, question: Question, at: datetime) -> Decision:
    """The answer about one person from everything recorded about them. Pure; worked cases are played by it too."""
    purpose = policies.purposes[question.purpose]
    moment = Moment.of(policies, purpose, question.channel, at)
    ranked = [
        (
            rules.CODES[rules.judge(purpose, Facts.of(row), moment)],
            row.verified_at,
            -row.assignment_id.int,
            row,
        )
        for row in rows(policies, person, at)
        if row.purpose_id == policies.purpose_ids[purpose.id]
        and row.channel_id == policies.channel_ids[question.channel]
        and question.assignment_id in (None, row.assignment_id)
    ]
    if not ranked:
        return service.refusal(policies, question, "address.missing", at)
    code, _, _, row = max(ranked, key=lambda answer: answer[:3])
    best = _Answer(person.state, code, row.assignment_id, row.evidence, row.soft_opt_in, row.jurisdiction)
    return service.decision(policies, purpose, question, best, at)
