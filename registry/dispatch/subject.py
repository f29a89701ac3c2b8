"""What was sent to one person, and how it is taken away."""

import json
from collections.abc import Collection
from typing import Any
from uuid import UUID

from registry.dispatch import composing
from registry.dispatch.composing import Composer
from registry.keys.columns import MESSAGE_VALUES, KeyClass
from registry.keys.persons import PersonKeys
from registry.keys.ring import KeyRing
from registry.kit.database import Session
from registry.kit.errors import Refused

TABLES = ("message", "message_attempt", "confirmation")


async def export(session: Session, ring: KeyRing, contact_id: UUID, keys: PersonKeys) -> dict[str, Any]:
    """Every message to a person with its attempts, what it was made of and what it said (GDPR art. 15).

    Links are live, the one to unsubscribe for ever, so they are cut out of the text.
    """
    rows = await session.all(
        "SELECT id, campaign_id, purpose, channel, class AS class_, assignment_id, state, reason, attempt, created_at,"
        " due_at, attempted_at, handed_at, content_hash, message_ref, letter, about, locale, decision_id,"
        ' "values" AS sealed FROM message'
        " WHERE contact_id = %s ORDER BY id",
        (contact_id,),
    )
    attempts = await session.all(
        "SELECT id, message_id, number, at, result, reply, content_hash FROM message_attempt"
        " WHERE contact_id = %s ORDER BY message_id, number",
        (contact_id,),
    )
    composers: dict[UUID | None, Composer | None] = {}
    messages = []
    for row in rows:
        told = {name: getattr(row, name) for name in row._fields if name not in {"sealed", "content_hash"}}
        told["class"] = told.pop("class_")
        told["content_sha256"] = row.content_hash.hex() if row.content_hash else None
        if row.sealed:
            values = keys.open(MESSAGE_VALUES, row.sealed)
            told["made_of"] = json.loads(values)
            if row.campaign_id not in composers:
                composers[row.campaign_id] = await _composer(session, row.campaign_id)
            composer = composers[row.campaign_id]
            told["content"] = None if composer is None else composer.readable(values)
        told["attempts"] = [
            {
                "id": a.id,
                "number": a.number,
                "at": a.at,
                "result": a.result,
                "reply": a.reply,
                "content_sha256": a.content_hash.hex(),
            }
            for a in attempts
            if a.message_id == row.id
        ]
        messages.append(told)
    waiting = await session.all(
        "SELECT entry_id, purpose, requested_at, letters, reminded_at FROM confirmation WHERE contact_id = %s"
        " ORDER BY requested_at, entry_id",
        (contact_id,),
    )
    return {"messages": messages, "confirmations": [row._asdict() for row in waiting]}


async def _composer(session: Session, campaign_id: UUID | None) -> Composer | None:
    """None where there is no campaign (any more): the values are told all the same."""
    try:
        return None if campaign_id is None else await composing.of_campaign(session, campaign_id)
    except Refused:
        return None


async def erase(session: Session, contact_id: UUID, kept: Collection[KeyClass] = ()) -> dict[str, int]:
    """Delete a person's messages and attempts, in a session of the retention role; the gate row is locked.

    A message that is in hand is gone when its hand-off looks for it, so it is not sent.
    """
    waiting = await session.execute("DELETE FROM confirmation WHERE contact_id = %s", (contact_id,))
    counts = {"message": 0, "message_attempt": 0, "confirmation": waiting.rowcount}
    if KeyClass.MESSAGES in kept:
        return counts
    attempts = await session.execute("DELETE FROM message_attempt WHERE contact_id = %s", (contact_id,))
    messages = await session.execute("DELETE FROM message WHERE contact_id = %s", (contact_id,))
    return {**counts, "message": messages.rowcount, "message_attempt": attempts.rowcount}
