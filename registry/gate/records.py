"""Keeps decisions, with what they rested on: many in one statement, alone or beside their entries in the log."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from registry.gate.model import Decision
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
    numbers = [sorts.setdefault(_sort(decision), len(sorts) + 1) for decision in decisions]
    purposes, channels, outcomes, reasons, bases, grounds, policies, times = zip(*sorts, strict=True)
    messages = message_ids or [None] * len(decisions)
    return {
        "decision_kind": kind,
        "decision_contacts": [decision.contact_id for decision in decisions],
        "decision_ids": [decision.id for decision in decisions],
        "decision_assignments": [decision.identifier or NIL for decision in decisions],
        "decision_evidence": [decision.evidence or NIL for decision in decisions],
        "decision_messages": [one or NIL for one in messages],
        "decision_sorts": numbers,
        "decision_purposes": [_text(one) for one in purposes],
        "decision_channels": [_text(one) for one in channels],
        "decision_outcomes": [_text(one) for one in outcomes],
        "decision_reasons": [_text(one) for one in reasons],
        "decision_bases": [_text(one) for one in bases],
        "decision_grounds": [_text(one) for one in grounds],
        "decision_policies": [_text(one) for one in policies],
        "decision_times": list(times),
    }


def _sort(decision: Decision) -> tuple[object, ...]:
    return (
        decision.purpose,
        decision.channel,
        decision.outcome,
        decision.reason,
        decision.basis,
        decision.channel_ground,
        decision.policy,
        decision.as_of,
    )


def _text(value: object) -> str:
    return "" if value is None else str(value)
