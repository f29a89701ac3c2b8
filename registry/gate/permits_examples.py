"""Examples for the document: permits."""

from registry.kit.http.examples import (
    CONTENT_HASH,
    EMAIL,
    ENTRY,
    IDENTIFIER,
    PERMIT,
    TOKEN,
    Example,
    Examples,
)

EXAMPLES: Examples = {
    "POST /api/v1/permits": Example(
        requests={
            "a message in a minute": {
                "subject": {"email": EMAIL},
                "purpose": "newsletter",
                "channel": "email",
                "content_hash": CONTENT_HASH,
                "expires_in": 60,
            }
        },
        answers={
            "a message in a minute": {
                "decision": {
                    "decision_id": "0199f3a2-6c1e-7d4b-9b52-4f0f6d1c2b01",
                    "outcome": "permit",
                    "reason": "permit",
                    "basis": "consent",
                    "channel_ground": "consent",
                    "identifier": IDENTIFIER,
                    "evidence": ENTRY,
                    "policy": "c937102169fb9d9b91787ee9bb612ea9",
                    "not_before": None,
                    "as_of": "2026-03-02T09:30:00Z",
                },
                "permit": {
                    "id": PERMIT,
                    "token": TOKEN,
                    "identifier": IDENTIFIER,
                    "expires_at": "2026-03-02T09:31:00Z",
                },
            }
        },
        problems=("subject.invalid",),
    ),
    "POST /api/v1/permits/redeem": Example(
        requests={"at the moment of sending": {"token": TOKEN, "content_hash": CONTENT_HASH}},
        answers={
            "at the moment of sending": {
                "outcome": "permit",
                "reason": "permit",
                "permit": PERMIT,
                "decision": {
                    "decision_id": "0199f3a2-6c1e-7d4b-9b52-4f0f6d1c2b4b",
                    "outcome": "permit",
                    "reason": "permit",
                    "basis": "consent",
                    "channel_ground": "consent",
                    "identifier": IDENTIFIER,
                    "evidence": ENTRY,
                    "policy": "c937102169fb9d9b91787ee9bb612ea9",
                    "not_before": None,
                    "as_of": "2026-03-02T09:30:00Z",
                },
            }
        },
    ),
    "POST /api/v1/permits/void": Example(
        requests={"by its id": {"permit": PERMIT}},
        answers={
            "by its id": {
                "id": PERMIT,
                "state": "voided",
                "purpose": "newsletter",
                "channel": "email",
                "expires_at": "2026-03-02T09:30:00Z",
                "ended_at": "2026-03-02T09:30:00Z",
            }
        },
        problems=("permit.unnamed", "permit.unknown"),
    ),
}
