"""Locks and facts about a person's standing; whoever writes about a person locks here first."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from registry.keys import blind
from registry.keys.ring import KeyRing
from registry.kit.database import Session
from registry.kit.ids import new_id


async def register(session: Session, contact_ids: Sequence[UUID]) -> None:
    """Gate rows for new persons. They are this transaction's alone until it commits."""
    await session.copy("gate_row", ("subject_id",), ((contact_id,) for contact_id in contact_ids))
    session.fresh.update(contact_ids)
    session.stale.update(contact_ids)


async def lock(
    session: Session, contact_ids: Iterable[UUID], address_ids: Iterable[UUID] = ()
) -> dict[UUID, Any]:
    """Lock gate rows, then address rows, each in id order, and mark the persons as stale.

    One order for everybody: the other way round deadlocks, and a lock that comes after the facts were read
    guards nothing. Facts are read in a later statement, whose snapshot is younger than the lock.
    Returns the gate rows found, by person.
    """
    ids = sorted(set(contact_ids))
    rows = {}
    if ids:
        found = await session.all(
            "SELECT subject_id, state, last_seq, restricted_at FROM gate_row"
            " WHERE subject_id = ANY(%b::uuid[]) ORDER BY subject_id FOR NO KEY UPDATE",
            (ids,),
        )
        rows = {row.subject_id: row for row in found}
    await lock_addresses(session, address_ids)
    session.stale.update(rows)
    return rows


async def lock_addresses(session: Session, address_ids: Iterable[UUID]) -> None:
    """Lock address rows in id order; always after the gate rows."""
    ids = sorted(set(address_ids) - session.fresh_addresses)
    if ids:
        await session.execute(
            "SELECT id FROM address WHERE id = ANY(%b::uuid[]) ORDER BY id FOR NO KEY UPDATE", (ids,)
        )


async def next_seqs(session: Session, wanted: Mapping[UUID, int]) -> dict[UUID, int]:
    """Take that many sequence numbers for each person; returns the first of each. The gate row is locked."""
    rows = await session.all(
        "UPDATE gate_row g SET last_seq = g.last_seq + w.n"
        " FROM unnest(%b::uuid[], %b::bigint[]) AS w(id, n) WHERE g.subject_id = w.id"
        " RETURNING g.subject_id, g.last_seq - w.n + 1 AS first",
        (list(wanted), list(wanted.values())),
    )
    return {row.subject_id: row.first for row in rows}


async def addresses(
    session: Session, ring: KeyRing, wanted: Iterable[tuple[int, str]]
) -> dict[tuple[int, str], UUID]:
    """The address rows of (kind, broad normal form), made where there are none yet."""
    macs = {blind.suppression_mac(ring, kind, broad): (kind, broad) for kind, broad in wanted}
    if not macs:
        return {}
    ordered = sorted(macs)
    kinds = [macs[mac][0] for mac in ordered]
    find = (
        "SELECT a.id, a.mac FROM address a JOIN unnest(%b::bytea[], %b::smallint[]) AS w(mac, kind)"
        " ON a.mac = w.mac AND a.kind = w.kind"
    )
    found = {row.mac: row.id for row in await session.all(find, (ordered, kinds))}
    missing = [mac for mac in ordered if mac not in found]
    if missing:
        made = await session.all(
            "INSERT INTO address (id, kind, mac) SELECT * FROM unnest(%b::uuid[], %b::smallint[], %b::bytea[])"
            " ON CONFLICT DO NOTHING RETURNING mac, id",
            ([new_id() for _ in missing], [macs[mac][0] for mac in missing], missing),
        )
        session.fresh_addresses.update(row.id for row in made)
        found.update((row.mac, row.id) for row in made)
        if len(found) < len(macs):
            found = {row.mac: row.id for row in await session.all(find, (ordered, kinds))}
    return {macs[mac]: address_id for mac, address_id in found.items()}


async def erased_addresses(session: Session, address_ids: Iterable[UUID]) -> set[UUID]:
    """Which of these addresses a person was erased from: new assignments of them need a first-party grant."""
    ids = list(set(address_ids) - session.fresh_addresses)
    if not ids:
        return set()
    rows = await session.all(
        "SELECT id FROM address WHERE id = ANY(%b::uuid[]) AND erased_at IS NOT NULL", (ids,)
    )
    return {row.id for row in rows}


async def refuse_address(
    session: Session,
    address_id: UUID,
    *,
    controller: str,
    purpose: str,
    channel: str,
    cause: str,
    acted_at: datetime,
    recorded_at: datetime,
) -> None:
    """An address's "no": binds everybody who shares it, now or later. The caller marks the sharers stale."""
    await session.execute(
        "INSERT INTO address_refusal (address_id, id, controller, purpose, channel, cause, acted_at, recorded_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        (address_id, new_id(), controller, purpose, channel, cause, acted_at, recorded_at),
    )


async def bury_addresses(session: Session, address_ids: Iterable[UUID], at: datetime | None = None) -> None:
    """Mark addresses as dead: nothing can be delivered there, for any class of purpose."""
    await session.execute(
        "UPDATE address SET dead_at = coalesce(%s, clock_timestamp()) WHERE id = ANY(%b::uuid[]) AND dead_at IS NULL",
        (at, list(address_ids)),
    )


async def restrict(session: Session, contact_id: UUID, reason: str) -> None:
    """Restriction of processing (GDPR art. 18); in force when this transaction commits.

    A further one counts anew: it also stands against what the person allowed since the one before.
    """
    await session.execute(
        "UPDATE gate_row SET restricted_at = clock_timestamp(), restriction = %s WHERE subject_id = %s",
        (reason, contact_id),
    )


async def lift_restriction(session: Session, contact_id: UUID) -> None:
    """The end of a restriction; the person was told before (GDPR art. 18(3))."""
    await session.execute(
        "UPDATE gate_row SET restricted_at = NULL, restriction = NULL WHERE subject_id = %s", (contact_id,)
    )


async def lock_for_handoff(
    session: Session, contact_ids: Iterable[UUID], address_ids: Iterable[UUID]
) -> None:
    """The sender's lock: the same rows in the same order, without marking anybody stale.

    FOR NO KEY UPDATE and not FOR SHARE: overlapping shares would starve a withdrawal.
    """
    ids = sorted(set(contact_ids))
    await session.execute(
        "SELECT subject_id FROM gate_row WHERE subject_id = ANY(%b::uuid[]) ORDER BY subject_id FOR NO KEY UPDATE",
        (ids,),
    )
    await lock_addresses(session, address_ids)
