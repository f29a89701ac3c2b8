"""Ways to get it wrong, each of which the checker must notice: they are applied in the processes of a race.

Each is a change of one or two lines that somebody could make in good faith; the product's own code is replaced in the
process, and nothing else about the race is different.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from msgspec import structs

from registry.dispatch import claiming, handoff
from registry.dispatch.claiming import Claimed, Office
from registry.gate import permits
from registry.gate import service as gate
from registry.gate.model import Decision, Outcome
from registry.kit.database import Session
from registry.kit.errors import Overtaken
from registry.policy.model import PolicySet
from registry.standing import service as standing
from tests.races import stage
from tests.races.stage import CHANNEL, PERSON, PURPOSE, Answer, Stage


@dataclass(frozen=True, slots=True)
class Mutant:
    """A wrong way, and what somebody might say for it."""

    sentence: str
    apply: Callable[[pytest.MonkeyPatch], None]


def _no_lock(patch: pytest.MonkeyPatch) -> None:
    async def none(*_: object) -> None:
        pass

    patch.setattr(standing, "lock_for_handoff", none)


def _gate_rows_only(patch: pytest.MonkeyPatch) -> None:
    lock = standing.lock_for_handoff

    async def gate_rows(session: Session, contact_ids: Iterable[UUID], _: Iterable[UUID]) -> None:
        await lock(session, contact_ids, ())

    patch.setattr(standing, "lock_for_handoff", gate_rows)


def _address_rows_only(patch: pytest.MonkeyPatch) -> None:
    async def address_rows(session: Session, _: Iterable[UUID], address_ids: Iterable[UUID]) -> None:
        await standing.lock_addresses(session, address_ids)

    patch.setattr(standing, "lock_for_handoff", address_rows)


def _facts_in_the_locks_statement(patch: pytest.MonkeyPatch) -> None:
    async def joined(session: Session, policies: PolicySet, claimed: Sequence[Claimed]) -> list[Decision]:
        # The snapshot is as old as the statement's beginning, however long it waits for the rows.
        rows: list[Any] = await session.all(
            "SELECT g.subject_id, s.assignment_id, s.consent, s.suppressed, s.objected, s.address_state,"
            " s.restricted_at >= s.consented_at AS restricted FROM gate_row g"
            " JOIN gate_state s ON s.contact_id = g.subject_id JOIN address a ON a.id = s.address_id"
            " WHERE g.subject_id = ANY(%s) AND s.purpose_id = %s AND s.channel_id = %s"
            " ORDER BY g.subject_id FOR NO KEY UPDATE OF g, a",
            (
                [one.contact_id for one in claimed],
                policies.purpose_ids[PURPOSE],
                policies.channel_ids[CHANNEL],
            ),
        )
        permitted = {
            (row.subject_id, row.assignment_id)
            for row in rows
            if row.consent == 5
            and row.address_state == 1
            and not (row.suppressed or row.objected or row.restricted)
        }
        answers = await gate.decide(session, policies, handoff.questions(claimed))
        return [
            _as(answer, (one.contact_id, one.assignment_id) in permitted)
            for one, answer in zip(claimed, answers, strict=True)
        ]

    patch.setattr(handoff, "locked_decisions", joined)


def _as(answer: Decision, permitted: bool) -> Decision:
    return structs.replace(answer, outcome=Outcome.PERMIT if permitted else Outcome.DENY)


def _decided_at_the_claim(patch: pytest.MonkeyPatch) -> None:
    claim = claiming.claim
    known: dict[tuple[UUID, int], Decision] = {}

    async def claim_and_decide(office: Office, channel: str, limit: int) -> list[Claimed]:
        claimed = await claim(office, channel, limit)
        async with office.database.begin(office.caller()) as session:
            decisions = await gate.decide(session, office.policies, handoff.questions(claimed))
        known.update(
            ((one.id, one.attempt), decision) for one, decision in zip(claimed, decisions, strict=True)
        )
        return claimed

    async def remembered(session: Session, _: PolicySet, claimed: Sequence[Claimed]) -> list[Decision]:
        await standing.lock_for_handoff(
            session,
            [one.contact_id for one in claimed],
            [one.address_id for one in claimed if one.address_id],
        )
        return [known.pop((one.id, one.attempt)) for one in claimed]

    patch.setattr(claiming, "claim", claim_and_decide)
    patch.setattr(handoff, "locked_decisions", remembered)


def _redeemed_without_lock(patch: pytest.MonkeyPatch) -> None:
    lock = permits._lock

    async def only_when_issued(
        session: Session, policies: PolicySet, contact_id: UUID, *redeemed: UUID | None
    ) -> None:
        if not redeemed:
            await lock(session, policies, contact_id)

    patch.setattr(permits, "_lock", only_when_issued)


def _acknowledged_before_the_commit(patch: pytest.MonkeyPatch) -> None:
    done = stage.committed
    under_way: set[asyncio.Task[None]] = set()

    async def early(at: Stage, work: Callable[[Session], Awaitable[Answer]]) -> Answer:
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

        async def whole() -> None:
            try:
                async with at.workspace.database.begin(PERSON) as session:
                    answer = await work(session)
                    if answer["kind"] in ("no", "restrict", "suppress"):
                        answered.set_result(answer)
                        # As long as a disk takes, or a network.
                        await asyncio.sleep(0.008)
                if not answered.done():
                    answered.set_result(answer)
            except Exception as error:
                if not answered.done():
                    answered.set_exception(error)

        task = asyncio.create_task(whole())
        under_way.add(task)
        task.add_done_callback(under_way.discard)
        try:
            return await answered
        except Exception as error:
            if getattr(error, "sqlstate", None) is None and not isinstance(error, Overtaken):
                raise
            return await done(at, work)

    patch.setattr(stage, "committed", early)


MUTANTS: dict[str, Mutant] = {
    "lock_dropped": Mutant("The facts are read a moment before the mail goes: why lock?", _no_lock),
    "gate_rows_only": Mutant("A message has one person: the person's row is enough.", _gate_rows_only),
    "address_rows_only": Mutant(
        "A message has one address: the address's row is enough.", _address_rows_only
    ),
    "one_statement": Mutant(
        "Lock and facts fit into one statement, and that saves a round trip.", _facts_in_the_locks_statement
    ),
    "decided_at_the_claim": Mutant(
        "The gate was asked when the message was claimed, milliseconds ago.", _decided_at_the_claim
    ),
    "redeemed_without_lock": Mutant(
        "A permit's own row is locked: single-use is safe.", _redeemed_without_lock
    ),
    "acknowledged_early": Mutant(
        "Everything is written, so the person may be told: the commit is a formality.",
        _acknowledged_before_the_commit,
    ),
}
