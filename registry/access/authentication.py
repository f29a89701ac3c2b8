"""From a bearer key to a principal, without a query of its own for every request.

A look-up is kept for `CACHED_SECONDS` in this process: so long, at most, a revoked key still works elsewhere.
Expiry is compared on every request and bites at once.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from uuid import UUID

from registry.access import credentials, queries
from registry.access.principals import Principal
from registry.kit import clock
from registry.kit.caller import Caller
from registry.kit.database import Database
from registry.kit.errors import Unauthenticated

CACHED_SECONDS = 3.0
_CACHED_KEYS = 10_000
_CALLER = Caller("authentication", "access", "key look-up")


@dataclass(frozen=True, slots=True)
class _Known:
    """What the database said of one hash, and until when that is believed."""

    until: float
    principal: Principal | None
    expires_at: datetime | None = None


class Keychain:
    """The keys that this process has seen lately."""

    def __init__(self, database: Database, *, cached_seconds: float = CACHED_SECONDS) -> None:
        self._database = database
        self._cached_seconds = cached_seconds
        self._known: dict[bytes, _Known] = {}
        self._under_way: dict[bytes, asyncio.Task[_Known]] = {}

    async def principal(self, authorization: str | None) -> Principal:
        """The principal of an `Authorization` header; Unauthenticated (401) for anything but a live key."""
        if not authorization:
            raise Unauthenticated(
                "credential.missing", "This route needs a key.", field="Authorization", mend="send Bearer KEY"
            )
        scheme, _, key = authorization.partition(" ")
        if scheme.lower() != "bearer" or not key.isascii():
            raise _invalid()
        hashed = credentials.digest(key)
        known = self._known.get(hashed)
        if known is None or known.until <= monotonic():
            if credentials.kind_of(key) is None:
                raise _invalid()
            known = await self._look_up(hashed)
        if known.principal is None or (known.expires_at is not None and known.expires_at <= clock.now()):
            raise _invalid()
        return known.principal

    def forget(self, key_id: UUID) -> None:
        """Look this key up anew: it was revoked here."""
        for hashed, known in list(self._known.items()):
            if known.principal is not None and known.principal.id == key_id:
                del self._known[hashed]

    async def _look_up(self, hashed: bytes) -> _Known:
        # Requests that arrive while the look-up runs share it.
        task = self._under_way.get(hashed)
        if task is None:
            task = asyncio.create_task(self._load(hashed))
            self._under_way[hashed] = task
            task.add_done_callback(lambda _: self._under_way.pop(hashed, None))
        return await asyncio.shield(task)

    async def _load(self, hashed: bytes) -> _Known:
        until = monotonic() + self._cached_seconds
        async with self._database.begin(_CALLER) as session:
            row = await session.first(queries.BY_HASH, (hashed,))
        if row is None or row.revoked_at is not None:
            known = _Known(until, None)
        else:
            principal = Principal(row.id, row.kind, frozenset(row.controllers), frozenset(row.purposes))
            known = _Known(until, principal, row.expires_at)
        if len(self._known) >= _CACHED_KEYS:
            self._known.clear()
        self._known[hashed] = known
        return known


def _invalid() -> Unauthenticated:
    return Unauthenticated(
        "credential.invalid",
        "This key is not valid.",
        field="Authorization",
        mend="zgoda apikey create makes one",
    )
