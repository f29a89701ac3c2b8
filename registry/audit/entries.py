"""Appending to the log: one entry for every change and every read, in the transaction of what it tells of."""

import secrets
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from registry.audit import body, commitments
from registry.audit.body import JSON
from registry.keys import persons
from registry.keys.columns import OPENING_NONCE
from registry.keys.persons import PersonKeys
from registry.keys.ring import KeyRing
from registry.kit.database import Row, Session
from registry.kit.errors import Unavailable

# The time is the database's. Nothing is inserted when the log is not seated in this cluster: after a dump and
# restore the sealer's window would pass over the entry without a word (see sealer.reseat).
_ENTRY = """
INSERT INTO audit_entry (body)
SELECT %(head)s::bytea
    || convert_to(to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'UTF8')
    || %(tail)s::bytea
FROM audit_state AS s, pg_control_system() AS c
WHERE s.system_identifier = c.system_identifier::text AND s.prev_xmin <= pg_current_xact_id()
RETURNING id"""

_ENTRY_WITH_OPENINGS = f"""
WITH entry AS ({_ENTRY}), opened AS (
    INSERT INTO audit_opening (contact_id, entry_id, position, nonce)
    SELECT o.contact_id, entry.id, o.position, o.nonce
    FROM entry, unnest(%(contacts)b::uuid[], %(positions)b::int[], %(nonces)b::bytea[])
        AS o(contact_id, position, nonce)
)
SELECT id FROM entry"""


async def append(
    session: Session,
    ring: KeyRing,
    action: str,
    *,
    subjects: Sequence[UUID] = (),
    kinds: Sequence[str] = (),
    detail: Mapping[str, JSON] | None = None,
    keys: Mapping[UUID, PersonKeys] | None = None,
) -> int:
    """Append one entry and return its id; who, why and which request come from `session.caller`.

    `subjects` are the persons (or devices) whom the entry is about; their ids go nowhere else, `detail` least of
    all. `kinds` are kinds of data, such as field names. `keys` spares the look-up when the caller has the
    persons' keys at hand; a subject without keys is committed to and can never be opened.

    Misuse: see `body.build`. Unavailable `log.unseated`: the database was moved to another cluster.
    """
    written = await _written(session, ring, action, subjects, kinds, detail, keys)
    if written.committed is None:
        return _appended(await session.value(written.statement, written.params))
    entry_id = _appended(await session.value(_ENTRY, written.params))
    # Without them the path to the root in the entry could not be shown; they say nothing about anybody.
    await session.execute(
        "INSERT INTO audit_commitment (entry_id, hashes) VALUES (%s, %s)", (entry_id, written.committed)
    )
    await session.copy(
        "audit_opening",
        ("contact_id", "entry_id", "position", "nonce"),
        ((subject, entry_id, position, nonce) for subject, position, nonce in written.openings),
    )
    return entry_id


async def add(
    session: Session,
    ring: KeyRing,
    action: str,
    *,
    subjects: Sequence[UUID],
    kinds: Sequence[str],
    detail: Mapping[str, JSON],
    keys: Mapping[UUID, PersonKeys] | None = None,
) -> None:
    """`append` for whoever does not ask for the id: the entry goes with the next statement, or with the commit."""
    if len(subjects) > commitments.INLINE:
        await append(session, ring, action, subjects=subjects, kinds=kinds, detail=detail, keys=keys)
        return
    written = await _written(session, ring, action, subjects, kinds, detail, keys)
    session.ask(written.statement, written.params, check=_seated)


class _Written(NamedTuple):
    """An entry as it is sent; `committed` are the commitments that stand outside an entry about many."""

    statement: str
    params: dict[str, object]
    openings: list[tuple[UUID, int, bytes]]
    committed: bytes | None = None


async def _written(
    session: Session,
    ring: KeyRing,
    action: str,
    subjects: Sequence[UUID],
    kinds: Sequence[str],
    detail: Mapping[str, JSON] | None,
    keys: Mapping[UUID, PersonKeys] | None,
) -> _Written:
    about = list(dict.fromkeys(subjects))
    drawn = secrets.token_bytes(commitments.NONCE_BYTES * len(about))
    nonces = [drawn[i : i + commitments.NONCE_BYTES] for i in range(0, len(drawn), commitments.NONCE_BYTES)]
    committed = [commitments.commit(nonce, subject) for nonce, subject in zip(nonces, about, strict=True)]
    caller = session.caller
    split = body.build(
        action,
        actor=caller.actor,
        purpose=caller.purpose,
        reason=caller.reason,
        request=caller.request_id,
        kinds=kinds,
        subjects=commitments.stated(committed),
        detail=detail,
    )
    _refuse_named(about, split, detail)
    params: dict[str, object] = {"head": split.head, "tail": split.tail}
    openings = await _openings(session, ring, about, nonces, keys)
    if len(about) > commitments.INLINE:
        return _Written(_ENTRY, params, openings, b"".join(committed))
    if not openings:
        return _Written(_ENTRY, params, openings)
    params["contacts"], params["positions"], params["nonces"] = map(list, zip(*openings, strict=True))
    return _Written(_ENTRY_WITH_OPENINGS, params, openings)


async def _openings(
    session: Session,
    ring: KeyRing,
    about: Sequence[UUID],
    nonces: Sequence[bytes],
    keys: Mapping[UUID, PersonKeys] | None,
) -> list[tuple[UUID, int, bytes]]:
    """(subject, position, sealed nonce) for every subject who has an `audit` key."""
    if not about:
        return []
    held = dict(keys or {})
    missing = [subject for subject in about if subject not in held]
    if missing:
        held.update(await persons.load(session, ring, missing))
    return [
        (subject, position, held[subject].seal(OPENING_NONCE, nonce))
        for position, (subject, nonce) in enumerate(zip(about, nonces, strict=True))
        if subject in held and held[subject].has(OPENING_NONCE.key_class)
    ]


def _seated(rows: Sequence[Row]) -> None:
    _appended(rows[0][0] if rows else None)


def _appended(entry_id: int | None) -> int:
    if entry_id is None:
        raise Unavailable(
            "log.unseated",
            "The database was moved to another PostgreSQL cluster, so the log takes no entries.",
            mend="run zgoda audit reseat",
        )
    return entry_id


def _refuse_named(about: Sequence[UUID], split: body.Split, detail: Mapping[str, JSON] | None) -> None:
    """A subject's id in plain would tie the entry to the person for ever."""
    if detail and about[: commitments.INLINE]:
        text = split.tail.decode()
        if any(str(subject) in text for subject in about[: commitments.INLINE]):
            raise ValueError("the detail of an entry names one of its subjects")
