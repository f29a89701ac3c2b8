"""Epochs as the database knows them: which are open, so that no row is written under one that is going."""

from registry.keys.ring import KeyRing
from registry.kit.database import Session


async def ensure(session: Session, ring: KeyRing) -> None:
    """Record the ring's epochs that the database does not know yet (first start, or after adding one)."""
    for epoch in ring.live():
        await session.execute(
            "INSERT INTO key_epoch (epoch) VALUES (%s) ON CONFLICT DO NOTHING", (epoch.number,)
        )
