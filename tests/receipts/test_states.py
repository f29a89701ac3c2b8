"""No receipt tells of consent where the ledger has none: what counts for nothing says what stands against it."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from registry.consents import mending
from registry.consents.ledger import Entry, EntryKind
from registry.consents.mending import Correction, Mend
from registry.consents.receipt_states import Childhood, came_to, scope_of
from registry.consents.receipt_terms import State
from registry.contacts.queries import parse_reference
from registry.policy import loader
from registry.policy.model import Grade
from tests import persons
from tests.law.test_children import BY_KID, KID, agreed, child, grant
from tests.law.test_children import record as recorded
from tests.persons import CALLER, at
from tests.receipts.test_receipts import EMAIL, receipt, record, state

BY = f"email:{EMAIL}"
CLUB = "club-letter"


async def status(workspace, contact: UUID, entry: UUID) -> dict[str, Any]:
    told: dict[str, Any] = record(await receipt(workspace, contact, entry))["dpv:hasConsentStatus"][0]
    return told


async def mend(workspace, contact: UUID, entry: UUID, correction: Correction | None = None) -> None:
    async with workspace.database.begin(CALLER) as session:
        told = Mend(entry, "forged", "audit", correction)
        reference = parse_reference(str(contact))
        await mending.mend(session, workspace.ring, workspace.policies, reference, told)


@pytest.mark.law("LP-24")
@pytest.mark.parametrize(
    ("no", "told"),
    [
        (EntryKind.WITHDRAWN, "dpv:ConsentWithdrawn"),
        (EntryKind.REFUSED, "dpv:ConsentRefused"),
    ],
)
async def test_a_confirmation_of_what_a_no_voided_is_no_consent(workspace, no, told):
    made = await persons.make(workspace, EMAIL)
    asked = await persons.act(workspace, BY, EntryKind.REQUESTED, CLUB)
    taken = await persons.act(workspace, BY, no, CLUB)
    done = await persons.act(workspace, BY, EntryKind.CONFIRMED, CLUB, refers_to=asked.id)
    found, of_no = [await status(workspace, made, one.id) for one in (done, taken)]
    assert found["@type"] == [told]
    assert found["dpv:isIndicatedAtTime"] == of_no["dpv:isIndicatedAtTime"]
    assert "dpv:hasDuration" not in found
    again = await persons.act(workspace, BY, EntryKind.REQUESTED, CLUB)
    done = await persons.act(workspace, BY, EntryKind.CONFIRMED, CLUB, refers_to=again.id)
    assert state(await receipt(workspace, made, done.id)) == "dpv:ConsentGiven"


@pytest.mark.law("LP-22")
async def test_a_yes_from_before_the_no_is_no_consent_whenever_it_is_told(workspace):
    made = await persons.make(workspace, EMAIL)
    await persons.act(workspace, BY, EntryKind.WITHDRAWN)
    late = await persons.act(workspace, BY, EntryKind.GRANTED, acted_at=at("2025-01-01"))
    assert (await status(workspace, made, late.id))["@type"] == ["dpv:ConsentWithdrawn"]


async def test_what_comes_later_changes_no_receipt(workspace):
    made = await persons.make(workspace, EMAIL)
    yes = await persons.act(workspace, BY, EntryKind.GRANTED)
    first = await status(workspace, made, yes.id)
    await persons.act(workspace, BY, EntryKind.WITHDRAWN)
    await persons.act(workspace, made, EntryKind.OBJECTED, "*", "*", controller="nordwind")
    assert await status(workspace, made, yes.id) == first
    assert first["@type"][0] == "dpv:ConsentGiven"


@pytest.mark.law("LP-08")
async def test_what_was_found_out_of_a_yes_is_told_from_then_on(workspace):
    made = await persons.make(workspace, EMAIL)
    forged = await persons.act(workspace, BY, EntryKind.GRANTED)
    await mend(workspace, made, forged.id)
    found = await status(workspace, made, forged.id)
    assert found["@type"] == ["dpv:ConsentInvalidated"]
    assert found["dpv:isIndicatedBy"] == "dpv:DataController"
    asked = await persons.act(workspace, BY, EntryKind.REQUESTED, CLUB)
    done = await persons.act(workspace, BY, EntryKind.CONFIRMED, CLUB, refers_to=asked.id)
    await mend(workspace, made, asked.id)
    for one in (asked, done):
        assert (await status(workspace, made, one.id))["@type"] == ["dpv:ConsentInvalidated"]
    weak = await persons.act(workspace, BY, EntryKind.GRANTED)
    assert state(await receipt(workspace, made, weak.id)) == "dpv:ConsentGiven"
    await mend(workspace, made, weak.id, Correction(grade=Grade.UNKNOWN))
    assert (await status(workspace, made, weak.id))["@type"] == ["dpv:ConsentUnknown"]


@pytest.mark.law("LP-29")
async def test_a_childs_yes_without_a_parent_is_no_consent(workspace, admin):
    person = await child(admin, "2014-01-01", "PL")

    async def told(**more: Any) -> dict[str, Any]:
        done = await recorded(admin, grant(**more))
        return await status(workspace, person, UUID(done["entries"][0]["id"]))

    assert await persons.reason(workspace, f"email:{KID}") == "consent.missing"
    found = await told()
    assert await persons.reason(workspace, f"email:{KID}") == "consent.parental_missing"
    assert found["@type"] == ["dpv:ConsentInvalidated"]
    assert found["dpv:isIndicatedBy"] == "dpv:DataController"
    ground = (await recorded(admin, agreed(subject=BY_KID), "grounds"))["id"]
    found = await told(authority=ground)
    assert found["@type"][0] == "dpv:ConsentGiven"
    assert found["dpv:isIndicatedBy"] == "dpv:GuardianOfDataSubject"


@pytest.mark.law("LP-24")
@pytest.mark.parametrize(("days", "told"), [(6, State.GIVEN), (8, State.UNKNOWN)])
def test_what_was_confirmed_too_late_is_no_consent(days, told):
    """Also where it was recorded before such a confirmation was refused."""
    purpose = loader.load(None).purposes[CLUB]
    asked_at = at("2026-01-10")

    def entry(seq: int, kind: EntryKind, when: datetime, refers_to: UUID | None = None) -> Entry:
        scope = purpose.controller, CLUB, "email", None
        return Entry(UUID(int=seq), seq, kind, Grade.FIRST_PARTY, *scope, when, when, refers_to, 3)

    asked = entry(1, EntryKind.REQUESTED, asked_at)
    confirmed = entry(2, EntryKind.CONFIRMED, asked_at + timedelta(days=days), asked.id)
    told_by = {"controller": purpose.controller, "id": CLUB, "class": "marketing", "basis": "consent"}
    scope = scope_of({**told_by, "double_opt_in": True}, "email", None)
    came = came_to([asked, confirmed], confirmed, scope, Childhood())
    assert came.state is told


@pytest.mark.law("LP-28", "LP-29")
@pytest.mark.parametrize(("of_age_on", "told"), [("2023-01-01", State.GIVEN), ("2027-01-01", State.VOID)])
def test_a_date_that_was_put_right_makes_no_child_of_age(of_age_on, told):
    """The day that was claimed first counts as well, as it does for the gate: the rule had changed in between."""
    policy = {"controller": "polana", "id": CLUB, "class": "marketing", "basis": "consent"}
    scope = "polana", CLUB, "email", None
    given, earlier = at("2024-01-02"), at("2023-12-30")
    yes = Entry(UUID(int=1), 1, EntryKind.GRANTED, Grade.FIRST_PARTY, *scope, given, given, None, 3)
    put_right = Entry(
        UUID(int=2), 2, EntryKind.CORRECTED, Grade.FIRST_PARTY, *scope, earlier, at("2024-02-01"), yes.id, 3
    )
    ages = ((date.min, date(2023, 1, 1)), (date(2024, 1, 1), date.fromisoformat(of_age_on)))
    childhood = Childhood(coming_of_age=ages, zone="Europe/Copenhagen")
    assert came_to([yes, put_right], yes, scope_of(policy, "email", None), childhood).state is told
