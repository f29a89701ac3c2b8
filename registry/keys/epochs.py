"""Epochs as the database knows them: which are open, so that no row is written under one that is going."""

from registry.keys.ring import Epoch, KeyEpochMissing, KeyRing
from registry.kit.database import Session


async def ensure(session: Session, ring: KeyRing) -> None:
    """Record the ring's epochs that the database does not know yet (first start, or after adding one)."""
    for epoch in ring.live():
        await session.execute(
            "INSERT INTO key_epoch (epoch) VALUES (%s) ON CONFLICT DO NOTHING", (epoch.number,)
        )


async def writable(session: Session, ring: KeyRing) -> list[Epoch]:
    """The epochs under which a blind index is written, oldest first; ask again in every transaction.

    The database is asked before the ring: an epoch is closed long after the next one came into the ring, so
    whoever sees it closed has the next one. One that closes meanwhile is refused by its trigger (ZG001).
    """
    closed = {
        row.epoch for row in await session.all("SELECT epoch FROM key_epoch WHERE closed_at IS NOT NULL")
    }
    open_ones = [epoch for epoch in ring.live() if epoch.number not in closed]
    if not open_ones:
        raise KeyEpochMissing(max(closed) + 1)
    return open_ones
