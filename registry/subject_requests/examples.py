"""Examples for the document: the requests of persons."""

from registry.kit.http.examples import CONTACT, EMAIL, PERMIT, REQUEST, Example, Examples

EXAMPLES: Examples = {
    "POST /api/v1/subject-requests": Example(
        requests={
            "a copy of the data": {"subject": {"email": EMAIL}, "kind": "access"},
            "a restriction": {"subject": {"email": EMAIL}, "kind": "restriction", "because": "accuracy"},
            "an erasure": {"subject": {"email": EMAIL}, "kind": "erasure"},
        },
        answers={
            "a copy of the data": {
                "id": REQUEST,
                "kind": "access",
                "contact": CONTACT,
                "state": "completed",
                "package": {
                    "format": "zgoda-access-package-1",
                    "request": "0199f3a2-6c1e-7d4b-9b52-4f0f6d1c2bf8",
                    "contact": CONTACT,
                    "made_at": "2026-03-02T09:30:00Z",
                    "items": 3549,
                },
            },
            "a restriction": {
                "id": REQUEST,
                "kind": "restriction",
                "contact": CONTACT,
                "state": "restricted",
                "permits_voided": [
                    {
                        "id": PERMIT,
                        "purpose": "newsletter",
                        "channel": "email",
                        "expires_at": "2026-03-02T09:30:00Z",
                    }
                ],
                "permits_in_flight": [
                    {
                        "id": "0199f3a2-6c1e-7d4b-9b52-4f0f6d1c2b30",
                        "purpose": "newsletter",
                        "channel": "email",
                        "redeemed_at": "2026-03-02T09:30:00Z",
                    }
                ],
            },
            "an erasure": {
                "id": REQUEST,
                "kind": "erasure",
                "contact": CONTACT,
                "state": "erased",
                "erased_at": "2026-03-02T09:30:00Z",
                "permits_voided": [
                    {
                        "id": PERMIT,
                        "purpose": "newsletter",
                        "channel": "email",
                        "expires_at": "2026-03-02T09:30:00Z",
                    }
                ],
                "permits_in_flight": [
                    {
                        "id": "0199f3a2-6c1e-7d4b-9b52-4f0f6d1c2b30",
                        "purpose": "newsletter",
                        "channel": "email",
                        "redeemed_at": "2026-03-02T09:30:00Z",
                    }
                ],
                "counts": {
                    "person_key": 1,
                    "ground": 1,
                    "gate_state": 7,
                    "address": 1,
                    "restriction": 1,
                    "handoff_count": 1,
                    "contact_field": 1,
                    "assignment": 2,
                    "contact": 1,
                    "identifier": 2,
                    "identifier_index": 2,
                    "subject_request": 2,
                },
            },
        },
        problems=("contact.unknown", "contact.ambiguous", "subject.invalid"),
    ),
}
