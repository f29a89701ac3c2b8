"""Records found to be of one person are merged, and parted again when that was wrong; no "no" is lost by either.

Nothing moves and nothing is rewritten: each record keeps its identifiers, ledger, messages and keys, and while they
are merged the gate takes the most restrictive of what they add up to (`merged_rows`). When they part, each goes on
with the "no" of both.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from registry.audit import body
from registry.audit import entries as audit
from registry.consents import carrying, projection, service
from registry.consents.service import Recorded
from registry.contacts import service as contacts
from registry.keys.ring import KeyRing
from registry.kit.database import Session
from registry.kit.errors import Misuse, NotFound, Refused
from registry.kit.ids import new_id
from registry.policy.model import PolicySet
from registry.standing import merged, permits
from registry.standing.permits import No, OpenPermit

SOURCE = "unmerge"


class Merge(Struct, frozen=True):
    """A merge as it stands: `records` are all that are of the person now, the surviving one first."""

    id: UUID
    surviving: UUID
    merged: UUID
    merged_at: datetime
    records: list[UUID]
    permits_voided: list[OpenPermit] = []
    """Permits of engines outside that were open at that instant, and are void since."""


class Unmerge(Struct, frozen=True):
    """What came of parting: the records on either side, and how many a "no" each took over from the other."""

    id: UUID
    surviving: list[UUID]
    merged: list[UUID]
    unmerged_at: datetime
    carried: int
    permits_voided: list[OpenPermit] = []


class OnRecord(Struct, frozen=True):
    """A merge as it is on record: of what into what, why, and until when."""

    id: UUID
    surviving: UUID
    merged: UUID
    reason: str
    merged_at: datetime
    unmerged_at: datetime | None


class MergedAlready(Refused):
    """The two are records of one person already."""

    def __init__(self) -> None:
        super().__init__("contact.merged_already", "These are records of one person already.")


class MergeUnknown(NotFound):
    """No merge of that id is on record for this person."""

    def __init__(self) -> None:
        super().__init__("merge.unknown", "There is no such merge.", mend="see zgoda contact merges")


class MergeUndone(Refused):
    """The merge was undone before."""

    def __init__(self) -> None:
        super().__init__("merge.undone", "That merge was undone already.")


async def merge(
    session: Session, ring: KeyRing, policies: PolicySet, surviving_id: UUID, merged_id: UUID, reason: str
) -> Merge:
    """Make two records those of one person; in force when this transaction commits; entry `contact.merge`.

    Records that were merged before come along. Locks every record of both, then their addresses, in id order, so
    a message that is being handed over is waited for. ContactGone (404) when one was erased, MergedAlready, Misuse
    `reason.*`: what is kept for good names nobody.
    """
    body.check_reason(reason)
    if surviving_id == merged_id:
        raise Misuse("contact.same", "Both are the same record.", field="other", mend="name another record")
    await contacts.lock(session, [surviving_id, merged_id])
    of = await merged.records(session, [surviving_id, merged_id])
    staying, joining = (of.get(one, (one,)) for one in (surviving_id, merged_id))
    if staying[0] == joining[0]:
        raise MergedAlready
    merge_id, everybody = new_id(), [*staying, *joining]
    merged_at: datetime = await session.value(
        "INSERT INTO contact_merge (contact_id, id, surviving_id, reason, actor) VALUES (%s, %s, %s, %s, %s)"
        " RETURNING merged_at",
        (joining[0], merge_id, staying[0], reason, session.caller.actor),
    )
    await merged.restrict_alike(session, everybody, merge_id)
    await merged.stand_for(session, everybody, staying[0])
    voided = await permits.void(session, [No(one) for one in everybody], "contact.merge")
    _journal(session, "merge", merge_id, joining[0], staying[0], merged_at)
    await audit.append(
        session,
        ring,
        "contact.merge",
        subjects=everybody,
        kinds=("identity", "standing"),
        detail={"merge": str(merge_id), **permits.told(session)},
    )
    return Merge(merge_id, staying[0], joining[0], merged_at, everybody, voided)


async def unmerge(
    session: Session, ring: KeyRing, policies: PolicySet, merge_id: UUID, contact_id: UUID | None = None
) -> Unmerge:
    """Part what a merge brought together; both go on with the "no" of both; entry `contact.unmerge`.

    What was recorded meanwhile stays with the record that it was about: a "yes" with the one that has the address.
    `contact_id`, where given, is a record that the merge must be about. MergeUnknown (404), MergeUndone.
    """
    row = await _found(session, merge_id, contact_id)
    await contacts.lock(session, [row.contact_id, row.surviving_id])
    row = await _found(session, merge_id, contact_id)
    if row.unmerged_at is not None:
        raise MergeUndone
    everybody = await merged.of_person(session, row.contact_id)
    leaving = await _below(session, row.contact_id, everybody)
    staying = [one for one in everybody if one not in leaving]
    carried = await _carry(session, ring, policies, staying, leaving)
    unmerged_at: datetime = await session.value(
        "UPDATE contact_merge SET unmerged_at = clock_timestamp() WHERE contact_id = %s AND id = %s"
        " RETURNING unmerged_at",
        (row.contact_id, merge_id),
    )
    for side in (staying, leaving):
        await merged.stand_for(session, side, side[0] if len(side) > 1 else None)
    voided = await permits.void(session, [No(one) for one in everybody], "contact.unmerge")
    _journal(session, "unmerge", merge_id, row.contact_id, row.surviving_id, unmerged_at)
    await audit.append(
        session,
        ring,
        "contact.unmerge",
        subjects=everybody,
        kinds=("identity", "standing"),
        detail={
            "merge": str(merge_id),
            "digests": [one.digest for one in carried],
            **permits.told(session),
        },
    )
    return Unmerge(merge_id, staying, leaving, unmerged_at, len(carried), voided)


async def _found(session: Session, merge_id: UUID, contact_id: UUID | None) -> Any:
    row = await session.first(
        "SELECT contact_id, surviving_id, unmerged_at FROM contact_merge WHERE id = %s", (merge_id,)
    )
    if row is None:
        raise MergeUnknown
    named = contact_id in (None, row.contact_id, row.surviving_id)
    # Of a record that came along with one of the two the merge is as well.
    if not named and contact_id not in await merged.of_person(session, row.contact_id):
        raise MergeUnknown
    return row


async def _below(session: Session, contact_id: UUID, records: Sequence[UUID]) -> list[UUID]:
    """The record and all that were merged into it, the surviving one of them first."""
    into: dict[UUID, list[UUID]] = {}
    for row in await session.all(
        "SELECT contact_id, surviving_id FROM contact_merge"
        " WHERE contact_id = ANY(%b::uuid[]) AND unmerged_at IS NULL ORDER BY id",
        (list(records),),
    ):
        into.setdefault(row.surviving_id, []).append(row.contact_id)
    found, waiting = [], [contact_id]
    while waiting:
        one = waiting.pop(0)
        found.append(one)
        waiting += into.get(one, [])
    return found


async def _carry(
    session: Session, ring: KeyRing, policies: PolicySet, staying: Sequence[UUID], leaving: Sequence[UUID]
) -> list[Recorded]:
    """Record what each side said "no" to on the other as well, at the record that will stand for that person."""
    (whole,) = await projection.load(session, [staying[0]])
    by_id = {one.contact_id: one for one in (whole, *whole.merged)}
    new = [
        no
        for said, side in ((leaving, staying), (staying, leaving))
        for no in carrying.to_record(
            policies, [by_id[one] for one in said], [by_id[one] for one in side], SOURCE
        )
    ]
    return await service.repeat(session, ring, policies, new)


def _journal(
    session: Session, what: str, merge_id: UUID, merged_id: UUID, surviving_id: UUID, at: datetime
) -> None:
    session.takings.append(
        {
            "what": what,
            "merge": str(merge_id),
            "contact": str(merged_id),
            "surviving": str(surviving_id),
            "at": at.isoformat(),
        }
    )


async def told(session: Session, ring: KeyRing, records: Sequence[UUID]) -> list[OnRecord]:
    """Every merge that these records were part of, undone ones too, oldest first; entry `contact.read`."""
    rows = await session.all(
        "SELECT id, contact_id, surviving_id, reason, merged_at, unmerged_at FROM contact_merge"
        " WHERE contact_id = ANY(%(ids)b::uuid[]) OR surviving_id = ANY(%(ids)b::uuid[]) ORDER BY id",
        {"ids": list(records)},
    )
    await audit.append(session, ring, "contact.read", subjects=list(records), kinds=("identity",))
    return [
        OnRecord(row.id, row.surviving_id, row.contact_id, row.reason, row.merged_at, row.unmerged_at)
        for row in rows
    ]
