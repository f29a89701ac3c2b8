"""The ledger's arithmetic: what a person's entries add up to for one scope. Pure.

Nothing here makes a yes out of an unknown: what no entry says is missing, and missing is a no.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import IntEnum
from functools import reduce
from uuid import UUID

from registry.kit.clock import FAR_PAST
from registry.kit.ids import NIL
from registry.policy.model import Grade
from registry.standing.model import Consent, Mark

ANY = "*"
# When something was done, and when it was recorded.
Told = tuple[datetime | None, datetime]


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
    # The latest date that was claimed of the act, where a correction says an earlier one.
    latest_at: datetime | None = None


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
    # A request waits so long for its confirmation; None for ever.
    confirm_within: timedelta | None = None

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
    # Not before `consented_at`: what was claimed at first of an act whose date was corrected.
    latest_at: datetime = FAR_PAST


@dataclass(frozen=True, slots=True)
class _Grant:
    entry: Entry
    acted_at: datetime | None
    latest_at: datetime | None


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
        entry if entry.kind.takes_away else reduce(_weaker, _said_of(entry, corrections), entry)
        for entry in entries
    ]


def _said_of(entry: Entry, corrections: dict[UUID, list[Entry]]) -> list[Entry]:
    """The corrections of an entry; of a confirmation also those of its request, whose evidence it completes."""
    found = corrections.get(entry.id, [])
    if entry.kind is EntryKind.CONFIRMED and entry.refers_to is not None:
        # The act's time is the request's own.
        found = [*found, *(replace(one, acted_at=None) for one in corrections.get(entry.refers_to, []))]
    return found


def _weaker(entry: Entry, correction: Entry) -> Entry:
    acted_at, notice, latest_at = entry.acted_at, entry.notice_version, entry.latest_at
    if acted_at is not None and correction.acted_at is not None:
        latest_at = max(latest_at or acted_at, correction.acted_at)
        acted_at = min(acted_at, correction.acted_at)
    if notice is not None and correction.notice_version is not None:
        notice = min(notice, correction.notice_version)
    grade = min(entry.grade, correction.grade)
    return replace(entry, acted_at=acted_at, notice_version=notice, grade=grade, latest_at=latest_at)


def _grant(entry: Entry, pending: dict[UUID, Entry], scope: Scope) -> _Grant | None:
    if entry.kind is EntryKind.CONFIRMED:
        # A confirmation is the end of its own request and takes that act's time; a "no" in between voided it, and so
        # did the end of its term.
        request = pending.get(entry.refers_to) if entry.refers_to else None
        if request is None or not in_time(
            scope.confirm_within, (request.acted_at, request.recorded_at), (entry.acted_at, entry.recorded_at)
        ):
            return None
        # The person saw the request's text; who confirms by another saw no more than the older of them.
        shown = [one for one in (request.notice_version, entry.notice_version) if one is not None]
        entry = replace(entry, notice_version=min(shown) if len(shown) == 2 else None)
        if entry.authority is None and request.authority is not None:
            entry = replace(entry, authority=request.authority)
        pending.pop(request.id)
        return _Grant(entry, request.acted_at, request.latest_at)
    if scope.double_opt_in:
        pending[entry.id] = entry
        return None
    return _Grant(entry, entry.acted_at, entry.latest_at)


def in_time(term: timedelta | None, requested: Told, confirmed: Told) -> bool:
    """Whether a request still waited when it was confirmed; of each when it was done and when it was recorded.

    Our own clock decides, and of a request that was over when it was recorded what is said of both.
    """
    if term is None:
        return True
    asked, asked_recorded = requested
    done, done_recorded = confirmed
    if done_recorded > asked_recorded + term:
        return False
    if asked is None or asked_recorded < asked + term:
        return True
    return (done or done_recorded) <= asked + term


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
        consented_at = min(best.acted_at, best.entry.recorded_at) if known and best.acted_at else FAR_PAST
        return Standing(
            consent=Consent.GIVEN if known else Consent.UNKNOWN_ORIGIN,
            objected=objected,
            evidence=best.entry.id,
            grade=best.entry.grade,
            # A claim may run some seconds ahead of our clock; what comes meanwhile is later all the same.
            consented_at=consented_at,
            recorded_at=best.entry.recorded_at,
            notice_version=best.entry.notice_version or 0,
            seq=seq,
            authority=best.entry.authority,
            latest_at=max(consented_at, best.latest_at or consented_at),
        )
    if last_no is not None:
        refused = last_no.kind is EntryKind.REFUSED
        consent = Consent.REFUSED if refused else Consent.WITHDRAWN
        return Standing(consent, objected, (no or last_no).id, seq=seq)
    if pending:
        return Standing(Consent.UNCONFIRMED, objected, next(reversed(pending)), seq=seq)
    return Standing(Consent.MISSING, objected, NIL, seq=seq)
