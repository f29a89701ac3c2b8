"""Examples for the document: permits."""

from registry.gate.decision_examples import decided
from registry.kit.http.examples import (
    CONTENT_HASH,
    EMAIL,
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
                "decision": decided("01"),
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
                "decision": decided("4b"),
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
