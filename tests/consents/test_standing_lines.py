"""The fast way to the gate's rows gives what the plain one gives, whatever is recorded about the persons."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from registry.consents.grounds import Ground
from registry.consents.ledger import ANY, Entry, EntryKind
from registry.consents.standing_lines import COLUMNS, lines
from registry.consents.standing_rows import Address, AddressRefusal, Person, rows
from registry.contacts.identifiers import Kind
from registry.kit import copying
from registry.kit.clock import FAR_FUTURE, FAR_PAST
from registry.policy import loader
from registry.policy.model import Grade, Subscriber
from registry.policy.schedule import Part
from registry.standing.model import ContactState

_LOADED = loader.load(None)
POLICIES = _LOADED.numbered(
    {name: number for number, name in enumerate(_LOADED.purposes, 1)},
    {name: number for number, name in enumerate(_LOADED.channels, 1)},
)
NOW = datetime(2026, 11, 1, tzinfo=UTC)
IDS = st.integers(1, 9).map(lambda number: UUID(int=number))
TIMES = st.integers(0, 400).map(lambda days: NOW - timedelta(days=days))
CONTROLLERS = st.sampled_from(sorted(POLICIES.controllers))
PURPOSES = st.sampled_from([*POLICIES.purposes, ANY])
CHANNELS = st.sampled_from([*POLICIES.channels, ANY])

REFUSALS = st.builds(AddressRefusal, CONTROLLERS, PURPOSES, CHANNELS, TIMES, TIMES)
ADDRESSES = st.builds(
    Address,
    IDS,
    IDS,
    st.sampled_from([Kind.EMAIL, Kind.PHONE]),
    st.none() | TIMES,
    st.booleans(),
    st.lists(REFUSALS, max_size=1).map(tuple),
    st.booleans(),
    st.lists(st.sampled_from([*POLICIES.lists, "forgotten"]), max_size=1).map(tuple),
)
ENTRIES = st.builds(
    Entry,
    IDS,
    st.integers(1, 50),
    st.sampled_from(list(EntryKind)),
    st.sampled_from(list(Grade)),
    CONTROLLERS,
    PURPOSES,
    CHANNELS,
    st.none() | IDS,
    st.none() | TIMES,
    TIMES,
    st.none() | IDS,
    st.none(),
    st.none() | IDS,
)
GROUNDS = st.builds(
    Ground,
    IDS,
    st.sampled_from(["sale", "contract", "parental_authority", "activity"]),
    CONTROLLERS,
    st.none() | IDS,
    st.just(()),
    st.booleans(),
    st.booleans(),
    TIMES,
    st.none() | TIMES,
    TIMES,
)
PEOPLE = st.builds(
    Person,
    IDS,
    st.sampled_from([None, "PL", "LV"]),
    st.sampled_from(list(Subscriber)),
    st.sampled_from(list(ContactState)),
    st.none() | TIMES,
    st.lists(ADDRESSES, max_size=3),
    st.lists(ENTRIES, max_size=3),
    st.lists(GROUNDS, max_size=1),
    st.booleans(),
    st.sampled_from([None, "Europe/Riga", "Europe/Warsaw", "Asia/Tokyo"]),
    st.sampled_from(list(Part)),
    st.sampled_from([(), ((date.min, date(2026, 6, 1)),), ((date.min, date(2030, 1, 1)),)]),
    st.sampled_from([(), ((FAR_PAST, FAR_FUTURE, date.min, date(2030, 1, 1)),)]),
    st.dictionaries(
        st.tuples(CONTROLLERS, CHANNELS),
        st.dictionaries(TIMES.map(datetime.date), st.integers(1, 40), max_size=2),
        max_size=1,
    ),
)


@given(st.lists(PEOPLE, max_size=4))
def test_lines_are_the_rows(people: list[Person]) -> None:
    plain = [
        [getattr(row, column) for column in COLUMNS] for one in people for row in rows(POLICIES, one, NOW)
    ]
    assert list(lines(POLICIES, people, NOW)) == list(copying.lines(plain))
