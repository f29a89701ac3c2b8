"""Examples for the document: records of one person, and machine signals."""

from registry.kit.http.examples import CONTACT, IDENTIFIER, MERGE, OTHER_CONTACT, Example, Examples

_NEW_IDENTIFIER = "0199f3a2-6c1e-7d4b-9b52-4f0f6d1c2b21"

EXAMPLES: Examples = {
    "POST /api/v1/contacts/{contact_id}/merge": Example(
        path={"contact_id": CONTACT},
        requests={
            "two accounts": {"other": {"id": OTHER_CONTACT}, "reason": "asked at the desk, passport shown"}
        },
        answers={
            "two accounts": {
                "id": MERGE,
                "surviving": CONTACT,
                "merged": OTHER_CONTACT,
                "merged_at": "2026-03-02T09:30:00Z",
                "records": [CONTACT, OTHER_CONTACT],
                "permits_voided": [],
            }
        },
        problems=(
            "contact.unknown",
            "contact.ambiguous",
            "subject.invalid",
            "contact.same",
            "contact.merged_already",
        ),
    ),
    "POST /api/v1/contacts/{contact_id}/unmerge": Example(
        path={"contact_id": CONTACT},
        requests={"a mistake": {"merge": MERGE}},
        answers={
            "a mistake": {
                "id": MERGE,
                "surviving": [CONTACT],
                "merged": [OTHER_CONTACT],
                "unmerged_at": "2026-03-03T12:00:00Z",
                "carried": 1,
                "permits_voided": [],
            }
        },
        problems=("contact.unknown", "merge.unknown", "merge.undone"),
    ),
    "POST /api/v1/contacts/{contact_id}/identifiers/{identifier_id}/change": Example(
        path={"contact_id": CONTACT, "identifier_id": IDENTIFIER},
        requests={
            "a new address": {"value": "anna@example.org", "source": "shop:account", "by_person": True}
        },
        answers={
            "a new address": {
                "contact": CONTACT,
                "ended": [IDENTIFIER],
                "identifier": _NEW_IDENTIFIER,
                "carried": 0,
                "permits_voided": [],
            }
        },
        problems=("contact.unknown", "identifier.unknown", "address.erased"),
    ),
    "POST /api/v1/signals": Example(
        requests={"a browser that says no": {"source": "site", "device": "d-5f0c", "sec_gpc": "1"}},
        answers={"a browser that says no": {"honoured": True, "objections": []}},
        problems=("subject.invalid", "contact.unknown"),
    ),
    "GET /.well-known/gpc.json": Example(
        answers={"it yields to it": {"gpc": True, "lastUpdate": "2026-03-02"}},
    ),
}
