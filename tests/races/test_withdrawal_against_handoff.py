"""No hand-off begins or ends after a "no" was acknowledged; and the test would see it if one did."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from msgspec import structs

from registry.access.workspace import Workspace
from registry.dispatch import handoff
from registry.dispatch.claiming import Claimed
from registry.dispatch.sink import Behaviour, sink
from registry.gate import service as gate
from registry.gate.model import Decision, Outcome
from registry.kit.database import Session
from registry.policy.model import PolicySet
from registry.standing import service as standing
from tests.races.racing import prepare, race, states

INTERLEAVINGS = 2_000
SLOW = Behaviour(latency=0.003)


@pytest.mark.law("LP-16")
async def test_nothing_begins_or_ends_after_the_acknowledgement(workspace: Workspace, tmp_path: Path) -> None:
    rivals = await prepare(workspace, INTERLEAVINGS)
    async with sink(tmp_path / "mail", behaviour=SLOW) as server:
        findings = await race(workspace, server, rivals)
    assert findings.interleavings == INTERLEAVINGS
    assert findings.late == []
    # Both came first often enough for the answer to mean something.
    assert findings.handed > INTERLEAVINGS // 10
    assert findings.stopped > INTERLEAVINGS // 10
    assert await states(workspace) == {"handed_over": findings.handed, "blocked": findings.stopped}


async def _no_lock(*_: object) -> None:
    pass


async def test_goes_red_without_the_lock(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standing, "lock_for_handoff", _no_lock)
    rivals = await prepare(workspace, INTERLEAVINGS)
    async with sink(tmp_path / "mail", behaviour=SLOW) as server:
        findings = await race(workspace, server, rivals, until_red=True)
    assert findings.late


async def test_goes_red_when_only_the_gate_rows_are_locked(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who shares the address says no for the other one too, and holds the address row alone."""
    lock = standing.lock_for_handoff

    async def gate_rows_only(session: Session, contact_ids: Iterable[UUID], _: Iterable[UUID]) -> None:
        await lock(session, contact_ids, ())

    monkeypatch.setattr(standing, "lock_for_handoff", gate_rows_only)
    rivals = await prepare(workspace, INTERLEAVINGS)
    async with sink(tmp_path / "mail", behaviour=SLOW) as server:
        findings = await race(workspace, server, rivals, until_red=True)
    assert findings.late


async def test_goes_red_when_only_the_address_rows_are_locked(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A restriction is about the person and holds the gate row alone."""

    async def address_rows_only(session: Session, _: Iterable[UUID], address_ids: Iterable[UUID]) -> None:
        await standing.lock_addresses(session, address_ids)

    monkeypatch.setattr(standing, "lock_for_handoff", address_rows_only)
    rivals = await prepare(workspace, INTERLEAVINGS)
    async with sink(tmp_path / "mail", behaviour=SLOW) as server:
        findings = await race(workspace, server, rivals, until_red=True)
    assert findings.late


async def _joined(session: Session, policies: PolicySet, claimed: Sequence[Claimed]) -> list[Decision]:
    """Lock and facts in one statement: its snapshot is as old as its beginning, however long it waits."""
    purpose = policies.purposes["newsletter"]
    rows: list[Any] = await session.all(
        "SELECT g.subject_id, s.consent, s.suppressed, s.restricted_at > s.consented_at AS restricted"
        " FROM gate_row g JOIN gate_state s ON s.contact_id = g.subject_id JOIN address a ON a.id = s.address_id"
        " WHERE g.subject_id = ANY(%s) AND s.purpose_id = %s AND s.channel_id = %s"
        " ORDER BY g.subject_id FOR NO KEY UPDATE OF g, a",
        (
            [one.contact_id for one in claimed],
            policies.purpose_ids[purpose.id],
            policies.channel_ids["email"],
        ),
    )
    permitted = {
        row.subject_id for row in rows if row.consent == 5 and not row.suppressed and not row.restricted
    }
    answers = await gate.decide(session, policies, handoff.questions(claimed))
    return [_as(answer, answer.contact_id in permitted) for answer in answers]


def _as(answer: Decision, permitted: bool) -> Decision:
    return structs.replace(answer, outcome=Outcome.PERMIT if permitted else Outcome.DENY)


async def test_goes_red_with_lock_and_facts_in_one_statement(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handoff, "locked_decisions", _joined)
    rivals = await prepare(workspace, INTERLEAVINGS)
    async with sink(tmp_path / "mail", behaviour=SLOW) as server:
        findings = await race(workspace, server, rivals, until_red=True)
    assert findings.late
