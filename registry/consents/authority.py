"""A parent's authority for a child's grant (GDPR art. 8): it must be there, of this person, and before the grant."""

from collections.abc import Sequence

from registry.consents.grounds import PARENTAL
from registry.consents.ledger import EntryKind
from registry.consents.validation import NewEntry
from registry.kit.database import Session
from registry.kit.errors import Misuse
from registry.policy.model import PolicySet
from registry.standing import merged

_GRANTS = frozenset({EntryKind.REQUESTED, EntryKind.GRANTED, EntryKind.CONFIRMED})
# What the evidence of such a ground says at least: who holds the responsibility, and how that was verified (8(2)).
HOLDER, METHOD = "holder", "method"


async def check(session: Session, policies: PolicySet, entries: Sequence[NewEntry]) -> None:
    """Refuse a grant whose authority is none: Misuse `authority.unknown`, `authority.later`."""
    told = [entry for entry in entries if entry.authority is not None]
    if not told:
        return
    records = {entry.contact_id: merged.locked_records(session, entry.contact_id) for entry in told}
    found = {
        row.id: row
        for row in await session.all(
            "SELECT id, contact_id, kind, controller, occurred_at FROM ground"
            " WHERE contact_id = ANY(%b::uuid[]) AND id = ANY(%b::uuid[])",
            (list({one for some in records.values() for one in some}), [entry.authority for entry in told]),
        )
    }
    for entry in told:
        row = found.get(entry.authority)
        purpose = policies.purposes.get(entry.purpose)
        controller = entry.controller or (purpose.controller if purpose else "")
        if (
            entry.kind not in _GRANTS
            or row is None
            or row.contact_id not in records[entry.contact_id]
            or row.kind != PARENTAL
            or row.controller != controller
        ):
            raise Misuse(
                "authority.unknown",
                "There is no such authority of a parent for this person and controller.",
                field="authority",
                mend=f"record a ground of kind {PARENTAL} first, and name its id with the grant",
            )
        if entry.acted_at is not None and row.occurred_at > entry.acted_at:
            raise Misuse(
                "authority.later",
                "The parent agreed after the grant, which mends nothing (GDPR art. 8(1)).",
                field="authority",
                mend="ask for consent again",
            )
