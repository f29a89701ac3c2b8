"""One entry about many persons at once: what a batch or a list has read, committed to and opened in one statement."""

import secrets
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from registry.audit import body, commitments
from registry.audit.batches import unseated
from registry.audit.body import JSON
from registry.keys import persons
from registry.keys.columns import OPENING_NONCE
from registry.keys.persons import PersonKeys, Wrapped
from registry.keys.ring import KeyRing
from registry.kit import arrays
from registry.kit.database import Session

# Nothing is written when the log is not seated in this cluster (see entries): not even what stands beside.
_ENTRY = """
WITH seat AS MATERIALIZED (
    SELECT FROM audit_state AS s, pg_control_system() AS c
    WHERE s.system_identifier = c.system_identifier::text AND s.prev_xmin <= pg_current_xact_id()
), entry AS (
    INSERT INTO audit_entry (body)
    SELECT %(entry_head)s::bytea
        || convert_to(to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'UTF8')
        || %(entry_tail)s::bytea
    FROM seat
    RETURNING id
), opened AS (
    INSERT INTO audit_opening (contact_id, entry_id, position, nonce)
    SELECT o.contact_id, entry.id, o.position, o.nonce
    FROM entry, unnest(%(entry_subjects)b::uuid[], %(entry_positions)b::int[], %(entry_nonces)b::bytea[])
        AS o(contact_id, position, nonce)
), rooted AS (
    INSERT INTO audit_commitment (entry_id, hashes)
    SELECT entry.id, %(entry_hashes)s::bytea FROM entry WHERE %(entry_hashes)s::bytea <> ''
){beside}
SELECT id FROM entry"""


class ReadSet(NamedTuple):
    """Persons as an entry commits to them (`stated`), and what opens it for each who has an `audit` key.

    `hashes` are the commitments under the root of a set that is too large to stand in the entry, else empty.
    """

    stated: list[str] | dict[str, int | str]
    hashes: bytes
    subjects: list[UUID]
    positions: list[int]
    nonces: list[bytes]


def gather(people: Sequence[PersonKeys]) -> ReadSet:
    """The read-set of these persons, each once. Pure and busy (some 10 µs a person): large ones go to a thread."""
    about = list({one.contact_id: one for one in people}.values())
    plain, committed = _committed([keys.contact_id for keys in about])
    sealed = [
        keys.seal(OPENING_NONCE, nonce) if keys.has(OPENING_NONCE.key_class) else b""
        for nonce, keys in zip(plain, about, strict=True)
    ]
    return _read_set([keys.contact_id for keys in about], committed, sealed)


def gather_held(ring: KeyRing, held: Mapping[UUID, Wrapped]) -> ReadSet:
    """The same from keys as they are kept, in half the time: no person's keys become an object."""
    plain, committed = _committed(held)
    return _read_set(
        list(held), committed, persons.seal_each(ring, OPENING_NONCE, list(held.values()), plain)
    )


def _committed(about: Collection[UUID]) -> tuple[list[bytes], list[bytes]]:
    """New nonces, and the commitments that they make."""
    size = commitments.NONCE_BYTES
    drawn = secrets.token_bytes(size * len(about))
    plain = [drawn[start : start + size] for start in range(0, len(drawn), size)]
    return plain, [commitments.commit(nonce, subject) for nonce, subject in zip(plain, about, strict=True)]


def _read_set(about: Sequence[UUID], committed: Sequence[bytes], sealed: Sequence[bytes]) -> ReadSet:
    positions = [position for position, nonce in enumerate(sealed) if nonce]
    return ReadSet(
        commitments.stated(committed),
        b"".join(committed) if len(about) > commitments.INLINE else b"",
        [about[position] for position in positions],
        positions,
        [sealed[position] for position in positions],
    )


@lru_cache(maxsize=16)
def _text(beside: str) -> str:
    return _ENTRY.replace(
        "{beside}", f", beside AS ({beside} WHERE EXISTS (SELECT FROM seat))" if beside else ""
    )


async def append(
    session: Session,
    action: str,
    read: ReadSet,
    *,
    kinds: Sequence[str] = (),
    detail: Mapping[str, JSON] | None = None,
    beside: str = "",
    params: Mapping[str, Any] | None = None,
) -> int:
    """Append one entry about the persons of a read-set and return its id; who and why come from `session.caller`.

    `beside` is an INSERT ... SELECT without WHERE that the entry tells of, with its `params`: it becomes part of
    the same statement, so that there is never one without the other, whether or not a transaction is open.

    Misuse: see `body.build`. Unavailable `log.unseated`: the database was moved to another cluster.
    """
    caller = session.caller
    split = body.build(
        action,
        actor=caller.actor,
        purpose=caller.purpose,
        reason=caller.reason,
        request=caller.request_id,
        kinds=kinds,
        subjects=read.stated,
        detail=detail,
    )
    told = {
        "entry_head": split.head,
        "entry_tail": split.tail,
        "entry_subjects": arrays.uuids(read.subjects),
        "entry_positions": arrays.numbers(read.positions),
        "entry_nonces": arrays.blobs(read.nonces),
        "entry_hashes": read.hashes,
    }
    entry_id = await session.value(_text(beside), {**told, **(params or {})})
    if entry_id is None:
        raise unseated()
    return int(entry_id)
