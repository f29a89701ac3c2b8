"""The only way out. A message is claimed in one transaction and handed over in another, under its person's lock.

The order is the whole point (design: "Handing a message over"): gate rows, then address rows, and in a later
statement the facts. A withdrawal that is acknowledged held the same rows, so either it waited until the message
was out, or the message finds it recorded.
"""

import time
from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from psycopg.errors import DeadlockDetected, SerializationFailure

from registry.audit import entries as audit
from registry.contacts import queries as contacts
from registry.dispatch import outbox, pending
from registry.dispatch.channels import TRANSPORTS
from registry.dispatch.channels.contract import (
    Handed,
    Parcel,
    Rejected,
    Result,
    Transport,
    Unknown,
    Unreached,
)
from registry.dispatch.claiming import Claimed, Office
from registry.dispatch.holding import while_held
from registry.dispatch.outbox import Outcome
from registry.dispatch.pending import RequestSettled
from registry.gate import evidence, records
from registry.gate import service as gate
from registry.gate.model import Decision, Question
from registry.kit import clock
from registry.kit.database import Session
from registry.policy import in_force
from registry.policy.in_force import PolicyChanged
from registry.policy.model import PolicySet, PurposeClass
from registry.policy.schedule import capped_until
from registry.standing import handoffs
from registry.standing import service as standing

# What may begin in one transaction: a withdrawal that waits for the rows waits no longer than this and one reply.
BEGIN_SECONDS = 0.2
ATTEMPTS = 8
_ALWAYS_AGAIN = PurposeClass.LEGAL_NOTICE.value


def channels() -> frozenset[str]:
    """Channels that messages can leave by."""
    return frozenset(TRANSPORTS)


def transport(channel: str, url: str, width: int) -> Transport:
    """A way out; Misuse when `url` is none for this channel."""
    return TRANSPORTS[channel](url, width)


async def hand_over(office: Office, way: Transport, claimed: Sequence[Claimed]) -> list[Outcome]:
    """Decide under the persons' locks, hand the permitted ones to the channel, write what happened, commit.

    Raises what the database raises; what was in hand then stays in hand until it is found to be nobody's, and
    becomes `unknown`. Where the database chose it as a deadlock's victim before anything was handed to the
    channel, the messages go back to the queue.
    """
    try:
        return await _handed_over(office, way, claimed)
    except _LockLost:
        async with office.database.begin(office.caller()) as session:
            ours = await outbox.still_in_hand(
                session, office.worker, {one.id: one.attempt for one in claimed}
            )
            outcomes = [
                Outcome(one.id, outbox.QUEUED, "handoff.contended") for one in claimed if one.id in ours
            ]
            await outbox.settle(session, outcomes)
        return outcomes


class _LockLost(Exception):
    """The locks were not to be had; nothing was handed to the channel."""


async def _handed_over(office: Office, way: Transport, claimed: Sequence[Claimed]) -> list[Outcome]:
    # Nobody takes locks who would only hold them while others are served.
    async with office.turns.taken(len(claimed)), office.database.begin(office.caller()) as session:
        try:
            decisions = await locked_decisions(session, office.policies, claimed)
        except (DeadlockDetected, SerializationFailure, PolicyChanged) as error:
            raise _LockLost from error
        since = time.monotonic()
        waiting = pending.ask_again(session, claimed)
        ours = await outbox.still_in_hand(session, office.worker, {one.id: one.attempt for one in claimed})
        claimed = _unsettled(claimed, {row.id for row in await waiting.all()} if waiting else ())
        held = [(one, decision) for one, decision in zip(claimed, decisions, strict=True) if one.id in ours]
        results = await while_held(session, [_hand(way, one, decision, since) for one, decision in held])
        return await _record(session, office, held, results)


def _unsettled(claimed: Sequence[Claimed], waiting: Container[UUID]) -> list[Claimed]:
    """The messages, without a draft where the request that a letter asks about was settled since the claim."""
    kept = []
    for one in claimed:
        try:
            pending.require(one, waiting)
            kept.append(one)
        except RequestSettled as error:
            kept.append(replace(one, draft=None, fault=error.code))
    return kept


async def locked_decisions(
    session: Session, policies: PolicySet, claimed: Sequence[Claimed]
) -> list[Decision]:
    """The gate's answers, of facts read after the rows were locked: two statements, and not one.

    In one joined statement the facts would come from a snapshot that is older than the lock, and a withdrawal
    that was waited for would go unseen. PolicyChanged when other policies are in force: nothing is sent by old ones.
    """
    addresses = {one.address_id for one in claimed if one.address_id is not None}
    capped = [one.contact_id for one in claimed if _counts(policies, one)]
    if capped:
        # Who reaches a cap has the rows about every address written anew, so all of them are held. Which there are
        # changes only under the gate row's lock.
        await standing.lock_for_handoff(session, [one.contact_id for one in claimed], ())
        await standing.lock_for_handoff(
            session, (), addresses | set(await contacts.address_ids(session, capped))
        )
    else:
        await standing.lock_for_handoff(session, [one.contact_id for one in claimed], addresses)
    in_force.ask(session, policies)
    decisions = await gate.decide(session, policies, questions(claimed))
    await in_force.require(session, policies)
    return decisions


def questions(claimed: Sequence[Claimed]) -> list[Question]:
    """What the gate is asked about messages."""
    return [Question(one.contact_id, one.purpose, one.channel, one.assignment_id) for one in claimed]


async def _hand(way: Transport, one: Claimed, decision: Decision, since: float) -> Result | None:
    """The channel's answer, or None when the message was not handed to it."""
    if not decision.permitted or one.draft is None:
        return None
    if time.monotonic() - since > BEGIN_SECONDS:
        return Unreached("handoff.late")
    return await way.hand(Parcel(one.draft.sender, one.draft.recipient, one.draft.content))


async def _record(
    session: Session,
    office: Office,
    held: Sequence[tuple[Claimed, Decision]],
    results: Sequence[Result | None],
) -> list[Outcome]:
    if not held:
        return []
    at = clock.now()
    # In one piece: whoever says no waits for as long as this takes.
    kept = [decision for _, decision in held]
    session.ask(records.INSERT, records.parameters(kept, "handoff", [one.id for one, _ in held]))
    outcomes = [
        outcome(one, decision, result, at)
        for (one, _), decision, result in zip(held, kept, results, strict=True)
    ]
    await outbox.settle(session, outcomes)
    await outbox.answer(
        session,
        [
            (one.contact_id, one.id, one.attempt, type(result).__name__.lower(), reply_of(result))
            for (one, _), result in zip(held, results, strict=True)
            if result is not None
        ],
    )
    await audit.add(
        session,
        office.ring,
        "message.handoff",
        subjects=[one.contact_id for one, _ in held],
        kinds=("message",),
        detail={
            "states": dict(by_state(outcomes)),
            "digests": evidence.digests(kept, "handoff", [one.id for one, _ in held]),
        },
        keys={one.contact_id: one.keys for one, _ in held if one.keys is not None},
    )
    await _count(
        session, office.policies, [one for (one, _), done in zip(held, outcomes, strict=True) if _left(done)]
    )
    return outcomes


def _left(done: Outcome) -> bool:
    """Whether the message left us, or may have."""
    return done.state in (outbox.HANDED_OVER, outbox.UNKNOWN)


def _counts(policies: PolicySet, one: Claimed) -> bool:
    """Whether a message counts towards a cap."""
    purpose = policies.purposes.get(one.purpose)
    return (
        purpose is not None
        and purpose.is_marketing
        and any(
            (cap.controller, cap.channel) == (purpose.controller, one.channel)
            for cap in policies.schedule.caps
        )
    )


async def _count(session: Session, policies: PolicySet, sent: Sequence[Claimed]) -> None:
    """Count marketing towards the caps; of whoever reached one the gate's rows are written anew at the commit."""
    handed = [
        handoffs.Handed(one.contact_id, policies.purposes[one.purpose].controller, one.channel)
        for one in sent
        if _counts(policies, one)
    ]
    at = clock.now()
    for one, counts in (await handoffs.count(session, handed)).items():
        for cap in policies.schedule.caps:
            if (cap.controller, cap.channel) == one[1:]:
                until = capped_until(counts, cap)
                if until is not None and until > at:
                    session.stale.add(one.contact_id)


def outcome(one: Claimed, decision: Decision, result: Result | None, at: datetime) -> Outcome:
    """What becomes of a message by the gate's and the channel's answers. Pure; `at` is now."""
    state = outbox.FAILED
    reason: str | None = one.fault or "content.missing"
    due_at: datetime | None = None
    again = at + timedelta(seconds=min(2**one.attempt, 3600))
    if not decision.permitted:
        reason, due_at = decision.reason, decision.not_before
        state = outbox.BLOCKED if due_at is None else outbox.QUEUED
    elif isinstance(result, Handed):
        state, reason = outbox.HANDED_OVER, None
    elif isinstance(result, Unreached):
        state, reason, due_at = outbox.QUEUED, result.reason, at + timedelta(seconds=1)
    elif isinstance(result, Unknown):
        if one.class_ == _ALWAYS_AGAIN:
            state, reason, due_at = outbox.QUEUED, result.reason, again
        else:
            state, reason = outbox.UNKNOWN, result.reason
    elif isinstance(result, Rejected):
        reason = f"smtp.{result.code}"
        if not result.permanent and one.attempt < ATTEMPTS:
            state, due_at = outbox.QUEUED, again
    return Outcome(one.id, state, reason, due_at, decision.id)


def reply_of(result: Result | None) -> str | None:
    """What is kept of an answer: nothing personal."""
    if isinstance(result, Handed):
        return result.reply
    if isinstance(result, Rejected):
        return str(result.code)
    return None if result is None else result.reason


def by_state(outcomes: Sequence[Outcome]) -> Mapping[str, int]:
    """How many of each, for a log line."""
    return Counter(one.state for one in outcomes)
