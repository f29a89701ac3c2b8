"""Examples for the document: AuthZEN."""

from dataclasses import replace

from registry.kit.http.examples import CONTACT, EMAIL, ENTRY, IDENTIFIER, Example, Examples

EXAMPLES: Examples = {
    "POST /access/v1/evaluation": Example(
        requests={
            "one person": {
                "subject": {"type": "email", "id": EMAIL},
                "action": {"name": "email"},
                "resource": {"type": "purpose", "id": "newsletter"},
            }
        },
        answers={
            "one person": {
                "decision": True,
                "context": {
                    "reason": "permit",
                    "outcome": "permit",
                    "basis": "consent",
                    "channel_ground": "consent",
                    "identifier": IDENTIFIER,
                    "evidence": ENTRY,
                    "policy": "c937102169fb9d9b91787ee9bb612ea9",
                },
            }
        },
        problems=("content_type.unsupported",),
    ),
    "POST /access/v1/evaluations": Example(
        requests={
            "two purposes": {
                "subject": {"type": "email", "id": EMAIL},
                "action": {"name": "email"},
                "evaluations": [
                    {"resource": {"type": "purpose", "id": "newsletter"}},
                    {"resource": {"type": "purpose", "id": "order-messages"}},
                ],
                "options": {"evaluations_semantic": "execute_all"},
            }
        },
        answers={
            "two purposes": {
                "evaluations": [
                    {
                        "decision": True,
                        "context": {
                            "reason": "permit",
                            "outcome": "permit",
                            "basis": "consent",
                            "channel_ground": "consent",
                            "identifier": IDENTIFIER,
                            "evidence": ENTRY,
                            "policy": "c937102169fb9d9b91787ee9bb612ea9",
                        },
                    },
                    {
                        "decision": True,
                        "context": {
                            "reason": "permit",
                            "outcome": "permit",
                            "basis": "contract",
                            "identifier": IDENTIFIER,
                            "evidence": "0199f3a2-6c1e-7d4b-9b52-4f0f6d1c2ba6",
                            "policy": "b89c8022ec9cc5972d45127f9a5506e2",
                        },
                    },
                ]
            }
        },
        problems=(
            "content_type.unsupported",
            "evaluation.incomplete",
        ),
    ),
    "POST /access/v1/search/subject": Example(
        requests={
            "everybody for a purpose": {
                "subject": {"type": "contact"},
                "action": {"name": "email"},
                "resource": {"type": "purpose", "id": "newsletter"},
                "page": {"limit": 100},
            }
        },
        answers={
            "everybody for a purpose": {
                "page": {"next_token": "", "count": 1},
                "results": [{"type": "contact", "id": CONTACT}],
            }
        },
        problems=("content_type.unsupported",),
    ),
    "POST /access/v1/search/resource": Example(
        requests={
            "the purposes for a person": {
                "subject": {"type": "email", "id": EMAIL},
                "action": {"name": "email"},
                "resource": {"type": "purpose"},
            }
        },
        answers={
            "the purposes for a person": {
                "page": {"next_token": "", "count": 3},
                "results": [
                    {"type": "purpose", "id": "newsletter"},
                    {"type": "purpose", "id": "order-messages"},
                    {"type": "purpose", "id": "request-answers"},
                ],
            }
        },
        problems=("content_type.unsupported",),
    ),
    "POST /access/v1/search/action": Example(
        requests={
            "the channels for a person": {
                "subject": {"type": "email", "id": EMAIL},
                "resource": {"type": "purpose", "id": "newsletter"},
            }
        },
        answers={
            "the channels for a person": {
                "page": {"next_token": "", "count": 1},
                "results": [{"name": "email"}],
            }
        },
        problems=("content_type.unsupported",),
    ),
    "GET /.well-known/authzen-configuration": Example(
        answers={
            "what is where": {
                "policy_decision_point": "http://127.0.0.1:8400",
                "access_evaluation_endpoint": "http://127.0.0.1:8400/access/v1/evaluation",
                "access_evaluations_endpoint": "http://127.0.0.1:8400/access/v1/evaluations",
                "search_subject_endpoint": "http://127.0.0.1:8400/access/v1/search/subject",
                "search_resource_endpoint": "http://127.0.0.1:8400/access/v1/search/resource",
                "search_action_endpoint": "http://127.0.0.1:8400/access/v1/search/action",
            }
        }
    ),
}
EXAMPLES = {
    **EXAMPLES,
    "GET /.well-known/authzen-configuration/{place}": replace(
        EXAMPLES["GET /.well-known/authzen-configuration"],
        path={"place": "nordwind"},
        problems=("decision_point.unknown",),
    ),
}
