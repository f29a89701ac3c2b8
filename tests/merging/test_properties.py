"""For any two records with any histories: merged, nothing is looser than the stricter of the two; parted, nothing is.

A record that says nothing about a scope is no stricter than one that says yes: silence is not a no.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.consents import carrying
from registry.consents.grounds import Ground
from registry.consents.ledger import ANY, Entry, EntryKind
from registry.consents.standing_rows import Address, AddressRefusal, Person
from registry.consents.validation import NewEntry
from registry.contacts.identifiers import Kind
from registry.gate import past
from registry.gate.model import Question
from registry.policy import loader
from registry.policy.model import Grade, PolicySet, Subscriber

NOW = datetime(2026, 10, 31, 12, tzinfo=UTC)
CONTROLLER = "nordwind"
PURPOSES = ("newsletter", "product-updates")
# What says no, as opposed to what only is not there.
NOES = frozenset(
    {"address.suppressed", "purpose.objected", "consent.refused", "consent.withdrawn", "address.listed"}
)
SHARED, FIRST, SECOND = UUID(int=1), UUID(int=2), UUID(int=3)  # two of each record, of which one is the same


@cache
def policies() -> PolicySet:
    loaded = loader.load(None)
    return loaded.numbered(
        {name: number for number, name in enumerate(loaded.purposes, 1)},
        {name: number for number, name in enumerate(loaded.channels, 1)},
    )


@dataclass(frozen=True)
class Said:
    """One entry before it is known whose it is: `place` is one of the record's addresses, None for all of them."""

    kind: EntryKind
    purpose: str
    channel: str
    place: int | None
    grade: Grade
    age: int | None


KINDS = (EntryKind.GRANTED, EntryKind.WITHDRAWN, EntryKind.OBJECTED, EntryKind.REFUSED)
SAID = st.builds(
    Said,
    kind=st.sampled_from([EntryKind.GRANTED, EntryKind.GRANTED, EntryKind.WITHDRAWN, *KINDS]),
    purpose=st.sampled_from(["newsletter", "newsletter", *PURPOSES, ANY]),
    channel=st.sampled_from(["email", "email", "email", ANY]),
    place=st.sampled_from([1, 0, 1, None]),
    grade=st.sampled_from([Grade.FIRST_PARTY, Grade.FIRST_PARTY, Grade.ATTESTED, Grade.UNKNOWN]),
    age=st.one_of(st.integers(1, 60), st.integers(1, 60), st.none()),
)
REFUSALS = st.lists(
    st.builds(
        AddressRefusal,
        controller=st.just(CONTROLLER),
        purpose=st.sampled_from([*PURPOSES, ANY]),
        channel=st.sampled_from(["email", ANY]),
        acted_at=st.integers(1, 60).map(lambda age: NOW - timedelta(days=age)),
        recorded_at=st.just(NOW - timedelta(days=1)),
        of_person=st.booleans(),
        objection=st.booleans(),
    ),
    max_size=1,
).map(tuple) | st.just(())


@st.composite
def records(draw: st.DrawFn, number: int, own: UUID, shared: tuple[AddressRefusal, ...]) -> Person:
    """A record with the shared address and one of its own, and up to six entries."""
    base = UUID(int=number << 64)
    addresses = (
        Address(UUID(int=base.int + 1), SHARED, Kind.EMAIL, None, False, shared),
        Address(UUID(int=base.int + 2), own, Kind.EMAIL, None, False, draw(REFUSALS)),
    )
    held = draw(st.sampled_from([addresses, addresses[1:]]))
    seqs = count(1)
    entries = []
    # Often the last word is a yes, or a merge would have nothing to take away.
    last = Said(EntryKind.GRANTED, "newsletter", "email", 1, Grade.FIRST_PARTY, 0)
    for said in draw(st.lists(SAID, max_size=3)) + draw(st.sampled_from([[last], [last], []])):
        takes = said.kind.takes_away
        if not takes and (said.place is None or said.purpose == ANY or said.channel == ANY):
            continue
        seq = next(seqs)
        acted = None if said.age is None else NOW - timedelta(days=said.age)
        entries.append(
            Entry(
                id=UUID(int=base.int + 100 + seq),
                seq=seq,
                kind=said.kind,
                grade=said.grade,
                controller=CONTROLLER,
                purpose=said.purpose,
                channel=said.channel,
                assignment_id=None if said.place is None else addresses[said.place].assignment_id,
                acted_at=(acted or NOW) if takes else acted,
                recorded_at=NOW - timedelta(hours=20 - seq),
                notice_version=99,
            )
        )
    grounds = (
        (
            Ground(
                UUID(int=base.int + 50),
                "sale",
                CONTROLLER,
                held[-1].assignment_id,
                policies().purposes["product-updates"].similar_products[:1],
                True,
                True,
                NOW - timedelta(days=90),
                None,
                NOW - timedelta(days=90),
            ),
        )
        if draw(st.booleans())
        else ()
    )
    return Person(
        UUID(int=base.int + 9),
        country="LV",
        subscriber=Subscriber.NATURAL,
        addresses=held,
        entries=tuple(entries),
        grounds=grounds,
    )


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Person, Person]:
    shared = draw(REFUSALS)
    return draw(records(1, FIRST, shared)), draw(records(2, SECOND, shared))


def reason(person: Person, purpose: str, assignment_id: UUID) -> str:
    question = Question(person.contact_id, purpose, "email", assignment_id)
    return past.answer(policies(), person, question, NOW).reason


def holders(people: Sequence[Person], address_id: UUID) -> list[tuple[Person, UUID]]:
    return [
        (person, address.assignment_id)
        for person in people
        for address in person.addresses
        if address.address_id == address_id
    ]


def refused_everywhere(person: Person, purpose: str) -> bool:
    """Whether the record says no to a purpose at addresses that it does not have."""
    return any(
        entry.kind.takes_away and entry.assignment_id is None and entry.purpose in (purpose, ANY)
        for entry in person.entries
    )


@given(pairs())
@pytest.mark.law("LP-23")
def test_merged_nothing_is_looser_than_the_stricter_of_the_two(pair: tuple[Person, Person]) -> None:
    one, other = pair
    whole = replace(one, merged=(other,))
    for purpose in PURPOSES:
        for address_id in (SHARED, FIRST, SECOND):
            held = holders(pair, address_id)
            for _, assignment_id in held:
                if reason(whole, purpose, assignment_id) != "permit":
                    continue
                before = [reason(person, purpose, mine) for person, mine in held]
                assert "permit" in before
                assert NOES.isdisjoint(before)
                for person in pair:
                    if person not in [who for who, _ in held]:
                        assert not refused_everywhere(person, purpose)


@given(pairs())
def test_merged_a_yes_survives_where_the_other_says_nothing(pair: tuple[Person, Person]) -> None:
    one, other = pair
    silent = replace(other, entries=())
    whole = replace(one, merged=(silent,))
    for purpose in PURPOSES:
        for address in one.addresses:
            alone = reason(one, purpose, address.assignment_id)
            suppressed = (
                reason(silent, purpose, silent.addresses[0].assignment_id)
                if any(mine.address_id == address.address_id for mine in silent.addresses)
                else ""
            )
            if alone == "permit" and suppressed != "address.suppressed":
                assert reason(whole, purpose, address.assignment_id) == "permit"


@given(pairs())
def test_it_does_not_matter_which_record_stands_for_the_person(pair: tuple[Person, Person]) -> None:
    one, other = pair
    for purpose in PURPOSES:
        for address in (*one.addresses, *other.addresses):
            assert reason(replace(one, merged=(other,)), purpose, address.assignment_id) == reason(
                replace(other, merged=(one,)), purpose, address.assignment_id
            )


def parted(one: Person, other: Person) -> list[NewEntry]:
    """What either record takes along when they are no more taken for one person."""
    sides = ([one], [other]), ([other], [one])
    return [entry for side in sides for entry in carrying.to_record(policies(), *side, "test")]


def grown(person: Person, new: Sequence[NewEntry]) -> Person:
    """The record with entries appended as the service appends them."""
    last = max((entry.seq for entry in person.entries), default=0)
    mine = [entry for entry in new if entry.contact_id == person.contact_id]
    appended = [
        Entry(
            id=UUID(int=person.contact_id.int + 5000 + place),
            seq=last + place,
            kind=entry.kind,
            grade=entry.grade,
            controller=entry.controller or "",
            purpose=entry.purpose,
            channel=entry.channel,
            assignment_id=entry.assignment_id,
            acted_at=entry.acted_at or NOW,
            recorded_at=NOW,
            refers_to=entry.refers_to,
        )
        for place, entry in enumerate(mine, 1)
    ]
    return replace(person, entries=(*person.entries, *appended))


@given(pairs())
@pytest.mark.law("LP-23")
def test_parted_nothing_is_looser_than_while_merged_or_before(pair: tuple[Person, Person]) -> None:
    one, other = pair
    whole = replace(one, merged=(other,))
    carried = parted(one, other)
    assert all(entry.kind.takes_away for entry in carried)
    for before in pair:
        after = grown(before, carried)
        for purpose in PURPOSES:
            for address in before.addresses:
                if reason(after, purpose, address.assignment_id) == "permit":
                    assert reason(before, purpose, address.assignment_id) == "permit"
                    assert reason(whole, purpose, address.assignment_id) == "permit"


@given(pairs())
@settings(max_examples=50)
def test_parted_and_merged_again_nothing_came_back(pair: tuple[Person, Person]) -> None:
    one, other = pair
    carried = parted(one, other)
    again = replace(grown(one, carried), merged=(grown(other, carried),))
    for purpose in PURPOSES:
        for address in (*one.addresses, *other.addresses):
            if reason(again, purpose, address.assignment_id) == "permit":
                assert reason(replace(one, merged=(other,)), purpose, address.assignment_id) == "permit"


@given(records(1, FIRST, ()), st.sampled_from([Grade.ATTESTED, Grade.FIRST_PARTY]), st.integers(1, 60))
@pytest.mark.law("LP-23")
def test_a_change_of_address_revives_nothing(person: Person, grade: Grade, age: int) -> None:
    """Neither by itself nor with a yes for the new address that is claimed to be older than the change."""
    old, new = person.addresses[-1], UUID(int=77)
    carried = carrying.to_address(policies(), person, old, (person.contact_id, new), "test")
    moved = replace(
        grown(person, carried),
        addresses=(*person.addresses[:-1], Address(new, UUID(int=78), Kind.EMAIL)),
        grounds=(),
    )
    # A yes that came after a no to all addresses is a yes; one that came before it, or before the change, is none.
    noes = [e.acted_at for e in person.entries if e.kind.takes_away and not e.assignment_id and e.acted_at]
    claimed = min([NOW - timedelta(days=age), *noes])
    for purpose in PURPOSES:
        before = reason(person, purpose, old.assignment_id)
        assert reason(moved, purpose, new) != "permit"
        if before in NOES:
            late = Entry(
                UUID(int=79), 10_000, EntryKind.GRANTED, grade, CONTROLLER, purpose, "email", new,
                claimed, NOW, notice_version=99,
            )  # fmt: skip
            assert reason(replace(moved, entries=(*moved.entries, late)), purpose, new) != "permit"
