"""What stood at one time as known at another: two times, one answer (C13)."""

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from registry.access.workspace import Workspace
from registry.consents import mending
from registry.consents.ledger import EntryKind
from registry.consents.mending import Mend
from registry.contacts.queries import parse_reference
from registry.gate import recalling
from registry.kit import clock
from registry.kit.database import Role
from registry.kit.errors import Misuse
from registry.policy.model import Grade
from registry.standing import service as standing
from registry.subject_requests import restriction
from tests import persons
from tests.http.routes import bearer, key
from tests.merging import people
from tests.persons import CALLER, act, make, reason

JAN = "email:jan@example.org"


async def then(
    workspace: Workspace,
    at: datetime,
    known_at: datetime | None = None,
    reference: str | UUID = JAN,
    purpose: str = "newsletter",
) -> str:
    async with workspace.database.begin(CALLER) as session:
        decision = await recalling.recall(
            session,
            workspace.ring,
            workspace.policies,
            parse_reference(str(reference)),
            purpose,
            "email",
            None,
            at,
            known_at,
        )
    return decision.reason


async def attested(workspace: Workspace, at: str, kind: EntryKind = EntryKind.GRANTED) -> None:
    """What an import tells of, with its own date."""
    held = await people.assignment(workspace, (await people.resolved(workspace, JAN))[0], JAN)
    more: dict[str, Any] = {"assignment_id": held, "acted_at": persons.at(at)}
    if kind is EntryKind.GRANTED:
        more["act"] = "imported"
    await act(workspace, JAN, kind, grade=Grade.ATTESTED, **more)


async def test_what_was_recorded_later_about_then_is_known_later_only(workspace: Workspace) -> None:
    await make(workspace, "jan@example.org")
    before = clock.now()
    await attested(workspace, "2026-03-01")
    after = clock.now()
    spring = persons.at("2026-05-01")
    # Not even the address was on record; the import is what shows that it was theirs.
    assert await then(workspace, spring, before) == "address.missing"
    assert await then(workspace, spring, after) == "permit"
    assert await then(workspace, persons.at("2026-02-01"), after) == "address.missing"


@pytest.mark.law("LP-22")
async def test_a_no_that_comes_with_an_old_date_was_a_no_then(workspace: Workspace) -> None:
    await make(workspace, "jan@example.org")
    await attested(workspace, "2026-03-01")
    before = clock.now()
    await attested(workspace, "2026-04-01", EntryKind.WITHDRAWN)
    after = clock.now()
    assert await then(workspace, persons.at("2026-05-01"), before) == "permit"
    assert await then(workspace, persons.at("2026-05-01"), after) == "address.suppressed"
    assert await then(workspace, persons.at("2026-03-15"), after) == "permit"


async def test_left_out_what_is_known_is_that_of_then(workspace: Workspace) -> None:
    await make(workspace, "jan@example.org")
    await act(workspace, JAN, EntryKind.GRANTED)
    between = clock.now()
    await act(workspace, JAN, EntryKind.WITHDRAWN)
    assert await then(workspace, between) == "permit"
    assert await then(workspace, between, clock.now()) == "permit"
    assert await then(workspace, clock.now()) != "permit"
    assert await then(workspace, clock.now(), between) == "permit"


async def test_an_address_that_was_given_up_is_there_then_and_not_now(workspace: Workspace) -> None:
    person = await make(workspace, "jan@example.org")
    await act(workspace, JAN, EntryKind.GRANTED)
    between = clock.now()
    await people.change(workspace, person, JAN, "email:new@example.org")
    assert await then(workspace, between, reference=person) == "permit"
    assert await then(workspace, clock.now(), reference=person) == "consent.missing"
    assert await then(workspace, clock.now(), between, person) == "permit"


async def test_a_restriction_is_seen_for_as_long_as_it_stood(workspace: Workspace) -> None:
    person = await make(workspace, "jan@example.org")
    await act(workspace, JAN, EntryKind.GRANTED)
    times = [clock.now()]
    async with workspace.database.begin(CALLER) as session:
        await restriction.restrict(session, workspace.ring, parse_reference(str(person)), "accuracy")
    times.append(clock.now())
    async with workspace.database.begin(CALLER) as session:
        await restriction.lift(session, workspace.ring, parse_reference(str(person)))
    times.append(clock.now())
    assert [await then(workspace, at) for at in times] == ["permit", "contact.restricted", "permit"]
    assert await then(workspace, times[1], times[2]) == "contact.restricted"
    assert await then(workspace, times[2], times[1]) == "contact.restricted"


async def test_a_restriction_that_comes_by_a_merge_is_known_of_the_other_record_since_then(
    workspace: Workspace,
) -> None:
    one, other = await make(workspace, "ola@example.org"), await make(workspace, "jan@example.org")
    await act(workspace, JAN, EntryKind.GRANTED)
    async with workspace.database.begin(CALLER) as session:
        await restriction.restrict(session, workspace.ring, parse_reference(str(one)), "accuracy")
    apart = clock.now()
    merge = await people.merge(workspace, one, other)
    await people.unmerge(workspace, merge.id)
    parted = clock.now()
    assert await then(workspace, apart) == "permit"
    assert await then(workspace, apart, parted) == "contact.restricted"
    assert await then(workspace, parted) == await reason(workspace, JAN) == "contact.restricted"


async def test_a_dead_address_was_alive_before(workspace: Workspace) -> None:
    person = await make(workspace, "jan@example.org")
    await act(workspace, JAN, EntryKind.GRANTED)
    between = clock.now()
    async with workspace.database.begin(CALLER) as session:
        await standing.lock(session, [person])
        address = await session.value("SELECT address_id FROM assignment WHERE contact_id = %s", (person,))
        await standing.bury_addresses(session, [address])
    assert await then(workspace, between) == "permit"
    assert await then(workspace, clock.now()) == "address.dead"


async def test_records_are_of_one_person_from_the_time_that_this_was_known(workspace: Workspace) -> None:
    one, other = await make(workspace, "jan@example.org"), await make(workspace, "ola@example.org")
    await act(workspace, JAN, EntryKind.GRANTED)
    await act(workspace, other, EntryKind.WITHDRAWN)
    times = [clock.now()]
    merge = await people.merge(workspace, one, other)
    times.append(clock.now())
    await people.unmerge(workspace, merge.id)
    times.append(clock.now())
    told = [await then(workspace, at, reference=one) for at in times]
    assert told == ["permit", "consent.withdrawn", "consent.withdrawn"]
    assert await then(workspace, times[0], times[1], one) == "consent.withdrawn"


async def test_what_was_invalid_never_was_once_that_is_known(workspace: Workspace) -> None:
    person = await make(workspace, "jan@example.org")
    granted = await act(workspace, JAN, EntryKind.GRANTED)
    between = clock.now()
    async with workspace.database.begin(CALLER) as session:
        await mending.mend(
            session,
            workspace.ring,
            workspace.policies,
            parse_reference(str(person)),
            Mend(granted.id, "signed by somebody else", "audit"),
        )
    assert await then(workspace, between) == "permit"
    assert await then(workspace, between, clock.now()) == "consent.missing"


async def test_the_policy_is_the_one_on_record_then(workspace: Workspace) -> None:
    await make(workspace, "jan@example.org")
    await act(workspace, JAN, EntryKind.GRANTED, acted_at=clock.now() - timedelta(days=40))
    between = clock.now()
    purpose = workspace.policies.purposes["newsletter"]
    changed = purpose.model_copy(update={"valid_for_days": 30})
    # As when other policies are installed: the purpose gets another version, recorded from then on.
    async with workspace.database.begin(CALLER, Role.OWNER) as session:
        body = await session.value(
            "SELECT body FROM policy_version WHERE purpose = 'newsletter' AND version = %s",
            (purpose.version,),
        )
        body["purpose"]["valid_for_days"] = 30
        await session.execute(
            "INSERT INTO policy_version (purpose, version, body, author, reason) VALUES (%s, %s, %s, %s, %s)",
            ("newsletter", "f" * 32, json.dumps(body), "test", "shorter"),
        )
    workspace.policies.purposes["newsletter"] = changed.model_copy(update={"version": "f" * 32})
    try:
        assert await then(workspace, clock.now()) == "consent.expired"
        assert await then(workspace, between) == "permit"
        assert await then(workspace, between, clock.now()) == "consent.expired"
    finally:
        workspace.policies.purposes["newsletter"] = purpose


async def test_what_will_be_is_not_on_record(workspace: Workspace) -> None:
    await make(workspace, "jan@example.org")
    for at, known_at, field in (
        (clock.now() + timedelta(hours=1), None, "at"),
        (clock.now(), clock.now() + timedelta(hours=1), "known_at"),
    ):
        with pytest.raises(Misuse) as refused:
            await then(workspace, at, known_at)
        assert (refused.value.code, refused.value.field) == ("time.in_future", field)


async def test_over_http_both_times_are_named_and_known_at_needs_the_other(
    workspace: Workspace, client: httpx.AsyncClient
) -> None:
    await make(workspace, "jan@example.org")
    before = clock.now()
    await attested(workspace, "2026-03-01")
    client.headers.update(bearer(await key(workspace, "dpo")))
    asked: dict[str, Any] = {
        "subject": {"email": "jan@example.org"},
        "purpose": "newsletter",
        "channel": "email",
    }

    async def answer(**times: str) -> httpx.Response:
        return await client.post("/api/v1/decisions", json={**asked, **times})

    spring = "2026-05-01T00:00:00Z"
    assert (await answer(at=spring, known_at=before.isoformat())).json()["reason"] == "address.missing"
    told = (await answer(at=spring, known_at=clock.now().isoformat())).json()
    assert (told["reason"], told["as_of"]) == ("permit", "2026-05-01T00:00:00Z")
    alone = await answer(known_at=before.isoformat())
    assert (alone.status_code, alone.json()["code"]) == (400, "time.incomplete")
    naive = await answer(at="2026-05-01T00:00:00", known_at=before.isoformat())
    assert (naive.status_code, naive.json()["code"]) == (400, "time.naive")
