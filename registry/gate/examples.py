"""Examples for the document: decisions."""

from registry.gate import authzen_examples, permits_examples
from registry.gate.decision_examples import POLICY, decided
from registry.kit.http.examples import CONTACT, DECISION, EMAIL, ENTRY, IDENTIFIER, Example, Examples

EXAMPLES: Examples = {
    "GET /api/v1/decisions/export": Example(
        query={"purpose": "newsletter", "channel": "email", "outcome": "permit"},
        answers={
            "the first line": {
                "purpose": "newsletter",
                "channel": "email",
                "policy": POLICY,
                "as_of": "2026-03-02T09:30:00Z",
                "outcome": "permit",
                "reason": None,
                "after": None,
            },
            "a person": {
                "contact": CONTACT,
                "outcome": "permit",
                "reason": "permit",
                "identifier": IDENTIFIER,
            },
            "the last line": {
                "complete": True,
                "persons": 84210,
                "listed": 61377,
                "reasons": {"permit": 61377, "consent.missing": 22833},
            },
        },
        problems=("purpose.unknown", "channel.unknown", "channel.undeclared"),
    ),
    **authzen_examples.EXAMPLES,
    **permits_examples.EXAMPLES,
    "POST /api/v1/decisions": Example(
        requests={
            "one person": {"subject": {"email": EMAIL}, "purpose": "newsletter", "channel": "email"},
            "an audience": {"audience": "all", "purpose": "newsletter", "channel": "email"},
        },
        answers={
            "one person": decided("31"),
            "an audience": {
                "persons": 84210,
                "permitted": 61377,
                "blocked": {"consent.missing": 20411, "consent.withdrawn": 2307, "address.suppressed": 115},
                "purpose": "newsletter",
                "channel": "email",
                "as_of": "2026-03-02T09:30:00Z",
            },
        },
        problems=(
            "subject.invalid",
            "audience.misused",
            "time.in_future",
            "time.naive",
            "channel.undeclared",
        ),
    ),
    "POST /api/v1/decisions/batch": Example(
        requests={
            "one purpose": {
                "purpose": "newsletter",
                "channel": "email",
                "subjects": [{"email": EMAIL}, {"external": "C-9999"}],
            },
            "each its own": {
                "questions": [
                    {"subject": {"email": EMAIL}, "purpose": "newsletter", "channel": "email"},
                    {"subject": {"email": EMAIL}, "purpose": "order-messages", "channel": "email"},
                ]
            },
        },
        answers={
            "one purpose": {
                "decisions": [
                    decided("1b"),
                    decided(
                        "1c",
                        outcome="deny",
                        reason="contact.unknown",
                        channel_ground=None,
                        identifier=None,
                        evidence=None,
                    ),
                ]
            },
            "each its own": {
                "decisions": [
                    decided("2a"),
                    decided(
                        "2b",
                        basis="contract",
                        channel_ground=None,
                        evidence="0199f3a2-6c1e-7d4b-9b52-4f0f6d1c2ba6",
                        policy="b89c8022ec9cc5972d45127f9a5506e2",
                    ),
                ]
            },
        },
        problems=("batch.invalid", "subject.invalid"),
    ),
    "GET /api/v1/decisions/{decision_id}": Example(
        path={"decision_id": DECISION},
        answers={
            "a decision": {
                "id": DECISION,
                "contact": CONTACT,
                "kind": "check",
                "reconstructed": False,
                "purpose": "newsletter",
                "channel": "email",
                "identifier": IDENTIFIER,
                "outcome": "permit",
                "reason": "permit",
                "article": None,
                "basis": "consent",
                "channel_ground": "consent",
                "evidence": ENTRY,
                "decided_at": "2026-03-02T09:30:00Z",
                "policy": {
                    "version": POLICY,
                    "author": "operator",
                    "reason": "test",
                    "recorded_at": "2026-03-02T09:30:00Z",
                },
                "entry": {
                    "id": ENTRY,
                    "contact": CONTACT,
                    "kind": "granted",
                    "grade": "first_party",
                    "acted_at": "2026-03-02T09:30:00Z",
                    "recorded_at": "2026-03-02T09:30:00Z",
                    "act": "ticked",
                    "source": "form",
                    "notice_version": 1,
                    "notice_locale": "en",
                },
                "ground": None,
                "message": None,
            }
        },
        problems=("decision.unknown",),
    ),
    "GET /api/v1/decisions/{decision_id}/proof": Example(
        path={"decision_id": DECISION},
        answers={
            "a proof": {
                "format": "zgoda-decision-proof-1",
                "contact": CONTACT,
                "decision": {
                    "id": DECISION,
                    "kind": "check",
                    "purpose": "newsletter",
                    "channel": "email",
                    "assignment_id": IDENTIFIER,
                    "outcome": "permit",
                    "reason": "permit",
                    "basis": "consent",
                    "channel_ground": "consent",
                    "evidence": ENTRY,
                    "policy": POLICY,
                    "message_id": None,
                    "decided_at": "2026-03-02T09:30:00Z",
                },
                "log": {
                    "entry": '{"action":"decision.check","actor":"key:01a2020d-831e-71c…',
                    "proof": "c2sp.org/tlog-proof@v1\nindex 111\nRGK/ABWwooQYH9V8ZZvLCS1E…",
                    "opening": {
                        "subject": CONTACT,
                        "position": 0,
                        "nonce": "ECyLBwVYlRcM0sxqi0hzpumyuR0HJFtQ4IB5FGu/WaM=",
                        "path": [],
                    },
                },
                "policy": {
                    "version": POLICY,
                    "author": "operator",
                    "reason": "test",
                    "recorded_at": "2026-03-02T09:30:00Z",
                    "body": {
                        "ages": [{"age": 14, "since": "2018-05-25", "source": "DSG § 4(4)", "country": "AT"}],
                        "lists": {
                            "at-ecg": {
                                "id": "at-ecg",
                                "kind": "national",
                                "title": {"de": "ECG-Liste", "en": "ECG list (no e-mail advertising)"},
                                "source": "ECG § 7(2); ECG-Liste of RTR",
                            },
                            "es-robinson": {
                                "id": "es-robinson",
                                "kind": "national",
                                "title": {"en": "Robinson list", "es": "Lista Robinson"},
                                "source": "Ley Orgánica 3/2018 art. 23; Lista Robinson of Adigital",
                            },
                            "own-nordwind": {
                                "id": "own-nordwind",
                                "kind": "own",
                                "title": {
                                    "en": "People who want no advertising from Nordwind",
                                    "lv": "Personas, kas nevēlas Nordwind reklāmu",
                                    "pl": "Osoby, które nie chcą reklam Nordwind",
                                    "ru": "Люди, которые не хотят рекламы Nordwind",
                                },
                                "source": "GDPR art. 21(3); kept by the controller",
                            },
                        },
                        "notices": [
                            {
                                "data": ["email"],
                                "hash": "8309df1611e681f6e471dc2a86425c27c352091b634225d65a90bece396df77f",
                                "parts": {
                                    "data": "Which data",
                                    "basis": "On what legal ground",
                                    "rights": "Your other rights",
                                    "purpose": "What for",
                                },
                                "change": "material",
                            }
                        ],
                        "purpose": {
                            "id": "newsletter",
                            "gpc": False,
                            "basis": "consent",
                            "class": "marketing",
                        },
                    },
                },
                "consent": {
                    "format": "zgoda-consent-proof-1",
                    "contact": CONTACT,
                    "entry": {"id": ENTRY, "seq": 24, "kind": 2, "grade": 2},
                    "notice": {
                        "version": 1,
                        "locale": "en",
                        "body": "# The Nordwind newsletter: information on your data\n\n## W…",
                    },
                    "form": None,
                    "evidence": None,
                    "log": {
                        "entry": '{"action":"consent.grant","actor":"key:01a2020d-831e-71ca…',
                        "proof": "c2sp.org/tlog-proof@v1\nindex 110\n92dL4Cw/jUDtkdHl3MtpFvy2…",
                        "opening": {
                            "subject": CONTACT,
                            "position": 0,
                            "nonce": "P9T46r04RzbSmKfhNhdvGpzbP/E789lmXoqa1Z5abtQ=",
                            "path": [],
                        },
                    },
                },
                "ground": None,
                "merge": None,
                "message": None,
            }
        },
        problems=("decision.unknown",),
    ),
}
