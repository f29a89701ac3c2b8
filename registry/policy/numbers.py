"""The small numbers that stand for names in the gate's table, and room there for every purpose."""

from collections.abc import Iterable
from dataclasses import dataclass

from registry.kit.database import Session
from registry.policy.model import PolicySet, Purpose


@dataclass(frozen=True, slots=True)
class PolicyIds:
    """The small numbers that stand for names in the gate's table; given once by each database."""

    purposes: dict[str, int]
    channels: dict[str, int]
    zones: dict[str, int]


async def load_ids(session: Session) -> PolicyIds:
    """The numbers of live purposes, of channels and of time zones, by name."""
    purposes = await session.all("SELECT name, id FROM purpose WHERE retired_at IS NULL ORDER BY id")
    channels = await session.all("SELECT name, id FROM channel ORDER BY id")
    zones = await session.all("SELECT name, id FROM zone ORDER BY id")
    return PolicyIds(*({row.name: row.id for row in rows} for rows in (purposes, channels, zones)))


async def number_channels(session: Session, policies: PolicySet) -> list[str]:
    """Give every new channel a number; the names of those that got one."""
    return await _number_names(session, "channel", policies.channels)


async def number_zones(session: Session, policies: PolicySet) -> list[str]:
    """The same for time zones that quiet hours are kept by."""
    return await _number_names(session, "zone", policies.schedule.names())


async def _number_names(session: Session, table: str, names: Iterable[str]) -> list[str]:
    known = {row.name for row in await session.all(f"SELECT name FROM {table}")}
    fresh = [name for name in names if name not in known]
    for name in fresh:
        await session.execute(
            f"INSERT INTO {table} (id, name) SELECT coalesce(max(id), 0) + 1, %s FROM {table}", (name,)
        )
    return fresh


async def number_purposes(session: Session, policies: PolicySet) -> tuple[list[str], list[str]]:
    """Number and make room for new purposes, retire those that are gone; the names of the new and the retired.

    A purpose that comes back gets the number that it had, and empty room.
    """
    begun: list[str] = []
    retired: list[str] = []
    known = {row.name: row for row in await session.all("SELECT id, name, retired_at FROM purpose")}
    for name, row in known.items():
        if name not in policies.purposes and row.retired_at is None:
            await session.execute(
                "UPDATE purpose SET retired_at = now(), filled_from = NULL WHERE id = %s", (row.id,)
            )
            await session.execute(f"DROP TABLE IF EXISTS gate_state_{row.id:d}")
            retired.append(name)
    for name, purpose in policies.purposes.items():
        if (row := known.get(name)) is None:
            number = await _number(session, purpose)
        elif row.retired_at is not None:
            number = row.id
            await session.execute("UPDATE purpose SET retired_at = NULL WHERE id = %s", (number,))
        else:
            continue
        await _make_room(session, number)
        begun.append(name)
    return begun, retired


async def _number(session: Session, purpose: Purpose) -> int:
    return int(
        await session.value(
            "INSERT INTO purpose (id, name, controller, class)"
            " SELECT coalesce(max(id), 0) + 1, %s, %s, %s FROM purpose RETURNING id",
            (purpose.id, purpose.controller, purpose.class_.value),
        )
    )


async def _make_room(session: Session, number: int) -> None:
    # Attaching takes a weaker lock than CREATE TABLE ... PARTITION OF: checks go on meanwhile.
    await session.execute(f"CREATE TABLE gate_state_{number:d} (LIKE gate_state INCLUDING ALL)")
    await session.execute(
        f"ALTER TABLE gate_state ATTACH PARTITION gate_state_{number:d} FOR VALUES IN ({number:d})"
    )
