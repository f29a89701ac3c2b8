"""How many persons, by reason, an audience had at an earlier time: counted from the ledger, some persons at a time."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from registry.audit import entries as audit
from registry.consents import projection
from registry.consents.merged_rows import rows
from registry.gate import past, past_policies, rules, service
from registry.gate.model import Moment, Question
from registry.keys.ring import KeyRing
from registry.kit.caller import Caller
from registry.kit.database import Database, Session
from registry.kit.ids import NIL
from registry.policy.model import PolicySet

# Persons read at once: what bounds the memory, whatever the base.
CHUNK = 1000

Advance = Callable[[int], None]


async def count(
    database: Database,
    ring: KeyRing,
    policies: PolicySet,
    caller: Caller,
    purpose: str,
    channel: str,
    at: datetime,
    known_at: datetime | None = None,
    *,
    chunk: int = CHUNK,
    advance: Advance | None = None,
) -> dict[str, int]:
    """Persons by reason (`permit` among them) at `at`, as known at `known_at` (default: `at`); `decision.bulk`.

    By the policies on record then. All of it sees one snapshot and changes nothing; the entry is committed before
    this returns. Persons erased since are not counted. Misuse as `service.require_scope`.
    """
    known = known_at or at
    counts: Counter[str] = Counter()
    async with database.begin(caller) as session:
        await session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        then = await past_policies.as_of(session, policies, purpose, known)
        found = service.require_scope(then, purpose, channel)
        alone = past.narrowed(then, found, channel)
        moment = Moment.of(then, found, channel, at)
        after: UUID | None = NIL
        while after is not None:
            after = await _chunk(
                session, alone, Question(NIL, purpose, channel), moment, known, after, chunk, counts
            )
            if advance is not None:
                advance(chunk)
    async with database.begin(caller) as session:
        await audit.append(
            session,
            ring,
            "decision.bulk",
            kinds=("standing",),
            detail={
                "purpose": purpose,
                "channel": channel,
                "at": at.isoformat(),
                "known_at": known.isoformat(),
                "persons": counts.total(),
            },
        )
    return dict(counts.most_common())


async def persons(session: Session) -> int:
    """About how many records there are to look at, for a progress bar."""
    return int(await session.value("SELECT count(*) FROM gate_row WHERE kind = 0"))


async def _chunk(
    session: Session,
    policies: PolicySet,
    question: Question,
    moment: Moment,
    known_at: datetime,
    after: UUID,
    size: int,
    counts: Counter[str],
) -> UUID | None:
    """Count the next persons after a contact id; the last one's id, or None at the end."""
    found = await session.all(
        "SELECT g.subject_id, c.created_at FROM gate_row g LEFT JOIN contact c ON c.id = g.subject_id"
        " WHERE g.subject_id > %s AND g.kind = 0 ORDER BY g.subject_id LIMIT %s",
        (after, size),
    )
    ids = {row.subject_id for row in found if row.created_at is not None and row.created_at <= known_at}
    for person in await projection.load(session, ids, moment.at, known_at):
        # Somebody of several records is counted where the one is that stands for them.
        if person.contact_id in ids:
            best = past.best(policies, person, question, moment, rows(policies, person, moment.at))
            counts["address.missing" if best is None else rules.REASONS[best[0]]] += 1
    return found[-1].subject_id if len(found) == size else None
