"""The only way out. A message is claimed in one transaction and handed over in another, under its person's lock.

The order is the whole point (design: "Handing a message over"): gate rows, then address rows, and in a later
statement the facts. A withdrawal that is acknowledged held the same rows, so either it waited until the message
was out, or the message finds it recorded.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from registry.audit import entries as audit
from registry.contacts import queries as contacts
from registry.dispatch import outbox
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
from registry.dispatch.composing import Composer, Draft, Person, declared_fields
from registry.dispatch.outbox import Attempt, Outcome
from registry.gate import service as gate
from registry.gate.model import Decision, Question
from registry.keys import persons
from registry.keys.columns import ASSIGNMENT_VALUE, FIELD_VALUE, MESSAGE_VALUES
from registry.keys.persons import PersonKeys
from registry.keys.ring import KeyRing
from registry.kit import clock
from registry.kit.caller import WORKER, Caller
from registry.kit.database import Database, Session
from registry.kit.errors import Refused
from registry.kit.ids import new_id
from registry.kit.sealing import Unopenable
from registry.policy.model import PolicySet, PurposeClass
from registry.standing import service as standing

# What may begin in one transaction: a withdrawal that waits for the rows waits no longer than this and one reply.
BEGIN_SECONDS = 0.2
ATTEMPTS = 8
_ALWAYS_AGAIN = PurposeClass.LEGAL_NOTICE.value


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message in our hand. Without a draft there is nothing to send: person or address are gone."""

    id: UUID
    contact_id: UUID
    purpose: str
    channel: str
    class_: str
    assignment_id: UUID
    address_id: UUID | None
    attempt: int
    keys: PersonKeys | None
    draft: Draft | None
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Office:
    """What a dispatcher needs: the installation, its name, and the composers of campaigns, made when first met."""

    database: Database
    ring: KeyRing
    policies: PolicySet
    worker: str
    composers: dict[UUID, Composer]

    def caller(self) -> Caller:
        return Caller(WORKER, "dispatch", "due message")


def channels() -> frozenset[str]:
    """Channels that messages can leave by."""
    return frozenset(TRANSPORTS)


def transport(channel: str, url: str, width: int) -> Transport:
    """A way out; Misuse when `url` is none for this channel."""
    return TRANSPORTS[channel](url, width)


async def claim(office: Office, channel: str, limit: int) -> list[Claimed]:
    """Take due messages into hand, write their attempts with the hash of what will be sent, and commit."""
    try:
        return await office.database.run(
            office.caller(), lambda session: _claim(session, office, channel, limit)
        )
    except psycopg.errors.UniqueViolation:
        # Another dispatcher took another message of one of these persons at the same moment.
        return []


async def _claim(session: Session, office: Office, channel: str, limit: int) -> list[Claimed]:
    rows = await outbox.due(session, channel, limit)
    if not rows:
        return []
    at = clock.now()
    people = [row.contact_id for row in rows]
    keys = await persons.load(session, office.ring, people)
    fields: dict[UUID, list[Any]] = {}
    for field in await contacts.fields(session, people):
        fields.setdefault(field.contact_id, []).append(field)
    claimed = []
    for row in rows:
        draft, fault = None, None
        try:
            composer = await _composer(session, office, row)
            held = keys.get(row.contact_id)
            if held is not None and row.address is not None:
                person = _open(held, row, fields.get(row.contact_id, ()))
                draft = composer.draft(row.id, person, at, office.ring.token)
        except (Refused, Unopenable) as error:
            fault = error.code if isinstance(error, Refused) else "content.unopenable"
        claimed.append(
            Claimed(
                row.id,
                row.contact_id,
                row.purpose,
                row.channel,
                row.class_,
                row.assignment_id,
                row.address_id,
                row.attempt + 1,
                keys.get(row.contact_id),
                draft,
                fault,
            )
        )
    await outbox.take(
        session,
        office.worker,
        [
            Attempt(
                message_id=one.id,
                contact_id=one.contact_id,
                attempt_id=new_id(),
                number=one.attempt,
                content_hash=one.draft.content_hash if one.draft else b"",
                message_ref=one.draft.message_ref if one.draft else None,
                values=one.keys.seal(MESSAGE_VALUES, one.draft.values) if one.draft and one.keys else None,
            )
            for one in claimed
        ],
        at,
    )
    return claimed


async def _composer(session: Session, office: Office, row: Any) -> Composer:
    composer = office.composers.get(row.campaign_id)
    if composer is None:
        template = await session.value("SELECT template FROM campaign WHERE id = %s", (row.campaign_id,))
        if template is None:
            raise Refused("campaign.unknown", "The campaign of the message is gone.")
        if len(office.composers) >= 64:
            office.composers.clear()
        composer = Composer.load(row.campaign_id, template, declared_fields(office.policies, row.purpose))
        office.composers[row.campaign_id] = composer
    return composer


def _open(keys: PersonKeys, row: Any, fields: Sequence[Any]) -> Person:
    values = {
        field.field: field.plain if field.value is None else keys.open(FIELD_VALUE, field.value).decode()
        for field in fields
    }
    for name in ("locale", "country"):
        if (known := getattr(row, name)) is not None:
            values.setdefault(name, known)
    address = keys.open(ASSIGNMENT_VALUE, row.address).decode()
    return Person(row.contact_id, row.assignment_id, address, row.locale, values)


async def hand_over(office: Office, way: Transport, claimed: Sequence[Claimed]) -> list[Outcome]:
    """Decide under the persons' locks, hand the permitted ones to the channel, write what happened, commit.

    Raises what the database raises; what was in hand then stays in hand until it is found to be nobody's, and
    becomes `unknown`.
    """
    async with office.database.begin(office.caller()) as session:
        decisions = await locked_decisions(session, office.policies, claimed)
        since = time.monotonic()
        ours = await outbox.still_in_hand(session, office.worker, {one.id: one.attempt for one in claimed})
        held = [(one, decision) for one, decision in zip(claimed, decisions, strict=True) if one.id in ours]
        results = await asyncio.gather(*(_hand(way, one, decision, since) for one, decision in held))
        return await _record(session, office, held, results)


async def locked_decisions(
    session: Session, policies: PolicySet, claimed: Sequence[Claimed]
) -> list[Decision]:
    """The gate's answers, of facts read after the rows were locked: two statements, and not one.

    In one joined statement the facts would come from a snapshot that is older than the lock, and a withdrawal
    that was waited for would go unseen.
    """
    await standing.lock_for_handoff(
        session,
        [one.contact_id for one in claimed],
        [one.address_id for one in claimed if one.address_id is not None],
    )
    return await gate.decide(session, policies, questions(claimed))


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
    kept = await gate.record(
        session, [decision for _, decision in held], "handoff", [one.id for one, _ in held]
    )
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
    await audit.append(
        session,
        office.ring,
        "message.handoff",
        subjects=[one.contact_id for one, _ in held],
        kinds=("message",),
        detail={"states": dict(by_state(outcomes))},
        keys={one.contact_id: one.keys for one, _ in held if one.keys is not None},
    )
    return outcomes


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
