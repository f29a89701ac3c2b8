"""Locks and facts about a person's standing; whoever writes about a person locks here first."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from registry.keys import blind
from registry.keys.ring import KeyRing
from registry.kit.database import Session
from registry.kit.ids import new_id
from registry.kit.session import MANY_ROWS
from registry.standing import merged, permits
from registry.standing.permits import No


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
    A person of whom there are several records is locked whole. Returns the gate rows found, by record.
    """
    rows = await _lock_rows(session, contact_ids)
    await lock_addresses(session, address_ids)
    session.stale.update(rows)
    return rows


async def _lock_rows(session: Session, contact_ids: Iterable[UUID]) -> dict[UUID, Any]:
    """Lock the gate rows of all records of these persons, in id order."""
    wanted = set(contact_ids)
    rows: dict[UUID, Any] = {}
    # Merged between the statement's snapshot and the lock: rare, and then what came along is locked as well.
    while wanted - rows.keys():
        found = await session.ask(
            "SELECT subject_id, kind, state, last_seq, restricted_at, merged_into FROM gate_row"
            f" WHERE subject_id = {merged.RECORDS} ORDER BY subject_id FOR NO KEY UPDATE",
            {"ids": sorted(wanted)},
        ).all()
        rows = {row.subject_id: row for row in found}
        session.last_seqs.update((row.subject_id, row.last_seq) for row in found)
        of_several = {row.subject_id: row.merged_into for row in found if row.merged_into is not None}
        if not of_several:
            break
        session.merged.update(of_several)
        of = await merged.records(session, of_several)
        wanted = rows.keys() | {record for records in of.values() for record in records}
    return rows


async def lock_addresses(session: Session, address_ids: Iterable[UUID]) -> None:
    """Lock address rows in id order, with the next statement and before it; always after the gate rows."""
    ids = sorted(set(address_ids) - session.fresh_addresses)
    if ids:
        session.ask("SELECT id FROM address WHERE id = ANY(%b::uuid[]) ORDER BY id FOR NO KEY UPDATE", (ids,))


async def next_seqs(session: Session, wanted: Mapping[UUID, int]) -> dict[UUID, int]:
    """Take that many sequence numbers for each person; returns the first of each. The gate row is locked."""
    last = session.last_seqs
    if len(wanted) < MANY_ROWS and all(one in last for one in wanted):
        # Told with the lock, under which they do not change; the ledger's key refuses a number that was given.
        for one, n in wanted.items():
            session.ask(
                "UPDATE gate_row SET last_seq = %s::bigint WHERE subject_id = %s", (last[one] + n, one)
            )
    else:
        rows = await session.all(
            "UPDATE gate_row g SET last_seq = g.last_seq + w.n"
            " FROM unnest(%b::uuid[], %b::bigint[]) AS w(id, n) WHERE g.subject_id = w.id"
            " RETURNING g.subject_id, g.last_seq - w.n AS last",
            (list(wanted), list(wanted.values())),
        )
        last.update((row.subject_id, row.last) for row in rows)
    firsts = {one: last[one] + 1 for one in wanted}
    last.update((one, last[one] + n) for one, n in wanted.items())
    return firsts


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


def refuse_address(
    session: Session,
    address_id: UUID,
    *,
    controller: str,
    purpose: str,
    channel: str,
    cause: str,
    objection: bool,
    acted_at: datetime,
    recorded_at: datetime,
) -> None:
    """An address's "no": binds everybody who shares it, now or later; it goes with the next statement.

    The caller marks the sharers stale.
    """
    session.ask(
        "INSERT INTO address_refusal (address_id, id, controller, purpose, channel, cause, objection, acted_at,"
        " recorded_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (address_id, new_id(), controller, purpose, channel, cause, objection, acted_at, recorded_at),
    )


async def bury_addresses(session: Session, address_ids: Iterable[UUID], at: datetime | None = None) -> None:
    """Mark addresses as dead: nothing can be delivered there, for any class of purpose. They are locked."""
    dead = list(address_ids)
    await session.execute(
        "UPDATE address SET dead_at = coalesce(%s, clock_timestamp()) WHERE id = ANY(%b::uuid[]) AND dead_at IS NULL",
        (at, dead),
    )
    await permits.void(session, [No(address_id=address_id) for address_id in dead], "address.dead")


async def restrict(session: Session, contact_id: UUID, reason: str) -> None:
    """Restriction of processing (GDPR art. 18); in force when this transaction commits.

    A further one counts anew: it also stands against what the person allowed since the one before. It is the
    person's, so it holds for every record of theirs.
    """
    records = list(await merged.of_person(session, contact_id))
    # One instant for all records: a consent given between two of them would count for the one and not for the other.
    await session.execute(
        "WITH begun AS MATERIALIZED (SELECT clock_timestamp() AS at), kept AS ("
        "INSERT INTO restriction (contact_id, id, reason, restricted_at)"
        " SELECT r.who, r.id, %(why)s, begun.at FROM begun, unnest(%(who)b::uuid[], %(ids)b::uuid[]) AS r(who, id))"
        " UPDATE gate_row SET restricted_at = begun.at, restriction = %(why)s FROM begun"
        " WHERE subject_id = ANY(%(who)b::uuid[])",
        {"who": records, "ids": [new_id() for _ in records], "why": reason},
    )


async def restrict_alike(session: Session, joining: Mapping[UUID, UUID]) -> None:
    """Restrict whoever joins an address of somebody restricted as that one is, and since then (person: address).

    A second record of one person cannot be told from somebody else at the same mailbox, and a restriction must not
    end by being recorded twice. What the newcomer allows later counts, as it would of the other (GDPR art. 18(2)).
    """
    known = {
        contact_id: address_id
        for contact_id, address_id in joining.items()
        if address_id not in session.fresh_addresses
    }
    if not known:
        return
    rows = await session.all(
        "SELECT DISTINCT ON (s.address_id) s.address_id, g.restricted_at, g.restriction FROM assignment s"
        " JOIN gate_row g ON g.subject_id = s.contact_id WHERE s.address_id = ANY(%b::uuid[])"
        " AND s.valid_to IS NULL AND g.restricted_at IS NOT NULL ORDER BY s.address_id, g.restricted_at DESC",
        (list(set(known.values())),),
    )
    by_address = {row.address_id: row for row in rows}
    for contact_id, address_id in known.items():
        if (row := by_address.get(address_id)) is not None:
            await session.execute(
                "WITH joined AS (UPDATE gate_row SET restricted_at = %(at)s, restriction = %(why)s"
                " WHERE subject_id = %(who)s AND restricted_at IS NULL RETURNING subject_id)"
                " INSERT INTO restriction (contact_id, id, reason, restricted_at)"
                " SELECT subject_id, %(id)s, %(why)s, %(at)s FROM joined",
                {"who": contact_id, "id": new_id(), "why": row.restriction, "at": row.restricted_at},
            )


async def lift_restriction(session: Session, contact_id: UUID) -> None:
    """The end of a restriction, in every record; the person was told before (GDPR art. 18(3))."""
    records = list(await merged.of_person(session, contact_id))
    await session.execute(
        "UPDATE restriction SET lifted_at = clock_timestamp()"
        " WHERE contact_id = ANY(%b::uuid[]) AND lifted_at IS NULL",
        (records,),
    )
    await session.execute(
        "UPDATE gate_row SET restricted_at = NULL, restriction = NULL WHERE subject_id = ANY(%b::uuid[])",
        (records,),
    )


async def lock_for_handoff(
    session: Session, contact_ids: Iterable[UUID], address_ids: Iterable[UUID]
) -> None:
    """The sender's lock: the same rows in the same order, without marking anybody stale.

    FOR NO KEY UPDATE and not FOR SHARE: overlapping shares would starve a withdrawal.
    """
    await _lock_rows(session, contact_ids)
    await lock_addresses(session, address_ids)
