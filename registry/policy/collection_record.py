"""Records collection points for good: a form that somebody saw never changes under its version."""

from registry.kit.database import Session
from registry.kit.errors import Refused
from registry.policy.model import PolicySet


async def record(session: Session, policies: PolicySet, *, author: str, reason: str) -> list[str]:
    """Append the versions that are not on record, as the owner; their names, `point/version`.

    Refused `point.fixed`: something of a version differs from what was recorded under it.
    """
    recorded = {
        (row.point, row.version): bytes(row.hash)
        for row in await session.all("SELECT point, version, hash FROM collection_point")
    }
    fresh = []
    for points in policies.collection.values():
        for point in points:
            known = recorded.get((point.id, point.version))
            if known is None:
                fresh.append(point)
            elif known != point.hash:
                raise Refused(
                    "point.fixed",
                    f"The form {point.id}/{point.version} differs from the one recorded under that version.",
                    field=f"collection/{point.id}",
                    mend="give the changed form or text the next version, and keep the earlier one beside it",
                )
    if fresh:
        await session.many(
            "INSERT INTO collection_point (point, version, controller, hash, body, author, reason)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s)",
            [(p.id, p.version, p.controller, p.hash, p.canonical.decode(), author, reason) for p in fresh],
        )
    return [f"{point.id}/{point.version}" for point in fresh]
