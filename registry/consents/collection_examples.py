"""Examples for the document: forms."""

from registry.kit.http.examples import CONTACT, EMAIL, Example, Examples

EXAMPLES: Examples = {
    "GET /api/v1/collection/{point}": Example(
        path={"point": "newsletter-footer"},
        answers={
            "a form": {
                "id": "newsletter-footer",
                "version": 1,
                "locale": "lv",
                "controller": "nordwind",
                "hash": "588be01546aa5400cc84a5c1ca51d290bb8e9c168db1f18ae0cb995471fc7bb4",
                "controls": [
                    {
                        "id": "email",
                        "kind": "email",
                        "label": "Jūsu e-pasta adrese",
                        "required": True,
                        "submits": False,
                        "step": 1,
                        "prominence": "primary",
                        "default": False,
                        "options": [],
                    },
                    {
                        "id": "first-name",
                        "kind": "text",
                        "label": "Jūsu vārds (nav obligāti)",
                        "required": False,
                        "submits": False,
                        "step": 1,
                        "prominence": "primary",
                        "default": False,
                        "options": [],
                    },
                    {
                        "id": "newsletter",
                        "kind": "checkbox",
                        "label": "Jā, SIA Nordwind drīkst man e-pastā sūtīt jaunumu vēstuli…",
                        "required": False,
                        "submits": False,
                        "step": 1,
                        "prominence": "primary",
                        "default": False,
                        "options": [],
                    },
                ],
                "information": "# Pirms atstājat mums savu adresi\n\n## Kas jums jautā\nSIA…",
                "notices": [
                    {
                        "purpose": "newsletter",
                        "version": 1,
                        "body": "# “Nordwind” jaunumu vēstule: informācija par jūsu datiem…",
                    }
                ],
            }
        },
        problems=("point.unknown",),
    ),
    "POST /api/v1/collection/{point}/submissions": Example(
        path={"point": "newsletter-footer"},
        requests={
            "a ticked box": {
                "version": 1,
                "locale": "lv",
                "controls": {"email": EMAIL, "newsletter": True, "send": True},
                "evidence": {"page": "/", "address": "192.0.2.7"},
            }
        },
        answers={
            "a ticked box": {
                "contact": CONTACT,
                "created": False,
                "entries": [
                    {
                        "purpose": "newsletter",
                        "channel": "email",
                        "kind": "granted",
                        "id": "0199f3a2-6c1e-7d4b-9b52-4f0f6d1c2be0",
                    }
                ],
                "grounds": [],
                "relay_queue_hours": None,
                "permits_voided": [],
                "permits_in_flight": [],
            }
        },
        problems=("point.unknown",),
    ),
}
