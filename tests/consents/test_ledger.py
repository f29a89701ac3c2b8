"""The fold: nothing makes a yes but a person's own, later, covered act."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.consents.ledger import Entry, EntryKind, Scope, fold
from registry.kit.ids import new_id
from registry.policy.model import Grade
from registry.standing.model import Consent, Mark

HOME, WORK = UUID(int=1), UUID(int=2)
START = datetime(2026, 1, 1, tzinfo=UTC)
SCOPE = Scope("nordwind", "newsletter", True, True, Grade.ATTESTED, False, "email", HOME)
INTEREST = Scope("nordwind", "newsletter", True, False, Grade.ATTESTED, False, "email", HOME)


def entry(
    seq: int,
    kind: EntryKind,
    acted: int | None = None,
    *,
    grade: Grade = Grade.FIRST_PARTY,
    purpose: str = "newsletter",
    channel: str = "email",
    address: UUID | None = HOME,
    refers_to: UUID | None = None,
    controller: str = "nordwind",
) -> Entry:
    """An entry recorded on day `seq` about an act of day `acted`."""
    return Entry(
        new_id(),
        seq,
        kind,
        grade,
        controller,
        purpose,
        channel,
        address,
        None if acted is None else START + timedelta(days=acted),
        START + timedelta(days=seq),
        refers_to,
    )


def consent(*entries: Entry, scope: Scope = SCOPE) -> Consent:
    return fold(entries, scope).consent


GRANT, NO, OBJECT, REFUSE = EntryKind.GRANTED, EntryKind.WITHDRAWN, EntryKind.OBJECTED, EntryKind.REFUSED


def test_no_entry_is_missing() -> None:
    assert consent() is Consent.MISSING


def test_a_grant_covers_its_own_address_channel_purpose_and_controller_only() -> None:
    grant = entry(1, GRANT, 1)
    assert consent(grant) is Consent.GIVEN
    assert consent(entry(1, GRANT, 1, address=WORK)) is Consent.MISSING
    assert consent(entry(1, GRANT, 1, address=None)) is Consent.MISSING
    assert consent(entry(1, GRANT, 1, channel="sms")) is Consent.MISSING
    assert consent(entry(1, GRANT, 1, purpose="other")) is Consent.MISSING
    assert consent(entry(1, GRANT, 1, controller="polana")) is Consent.MISSING


@pytest.mark.parametrize("purpose", ["newsletter", "*"])
@pytest.mark.parametrize("channel", ["email", "*"])
@pytest.mark.parametrize("address", [HOME, None])
@pytest.mark.parametrize("kind", [NO, OBJECT, REFUSE])
def test_a_no_of_any_width_ends_the_grant(
    purpose: str, channel: str, address: UUID | None, kind: EntryKind
) -> None:
    no = entry(2, kind, 2, purpose=purpose, channel=channel, address=address)
    assert consent(entry(1, GRANT, 1), no) in (Consent.WITHDRAWN, Consent.REFUSED)


def test_a_no_for_one_address_leaves_the_other() -> None:
    assert consent(entry(1, GRANT, 1), entry(2, NO, 2, address=WORK)) is Consent.GIVEN


def test_a_no_ends_every_grant_before_it_whatever_its_date() -> None:
    assert consent(entry(1, GRANT, 9), entry(2, NO, 3)) is Consent.WITHDRAWN


def test_a_later_entry_about_an_older_act_revives_nothing() -> None:
    assert consent(entry(1, NO, 5), entry(2, GRANT, 4, grade=Grade.ATTESTED)) is Consent.WITHDRAWN


def test_a_tie_denies() -> None:
    assert consent(entry(1, NO, 5), entry(2, GRANT, 5)) is Consent.WITHDRAWN


def test_an_undated_grant_counts_for_nothing() -> None:
    assert consent(entry(1, GRANT, None)) is Consent.UNKNOWN_ORIGIN
    assert consent(entry(1, NO, 1), entry(2, GRANT, None)) is Consent.WITHDRAWN


def test_a_later_act_of_the_person_counts_again() -> None:
    assert consent(entry(1, GRANT, 1), entry(2, NO, 2), entry(3, GRANT, 3)) is Consent.GIVEN


@pytest.mark.parametrize("grade", [Grade.ATTESTED, Grade.UNKNOWN])
def test_an_objection_is_lifted_at_first_hand_only(grade: Grade) -> None:
    objection = entry(1, OBJECT, 1)
    assert fold([objection, entry(2, GRANT, 2, grade=grade)], SCOPE).objected is Mark.YES
    assert consent(objection, entry(2, GRANT, 2, grade=grade)) is Consent.WITHDRAWN
    lifted = fold([objection, entry(2, GRANT, 2)], SCOPE)
    assert (lifted.consent, lifted.objected) == (Consent.GIVEN, Mark.LIFTED)


@pytest.mark.parametrize("kind", [NO, REFUSE, OBJECT])
def test_where_no_consent_is_asked_every_no_is_an_objection(kind: EntryKind) -> None:
    assert fold([entry(1, kind, 1)], INTEREST).objected


def test_a_grant_of_unknown_origin_is_never_given() -> None:
    assert consent(entry(1, GRANT, 1, grade=Grade.UNKNOWN)) is Consent.UNKNOWN_ORIGIN


def test_an_unknown_grant_does_not_weaken_a_known_one() -> None:
    assert consent(entry(1, GRANT, 1), entry(2, GRANT, 2, grade=Grade.UNKNOWN)) is Consent.GIVEN


def test_a_confirmation_takes_the_time_of_its_request_and_is_void_after_a_no() -> None:
    request = entry(1, EntryKind.REQUESTED, 1)
    confirmed = entry(3, EntryKind.CONFIRMED, 3, refers_to=request.id)
    assert consent(request) is Consent.UNCONFIRMED
    assert fold([request, confirmed], SCOPE).consented_at == request.acted_at
    assert consent(request, entry(2, NO, 2), confirmed) is Consent.WITHDRAWN
    assert consent(confirmed) is Consent.MISSING


def test_a_plain_grant_waits_for_its_confirmation_where_two_steps_are_asked() -> None:
    double = Scope("nordwind", "newsletter", True, True, Grade.ATTESTED, True, "email", HOME)
    grant = entry(1, GRANT, 1)
    assert consent(grant, scope=double) is Consent.UNCONFIRMED
    assert consent(grant, entry(2, EntryKind.CONFIRMED, 2, refers_to=grant.id), scope=double) is Consent.GIVEN


def test_an_invalidated_grant_is_gone() -> None:
    grant = entry(1, GRANT, 1)
    assert consent(grant, entry(2, EntryKind.INVALIDATED, 2, refers_to=grant.id)) is Consent.MISSING


ENTRIES = st.lists(
    st.builds(
        lambda kind, acted, grade, address: (kind, acted, grade, address),
        st.sampled_from([GRANT, GRANT, NO, OBJECT, REFUSE, EntryKind.REQUESTED]),
        st.one_of(st.none(), st.integers(0, 12)),
        st.sampled_from(list(Grade)),
        st.sampled_from([HOME, WORK, None]),
    ),
    max_size=12,
)


@given(ENTRIES)
def test_consent_is_given_only_by_an_act_after_every_no_that_covers_it(drawn: list[tuple]) -> None:  # type: ignore[type-arg]
    entries = [
        entry(seq, kind, acted, grade=grade, address=address)
        for seq, (kind, acted, grade, address) in enumerate(drawn, start=1)
    ]
    result = fold(entries, SCOPE)
    if result.consent is not Consent.GIVEN:
        return
    relied = next(e for e in entries if e.id == result.evidence)
    assert relied.kind is GRANT
    assert relied.grade is not Grade.UNKNOWN
    assert relied.assignment_id == HOME
    assert relied.acted_at is not None
    for no in entries:
        if no.kind.takes_away and no.assignment_id in (None, HOME):
            assert no.seq < relied.seq
            assert relied.acted_at > (no.acted_at or no.recorded_at)


@given(ENTRIES)
def test_a_no_at_the_end_always_ends_it(drawn: list[tuple]) -> None:  # type: ignore[type-arg]
    entries = [
        entry(seq, kind, acted, grade=grade, address=address)
        for seq, (kind, acted, grade, address) in enumerate(drawn, start=1)
    ]
    last = entry(len(entries) + 1, NO, 0, address=None)
    assert consent(*entries, last) is Consent.WITHDRAWN
