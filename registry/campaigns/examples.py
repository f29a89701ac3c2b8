"""Examples for the document: campaigns."""

from registry.kit.http.examples import CAMPAIGN, Example, Examples

_HTML = "<p>{{ controller.name }}, {{ controller.address }} <a href='{{ unsubscribe_url }}'>Stop</a></p>"

EXAMPLES: Examples = {
    "POST /api/v1/campaigns": Example(
        requests={
            "to everybody who agreed": {
                "purpose": "newsletter",
                "channel": "email",
                "template": {
                    "locales": {
                        "en": {
                            "subject": "Autumn in the forest",
                            "text": "{{ controller.name }}, {{ controller.address }}: {{ unsubscribe_url }}",
                            "html": _HTML,
                        }
                    },
                    "fallback": "en",
                },
            }
        },
        answers={
            "to everybody who agreed": {
                "id": CAMPAIGN,
                "purpose": "newsletter",
                "channel": "email",
                "state": "filling",
                "created_at": "2026-03-02T09:30:00Z",
                "template": "c513f306178993dcff65767e50fc7de515a11db86b78d2e243d39b192c557f90",
                "permitted": 0,
                "blocked": {},
                "messages": {},
                "reasons": {},
            }
        },
    ),
    "GET /api/v1/campaigns/{campaign_id}": Example(
        path={"campaign_id": CAMPAIGN},
        answers={
            "under way": {
                "id": CAMPAIGN,
                "purpose": "newsletter",
                "channel": "email",
                "state": "filling",
                "created_at": "2026-03-02T09:30:00Z",
                "template": "c513f306178993dcff65767e50fc7de515a11db86b78d2e243d39b192c557f90",
                "permitted": 0,
                "blocked": {},
                "messages": {},
                "reasons": {},
            }
        },
        problems=("campaign.unknown",),
    ),
}
