"""Every column of the database, and what becomes of it when a person asks: a test fails for one that is not here.

`TOLD` columns are in the access package as they are, `OPENED` ones decrypted; what is withheld says why. A table
that is not about persons says why it is not.
"""

from enum import StrEnum


class Told(StrEnum):
    """How a column's value comes into the access package."""

    TOLD = "told"
    OPENED = "opened"


TOLD, OPENED = Told.TOLD, Told.OPENED

_STAFF = "withheld: who of the staff did it is not the person's data (CJEU C-579/21)"
_MAC = "withheld: a keyed MAC of what is told in clear; with it somebody could look for the value elsewhere"
_KEYS = "withheld: keys"
_OURS = "withheld: how this installation counts, nothing about the person"
_THE_PERSON = "told once: the package is about this id"

PERSONAL: dict[str, dict[str, str]] = {
    "contact": {
        "id": TOLD, "created_at": TOLD, "locale": TOLD, "country": TOLD, "subscriber": TOLD, "source": TOLD,
        "time_zone": TOLD, "preferred_channel": TOLD, "preferred_part": TOLD,
    },
    "coming_of_age": {"contact_id": _THE_PERSON, "since": TOLD, "of_age_on": TOLD, "recorded_at": TOLD},
    "contact_past": {
        "contact_id": _THE_PERSON, "known_until": TOLD, "country": TOLD, "subscriber": TOLD, "time_zone": TOLD,
        "preferred_part": TOLD,
    },
    "coming_of_age_past": {
        "contact_id": _THE_PERSON, "known_until": TOLD, "since": TOLD, "of_age_on": TOLD, "recorded_at": TOLD,
    },
    "assignment": {
        "contact_id": _THE_PERSON, "id": TOLD, "identifier_id": TOLD, "address_id": TOLD, "kind": TOLD,
        "mode": TOLD, "valid_from": TOLD, "valid_to": TOLD, "verified_at": TOLD, "value": OPENED, "source": TOLD,
    },
    "contact_field": {
        "contact_id": _THE_PERSON, "field": TOLD, "value": OPENED, "plain": TOLD, "source": TOLD,
        "recorded_at": TOLD,
    },
    "device": {"contact_id": _THE_PERSON, "value": OPENED, "created_at": TOLD},
    "identifier": {
        "id": "told with the assignments", "kind": "told with the assignments",
        "address_id": "told with the assignments",
    },
    "identifier_index": {"epoch": _OURS, "value": _MAC, "identifier_id": "told with the assignments"},
    "address": {"id": TOLD, "kind": TOLD, "mac": _MAC, "dead_at": TOLD, "erased_at": TOLD},
    "address_refusal": {
        "address_id": TOLD, "id": TOLD, "controller": TOLD, "purpose": TOLD, "channel": TOLD, "cause": TOLD,
        "objection": TOLD, "acted_at": TOLD, "recorded_at": TOLD,
    },
    "address_listing": {
        "address_id": TOLD, "list": TOLD, "listed_at": TOLD, "recorded_at": TOLD, "seen_at": _OURS,
        "unlisted_at": TOLD,
    },
    "restriction": {
        "contact_id": _THE_PERSON, "id": _OURS, "reason": TOLD, "restricted_at": TOLD, "lifted_at": TOLD,
    },
    "handoff_count": {
        "contact_id": _THE_PERSON, "controller": TOLD, "channel": TOLD, "day": TOLD, "messages": TOLD,
    },
    "gate_row": {
        "subject_id": _THE_PERSON, "kind": TOLD, "state": TOLD, "last_seq": TOLD, "restricted_at": TOLD,
        "restriction": TOLD, "merged_into": TOLD,
    },
    "contact_merge": {
        "contact_id": TOLD, "id": TOLD, "surviving_id": TOLD, "reason": TOLD, "actor": _STAFF, "merged_at": TOLD,
        "unmerged_at": TOLD,
    },
    "gate_state": {
        "contact_id": TOLD, "assignment_id": TOLD, "address_id": TOLD, "evidence": TOLD, "restricted_at": TOLD,
        "consented_at": TOLD, "valid_until": TOLD, "verified_at": TOLD, "active_at": TOLD, "capped_until": TOLD,
        "parental": TOLD, "listed": TOLD, "clock": TOLD, "seq": TOLD, "purpose_id": TOLD,
        "channel_id": TOLD, "contact_state": TOLD, "address_state": TOLD, "addresses": TOLD, "suppressed": TOLD,
        "objected": TOLD, "consent": TOLD, "grade": TOLD, "notice_version": TOLD, "basis_facts": TOLD,
        "soft_opt_in": TOLD, "jurisdiction": TOLD,
    },
    "consent_entry": {
        "contact_id": _THE_PERSON, "seq": TOLD, "id": TOLD, "kind": TOLD, "grade": TOLD, "controller": TOLD,
        "purpose": TOLD, "channel": TOLD, "assignment_id": TOLD, "acted_at": TOLD, "recorded_at": TOLD,
        "refers_to": TOLD, "act": TOLD, "notice_version": TOLD, "notice_locale": TOLD, "policy": TOLD,
        "source": TOLD, "actor": _STAFF, "origin": _MAC, "evidence": OPENED, "point": TOLD, "point_version": TOLD,
        "authority": TOLD,
    },
    "ground": {
        "contact_id": _THE_PERSON, "seq": TOLD, "id": TOLD, "kind": TOLD, "controller": TOLD,
        "assignment_id": TOLD, "products": TOLD, "opt_out_offered": TOLD, "collected_in_sale": TOLD,
        "occurred_at": TOLD, "ends_at": TOLD, "recorded_at": TOLD, "source": TOLD, "actor": _STAFF,
        "origin": _MAC, "evidence": OPENED,
    },
    "decision": {
        "contact_id": _THE_PERSON, "id": TOLD, "kind": TOLD, "purpose": TOLD, "channel": TOLD,
        "assignment_id": TOLD, "outcome": TOLD, "reason": TOLD, "basis": TOLD, "channel_ground": TOLD,
        "evidence": TOLD, "policy": TOLD, "message_id": TOLD, "decided_at": TOLD,
    },
    "permit": {
        "contact_id": _THE_PERSON, "id": TOLD, "token_hash": _KEYS, "assignment_id": TOLD, "address_id": TOLD,
        "controller": TOLD, "purpose": TOLD, "class": TOLD, "channel": TOLD, "content_hash": TOLD,
        "decision_id": TOLD, "actor": _STAFF, "issued_at": TOLD, "expires_at": TOLD, "state": TOLD,
        "ended_at": TOLD, "ended_by": TOLD, "redemption_id": TOLD,
    },
    "message": {
        "id": TOLD, "contact_id": _THE_PERSON, "campaign_id": TOLD, "purpose": TOLD, "channel": TOLD,
        "class": TOLD, "assignment_id": TOLD, "state": TOLD, "reason": TOLD, "attempt": TOLD,
        "attempted_at": TOLD, "due_at": TOLD, "handed_at": TOLD, "content_hash": TOLD, "message_ref": TOLD,
        "values": OPENED, "decision_id": TOLD, "worker": _OURS, "created_at": TOLD, "letter": TOLD, "about": TOLD,
        "locale": TOLD,
    },
    "confirmation": {
        "contact_id": _THE_PERSON, "entry_id": TOLD, "purpose": TOLD, "requested_at": TOLD, "letters": TOLD,
        "reminded_at": TOLD,
    },
    "message_attempt": {
        "contact_id": _THE_PERSON, "id": TOLD, "message_id": TOLD, "number": TOLD, "content_hash": TOLD,
        "at": TOLD, "result": TOLD, "reply": TOLD,
    },
    "subject_request": {
        "id": TOLD, "contact_id": _THE_PERSON, "kind": TOLD, "state": TOLD, "reason": TOLD, "actor": _STAFF,
        "received_at": TOLD, "completed_at": TOLD,
    },
    "person_key": {"contact_id": _THE_PERSON, "epoch": TOLD, "wrapped": _KEYS},
    "audit_opening": {
        "contact_id": _THE_PERSON, "entry_id": TOLD, "position": _OURS,
        "nonce": "withheld: random; with it the entry can be proven to be about the person",
    },
    "erasure": {
        "contact_id": "kept: leads to nobody", "id": "kept: leads to nobody", "epoch": _OURS,
        "erased_at": "kept: that an erasure was done", "counts": "kept: numbers of rows",
        "certified_at": "kept: that an erasure was done",
    },
}  # fmt: skip

# What the entries of the log say of a person; who of the staff looked is withheld.
LOG = {
    "at": TOLD, "action": TOLD, "purpose": TOLD, "reason": TOLD, "kinds": TOLD,
    "actor": _STAFF, "request": _OURS, "subjects": _MAC, "detail": "withheld: ids of what is told in the areas",
}  # fmt: skip

IMPERSONAL: dict[str, str] = {
    "alembic_version": "the schema's version",
    "api_key": "keys of machines and staff; their names are no persons' names",
    "idempotency_key": "keyed MACs of requests, and answers that hold ids alone; access packages are never kept here",
    "audit_entry": "names nobody: subjects are commitments, which audit_opening ties to persons",
    "audit_commitment": "random to whoever has no opening",
    "audit_leaf": "hashes of entries",
    "audit_tile": "hashes of entries",
    "audit_checkpoint": "signed tree heads",
    "audit_state": "where the log stands",
    "campaign": "template, audience and counts; an audience holds our ids alone",
    "import_run": "how far an import is; hashes of files and counts",
    "key_epoch": "which epochs there are",
    "policy_version": "policies",
    "policy_set": "policies",
    "collection_point": "policies",
    "purpose": "policies",
    "channel": "policies",
    "notice": "texts that everybody is shown",
    "list_import": "when which list was read, and counts",
    "followed": "from which policy files rows were worked out",
    "zone": "time zones",
}
