"""What a decision looks like in the examples for the document, wherever one is answered."""

from typing import Any

from registry.kit.http.examples import ENTRY, IDENTIFIER

POLICY = "c937102169fb9d9b91787ee9bb612ea9"


def decided(decision: str, **other: Any) -> dict[str, Any]:
    """A permit that rests on a consent, but for what is `other`; `decision` are the last two digits of its id."""
    return {
        "decision_id": f"0199f3a2-6c1e-7d4b-9b52-4f0f6d1c2b{decision}",
        "outcome": "permit",
        "reason": "permit",
        "basis": "consent",
        "channel_ground": "consent",
        "identifier": IDENTIFIER,
        "evidence": ENTRY,
        "policy": POLICY,
        "not_before": None,
        "as_of": "2026-03-02T09:30:00Z",
        **other,
    }
