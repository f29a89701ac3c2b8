"""The ledger's arithmetic: what a person's entries add up to for one scope. Pure.

Nothing here makes a yes out of an unknown: what no entry says is missing, and missing is a no.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum
from functools import reduce
from uuid import UUID

from registry.kit.clock import FAR_PAST
from registry.kit.ids import NIL
from registry.policy.model import Grade
from registry.standing.model import Consent, Mark

ANY = "*"


class EntryKind(IntEnum):
    """What a person did; the numbers are stored and never change."""

    REQUESTED = 1
    GRANTED = 2
    CONFIRMED = 3
    REFUSED = 4
    WITHDRAWN = 5
    OBJECTED = 6
    INVALIDATED = 7
    CORRECTED = 8

    @property
    def takes_away(self) -> bool:
        return self in _TAKING


_TAKING = frozenset({EntryKind.REFUSED, EntryKind.WITHDRAWN, EntryKind.OBJECTED})


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. `acted_at` is None for an undated one; `assignment_id` None covers every address."""

    id: UUID
    seq: int
    kind: EntryKind
    grade: Grade
    controller: str
    purpose: str
    channel: str
    assignment_id: UUID | None
    acted_at: datetime | None
    recorded_at: datetime
    refers_to: UUID | None = None
    notice_version: int | None = None
    # The ground by which the holder of parental responsibility authorised a grant (GDPR art. 8).
    authority: UUID | None = None


# Not frozen, as is GateState: made for every row of the gate's table.
@dataclass(slots=True)
class Scope:
    """Purpose, channel and address, with what of the purpose decides how entries count."""

    controller: str
    purpose: str
    is_marketing: bool
    by_consent: bool
    least_grade: Grade
    double_opt_in: bool
    channel: str
    assignment_id: UUID | None

    def covered_by_no(self, entry: Entry) -> bool:
        """A "no" to `*` covers all marketing of its controller; one without an address covers all of them."""
        return (
            entry.controller == self.controller
            and (entry.purpose == self.purpose or (entry.purpose == ANY and self.is_marketing))
            and entry.channel in (ANY, self.channel)
            and (entry.assignment_id is None or entry.assignment_id == self.assignment_id)
        )

    def covered_by_yes(self, entry: Entry) -> bool:
        """A "yes" covers exactly its purpose, channel and address (GDPR art. 4(11): specific)."""
        return (
            entry.controller == self.controller
            and entry.purpose == self.purpose
            and entry.channel == self.channel
            and entry.assignment_id == self.assignment_id
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """What the entries add up to. `evidence` is the entry relied on, or the one that said no."""

    consent: Consent
    # Lifted: there is an objection, and what was granted at first hand since is all that it gives way to.
    objected: Mark
    evidence: UUID
    grade: Grade = Grade.UNKNOWN
    consented_at: datetime = FAR_PAST
    recorded_at: datetime = FAR_PAST
    notice_version: int = 0
    seq: int = 0
    authority: UUID | None = None


@dataclass(frozen=True, slots=True)
class _Grant:
    entry: Entry
    acted_at: datetime | None


def fold(entries: Iterable[Entry], scope: Scope) -> Standing:
    """Add entries up, in the order of `seq`.

    A taking-away ends every covered grant before it, whatever its date. A later grant counts only if it was
    acted after every taking-away that covers its scope; ties deny. An objection is lifted only by a later
    first-party grant. On a purpose that does not rest on consent every "no" is an objection, and beside a grant that
    lifted one no weaker counts. What was corrected counts as the less of what it said and what was found out.
    """
    entries = _corrected(list(entries))
    # What was invalidated never was: it lifted no objection either.
    invalid = {entry.refers_to for entry in entries if entry.kind is EntryKind.INVALIDATED}
    live: dict[UUID, _Grant] = {}
    pending: dict[UUID, Entry] = {}
    last_no: Entry | None = None
    no_acted = FAR_PAST
    objection: Entry | None = None
    objected = Mark.NO
    seq = 0
    for entry in entries:
        if entry.kind.takes_away:
            if not scope.covered_by_no(entry):
                continue
            live.clear()
            pending.clear()
            last_no = entry
            no_acted = max(no_acted, entry.acted_at or entry.recorded_at)
            if entry.kind is EntryKind.OBJECTED or not scope.by_consent:
                objection, objected = entry, Mark.YES
        elif entry.id in invalid or not scope.covered_by_yes(entry):
            continue
        elif entry.kind is EntryKind.REQUESTED:
            pending[entry.id] = entry
        elif entry.kind in (EntryKind.GRANTED, EntryKind.CONFIRMED):
            grant = _grant(entry, pending, scope)
            first_hand = objection is not None or (objected is not Mark.NO and not scope.by_consent)
            if grant is None or not _stands(grant, no_acted, first_hand=first_hand):
                continue
            live[entry.id] = grant
            if objection is not None:
                objection, objected = None, Mark.LIFTED
        seq = entry.seq
    return _outcome(live, pending, last_no, (objected, objection), scope, seq)


def acts(entries: Iterable[Entry]) -> list[Entry]:
    """What the person did, as it counts: nothing that was invalid, and what was corrected as the less that it was."""
    known = list(entries)
    invalid = {entry.refers_to for entry in known if entry.kind is EntryKind.INVALIDATED}
    about = (EntryKind.INVALIDATED, EntryKind.CORRECTED)
    return [entry for entry in _corrected(known) if entry.kind not in about and entry.id not in invalid]


def _corrected(entries: list[Entry]) -> list[Entry]:
    """The same entries, each "yes" no better than any correction of it says: nothing becomes a yes by being mended."""
    corrections: dict[UUID, list[Entry]] = {}
    for entry in entries:
        if entry.kind is EntryKind.CORRECTED and entry.refers_to is not None:
            corrections.setdefault(entry.refers_to, []).append(entry)
    if not corrections:
        return entries
    return [
        entry
        if entry.kind.takes_away or entry.id not in corrections
        else reduce(_weaker, corrections[entry.id], entry)
        for entry in entries
    ]


def _weaker(entry: Entry, correction: Entry) -> Entry:
    acted_at, notice = entry.acted_at, entry.notice_version
    if acted_at is not None and correction.acted_at is not None:
        acted_at = min(acted_at, correction.acted_at)
    if notice is not None and correction.notice_version is not None:
        notice = min(notice, correction.notice_version)
    return replace(entry, acted_at=acted_at, notice_version=notice, grade=min(entry.grade, correction.grade))


def _grant(entry: Entry, pending: dict[UUID, Entry], scope: Scope) -> _Grant | None:
    if entry.kind is EntryKind.CONFIRMED:
        # A confirmation is the end of its own request and takes that act's time; a "no" in between voided it.
        request = pending.pop(entry.refers_to, None) if entry.refers_to else None
        if request is None:
            return None
        if entry.authority is None and request.authority is not None:
            entry = replace(entry, authority=request.authority)
        return _Grant(entry, request.acted_at)
    if scope.double_opt_in:
        pending[entry.id] = entry
        return None
    return _Grant(entry, entry.acted_at)


def _stands(grant: _Grant, no_acted: datetime, *, first_hand: bool) -> bool:
    if first_hand and grant.entry.grade is not Grade.FIRST_PARTY:
        return False
    if grant.acted_at is None:
        return no_acted == FAR_PAST
    return grant.acted_at > no_acted


def _outcome(
    live: dict[UUID, _Grant],
    pending: dict[UUID, Entry],
    last_no: Entry | None,
    objection: tuple[Mark, Entry | None],
    scope: Scope,
    seq: int,
) -> Standing:
    objected, no = objection
    if live:
        best = max(
            live.values(),
            key=lambda g: (
                g.acted_at is not None and g.entry.grade > Grade.UNKNOWN,
                g.entry.grade >= scope.least_grade,
                g.acted_at or FAR_PAST,
                g.entry.seq,
            ),
        )
        known = best.acted_at is not None and best.entry.grade > Grade.UNKNOWN
        return Standing(
            consent=Consent.GIVEN if known else Consent.UNKNOWN_ORIGIN,
            objected=objected,
            evidence=best.entry.id,
            grade=best.entry.grade,
            # A claim may run some seconds ahead of our clock; what comes meanwhile is later all the same.
            consented_at=min(best.acted_at, best.entry.recorded_at) if known and best.acted_at else FAR_PAST,
            recorded_at=best.entry.recorded_at,
            notice_version=best.entry.notice_version or 0,
            seq=seq,
            authority=best.entry.authority,
        )
    if last_no is not None:
        refused = last_no.kind is EntryKind.REFUSED
        consent = Consent.REFUSED if refused else Consent.WITHDRAWN
        return Standing(consent, objected, (no or last_no).id, seq=seq)
    if pending:
        return Standing(Consent.UNCONFIRMED, objected, next(reversed(pending)), seq=seq)
    return Standing(Consent.MISSING, objected, NIL, seq=seq)
