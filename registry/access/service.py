"""Making and revoking API keys: shown once, kept as a hash, every change in the audit log."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from registry.access import credentials, queries
from registry.audit import entries
from registry.keys.ring import KeyRing
from registry.kit import clock
from registry.kit.database import Session
from registry.kit.errors import Misuse, NotFound
from registry.kit.ids import new_id

_NAME_LIMIT = 100


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """What is known of a key afterwards; the key itself is not."""

    id: UUID
    kind: str
    name: str
    controllers: tuple[str, ...]
    purposes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


async def create_key(
    session: Session,
    ring: KeyRing,
    kind: str,
    name: str,
    controllers: Iterable[str] = (),
    purposes: Iterable[str] = (),
    expires_at: datetime | None = None,
) -> tuple[KeyRecord, str]:
    """A new key: its record, and the key in clear for the only time.

    A kind that is not everywhere reaches nothing until it names controllers or purposes. Raises Misuse
    `apikey.kind_unknown`, `apikey.name_invalid`, `apikey.expired`.
    """
    if kind not in credentials.KINDS:
        raise Misuse(
            "apikey.kind_unknown",
            "There is no such kind of key.",
            field="kind",
            mend=", ".join(credentials.KINDS),
        )
    if not name.strip() or len(name) > _NAME_LIMIT or not name.isprintable():
        raise Misuse(
            "apikey.name_invalid", f"A key needs a name of 1 to {_NAME_LIMIT} characters.", field="name"
        )
    created_at = clock.now()
    if expires_at is not None and clock.require_aware(expires_at, "expires_at") <= created_at:
        raise Misuse("apikey.expired", "The key would have expired already.", field="expires_at")
    record = KeyRecord(
        new_id(),
        kind,
        name,
        tuple(sorted(set(controllers))),
        tuple(sorted(set(purposes))),
        created_at,
        expires_at,
    )
    key = credentials.issue(kind)
    await session.execute(
        queries.INSERT,
        (
            record.id,
            kind,
            name,
            credentials.digest(key),
            list(record.controllers),
            list(record.purposes),
            created_at,
            expires_at,
        ),
    )
    await entries.append(session, ring, "apikey.create", detail=_detail(record))
    return record, key


async def revoke_key(session: Session, ring: KeyRing, key_id: UUID) -> KeyRecord:
    """End a key now; other processes follow within `authentication.CACHED_SECONDS`.

    Raises NotFound `apikey.unknown` for a key that does not exist or was revoked before.
    """
    row = await session.first(queries.REVOKE, (key_id,))
    if row is None:
        raise NotFound("apikey.unknown", "There is no live key with this id.", mend="see zgoda apikey list")
    record = _record(row)
    await entries.append(session, ring, "apikey.revoke", detail=_detail(record))
    return record


async def list_keys(session: Session) -> list[KeyRecord]:
    """Every key ever made, oldest first."""
    return [_record(row) for row in await session.all(queries.LIST)]


def _record(row: Any) -> KeyRecord:
    return KeyRecord(
        row.id,
        row.kind,
        row.name,
        tuple(row.controllers),
        tuple(row.purposes),
        row.created_at,
        row.expires_at,
        row.revoked_at,
    )


def _detail(record: KeyRecord) -> dict[str, Any]:
    # Not the name: people put people's names there.
    return {
        "key": str(record.id),
        "kind": record.kind,
        "controllers": list(record.controllers),
        "purposes": list(record.purposes),
        "expires_at": record.expires_at.isoformat() if record.expires_at else None,
    }
