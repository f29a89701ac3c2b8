"""How a person would rather be reached: by which channel, in which part of the day, by which clock."""

from uuid import UUID

from registry.audit import entries
from registry.contacts import service
from registry.keys.ring import KeyRing
from registry.kit.database import Session
from registry.kit.errors import Misuse
from registry.policy.model import PolicySet
from registry.policy.schedule import Part


async def prefer(
    session: Session,
    ring: KeyRing,
    policies: PolicySet,
    contact_id: UUID,
    *,
    channel: str | None = None,
    part: Part = Part.ANY,
    time_zone: str | None = None,
) -> None:
    """Keep what the person prefers, in place of what was kept before; entry `contact.update`.

    Marketing outside the part of the day is deferred to it; the preferred channel is told first of those that are
    permitted; neither permits anything. Misuse `channel.unknown`, `time_zone.unknown`; ContactGone (404).
    """
    if channel is not None and channel not in policies.channels:
        raise Misuse("channel.unknown", "There is no such channel.", field="channel")
    if time_zone is not None and time_zone not in policies.zone_ids:
        raise Misuse(
            "time_zone.unknown",
            "No such time zone is in use.",
            field="time_zone",
            mend="one of [zones] in policies/schedule.toml, such as Europe/Riga",
        )
    await service.lock(session, [contact_id])
    await session.execute(
        "UPDATE contact SET preferred_channel = %s, preferred_part = %s, time_zone = %s WHERE id = %s",
        (channel, int(part), time_zone, contact_id),
    )
    await entries.append(session, ring, "contact.update", subjects=[contact_id], kinds=("preference",))
