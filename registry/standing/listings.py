"""Addresses on lists of people who want no advertising: kept under keyed MACs, with when they came and went."""

from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime, time
from typing import NamedTuple
from uuid import UUID

from registry.kit.database import Session
from registry.kit.ids import new_id


class LeftOut(NamedTuple):
    """Whom a whole file leaves out: nobody named them since it was begun, and none of a later day listed them."""

    begun_at: datetime
    # The end of the file's day; of a file of today, when it was begun.
    listed_before: datetime


_LEFT_OUT = "list = %s AND unlisted_at IS NULL AND seen_at < %s AND listed_at < %s"


async def enlist(
    session: Session,
    name: str,
    address_ids: Collection[UUID],
    listed_at: datetime,
    *,
    renew: bool = False,
) -> set[UUID]:
    """Put these addresses on a list; those that were not on it. Their rows are locked by the caller or new.

    With `renew` those who were on it since an earlier day are listed anew as of this one, so that no whole file of a
    day between takes them off.
    """
    at: datetime = await session.value("SELECT clock_timestamp()")
    ids = list(set(address_ids))
    before: set[UUID] = set()
    if renew:
        day = datetime.combine(listed_at.astimezone(UTC).date(), time(), UTC)
        ended = await session.all(
            "UPDATE address_listing SET unlisted_at = %s WHERE list = %s AND address_id = ANY(%b::uuid[])"
            " AND unlisted_at IS NULL AND listed_at < %s RETURNING address_id",
            (at, name, ids, day),
        )
        before = {row.address_id for row in ended}
    rows = await session.all(
        # Recorded at the instant at which the earlier one ended: at no time were they off the list.
        "INSERT INTO address_listing (address_id, list, listed_at, recorded_at)"
        " SELECT id, %s, %s, %s FROM unnest(%b::uuid[]) AS w(id) ORDER BY id"
        " ON CONFLICT (address_id, list) WHERE unlisted_at IS NULL DO UPDATE SET seen_at = excluded.seen_at"
        " RETURNING address_id, xmax = 0 AS fresh",
        (name, listed_at, at, ids),
    )
    return {row.address_id for row in rows if row.fresh} - before


async def unlist(session: Session, name: str, address_ids: Collection[UUID], left_out: LeftOut) -> int:
    """Take off a list those of these addresses that a whole file left out; how many. Their rows are locked."""
    done = await session.execute(
        "UPDATE address_listing SET unlisted_at = clock_timestamp()"
        f" WHERE {_LEFT_OUT} AND address_id = ANY(%b::uuid[])",
        (name, *left_out, list(address_ids)),
    )
    return done.rowcount


async def unseen(session: Session, name: str, left_out: LeftOut, limit: int) -> list[UUID]:
    """Up to `limit` addresses on a list that a whole file left out."""
    rows = await session.all(
        f"SELECT address_id FROM address_listing WHERE {_LEFT_OUT} ORDER BY seen_at LIMIT %s",
        (name, *left_out, limit),
    )
    return [row.address_id for row in rows]


async def size(session: Session, name: str, left_out: LeftOut | None = None) -> int:
    """How many addresses are on a list now; with `left_out` those of them that a whole file left out."""
    if left_out is None:
        return int(
            await session.value(
                "SELECT count(*) FROM address_listing WHERE list = %s AND unlisted_at IS NULL", (name,)
            )
        )
    return int(
        await session.value(f"SELECT count(*) FROM address_listing WHERE {_LEFT_OUT}", (name, *left_out))
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
