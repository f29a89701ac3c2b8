"""A "yes" whose time nobody told, where a "no" stands: it may be the older of the two, so it ends none.

Whoever never said no is taken to have acted now (decision 0024). After a "no" that would let a list that is
synchronised every night bring back what the person took away (GDPR art. 7(3), 18(2), 21(3)).
"""

from collections.abc import Iterator
from dataclasses import replace

from registry.consents import merged_rows, reading
from registry.consents.ledger import EntryKind
from registry.consents.standing_rows import Person
from registry.consents.validation import NewEntry
from registry.kit import clock
from registry.kit.clock import NEVER
from registry.kit.database import Session
from registry.kit.errors import Refused
from registry.kit.ids import NIL
from registry.policy.model import Basis, PolicySet
from registry.standing.model import Consent, GateState, Mark

# A request gives nothing by itself: its letter asks the person, and their answer has its own time.
_GIVES = frozenset({EntryKind.GRANTED, EntryKind.CONFIRMED})
_NO = (Consent.REFUSED, Consent.WITHDRAWN)


class Undated(Refused):
    """A "no" stands, of the person or of the address, and the "yes" does not say that it came after it."""

    def __init__(self) -> None:
        super().__init__(
            "consent.undated",
            'A "no" is on record, which only an act that is dated after it lifts.',
            field="acted_at",
            mend="tell acted_at, the time of the person's act",
        )


async def refuse_after_no(session: Session, policies: PolicySet, entry: NewEntry) -> None:
    """Refuse a "yes" without a time of its own where a "no" or a restriction stands against it; raises Undated.

    The person is locked, so no "no" can come before the "yes" is recorded.
    """
    purpose = policies.purposes.get(entry.purpose)
    if entry.kind not in _GIVES or purpose is None:
        return
    by_consent = purpose.basis is Basis.CONSENT
    for person in await reading.load(session, [entry.contact_id]):
        if any(_against(row, by_consent=by_consent) for row in _rows(policies, person, entry)):
            raise Undated


def _rows(policies: PolicySet, person: Person, entry: NewEntry) -> Iterator[GateState]:
    """What stands for the scope that the "yes" is for, at whichever record has the address."""
    about = (
        policies.purpose_ids[entry.purpose],
        policies.channel_ids.get(entry.channel),
        entry.assignment_id or NIL,
    )
    whole = replace(_as_told(person), merged=[_as_told(one) for one in person.merged])
    for row in merged_rows.rows(policies, whole, clock.now()):
        if (row.purpose_id, row.channel_id, row.assignment_id) == about:
            yield row


def _as_told(person: Person) -> Person:
    """The record without what an erasure left at its addresses, which is nobody's "no"."""
    return replace(person, addresses=[replace(one, reopened=False) for one in person.addresses])


def _against(row: GateState, *, by_consent: bool) -> bool:
    marks = (row.objected, row.suppressed)
    return (
        row.consent in _NO
        or Mark.YES in marks
        or row.restricted_at >= row.consented_at
        # Of an interest a lifted one as well: it stands again when what lifted it is good no more.
        or (not by_consent and (Mark.LIFTED in marks or row.restricted_at > NEVER))
    )
