"""The outbox table: messages that are due, in hand, and done. Nothing here sends."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from registry.kit.database import Session

QUEUED = "queued"
HANDING_OFF = "handing_off"
HANDED_OVER = "handed_over"
BLOCKED = "blocked"
UNKNOWN = "unknown"
FAILED = "failed"
DEFERRED = "deferred"
VOIDED = "voided"
STATES = (QUEUED, DEFERRED, HANDING_OFF, HANDED_OVER, BLOCKED, UNKNOWN, FAILED, VOIDED)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one message: its new state, why, and when it may be tried again."""

    message_id: UUID
    state: str
    reason: str | None = None
    due_at: datetime | None = None
    decision_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """What is written about a message before it may be sent: the bytes by their hash, and what makes them again."""

    message_id: UUID
    contact_id: UUID
    attempt_id: UUID
    number: int
    content_hash: bytes
    message_ref: str | None
    values: bytes | None


async def due(session: Session, channel: str, limit: int) -> list[Any]:
    """Messages that are due, locked, at most one of a person; others that claim pass these by.

    With the address that they go to and the locale to write in; an erased person's or an ended address is null.
    """
    rows = await session.all(
        'SELECT m.id, m.contact_id, m.campaign_id, m.purpose, m.channel, m.class AS "class_", m.assignment_id,'
        " m.attempt, m.letter, m.about, coalesce(m.locale, c.locale) AS locale, a.address_id, a.value AS address,"
        " c.country"
        " FROM message m LEFT JOIN contact c ON c.id = m.contact_id"
        " LEFT JOIN assignment a ON a.contact_id = m.contact_id AND a.id = m.assignment_id"
        " WHERE m.state = 'queued' AND m.due_at <= now() AND m.channel = %s AND NOT EXISTS ("
        " SELECT 1 FROM message h WHERE h.contact_id = m.contact_id AND h.state = 'handing_off')"
        " ORDER BY m.due_at, m.id LIMIT %s FOR UPDATE OF m SKIP LOCKED",
        (channel, limit),
    )
    first: dict[UUID, Any] = {}
    for row in rows:
        first.setdefault(row.contact_id, row)
    return list(first.values())


async def duplicates(session: Session, message_ids: Sequence[UUID]) -> set[UUID]:
    """Which of these messages go to somebody whom the same campaign writes to, or wrote to, by another record.

    Records may be found to be of one person after they were queued; the one that was queued first goes out.
    """
    rows = await session.all(
        "SELECT DISTINCT m.id FROM message m"
        " JOIN gate_row g ON g.subject_id = m.contact_id AND g.merged_into IS NOT NULL"
        " JOIN gate_row o ON o.merged_into = g.merged_into AND o.subject_id <> m.contact_id"
        " JOIN message t ON t.contact_id = o.subject_id AND t.campaign_id = m.campaign_id"
        " WHERE m.id = ANY(%b::uuid[]) AND (t.state IN ('handing_off', 'handed_over', 'unknown')"
        " OR t.state = 'queued' AND t.id < m.id)",
        (list(message_ids),),
    )
    return {row.id for row in rows}


async def take(session: Session, worker: str, attempts: Sequence[Attempt], at: datetime) -> None:
    """Put messages in this worker's hand and write their attempts; they are locked by `due`.

    Raises psycopg's UniqueViolation when another message of one of these persons is in hand since.
    """
    await session.execute(
        "WITH w AS (SELECT * FROM unnest(%(ids)s::uuid[], %(contacts)s::uuid[], %(attempts)s::uuid[],"
        " %(numbers)s::int[], %(hashes)s::bytea[], %(refs)s::text[], %(values)s::bytea[])"
        " AS w(id, contact_id, attempt_id, number, hash, ref, sealed)), taken AS ("
        " UPDATE message m SET state = 'handing_off', reason = NULL, attempt = w.number, attempted_at = %(at)s,"
        ' worker = %(worker)s, content_hash = w.hash, message_ref = w.ref, "values" = w.sealed'
        " FROM w WHERE m.id = w.id)"
        " INSERT INTO message_attempt (contact_id, id, message_id, number, content_hash, at)"
        " SELECT contact_id, attempt_id, id, number, hash, %(at)s FROM w",
        {
            "ids": [a.message_id for a in attempts],
            "contacts": [a.contact_id for a in attempts],
            "attempts": [a.attempt_id for a in attempts],
            "numbers": [a.number for a in attempts],
            "hashes": [a.content_hash for a in attempts],
            "refs": [a.message_ref for a in attempts],
            "values": [a.values for a in attempts],
            "worker": worker,
            "at": at,
        },
    )


async def still_in_hand(session: Session, worker: str, numbers: dict[UUID, int]) -> set[UUID]:
    """Which of these messages are as they were claimed, now locked; the gate rows are locked before."""
    rows = await session.all(
        "SELECT id, attempt FROM message WHERE id = ANY(%s) AND state = 'handing_off' AND worker = %s"
        " ORDER BY id FOR NO KEY UPDATE",
        (list(numbers), worker),
    )
    return {row.id for row in rows if numbers[row.id] == row.attempt}


async def settle(session: Session, outcomes: Sequence[Outcome]) -> None:
    """Write what became of messages, with the next statement; `handed_at` is set for those that were handed over."""
    if not outcomes:
        return
    session.ask(
        "UPDATE message m SET state = w.state, reason = w.reason, due_at = coalesce(w.due_at, m.due_at),"
        " decision_id = coalesce(w.decision, m.decision_id), worker = NULL,"
        " handed_at = CASE WHEN w.state = 'handed_over' THEN clock_timestamp() END"
        " FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::timestamptz[], %s::uuid[])"
        " AS w(id, state, reason, due_at, decision) WHERE m.id = w.id",
        (
            [o.message_id for o in outcomes],
            [o.state for o in outcomes],
            [o.reason for o in outcomes],
            [o.due_at for o in outcomes],
            [o.decision_id for o in outcomes],
        ),
    )


async def answer(session: Session, answers: Sequence[tuple[UUID, UUID, int, str, str | None]]) -> None:
    """Write what the other side answered to attempts: (person, message, number, result, reply) each.

    It goes with the next statement.
    """
    if not answers:
        return
    columns = list(map(list, zip(*answers, strict=True)))
    session.ask(
        "UPDATE message_attempt a SET result = w.result, reply = w.reply"
        " FROM unnest(%s::uuid[], %s::uuid[], %s::int[], %s::text[], %s::text[])"
        " AS w(contact_id, message_id, number, result, reply)"
        " WHERE a.contact_id = w.contact_id AND a.message_id = w.message_id AND a.number = w.number",
        columns,
    )


async def in_hand_of_others(session: Session, worker: str, limit: int = 500) -> list[Any]:
    """Messages in the hand of other workers, living or dead."""
    return await session.all(
        'SELECT id, contact_id, worker, purpose, channel, class AS "class_", assignment_id, attempt, attempted_at'
        " FROM message WHERE state = 'handing_off' AND worker IS DISTINCT FROM %s ORDER BY contact_id LIMIT %s",
        (worker, limit),
    )


async def pending(session: Session, contact_id: UUID) -> dict[str, int]:
    """Messages of a person that may be on their way: in hand, or sent without an answer; counts by state."""
    rows = await session.all(
        "SELECT state, count(*) AS n FROM message WHERE contact_id = %s AND state IN ('handing_off', 'unknown')"
        " GROUP BY state",
        (contact_id,),
    )
    return {row.state: row.n for row in rows}
