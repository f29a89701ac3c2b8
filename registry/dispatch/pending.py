"""Requests that wait for their confirmation (double opt-in): the table, and what of it still waits.

The ledger says what a request is; this says which ones are open, and how often we have written about each.
"""

from collections.abc import Container, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from registry.consents.ledger import EntryKind
from registry.dispatch.composing import Asked
from registry.kit.database import Session
from registry.kit.errors import Refused
from registry.kit.session import Asked as Answer
from registry.policy.model import PolicySet


class RequestSettled(Refused):
    """The request was confirmed, taken back or deleted since: nobody is asked about it any more."""

    def __init__(self) -> None:
        super().__init__("request.settled", "The request waits for no confirmation any more.")


_NOES = ", ".join(str(int(kind)) for kind in EntryKind if kind.takes_away)
# The ledger's own rule (`registry.consents.ledger.fold`) for the request `e`: a "no" that came after it and covers its
# scope ends it, and so does its being invalidated; its row in `confirmation` went when it was confirmed.
_WAITS = (
    "NOT EXISTS (SELECT 1 FROM consent_entry t WHERE t.contact_id = e.contact_id AND ("
    f"(t.kind IN ({_NOES}) AND t.seq > e.seq AND t.controller = e.controller AND t.purpose IN (e.purpose, '*')"
    " AND t.channel IN (e.channel, '*') AND (t.assignment_id IS NULL OR t.assignment_id = e.assignment_id))"
    f" OR (t.kind = {int(EntryKind.INVALIDATED)} AND t.refers_to = e.id)))"
)
_ENTRY = " JOIN consent_entry e ON e.contact_id = k.contact_id AND e.id = k.entry_id"
# Of these messages those whose request waits.
_ASKING = (
    " FROM message m JOIN confirmation k ON k.contact_id = m.contact_id AND k.entry_id = m.about"
    f"{_ENTRY} WHERE m.id = ANY(%s) AND {_WAITS}"
)


async def begin(
    session: Session, contact_id: UUID, entry_id: UUID, purpose: str, at: datetime, letters: int
) -> None:
    """Note a request that waits since `at`, and how many letters were written about it."""
    await session.execute(
        "INSERT INTO confirmation (contact_id, entry_id, purpose, requested_at, letters) VALUES (%s, %s, %s, %s, %s)",
        (contact_id, entry_id, purpose, at, letters),
    )


async def end(session: Session, contact_id: UUID, entry_id: UUID | None) -> None:
    """The request waits no more."""
    await session.execute(
        "DELETE FROM confirmation WHERE contact_id = %s AND entry_id = %s", (contact_id, entry_id)
    )


async def is_queued(session: Session, contact_id: UUID, assignment_id: UUID, purpose: str) -> bool:
    """Whether a letter to this address, about a request for this purpose that still waits, has yet to leave."""
    found = await session.first(
        "SELECT 1 FROM message m JOIN confirmation k ON k.contact_id = m.contact_id AND k.entry_id = m.about"
        f"{_ENTRY} WHERE m.contact_id = %s AND m.assignment_id = %s AND m.letter = 'confirmation'"
        f" AND m.state = 'queued' AND k.purpose = %s AND {_WAITS}",
        (contact_id, assignment_id, purpose),
    )
    return found is not None


async def asked_in(session: Session, policies: PolicySet, rows: Sequence[Any]) -> dict[UUID, Asked]:
    """Of due messages those that ask for a confirmation that is still waited for, by message."""
    wanted = [row.id for row in rows if row.about is not None]
    if not wanted:
        return {}
    found = await session.all(f"SELECT m.id, k.entry_id, k.purpose, k.requested_at{_ASKING}", (wanted,))
    return {
        row.id: Asked(row.entry_id, policies.purpose_ids[row.purpose], row.requested_at)
        for row in found
        if row.purpose in policies.purpose_ids
    }


def require(row: Any, asked: Container[UUID]) -> None:
    """RequestSettled for a letter about a request that waits no more; `asked` are the messages whose request does."""
    if row.about is not None and row.id not in asked:
        raise RequestSettled


def ask_again(session: Session, messages: Sequence[Any]) -> Answer | None:
    """Put ahead which of these messages (`id`, `about`) ask for what is still waited for; None where none is a letter.

    For the hand-off, whose persons are locked: a "no" is acknowledged under the same locks, so here none goes unseen.
    """
    wanted = [one.id for one in messages if one.about is not None]
    return session.ask(f"SELECT m.id{_ASKING}", (wanted,)) if wanted else None


async def to_remind(session: Session, purpose: str, after: datetime, until: datetime) -> list[Any]:
    """Requests made between `after` and `until` whose one letter arrived and which still wait: (contact_id, entry_id).

    `letters = 1` is what keeps a second reminder from ever being written.
    """
    return await session.all(
        "SELECT k.contact_id, k.entry_id, m.assignment_id, m.locale FROM confirmation k JOIN message m"
        " ON m.contact_id = k.contact_id AND m.about = k.entry_id AND m.letter = 'confirmation'"
        f" AND m.state = 'handed_over' {_ENTRY} WHERE k.purpose = %s AND k.requested_at > %s AND k.requested_at <= %s"
        f" AND k.letters = 1 AND {_WAITS} ORDER BY k.requested_at, k.entry_id LIMIT 200",
        (purpose, after, until),
    )


async def take_reminder(session: Session, contact_id: UUID, entry_id: UUID, at: datetime) -> bool:
    """Note that the reminder is written now; False when it was before. The person is locked."""
    done = await session.execute(
        "UPDATE confirmation SET letters = 2, reminded_at = %s WHERE contact_id = %s AND entry_id = %s AND letters = 1",
        (at, contact_id, entry_id),
    )
    return done.rowcount == 1


async def lapsed(session: Session, cutoffs: Mapping[str, datetime], otherwise: datetime) -> list[Any]:
    """Requests older than the cutoff of their purpose (`otherwise` for one that is gone), eldest first."""
    return await session.all(
        "SELECT k.contact_id, k.entry_id FROM confirmation k"
        " LEFT JOIN unnest(%s::text[], %s::timestamptz[]) AS w(purpose, cutoff) ON w.purpose = k.purpose"
        " WHERE k.requested_at <= coalesce(w.cutoff, %s) AND k.requested_at <= %s"
        " ORDER BY k.requested_at, k.entry_id LIMIT 200",
        (list(cutoffs), list(cutoffs.values()), otherwise, max([*cutoffs.values(), otherwise])),
    )
