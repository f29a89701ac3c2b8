"""What people, staff and engines do in the races, each by the product's own service, with the answer that they got.

An answer is what the model of `person_gate` is asked to explain: its kind, and its fields.
"""

from typing import Any
from uuid import UUID

from registry.consents import acts, merging
from registry.consents.ledger import EntryKind
from registry.consents.validation import NewEntry
from registry.contacts import queries as contacts
from registry.contacts.identifiers import Kind, normalise
from registry.contacts.queries import Reference
from registry.dispatch.tokens import OneClick
from registry.gate import permits
from registry.gate.checks import Check
from registry.gate.permits import Wanted
from registry.kit import clock
from registry.kit.database import Session
from registry.kit.errors import NotFound
from registry.kit.ids import NIL
from registry.policy.model import Grade
from registry.portal import service as portal
from registry.standing import service as standing
from registry.subject_requests import erasure, restriction
from registry.subject_requests.intake import ContactErased
from tests.races import stage as scenery
from tests.races.stage import (
    CHANNEL,
    CONTENT,
    PERSON,
    PURPOSE,
    Act,
    Answer,
    Nothing,
    Scene,
    Stage,
    micros,
    told,
)


async def one_click(stage: Stage, scene: Scene) -> Answer:
    """The link in the mail: the person's "no", and that of the address."""
    return await _clicked(stage, scene.contact, scene.assignment, "no")


async def suppress(stage: Stage, scene: Scene) -> Answer:
    """The same link in the mail of somebody who shares the address."""
    if scene.sharer is None or scene.sharer_assignment is None:
        raise Nothing
    return await _clicked(stage, scene.sharer, scene.sharer_assignment, "suppress")


async def _clicked(stage: Stage, contact: UUID, assignment: UUID, kind: str) -> Answer:
    ring, policies = stage.workspace.ring, stage.workspace.policies

    async def work(session: Session) -> Answer:
        token = OneClick(contact, assignment, policies.purpose_ids[PURPOSE])
        if await portal.withdraw(session, ring, policies, token) is None:
            return {"kind": "gone", "act": kind}
        at = await session.value(
            "SELECT max(recorded_at) FROM consent_entry WHERE contact_id = %s", (contact,)
        )
        return {"kind": kind, "at": micros(at), "of_address": True, **told(session)}

    return await scenery.committed(stage, work)


def _entry(kind: EntryKind, purpose: str, channel: str, **more: Any) -> NewEntry:
    return NewEntry(NIL, kind, purpose, channel, Grade.FIRST_PARTY, "race", **more)


def _taking(kind: EntryKind, *, by_address: bool = False, everything: bool = False) -> Act:
    """A "no" through the interface: by our id or by the address, to the purpose or to all marketing."""

    async def act(stage: Stage, scene: Scene) -> Answer:
        controller = stage.workspace.policies.purposes[PURPOSE].controller
        entry = _entry(
            kind, "*" if everything else PURPOSE, "*" if everything else CHANNEL, controller=controller
        )
        reference = (
            Reference(None, normalise(Kind.EMAIL, scene.address))
            if by_address
            else Reference(scene.contact, None)
        )

        async def work(session: Session) -> Answer:
            workspace = stage.workspace
            recorded = await acts.act(session, workspace.ring, workspace.policies, reference, entry)
            ours = [one for one in recorded if one.contact_id == scene.contact]
            if not ours:
                # The person is gone, and whoever else has the address, or the address alone, was told no.
                return {"kind": "gone", "act": kind.name.lower()}
            said = {"at": micros(ours[0].recorded_at), "of_address": by_address}
            return {"kind": "no", **said, **told(session)}

        try:
            return await scenery.committed(stage, work)
        except NotFound:
            return {"kind": "gone", "act": kind.name.lower()}

    return act


async def restrict(stage: Stage, scene: Scene) -> Answer:
    """Restriction of processing (GDPR art. 18)."""

    async def work(session: Session) -> Answer:
        reference = Reference(scene.contact, None)
        await restriction.restrict(session, stage.workspace.ring, reference, "accuracy")
        return {"kind": "restrict", "at": await _restricted_at(session, scene.contact), **told(session)}

    try:
        return await scenery.committed(stage, work)
    except (NotFound, ContactErased):
        return {"kind": "gone", "act": "restrict"}


async def restrict_alone(stage: Stage, scene: Scene) -> Answer:
    """The least that a restriction must hold is the gate row: no address takes part in it."""

    async def work(session: Session) -> Answer:
        rows = await standing.lock(session, [scene.contact])
        if rows[scene.contact].state:
            return {"kind": "gone", "act": "restrict"}
        await standing.restrict(session, scene.contact, "accuracy")
        await restriction.permits.void(session, [restriction.No(scene.contact)], "contact.restrict")
        return {"kind": "restrict", "at": await _restricted_at(session, scene.contact), **told(session)}

    return await scenery.committed(stage, work)


async def _restricted_at(session: Session, contact: UUID) -> int:
    at = await session.value("SELECT restricted_at FROM gate_row WHERE subject_id = %s", (contact,))
    return micros(at) if at is not None else 0


async def bury(stage: Stage, scene: Scene) -> Answer:
    """The address turns out to be dead, as an import of a cleaned list tells."""

    async def work(session: Session) -> Answer:
        address_id = await session.value(
            "SELECT address_id FROM assignment WHERE contact_id = %s AND id = %s",
            (scene.contact, scene.assignment),
        )
        if address_id is None:
            return {"kind": "gone", "act": "bury"}
        await standing.lock_addresses(session, [address_id])
        await standing.bury_addresses(session, [address_id])
        session.stale.update(await contacts.sharers(session, [address_id]))
        return {"kind": "bury", **told(session)}

    return await scenery.committed(stage, work)


async def erase(stage: Stage, scene: Scene) -> Answer:
    """Erasure (GDPR art. 17)."""
    workspace = stage.workspace
    try:
        done = await erasure.erase_person(
            workspace.database, workspace.ring, workspace.policies, PERSON, Reference(scene.contact, None)
        )
    except ContactErased:
        return {"kind": "gone", "act": "erase"}
    return {
        "kind": "erase",
        "already": done.already,
        "voided": [str(one.id) for one in done.voided],
        "in_flight": [str(one.id) for one in done.in_flight],
    }


async def merge(stage: Stage, scene: Scene) -> Answer:
    """Another record turns out to be of the same person."""
    if scene.duplicate is None:
        raise Nothing
    duplicate = scene.duplicate

    async def work(session: Session) -> Answer:
        workspace = stage.workspace
        await merging.merge(
            session, workspace.ring, workspace.policies, scene.contact, duplicate, "same person"
        )
        restricted_at = await _restricted_at(session, duplicate)
        merged = {"other_no": scene.duplicate_no, "restricted_at": restricted_at}
        return {"kind": "merge", **merged, **told(session)}

    try:
        return await scenery.committed(stage, work)
    except NotFound:
        return {"kind": "gone", "act": "merge"}


async def grant(stage: Stage, scene: Scene) -> Answer:
    """The person agrees again, at first hand, for that address."""
    acted_at = clock.now()
    notice = stage.workspace.policies.purposes[PURPOSE].notice_version
    entry = _entry(
        EntryKind.GRANTED,
        PURPOSE,
        CHANNEL,
        assignment_id=scene.assignment,
        acted_at=acted_at,
        act="ticked",
        notice_version=notice,
        notice_locale="en",
    )

    async def work(session: Session) -> Answer:
        workspace = stage.workspace
        await acts.act(session, workspace.ring, workspace.policies, Reference(scene.contact, None), entry)
        return {"kind": "grant", "acted_at": micros(acted_at)}

    try:
        return await scenery.committed(stage, work)
    except NotFound:
        return {"kind": "gone", "act": "grant"}


async def check(stage: Stage, scene: Scene) -> Answer:
    """Somebody asks the gate, without any lock."""
    asked = Check(PERSON, Reference(scene.contact, None), PURPOSE, CHANNEL, scene.assignment)
    decision = await stage.checks.ask(asked)
    return {"kind": "check", "permitted": decision.permitted, "reason": decision.reason}


async def issue(stage: Stage, scene: Scene) -> Answer:
    """An engine outside asks for a permit."""
    wanted = Wanted(Reference(scene.contact, None), PURPOSE, CHANNEL, CONTENT, scene.assignment, 900)

    async def work(session: Session) -> Answer:
        issued = await permits.issue(session, stage.workspace.ring, stage.workspace.policies, wanted)
        if issued.token is None:
            return {"kind": "issue", "permit": None, "reason": issued.decision.reason}
        return {"kind": "issue", "permit": str(issued.id), "reason": "permit", "token": issued.token}

    answer = await scenery.committed(stage, work)
    if token := answer.pop("token", None):
        stage.tokens.setdefault(scene.contact, []).append((answer["permit"], token))
    return answer


async def redeem(stage: Stage, scene: Scene) -> Answer:
    """The engine redeems a permit at the moment of sending, the oldest first; one that was used is tried again, too."""
    held = stage.tokens.get(scene.contact)
    if not held:
        raise Nothing
    permit, token = held.pop(0)
    held.append((permit, token))

    async def work(session: Session) -> Answer:
        workspace = stage.workspace
        done = await permits.redeem(session, workspace.ring, workspace.policies, token, CONTENT)
        return {"kind": "redeem", "permit": permit, "granted": done.permitted, "reason": done.reason}

    return await scenery.committed(stage, work)


ACTS: dict[str, Act] = {
    "one_click": one_click,
    "withdraw": _taking(EntryKind.WITHDRAWN),
    "withdraw_at_address": _taking(EntryKind.WITHDRAWN, by_address=True),
    "refuse": _taking(EntryKind.REFUSED),
    "object": _taking(EntryKind.OBJECTED),
    "object_to_all": _taking(EntryKind.OBJECTED, everything=True),
    "restrict": restrict,
    "restrict_alone": restrict_alone,
    "suppress": suppress,
    "bury": bury,
    "erase": erase,
    "merge": merge,
    "grant": grant,
    "check": check,
    "issue": issue,
    "redeem": redeem,
}
