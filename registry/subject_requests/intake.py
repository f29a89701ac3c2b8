"""Requests of persons as they come in: whom they are about, and the record of when they came and were done."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from registry.consents import acts
from registry.contacts.queries import Reference
from registry.keys.ring import KeyRing
from registry.kit.database import Session
from registry.kit.errors import NotFound, Refused
from registry.kit.ids import new_id

Kind = Literal["access", "restriction", "restriction_lifted"]


class ContactErased(Refused):
    """There was such a person; nothing of theirs is here any more."""

    status = 410
    title = "Gone"

    def __init__(self) -> None:
        super().__init__("contact.erased", "This person was erased.")


async def person(session: Session, ring: KeyRing, reference: Reference) -> UUID:
    """The one person whom a request is about.

    Raises ContactErased for the id of somebody erased, NotFound `contact.unknown`, Refused `contact.ambiguous`.
    """
    try:
        return await acts.one(session, ring, reference)
    except NotFound:
        if reference.contact_id is not None and await erased_at(session, reference.contact_id):
            raise ContactErased from None
        raise


async def erased_at(session: Session, contact_id: UUID) -> datetime | None:
    """When a person was erased, or None."""
    at: datetime | None = await session.value(
        "SELECT erased_at FROM erasure WHERE contact_id = %s", (contact_id,)
    )
    return at


async def record(session: Session, contact_id: UUID, kind: Kind, reason: str | None = None) -> UUID:
    """Note a request that is done with this transaction; `reason` is a code, never what somebody typed."""
    request_id = new_id()
    await session.execute(
        "INSERT INTO subject_request (id, contact_id, kind, state, reason, actor, completed_at)"
        " VALUES (%s, %s, %s, 'completed', %s, %s, clock_timestamp())",
        (request_id, contact_id, kind, reason, session.caller.actor),
    )
    return request_id
