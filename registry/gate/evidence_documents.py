"""A decision of the past with what it rested on: shown, and as a document that proves it offline (GDPR art. 5(2))."""

import json
from collections.abc import Sequence
from typing import Any, Literal, cast
from uuid import UUID

from registry.audit import entries, export
from registry.audit import service as log
from registry.consents import merges, proving
from registry.consents.ledger import EntryKind
from registry.gate import evidence, rules
from registry.gate.evidence_schemas import Act, DecidedMessage, Fact, Kept, PolicyOfThen
from registry.keys import persons
from registry.keys.columns import GROUND_EVIDENCE
from registry.keys.ring import KeyRing
from registry.kit.caller import Caller
from registry.kit.database import Database, Session
from registry.kit.errors import NotFound, Refused
from registry.kit.ids import NIL
from registry.policy.model import Grade

RECONSTRUCTED = "reconstructed"
# The provision behind each reason that a rule gives.
ARTICLES = {rule.reason: rule.article for table in rules.RULES.values() for rule in table}


class DecisionUnknown(NotFound):
    """No such decision was kept, or its person was erased since, or it is not for this caller."""

    def __init__(self) -> None:
        super().__init__(
            "decision.unknown",
            "There is no such decision.",
            mend="give the decision's id from the answer of a check; it goes when its person is erased",
        )


async def purpose_of(session: Session, decision_id: UUID) -> str:
    """The purpose of a decision; DecisionUnknown (404)."""
    return str((await _kept(session, decision_id)).purpose)


async def show(session: Session, ring: KeyRing, decision_id: UUID) -> Kept:
    """A decision as it was kept; entry `decision.read`. DecisionUnknown (404)."""
    row = await _kept(session, decision_id)
    act, ground = await _rested_on(session, row)
    policy = await _policy(session, row)
    message = await _message(session, row)
    await _note(session, ring, row)
    return Kept(
        id=row.id,
        contact=None if row.contact_id == NIL else row.contact_id,
        kind=row.kind,
        reconstructed=row.kind == RECONSTRUCTED,
        purpose=row.purpose,
        channel=row.channel,
        identifier=row.assignment_id,
        outcome=cast(Literal["permit", "deny", "defer"], row.outcome),
        reason=row.reason,
        article=ARTICLES.get(row.reason),
        basis=row.basis,
        channel_ground=row.channel_ground,
        evidence=row.evidence,
        decided_at=row.decided_at,
        policy=policy and PolicyOfThen(policy.version, policy.author, policy.reason, policy.recorded_at),
        entry=act and _act(act),
        ground=ground
        and Fact(
            ground.id,
            ground.contact_id,
            ground.kind,
            ground.controller,
            ground.occurred_at,
            ground.ends_at,
            ground.recorded_at,
            ground.source,
        ),
        message=message
        and DecidedMessage(
            message.id,
            message.campaign_id,
            message.state,
            message.reason,
            message.attempted_at,
            message.handed_at,
            message.content_hash.hex() if message.content_hash else None,
        ),
    )


async def prove(
    database: Database, ring: KeyRing, caller: Caller, decision_id: UUID, *, opened: bool = True
) -> dict[str, Any]:
    """A document that `evidence.verify` checks with nothing but the log's key; entry `decision.read`.

    `opened` shows the evidence of the act as well; without it its hash alone is there, and all the rest verifies.
    DecisionUnknown (404); Refused `decision.unproven` for one that the log holds no digest of: about nobody, or older
    than the digests. Whatever was just decided is sealed first.
    """
    await export.sealed_through_now(database, ring, caller)
    async with database.begin(caller) as session:
        row = await _kept(session, decision_id)
        told = evidence.facts_of_row(row)
        document = {
            "format": evidence.FORMAT,
            "contact": str(row.contact_id),
            "decision": told,
            "log": await _logged(session, ring, row.contact_id, evidence.digest(told)),
            **await _documents(session, ring, row, opened),
        }
        await _note(session, ring, row)
    return cast(dict[str, Any], json.loads(json.dumps(document, default=str)))


async def _documents(session: Session, ring: KeyRing, row: Any, opened: bool) -> dict[str, Any]:
    """What the decision rested on: policy, consent or ground, the merge by which that was the person's, message."""
    act, ground = await _rested_on(session, row)
    policy, message = await _policy(session, row), await _message(session, row)
    owner = act.contact_id if act else ground.contact_id if ground else row.contact_id
    consent = await proving.document(session, ring, owner, act.id) if act else None
    fact = await _ground(session, ring, ground) if ground else None
    for shown in (consent, fact):
        if shown is not None and not opened:
            shown["evidence"] = None
    return {
        "policy": policy
        and {
            "version": policy.version,
            "author": policy.author,
            "reason": policy.reason,
            "recorded_at": policy.recorded_at.isoformat(),
            "body": policy.body,
        },
        "consent": consent,
        "ground": fact,
        "merge": await _merge(session, ring, row.contact_id, owner) if owner != row.contact_id else None,
        "message": message
        and {
            **{name: value for name, value in message._asdict().items() if name != "content_hash"},
            "content_sha256": message.content_hash.hex() if message.content_hash else None,
        },
    }


async def _kept(session: Session, decision_id: UUID) -> Any:
    row = await session.first(
        f"SELECT contact_id, {', '.join(evidence.COVERED)} FROM decision WHERE id = %s", (decision_id,)
    )
    if row is None:
        raise DecisionUnknown
    return row


async def _note(session: Session, ring: KeyRing, row: Any) -> None:
    await entries.append(
        session,
        ring,
        "decision.read",
        subjects=[] if row.contact_id == NIL else [row.contact_id],
        kinds=("consent", "standing"),
        detail={"decision": str(row.id)},
    )


async def _records(session: Session, row: Any) -> Sequence[UUID]:
    """All records that were of the person when it was decided."""
    alone: Sequence[UUID] = (row.contact_id,)
    return (await merges.as_of(session, alone, row.decided_at)).get(row.contact_id, alone)


async def _rested_on(session: Session, row: Any) -> tuple[Any | None, Any | None]:
    """The entry of the ledger, or the ground, that the decision names."""
    if row.evidence is None:
        return None, None
    records = list(await _records(session, row))
    act = await session.first(
        "SELECT id, contact_id, kind, grade, acted_at, recorded_at, act, source, notice_version, notice_locale"
        " FROM consent_entry WHERE contact_id = ANY(%b::uuid[]) AND id = %s",
        (records, row.evidence),
    )
    if act is not None:
        return act, None
    ground = await session.first(
        "SELECT id, contact_id, kind, controller, assignment_id, products, opt_out_offered, collected_in_sale,"
        " occurred_at, ends_at, recorded_at, source, evidence FROM ground"
        " WHERE contact_id = ANY(%b::uuid[]) AND id = %s",
        (records, row.evidence),
    )
    return None, ground


def _act(row: Any) -> Act:
    return Act(
        id=row.id,
        contact=row.contact_id,
        kind=EntryKind(row.kind).name.lower(),
        grade=Grade(row.grade).name.lower(),
        acted_at=row.acted_at,
        recorded_at=row.recorded_at,
        act=row.act,
        source=row.source,
        notice_version=row.notice_version,
        notice_locale=row.notice_locale,
    )


async def _policy(session: Session, row: Any) -> Any | None:
    if row.policy is None:
        return None
    return await session.first(
        "SELECT version, author, reason, recorded_at, body FROM policy_version"
        " WHERE purpose = %s AND version = %s",
        (row.purpose, row.policy),
    )


async def _message(session: Session, row: Any) -> Any | None:
    """The message, whose table is that of an area above: what happened to it is told and never changed from here."""
    if row.message_id is None:
        return None
    return await session.first(
        "SELECT id, campaign_id, state, reason, attempted_at, handed_at, message_ref, content_hash FROM message"
        " WHERE id = %s AND contact_id = %s",
        (row.message_id, row.contact_id),
    )


async def _logged(session: Session, ring: KeyRing, contact_id: UUID, text: str) -> dict[str, Any]:
    """The log's entry about a person that holds a text, with all that proves it."""
    entry_id = await _entry_with(session, contact_id, text)
    if entry_id is None:
        raise Refused(
            "decision.unproven",
            "The log holds no digest of this decision: it is about nobody, or older than the digests.",
            mend="read it with zgoda decision show",
        )
    return (await log.prove(session, ring, entry_id, contact_id)).as_json()


async def _entry_with(session: Session, contact_id: UUID, text: str) -> int | None:
    found: int | None = await session.value(
        "SELECT o.entry_id FROM audit_opening o JOIN audit_entry a ON a.id = o.entry_id"
        " WHERE o.contact_id = %s AND position(convert_to(%s, 'UTF8') IN a.body) > 0 ORDER BY 1 LIMIT 1",
        (contact_id, text),
    )
    return found


async def _ground(session: Session, ring: KeyRing, row: Any) -> dict[str, Any] | None:
    """A recorded fact with the log's entry about its recording; None where an import noted it with many others."""
    entry_id = await _entry_with(session, row.contact_id, f'"ground":"{row.id}"')
    if entry_id is None:
        return None
    opened = None
    if row.evidence is not None:
        keys = (await persons.load(session, ring, [row.contact_id]))[row.contact_id]
        opened = json.loads(keys.open(GROUND_EVIDENCE, bytes(row.evidence)))
    told = {name: value for name, value in row._asdict().items() if name not in ("contact_id", "evidence")}
    return {
        "contact": str(row.contact_id),
        "ground": {**told, "id": str(row.id)},
        "evidence": opened,
        "log": (await log.prove(session, ring, entry_id, row.contact_id)).as_json(),
    }


async def _merge(session: Session, ring: KeyRing, contact_id: UUID, other: UUID) -> dict[str, Any] | None:
    """The log's entry by which two records became one person's, opened for both."""
    entry_id = await session.value(
        "SELECT o.entry_id FROM audit_opening o JOIN audit_opening p ON p.entry_id = o.entry_id"
        " JOIN audit_entry a ON a.id = o.entry_id WHERE o.contact_id = %s AND p.contact_id = %s"
        " AND position(convert_to('\"action\":\"contact.merge\"', 'UTF8') IN a.body) > 0 ORDER BY 1 LIMIT 1",
        (contact_id, other),
    )
    if entry_id is None:
        return None
    return {
        "of_decision": (await log.prove(session, ring, entry_id, contact_id)).as_json(),
        "of_evidence": (await log.prove(session, ring, entry_id, other)).as_json(),
    }
