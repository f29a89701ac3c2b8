"""The slow way to compare policies: everybody's rows by both, from their records, where the gate's rows cannot tell."""

from collections import Counter, defaultdict
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from registry.consents import projection, standing_rows
from registry.consents.standing_rows import Person
from registry.gate import rules
from registry.gate.model import Facts, Moment
from registry.gate.policy_changes import (
    Answered,
    Change,
    Compared,
    Pair,
    Progress,
    answer_without_rows,
    declares,
)
from registry.gate.policy_members import Naming
from registry.kit.database import Session
from registry.kit.ids import NIL
from registry.policy.ages import STRICTEST, birthday, coming_of_age
from registry.policy.model import PolicySet

EXAMPLES = 3
# Persons whose records are read at once.
CHUNK = 1_000


async def compare(
    session: Session,
    old: PolicySet,
    new: PolicySet,
    pairs: list[Pair],
    at: datetime,
    progress: Progress | None,
    naming: Naming | None = None,
) -> list[Compared]:
    """Everybody's rows by both policies, worked out from their records, some persons at a time."""
    total = int(await session.value("SELECT count(*) FROM gate_row"))
    label = f"reading everybody's records for {', '.join(sorted({pair.purpose for pair in pairs}))}"
    advance = progress(label, total) if progress else None
    tables = _Table(old, pairs, at), _Table(new, pairs, at)
    counts: Counter[tuple[Pair, str, str]] = Counter()
    examples: dict[tuple[Pair, str, str], list[UUID]] = defaultdict(list)
    after = NIL
    while True:
        ids = [
            row.subject_id
            for row in await session.all(
                "SELECT subject_id FROM gate_row WHERE subject_id > %s ORDER BY subject_id LIMIT %s",
                (after, CHUNK),
            )
        ]
        if not ids:
            break
        here = set(ids)
        changed: list[Answered] = []
        for person in await projection.load(session, ids):
            # Somebody of several records is told with each of them, and counted with the one that stands for them.
            if person.contact_id not in here:
                continue
            was, now = (table.answers(person) for table in tables)
            for pair in pairs:
                # Somebody whom the purpose is not about (a device, a person) has no answer by either.
                if pair not in was and pair not in now:
                    continue
                told = (
                    pair,
                    was.get(pair) or answer_without_rows(old, pair),
                    now.get(pair) or answer_without_rows(new, pair),
                )
                counts[told] += 1
                if told[1] != told[2]:
                    changed.append(Answered(person.contact_id, *pair, *told[1:]))
                    if len(examples[told]) < EXAMPLES:
                        examples[told].append(person.contact_id)
        if naming is not None:
            await naming.add(changed)
        after = ids[-1]
        if advance is not None:
            advance(len(ids))
    if naming is not None:
        await naming.flush()
    return [
        Compared(
            pair,
            "records",
            sum(persons for (of, _, _), persons in counts.items() if of == pair),
            tuple(
                Change(*pair, was, now, persons, tuple(examples[pair, was, now]))
                for (of, was, now), persons in counts.items()
                if of == pair and was != now
            ),
        )
        for pair in pairs
    ]


class _Table:
    """The rule table in Python for some purposes and channels, with its thresholds worked out once."""

    def __init__(self, policies: PolicySet, pairs: list[Pair], at: datetime) -> None:
        self.at = at
        wanted = [pair for pair in pairs if declares(policies, pair)]
        self.policies = policies.model_copy(
            update={"purposes": {pair.purpose: policies.purposes[pair.purpose] for pair in wanted}}
        )
        self.pairs = {
            (policies.purpose_ids[pair.purpose], policies.channel_ids[pair.channel]): pair for pair in wanted
        }
        self.moments = {
            pair: Moment.of(policies, policies.purposes[pair.purpose], pair.channel, at) for pair in wanted
        }

    def answers(self, person: Person) -> dict[Pair, str]:
        """The person's reason for each pair: of several addresses the permitted one, else the latest reason."""
        best: dict[Pair, int] = {}
        for row in standing_rows.rows(self.policies, aged(self.policies, person), self.at):
            pair = self.pairs.get((row.purpose_id, row.channel_id))
            if pair is not None:
                reason = rules.judge(self.policies.purposes[pair.purpose], Facts.of(row), self.moments[pair])
                best[pair] = max(best.get(pair, 0), rules.CODES.get(reason, rules.FALLEN_THROUGH))
        return {pair: rules.REASONS[code] for pair, code in best.items()}


def aged(policies: PolicySet, person: Person) -> Person:
    """The person with the days on which they come of age by these policies.

    The day by the Regulation's own age, which is kept for everybody whose date of birth is known, tells that date.
    """
    others = tuple(aged(policies, record) for record in person.merged)
    days = person.coming_of_age
    if days:
        _, sixteen = days[0]
        days = coming_of_age(policies.ages, person.country, birthday(sixteen, -STRICTEST))
    return replace(person, coming_of_age=days, merged=others)
