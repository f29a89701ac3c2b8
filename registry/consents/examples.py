"""Examples for the document: acts and grounds."""

from registry.consents import collection_examples, merging_examples, receipt_examples
from registry.kit.http.examples import CONTACT, EMAIL, ENTRY, GROUND, IDENTIFIER, PERMIT, Example, Examples

EXAMPLES: Examples = {
    **collection_examples.EXAMPLES,
    **merging_examples.EXAMPLES,
    **receipt_examples.EXAMPLES,
    "POST /api/v1/consents": Example(
        requests={
            "a grant": {
                "subject": {"email": EMAIL},
                "kind": "grant",
                "purpose": "newsletter",
                "channel": "email",
                "source": "form:newsletter",
                "act": "ticked",
                "notice": {"version": 1, "locale": "lv"},
                "evidence": {"form": "newsletter-footer@1", "page": "/", "address": "192.0.2.7"},
            },
            "a withdrawal": {
                "subject": {"email": EMAIL},
                "kind": "withdraw",
                "purpose": "newsletter",
                "channel": "email",
                "source": "shop:account",
            },
            "an objection to all marketing": {
                "subject": {"email": EMAIL},
                "kind": "object",
                "purpose": "*",
                "channel": "*",
                "controller": "nordwind",
                "source": "helpdesk",
            },
        },
        answers={
            "a grant": {
                "entries": [
                    {"id": ENTRY, "contact": CONTACT, "seq": 1, "recorded_at": "2026-03-02T09:30:00Z"}
                ],
                "relay_queue_hours": None,
                "permits_voided": [],
                "permits_in_flight": [],
            },
            "a withdrawal": {
                "entries": [
                    {"id": ENTRY, "contact": CONTACT, "seq": 1, "recorded_at": "2026-03-02T09:30:00Z"}
                ],
                "relay_queue_hours": 120,
                "permits_voided": [
                    {
                        "id": PERMIT,
                        "purpose": "newsletter",
                        "channel": "email",
                        "expires_at": "2026-03-02T09:30:00Z",
                    }
                ],
                "permits_in_flight": [],
            },
            "an objection to all marketing": {
                "entries": [
                    {"id": ENTRY, "contact": CONTACT, "seq": 1, "recorded_at": "2026-03-02T09:30:00Z"}
                ],
                "relay_queue_hours": 120,
                "permits_voided": [
                    {
                        "id": PERMIT,
                        "purpose": "newsletter",
                        "channel": "email",
                        "expires_at": "2026-03-02T09:30:00Z",
                    }
                ],
                "permits_in_flight": [],
            },
        },
        problems=(
            "contact.unknown",
            "contact.ambiguous",
            "subject.invalid",
            "identifier.unknown",
            "purpose.unknown",
            "channel.unknown",
            "controller.missing",
            "time.naive",
            "notice.missing",
            "consent.undated",
            "contact.contended",
        ),
    ),
    "POST /api/v1/grounds": Example(
        requests={
            "a sale": {
                "subject": {"email": EMAIL},
                "kind": "sale",
                "controller": "nordwind",
                "occurred_at": "2026-03-01T10:00:00Z",
                "source": "shop",
                "products": ["tents"],
                "opt_out_offered": True,
                "collected_in_sale": True,
                "evidence": {"order": "A-4711"},
            }
        },
        answers={"a sale": {"id": GROUND}},
        problems=(
            "contact.unknown",
            "contact.ambiguous",
            "subject.invalid",
            "identifier.unknown",
            "time.naive",
        ),
    ),
    "GET /api/v1/contacts/{contact_id}/consents": Example(
        path={"contact_id": CONTACT},
        answers={
            "a ledger": {
                "entries": [
                    {
                        "id": "0199f3a2-6c1e-7d4b-9b52-4f0f6d1c2bf0",
                        "seq": 1,
                        "kind": "granted",
                        "grade": "first_party",
                        "controller": "nordwind",
                        "purpose": "newsletter",
                        "channel": "email",
                        "identifier": IDENTIFIER,
                        "acted_at": "2026-03-02T09:30:00Z",
                        "recorded_at": "2026-03-02T09:30:00Z",
                        "refers_to": None,
                        "act": "ticked",
                        "notice": {"version": 1, "locale": "en"},
                        "policy": "c937102169fb9d9b91787ee9bb612ea9",
                        "source": "form",
                        "has_evidence": True,
                    }
                ],
                "next": None,
            }
        },
        problems=("contact.unknown",),
    ),
}
