"""Counts over everybody at an earlier time: those of the gate when it is now, and the sum of single answers always."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.access.workspace import Workspace
from registry.consents import merges
from registry.consents.ledger import EntryKind
from registry.contacts.queries import Reference
from registry.gate import past_counts, recalling
from registry.gate import service as gate
from registry.kit import clock
from registry.kit.errors import Misuse
from registry.policy.model import Grade
from tests.access.test_commands import GRANT, ann, run
from tests.http.routes import bearer, key, logged
from tests.merging import people
from tests.persons import CALLER, act, make, sale

__all__ = ["ann", "run"]


async def count(
    workspace: Workspace, purpose: str, at: datetime, *known: datetime, chunk: int = 3
) -> dict[str, int]:
    return await past_counts.count(
        workspace.database,
        workspace.ring,
        workspace.policies,
        CALLER,
        purpose,
        "email",
        at,
        *known,
        chunk=chunk,
    )


async def lived(workspace: Workspace) -> list[datetime]:
    """Some persons with histories, and instants between what happened."""
    times: list[datetime] = []
    made = [await make(workspace, f"p{number}@example.org") for number in range(4)]
    made.append(await make(workspace, "two@example.org", "three@example.org"))
    made.append(await make(workspace, external="E1"))
    times.append(clock.now())
    for number in (0, 1, 2):
        await act(workspace, f"email:p{number}@example.org", EntryKind.GRANTED)
    await sale(workspace, "email:three@example.org")
    times.append(clock.now())
    await act(workspace, made[1], EntryKind.WITHDRAWN)
    await act(workspace, "email:p2@example.org", EntryKind.OBJECTED, "*", "*", controller="nordwind")
    await people.merge(workspace, made[0], made[3])
    times.append(clock.now())
    held = await people.assignment(workspace, made[4], "email:two@example.org")
    await act(
        workspace, made[4], EntryKind.GRANTED, grade=Grade.ATTESTED, assignment_id=held, act="imported",
        acted_at=clock.now() - timedelta(days=3),
    )  # fmt: skip
    merge = await people.merge(workspace, made[1], made[5])
    await people.unmerge(workspace, merge.id)
    times.append(clock.now())
    return times


async def test_now_they_are_those_of_the_gate(workspace: Workspace) -> None:
    await lived(workspace)
    for purpose in ("newsletter", "product-updates"):
        async with workspace.database.begin(CALLER) as session:
            expected = await gate.bulk(session, workspace.ring, workspace.policies, purpose, "email")
        assert await count(workspace, purpose, clock.now()) == expected
        assert sum(expected.values()) == 5


async def test_then_they_are_the_sum_of_the_single_answers(workspace: Workspace) -> None:
    times = await lived(workspace)
    async with workspace.database.begin(CALLER) as session:
        records = [row.id for row in await session.all("SELECT id FROM contact ORDER BY id")]
    for at in times:
        for known_at in times:
            counted = await count(workspace, "newsletter", at, known_at, chunk=2)
            single: Counter[str] = Counter()
            told = set()
            for record in records:
                async with workspace.database.begin(CALLER) as session:
                    of = await merges.as_of(session, [record], known_at)
                    person = of.get(record, (record,))[0]
                    if person in told:
                        continue
                    told.add(person)
                    decision = await recalling.recall(
                        session, workspace.ring, workspace.policies, Reference(person, None), "newsletter",
                        "email", None, at, known_at,
                    )  # fmt: skip
                    single[decision.reason] += 1
            single.pop("contact.unknown", None)
            assert counted == dict(single)


@given(chunk=st.integers(1, 7))
@settings(max_examples=5)
async def test_however_many_are_read_at_once(workspace: Workspace, chunk: int) -> None:
    async with workspace.database.begin(CALLER) as session:
        empty = await session.value("SELECT count(*) FROM contact") == 0
    if empty:
        await lived(workspace)
    at = clock.now()
    assert await count(workspace, "newsletter", at, chunk=chunk) == await count(
        workspace, "newsletter", at, chunk=1000
    )


async def test_the_log_says_what_was_counted_and_when(workspace: Workspace) -> None:
    await make(workspace, "jan@example.org")
    at = clock.now()
    async with logged(workspace) as entries:
        assert await count(workspace, "newsletter", at) == {"consent.missing": 1}
    (entry,) = entries()
    assert entry["action"] == "decision.bulk"
    assert (entry["detail"]["at"], entry["detail"]["persons"]) == (at.isoformat(), 1)


async def test_what_cannot_be_counted_is_refused(workspace: Workspace) -> None:
    with pytest.raises(Misuse, match=r"purpose\.unknown"):
        await count(workspace, "nothing", clock.now())


async def test_over_http_an_audience_of_then(workspace: Workspace, client: httpx.AsyncClient) -> None:
    await make(workspace, "jan@example.org")
    before = clock.now()
    await act(workspace, "email:jan@example.org", EntryKind.GRANTED)
    client.headers.update(bearer(await key(workspace, "dpo")))
    asked: dict[str, Any] = {"audience": "all", "purpose": "newsletter", "channel": "email"}
    then = (await client.post("/api/v1/decisions", json={**asked, "at": before.isoformat()})).json()
    now = (await client.post("/api/v1/decisions", json={**asked, "at": clock.now().isoformat()})).json()
    assert (then["persons"], then["permitted"], then["blocked"]) == (1, 0, {"consent.missing": 1})
    assert (now["persons"], now["permitted"]) == (1, 1)
    late = {**asked, "at": (clock.now() + timedelta(hours=1)).isoformat()}
    assert (await client.post("/api/v1/decisions", json=late)).json()["code"] == "time.in_future"


def test_at_the_terminal(run: Any, ann: str) -> None:
    before = clock.now().isoformat()
    assert run(*GRANT)[0] == 0
    code, told = run("decision", "counts", "newsletter", "email")
    assert (code, told["persons"], told["permitted"]) == (0, 1, 1)
    code, told = run("decision", "counts", "newsletter", "email", "--at", before)
    assert (code, told["permitted"], told["blocked"]) == (0, 0, {"consent.missing": 1})
    code, told = run("decision", "counts", "newsletter", "email", "--known-at", before)
    assert (code, told["error"]["code"]) == (2, "time.incomplete")
    code, told = run(
        "check", ann, "newsletter", "email", "--at", before, "--known-at", clock.now().isoformat()
    )
    assert (code, told["reason"]) == (0, "consent.missing")
