"""Writes one batch of rows in one transaction: persons, addresses, fields, ledger entries, and the log's entry."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Mapping as Dictionary
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from registry.audit import entries as audit
from registry.consents import service as consents
from registry.consents.ledger import EntryKind
from registry.contacts import catalogue, coming_of_age, queries
from registry.contacts import service as contacts
from registry.contacts.identifiers import Identifier
from registry.contacts.service import NewContact, NewIdentifier
from registry.exchange import survey
from registry.exchange.counts import Counts
from registry.exchange.rows import Reject, Row
from registry.exchange.survey import Plan, Survey
from registry.exchange.terms import Terms
from registry.keys import persons
from registry.keys.persons import PersonKeys
from registry.keys.ring import KeyRing
from registry.kit.database import Session
from registry.policy.model import Grade, PolicySet, Subscriber
from registry.standing import permits
from registry.standing import service as standing


class Moved(Exception):  # the name says the fact
    """Somebody changed who has an identifier between the look and the lock: the batch is to be done again."""


@dataclass(slots=True)
class Draft:
    """What the batch says about one person, put together from all their rows in it."""

    identifiers: dict[Identifier, datetime | None] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=dict)
    locale: str | None = None
    country: str | None = None

    def take(self, row: Row, others: Iterable[Identifier]) -> None:
        """What comes first holds, but of the times of verification the latest does."""
        verified = row.verified_at if row.has_evidence else None
        earlier = self.identifiers.get(row.address)
        self.identifiers[row.address] = max(filter(None, (earlier, verified)), default=None)
        if row.external is not None:
            self.identifiers.setdefault(row.external, None)
        for one in others:
            self.identifiers.setdefault(one, None)
        for name, text in row.fields.items():
            self.fields.setdefault(name, text)
        self.locale = self.locale or row.locale
        self.country = self.country or row.country


async def write(
    session: Session, ring: KeyRing, policies: PolicySet, terms: Terms, rows: Sequence[Row], run: UUID
) -> tuple[Counts, list[Reject]]:
    """Import these rows; Moved when the batch has to be done again, with nothing written."""
    if not rows:
        return Counts(), []
    seen = await survey.look(session, ring, rows)
    address_of = await standing.addresses(
        session, ring, {(int(o.kind), o.broad) for row in rows for o in row.addresses}
    )
    erased = await standing.erased_addresses(session, address_of.values())
    seen.erased = {key for key, address_id in address_of.items() if address_id in erased}
    plan = survey.plan(seen, rows)
    drafts: dict[UUID, Draft] = {}
    for row, person in plan.placed:
        drafts.setdefault(person, Draft()).take(row, [o for o in row.others if not seen.is_closed(person, o)])
    known = [person for person in drafts if person not in plan.new]
    await contacts.lock(session, known, address_of.values())
    if known:
        now = await queries.holders(session, ring, list(seen.holders))
        if Survey(seen.directory, now).picture() != seen.picture():
            raise Moved
    keys, assignment_of = await _persons(session, ring, policies, terms, plan, drafts, address_of)
    if known:
        await _complete(session, policies, terms, {person: drafts[person] for person in known}, keys)
    counts, digests = await _entries(session, ring, policies, terms, plan, assignment_of, address_of)
    counts.created = len(plan.new)
    await _bury(session, plan, address_of)
    await _log(session, ring, terms, drafts, keys, counts, digests, run)
    return counts, plan.rejects


Assignments = dict[tuple[UUID, Identifier], UUID]


async def _persons(
    session: Session,
    ring: KeyRing,
    policies: PolicySet,
    terms: Terms,
    plan: Plan,
    drafts: Dictionary[UUID, Draft],
    address_of: Dictionary[tuple[int, str], UUID],
) -> tuple[dict[UUID, PersonKeys], Assignments]:
    """The new persons, and everybody's identifiers."""
    source = terms.mapping.source
    subscriber = Subscriber[(terms.mapping.subscriber or "unknown").upper()]
    new = [
        NewContact((), source, draft.fields, draft.locale, draft.country, subscriber, id=person)
        for person, draft in drafts.items()
        if person in plan.new
    ]
    await contacts.create(session, ring, policies, new)
    keys = await persons.load(session, ring, drafts)
    if len(keys) < len(drafts):
        raise Moved
    wanted = [(person, one, at) for person, draft in drafts.items() for one, at in draft.identifiers.items()]
    given = [(person, NewIdentifier(one, at), source) for person, one, at in wanted]
    ids = await contacts.assign(session, ring, given, keys=keys, address_of=address_of)
    return keys, {(person, one): made for (person, one, _), made in zip(wanted, ids, strict=True)}


async def _complete(
    session: Session,
    policies: PolicySet,
    terms: Terms,
    drafts: Dictionary[UUID, Draft],
    keys: Dictionary[UUID, PersonKeys],
) -> None:
    """Add to known persons what they lack; an import replaces nothing that is known."""
    have = {
        (row.contact_id, row.field)
        for row in await session.all(
            "SELECT contact_id, field FROM contact_field WHERE contact_id = ANY(%b::uuid[])", (list(drafts),)
        )
    }
    lacking = [
        (
            person,
            {name: text for name, text in draft.fields.items() if (person, name) not in have},
            terms.mapping.source,
        )
        for person, draft in drafts.items()
    ]
    await catalogue.write_fields(session, policies, keys, [told for told in lacking if told[1]])
    await session.execute(
        "UPDATE contact c SET locale = coalesce(c.locale, w.locale), country = coalesce(c.country, w.country)"
        " FROM unnest(%s::uuid[], %s::text[], %s::text[]) AS w(id, locale, country) WHERE c.id = w.id"
        " AND (c.locale IS NULL AND w.locale IS NOT NULL OR c.country IS NULL AND w.country IS NOT NULL)",
        (
            list(drafts),
            [draft.locale for draft in drafts.values()],
            [draft.country for draft in drafts.values()],
        ),
    )
    moved = [person for person, draft in drafts.items() if draft.country is not None]
    await coming_of_age.follow(session, policies, keys, moved)


async def _entries(
    session: Session,
    ring: KeyRing,
    policies: PolicySet,
    terms: Terms,
    plan: Plan,
    assignment_of: Assignments,
    address_of: Dictionary[tuple[int, str], UUID],
) -> tuple[Counts, list[str]]:
    """What was written, and the digests under which the log holds it."""
    counts = Counts(matched=len(plan.placed) - len(plan.new))
    told, kinds = [], []
    for row, person in plan.placed:
        kind = terms.entry_kind(row)
        if kind is None:
            counts.dead += 1
            continue
        assignment = address = None
        if not row.is_by_id:
            assignment = assignment_of[person, row.address]
            address = address_of[int(row.address.kind), row.address.broad]
        told.append(terms.entry(ring, row, kind, person, assignment, address))
        kinds.append(kind)
    digests: dict[UUID, str] = {}
    for entry, kind, recorded in zip(
        told, kinds, await consents.record(session, ring, policies, told), strict=True
    ):
        if recorded.repeated or recorded.id in digests:
            counts.repeated += 1
            continue
        digests[recorded.id] = recorded.digest
        count_entry(counts, kind, entry.grade)
    return counts, list(digests.values())


def count_entry(counts: Counts, kind: EntryKind, grade: Grade) -> None:
    """Count one new ledger entry."""
    if kind.takes_away:
        counts.withdrawn += 1
    elif kind is EntryKind.INVALIDATED:
        counts.invalidated += 1
    elif grade is Grade.ATTESTED:
        counts.granted += 1
    else:
        counts.unknown += 1


async def _bury(session: Session, plan: Plan, address_of: Dictionary[tuple[int, str], UUID]) -> None:
    dead = {
        address_of[int(row.address.kind), row.address.broad]
        for row, _ in plan.placed
        if row.standing == "cleaned"
    }
    if dead:
        await standing.bury_addresses(session, dead)
        session.stale.update(await queries.sharers(session, dead))


async def _log(
    session: Session,
    ring: KeyRing,
    terms: Terms,
    drafts: Dictionary[UUID, Draft],
    keys: Dictionary[UUID, PersonKeys],
    counts: Counts,
    digests: Sequence[str],
    run: UUID,
) -> None:
    kinds = {"consent", *(one.kind.name.lower() for draft in drafts.values() for one in draft.identifiers)}
    kinds |= {name for draft in drafts.values() for name in draft.fields}
    told = counts.told()
    detail = {
        name: told[name] for name in ("created", "granted", "unknown", "withdrawn", "invalidated", "dead")
    }
    await audit.append(
        session,
        ring,
        "import.batch",
        subjects=list(drafts),
        kinds=sorted(kinds),
        detail={
            "run": str(run),
            "purpose": terms.purpose.id,
            "channel": terms.mapping.channel,
            "digests": digests,
            **detail,
            **permits.told(session),
        },
        keys=keys,
    )
