"""Requests of persons as they come in: whom they are about, and the record of when they came and were done."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from registry.audit import entries as audit
from registry.consents import acts
from registry.contacts import naming
from registry.contacts.naming import Named
from registry.contacts.queries import Reference
from registry.keys.ring import KeyRing
from registry.kit.database import Session
from registry.kit.errors import NotFound, Refused
from registry.kit.ids import new_id
from registry.subject_requests.deadlines import one_month

RECEIVED = "received"
COMPLETED = "completed"
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
    return (await look(session, ring, reference))[0]


async def look(session: Session, ring: KeyRing, reference: Reference) -> tuple[UUID, Named]:
    """The same, with what has to be looked at again once the person is locked (`contacts.naming`)."""
    named = await naming.look(session, ring, reference)
    try:
        return acts.only(named), named
    except NotFound:
        if reference.contact_id is not None and await erased_at(session, reference.contact_id):
            raise ContactErased from None
        raise


async def locked(session: Session, ring: KeyRing, reference: Reference) -> UUID:
    """The same person, locked with their addresses; Contended when the reference names another by then."""
    contact_id, named = await look(session, ring, reference)
    await naming.lock(session, ring, named)
    return contact_id


async def erased_at(session: Session, contact_id: UUID) -> datetime | None:
    """When a person was erased, or None."""
    at: datetime | None = await session.value(
        "SELECT erased_at FROM erasure WHERE contact_id = %s", (contact_id,)
    )
    return at


@dataclass(frozen=True, slots=True)
class Filed:
    """A request that waits for its answer, which is owed by `due`."""

    id: UUID
    contact_id: UUID
    kind: str
    received_at: datetime

    @property
    def due(self) -> date:
        return one_month(self.received_at.date())


async def file(session: Session, ring: KeyRing, contact_id: UUID, kind: Kind) -> Filed:
    """Take in a request that staff answer; one that waits already is not doubled. The person is locked."""
    waiting = [one for one in await waiting_of(session, contact_id) if one.kind == kind]
    if waiting:
        return waiting[0]
    row = await session.one(
        "INSERT INTO subject_request (id, contact_id, kind, state, actor) VALUES (%s, %s, %s, %s, %s)"
        " RETURNING id, contact_id, kind, received_at",
        (new_id(), contact_id, kind, RECEIVED, session.caller.actor),
    )
    await audit.append(
        session,
        ring,
        "request.create",
        subjects=[contact_id],
        kinds=("request",),
        detail={"request": str(row.id), "kind": kind},
    )
    return Filed(*row)


async def waiting_of(session: Session, contact_id: UUID | None = None, limit: int = 1000) -> list[Filed]:
    """Requests that wait for their answer, eldest first: one person's, or everybody's."""
    rows = await session.all(
        "SELECT id, contact_id, kind, received_at FROM subject_request WHERE state = %s"
        " AND (%s::uuid IS NULL OR contact_id = %s) ORDER BY received_at, id LIMIT %s",
        (RECEIVED, contact_id, contact_id, limit),
    )
    return [Filed(*row) for row in rows]


async def record(session: Session, contact_id: UUID, kind: Kind, reason: str | None = None) -> UUID:
    """Note a request that is done with this transaction; `reason` is a code, never what somebody typed.

    A request of the kind that was waiting is thereby answered.
    """
    answered: UUID | None = await session.value(
        "UPDATE subject_request SET state = %s, reason = %s, completed_at = clock_timestamp()"
        " WHERE id = (SELECT id FROM subject_request WHERE contact_id = %s AND kind = %s AND state = %s"
        " ORDER BY received_at LIMIT 1 FOR UPDATE) RETURNING id",
        (COMPLETED, reason, contact_id, kind, RECEIVED),
    )
    if answered is not None:
        return answered
    request_id = new_id()
    await session.execute(
        "INSERT INTO subject_request (id, contact_id, kind, state, reason, actor, completed_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, clock_timestamp())",
        (request_id, contact_id, kind, COMPLETED, reason, session.caller.actor),
    )
    return request_id
