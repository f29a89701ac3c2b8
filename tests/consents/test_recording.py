"""Recording: what is refused, what is kept, who may not change it, and that the gate's table follows."""

import asyncio
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from registry.consents import projection, service
from registry.consents.ledger import EntryKind
from registry.consents.validation import NewEntry
from registry.kit.database import Role
from registry.kit.errors import Misuse, NotFound, Refused
from registry.policy.model import Grade
from registry.standing.model import GateState
from tests.persons import CALLER, act, check, make, reason

COLUMNS = ", ".join(field.name for field in fields(GateState))


async def test_permits_after_a_grant_and_denies_after_a_withdrawal(workspace: Any) -> None:
    person = await make(workspace, "anna@example.test")
    assert await reason(workspace, person) == "consent.missing"
    granted = await act(workspace, "email:anna@example.test", EntryKind.GRANTED)
    decision = await check(workspace, person)
    assert (decision.reason, decision.evidence) == ("permit", granted.id)
    await act(workspace, person, EntryKind.WITHDRAWN)
    assert await reason(workspace, person) == "consent.withdrawn"


@pytest.mark.law("LP-01")
@pytest.mark.parametrize(
    "how", ["default", "pre_ticked", "scroll", "silence", "inactivity", None, "anything"]
)
async def test_refuses_what_is_no_act(workspace: Any, how: str | None) -> None:
    person = await make(workspace, "anna@example.test")
    with pytest.raises(Misuse, match=r"consent\.act_invalid"):
        await act(workspace, "email:anna@example.test", EntryKind.GRANTED, act=how)
    assert await reason(workspace, person) == "consent.missing"


@pytest.mark.law("LP-05")
async def test_refuses_a_grant_bundled_with_something_else(workspace: Any) -> None:
    await make(workspace, "anna@example.test")
    with pytest.raises(Misuse, match=r"consent\.bundled"):
        await act(workspace, "email:anna@example.test", EntryKind.GRANTED, bundled_with=("terms",))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"purpose": "nothing"}, "purpose.unknown"),
        ({"channel": "pigeon"}, "channel.unknown"),
        ({"channel": "process"}, "channel.undeclared"),
        ({"acted_at": datetime.now(UTC) + timedelta(days=1)}, "consent.acted_in_future"),
        ({"notice_version": 99}, "notice.unknown"),
        ({"notice_version": None}, "notice.missing"),
        ({"controller": "polana"}, "purpose.of_another_controller"),
    ],
)
async def test_refuses_and_keeps_nothing(workspace: Any, change: dict[str, Any], code: str) -> None:
    await make(workspace, "anna@example.test")
    with pytest.raises(Misuse, match=code):
        await act(workspace, "email:anna@example.test", EntryKind.GRANTED, **change)
    async with workspace.database.begin(CALLER) as session:
        assert await session.value("SELECT count(*) FROM consent_entry") == 0


async def test_refuses_a_grant_without_its_address_or_with_another_persons(workspace: Any) -> None:
    anna, _ = await make(workspace, "anna@example.test"), await make(workspace, "bob@example.test")
    with pytest.raises(Misuse, match=r"consent\.address_missing"):
        await act(workspace, anna, EntryKind.GRANTED)
    theirs = (await check(workspace, "email:bob@example.test")).identifier
    with pytest.raises(NotFound, match=r"identifier\.unknown"):
        await act(workspace, anna, EntryKind.GRANTED, assignment_id=theirs)


async def test_an_address_that_fits_several_denies_and_a_no_by_it_binds_all(workspace: Any) -> None:
    anna = await make(workspace, "home@example.test", external="A")
    bob = await make(workspace, "home@example.test", external="B")
    for name in ("A", "B"):
        held = (await check(workspace, f"external:{name}")).identifier
        await act(workspace, f"external:{name}", EntryKind.GRANTED, assignment_id=held)
    assert [await reason(workspace, who) for who in (anna, bob)] == ["permit", "permit"]
    assert await reason(workspace, "email:home@example.test") == "contact.ambiguous"
    with pytest.raises(Refused, match=r"contact\.ambiguous"):
        await act(workspace, "email:home@example.test", EntryKind.GRANTED)
    await act(workspace, "email:home@example.test", EntryKind.WITHDRAWN)
    assert [await reason(workspace, who) for who in (anna, bob)] == ["address.suppressed"] * 2
    # Somebody who gets the address later is bound as well; only an own grant at first hand lifts it, for one.
    carl = await make(workspace, "home@example.test", external="C")
    held = (await check(workspace, carl)).identifier
    await act(workspace, carl, EntryKind.GRANTED, grade=Grade.ATTESTED, assignment_id=held)
    assert await reason(workspace, carl) == "address.suppressed"
    await act(workspace, carl, EntryKind.GRANTED, assignment_id=held)
    assert [await reason(workspace, who) for who in (anna, bob, carl)] == [
        "address.suppressed",
        "address.suppressed",
        "permit",
    ]


async def test_the_same_origin_counts_once(workspace: Any) -> None:
    person = await make(workspace, "anna@example.test")
    first = await act(workspace, person, EntryKind.WITHDRAWN, grade=Grade.ATTESTED, origin=b"row 1")
    again = await act(workspace, person, EntryKind.WITHDRAWN, grade=Grade.ATTESTED, origin=b"row 1")
    assert (again.id, again.repeated) == (first.id, True)


async def test_an_imported_no_keeps_its_date_and_one_at_first_hand_does_not(workspace: Any) -> None:
    person = await make(workspace, "anna@example.test")
    old = datetime(2025, 1, 1, tzinfo=UTC)
    await act(workspace, person, EntryKind.WITHDRAWN, grade=Grade.ATTESTED, acted_at=old)
    await act(workspace, person, EntryKind.WITHDRAWN, acted_at=old)
    later = datetime.now(UTC) + timedelta(days=9)
    await act(workspace, person, EntryKind.WITHDRAWN, grade=Grade.ATTESTED, acted_at=later)
    async with workspace.database.begin(CALLER) as session:
        rows = await session.all("SELECT acted_at, recorded_at FROM consent_entry ORDER BY seq")
    assert rows[0].acted_at == old
    assert rows[1].acted_at == rows[1].recorded_at
    assert rows[2].acted_at == rows[2].recorded_at


@pytest.mark.parametrize("role", [Role.APP, Role.OWNER])
@pytest.mark.parametrize(
    "statement",
    ["UPDATE consent_entry SET kind = 2", "DELETE FROM consent_entry", "TRUNCATE consent_entry"],
)
async def test_nobody_changes_an_entry_by_direct_sql(workspace: Any, role: Role, statement: str) -> None:
    person = await make(workspace, "anna@example.test")
    await act(workspace, person, EntryKind.WITHDRAWN)
    with pytest.raises(psycopg.Error) as refused:
        async with workspace.database.begin(CALLER, role) as session:
            await session.execute(statement)
    assert refused.value.sqlstate in ("42501", "ZG002")


async def test_the_table_rebuilt_from_the_ledger_is_the_same(workspace: Any) -> None:
    people = [await make(workspace, f"p{n}@example.test", "home@example.test") for n in range(4)]
    await act(workspace, "email:p0@example.test", EntryKind.GRANTED)
    await act(workspace, "email:p1@example.test", EntryKind.WITHDRAWN)
    await act(workspace, people[2], EntryKind.OBJECTED, purpose="*", channel="*", controller="nordwind")
    statement = f"SELECT {COLUMNS} FROM gate_state ORDER BY purpose_id, contact_id, channel_id, assignment_id"
    async with workspace.database.begin(CALLER) as session:
        before = await session.all(statement)
        await session.execute("UPDATE gate_state SET consent = 5, suppressed = 0, objected = 0")
    assert await projection.rebuild(workspace.database, CALLER) == 4
    async with workspace.database.begin(CALLER) as session:
        assert await session.all(statement) == before
    assert before


async def test_entries_at_the_same_moment_get_an_order(workspace: Any) -> None:
    person = await make(workspace, "anna@example.test")
    await asyncio.gather(*(act(workspace, person, EntryKind.WITHDRAWN) for _ in range(8)))
    async with workspace.database.begin(CALLER) as session:
        rows = await session.all("SELECT seq, recorded_at FROM consent_entry ORDER BY seq")
    assert [row.seq for row in rows] == list(range(1, 9))
    assert [row.recorded_at for row in rows] == sorted(row.recorded_at for row in rows)


async def test_a_batch_that_is_refused_leaves_nothing(workspace: Any) -> None:
    person = await make(workspace, "anna@example.test")
    good = NewEntry(person, EntryKind.WITHDRAWN, "newsletter", "email", Grade.FIRST_PARTY, "test")
    with pytest.raises(Misuse):
        async with workspace.database.begin(CALLER) as session:
            await service.record(
                session, workspace.ring, workspace.policies, [good, replace(good, purpose="none")]
            )
    async with workspace.database.begin(CALLER) as session:
        assert await session.value("SELECT count(*) FROM consent_entry") == 0


async def test_a_withdrawal_is_on_disk_outside_the_database_when_it_returns(workspace: Any) -> None:
    await make(workspace, "anna@example.test")
    await act(workspace, "email:anna@example.test", EntryKind.WITHDRAWN)
    text = "".join(p.read_text() for p in workspace.settings.journal_folder.iterdir())
    assert '"what": "withdrawn"' in text
    assert '"what": "address_refusal"' in text
    assert "anna" not in text
