"""Making a campaign: its template is checked and frozen first, then its audience is asked about and queued."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from registry.audit import entries as audit
from registry.campaigns.schemas import Campaign
from registry.dispatch import composing, handoff, outbox
from registry.dispatch.template_sources import TemplateSet
from registry.gate import audience, rules
from registry.gate import service as gate
from registry.gate.model import PERMIT, Question
from registry.keys.ring import KeyRing
from registry.kit import clock
from registry.kit.caller import Caller
from registry.kit.database import Database, Session
from registry.kit.errors import Misuse, NotFound
from registry.kit.ids import NIL, new_id
from registry.policy.model import PolicySet
from registry.standing import merged

FILLING = "filling"
SENDING = "sending"
DONE = "done"
ALL = "all"
# Persons a transaction: each with its message, and together with their entry in the log.
CHUNK = 10_000


@dataclass(frozen=True, slots=True)
class NewCampaign:
    """What to send to whom; `contact_ids` None is everybody."""

    purpose: str
    channel: str
    template: TemplateSet
    contact_ids: Sequence[UUID] | None = None


async def create(
    session: Session, ring: KeyRing, policies: PolicySet, new: NewCampaign, base_url: str
) -> UUID:
    """Record a campaign that is ready to be filled; nothing is queued yet.

    Raises Misuse `purpose.unknown`, `channel.unknown`, `channel.undeclared`, `channel.no_transport`,
    `campaign.requested_purpose` (what persons ask for, letters bring them one by one), and what the template's check
    says (`template.*`): a marketing template names its sender and the way out (LP-35).
    """
    purpose = gate.require_scope(policies, new.purpose, new.channel)
    if new.channel not in handoff.channels():
        raise Misuse(
            "channel.no_transport",
            "Messages cannot be sent on this channel.",
            field="channel",
            mend=f"one of {', '.join(sorted(handoff.channels()))}",
        )
    template = composing.stored(policies, purpose, new.template, base_url)
    campaign_id = new_id()
    audience: dict[str, Any] = {"all": True}
    if new.contact_ids is not None:
        audience = {"contacts": [str(one) for one in sorted(set(new.contact_ids))]}
    counts = {"at": clock.now().isoformat(), "after": str(NIL), "permitted": 0, "blocked": {}}
    await session.execute(
        "INSERT INTO campaign (id, purpose, channel, template, audience, state, caller, counts)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        (
            campaign_id,
            new.purpose,
            new.channel,
            Jsonb(template),
            Jsonb(audience),
            FILLING,
            session.caller.actor,
            Jsonb(counts),
        ),
    )
    await audit.append(
        session,
        ring,
        "campaign.create",
        detail={
            "campaign": str(campaign_id),
            "purpose": new.purpose,
            "channel": new.channel,
            "template": template["hash"],
        },
    )
    return campaign_id


async def fill(
    database: Database,
    ring: KeyRing,
    policies: PolicySet,
    campaign_id: UUID,
    caller: Caller,
    *,
    chunk: int = CHUNK,
) -> None:
    """Ask the gate about the audience and queue the permitted, some persons a transaction.

    Safe to do again after a crash, or twice at once: the place that was reached is written with the messages.
    """
    while await database.run(caller, lambda session: _fill(session, ring, policies, campaign_id, chunk)):
        pass


async def _fill(session: Session, ring: KeyRing, policies: PolicySet, campaign_id: UUID, chunk: int) -> bool:
    row = await session.first(
        "SELECT purpose, channel, audience, state, counts FROM campaign WHERE id = %s FOR NO KEY UPDATE",
        (campaign_id,),
    )
    if row is None:
        raise CampaignUnknown
    if row.state != FILLING:
        return False
    counts = row.counts
    answers = await _answers(session, policies, row, chunk)
    permitted = [(contact_id, assignment) for contact_id, reason, assignment in answers if reason == PERMIT]
    blocked = Counter(reason for _, reason, _ in answers if reason != PERMIT)
    queued = await _queue(session, policies, campaign_id, row, permitted)
    counts["permitted"] += queued
    for reason, number in blocked.items():
        counts["blocked"][reason] = counts["blocked"].get(reason, 0) + number
    more = len(answers) == chunk
    if answers:
        counts["after"] = str(answers[-1][0])
    # Once everybody is queued, who was meant is kept as a number: a list of ids would outlive an erasure.
    audience = (
        row.audience if more or "contacts" not in row.audience else {"persons": len(row.audience["contacts"])}
    )
    await session.execute(
        "UPDATE campaign SET state = %s, counts = %s, audience = %s WHERE id = %s",
        (FILLING if more else SENDING, Jsonb(counts), Jsonb(audience), campaign_id),
    )
    await audit.append(
        session,
        ring,
        "campaign.send",
        subjects=[contact_id for contact_id, _ in permitted],
        kinds=("standing",),
        detail={
            "campaign": str(campaign_id),
            "purpose": row.purpose,
            "channel": row.channel,
            "queued": queued,
            "blocked": dict(sorted(blocked.items())),
        },
    )
    return more


async def _answers(
    session: Session, policies: PolicySet, row: Any, chunk: int
) -> list[tuple[UUID, str, UUID | None]]:
    """The next persons of the audience in id order: (person, reason, the address that the answer is about)."""
    after = UUID(row.counts["after"])
    if "contacts" in row.audience:
        wanted = [one for one in map(UUID, row.audience["contacts"]) if one > after][:chunk]
        questions = [Question(one, row.purpose, row.channel) for one in wanted]
        return [
            (answer.contact_id, answer.reason, answer.identifier)
            for answer in await gate.decide(session, policies, questions)
        ]
    purpose = policies.purposes[row.purpose]
    at = datetime.fromisoformat(row.counts["at"])
    statement = audience.chunk(policies, purpose, row.channel, at, after, chunk)
    found = await session.all(statement.text, statement.params)
    return [(one.contact_id, rules.REASONS[one.code], one.assignment_id) for one in found]


async def _queue(
    session: Session,
    policies: PolicySet,
    campaign_id: UUID,
    row: Any,
    permitted: Sequence[tuple[UUID, UUID | None]],
) -> int:
    if not permitted:
        return 0
    permitted = await _addressed(session, permitted)
    # A person who is being erased now is waited for, and then not there any more.
    cursor = await session.execute(
        "INSERT INTO message (id, contact_id, campaign_id, purpose, channel, class, assignment_id, state)"
        " SELECT w.id, w.contact_id, %(campaign)s, %(purpose)s, %(channel)s, %(class)s, w.assignment_id, %(state)s"
        " FROM unnest(%(ids)s::uuid[], %(contacts)s::uuid[], %(assignments)s::uuid[])"
        " AS w(id, contact_id, assignment_id) JOIN contact c ON c.id = w.contact_id FOR KEY SHARE OF c",
        {
            "campaign": campaign_id,
            "purpose": row.purpose,
            "channel": row.channel,
            "class": policies.purposes[row.purpose].class_.value,
            "state": outbox.QUEUED,
            "ids": [new_id() for _ in permitted],
            "contacts": [contact_id for contact_id, _ in permitted],
            "assignments": [assignment_id for _, assignment_id in permitted],
        },
    )
    return cursor.rowcount


async def _addressed(
    session: Session, permitted: Sequence[tuple[UUID, UUID | None]]
) -> list[tuple[UUID, UUID | None]]:
    """The same, each under the record that has the address: of a person of several records, that one's keys open it."""
    of = await merged.records(session, [contact_id for contact_id, _ in permitted])
    if not of:
        return list(permitted)
    rows = await session.all(
        "SELECT contact_id, id FROM assignment WHERE contact_id = ANY(%b::uuid[]) AND id = ANY(%b::uuid[])",
        (
            sorted({record for records in of.values() for record in records}),
            [assignment for contact_id, assignment in permitted if contact_id in of and assignment],
        ),
    )
    holders = {row.id: row.contact_id for row in rows}
    return [
        (holders.get(assignment, contact_id) if assignment else contact_id, assignment)
        for contact_id, assignment in permitted
    ]


class CampaignUnknown(NotFound):
    """There is no such campaign, or not for this caller."""

    def __init__(self) -> None:
        super().__init__("campaign.unknown", "There is no such campaign.", mend="see zgoda campaign send")


async def unfilled(session: Session) -> list[UUID]:
    """Campaigns whose filling was begun and not finished."""
    rows = await session.all("SELECT id FROM campaign WHERE state = %s ORDER BY id", (FILLING,))
    return [row.id for row in rows]


async def purpose_of(session: Session, campaign_id: UUID) -> str:
    """The purpose of a campaign; CampaignUnknown when there is none."""
    purpose: str | None = await session.value("SELECT purpose FROM campaign WHERE id = %s", (campaign_id,))
    if purpose is None:
        raise CampaignUnknown
    return purpose


async def show(session: Session, campaign_id: UUID) -> Campaign:
    """A campaign with its counts by state and reason. Counts name nobody, so there is nothing to audit."""
    row = await session.first(
        "SELECT id, purpose, channel, state, created_at, template ->> 'hash' AS hash, counts"
        " FROM campaign WHERE id = %s",
        (campaign_id,),
    )
    if row is None:
        raise CampaignUnknown
    counted = await session.all(
        "SELECT CASE WHEN state = 'queued' AND due_at > now() AND reason IS NOT NULL THEN 'deferred'"
        " ELSE state END AS state, reason, count(*) AS n FROM message WHERE campaign_id = %s GROUP BY 1, 2",
        (campaign_id,),
    )
    messages: Counter[str] = Counter()
    reasons: dict[str, dict[str, int]] = {}
    for one in counted:
        messages[one.state] += one.n
        if one.reason is not None:
            reasons.setdefault(one.state, {})[one.reason] = one.n
    open_ = sum(messages[state] for state in (outbox.QUEUED, outbox.DEFERRED, outbox.HANDING_OFF))
    return Campaign(
        id=row.id,
        purpose=row.purpose,
        channel=row.channel,
        state=DONE if row.state == SENDING and not open_ else row.state,
        created_at=row.created_at,
        template=row.hash,
        permitted=row.counts["permitted"],
        blocked=row.counts["blocked"],
        messages={state: messages[state] for state in outbox.STATES if messages[state]},
        reasons=reasons,
    )
