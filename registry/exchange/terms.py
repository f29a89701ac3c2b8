"""On what terms a file is imported: its mapping, held against the policies before the first row is read."""

from __future__ import annotations

import difflib
import hmac
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from registry.consents.complaints import complaint
from registry.consents.ledger import EntryKind
from registry.consents.validation import NewEntry
from registry.contacts.identifiers import Kind
from registry.exchange.archives import GONE
from registry.exchange.mapping import Attestation, Mapping
from registry.exchange.rows import Row
from registry.keys.ring import KeyRing
from registry.kit.errors import Misuse
from registry.policy.model import Grade, PolicySet, Purpose

_ADDRESS_KINDS = {"email": Kind.EMAIL, "phone": Kind.PHONE}


@dataclass(frozen=True, slots=True)
class Terms:
    """A mapping with what the policies say about it."""

    mapping: Mapping
    purpose: Purpose
    kind: Kind
    attestation: Attestation | None
    lengths: dict[str, int]
    notice_locales: frozenset[str] = field(default=frozenset())
    # The digest of the file that is being imported.
    file: str = ""

    def entry_kind(self, row: Row) -> EntryKind | None:
        """What a row says about consent; None where it says nothing."""
        if row.standing == "unsubscribed":
            return EntryKind.WITHDRAWN
        if row.standing == "complained":
            return EntryKind.OBJECTED
        if row.standing == "subscribed":
            bundled = self.mapping.attested.bundled_with
            return EntryKind.INVALIDATED if bundled else EntryKind.GRANTED
        return EntryKind.GRANTED if row.standing == "nonsubscribed" else None

    def grade(self, row: Row) -> Grade:
        """`attested` where the mapping is complete and, for a grant, the row has opt-in time and address."""
        if self.attestation is None or not (row.has_evidence or row.standing in GONE):
            return Grade.UNKNOWN
        return Grade.ATTESTED

    def origin(self, ring: KeyRing, row: Row, kind: EntryKind) -> bytes:
        """A keyed digest of what a row says, the same in every file that says it: so it is recorded once."""
        told = self.attestation
        said = [
            int(kind),
            int(self.grade(row)),
            self.purpose.id,
            self.mapping.channel,
            int(row.address.kind),
            row.address.value,
            # An undated "no" is said anew by every other file.
            str(row.left or self.file if kind.takes_away else row.opted_in or ""),
            row.opted_in_from or "",
            [told.notice, told.form, *told.bundled_with] if told else [],
        ]
        return hmac.digest(ring.suppression, b"import entry\0" + json.dumps(said).encode(), "sha256")

    def entry(
        self,
        ring: KeyRing,
        row: Row,
        kind: EntryKind,
        person: UUID,
        assignment: UUID | None,
        address: UUID | None,
    ) -> NewEntry:
        """The ledger entry that a row becomes; a "no" is the address's too, or without one all of the person's."""
        grade = self.grade(row)
        taken = kind.takes_away
        shown = self.attestation if grade is Grade.ATTESTED and not taken else None
        entry = NewEntry(
            contact_id=person,
            kind=kind,
            purpose=self.purpose.id,
            channel=self.mapping.channel,
            grade=grade,
            source=self.mapping.source,
            assignment_id=assignment,
            acted_at=row.left if taken else row.opted_in,
            act="imported",
            notice_version=shown.notice if shown else None,
            notice_locale=self._notice_locale(row, shown) if shown else None,
            origin=self.origin(ring, row, kind),
            evidence=self._evidence(row),
            on_address=address if taken else None,
            cause="imported",
        )
        return complaint(entry, self.purpose.controller) if row.standing == "complained" else entry

    def _notice_locale(self, row: Row, shown: Attestation) -> str:
        if shown.locale is not None:
            return shown.locale
        return row.locale if row.locale in self.notice_locales else self.purpose.default_locale

    def _evidence(self, row: Row) -> dict[str, Any]:
        told: dict[str, Any] = {"file": row.file, "row": row.number}
        if row.opted_in_from is not None:
            told["opt_in_address"] = row.opted_in_from
        if self.attestation is not None:
            told |= {
                "form": self.attestation.form,
                "time_zone": self.attestation.zone.key,
                "attested_by": self.attestation.attested_by,
            }
        if bundled := self.mapping.attested.bundled_with:
            told["bundled_with"] = list(bundled)
        return told


def agree(mapping: Mapping, policies: PolicySet) -> Terms:
    """Hold a mapping against the policies; Misuse names what the policies do not know, and what they do."""
    purpose = policies.purposes.get(mapping.purpose)
    if purpose is None:
        raise _unknown("purpose.unknown", "purpose", mapping.purpose, policies.purposes)
    if mapping.channel not in policies.channels:
        raise _unknown("channel.unknown", "channel", mapping.channel, policies.channels)
    if mapping.channel not in purpose.channels:
        raise _unknown("channel.undeclared", "channel", mapping.channel, purpose.channels)
    kind = _ADDRESS_KINDS.get(policies.channels[mapping.channel].address)
    if kind is None:
        raise Misuse(
            "channel.without_address", "That channel needs no address, so no list is for it.", field="channel"
        )
    key = "phone" if kind is Kind.PHONE else "email"
    if getattr(mapping.columns, key) is None:
        raise Misuse("mapping.invalid", f"The mapping lacks columns.{key}.", field=f"columns.{key}")
    for name in mapping.fields:
        if name not in policies.fields:
            raise _unknown("field.undeclared", f"fields.{name}", name, policies.fields)
    locales: frozenset[str] = frozenset()
    attestation = mapping.attestation
    if attestation is not None:
        notices = policies.notices.get(purpose.id, ())
        locales = frozenset(notice.locale for notice in notices if notice.version == attestation.notice)
        if not locales:
            versions = sorted({str(notice.version) for notice in notices})
            raise _unknown("notice.unknown", "attested.notice", str(attestation.notice), versions)
        if attestation.locale is not None and attestation.locale not in locales:
            raise _unknown("notice.unknown", "attested.locale", attestation.locale, locales)
    lengths = {name: declared.max_length for name, declared in policies.fields.items()}
    return Terms(mapping, purpose, kind, attestation, lengths, locales)


def _unknown(code: str, key: str, value: str, known: Iterable[str]) -> Misuse:
    names = sorted(known)
    near = difflib.get_close_matches(value, names, n=1, cutoff=0.6)
    mend = f'did you mean "{near[0]}"?' if near else f"known: {', '.join(names) or 'none'}"
    return Misuse(code, f'In the mapping, {key} = "{value[:60]}" is not known.', field=key, mend=mend)
