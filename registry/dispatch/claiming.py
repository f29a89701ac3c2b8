"""Taking due messages into hand: the mail is made, its hash and what makes it again are written, and committed.

Nothing is sent from here. What is in hand when the worker dies is shown as `unknown`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg

from registry.contacts import queries as contacts
from registry.dispatch import composing, outbox, pending
from registry.dispatch.composing import Composer, Draft, Person
from registry.dispatch.outbox import Attempt, Outcome
from registry.dispatch.turns import Turns
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
from registry.policy.model import PolicySet

# Why a message was not sent: the person has another of the same campaign, under a record merged with this one.
DUPLICATE = "message.duplicate"


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
    # The request that a letter of ours asks to confirm; None for every other message.
    about: UUID | None = None


@dataclass(frozen=True, slots=True)
class Office:
    """What a dispatcher needs: the installation, its name, and the composers of campaigns, made when first met."""

    database: Database
    ring: KeyRing
    policies: PolicySet
    worker: str
    composers: dict[UUID, Composer]
    turns: Turns = field(default_factory=Turns)

    def caller(self) -> Caller:
        return Caller(WORKER, "dispatch", "due message")


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
    rows = await _once(session, await outbox.due(session, channel, limit))
    if not rows:
        return []
    at = clock.now()
    people = [row.contact_id for row in rows]
    keys = await persons.load(session, office.ring, people)
    fields: dict[UUID, list[Any]] = {}
    for one in await contacts.fields(session, people):
        fields.setdefault(one.contact_id, []).append(one)
    asked = await pending.asked_in(session, office.policies, rows)
    claimed = []
    for row in rows:
        draft, fault = None, None
        try:
            pending.require(row, asked)
            composer = await _composer(session, office, row)
            held = keys.get(row.contact_id)
            if held is not None and row.address is not None:
                person = _open(held, row, fields.get(row.contact_id, ()))
                draft = composer.draft(row.id, person, at, office.ring.token, asked.get(row.id))
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
                row.about,
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


async def _once(session: Session, rows: list[Any]) -> list[Any]:
    """Without those that somebody gets, or got, under another record of theirs: they are put away as blocked."""
    doubled = await outbox.duplicates(session, [row.id for row in rows]) if rows else set()
    await outbox.settle(session, [Outcome(one, outbox.BLOCKED, DUPLICATE) for one in sorted(doubled)])
    return [row for row in rows if row.id not in doubled]


async def _composer(session: Session, office: Office, row: Any) -> Composer:
    composer = office.composers.get(row.campaign_id)
    if composer is None:
        if len(office.composers) >= 64:
            office.composers.clear()
        composer = await composing.of_campaign(session, row.campaign_id)
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
