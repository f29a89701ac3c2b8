"""Many entries in one statement, each with its own caller: what shares a transaction still has an entry of its own."""

import secrets
from binascii import b2a_base64
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from registry.audit import body, commitments
from registry.audit.body import Form
from registry.keys import persons
from registry.keys.columns import OPENING_NONCE
from registry.keys.persons import Wrapped
from registry.keys.ring import KeyRing
from registry.kit import arrays
from registry.kit.database import Session
from registry.kit.errors import Unavailable

# Nothing is written when the log is not seated in this cluster (see entries): not even what stands beside. The
# time is the database's, read once: writing it out for each would take a tenth of the statement.
_ENTRIES = """
WITH seat AS MATERIALIZED (
    SELECT convert_to(to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'UTF8') AS at
    FROM audit_state AS s, pg_control_system() AS c
    WHERE s.system_identifier = c.system_identifier::text AND s.prev_xmin <= pg_current_xact_id()
), draft AS (
    SELECT d.*, seat.at FROM seat, unnest(
        %(entry_heads)b::bytea[], %(entry_tails)b::bytea[], %(entry_subjects)b::uuid[], %(entry_nonces)b::bytea[]
    ) WITH ORDINALITY AS d(head, tail, subject, nonce, n)
), entry AS (
    INSERT INTO audit_entry (body)
    SELECT d.head || d.at || d.tail FROM draft d
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
    """One entry to append: a form, what fills its gaps but for the commitment, and whom it is about.

    `held` are that person's keys as they are kept; without them nobody is committed to.
    """

    form: Form
    said: tuple[bytes, ...]
    request: str
    subject: UUID
    held: Wrapped | None


@lru_cache(maxsize=16)
def _text(beside: str) -> str:
    return _ENTRIES.replace(
        "{beside}", f", beside AS ({beside} WHERE EXISTS (SELECT FROM seat))" if beside else ""
    )


async def append_all(
    session: Session,
    ring: KeyRing,
    drafts: Sequence[Draft],
    *,
    beside: str = "",
    params: Mapping[str, Any] | None = None,
) -> None:
    """Append an entry for each draft, in order.

    `beside` is an INSERT ... SELECT without WHERE that the entries tell of, with its `params`: it becomes part of
    the same statement, so that there is never one without the other, whether or not a transaction is open.

    Misuse `request.invalid`. Unavailable `log.unseated`: the database was moved to another cluster.
    """
    about = [draft.held for draft in drafts if draft.held is not None]
    size = commitments.NONCE_BYTES
    drawn = secrets.token_bytes(size * len(about))
    nonces = [drawn[start : start + size] for start in range(0, len(drawn), size)]
    sealed = persons.seal_each(ring, OPENING_NONCE, about, nonces)
    tails: list[bytes] = []
    openings: list[bytes] = []
    place = 0
    for form, said, request, subject, held in drafts:
        body.check_request(request)
        if held is None:
            tails.append(form.tail % (*said, request.encode()))
            openings.append(b"")
            continue
        commitment = b2a_base64(commitments.commit(nonces[place], subject), newline=False)
        tails.append(form.tail % (*said, request.encode(), commitment))
        openings.append(sealed[place])
        place += 1
    told = {
        "entry_heads": arrays.blobs([draft.form.head for draft in drafts]),
        "entry_tails": arrays.blobs(tails),
        "entry_subjects": arrays.uuids([draft.subject for draft in drafts]),
        "entry_nonces": arrays.blobs(openings),
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
