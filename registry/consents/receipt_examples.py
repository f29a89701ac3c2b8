"""Examples for the document: what a person and an auditor can verify."""

from registry.kit.http.examples import CONTACT, ENTRY, IDENTIFIER, Example, Examples

EXAMPLES: Examples = {
    "GET /api/v1/contacts/{contact_id}/consents/{entry_id}/proof": Example(
        path={"contact_id": CONTACT, "entry_id": ENTRY},
        answers={
            "a proof": {
                "format": "zgoda-consent-proof-1",
                "contact": CONTACT,
                "entry": {
                    "id": ENTRY,
                    "seq": 14,
                    "kind": 2,
                    "grade": 2,
                    "controller": "nordwind",
                    "purpose": "newsletter",
                    "channel": "email",
                    "assignment_id": IDENTIFIER,
                    "acted_at": "2026-03-02T09:30:00Z",
                    "recorded_at": "2026-03-02T09:30:00Z",
                    "refers_to": None,
                    "act": "ticked",
                    "notice_version": 1,
                    "notice_locale": "en",
                    "policy": "c937102169fb9d9b91787ee9bb612ea9",
                    "source": "form",
                    "actor": "key:0199f3a2-6c1e-7d4b-9b52-4f0f6d1c2b25",
                    "notice_hash": "8309df1611e681f6e471dc2a86425c27c352091b634225d65a90bece396df77f",
                    "evidence_hash": None,
                },
                "notice": {
                    "version": 1,
                    "locale": "en",
                    "body": "# The Nordwind newsletter: information on your data\n\n## W…",
                },
                "form": None,
                "evidence": None,
                "log": {
                    "entry": '{"action":"consent.grant","actor":"key:01a2020d-831e-71ca…',
                    "proof": "c2sp.org/tlog-proof@v1\nindex 57\njTiWem7HVPLNXUGR838LbhxCj…",
                    "opening": {
                        "subject": CONTACT,
                        "position": 0,
                        "nonce": "jNXpULwI2LSDduY8PZhTabHIQVZpptkYEOo5gxUXfd4=",
                        "path": [],
                    },
                },
            }
        },
        problems=("entry.unknown",),
    ),
    "GET /api/v1/contacts/{contact_id}/consents/{entry_id}/receipt": Example(
        path={"contact_id": CONTACT, "entry_id": ENTRY},
        answers={
            "a receipt": {
                "@context": {
                    "DataIntegrityProof": "sec:DataIntegrityProof",
                    "assertionMethod": "sec:assertionMethod",
                    "created": {"@id": "dct:created", "@type": "xsd:dateTime"},
                    "cryptosuite": "sec:cryptosuite",
                    "dct": "http://purl.org/dc/terms/",
                    "dpv": "https://w3id.org/dpv#",
                    "eu-gdpr": "https://w3id.org/dpv/legal/eu/gdpr#",
                    "loc": "https://w3id.org/dpv/loc#",
                    "proof": {"@container": "@graph", "@id": "sec:proof", "@type": "@id"},
                    "proofPurpose": {"@id": "sec:proofPurpose", "@type": "@vocab"},
                    "proofValue": {"@id": "sec:proofValue", "@type": "sec:multibase"},
                    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
                    "sec": "https://w3id.org/security#",
                    "type": "@type",
                    "verificationMethod": {"@id": "sec:verificationMethod", "@type": "@id"},
                    "xsd": "http://www.w3.org/2001/XMLSchema#",
                    "zgoda": "urn:zgoda:receipt:",
                },
                "@type": "dpv:ConsentReceipt",
                "dct:conformsTo": "https://w3id.org/dpv/schema/dpv-27560#receipt-eu-gdpr",
                "dct:created": "2026-03-02T09:30:00Z",
                "dct:hasVersion": "1",
                "dct:identifier": "urn:uuid:0199f3a2-6c1e-7d4b-9b52-4f0f6d1c2bb4",
                "dct:publisher": "SIA Nordwind",
                "dpv:hasRecordOfActivity": {
                    "@type": "dpv:ConsentRecord",
                    "dct:conformsTo": "https://w3id.org/dpv/schema/dpv-27560#record-eu-gdpr",
                    "dct:identifier": "urn:uuid:0199f3a2-6c1e-7d4b-9b52-4f0f6d1c2a03",
                    "dpv:hasConsentControl": [
                        {"@type": "dpv:WithdrawConsent", "dpv:isExercisedAt": "http://127.0.0.1:8400/p/me"}
                    ],
                    "dpv:hasConsentStatus": [
                        {
                            "@type": ["dpv:RenewedConsentGiven"],
                            "dpv:hasDuration": {"@type": "dpv:UntilEventDuration", "rdf:value": "withdrawal"},
                            "dpv:isIndicatedAtTime": "2026-03-02T09:30:00Z",
                            "dpv:isIndicatedBy": "dpv:DataSubject",
                        }
                    ],
                    "dpv:hasDataController": {
                        "@type": "dpv:DataController",
                        "dct:identifier": "nordwind",
                        "dpv:hasAddress": "Vētras iela 7, Rīga, LV-1010, Latvia",
                        "dpv:hasContact": "dati@nordwind.example",
                    },
                    "dpv:hasDataSubject": {
                        "@type": "dpv:DataSubject",
                        "dct:identifier": "urn:uuid:0199f3a2-6c1e-7d4b-9b52-4f0f6d1c2a01",
                        "zgoda:kind": "person",
                    },
                    "dpv:hasJurisdiction": ["loc:LV"],
                    "dpv:hasLegalBasis": "eu-gdpr:A6-1-a",
                    "dpv:hasNotice": {
                        "@type": "dpv:ConsentNotice",
                        "dct:hasVersion": "1",
                        "dct:identifier": "newsletter",
                        "dct:language": "en",
                    },
                    "dpv:hasProcess": [
                        {
                            "@type": "dpv:Process",
                            "dpv:hasPersonalData": [{"@type": "dpv:PersonalData", "dct:identifier": "email"}],
                            "dpv:hasProcessing": ["dpv:Collect"],
                            "dpv:hasPurpose": {
                                "@type": "dpv:Marketing",
                                "dct:identifier": "newsletter",
                                "dct:title": [{"@language": "en", "@value": "Newsletter of Nordwind"}],
                            },
                        }
                    ],
                    "dpv:hasRight": ["eu-gdpr:A13"],
                    "zgoda:entry": {
                        "zgoda:act": "ticked",
                        "zgoda:collectionMethod": "form",
                        "zgoda:digest": "jxC4d2wutO3XQTNNZPNF+OjRjBNs97xLu4oQ4IKSBg0=",
                        "zgoda:grade": "first_party",
                    },
                    "zgoda:policy": {
                        "dct:hasVersion": "c937102169fb9d9b91787ee9bb612ea9",
                        "dct:identifier": "newsletter",
                    },
                },
                "proof": {
                    "@context": {
                        "DataIntegrityProof": "sec:DataIntegrityProof",
                        "assertionMethod": "sec:assertionMethod",
                        "created": {"@id": "dct:created", "@type": "xsd:dateTime"},
                        "cryptosuite": "sec:cryptosuite",
                    },
                    "created": "2026-03-02T09:30:00Z",
                    "cryptosuite": "eddsa-jcs-2022",
                    "proofPurpose": "assertionMethod",
                    "proofValue": "z59CY7WZKFbwGAoQu24mx3udksrqAonarHymHy7XjRrtFosBto…",
                    "type": "DataIntegrityProof",
                    "verificationMethod": "did:key:z6Mkgodc8m97v2G4McdL2F86zozXnMhxWxT9mzEvzf…",
                },
            }
        },
        problems=("entry.unknown",),
    ),
}
