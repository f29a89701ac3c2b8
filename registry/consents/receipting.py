"""Gathers what a receipt tells: the entry, the policy and the texts as they were then, and who is told of it."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from registry.audit import entries as audit
from registry.consents import parental, proof, reading, receipts
from registry.consents.ledger import ANY, Entry, EntryKind
from registry.consents.receipt_states import GRANTS, Childhood, came_to, scope_of
from registry.consents.receipt_terms import AgeRuleUsed, Came, Facts, Kept, Recipient, State
from registry.consents.standing_rows import Person, zone
from registry.keys.ring import KeyRing
from registry.kit import clock
from registry.kit.database import Session
from registry.kit.errors import NotFound
from registry.kit.ids import new_id
from registry.policy import disclosed
from registry.policy.ages import STRICTEST, of_age_on
from registry.policy.disclosed import Disclosed
from registry.policy.model import Grade, PolicySet, RetentionClass

# Where a person finds what is held about them and takes a yes back, without an account.
WITHDRAW_PATH = "/p/me"
_STATES = {
    EntryKind.REFUSED: State.REFUSED,
    EntryKind.WITHDRAWN: State.WITHDRAWN,
    EntryKind.OBJECTED: State.WITHDRAWN,
    EntryKind.INVALIDATED: State.VOID,
}
_IDENTIFYING = ("email", "phone", "external")


async def receipt(
    session: Session, ring: KeyRing, policies: PolicySet, base_url: str, subject: UUID, entry_id: UUID
) -> bytes:
    """The signed receipt of one entry, as the bytes to hand out; entry `consent.receipt`.

    NotFound `entry.unknown`. Purpose, controller, texts and ages are those of the policy version that the entry
    names; recipients and terms of storage those of the policies in force then, or as they are now where none of then
    are on record. The receipt says which.
    """
    row = await session.first(
        f"SELECT {', '.join('e.' + name for name in (*proof.COVERED, *proof.COVERED_IF_SAID))}, e.evidence,"
        " g.kind AS subject_kind, n.hash AS notice_hash, c.hash AS point_hash, c.body AS form, v.body AS policy_body"
        " FROM consent_entry e JOIN gate_row g ON g.subject_id = e.contact_id"
        " LEFT JOIN notice n ON n.purpose = e.purpose AND n.version = e.notice_version AND n.locale = e.notice_locale"
        " LEFT JOIN collection_point c ON c.point = e.point AND c.version = e.point_version"
        " LEFT JOIN policy_version v ON v.purpose = e.purpose AND v.version = e.policy"
        " WHERE e.contact_id = %s AND e.id = %s",
        (subject, entry_id),
    )
    if row is None:
        raise NotFound("entry.unknown", "The person has no such entry.")
    entry = row._asdict()
    told = proof.facts(entry, row.notice_hash, row.evidence, row.point_hash)
    body: Mapping[str, Any] | None = row.policy_body if row.purpose != ANY else None
    purpose = (body or {}).get("purpose", {})
    then = None
    if body is not None or row.purpose == ANY:
        then = await disclosed.on_record(session, row.recorded_at, row.controller, purpose or None)
    disclosing = then or disclosed.as_now(policies)
    controller = (body or {}).get("controller") or await _controller(session, disclosing, row.controller)
    # Of the person what was on record when the entry was: what they tell later was used by nobody then.
    known = await reading.load(session, [subject], clock.FAR_FUTURE, row.recorded_at)
    person = known[0] if known else None
    time_zone = zone(policies, person.record(subject)) if person else None
    came = await _came(session, subject, entry, purpose, person, time_zone)
    facts = Facts(
        id=new_id(),
        entry=entry,
        subject=subject,
        is_device=row.subject_kind == 1,
        policy=body,
        controller=controller,
        recipients=_recipients(disclosing, purpose),
        kept=_kept(disclosing, purpose),
        policy_set=disclosing.hash,
        notice_hash=row.notice_hash,
        form=proof.form_shown(told, row.form) if row.form is not None else None,
        point_hash=row.point_hash,
        age=_age(entry, body, person.record(subject) if person else None, time_zone),
        digest=proof.digest(told),
        came=came,
        withdraw_at=base_url.rstrip("/") + WITHDRAW_PATH,
        at=clock.now(),
    )
    await audit.append(
        session,
        ring,
        "consent.receipt",
        subjects=[subject],
        kinds=("consent",),
        detail={"entry": str(entry_id)},
    )
    return receipts.sign(facts, ring.signing)


async def _controller(session: Session, disclosing: Disclosed, name: str) -> Mapping[str, Any]:
    """The controller of a "no" to all its marketing; as it was last if it is in these policies no more."""
    known = disclosing.controllers.get(name)
    if known is not None:
        return known.model_dump(mode="json")
    told: Mapping[str, Any] = await session.value(
        "SELECT body->'controller' FROM policy_version WHERE body->'controller'->>'id' = %s"
        " ORDER BY recorded_at DESC LIMIT 1",
        (name,),
    )
    return told


def _recipients(disclosing: Disclosed, purpose: Mapping[str, Any]) -> list[Recipient]:
    known = (disclosing.recipients.get(name) for name in purpose.get("recipients", ()))
    return [Recipient(one.name, one.role, one.country) for one in known if one is not None]


def _kept(disclosing: Disclosed, purpose: Mapping[str, Any]) -> list[Kept]:
    """The term of every retention class that data of this purpose fall under, and of the proof."""
    classes = {RetentionClass.PROOF}
    for kind in purpose.get("data_kinds", ()):
        if kind in _IDENTIFYING:
            classes.add(RetentionClass.IDENTITY)
        elif kind in disclosing.fields:
            classes.add(disclosing.fields[kind].retention)
    return [
        Kept(name.value, disclosing.retention[name].term_days, disclosing.retention[name].after)
        for name in RetentionClass
        if name in classes and name in disclosing.retention
    ]


async def _came(
    session: Session,
    subject: UUID,
    entry: Mapping[str, Any],
    purpose: Mapping[str, Any],
    person: Person | None,
    time_zone: str | None,
) -> Came:
    """What the entry came to: by its ledger, and by the rule on children."""
    kind = EntryKind(entry["kind"])
    if kind not in GRANTS:
        return Came(_STATES.get(kind, State.UNKNOWN), entry["acted_at"])
    if not purpose:
        return Came(State.UNKNOWN, entry["acted_at"])
    entries = [
        Entry(row[0], row[1], EntryKind(row[2]), Grade(row[3]), *row[4:])
        for row in await session.all(
            "SELECT id, seq, kind, grade, controller, purpose, channel, assignment_id, acted_at, recorded_at,"
            " refers_to, notice_version, authority FROM consent_entry WHERE contact_id = %s AND controller = %s"
            " ORDER BY seq",
            (subject, entry["controller"]),
        )
    ]
    this = next(one for one in entries if one.id == entry["id"])
    childhood = Childhood()
    if person is not None:
        grounds = [ground for one in (person, *person.merged) for ground in one.grounds]
        offered = bool(purpose.get("offered_to_children"))
        childhood = Childhood(offered, person.record(subject).coming_of_age, grounds, time_zone)
    scope = scope_of(purpose, entry["channel"], entry["assignment_id"])
    return came_to(entries, this, scope, childhood)


def _age(
    entry: Mapping[str, Any],
    body: Mapping[str, Any] | None,
    person: Person | None,
    time_zone: str | None,
) -> AgeRuleUsed | None:
    """The rule on the age of consent by which a grant was judged, where age mattered (GDPR art. 8; LP-28).

    None where it is not known by which: of somebody of whom nothing is on record any more.
    """
    if body is None or EntryKind(entry["kind"]) not in GRANTS or "ages" not in body or person is None:
        return None
    # Of the days that it may have been where the person lives, the first: then they were youngest.
    day = min(parental.days(entry["acted_at"] or entry["recorded_at"], time_zone))
    comes_of_age = of_age_on(person.coming_of_age, day)
    minor = comes_of_age is not None and comes_of_age > day
    if not (minor or entry["authority"] or body["purpose"].get("offered_to_children")):
        return None
    begun = [
        rule
        for rule in body["ages"]
        if rule["country"] == person.country and date.fromisoformat(rule["since"]) <= day
    ]
    table = receipts.table_hash(body["ages"])
    if not begun:
        return AgeRuleUsed(table, person.country, None, STRICTEST)
    rule = max(begun, key=lambda one: str(one["since"]))
    return AgeRuleUsed(table, person.country, date.fromisoformat(rule["since"]), rule["age"])
