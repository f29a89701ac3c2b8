"""What is found out about an entry afterwards makes it less, never more, and leaves it as it was."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from registry.access.workspace import Workspace
from registry.consents import mending, proving
from registry.consents.ledger import Entry, EntryKind
from registry.consents.mending import Correction, EntryInvalid, EntryIsNo, Mend
from registry.consents.standing_rows import Address, Person
from registry.contacts.identifiers import Kind
from registry.contacts.queries import parse_reference
from registry.gate import past
from registry.gate.model import Question
from registry.kit import clock
from registry.kit.errors import Misuse, NotFound
from registry.kit.ids import new_id
from registry.policy.model import Grade
from tests.access.test_commands import GRANT, ann, run
from tests.http.routes import bearer, key, logged
from tests.merging import people
from tests.merging.test_properties import NOW, policies
from tests.persons import CALLER, act, make, reason

__all__ = ["ann", "run"]

JAN = "email:jan@example.org"


async def mend(workspace: Workspace, entry_id: Any, correction: Correction | None = None) -> Any:
    async with workspace.database.begin(CALLER) as session:
        return await mending.mend(
            session,
            workspace.ring,
            workspace.policies,
            parse_reference(JAN),
            Mend(entry_id, "it was the neighbour", "audit", correction),
        )


async def granted(workspace: Workspace, **more: Any) -> Any:
    await make(workspace, "jan@example.org")
    return await act(workspace, JAN, EntryKind.GRANTED, **more)


async def test_what_was_invalidated_counts_for_nothing_and_the_reason_is_sealed(workspace: Workspace) -> None:
    grant = await granted(workspace)
    assert await reason(workspace, JAN) == "permit"
    entry = await mend(workspace, grant.id)
    assert await reason(workspace, JAN) == "consent.missing"
    document = await proving.prove(workspace.database, workspace.ring, CALLER, grant.contact_id, entry.id)
    assert document["evidence"] == {"reason": "it was the neighbour"}
    async with workspace.database.begin(CALLER) as session:
        bodies = [bytes(row.body) for row in await session.all("SELECT body FROM audit_entry")]
    assert not any(b"neighbour" in body for body in bodies)


@pytest.mark.parametrize(
    ("correction", "told"),
    [
        (Correction(grade=Grade.UNKNOWN), "consent.unknown_origin"),
        (Correction(grade=Grade.ATTESTED), "permit"),
    ],
)
async def test_what_was_corrected_counts_as_the_less(
    workspace: Workspace, correction: Correction, told: str
) -> None:
    grant = await granted(workspace)
    await mend(workspace, grant.id, correction)
    assert await reason(workspace, JAN) == told


def test_a_term_runs_from_when_it_was_really_given_and_what_was_void_is_no_sign_of_life() -> None:
    purpose = (
        policies()
        .purposes["newsletter"]
        .model_copy(update={"valid_for_days": 100, "inactive_after_days": 100})
    )
    known = policies().model_copy(update={"purposes": {"newsletter": purpose}})
    address = Address(UUID(int=1), UUID(int=2), Kind.EMAIL)

    def entry(seq: int, kind: EntryKind, days: int, refers_to: int | None = None) -> Entry:
        acted_at = NOW - timedelta(days=days)
        return Entry(
            UUID(int=seq), seq, kind, Grade.FIRST_PARTY, "nordwind", "newsletter", "email", address.assignment_id,
            acted_at, NOW, refers_to and UUID(int=refers_to), 99,
        )  # fmt: skip

    def told(*entries: Entry) -> str:
        person = Person(UUID(int=9), addresses=(address,), entries=entries)
        return past.answer(known, person, Question(person.contact_id, "newsletter", "email"), NOW).reason

    grant, other = entry(1, EntryKind.GRANTED, 10), entry(2, EntryKind.GRANTED, 90)
    assert told(grant) == "permit"
    assert told(grant, entry(3, EntryKind.CORRECTED, 120, 1)) == "consent.expired"
    inactive = known.purposes["newsletter"].model_copy(update={"inactive_after_days": 30})
    known.purposes["newsletter"] = inactive
    assert told(other, grant) == "permit"
    assert told(other, grant, entry(3, EntryKind.INVALIDATED, 0, 1)) == "consent.expired"


async def test_a_yes_that_was_given_before_the_no_lifts_it_no_more(workspace: Workspace) -> None:
    await make(workspace, "jan@example.org")
    no = await act(workspace, JAN, EntryKind.WITHDRAWN)
    grant = await act(workspace, JAN, EntryKind.GRANTED)
    assert await reason(workspace, JAN) == "permit"
    await mend(workspace, grant.id, Correction(acted_at=no.recorded_at - timedelta(days=1)))
    assert await reason(workspace, JAN) in ("consent.withdrawn", "address.suppressed")


@pytest.mark.parametrize(
    ("correction", "code"),
    [
        (Correction(), "correction.empty"),
        (Correction(acted_at=clock.now() + timedelta(days=1)), "correction.loosens"),
        (Correction(notice_version=9), "correction.loosens"),
    ],
)
async def test_nothing_is_made_better(workspace: Workspace, correction: Correction, code: str) -> None:
    grant = await granted(workspace)
    with pytest.raises(Misuse) as refused:
        await mend(workspace, grant.id, correction)
    assert refused.value.code == code


async def test_a_weak_grade_is_not_made_a_good_one(workspace: Workspace) -> None:
    await make(workspace, "jan@example.org")
    held = await people.assignment(workspace, (await people.resolved(workspace, JAN))[0], JAN)
    grant = await act(
        workspace, JAN, EntryKind.GRANTED, grade=Grade.UNKNOWN, assignment_id=held, act="imported"
    )
    with pytest.raises(Misuse, match=r"correction\.loosens"):
        await mend(workspace, grant.id, Correction(grade=Grade.ATTESTED))
    assert await reason(workspace, JAN) == "consent.unknown_origin"


async def test_a_no_is_neither_void_nor_mended(workspace: Workspace) -> None:
    await make(workspace, "jan@example.org")
    no = await act(workspace, JAN, EntryKind.WITHDRAWN)
    with pytest.raises(EntryIsNo):
        await mend(workspace, no.id)
    with pytest.raises(EntryIsNo):
        await mend(workspace, no.id, Correction(grade=Grade.UNKNOWN))


async def test_what_is_void_is_not_voided_again_and_what_is_not_there_is_not_found(
    workspace: Workspace,
) -> None:
    grant = await granted(workspace)
    await mend(workspace, grant.id)
    with pytest.raises(EntryInvalid):
        await mend(workspace, grant.id)
    with pytest.raises(NotFound, match=r"entry\.unknown"):
        await mend(workspace, new_id())


async def test_of_a_merged_person_it_stands_beside_the_entry(workspace: Workspace) -> None:
    grant = await granted(workspace)
    other = await make(workspace, "other@example.org")
    await people.merge(workspace, other, grant.contact_id)
    entry = await mend(workspace, grant.id)
    assert entry.contact_id == grant.contact_id
    assert await reason(workspace, JAN) == "consent.missing"


async def test_over_http_the_data_protection_officer_may_and_a_shop_may_not(
    workspace: Workspace, client: httpx.AsyncClient
) -> None:
    grant = await granted(workspace)
    body = {
        "subject": {"email": "jan@example.org"},
        "kind": "invalidate",
        "purpose": "newsletter",
        "channel": "email",
        "source": "audit",
        "refers_to": str(grant.id),
        "evidence": {"reason": "it was the neighbour"},
    }
    shop, dpo = bearer(await key(workspace, "write")), bearer(await key(workspace, "dpo"))
    assert (await client.post("/api/v1/consents", json=body, headers=shop)).status_code == 403
    for change, code in (
        ({"refers_to": None}, "refers_to.missing"),
        ({"evidence": {}}, "reason.missing"),
        ({"purpose": "product-updates"}, "entry.other_scope"),
        ({"kind": "correct"}, "correction.empty"),
        ({"kind": "correct", "notice": {"version": 9, "locale": "en"}}, "correction.loosens"),
    ):
        answer = await client.post("/api/v1/consents", json={**body, **change}, headers=dpo)
        assert (answer.status_code, answer.json()["code"]) == (400, code), answer.text
    corrected = await client.post(
        "/api/v1/consents", json={**body, "kind": "correct", "grade": "attested"}, headers=dpo
    )
    assert corrected.status_code == 201, corrected.text
    assert await reason(workspace, JAN) == "permit"
    async with logged(workspace) as entries:
        assert (await client.post("/api/v1/consents", json=body, headers=dpo)).status_code == 201
    assert [entry["action"] for entry in entries()] == ["consent.invalidate"]
    assert await reason(workspace, JAN) == "consent.missing"


def test_at_the_terminal(run: Any, ann: str) -> None:
    code, granted_ = run(*GRANT)
    assert code == 0
    entry = granted_["entries"][0]["id"]
    code, told = run("consent", "correct", ann, entry, "--reason", "on paper", "--grade", "unknown")
    assert code == 0
    assert run("check", ann, "newsletter", "email")[1]["reason"] == "consent.unknown_origin"
    code, told = run("consent", "invalidate", ann, entry, "--reason", "never signed")
    assert (code, told["contact"]) == (0, ann)
    assert run("check", ann, "newsletter", "email")[1]["reason"] == "consent.missing"
    code, problem = run("consent", "invalidate", ann, entry, "--reason", "never signed")
    assert (code, problem["error"]["code"]) == (1, "entry.invalidated")
