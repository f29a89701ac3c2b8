"""What a receipt is made of, and the terms that it is written in: DPV 2 and Data Integrity, by their prefixes. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

RECEIPT = "https://w3id.org/dpv/schema/dpv-27560#receipt-eu-gdpr"
RECORD = "https://w3id.org/dpv/schema/dpv-27560#record-eu-gdpr"
VERSION = "1"
CONTEXT: dict[str, Any] = {
    "dct": "http://purl.org/dc/terms/",
    "dpv": "https://w3id.org/dpv#",
    "eu-gdpr": "https://w3id.org/dpv/legal/eu/gdpr#",
    "loc": "https://w3id.org/dpv/loc#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "sec": "https://w3id.org/security#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "zgoda": "urn:zgoda:receipt:",
    "proof": {"@id": "sec:proof", "@container": "@graph", "@type": "@id"},
    "DataIntegrityProof": "sec:DataIntegrityProof",
    "created": {"@id": "dct:created", "@type": "xsd:dateTime"},
    "cryptosuite": "sec:cryptosuite",
    "proofPurpose": {"@id": "sec:proofPurpose", "@type": "@vocab"},
    "assertionMethod": "sec:assertionMethod",
    "proofValue": {"@id": "sec:proofValue", "@type": "sec:multibase"},
    "verificationMethod": {"@id": "sec:verificationMethod", "@type": "@id"},
    "type": "@type",
}


@dataclass(frozen=True, slots=True)
class Kept:
    """For how long a kind of data is stored, and from what moment on (GDPR art. 13(2)(a))."""

    kind: str
    days: int | None
    after: str


@dataclass(frozen=True, slots=True)
class Recipient:
    name: str
    role: str
    country: str


@dataclass(frozen=True, slots=True)
class AgeRuleUsed:
    """By which rule on the age of consent a grant was judged (GDPR art. 8): the table's hash, the rule in it."""

    table: str
    country: str | None
    since: date | None
    age: int


class State(StrEnum):
    """What an entry tells of consent, by the states of ISO/IEC TS 27560; only the first two permit."""

    GIVEN = "dpv:ConsentGiven"
    RENEWED = "dpv:RenewedConsentGiven"
    ASKED = "dpv:ConsentRequested"
    REFUSED = "dpv:ConsentRefused"
    WITHDRAWN = "dpv:ConsentWithdrawn"
    VOID = "dpv:ConsentInvalidated"
    UNKNOWN = "dpv:ConsentUnknown"


@dataclass(frozen=True, slots=True)
class Came:
    """What an entry came to, and when that was indicated."""

    state: State
    at: datetime | None

    @property
    def permits(self) -> bool:
        return self.state in (State.GIVEN, State.RENEWED)


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that a receipt is made of. `policy` is the body of the purpose's version that the entry names.

    `policy_set` is the hash of the set of policies by which recipients and terms of storage are told, that of when the
    entry was recorded; None where none is on record, and they are told as they are now.
    """

    id: UUID
    entry: Mapping[str, Any]
    subject: UUID
    is_device: bool
    policy: Mapping[str, Any] | None
    controller: Mapping[str, Any]
    recipients: Sequence[Recipient]
    kept: Sequence[Kept]
    policy_set: str | None
    notice_hash: bytes | None
    form: Mapping[str, Any] | None
    point_hash: bytes | None
    age: AgeRuleUsed | None
    digest: str
    came: Came
    withdraw_at: str
    at: datetime
