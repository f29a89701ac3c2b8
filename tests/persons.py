"""Persons for tests, made and asked about through the same services as everybody's."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from registry.access.workspace import Workspace
from registry.consents import acts
from registry.consents.ground_service import NewGround
from registry.consents.ledger import EntryKind
from registry.consents.service import Recorded
from registry.consents.validation import NewEntry
from registry.contacts import service as contacts
from registry.contacts.identifiers import Kind, normalise
from registry.contacts.queries import parse_reference
from registry.contacts.service import NewContact, NewIdentifier
from registry.gate.checks import Check, answer
from registry.gate.model import Decision
from registry.kit.caller import Caller
from registry.kit.ids import NIL
from registry.policy.model import Grade, Subscriber

CALLER = Caller("operator", "operation", "test")


def at(text: str) -> datetime:
    """`2026-03-01` or `2026-03-01T10:00` in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


async def make(
    workspace: Workspace,
    *addresses: str,
    external: str | None = None,
    country: str | None = "LV",
    subscriber: Subscriber = Subscriber.NATURAL,
    fields: dict[str, str] | None = None,
) -> UUID:
    """One person with these e-mail addresses."""
    identifiers = [NewIdentifier(normalise(Kind.EMAIL, text)) for text in addresses]
    if external:
        identifiers.append(NewIdentifier(normalise(Kind.EXTERNAL, external)))
    contact = NewContact(identifiers, "test", fields or {}, country=country, subscriber=subscriber)
    async with workspace.database.begin(CALLER) as session:
        (made,) = await contacts.create(session, workspace.ring, workspace.policies, [contact])
    return made


async def act(
    workspace: Workspace,
    reference: str | UUID,
    kind: EntryKind,
    purpose: str = "newsletter",
    channel: str = "email",
    grade: Grade = Grade.FIRST_PARTY,
    **more: Any,
) -> Recorded:
    """What a person did, recorded now unless `acted_at` says otherwise; the first of the entries made."""
    gives = kind in (EntryKind.GRANTED, EntryKind.REQUESTED, EntryKind.CONFIRMED)
    if gives:
        more.setdefault("acted_at", datetime.now(UTC))
        if purpose in workspace.policies.notices:
            more.setdefault("notice_version", workspace.policies.purposes[purpose].notice_version)
            more.setdefault("notice_locale", "en")
        if grade is Grade.FIRST_PARTY:
            more.setdefault("act", "ticked")
    entry = NewEntry(NIL, kind, purpose, channel, grade, "test", **more)
    named = parse_reference(str(reference))
    recorded = await workspace.database.run(
        CALLER, lambda session: acts.act(session, workspace.ring, workspace.policies, named, entry)
    )
    return recorded[0]


async def sale(workspace: Workspace, reference: str | UUID, **more: Any) -> UUID:
    """A sale that carries soft opt-in for `product-updates`, unless `more` takes something away."""
    purpose = workspace.policies.purposes["product-updates"]
    facts: dict[str, Any] = {
        "controller": purpose.controller,
        "occurred_at": at("2026-01-10"),
        "products": purpose.similar_products[:1],
        "opt_out_offered": True,
        "collected_in_sale": True,
    }
    ground = NewGround(NIL, "sale", source="shop", **{**facts, **more})
    async with workspace.database.begin(CALLER) as session:
        return await acts.record_ground(
            session, workspace.ring, workspace.policies, parse_reference(str(reference)), ground
        )


async def check(
    workspace: Workspace,
    reference: str | UUID,
    purpose: str = "newsletter",
    channel: str = "email",
    assignment_id: UUID | None = None,
) -> Decision:
    """The gate's answer now."""
    async with workspace.database.begin(CALLER) as session:
        asked = Check(CALLER, parse_reference(str(reference)), purpose, channel, assignment_id)
        (decision,) = await answer(session, workspace.ring, workspace.policies, [asked])
    return decision


async def reason(
    workspace: Workspace, reference: str | UUID, purpose: str = "newsletter", channel: str = "email"
) -> str:
    return (await check(workspace, reference, purpose, channel)).reason
