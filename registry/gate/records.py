"""Keeps decisions, with what they rested on: many in one statement, alone or beside their entries in the log."""

from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Any
from uuid import UUID

from registry.gate.evidence import SHARED
from registry.gate.model import Decision
from registry.kit import arrays
from registry.kit.ids import NIL

# Decisions of one batch differ in little but person and address, so what they share is told once. Nothing is null
# on the way: arrays of one type always, so that the statement stays prepared.
INSERT = """
INSERT INTO decision (contact_id, id, kind, purpose, channel, assignment_id, outcome, reason, basis,
    channel_ground, evidence, policy, message_id, decided_at)
SELECT d.contact_id, d.id, %(decision_kind)s, s.purpose, s.channel, NULLIF(d.assignment_id, n.nil), s.outcome,
    s.reason, NULLIF(s.basis, ''), NULLIF(s.channel_ground, ''), NULLIF(d.evidence, n.nil), NULLIF(s.policy, ''),
    NULLIF(d.message_id, n.nil), s.decided_at
FROM (VALUES ('00000000-0000-0000-0000-000000000000'::uuid)) AS n(nil),
    unnest(%(decision_contacts)b::uuid[], %(decision_ids)b::uuid[], %(decision_assignments)b::uuid[],
        %(decision_evidence)b::uuid[], %(decision_messages)b::uuid[], %(decision_sorts)b::int[])
        AS d(contact_id, id, assignment_id, evidence, message_id, sort)
    JOIN unnest(%(decision_purposes)b::text[], %(decision_channels)b::text[], %(decision_outcomes)b::text[],
        %(decision_reasons)b::text[], %(decision_bases)b::text[], %(decision_grounds)b::text[],
        %(decision_policies)b::text[], %(decision_times)b::timestamptz[]) WITH ORDINALITY
        AS s(purpose, channel, outcome, reason, basis, channel_ground, policy, decided_at, sort) USING (sort)"""


def parameters(
    decisions: Sequence[Decision], kind: str, message_ids: Sequence[UUID | None] | None = None
) -> dict[str, Any]:
    """What INSERT takes for these decisions (at least one)."""
    sorts: dict[tuple[object, ...], int] = {}
    sort_of = sorts.setdefault
    numbers = [sort_of(SHARED(decision), len(sorts) + 1) for decision in decisions]
    purposes, channels, outcomes, reasons, bases, grounds, policies, times = zip(*sorts, strict=True)
    return {
        "decision_kind": kind,
        "decision_contacts": arrays.uuids([decision.contact_id for decision in decisions]),
        "decision_ids": arrays.uuids([decision.id for decision in decisions]),
        "decision_assignments": arrays.uuids([decision.identifier or NIL for decision in decisions]),
        "decision_evidence": arrays.uuids([decision.evidence or NIL for decision in decisions]),
        "decision_messages": arrays.uuids([one or NIL for one in message_ids or repeat(NIL, len(decisions))]),
        "decision_sorts": arrays.numbers(numbers),
        "decision_purposes": _texts(purposes),
        "decision_channels": _texts(channels),
        "decision_outcomes": _texts(outcomes),
        "decision_reasons": _texts(reasons),
        "decision_bases": _texts(bases),
        "decision_grounds": _texts(grounds),
        "decision_policies": _texts(policies),
        "decision_times": arrays.instants(times),
    }


def _texts(values: Iterable[object]) -> arrays.Texts:
    return arrays.texts(["" if value is None else str(value) for value in values])
