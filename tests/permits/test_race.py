"""Redemptions against every kind of "no", at the same moment: one comes first, and both answers say the same one.

By the database's own clock: a permit that was redeemed ended before the "no" was recorded, and the "no" names it as in
flight; one that was not is in the list of those that the "no" voided. The mutants show that the test would see it.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from msgspec import structs

from registry.access.workspace import Workspace
from registry.contacts.queries import Reference
from registry.dispatch.tokens import OneClick
from registry.gate import permits as gate
from registry.gate import service
from registry.gate.permits import Issued, Redemption, Wanted
from registry.kit.database import Session
from registry.kit.ids import new_id
from registry.policy.model import PolicySet
from registry.portal import service as portal
from registry.standing import permits as standing
from registry.standing import service as rows
from tests.dispatch.people import persons
from tests.permits.engines import CONTENT
from tests.persons import CALLER

PAIRS = 200
# A wrong way shows in the first few, mostly.
FEW = 40
AT_ONCE = 8


@dataclass
class Findings:
    """Who came first, and what was not so."""

    redeemed: int = 0
    stopped: int = 0
    late: list[str] = field(default_factory=list)
    untold: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Pair:
    """A permit, and who says no against it."""

    permit: Issued
    contact_id: UUID
    assignment_id: UUID
    restricts: bool


async def prepare(workspace: Workspace, count: int, first: int = 0) -> list[Pair]:
    """Every fourth "no" is a restriction (the gate row alone), every fourth a sharer's (the address row alone)."""
    addresses = [f"p{number}@example.org" for number in range(first, first + count)]
    people = await persons(workspace, addresses)
    sharers = dict(zip(addresses[::4], await persons(workspace, addresses[::4], granted=False), strict=True))
    async with workspace.database.begin(CALLER) as session:
        held = {row.contact_id: row.id for row in await session.all("SELECT contact_id, id FROM assignment")}
    pairs = []
    for number, (address, person) in enumerate(zip(addresses, people, strict=True)):
        who = sharers.get(address, person)
        wanted = Wanted(Reference(person, None), "newsletter", "email", CONTENT, seconds=300)

        async def work(session: Session, wanted: Wanted = wanted) -> Issued:
            return await gate.issue(session, workspace.ring, workspace.policies, wanted)

        issued = await workspace.database.run(CALLER, work)
        assert issued.token
        pairs.append(Pair(issued, who, held[who], number % 4 == 1))
    return pairs


async def race(workspace: Workspace, pairs: Sequence[Pair]) -> Findings:
    """Let both happen at about the same moment for every pair, some at once."""
    chance, findings, turn = random.Random(7), Findings(), asyncio.Semaphore(AT_ONCE)

    async def redeem(pair: Pair) -> Redemption:
        async def work(session: Session) -> Redemption:
            told = await gate.redeem(
                session, workspace.ring, workspace.policies, pair.permit.token or "", CONTENT
            )
            await asyncio.sleep(chance.uniform(0, 0.004))
            return told

        await asyncio.sleep(chance.uniform(0, 0.012))
        return await workspace.database.run(CALLER, work)

    async def refuse(pair: Pair) -> tuple[datetime, set[UUID], set[UUID]]:
        async def work(session: Session) -> tuple[datetime, set[UUID], set[UUID]]:
            at = await _no(session, workspace, pair)
            return at, {one.id for one in session.voided}, {one.id for one in session.in_flight}

        await asyncio.sleep(chance.uniform(0, 0.012))
        return await workspace.database.run(CALLER, work)

    async def both(pair: Pair) -> None:
        async with turn:
            told, (at, voided, in_flight) = await asyncio.gather(redeem(pair), refuse(pair))
            name = str(pair.permit.id)
            findings.redeemed += told.permitted
            findings.stopped += not told.permitted
            async with workspace.database.begin(CALLER) as session:
                ended_at = await session.value("SELECT ended_at FROM permit WHERE id = %s", (pair.permit.id,))
            if told.permitted and ended_at > at:
                findings.late.append(name)
            if pair.permit.id not in (in_flight if told.permitted else voided):
                findings.untold.append(name)

    async with asyncio.TaskGroup() as group:
        for pair in pairs:
            group.create_task(both(pair))
    return findings


async def _no(session: Session, workspace: Workspace, pair: Pair) -> datetime:
    """Say no; returns when, by the database's clock, with the locks held."""
    at: datetime
    if pair.restricts:
        await rows.lock(session, [pair.contact_id])
        await rows.restrict(session, pair.contact_id, "accuracy")
        at = await session.value(
            "SELECT restricted_at FROM gate_row WHERE subject_id = %s", (pair.contact_id,)
        )
        await asyncio.sleep(0.002)
        await standing.void(session, [standing.No(pair.contact_id)], "test")
        return at
    clicked = OneClick(pair.contact_id, pair.assignment_id, workspace.policies.purpose_ids["newsletter"])
    assert await portal.withdraw(session, workspace.ring, workspace.policies, clicked) is not None
    at = await session.value(
        "SELECT recorded_at FROM consent_entry WHERE contact_id = %s ORDER BY seq DESC LIMIT 1",
        (pair.contact_id,),
    )
    return at


@pytest.mark.law("LP-16")
async def test_one_comes_first_and_both_answers_say_which(workspace: Workspace) -> None:
    findings = await race(workspace, await prepare(workspace, PAIRS))
    assert (findings.late, findings.untold) == ([], [])
    # Both came first often enough for the answer to mean something.
    assert findings.redeemed > PAIRS // 10
    assert findings.stopped > PAIRS // 10


async def _void_nothing(*_: object) -> list[Any]:
    return []


async def _no_lock(*_: object) -> None:
    pass


async def test_the_lock_alone_is_enough_where_nothing_is_voided(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = await prepare(workspace, PAIRS // 2)
    monkeypatch.setattr(standing, "void", _void_nothing)
    assert (await race(workspace, pairs)).late == []


async def goes_red(
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    wrong: Callable[[pytest.MonkeyPatch, Sequence[Pair]], None],
    *,
    untold: bool = False,
) -> bool:
    """Whether a wrong way lets a permit be redeemed late, or with `untold` leaves one unnamed, within so many pairs."""
    for first in range(0, PAIRS, FEW):
        pairs = await prepare(workspace, FEW, first)
        with monkeypatch.context() as patch:
            wrong(patch, pairs)
            findings = await race(workspace, pairs)
        if findings.late or (untold and findings.untold):
            return True
    return False


@pytest.mark.parametrize("voids", [True, False])
async def test_goes_red_without_the_lock(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, voids: bool
) -> None:
    def unlocked(patch: pytest.MonkeyPatch, _: Sequence[Pair]) -> None:
        patch.setattr(rows, "lock_for_handoff", _no_lock)
        if not voids:
            patch.setattr(standing, "void", _void_nothing)

    assert await goes_red(workspace, monkeypatch, unlocked, untold=voids)


async def test_goes_red_when_the_decision_of_the_issue_is_used_again(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reused(patch: pytest.MonkeyPatch, pairs: Sequence[Pair]) -> None:
        issued = {pair.permit.decision.contact_id: pair.permit.decision for pair in pairs}

        async def remembered(_: Session, __: PolicySet, questions: Sequence[Any], *___: Any) -> list[Any]:
            return [structs.replace(issued[question.contact_id], id=new_id()) for question in questions]

        patch.setattr(standing, "void", _void_nothing)
        patch.setattr(service, "decide", remembered)

    assert await goes_red(workspace, monkeypatch, reused)
