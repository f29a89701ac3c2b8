"""Addresses on lists of people who want no advertising: kept under keyed MACs, with when they came and went."""

from collections.abc import Collection, Iterable
from datetime import date, datetime
from uuid import UUID

from registry.kit.database import Session
from registry.kit.ids import new_id


async def enlist(
    session: Session, name: str, address_ids: Collection[UUID], listed_at: datetime
) -> set[UUID]:
    """Put these addresses on a list; those that were not on it. Their rows are locked by the caller or new."""
    rows = await session.all(
        "INSERT INTO address_listing (address_id, list, listed_at)"
        " SELECT id, %s, %s FROM unnest(%b::uuid[]) AS w(id) ORDER BY id"
        " ON CONFLICT (address_id, list) WHERE unlisted_at IS NULL DO UPDATE SET seen_at = excluded.seen_at"
        " RETURNING address_id, xmax = 0 AS fresh",
        (name, listed_at, list(set(address_ids))),
    )
    return {row.address_id for row in rows if row.fresh}


async def unlist(session: Session, name: str, address_ids: Collection[UUID], before: datetime) -> int:
    """Take off a list those of these addresses that nobody named since `before`; how many. Their rows are locked."""
    done = await session.execute(
        "UPDATE address_listing SET unlisted_at = clock_timestamp()"
        " WHERE list = %s AND address_id = ANY(%b::uuid[]) AND unlisted_at IS NULL AND seen_at < %s",
        (name, list(address_ids), before),
    )
    return done.rowcount


async def unseen(session: Session, name: str, before: datetime, limit: int) -> list[UUID]:
    """Up to `limit` addresses on a list that nobody named since `before`."""
    rows = await session.all(
        "SELECT address_id FROM address_listing WHERE list = %s AND unlisted_at IS NULL AND seen_at < %s"
        " ORDER BY seen_at LIMIT %s",
        (name, before, limit),
    )
    return [row.address_id for row in rows]


async def size(session: Session, name: str, before: datetime | None = None) -> int:
    """How many addresses are on a list now; with `before` those that nobody named since."""
    return int(
        await session.value(
            "SELECT count(*) FROM address_listing WHERE list = %s AND unlisted_at IS NULL"
            " AND (%s::timestamptz IS NULL OR seen_at < %s)",
            (name, before, before),
        )
    )


async def listed(session: Session, name: str, macs: Iterable[bytes]) -> int:
    """How many of the addresses with these keyed MACs are on the list now."""
    return int(
        await session.value(
            "SELECT count(*) FROM address_listing l JOIN address a ON a.id = l.address_id"
            " WHERE l.list = %s AND l.unlisted_at IS NULL AND a.mac = ANY(%b::bytea[])",
            (name, list(macs)),
        )
    )


async def note_import(
    session: Session, name: str, *, dated: date, whole: bool, entries: int, listed: int, unlisted: int
) -> UUID:
    """Record that an import went through: from now on the list is as fresh as its day."""
    made = new_id()
    await session.execute(
        "INSERT INTO list_import (id, list, dated, whole, entries, listed, unlisted, actor)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        (made, name, dated, whole, entries, listed, unlisted, session.caller.actor),
    )
    return made


async def imports(session: Session) -> dict[str, tuple[tuple[datetime, date], ...]]:
    """For each list when it was imported whole and of which day it was then, earliest first.

    A file that only adds says nothing of whether the rest is up to date.
    """
    found: dict[str, tuple[tuple[datetime, date], ...]] = {}
    for row in await session.all(
        "SELECT list, imported_at, dated FROM list_import WHERE whole ORDER BY imported_at"
    ):
        found[row.list] = (*found.get(row.list, ()), (row.imported_at, row.dated))
    return found
