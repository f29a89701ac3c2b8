"""Writes the facts that bases other than consent rest on: a sale, a contract, a request."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from registry.consents.authority import HOLDER, METHOD
from registry.consents.grounds import KINDS, PARENTAL
from registry.consents.validation import CLOCK_TOLERANCE
from registry.keys import persons
from registry.keys.columns import GROUND_EVIDENCE
from registry.keys.ring import KeyRing
from registry.kit.database import Session
from registry.kit.errors import Misuse
from registry.kit.ids import new_id
from registry.policy.model import PolicySet
from registry.standing import service as standing


@dataclass(frozen=True, slots=True)
class NewGround:
    """A fact to record. `assignment_id` is the address that was got in the sale, for soft opt-in."""

    contact_id: UUID
    kind: str
    controller: str
    occurred_at: datetime
    source: str
    assignment_id: UUID | None = None
    products: tuple[str, ...] = ()
    opt_out_offered: bool = False
    collected_in_sale: bool = False
    ends_at: datetime | None = None
    origin: bytes | None = None
    evidence: Mapping[str, Any] | None = None


_COLUMNS = (
    "contact_id",
    "seq",
    "id",
    "kind",
    "controller",
    "assignment_id",
    "products",
    "opt_out_offered",
    "collected_in_sale",
    "occurred_at",
    "ends_at",
    "recorded_at",
    "source",
    "actor",
    "origin",
    "evidence",
)


async def record(
    session: Session, ring: KeyRing, policies: PolicySet, grounds: Sequence[NewGround]
) -> list[UUID]:
    """Append grounds; ids in the order given. The persons are locked by the caller.

    Refuses an unknown kind or controller, a fact from the future, and a parent's authority that does not tell who
    agreed and how that is known, before anything is written.
    """
    if not grounds:
        return []
    recorded_at: datetime = await session.value("SELECT clock_timestamp()")
    for ground in grounds:
        _validate(policies, ground, recorded_at)
    known = {
        (row.contact_id, bytes(row.origin)): row.id
        for row in await session.all(
            "SELECT contact_id, origin, id FROM ground WHERE contact_id = ANY(%s) AND origin = ANY(%s)",
            ([g.contact_id for g in grounds], [g.origin for g in grounds if g.origin is not None]),
        )
    }
    ids: list[UUID] = []
    fresh: list[tuple[UUID, NewGround]] = []
    for ground in grounds:
        key = (ground.contact_id, ground.origin or b"")
        if ground.origin is not None and key in known:
            ids.append(known[key])
            continue
        ground_id = new_id()
        if ground.origin is not None:
            known[key] = ground_id
        fresh.append((ground_id, ground))
        ids.append(ground_id)
    seqs = await standing.next_seqs(session, Counter(g.contact_id for _, g in fresh)) if fresh else {}
    sealers = await persons.load(session, ring, {g.contact_id for _, g in fresh if g.evidence})
    rows = []
    for ground_id, ground in fresh:
        seq = seqs[ground.contact_id]
        seqs[ground.contact_id] = seq + 1
        evidence = None
        if ground.evidence:
            plain = json.dumps(ground.evidence, ensure_ascii=False, sort_keys=True, default=str).encode()
            evidence = sealers[ground.contact_id].seal(GROUND_EVIDENCE, plain)
        rows.append(
            (
                ground.contact_id,
                seq,
                ground_id,
                ground.kind,
                ground.controller,
                ground.assignment_id,
                list(ground.products),
                ground.opt_out_offered,
                ground.collected_in_sale,
                ground.occurred_at,
                ground.ends_at,
                recorded_at,
                ground.source,
                session.caller.actor,
                ground.origin,
                evidence,
            )
        )
    await session.copy("ground", _COLUMNS, rows)
    session.stale.update(ground.contact_id for _, ground in fresh)
    return ids


def _validate(policies: PolicySet, ground: NewGround, at: datetime) -> None:
    if ground.kind not in KINDS:
        raise Misuse(
            "ground.kind_unknown",
            "There is no such kind of ground.",
            field="kind",
            mend=f"one of {', '.join(KINDS)}",
        )
    if ground.controller not in policies.controllers:
        raise Misuse(
            "controller.unknown",
            "There is no such controller.",
            field="controller",
            mend=f"one of {', '.join(sorted(policies.controllers))}",
        )
    if ground.occurred_at > at + CLOCK_TOLERANCE:
        raise Misuse("ground.in_future", "The fact lies in the future.", field="occurred_at")
    if ground.kind == PARENTAL:
        evidence = ground.evidence or {}
        if missing := [name for name in (HOLDER, METHOD) if not str(evidence.get(name) or "").strip()]:
            raise Misuse(
                "ground.evidence_missing",
                "A parent's authority must tell who holds it and how that was verified (GDPR art. 8(2)).",
                field="evidence",
                mend=f"add {' and '.join(missing)} to the evidence",
            )
