"""What was left at a collection point, in one transaction: the person, their yes and no, the sale, the evidence."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from registry.audit import entries as audit
from registry.consents import (
    acts,
    address_refusals,
    answers,
    devices,
    ground_service,
    owning,
    service,
    submissions,
)
from registry.consents.answers import Answers
from registry.consents.ledger import EntryKind
from registry.consents.service import Recorded
from registry.consents.submissions import Assigned, Submission
from registry.contacts import queries as contacts
from registry.contacts import registering
from registry.contacts import service as persons
from registry.contacts.identifiers import Identifier
from registry.contacts.registering import Entered
from registry.contacts.service import NewContact, NewIdentifier
from registry.keys.ring import KeyRing
from registry.kit.database import Session
from registry.kit.errors import Misuse, NotFound, Refused
from registry.kit.ids import NIL
from registry.policy import collection_checks
from registry.policy.collection import CollectionPoint
from registry.policy.model import PolicySet
from registry.standing import merged, permits
from registry.standing import service as standing

# Fields of the catalogue that stand in the person's own row.
_OWN = ("locale", "country")


@dataclass(frozen=True, slots=True)
class Made:
    """One entry that a submission became; without an id it is the "no" of an address that nobody has."""

    purpose: str
    channel: str
    kind: EntryKind
    entry: Recorded | None


@dataclass(frozen=True, slots=True)
class Collected:
    """What a submission became. Nobody is stored for whom no purpose would be: then `contact_id` is None."""

    contact_id: UUID | None
    created: bool
    made: tuple[Made, ...]
    grounds: tuple[UUID, ...] = ()


def published(policies: PolicySet, name: str, version: int, locale: str) -> CollectionPoint:
    """The version of a form that was shown. People keep pages open, so an earlier one is accepted too.

    NotFound `point.unknown`; Misuse `point.version_unknown`, `point.locale_unknown`.
    """
    versions = policies.collection.get(name)
    if versions is None:
        raise NotFound(
            "point.unknown", "There is no such collection point.", mend="see zgoda collection list"
        )
    point = next((one for one in versions if one.version == version), None)
    if point is None:
        raise Misuse(
            "point.version_unknown",
            "The form was never published in that version.",
            field="version",
            mend=f"one of {', '.join(str(one.version) for one in versions)}",
        )
    if point.text(locale) is None:
        raise Misuse(
            "point.locale_unknown",
            "The form has no text in that language.",
            field="locale",
            mend=f"one of {', '.join(point.locales)}",
        )
    return point


def refuse_withdrawn(policies: PolicySet, point: CollectionPoint) -> None:
    """Refused `point.version_withdrawn` where what an earlier version says would be refused by now.

    Whatever became of the notices. A "no" that is said there is heard all the same: only a yes asks for this.
    """
    latest = policies.collection[point.id][-1]
    if point is latest or next(collection_checks.lasting(policies, point), None) is None:
        return
    raise Refused(
        "point.version_withdrawn",
        "That version of the form would be refused today, so a yes that is said there counts for nothing.",
        field="version",
        mend=f"show version {latest.version}",
    )


async def submit(session: Session, ring: KeyRing, policies: PolicySet, submission: Submission) -> Collected:
    """Record one submission; one entry `collection.submit` with the digests of the entries.

    A box that was left alone is no entry; a chosen "no" is `refused`. Where a second step is asked for, a yes is
    `requested`, and the confirmation follows at the commit edge. Refuses what `published`, `answers.read` and the
    ledger refuse, and a yes as `refuse_withdrawn`.
    """
    point = published(policies, submission.point, submission.version, submission.locale)
    given = answers.read(point, submission.locale, submission.controls, submission.acts, submission.presented)
    if given.consents:
        refuse_withdrawn(policies, point)
    if submission.products and not point.sale:
        raise Misuse("point.no_sale", "Nothing is sold at this form.", field="products")
    if any(devices.decide(policies, purpose) for purpose in point.purposes):
        return await _by_device(session, ring, policies, point, submission, given)
    known = None
    if submission.subject is not None:
        known = await acts.one(session, ring, submission.subject)
    elif given.identifiers:
        known = await registering.match(session, ring, given.identifiers, given.fields)
    if known is None and given.said and not given.identifiers:
        raise Misuse(
            "subject.missing",
            "Nobody is named: the form was sent without an address.",
            field="subject",
            mend="fill in a control that takes one, or name who is signed in",
        )
    if given.consents or (point.serves and (known is not None or given.identifiers)):
        new = _contact(point, submission, given)
        entered = await registering.enter(session, ring, policies, new, known)
    elif known is not None and given.said:
        # They want nothing of us, so nothing of what they typed is kept but the "no".
        await persons.lock(session, [known])
        entered = Entered(known, False, (), {})
    else:
        return await _unknown(session, ring, policies, point, submission, given)
    assigned = await _assigned(session, ring, entered.id, given.identifiers)
    entries = [
        submissions.entry(policies, point, submission, one, entered.id, assigned) for one in given.said
    ]
    recorded = await service.record(session, ring, policies, entries)
    sold = [
        replace(one, contact_id=await owning.holder(session, entered.id, one.assignment_id))
        if one.assignment_id is not None
        else one
        for one in submissions.sales(policies, point, submission, entered.id, assigned)
    ]
    grounds = await ground_service.record(session, ring, policies, sold)
    await _audit(session, ring, policies, point, entered, recorded, len(grounds))
    made = [
        Made(entry.purpose, entry.channel, entry.kind, one)
        for entry, one in zip(entries, recorded, strict=True)
    ]
    return Collected(entered.id, entered.created, tuple(made), tuple(grounds))


def _contact(point: CollectionPoint, submission: Submission, given: Answers) -> NewContact:
    country = given.fields.get("country")
    if country is not None and not (len(country) == 2 and country.isascii() and country.isupper()):
        raise Misuse(
            "field.country_invalid", "A country is two capital letters (ISO 3166-1).", field="controls"
        )
    return NewContact(
        identifiers=[NewIdentifier(one, by_person=True) for one in given.identifiers],
        source=submissions.source(point),
        fields={name: value for name, value in given.fields.items() if name not in _OWN},
        locale=submission.locale,
        country=country,
    )


async def _assigned(
    session: Session, ring: KeyRing, contact_id: UUID, identifiers: tuple[Identifier, ...]
) -> Assigned:
    """By kind of address: the assignment that the person now has for what they left, and the address row.

    The person is locked: of several records it may be another than the named one that has the address.
    """
    held = await contacts.holders(session, ring, identifiers)
    records = merged.locked_records(session, contact_id)
    return {
        identifier.kind.name.lower(): (holder.assignment_id, holder.address_id)
        for identifier in identifiers
        for holder in held[identifier]
        if holder.contact_id in records
    }


async def _by_device(
    session: Session,
    ring: KeyRing,
    policies: PolicySet,
    point: CollectionPoint,
    submission: Submission,
    given: Answers,
) -> Collected:
    """What a device said; nobody who uses it is asked for, and a device that says nothing is not put on record."""
    if submission.device is None:
        raise Misuse(
            "subject.no_device",
            "The form asks for the consent of a device, which is missing.",
            field="device",
            mend="name the device",
        )
    if not given.said:
        await _audit(session, ring, policies, point, None, (), 0)
        return Collected(None, False, ())
    subject = await devices.enter(session, ring, submission.device)
    entered = Entered(subject, subject in session.fresh, (), {})
    entries = [submissions.entry(policies, point, submission, said, subject, {}) for said in given.said]
    recorded = await service.record(session, ring, policies, entries)
    await _audit(session, ring, policies, point, entered, recorded, 0)
    made = [Made(e.purpose, e.channel, e.kind, one) for e, one in zip(entries, recorded, strict=True)]
    return Collected(subject, entered.created, tuple(made))


async def _unknown(
    session: Session,
    ring: KeyRing,
    policies: PolicySet,
    point: CollectionPoint,
    submission: Submission,
    given: Answers,
) -> Collected:
    """Somebody whom we do not know and who wants nothing of us is not stored; a "no" is kept by the address's MAC."""
    broad = {one.kind.name.lower(): (int(one.kind), one.broad) for one in given.identifiers}
    asked = {policies.channels[said.channel].address for said in given.said} & broad.keys()
    rows = await standing.addresses(session, ring, [broad[address] for address in asked])
    refusals = []
    for said in given.said:
        address = policies.channels[said.channel].address
        if address in asked:
            assigned: Assigned = {address: (NIL, rows[broad[address]])}
            refusals.append(submissions.entry(policies, point, submission, said, NIL, assigned))
    if refusals:
        await standing.lock_addresses(session, rows.values())
        at: datetime = await session.value("SELECT clock_timestamp()")
        await address_refusals.record(session, policies, refusals, at)
    await _audit(session, ring, policies, point, None, (), 0)
    return Collected(None, False, tuple(Made(one.purpose, one.channel, one.kind, None) for one in refusals))


async def _audit(
    session: Session,
    ring: KeyRing,
    policies: PolicySet,
    point: CollectionPoint,
    entered: Entered | None,
    recorded: list[Recorded] | tuple[Recorded, ...],
    grounds: int,
) -> None:
    kinds = {*(entered.kinds if entered else ()), *(["consent"] if recorded else ())}
    await audit.append(
        session,
        ring,
        "collection.submit",
        subjects=[entered.id] if entered else (),
        kinds=sorted(kinds | ({"ground"} if grounds else set())),
        detail={
            "point": point.id,
            "version": point.version,
            "created": entered is not None and entered.created,
            "digests": [one.digest for one in recorded if one.digest],
            **permits.told(session),
        },
        keys=entered.keys if entered and entered.keys else None,
    )
