"""Which "no" goes with a person when records part or an address changes, so that neither launders it. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from registry.consents.ledger import ANY, Entry, EntryKind, fold
from registry.consents.standing_rows import Address, AddressRefusal, Of, Person, covers, row, scope
from registry.consents.validation import NewEntry
from registry.contacts.identifiers import Kind
from registry.kit.clock import FAR_PAST
from registry.policy.model import Basis, Grade, PolicySet, Purpose
from registry.standing.model import Consent, Mark

_TAKING = tuple(kind for kind in EntryKind if kind.takes_away)
# Whoever says no to what rests on these is heard, whatever the class; elsewhere marketing alone can be refused.
_REFUSABLE = (Basis.CONSENT, Basis.LEGITIMATE_INTERESTS, Basis.PUBLIC_TASK)


@dataclass(frozen=True, slots=True)
class _No:
    kind: EntryKind
    controller: str
    purpose: str
    channel: str
    assignment_id: UUID | None


def to_record(
    policies: PolicySet, said_by: Sequence[Person], to: Sequence[Person], source: str
) -> list[NewEntry]:
    """What some records said "no" to, as entries of others that were of the same person until now.

    A "no" to all addresses binds at the record that comes first, which stands for the others; one to an address binds
    wherever the others have it; one that a later "yes" for the very same scope outlived binds nobody.
    """
    theirs: dict[tuple[Kind, UUID], list[tuple[UUID, UUID | None]]] = {}
    for record in to:
        for one in record.addresses:
            theirs.setdefault((one.kind, one.address_id), []).append((record.contact_id, one.assignment_id))
    found: dict[tuple[UUID, _No], Entry] = {}
    for record in said_by:
        mine = {address.assignment_id: address for address in record.addresses}
        for entry in record.entries:
            if not entry.kind.takes_away or _outlived(policies, record, entry):
                continue
            targets: list[tuple[UUID, UUID | None]] = [(to[0].contact_id, None)]
            if entry.assignment_id is not None:
                address = mine.get(entry.assignment_id)
                targets = theirs.get((address.kind, address.address_id), []) if address else []
            for contact_id, assignment_id in targets:
                no = _No(entry.kind, entry.controller, entry.purpose, entry.channel, assignment_id)
                found[contact_id, no] = entry
    carried = [
        _entry(contact_id, no, entry.grade, source, entry.id) for (contact_id, no), entry in found.items()
    ]
    for record in said_by:
        for target in to:
            carried += _suppressed(policies, record, target, source)
    return carried


def _suppressed(policies: PolicySet, said_by: Person, to: Person, source: str) -> Iterator[NewEntry]:
    """An address's "no" that bound one record and not the other, who had lifted it: while they were one it held."""
    for purpose in policies.purposes.values():
        for channel in purpose.channels if purpose.is_marketing or purpose.basis in _REFUSABLE else ():
            for address, theirs in _same_addresses(said_by, to):
                of = Of(purpose, channel, address, address.kind, 1)
                if policies.channels[channel].address != address.kind.name.lower():
                    continue
                mine = row(policies, said_by, of, FAR_PAST).suppressed
                other = row(policies, to, of._replace(address=theirs), FAR_PAST).suppressed
                if _weight(purpose, mine) > _weight(purpose, other):
                    said = any(
                        refusal.objection and covers(refusal, purpose, channel)
                        for refusal in address.refusals
                    )
                    scope_of = purpose.controller, purpose.id, channel, theirs.assignment_id
                    yield _entry(to.contact_id, _No(_kind(said), *scope_of), Grade.ATTESTED, source, None)


def _same_addresses(one: Person, other: Person) -> Iterator[tuple[Address, Address]]:
    for mine in one.addresses:
        for theirs in other.addresses:
            if (mine.kind, mine.address_id) == (theirs.kind, theirs.address_id):
                yield mine, theirs


def to_address(
    policies: PolicySet, person: Person, old: Address, new: tuple[UUID, UUID], source: str
) -> list[NewEntry]:
    """What was said "no" to at an address that a person gives up, as entries of theirs for the one that comes instead.

    Both their own "no" to that address and the address's own, whoever said it (LP-23: no consent by a change of
    address). What they said of all their addresses holds for the new one anyway. `new` is the record that has the
    new address, and its assignment.
    """
    contact_id, assignment_id = new
    found: dict[_No, tuple[Grade, UUID | None]] = {}
    for entry in person.entries:
        at_old = entry.kind.takes_away and entry.assignment_id == old.assignment_id
        if at_old and not _outlived(policies, person, entry):
            no = _No(entry.kind, entry.controller, entry.purpose, entry.channel, assignment_id)
            found[no] = entry.grade, entry.id
    told = {(no.kind, no.controller, no.purpose, no.channel) for no in found} | {
        (entry.kind, entry.controller, entry.purpose, entry.channel)
        for entry in person.entries
        if entry.kind.takes_away and entry.assignment_id is None
    }
    # The graver first: beside an objection nothing else needs to be said of the same scope.
    for refusal in sorted(old.refusals, key=lambda one: not one.objection):
        said = refusal.controller, refusal.purpose, refusal.channel
        enough = (EntryKind.OBJECTED,) if refusal.objection else _TAKING
        if any((kind, *said) in told for kind in enough) or _lifted(policies, person, old, refusal):
            continue
        kind = _kind(refusal.objection)
        told.add((kind, *said))
        found[_No(kind, *said, assignment_id)] = Grade.ATTESTED, None
    return [_entry(contact_id, no, grade, source, entry_id) for no, (grade, entry_id) in found.items()]


def everywhere(person: Person, contact_id: UUID, source: str) -> list[NewEntry]:
    """What a person said "no" to at all their addresses, as that of an address that only they have."""
    noes = {
        _No(entry.kind, entry.controller, entry.purpose, entry.channel, None): entry
        for entry in person.entries
        if entry.kind.takes_away and entry.assignment_id is None
    }
    return [_entry(contact_id, no, entry.grade, source, entry.id) for no, entry in noes.items()]


def _entry(contact_id: UUID, no: _No, grade: Grade, source: str, refers_to: UUID | None) -> NewEntry:
    # Undated, so it counts from when it is recorded: a grant that is claimed to be older counts no more.
    return NewEntry(
        contact_id=contact_id,
        kind=no.kind,
        purpose=no.purpose,
        channel=no.channel,
        grade=grade,
        source=source,
        assignment_id=no.assignment_id,
        controller=no.controller,
        refers_to=refers_to,
    )


def _outlived(policies: PolicySet, person: Person, no: Entry) -> bool:
    """Whether the person said "yes" since, to exactly what this was a "no" to."""
    purpose = policies.purposes.get(no.purpose)
    if purpose is None or ANY in (no.purpose, no.channel) or no.assignment_id is None:
        return False
    standing = fold(person.entries, scope(purpose, no.channel, no.assignment_id))
    return standing.consent is Consent.GIVEN and not _weight(purpose, standing.objected)


def _lifted(policies: PolicySet, person: Person, old: Address, refusal: AddressRefusal) -> bool:
    """Whether an address's "no" bound this person no more: their own later grant at first hand lifted it."""
    purpose = policies.purposes.get(refusal.purpose)
    if purpose is None or refusal.channel not in purpose.channels:
        return False
    of = Of(purpose, refusal.channel, old, old.kind, 1)
    return not _weight(purpose, row(policies, person, of, FAR_PAST).suppressed)


def _kind(objection: bool) -> EntryKind:
    return EntryKind.OBJECTED if objection else EntryKind.WITHDRAWN


def _weight(purpose: Purpose, mark: int) -> int:
    """What a "no" weighs elsewhere: one that a consent lifted stands where that consent is not, if none is asked."""
    if purpose.basis is Basis.CONSENT:
        return int(mark == Mark.YES)
    return Mark(mark).gravity
