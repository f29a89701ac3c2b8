"""Examples for the document: persons."""

from registry.kit.http.examples import CONTACT, EMAIL, IDENTIFIER, Example, Examples

EXAMPLES: Examples = {
    "POST /api/v1/contacts": Example(
        requests={
            "a form of our own": {
                "identifiers": [{"kind": "email", "value": EMAIL}, {"kind": "external", "value": "C-1001"}],
                "source": "form:newsletter",
                "fields": {"first_name": "Anna"},
                "locale": "lv",
                "country": "LV",
                "subscriber": "natural",
            }
        },
        answers={"a form of our own": {"id": CONTACT, "created": False}},
        problems=(
            "field.undeclared",
            "identifier.taken",
            "address.erased",
            "contact.ambiguous",
            "identifier.invalid",
            "purpose.out_of_scope",
        ),
    ),
    "POST /api/v1/contacts/lookup": Example(
        requests={"an address": {"kind": "email", "value": EMAIL}},
        answers={
            "an address": {"contacts": [{"id": CONTACT, "identifier": IDENTIFIER, "mode": "exclusive"}]}
        },
    ),
    "GET /api/v1/contacts/{contact_id}": Example(
        path={"contact_id": CONTACT},
        answers={
            "a person": {
                "id": CONTACT,
                "created_at": "2026-03-02T09:30:00Z",
                "source": "form",
                "locale": "lv",
                "country": "LV",
                "subscriber": "natural",
                "restricted_at": None,
                "preferences": {"channel": None, "part_of_day": "any", "time_zone": None},
                "identifiers": [
                    {
                        "id": IDENTIFIER,
                        "kind": "email",
                        "value": EMAIL,
                        "mode": "exclusive",
                        "valid_from": "2026-03-02T09:30:00Z",
                        "valid_to": None,
                        "verified_at": None,
                        "source": "form",
                    },
                    {
                        "id": "0199f3a2-6c1e-7d4b-9b52-4f0f6d1c2beb",
                        "kind": "external",
                        "value": "C-1001",
                        "mode": "exclusive",
                        "valid_from": "2026-03-02T09:30:00Z",
                        "valid_to": None,
                        "verified_at": None,
                        "source": "form",
                    },
                ],
                "fields": {
                    "first_name": {"value": "Anna", "source": "form", "recorded_at": "2026-03-02T09:30:00Z"}
                },
            }
        },
        problems=("contact.unknown",),
    ),
    "POST /api/v1/contacts/{contact_id}/preferences": Example(
        path={"contact_id": CONTACT},
        requests={
            "by e-mail, at any time": {"channel": "email", "part_of_day": "any", "time_zone": "Europe/Riga"}
        },
        answers={
            "by e-mail, at any time": {"channel": "email", "part_of_day": "any", "time_zone": "Europe/Riga"}
        },
        problems=("contact.unknown",),
    ),
}
