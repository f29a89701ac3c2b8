"""Many entries in one statement, each with its own caller: what shares a transaction still has an entry of its own."""

import secrets
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from registry.audit import body, commitments
from registry.audit.body import JSON
from registry.keys.columns import OPENING_NONCE
from registry.keys.persons import PersonKeys
from registry.kit.caller import Caller
from registry.kit.database import Session
from registry.kit.errors import Unavailable
from registry.kit.ids import NIL

# Nothing is written when the log is not seated in this cluster (see entries): not even what stands beside.
_ENTRIES = """
WITH seat AS MATERIALIZED (
    SELECT FROM audit_state AS s, pg_control_system() AS c
    WHERE s.system_identifier = c.system_identifier::text AND s.prev_xmin <= pg_current_xact_id()
), draft AS (
    SELECT d.* FROM seat, unnest(
        %(entry_heads)b::bytea[], %(entry_tails)b::bytea[], %(entry_subjects)b::uuid[], %(entry_nonces)b::bytea[]
    ) WITH ORDINALITY AS d(head, tail, subject, nonce, n)
), entry AS (
    INSERT INTO audit_entry (body)
    SELECT d.head
        || convert_to(to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'UTF8')
        || d.tail
    FROM draft d
    ORDER BY d.n
    RETURNING id
), numbered AS (
    SELECT id, row_number() OVER (ORDER BY id) AS n FROM entry
), opened AS (
    INSERT INTO audit_opening (contact_id, entry_id, position, nonce)
    SELECT d.subject, numbered.id, 0, d.nonce FROM draft d JOIN numbered USING (n) WHERE d.nonce <> ''
){beside}
SELECT count(*) FROM numbered"""


class Draft(NamedTuple):
    """One entry to append, about at most one person; `keys` are that person's, None when there are none."""

    caller: Caller
    action: str
    subject: UUID | None
    keys: PersonKeys | None
    kinds: tuple[str, ...]
    detail: Mapping[str, JSON]


@lru_cache(maxsize=16)
def _text(beside: str) -> str:
    return _ENTRIES.replace(
        "{beside}", f", beside AS ({beside} WHERE EXISTS (SELECT FROM seat))" if beside else ""
    )


async def append_all(
    session: Session,
    drafts: Sequence[Draft],
    *,
    beside: str = "",
    params: Mapping[str, Any] | None = None,
) -> None:
    """Append an entry for each draft, in order.

    `beside` is an INSERT ... SELECT without WHERE that the entries tell of, with its `params`: it becomes part of
    the same statement, so that there is never one without the other, whether or not a transaction is open.

    Misuse: see `body.build`. Unavailable `log.unseated`: the database was moved to another cluster.
    """
    heads, tails, subjects, nonces = [], [], [], []
    drawn = secrets.token_bytes(commitments.NONCE_BYTES * len(drafts))
    for place, (caller, action, subject, keys, kinds, detail) in enumerate(drafts):
        nonce = drawn[place * commitments.NONCE_BYTES : (place + 1) * commitments.NONCE_BYTES]
        split = body.build(
            action,
            actor=caller.actor,
            purpose=caller.purpose,
            reason=caller.reason,
            request=caller.request_id,
            kinds=kinds,
            subjects=[] if subject is None else commitments.stated([commitments.commit(nonce, subject)]),
            detail=detail,
        )
        heads.append(split.head)
        tails.append(split.tail)
        subjects.append(subject or NIL)
        opens = keys is not None and keys.has(OPENING_NONCE.key_class)
        nonces.append(keys.seal(OPENING_NONCE, nonce) if opens and keys else b"")
    told = {
        "entry_heads": heads,
        "entry_tails": tails,
        "entry_subjects": subjects,
        "entry_nonces": nonces,
    }
    appended = await session.value(_text(beside), {**told, **(params or {})})
    if appended != len(drafts):
        raise unseated()


def unseated() -> Unavailable:
    """What is raised when the log takes no entries."""
    return Unavailable(
        "log.unseated",
        "The database was moved to another PostgreSQL cluster, so the log takes no entries.",
        mend="run zgoda audit reseat",
    )
