"""A receipt for one entry: ISO/IEC TS 27560 in the terms of W3C's Data Privacy Vocabulary (DPV 2), as JSON-LD. Pure.

It tells a person what they agreed to or took back, with whom, on what text, for how long, and how to end it; and it
can be verified by anybody who has the log's key.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import rfc8785

from registry.audit import note
from registry.audit.timestamps import stamp
from registry.consents import data_integrity
from registry.consents.ledger import ANY, EntryKind
from registry.consents.receipt_terms import CONTEXT, RECEIPT, RECORD, VERSION, Facts, Kept, State
from registry.policy.model import Basis, Grade

_LEGAL_BASIS = {
    Basis.CONSENT: "eu-gdpr:A6-1-a",
    Basis.CONTRACT: "eu-gdpr:A6-1-b",
    Basis.LEGAL_OBLIGATION: "eu-gdpr:A6-1-c",
    Basis.VITAL_INTERESTS: "eu-gdpr:A6-1-d",
    Basis.PUBLIC_TASK: "eu-gdpr:A6-1-e",
    Basis.LEGITIMATE_INTERESTS: "eu-gdpr:A6-1-f",
}
_ENDED = frozenset({State.REFUSED, State.WITHDRAWN, State.VOID})
_ALWAYS = ("eu-gdpr:A13", "eu-gdpr:A15", "eu-gdpr:A16", "eu-gdpr:A17", "eu-gdpr:A18", "eu-gdpr:A77")
_RIGHTS = {
    Basis.CONSENT: ("eu-gdpr:A7-3", "eu-gdpr:A20"),
    Basis.CONTRACT: ("eu-gdpr:A20",),
    Basis.PUBLIC_TASK: ("eu-gdpr:A21",),
    Basis.LEGITIMATE_INTERESTS: ("eu-gdpr:A21",),
}


def build(facts: Facts) -> dict[str, Any]:
    """The receipt without its proof."""
    entry = facts.entry
    return {
        "@context": CONTEXT,
        "@type": "dpv:ConsentReceipt",
        "dct:identifier": f"urn:uuid:{facts.id}",
        "dct:conformsTo": RECEIPT,
        "dct:hasVersion": VERSION,
        "dct:created": stamp(facts.at),
        "dct:publisher": facts.controller["name"],
        "dpv:hasRecordOfActivity": {
            "@type": "dpv:ConsentRecord",
            "dct:identifier": f"urn:uuid:{entry['id']}",
            "dct:conformsTo": RECORD,
            "dpv:hasDataSubject": {
                "@type": "dpv:DataSubject",
                "dct:identifier": f"urn:uuid:{facts.subject}",
                "zgoda:kind": "device" if facts.is_device else "person",
            },
            "dpv:hasDataController": _controller(facts.controller),
            "dpv:hasJurisdiction": [f"loc:{facts.controller['country']}"],
            "dpv:hasLegalBasis": _LEGAL_BASIS[_basis(facts)],
            "dpv:hasProcess": [_process(facts)],
            **_shown(facts),
            "dpv:hasRight": sorted({*_ALWAYS, *_RIGHTS.get(_basis(facts), ())}),
            "dpv:hasConsentControl": [
                {"@type": "dpv:WithdrawConsent", "dpv:isExercisedAt": facts.withdraw_at},
                {
                    "@type": "dpv:WithdrawConsent",
                    "dpv:isExercisedAt": f"mailto:{facts.controller['contact']}",
                },
            ],
            "dpv:hasConsentStatus": [_status(facts)],
            **_age(facts),
            "zgoda:entry": _entry(facts),
        },
    }


def sign(facts: Facts, private: Any) -> bytes:
    """The signed receipt, as the bytes that are handed out."""
    return data_integrity.secure(build(facts), private, stamp(facts.at))


def verify(raw: bytes, verifier: note.Verifier) -> dict[str, Any]:
    """The receipt of these bytes, checked with nothing but the log's key; DocumentInvalid says what does not hold."""
    receipt = data_integrity.verify(raw, verifier.public)
    if receipt.get("@type") != "dpv:ConsentReceipt" or receipt.get("dct:conformsTo") != RECEIPT:
        raise data_integrity.DocumentInvalid("the document is no receipt of a consent")
    return receipt


def _basis(facts: Facts) -> Basis:
    return Basis(facts.policy["purpose"]["basis"]) if facts.policy else Basis.CONSENT


def _controller(controller: Mapping[str, Any]) -> dict[str, Any]:
    told = {
        "@type": "dpv:DataController",
        "dct:identifier": controller["id"],
        "dpv:hasName": controller["name"],
        "dpv:hasAddress": controller["address"],
        "dpv:hasContact": controller["contact"],
        "dpv:hasLocation": f"loc:{controller['country']}",
    }
    if controller.get("dpo"):
        told["dpv:hasDataProtectionOfficer"] = {
            "@type": "dpv:DataProtectionOfficer",
            "dpv:hasContact": controller["dpo"],
        }
    return told


def _process(facts: Facts) -> dict[str, Any]:
    entry, purpose = facts.entry, (facts.policy or {}).get("purpose")
    kinds: tuple[str, ...] = ()
    if purpose is None:
        titles = [{"@language": "en", "@value": f"All marketing of {facts.controller['name']}"}]
        marketing = True
    else:
        titles = [{"@language": code, "@value": text} for code, text in sorted(purpose["title"].items())]
        kinds, marketing = tuple(purpose["data_kinds"]), purpose["class"] == "marketing"
    countries = {facts.controller["country"], *(one.country for one in facts.recipients)}
    return {
        "@type": "dpv:Process",
        "dpv:hasPurpose": {
            "@type": "dpv:Marketing" if marketing else "dpv:Purpose",
            "dct:identifier": entry["purpose"],
            "dct:title": titles,
        },
        "zgoda:channel": entry["channel"],
        "dpv:hasProcessing": ["dpv:Collect", "dpv:Store", "dpv:Use"],
        "dpv:hasPersonalData": [{"@type": "dpv:PersonalData", "dct:identifier": kind} for kind in kinds],
        "dpv:hasRecipient": [
            {
                "@type": "dpv:DataProcessor" if one.role == "processor" else "dpv:ThirdParty",
                "dpv:hasName": one.name,
                "dpv:hasLocation": f"loc:{one.country}",
            }
            for one in facts.recipients
        ],
        "dpv:hasStorageCondition": [
            {
                "@type": "dpv:StorageLocation",
                "dpv:hasLocation": [f"loc:{country}" for country in sorted(countries)],
            },
            *(_storage(kept) for kept in facts.kept),
        ],
        "zgoda:recipientsAndStorage": _told_as_of(facts),
    }


def _told_as_of(facts: Facts) -> dict[str, str]:
    """Of when recipients, places and terms of storage are told: of the entry, or of this copy."""
    if facts.policy_set is None:
        return {"zgoda:asOf": "receipt"}
    return {"zgoda:asOf": "entry", "zgoda:policySet": facts.policy_set}


def _storage(kept: Kept) -> dict[str, Any]:
    duration = {"@type": "dpv:UntilEventDuration", "rdf:value": kept.after}
    if kept.days is not None:
        duration = {"@type": "dpv:TemporalDuration", "rdf:value": f"P{kept.days}D"}
    return {
        "@type": "dpv:StorageDuration",
        "zgoda:kind": kept.kind,
        "zgoda:after": kept.after,
        "dpv:hasDuration": duration,
    }


def _shown(facts: Facts) -> dict[str, Any]:
    """The text and the form that the person saw, by version and hash."""
    entry = facts.entry
    told: dict[str, Any] = {}
    if facts.notice_hash is not None:
        told["dpv:hasNotice"] = {
            "@type": "dpv:ConsentNotice",
            "dct:identifier": entry["purpose"],
            "dct:hasVersion": str(entry["notice_version"]),
            "dct:language": entry["notice_locale"],
            "zgoda:sha256": facts.notice_hash.hex(),
        }
    if facts.form is not None and facts.point_hash is not None:
        told["zgoda:collectionPoint"] = {
            "dct:identifier": facts.form["point"],
            "dct:hasVersion": str(facts.form["version"]),
            "dct:language": facts.form["locale"],
            "zgoda:sha256": facts.point_hash.hex(),
            "zgoda:control": facts.form["control"],
            "zgoda:text": facts.form["text"],
        }
    if entry["policy"]:
        told["zgoda:policy"] = {"dct:identifier": entry["purpose"], "dct:hasVersion": entry["policy"]}
    return told


def _status(facts: Facts) -> dict[str, Any]:
    """Only `ConsentGiven` and its renewal permit; what was taken back, or never was, lasts for no time."""
    kind, came = EntryKind(facts.entry["kind"]), facts.came
    purpose = (facts.policy or {}).get("purpose", {})
    types = [came.state.value]
    if came.permits or came.state is State.ASKED:
        explicit = purpose.get("special_condition") is not None
        types.append("dpv:ExplicitlyExpressedConsent" if explicit else "dpv:ExpressedConsent")
    by = "dpv:DataSubject"
    if came.state is State.VOID or kind is EntryKind.CORRECTED:
        by = "dpv:DataController"
    elif facts.entry["authority"] is not None:
        by = "dpv:GuardianOfDataSubject"
    told: dict[str, Any] = {"@type": types, "dpv:isIndicatedBy": by}
    if came.at is not None:
        told["dpv:isIndicatedAtTime"] = stamp(came.at)
    if came.state not in _ENDED and facts.policy is not None:
        days = purpose.get("valid_for_days")
        told["dpv:hasDuration"] = (
            {"@type": "dpv:TemporalDuration", "rdf:value": f"P{days}D"}
            if days
            else {"@type": "dpv:UntilEventDuration", "rdf:value": "withdrawal"}
        )
        if idle := purpose.get("inactive_after_days"):
            told["zgoda:endsWhenInactiveFor"] = f"P{idle}D"
    return told


def _age(facts: Facts) -> dict[str, Any]:
    if facts.age is None:
        return {}
    told: dict[str, Any] = {"zgoda:table": facts.age.table, "zgoda:age": facts.age.age}
    if facts.age.country is not None:
        told["dpv:hasLocation"] = f"loc:{facts.age.country}"
    if facts.age.since is not None:
        told["zgoda:since"] = facts.age.since.isoformat()
    if facts.entry["authority"] is not None:
        told["zgoda:parentalAuthority"] = f"urn:uuid:{facts.entry['authority']}"
    return {"zgoda:ageOfConsent": told}


def _entry(facts: Facts) -> dict[str, Any]:
    """The entry as the ledger has it; by its digest it is found in the signed log."""
    entry = facts.entry
    told: dict[str, Any] = {
        "zgoda:kind": EntryKind(entry["kind"]).name.lower(),
        "zgoda:grade": Grade(entry["grade"]).name.lower(),
        "zgoda:recordedAt": stamp(entry["recorded_at"]),
        "zgoda:collectionMethod": entry["source"],
        "zgoda:digest": facts.digest,
        "zgoda:scope": "all_marketing" if entry["purpose"] == ANY else "purpose",
    }
    if entry["act"] is not None:
        told["zgoda:act"] = entry["act"]
    if entry["assignment_id"] is not None:
        told["zgoda:identifier"] = f"urn:uuid:{entry['assignment_id']}"
    if entry["refers_to"] is not None:
        told["zgoda:refersTo"] = f"urn:uuid:{entry['refers_to']}"
    return told


def table_hash(ages: Sequence[Mapping[str, Any]]) -> str:
    """Which table of ages of consent was in force: SHA-256 of its canonical JSON, as hexadecimal digits."""
    return sha256(rfc8785.dumps(list(ages))).hexdigest()
