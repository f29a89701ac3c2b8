"""A person's keys: which classes they still have, and how they go."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from registry.keys import persons
from registry.keys.columns import KeyClass
from registry.keys.persons import PersonKeys
from registry.keys.ring import KeyRing
from registry.kit.database import Session

TABLES = ("person_key",)


async def export(session: Session, ring: KeyRing, contact_id: UUID, keys: PersonKeys) -> dict[str, Any]:
    """For which retention classes the person has keys; the keys themselves stay here."""
    epoch = await session.value("SELECT epoch FROM person_key WHERE contact_id = %s", (contact_id,))
    return {"classes": [one.name.lower() for one in KeyClass if keys.has(one)], "epoch": epoch}


async def erase(session: Session, contact_id: UUID, kept: Collection[KeyClass] = ()) -> dict[str, int]:
    """Delete the wrapped keys, in a session of the retention role. With `kept` see `keep_only`."""
    if kept:
        return {"person_key": 0}
    deleted = await session.execute("DELETE FROM person_key WHERE contact_id = %s", (contact_id,))
    return {"person_key": deleted.rowcount}


async def last_epoch(session: Session, contact_id: UUID) -> int | None:
    """Lock the person's keys and tell under which epoch they are; rotation takes the same lock."""
    epoch: int | None = await session.value(
        "SELECT epoch FROM person_key WHERE contact_id = %s FOR UPDATE", (contact_id,)
    )
    return epoch


async def keep_only(session: Session, ring: KeyRing, contact_id: UUID, kept: Collection[KeyClass]) -> None:
    """Write the keys anew with only those of `kept`; the others are destroyed."""
    held = (await persons.load(session, ring, [contact_id])).get(contact_id)
    if held is not None:
        epoch = ring.current
        await session.execute(
            "UPDATE person_key SET epoch = %s, wrapped = %s WHERE contact_id = %s",
            (epoch.number, held.keeping(kept).wrap(epoch), contact_id),
        )
