"""Letters of our own go through the outbox and the gate as every message does; here they are queued.

Their skeleton is a campaign row like any other, in the state `standing`: its id follows from its content, so the same
words have one row, other words get another, and what was sent can be made again byte for byte.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import rfc8785
from psycopg.types.json import Jsonb

from registry.audit import entries as audit
from registry.consents import ground_service
from registry.consents.ground_service import NewGround
from registry.dispatch import composing, letter_texts, outbox
from registry.dispatch.letter_texts import Letter
from registry.keys.ring import KeyRing
from registry.kit.database import Session
from registry.kit.ids import new_id
from registry.policy.model import PolicySet, Purpose, PurposeClass

CHANNEL = "email"
STANDING = "standing"
# How long a link to somebody's choices shows them; taking back has no end.
PREFERENCES_DAYS = 30
# Whoever enters other people's addresses can have so much sent to each and no more.
PAUSE = timedelta(minutes=10)
A_DAY = 5


@dataclass(frozen=True, slots=True)
class NewLetter:
    """A letter to one address of one person.

    `about` is the purpose that was asked for, or whose controller the person turns to; `entry_id` the request to be
    confirmed; `locale` the language in which it was asked for; before `due_at` it does not leave.
    """

    letter: Letter
    contact_id: UUID
    assignment_id: UUID
    about: Purpose
    entry_id: UUID | None = None
    locale: str | None = None
    due_at: datetime | None = None


def purpose_for(policies: PolicySet, controller: str, letter: Letter) -> Purpose | None:
    """The purpose under which a controller sends such a letter: what the person asked for, or what the law asks.

    A confirmation is a message that the person asked for and nothing else (class `requested`); a link to one's own
    data is one too, and where the controller has no such purpose it serves the rights of art. 12 to 22.
    """
    classes = [PurposeClass.REQUESTED]
    if letter is Letter.PREFERENCES:
        classes.append(PurposeClass.LEGAL_NOTICE)
    for class_ in classes:
        for purpose in policies.purposes_of(controller):
            if (
                purpose.class_ is class_
                and CHANNEL in purpose.channels
                and purpose.id in policies.purpose_ids
            ):
                return purpose
    return None


async def queue(
    session: Session, ring: KeyRing, policies: PolicySet, base_url: str, new: NewLetter
) -> UUID | None:
    """Put a letter into the outbox; its id, or None where the controller has no purpose to send it under.

    The person is locked by the caller. Whether it may leave is asked at the hand-off, as of every message.
    """
    under = purpose_for(policies, new.about.controller, new.letter)
    if under is None:
        return None
    if new.letter is not Letter.REMINDER:
        # A reminder rests on the request that it reminds of.
        await _ground(session, ring, policies, new, under)
    campaign_id = await _standing(session, policies, base_url, new, under)
    message_id = new_id()
    await session.execute(
        "INSERT INTO message (id, contact_id, campaign_id, purpose, channel, class, assignment_id, state, letter,"
        " about, locale, due_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, coalesce(%s, clock_timestamp()))",
        (
            message_id,
            new.contact_id,
            campaign_id,
            under.id,
            CHANNEL,
            under.class_.value,
            new.assignment_id,
            outbox.QUEUED,
            new.letter.value,
            new.entry_id,
            new.locale,
            new.due_at,
        ),
    )
    await audit.append(
        session,
        ring,
        "letter.queue",
        subjects=[new.contact_id],
        kinds=("message",),
        detail={"letter": new.letter.value, "purpose": under.id, "about": new.about.id},
    )
    return message_id


async def _ground(
    session: Session, ring: KeyRing, policies: PolicySet, new: NewLetter, under: Purpose
) -> None:
    """The fact that a message of class `requested` rests on: that it was asked for, and until when it may be sent."""
    at: datetime = await session.value("SELECT clock_timestamp()")
    asked = NewGround(
        new.contact_id,
        "requested",
        under.controller,
        at,
        f"letter:{new.letter.value}",
        assignment_id=new.assignment_id,
        ends_at=at + timedelta(days=_days(new)),
        origin=new.entry_id.bytes if new.entry_id else None,
    )
    await ground_service.record(session, ring, policies, [asked])


def _days(new: NewLetter) -> int:
    """How long what was asked for may still be sent: as long as the link in it is good for."""
    return PREFERENCES_DAYS if new.letter is Letter.PREFERENCES else new.about.confirm_within_days


async def allowed(
    session: Session, contact_id: UUID, assignment_id: UUID, letter: Letter, at: datetime
) -> bool:
    """Whether another such letter may go to this address now: one in ten minutes, five letters a day.

    Counted by the address row, which is keyed by MAC: whoever shares the address, or holds it under two records, has
    one allowance. The person and the address are locked by the caller.
    """
    free = await free_at(session, contact_id, assignment_id, letter, at)
    return free is not None and free <= at


async def free_at(
    session: Session, contact_id: UUID, assignment_id: UUID, letter: Letter, at: datetime
) -> datetime | None:
    """When the next such letter may go to this address (`at`, or ten minutes after the last); None after five a day.

    Counted, and locked, as for `allowed`.
    """
    rows = await session.all(
        "WITH sharing AS (SELECT o.contact_id, o.id FROM assignment a JOIN assignment o ON o.address_id = a.address_id"
        " WHERE a.contact_id = %s AND a.id = %s)"
        " SELECT m.letter, m.created_at, m.due_at FROM sharing s JOIN message m ON m.contact_id = s.contact_id"
        " AND m.assignment_id = s.id WHERE m.letter IS NOT NULL AND m.created_at > %s",
        (contact_id, assignment_id, at - timedelta(days=1)),
    )
    if len(rows) >= A_DAY:
        return None
    free = at
    for row in rows:
        if row.letter == letter.value:
            free = max(free, row.created_at + PAUSE, row.due_at + PAUSE)
    return free


async def _standing(
    session: Session, policies: PolicySet, base_url: str, new: NewLetter, under: Purpose
) -> UUID:
    """The campaign row that holds the words of this letter; made when first needed."""
    campaign_id, template = _skeleton(policies, base_url, new.letter, new.about, under)
    await session.execute(
        "INSERT INTO campaign (id, purpose, channel, template, audience, state, caller, counts)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (id) DO NOTHING",
        (
            campaign_id,
            under.id,
            CHANNEL,
            Jsonb(template),
            Jsonb({"letter": new.letter.value}),
            STANDING,
            "worker",
            Jsonb({"permitted": 0, "blocked": {}}),
        ),
    )
    return campaign_id


_SKELETONS: dict[tuple[str, ...], tuple[UUID, dict[str, Any]]] = {}


def _skeleton(
    policies: PolicySet, base_url: str, letter: Letter, about: Purpose, under: Purpose
) -> tuple[UUID, dict[str, Any]]:
    """The id and the template; made once in a process for the same policies, for compiling takes milliseconds."""
    controller = policies.controllers[about.controller]
    number = str(policies.purpose_ids[under.id])
    key = (letter, about.version, under.version, number, base_url, controller.model_dump_json())
    if key not in _SKELETONS:
        days = PREFERENCES_DAYS if letter is Letter.PREFERENCES else about.confirm_within_days
        words = letter_texts.texts(letter, controller, about, days)
        template = composing.stored(policies, under, words, base_url, letter=True)
        digest = sha256(rfc8785.dumps({"purpose": under.id, "template": template})).digest()
        if len(_SKELETONS) >= 256:
            _SKELETONS.clear()
        _SKELETONS[key] = _uuid8(digest), template
    return _SKELETONS[key]


def _uuid8(digest: bytes) -> UUID:
    """A UUID whose bits are ours to choose (RFC 9562 5.8)."""
    bits = int.from_bytes(digest[:16], "big")
    bits = bits & ~(0xF << 76) | (8 << 76)
    bits = bits & ~(0x3 << 62) | (2 << 62)
    return UUID(int=bits)
