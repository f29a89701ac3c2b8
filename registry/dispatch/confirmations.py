"""Double opt-in: whoever records a request, by whatever way, has its confirmation mailed at the commit edge.

Nobody who records one can forget it, and none is mailed for a request that was rolled back. One reminder follows at
half of the term, and never a second (LP-24).
"""

import asyncio
from datetime import datetime, timedelta

from registry.access.workspace import Workspace
from registry.consents import projection
from registry.consents.ledger import EntryKind
from registry.consents.service import Step
from registry.contacts import service as persons
from registry.contacts.service import ContactGone
from registry.dispatch import letters, pending
from registry.dispatch.letter_texts import Letter
from registry.dispatch.letters import NewLetter
from registry.keys.ring import KeyRing
from registry.kit import clock
from registry.kit.caller import WORKER, Caller
from registry.kit.database import Session
from registry.kit.logging import log
from registry.policy.model import Grade, PolicySet, Purpose

LOOK_SECONDS = 60.0
_CALLER = Caller(WORKER, "confirmation", "reminder of a request")
_LOG = log("confirmations")


async def settle(session: Session, ring: KeyRing, policies: PolicySet, base_url: str) -> None:
    """What a transaction owes at its end: confirmations of the requests in it, then what the gate reads."""
    steps, session.steps = session.steps, []
    of_others = [step for step in steps if _told_by_others(step)]
    await session.add(
        "confirmation",
        ("contact_id", "entry_id", "purpose", "requested_at"),
        [(step.entry.contact_id, step.id, step.entry.purpose, step.recorded_at) for step in of_others],
    )
    for step in steps:
        if not _told_by_others(step):
            await _follow(session, ring, policies, base_url, step)
    await projection.settle(session, policies)


def _told_by_others(step: Step) -> bool:
    """Whether a yes comes from a file of old opt-ins: nobody is asked about it, and it lapses at its term (LP-24)."""
    return step.entry.kind is EntryKind.GRANTED and step.entry.grade is not Grade.FIRST_PARTY


async def _follow(session: Session, ring: KeyRing, policies: PolicySet, base_url: str, step: Step) -> None:
    entry = step.entry
    if entry.kind is EntryKind.CONFIRMED:
        await pending.end(session, entry.contact_id, entry.refers_to)
        return
    purpose = policies.purposes[entry.purpose]
    written = 0
    due_at = await _due(session, policies, purpose, step)
    if due_at is not None and entry.assignment_id is not None:
        new = NewLetter(
            Letter.CONFIRMATION,
            entry.contact_id,
            entry.assignment_id,
            purpose,
            step.id,
            entry.notice_locale,
            due_at,
        )
        written = int(await letters.queue(session, ring, policies, base_url, new) is not None)
    await pending.begin(session, entry.contact_id, step.id, purpose.id, step.recorded_at, written)


async def _due(session: Session, policies: PolicySet, purpose: Purpose, step: Step) -> datetime | None:
    """When a mail asks about what the person did just now, here, for an e-mail address; None for never.

    A repeated request is asked about after the pause; one whose letter still lies in the outbox needs no second.
    """
    entry = step.entry
    term = timedelta(days=purpose.confirm_within_days)
    if (
        not purpose.double_opt_in
        or entry.grade is not Grade.FIRST_PARTY
        or entry.acted_at is None
        or entry.acted_at <= step.recorded_at - term
        or policies.channels[entry.channel].address != "email"
        or entry.assignment_id is None
        or await pending.is_queued(session, entry.contact_id, entry.assignment_id, purpose.id)
    ):
        return None
    return await letters.free_at(
        session, entry.contact_id, entry.assignment_id, Letter.CONFIRMATION, step.recorded_at
    )


async def remind(workspace: Workspace, at: datetime | None = None) -> int:
    """Write the one reminder of every request that has waited for half of its term by `at` (now); returns how many.

    Each in a transaction of its own, with the person locked: what is confirmed or taken back meanwhile is not asked
    about, and killed at any moment it goes on where it was.
    """
    at = at or clock.now()
    written = 0
    for purpose in workspace.policies.purposes.values():
        if not purpose.double_opt_in:
            continue
        term = timedelta(days=purpose.confirm_within_days)
        while True:
            async with workspace.database.begin(_CALLER) as session:
                due = await pending.to_remind(session, purpose.id, at - term, at - term / 2)
            done = 0
            for row in due:
                new = NewLetter(
                    Letter.REMINDER, row.contact_id, row.assignment_id, purpose, row.entry_id, row.locale
                )
                done += await _remind(workspace, new, at)
            written += done
            if not done:
                break
    return written


async def _remind(workspace: Workspace, new: NewLetter, at: datetime) -> bool:
    entry_id = new.entry_id
    assert entry_id is not None

    async def work(session: Session) -> bool:
        try:
            await persons.lock(session, [new.contact_id])
        except ContactGone:
            return False
        if not await pending.take_reminder(session, new.contact_id, entry_id, at):
            return False
        await letters.queue(session, workspace.ring, workspace.policies, workspace.settings.base_url, new)
        return True

    return await workspace.database.run(_CALLER, work)


async def run(workspace: Workspace, stop: asyncio.Event) -> None:
    """Write reminders until `stop` is set: part of the worker."""
    while not stop.is_set():
        if written := await remind(workspace):
            _LOG.info("reminders.queued", number=written)
        try:
            await asyncio.wait_for(stop.wait(), LOOK_SECONDS)
        except TimeoutError:
            continue
