"""An entry of the ledger as a digest, and the document that proves one entry offline. Pure.

The digest stands in the audit log with the act that made the entry. So who holds the document and the log's key can
check, with no database, that this entry was recorded then and was not changed since, and which text was shown.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec

from registry.audit import evidence as log
from registry.audit import note
from registry.audit.evidence import EvidenceInvalid
from registry.audit.timestamps import stamp

FORMAT = "zgoda-consent-proof-1"
# What the digest covers, by the names of the ledger's columns.
COVERED = (
    "id",
    "seq",
    "kind",
    "grade",
    "controller",
    "purpose",
    "channel",
    "assignment_id",
    "acted_at",
    "recorded_at",
    "refers_to",
    "act",
    "notice_version",
    "notice_locale",
    "policy",
    "source",
    "actor",
)


def facts(row: Mapping[str, Any], notice_hash: bytes | None, sealed: bytes | None) -> dict[str, Any]:
    """What a digest is made of: the entry's columns, the hash of the text shown, the hash of the sealed evidence."""
    told: dict[str, Any] = {}
    for name in COVERED:
        value = row[name]
        if isinstance(value, datetime):
            told[name] = stamp(value)
        elif value is None or isinstance(value, str | int):
            told[name] = int(value) if isinstance(value, int) else value
        else:
            told[name] = str(value)
    told["notice_hash"] = notice_hash.hex() if notice_hash else None
    told["evidence_hash"] = sha256(sealed).hexdigest() if sealed else None
    return told


def digest(told: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical JSON (RFC 8785) of `facts`, in base64.

    Of texts, whole numbers and nulls under ASCII names, msgspec's sorted form is that of RFC 8785, and quicker.
    """
    return base64.b64encode(sha256(msgspec.json.encode(told, order="sorted")).digest()).decode()


@dataclass(frozen=True, slots=True)
class Proven:
    """What held: the entry, and under which signed head of the log it stands."""

    entry: Mapping[str, Any]
    size: int
    leaf_index: int


def verify(document: Mapping[str, Any], verifier: note.Verifier) -> Proven:
    """Check a document as `consents.proving.prove` makes it; EvidenceInvalid says what does not hold.

    The text shown has its hash, the entry its digest, the digest stands in the log's entry, and that entry under the
    log's signed head and is about this person.
    """
    if document.get("format") != FORMAT:
        raise EvidenceInvalid("this is not the proof of an entry")
    entry, notice = document.get("entry"), document.get("notice")
    if not isinstance(entry, Mapping):
        raise EvidenceInvalid("the entry is missing")
    if notice is not None and sha256(str(notice["body"]).encode()).hexdigest() != entry.get("notice_hash"):
        raise EvidenceInvalid("the text is not the one that was shown")
    if notice is None and entry.get("notice_hash") is not None:
        raise EvidenceInvalid("the text that was shown is missing")
    logged = log.from_json(document["log"])
    if logged.opening is None or str(logged.opening.subject) != document.get("contact"):
        raise EvidenceInvalid("nothing ties the log's entry to this person")
    proven = log.verify(logged, verifier)
    if digest(entry) not in proven.entry["detail"].get("digests", ()):
        raise EvidenceInvalid("the log does not have this entry")
    return Proven(entry, proven.head.size, proven.index)
