"""The rule table: one meaning in Python and in SQL, and no way to write a rule that has two."""

from collections import Counter
from dataclasses import fields, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.gate import audience, rules
from registry.gate.model import PERMIT, Facts, Moment
from registry.gate.rules import ALL, Rule
from registry.kit import arrays
from registry.kit.clock import FAR_FUTURE, FAR_PAST, NEVER
from registry.kit.ids import NIL, new_id
from registry.policy.model import Basis, ChannelGround, PolicySet, PurposeClass, Subscriber, jurisdiction
from registry.policy.schedule import Quiet, Schedule
from registry.standing.model import GateState
from tests import installation
from tests.persons import CALLER

AT = datetime(2026, 6, 1, tzinfo=UTC)
INSTANTS = st.sampled_from(
    [
        NEVER,
        FAR_PAST,
        AT - timedelta(days=5000),
        AT - timedelta(days=1),
        AT,
        AT + timedelta(seconds=1),
        FAR_FUTURE,
    ]
)
SMALL = st.integers(0, 6)
PLACES = st.sampled_from(
    [-1, *(jurisdiction(c, s) for c in ("LV", "PL", "DE") for s in (Subscriber.NATURAL, Subscriber.LEGAL))]
)


@st.composite
def states(draw: st.DrawFn) -> GateState:
    """A row of any facts, likely and unlikely ones alike."""
    return GateState(
        contact_id=NIL,
        assignment_id=new_id(),
        address_id=NIL,
        evidence=new_id(),
        restricted_at=draw(INSTANTS),
        consented_at=draw(INSTANTS),
        valid_until=draw(INSTANTS),
        verified_at=draw(INSTANTS),
        active_at=draw(INSTANTS),
        capped_until=draw(INSTANTS),
        seq=1,
        purpose_id=1,
        channel_id=1,
        contact_state=draw(st.sampled_from([0, 0, 0, 1, 2])),
        address_state=draw(st.sampled_from([0, 1, 1, 1, 2, 3])),
        addresses=draw(st.sampled_from([1, 1, 2])),
        suppressed=draw(st.sampled_from([0, 0, 1, 2])),
        objected=draw(st.sampled_from([0, 0, 1, 2])),
        consent=draw(st.sampled_from([0, 1, 2, 3, 4, 5, 5, 5])),
        grade=draw(st.integers(0, 2)),
        notice_version=draw(st.integers(0, 3)),
        basis_facts=draw(st.integers(0, 1)),
        soft_opt_in=draw(st.integers(0, 1)),
        parental=draw(st.sampled_from([0, 0, 0, 1, 2])),
        listed=draw(st.sampled_from([0, 0, 1])),
        clock=draw(st.integers(0, 11)),
        jurisdiction=draw(PLACES),
    )


def variant(policies: PolicySet, basis: Basis, class_: PurposeClass) -> PolicySet:
    """The policies with a purpose of that basis and class in the newsletter's place."""
    purpose = policies.purposes["newsletter"].model_copy(
        update={
            "basis": basis,
            "class_": class_,
            "grounds": tuple(ChannelGround),
            "valid_for_days": 700,
            "inactive_after_days": 900,
            "least_notice_version": 1,
        }
    )
    # At AT it is three o'clock in Riga, two in Warsaw and midnight by the controller's clock.
    schedule = Schedule(
        zones={"LV": "Europe/Riga", "PL": "Europe/Warsaw"},
        quiet=(Quiet(channels=("email",), from_=time(2, 30), until=time(4), classes=tuple(PurposeClass)),),
    )
    varied = policies.model_copy(update={"purposes": {"newsletter": purpose}, "schedule": schedule})
    return varied.numbered(policies.purpose_ids, policies.channel_ids)


@pytest.mark.parametrize("basis", list(Basis))
async def test_gives_the_same_reason_in_sql_and_in_python(workspace: Any, basis: Basis) -> None:
    for class_ in PurposeClass:
        await agree(workspace, basis, class_)


async def agree(workspace: Any, basis: Basis, class_: PurposeClass) -> None:
    policies = variant(workspace.policies, basis, class_)
    purpose = policies.purposes["newsletter"]
    moment = Moment.of(policies, purpose, "email", AT)
    drawn: list[GateState] = []

    @settings(database=None, suppress_health_check=list(HealthCheck), deadline=None)
    @given(states())
    def draw(state: GateState) -> None:
        drawn.append(state)

    draw()
    persons = [
        replace(
            state,
            contact_id=new_id(),
            purpose_id=policies.purpose_ids["newsletter"],
            channel_id=policies.channel_ids["email"],
        )
        for state in drawn
    ]
    columns = [field.name for field in fields(GateState)]
    async with workspace.database.begin(CALLER) as session:
        await session.execute("DELETE FROM gate_state")
        await session.copy("gate_state", columns, ([getattr(p, c) for c in columns] for p in persons))
        statement = audience.chunk(policies, purpose, "email", AT, UUID(int=0), len(persons))
        found = {row.contact_id: row.code for row in await session.all(statement.text, statement.params)}
        counted = audience.counted(policies, purpose, "email", AT)
        counts = {row.code: row.persons for row in await session.all(counted.text, counted.params)}
        packed = audience.packed(policies, purpose, "email", AT, UUID(int=0), len(persons) + 1)
        (row,) = await session.all_binary(packed.text, packed.params)
    assert len(found) == len(persons)
    ids = [UUID(bytes=contact) for contact in arrays.split(row.contacts, 16)]
    assert ids == sorted(found)
    assert dict(zip(ids, arrays.smallints(row.codes), strict=True)) == found
    for person in persons:
        assert rules.REASONS[found[person.contact_id]] == rules.judge(purpose, Facts.of(person), moment)
    assert counts == Counter(found.values())


@pytest.mark.parametrize(
    "condition",
    [
        lambda f, m: (f.consent == 1) and (f.grade == 2),
        lambda f, m: (f.consent == 1) or (f.grade == 2),
        lambda f, m: not f.consent,
        lambda f, m: f.consent in (1, 2),
        lambda f, m: f.jurisdiction in m.exempt,
        lambda f, m: f.consent is None,
        lambda f, m: ~(f.consent == 1),
        lambda f, m: 1 < f.consent < 3,
        lambda f, m: True,
    ],
)
def test_refuses_a_rule_that_could_not_become_sql(condition: Any) -> None:
    with pytest.raises(TypeError, match=r"rule some\.reason"):
        rules.probe([Rule("some.reason", ALL, condition, "none")])


def test_refuses_a_fact_that_nobody_loaded() -> None:
    values: dict[str, Any] = {field.name: 0 for field in fields(Facts)}
    with pytest.raises(ValueError, match="consent was not loaded"):
        Facts(**{**values, "consent": None})
    with pytest.raises(TypeError):
        Facts(**{name: value for name, value in values.items() if name != "consent"})


def test_tells_every_reason_of_the_design_in_its_order() -> None:
    told = [reason for reason in rules.ORDER if reason != PERMIT]
    assert told == [
        "contact.unknown",
        "contact.ambiguous",
        "purpose.unknown",
        "channel.unknown",
        "contact.erased",
        "contact.restricted",
        "address.missing",
        "address.dead",
        "address.suppressed",
        "purpose.objected",
        "consent.missing",
        "consent.unknown_origin",
        "consent.evidence_too_weak",
        "consent.refused",
        "consent.withdrawn",
        "consent.unconfirmed",
        "consent.expired",
        "consent.notice_outdated",
        "consent.parental_missing",
        "basis.facts_missing",
        "address.listed",
        "channel.ground_missing",
        "schedule.quiet_hours",
        "schedule.preferred_time",
        "frequency.cap_reached",
    ]


def test_no_purpose_that_rests_on_interest_alone_is_let_through_electronically() -> None:
    policies = variant(installation.policies(), Basis.LEGITIMATE_INTERESTS, PurposeClass.MARKETING)
    purpose = policies.purposes["newsletter"]
    moment = Moment.of(policies, purpose, "email", AT)
    assert jurisdiction("PL", Subscriber.NATURAL) not in moment.soft_opt_in.values
    assert -1 not in moment.soft_opt_in.values | moment.exempt.values
