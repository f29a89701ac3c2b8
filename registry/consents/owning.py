"""Of a person of several records, in which ledger an entry belongs: in that of the record which it is about."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from registry.consents.ledger import EntryKind
from registry.consents.validation import NewEntry
from registry.kit.database import Session
from registry.standing import merged

# They say something about another entry, so they stand beside it.
_REFERRING = frozenset({EntryKind.CONFIRMED, EntryKind.INVALIDATED, EntryKind.CORRECTED})


async def by_owner(session: Session, entries: Sequence[NewEntry]) -> Sequence[NewEntry]:
    """The same entries, each under the record that has its address, or the entry that it refers to.

    A "yes" is for one address, so it parts with the record of that address if the merge is undone. Whoever wrote about
    the person has locked all their records, which says which these are.
    """
    if not any(entry.contact_id in session.merged for entry in entries):
        return entries
    records = list(session.merged)
    holders: dict[UUID, UUID] = {
        row.id: row.contact_id
        for row in await session.all(
            "SELECT contact_id, id FROM assignment WHERE contact_id = ANY(%b::uuid[]) AND id = ANY(%b::uuid[])",
            (records, [entry.assignment_id for entry in entries if entry.assignment_id]),
        )
    }
    ledgers: dict[UUID, UUID] = {
        row.id: row.contact_id
        for row in await session.all(
            "SELECT contact_id, id FROM consent_entry WHERE contact_id = ANY(%b::uuid[]) AND id = ANY(%b::uuid[])",
            (records, [entry.refers_to for entry in entries if entry.refers_to]),
        )
    }
    return [
        replace(entry, contact_id=_owner(session, entry, holders, ledgers))
        if entry.contact_id in session.merged
        else entry
        for entry in entries
    ]


def _owner(session: Session, entry: NewEntry, holders: dict[UUID, UUID], ledgers: dict[UUID, UUID]) -> UUID:
    owner = entry.contact_id
    if entry.assignment_id is not None:
        owner = holders.get(entry.assignment_id, owner)
    elif entry.kind in _REFERRING and entry.refers_to is not None:
        owner = ledgers.get(entry.refers_to, owner)
    same = session.merged.get(owner) == session.merged[entry.contact_id]
    return owner if same else entry.contact_id


async def holder(session: Session, contact_id: UUID, assignment_id: UUID) -> UUID:
    """The record of a person that has one of their addresses; the person is locked."""
    records = merged.locked_records(session, contact_id)
    if len(records) == 1:
        return contact_id
    found: UUID | None = await session.value(
        "SELECT contact_id FROM assignment WHERE contact_id = ANY(%b::uuid[]) AND id = %s",
        (list(records), assignment_id),
    )
    return found or contact_id
