"""What one entry came to in its ledger: whether it counts, and if not, what stood against it. Pure.

It is told as of the entry. What came after it changes nothing, but for what was found out about the entry itself: what
was invalid never was, and what was corrected was less from the beginning.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from registry.consents import parental
from registry.consents.grounds import Ground
from registry.consents.ledger import Entry, EntryKind, Scope, Standing, acts, fold
from registry.consents.receipt_terms import Came, State
from registry.policy.model import Basis, Grade, Purpose, PurposeClass
from registry.standing.model import Consent, Parental

# What the model has for a purpose that does not say.
_CONFIRM_WITHIN_DAYS = int(Purpose.model_fields["confirm_within_days"].default)
GRANTS = frozenset({EntryKind.REQUESTED, EntryKind.GRANTED, EntryKind.CONFIRMED})
_FOUND_OUT = frozenset({EntryKind.INVALIDATED, EntryKind.CORRECTED})
_TAKEN = {Consent.REFUSED: State.REFUSED, Consent.WITHDRAWN: State.WITHDRAWN}


def scope_of(purpose: Mapping[str, Any], channel: str, assignment_id: UUID | None) -> Scope:
    """The scope of an entry, by the version of its purpose's policy that it names."""
    return Scope(
        controller=purpose["controller"],
        purpose=purpose["id"],
        is_marketing=purpose["class"] == PurposeClass.MARKETING,
        by_consent=purpose["basis"] == Basis.CONSENT,
        least_grade=Grade.UNKNOWN,
        double_opt_in=bool(purpose.get("double_opt_in")),
        channel=channel,
        assignment_id=assignment_id,
        confirm_within=timedelta(days=purpose.get("confirm_within_days", _CONFIRM_WITHIN_DAYS)),
    )


@dataclass(frozen=True, slots=True)
class Childhood:
    """What was known of the person's age, and whose authority stood for them, when an entry was recorded."""

    offered_to_children: bool = False
    coming_of_age: Sequence[tuple[date, date]] = ()
    grounds: Collection[Ground] = ()
    zone: str | None = None

    def lacks_authority(self, controller: str, standing: Standing) -> bool:
        """Whether a grant needed the authority of a parent and has none (GDPR art. 8), as the gate has it."""
        asking = parental.Asking(controller, self.offered_to_children)
        return parental.of(asking, standing, [self.coming_of_age], self.grounds, self.zone) is Parental.NONE


def came_to(entries: Sequence[Entry], this: Entry, scope: Scope, childhood: Childhood) -> Came:
    """What a grant, its request or its confirmation came to; `entries` are all of the person, in the order of `seq`."""
    about = [entry for entry in entries if entry.kind in _FOUND_OUT]
    for entry in about:
        if entry.kind is EntryKind.INVALIDATED and entry.refers_to in (this.id, this.refers_to or this.id):
            return Came(State.VOID, entry.recorded_at)
    if this.kind is EntryKind.REQUESTED or (this.kind is EntryKind.GRANTED and scope.double_opt_in):
        return Came(State.ASKED, this.acted_at)
    # What was found out stands before what it is about: it holds from the beginning, and this entry is the last.
    known = [*about, *(one for one in entries if one.kind not in _FOUND_OUT and one.seq < this.seq)]
    standing = fold([*known, this], scope)
    told = {entry.id: entry for entry in acts([*known, this])}
    request = told.get(this.refers_to) if this.kind is EntryKind.CONFIRMED and this.refers_to else None
    acted_at = (request or told[this.id]).acted_at
    # The fold notes the last entry that counted.
    if standing.seq != this.seq:
        no = told.get(standing.evidence)
        if standing.consent in _TAKEN and no is not None:
            return Came(_TAKEN[standing.consent], no.acted_at or no.recorded_at)
        return Came(State.UNKNOWN, acted_at)
    if told[this.id].grade is Grade.UNKNOWN or acted_at is None:
        return Came(State.UNKNOWN, acted_at)
    # Without what stood before it: of that another grant may be the better.
    asked = [one for one in entries if request is not None and one.id == request.id]
    if childhood.lacks_authority(this.controller, fold([*about, *asked, this], scope)):
        return Came(State.VOID, this.recorded_at)
    earlier = fold(known, scope)
    renewed = earlier.consent is Consent.GIVEN and not childhood.lacks_authority(this.controller, earlier)
    return Came(State.RENEWED if renewed else State.GIVEN, acted_at)
