"""Requests that nobody confirmed go at their term (LP-24), and the person with them when nothing else is known.

The term bites at the instant by itself, for a link past it confirms nothing; this only clears away. Each request goes
in a transaction of its own under the person's lock, so a run that is killed is finished by the next one.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from registry.access.workspace import Workspace
from registry.audit import entries as audit
from registry.consents.ledger import EntryKind
from registry.contacts import service as persons
from registry.contacts.identifiers import Kind
from registry.contacts.queries import Reference
from registry.contacts.service import ContactGone
from registry.dispatch import pending
from registry.kit import clock
from registry.kit.caller import WORKER, Caller
from registry.kit.database import Role, Session
from registry.kit.logging import log
from registry.policy.model import Grade
from registry.subject_requests import erasure

LOOK_SECONDS = 600.0
# The term of a purpose that is gone from the policies.
_OTHERWISE = timedelta(days=7)
# A person recorded so shortly before asked by being recorded; one who was there earlier is somebody's customer.
_TOGETHER = timedelta(days=1)
_CALLER = Caller(WORKER, "retention", "term of an unconfirmed request")
_LOG = log("retention")


@dataclass(frozen=True, slots=True)
class Swept:
    """How many requests were deleted, and how many persons with them."""

    requests: int
    persons: int


async def sweep(workspace: Workspace, at: datetime | None = None, caller: Caller = _CALLER) -> Swept:
    """Delete every request whose term was over at `at` (now)."""
    at = at or clock.now()
    cutoffs = {
        purpose.id: at - timedelta(days=purpose.confirm_within_days)
        for purpose in workspace.policies.purposes.values()
    }
    requests = erased = 0
    while True:
        async with workspace.database.begin(caller, Role.RETENTION) as session:
            due = await pending.lapsed(session, cutoffs, at - _OTHERWISE)
        if not due:
            return Swept(requests, erased)
        for row in due:
            gone = await _lapse(workspace, caller, row.contact_id, row.entry_id)
            requests += 1
            erased += gone


async def _lapse(workspace: Workspace, caller: Caller, contact_id: UUID, entry_id: UUID) -> bool:
    """Delete one request with what was written about it; True when the person went as well."""

    async def work(session: Session) -> bool:
        try:
            await persons.lock(session, [contact_id])
        except ContactGone:
            await pending.end(session, contact_id, entry_id)
            return False
        row = await session.first(
            "SELECT k.requested_at, EXISTS (SELECT 1 FROM consent_entry c WHERE c.contact_id = k.contact_id"
            " AND c.kind = %s AND c.refers_to = k.entry_id) AS confirmed,"
            " (SELECT e.grade FROM consent_entry e WHERE e.contact_id = k.contact_id AND e.id = k.entry_id) AS grade"
            " FROM confirmation k WHERE k.contact_id = %s AND k.entry_id = %s",
            (int(EntryKind.CONFIRMED), contact_id, entry_id),
        )
        await pending.end(session, contact_id, entry_id)
        if row is None or row.confirmed:
            return False  # confirmed, or cleared away, at this very moment
        purpose = await _delete(session, contact_id, entry_id)
        # Whom a file brought did not ask by being recorded: they stay, as nobody who consented.
        alone = row.grade == Grade.FIRST_PARTY and await _nothing_else(session, contact_id, row.requested_at)
        await audit.append(
            session,
            workspace.ring,
            "consent.lapse",
            subjects=[contact_id],
            kinds=("consent", "message"),
            detail={"purpose": purpose, "erased": alone},
        )
        if alone:
            await erasure.erase(session, workspace.ring, workspace.policies, Reference(contact_id, None))
        return alone

    return await workspace.database.run(caller, work, role=Role.RETENTION)


async def _delete(session: Session, contact_id: UUID, entry_id: UUID) -> str:
    """The request, the letters about it, what they rested on and the decisions on them; returns the purpose."""
    letters = "SELECT id FROM message WHERE contact_id = %(contact)s AND about = %(entry)s"
    params = {"contact": contact_id, "entry": entry_id, "origin": entry_id.bytes}
    for statement in (
        f"DELETE FROM decision WHERE contact_id = %(contact)s AND message_id IN ({letters})",
        f"DELETE FROM message_attempt WHERE contact_id = %(contact)s AND message_id IN ({letters})",
        "DELETE FROM message WHERE contact_id = %(contact)s AND about = %(entry)s",
        "DELETE FROM ground WHERE contact_id = %(contact)s AND origin = %(origin)s",
    ):
        await session.execute(statement, params)
    purpose: str | None = await session.value(
        "DELETE FROM consent_entry WHERE contact_id = %(contact)s AND id = %(entry)s RETURNING purpose",
        params,
    )
    return purpose or ""


async def _nothing_else(session: Session, contact_id: UUID, requested_at: datetime) -> bool:
    """Whether a person is known here for that one request and nothing more.

    No other entry, ground, message, decision, permit or request of theirs, no id by which another system knows them,
    no restriction, no merge with another record, and no record from before the request.
    """
    elsewhere = " UNION ALL ".join(
        f"SELECT 1 FROM {table} WHERE contact_id = %(contact)s"
        for table in ("consent_entry", "ground", "message", "decision", "permit", "subject_request")
    )
    known = await session.value(
        f"SELECT EXISTS ({elsewhere} UNION ALL"
        " SELECT 1 FROM assignment WHERE contact_id = %(contact)s AND kind <> ALL(%(addresses)s) UNION ALL"
        " SELECT 1 FROM gate_row WHERE subject_id = %(contact)s"
        " AND (restricted_at IS NOT NULL OR merged_into IS NOT NULL) UNION ALL"
        " SELECT 1 FROM contact WHERE id = %(contact)s AND created_at < %(since)s)",
        {
            "contact": contact_id,
            "addresses": [int(Kind.EMAIL), int(Kind.PHONE)],
            "since": requested_at - _TOGETHER,
        },
    )
    return not known


async def run(workspace: Workspace, stop: asyncio.Event) -> None:
    """Clear away what is past its term until `stop` is set: part of the worker."""
    while not stop.is_set():
        swept = await sweep(workspace)
        if swept.requests:
            _LOG.info("requests.lapsed", requests=swept.requests, persons=swept.persons)
        try:
            await asyncio.wait_for(stop.wait(), LOOK_SECONDS)
        except TimeoutError:
            continue
