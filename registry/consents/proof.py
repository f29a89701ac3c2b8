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
from registry.consents.ledger import EntryKind
from registry.policy.collection import CollectionPoint, Says

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
# Covered where they say something, so that what was recorded before there were such columns stays as it is.
COVERED_IF_SAID = ("point", "point_version", "authority")


def facts(
    row: Mapping[str, Any], notice_hash: bytes | None, sealed: bytes | None, point_hash: bytes | None = None
) -> dict[str, Any]:
    """What a digest is made of: the entry's columns, and the hashes of what was shown and of the sealed evidence.

    `notice_hash` is of the notice's text; `point_hash` of the whole form at which the entry was made, if it was.
    """
    told: dict[str, Any] = {}
    for name in COVERED:
        told[name] = _plain(row[name])
    told.update((name, _plain(row[name])) for name in COVERED_IF_SAID if row[name] is not None)
    told["notice_hash"] = notice_hash.hex() if notice_hash else None
    if point_hash:
        told["point_hash"] = point_hash.hex()
    told["evidence_hash"] = sha256(sealed).hexdigest() if sealed else None
    return told


def _plain(value: object) -> str | int | None:
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, int):
        return int(value)
    return value if value is None or isinstance(value, str) else str(value)


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

    The text and the form shown have their hashes, the entry its digest, the digest stands in the log's entry, and
    that entry under the log's signed head and is about this person.
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
    _verify_form(entry, document.get("form"))
    logged = log.from_json(document["log"])
    if logged.opening is None or str(logged.opening.subject) != document.get("contact"):
        raise EvidenceInvalid("nothing ties the log's entry to this person")
    proven = log.verify(logged, verifier)
    if digest(entry) not in proven.entry["detail"].get("digests", ()):
        raise EvidenceInvalid("the log does not have this entry")
    return Proven(entry, proven.head.size, proven.index)


def form_shown(entry: Mapping[str, Any], body: str) -> dict[str, Any]:
    """What the entry's person saw at the form whose recorded body this is: the control, and its text to the byte."""
    point = CollectionPoint.model_validate_json(body)
    says: Says = "no" if EntryKind(entry["kind"]).takes_away else "yes"
    control = point.asking(str(entry["purpose"]), str(entry["channel"]), says)
    if control is None:
        raise EvidenceInvalid("the form does not ask what the entry answers")
    text = point.shown(control, str(entry["notice_locale"]))
    return {
        "point": point.id,
        "version": point.version,
        "locale": entry["notice_locale"],
        "control": control.id,
        "text": text,
        "text_hash": sha256(text.encode()).hexdigest(),
        "body": body,
    }


def _verify_form(entry: Mapping[str, Any], form: object) -> None:
    """The form's bytes have the hash in the entry, and what is said of its control follows from them."""
    if entry.get("point") is None:
        if form is not None:
            raise EvidenceInvalid("the entry was made at no form")
        return
    if not isinstance(form, Mapping):
        raise EvidenceInvalid("the form at which the entry was made is missing")
    body = str(form.get("body"))
    if sha256(body.encode()).hexdigest() != entry.get("point_hash"):
        raise EvidenceInvalid("the form is not the one that was shown")
    if dict(form) != form_shown(entry, body):
        raise EvidenceInvalid("the text at the control is not the one that was shown")
