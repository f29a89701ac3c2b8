"""Many entries in one statement, each with its own caller: what shares a transaction still has an entry of its own."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from registry.audit import body, commitments
from registry.audit.body import JSON
from registry.keys.columns import OPENING_NONCE
from registry.keys.persons import PersonKeys
from registry.kit.caller import Caller
from registry.kit.database import Session
from registry.kit.errors import Unavailable

_ENTRIES = """
WITH draft AS (
    SELECT * FROM unnest(%(heads)s::bytea[], %(tails)s::bytea[]) WITH ORDINALITY AS d(head, tail, n)
), entry AS (
    INSERT INTO audit_entry (body)
    SELECT d.head
        || convert_to(to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'UTF8')
        || d.tail
    FROM draft d, audit_state AS s, pg_control_system() AS c
    WHERE s.system_identifier = c.system_identifier::text AND s.prev_xmin <= pg_current_xact_id()
    ORDER BY d.n
    RETURNING id
), numbered AS (
    SELECT id, row_number() OVER (ORDER BY id) AS n FROM entry
), opened AS (
    INSERT INTO audit_opening (contact_id, entry_id, position, nonce)
    SELECT o.contact_id, numbered.id, 0, o.nonce
    FROM unnest(%(places)s::bigint[], %(contacts)s::uuid[], %(nonces)s::bytea[]) AS o(n, contact_id, nonce)
    JOIN numbered USING (n)
)
SELECT count(*) FROM numbered"""


@dataclass(frozen=True, slots=True)
class Draft:
    """One entry to append, about at most one person."""

    caller: Caller
    action: str
    subject: UUID | None = None
    kinds: Sequence[str] = ()
    detail: Mapping[str, JSON] = field(default_factory=dict)


async def append_all(session: Session, drafts: Sequence[Draft], keys: Mapping[UUID, PersonKeys]) -> None:
    """Append an entry for each draft, in order; `keys` are the subjects' who still have any.

    Misuse: see `body.build`. Unavailable `log.unseated`: the database was moved to another cluster.
    """
    heads, tails = [], []
    places: list[int] = []
    contacts: list[UUID] = []
    nonces: list[bytes] = []
    drawn = secrets.token_bytes(commitments.NONCE_BYTES * len(drafts))
    for place, draft in enumerate(drafts):
        nonce = drawn[place * commitments.NONCE_BYTES : (place + 1) * commitments.NONCE_BYTES]
        committed = [] if draft.subject is None else [commitments.commit(nonce, draft.subject)]
        split = body.build(
            draft.action,
            actor=draft.caller.actor,
            purpose=draft.caller.purpose,
            reason=draft.caller.reason,
            request=draft.caller.request_id,
            kinds=draft.kinds,
            subjects=commitments.stated(committed),
            detail=draft.detail,
        )
        heads.append(split.head)
        tails.append(split.tail)
        held = keys.get(draft.subject) if draft.subject else None
        if draft.subject and held is not None and held.has(OPENING_NONCE.key_class):
            places.append(place + 1)
            contacts.append(draft.subject)
            nonces.append(held.seal(OPENING_NONCE, nonce))
    appended = await session.value(
        _ENTRIES,
        {"heads": heads, "tails": tails, "places": places, "contacts": contacts, "nonces": nonces},
    )
    if appended != len(drafts):
        raise Unavailable(
            "log.unseated",
            "The database was moved to another PostgreSQL cluster, so the log takes no entries.",
            mend="run zgoda audit reseat",
        )
