"""G4: a permit is for one message, one content, once and soon; the gate is asked anew when it is redeemed."""

import asyncio
from uuid import UUID

import psycopg
import pytest

from registry.access.workspace import Workspace
from registry.consents.ledger import EntryKind
from registry.contacts import service as contacts
from registry.contacts.queries import Reference
from registry.gate import permits, permits_model
from registry.gate.model import Outcome
from registry.kit.database import Role
from registry.kit.errors import Misuse, NotFound
from registry.standing import permits as standing
from registry.standing.permits import PermitState
from registry.subject_requests import erasure
from tests.http.routes import logged
from tests.permits.engines import CONTENT, EMAIL, OTHER, issue, kept, redeem, subscriber, token
from tests.persons import CALLER, act, make


async def test_a_permit_is_redeemed_once(workspace: Workspace) -> None:
    anna = await subscriber(workspace)
    issued = await issue(workspace)
    assert issued.decision.permitted and issued.token and issued.token.startswith("zgoda_permit_")
    first = await redeem(workspace, issued.token)
    assert (first.outcome, first.reason, first.id) == (Outcome.PERMIT, "permit", issued.id)
    assert first.decision is not None and first.decision.contact_id == anna
    assert first.decision.identifier == issued.decision.identifier
    second = await redeem(workspace, issued.token)
    assert (second.outcome, second.reason) == (Outcome.DENY, "permit.redeemed")
    (row,) = await kept(workspace)
    assert row.state == PermitState.REDEEMED
    assert row.redemption_id == first.decision.id


async def test_of_two_redemptions_at_the_same_moment_exactly_one_wins(workspace: Workspace) -> None:
    await subscriber(workspace)
    for _ in range(10):
        given = await token(workspace)
        told = await asyncio.gather(*(redeem(workspace, given) for _ in range(4)))
        assert sorted(one.reason for one in told) == ["permit", *["permit.redeemed"] * 3]


@pytest.mark.parametrize("lock", [True, False])
async def test_the_table_itself_lets_one_win_where_the_lock_failed(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, lock: bool
) -> None:
    if not lock:

        async def none(*_: object) -> None:
            pass

        monkeypatch.setattr("registry.standing.service.lock_for_handoff", none)
    await subscriber(workspace)
    given = await token(workspace)
    told = await asyncio.gather(*(redeem(workspace, given) for _ in range(8)))
    assert sum(one.permitted for one in told) == 1


async def test_a_no_of_the_gate_issues_nothing_and_is_kept(workspace: Workspace) -> None:
    await make(workspace, EMAIL)
    issued = await issue(workspace)
    assert (issued.decision.outcome, issued.decision.reason) == (Outcome.DENY, "consent.missing")
    assert issued.token is None
    assert await kept(workspace) == []
    async with workspace.database.begin(CALLER) as session:
        (row,) = await session.all("SELECT id, kind, reason FROM decision")
    assert tuple(row) == (issued.decision.id, "permit_issue", "consent.missing")


@pytest.mark.parametrize(
    ("reference", "purpose", "reason"),
    [
        ("email:nobody@example.test", "newsletter", "contact.unknown"),
        ("email:nobody@example.test", "no-such", "purpose.unknown"),
        (UUID(int=7), "newsletter", "contact.unknown"),
        (f"email:{EMAIL}", "newsletter", "contact.ambiguous"),
    ],
)
async def test_who_is_meant_must_be_one_person_on_record(
    workspace: Workspace, reference: object, purpose: str, reason: str
) -> None:
    await subscriber(workspace)
    await make(workspace, EMAIL)
    issued = await issue(workspace, reference, purpose)
    assert (issued.decision.reason, issued.token) == (reason, None)


async def test_another_content_is_refused_and_leaves_the_permit_open(workspace: Workspace) -> None:
    await subscriber(workspace)
    given = await token(workspace)
    assert (await redeem(workspace, given, OTHER)).reason == "permit.content_changed"
    assert (await redeem(workspace, given)).permitted


async def test_a_permit_is_over_by_its_time(workspace: Workspace) -> None:
    await subscriber(workspace)
    given = await token(workspace, seconds=0.2)
    await asyncio.sleep(0.25)
    assert (await redeem(workspace, given)).reason == "permit.expired"
    async with workspace.database.begin(CALLER) as session:
        found = await standing.find(session, given)
        assert found is not None and permits_model.state_of(found) == "expired"
        assert await standing.open_ones(session, None, 10) == []


@pytest.mark.parametrize("seconds", [0, -1, 900.1])
async def test_no_permit_holds_longer_than_a_quarter_of_an_hour(workspace: Workspace, seconds: float) -> None:
    await subscriber(workspace)
    with pytest.raises(Misuse, match=r"permit\.too_long"):
        await issue(workspace, seconds=seconds)


async def test_tokens_that_were_altered_or_never_were_are_unknown(workspace: Workspace) -> None:
    await subscriber(workspace)
    given = await token(workspace)
    flipped = given[:20] + ("A" if given[20] != "A" else "B") + given[21:]
    for wrong in (flipped, given[:-1], given + "x", "", "zgoda_permit_", "ą" * 40, standing.new_token()):
        told = await redeem(workspace, wrong)
        assert (told.outcome, told.reason, told.decision) == (Outcome.DENY, "permit.unknown", None)
    assert (await redeem(workspace, given)).permitted


async def test_the_gate_is_asked_anew(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where nothing voided the permit: the decision at the moment of sending is what counts."""
    await subscriber(workspace)
    given = await token(workspace)

    monkeypatch.setattr(standing, "ask_void", lambda *_: None)
    await act(workspace, f"email:{EMAIL}", EntryKind.WITHDRAWN)
    told = await redeem(workspace, given)
    assert (told.outcome, told.reason) == (Outcome.DENY, "address.suppressed")
    assert (await redeem(workspace, given)).reason == "permit.refused"


async def test_a_permit_is_for_the_address_that_the_gate_chose(workspace: Workspace) -> None:
    anna = await subscriber(workspace, EMAIL, "anna.second@example.test")
    issued = await issue(workspace, anna)
    assert issued.token is not None and issued.decision.identifier is not None
    await act(workspace, "email:anna.second@example.test", EntryKind.GRANTED)
    async with workspace.database.begin(CALLER) as session:
        await contacts.lock(session, [anna])
        await contacts.end_assignment(session, anna, issued.decision.identifier)
    assert (await issue(workspace, anna)).decision.permitted, "at the other address she still may be reached"
    assert (await redeem(workspace, issued.token)).reason == "address.missing"


async def test_a_permit_that_is_given_back_is_void(workspace: Workspace) -> None:
    await subscriber(workspace)
    given = await token(workspace)

    async def void(given: str) -> standing.Permit:
        async with workspace.database.begin(CALLER) as session:
            return await permits.void(session, workspace.ring, await standing.find(session, given))

    assert permits_model.state_of(await void(given)) == "voided"
    assert (await redeem(workspace, given)).reason == "permit.voided"
    used = await token(workspace)
    assert (await redeem(workspace, used)).permitted
    assert permits_model.state_of(await void(used)) == "redeemed", "what is over stays as it was"
    with pytest.raises(NotFound, match=r"permit\.unknown"):
        await void(standing.new_token())


async def test_nothing_reopens_what_ended(workspace: Workspace) -> None:
    await subscriber(workspace)
    given = await token(workspace)
    assert (await redeem(workspace, given)).permitted
    for role in (Role.APP, Role.RETENTION, Role.OWNER):
        with pytest.raises(psycopg.errors.IntegrityError):
            async with workspace.database.begin(CALLER, role) as session:
                await session.execute("UPDATE permit SET state = 0, ended_at = NULL")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with workspace.database.begin(CALLER) as session:
            await session.execute("UPDATE permit SET content_hash = content_hash")


async def test_the_token_is_kept_nowhere(workspace: Workspace) -> None:
    await subscriber(workspace)
    given = await token(workspace)
    await redeem(workspace, given)
    async with workspace.database.begin(CALLER, Role.OWNER) as session:
        tables = await session.all("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        text = "".join([
            str(await session.value(f'SELECT string_agg(t::text, \'\') FROM "{one.tablename}" t')) for one in tables
        ])  # fmt: skip
    assert given not in text and given[13:43] not in text
    assert given.encode().hex() not in text and given[13:43].encode().hex() not in text


async def test_each_step_is_one_entry_in_the_log_that_names_nobody(workspace: Workspace) -> None:
    anna = await subscriber(workspace)
    async with logged(workspace) as entries:
        given = await token(workspace)
        await redeem(workspace, given)
        await redeem(workspace, given)
    assert [entry["action"] for entry in entries()] == ["permit.issue", "permit.redeem", "permit.redeem"]
    told = str(entries())
    assert str(anna) not in told and given not in told and EMAIL not in told


async def test_what_was_redeemed_is_kept_as_a_decision(workspace: Workspace) -> None:
    anna = await subscriber(workspace)
    done = await redeem(workspace, await token(workspace))
    assert done.decision is not None
    async with workspace.database.begin(CALLER) as session:
        rows = await session.all(
            "SELECT id, kind, outcome, reason, evidence FROM decision WHERE contact_id = %s ORDER BY id",
            (anna,),
        )
    assert [row.kind for row in rows] == ["permit_issue", "permit"]
    assert (rows[1].id, rows[1].outcome, rows[1].reason) == (done.decision.id, "permit", "permit")
    assert rows[1].evidence == rows[0].evidence is not None


async def test_of_an_erased_person_nothing_is_left_and_nothing_redeemed(workspace: Workspace) -> None:
    anna = await subscriber(workspace)
    given, used = await token(workspace), await token(workspace)
    assert (await redeem(workspace, used)).permitted
    done = await erasure.erase_person(
        workspace.database, workspace.ring, workspace.policies, CALLER, Reference(anna, None)
    )
    assert len(done.voided) == len(done.in_flight) == 1
    assert done.counts["permit"] == 2
    assert await kept(workspace) == []
    assert (await redeem(workspace, given)).reason == "permit.unknown"


async def test_a_permit_for_a_purpose_out_of_reach_is_unknown(workspace: Workspace) -> None:
    await subscriber(workspace)
    given = await token(workspace)
    async with workspace.database.begin(CALLER) as session:
        told = await permits.redeem(
            session,
            workspace.ring,
            workspace.policies,
            given,
            CONTENT,
            lambda purpose: purpose == "club-letter",
        )
    assert told.reason == "permit.unknown"
    assert (await redeem(workspace, given)).permitted
