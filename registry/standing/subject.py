"""Where one person stands, told and taken away; an address's "no" is left, under a keyed MAC."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from registry.keys.columns import KeyClass
from registry.keys.persons import PersonKeys
from registry.keys.ring import KeyRing
from registry.kit.database import Session
from registry.standing.model import Consent, ContactState
from registry.standing.permits import PermitState

TABLES = (
    "gate_row",
    "gate_state",
    "address",
    "address_refusal",
    "address_listing",
    "restriction",
    "handoff_count",
    "permit",
)


async def export(session: Session, ring: KeyRing, contact_id: UUID, keys: PersonKeys) -> dict[str, Any]:
    """The gate row, what the gate reads, and the "no" of the person's addresses; keyed MACs stay here."""
    row = await session.one(
        "SELECT kind, state, last_seq, restricted_at, restriction, merged_into FROM gate_row WHERE subject_id = %s",
        (contact_id,),
    )
    states = await session.all(
        "SELECT g.*, p.name AS purpose, c.name AS channel FROM gate_state g"
        " JOIN purpose p ON p.id = g.purpose_id JOIN channel c ON c.id = g.channel_id"
        " WHERE g.contact_id = %s ORDER BY p.name, c.name, g.assignment_id",
        (contact_id,),
    )
    addresses = await session.all(
        "SELECT a.id, a.kind, a.dead_at, a.erased_at FROM address a WHERE a.id IN"
        " (SELECT address_id FROM assignment WHERE contact_id = %s) ORDER BY a.id",
        (contact_id,),
    )
    refusals = await session.all(
        "SELECT address_id, id, controller, purpose, channel, cause, objection, acted_at, recorded_at"
        " FROM address_refusal WHERE address_id = ANY(%s) ORDER BY address_id, id",
        ([one.id for one in addresses],),
    )
    listings = await session.all(
        "SELECT address_id, list, listed_at, recorded_at, unlisted_at FROM address_listing"
        " WHERE address_id = ANY(%s) ORDER BY address_id, list",
        ([one.id for one in addresses],),
    )
    restrictions = await session.all(
        "SELECT reason, restricted_at, lifted_at FROM restriction WHERE contact_id = %s ORDER BY restricted_at",
        (contact_id,),
    )
    handed = await session.all(
        "SELECT controller, channel, day, messages FROM handoff_count WHERE contact_id = %s"
        " ORDER BY day, controller, channel",
        (contact_id,),
    )
    permits = await session.all(
        "SELECT id, assignment_id, address_id, controller, purpose, class AS class_, channel, content_hash,"
        " decision_id, issued_at, expires_at, state, ended_at, ended_by, redemption_id FROM permit"
        " WHERE contact_id = %s ORDER BY id",
        (contact_id,),
    )
    return {
        "person": {**row._asdict(), "state": ContactState(row.state).name.lower()},
        "gate": {
            "source": "worked out from the entries, grounds and addresses below",
            "rows": [{**one._asdict(), "consent": Consent(one.consent).name.lower()} for one in states],
        },
        "addresses": [one._asdict() for one in addresses],
        "address_refusals": [one._asdict() for one in refusals],
        "address_listings": [one._asdict() for one in listings],
        "restrictions": [one._asdict() for one in restrictions],
        "messages_a_day": [one._asdict() for one in handed],
        "permits": [_permit(one) for one in permits],
    }


def _permit(row: Any) -> dict[str, Any]:
    told = {**row._asdict(), "state": PermitState(row.state).name.lower()}
    told["class"] = told.pop("class_")
    told["content_sha256"] = told.pop("content_hash").hex()
    return told


async def erase(session: Session, contact_id: UUID, kept: Collection[KeyClass] = ()) -> dict[str, int]:
    """Delete what the gate reads; mark the gate row and the addresses as erased, in a session of the retention role.

    Call it while the assignments are still there: they say which addresses these are. An address's "no" stays, by
    keyed MAC (GDPR art. 21(3), 17(3)(b)), and a new assignment of the address takes a first-party grant.
    """
    addresses = await session.execute(
        "UPDATE address SET erased_at = coalesce(erased_at, clock_timestamp()) WHERE id IN"
        " (SELECT address_id FROM assignment WHERE contact_id = %s)",
        (contact_id,),
    )
    states = await session.execute("DELETE FROM gate_state WHERE contact_id = %s", (contact_id,))
    await session.execute(
        "UPDATE gate_row SET state = %s, restricted_at = NULL, restriction = NULL, merged_into = NULL"
        " WHERE subject_id = %s",
        (int(ContactState.ERASED), contact_id),
    )
    counts = {"gate_state": states.rowcount, "address": addresses.rowcount}
    for table in ("restriction", "handoff_count", "permit"):
        deleted = await session.execute(f"DELETE FROM {table} WHERE contact_id = %s", (contact_id,))
        counts[table] = deleted.rowcount
    return counts


async def address_ids(session: Session, contact_id: UUID) -> list[UUID]:
    """The address rows of every address that a person has or had."""
    rows = await session.all(
        "SELECT DISTINCT address_id FROM assignment WHERE contact_id = %s AND address_id IS NOT NULL",
        (contact_id,),
    )
    return [row.address_id for row in rows]


async def macs(session: Session, address_ids: Collection[UUID]) -> list[str]:
    """The keyed MACs of addresses, in hex: what the journal may hold of them."""
    rows = await session.all("SELECT mac FROM address WHERE id = ANY(%s) ORDER BY mac", (list(address_ids),))
    return [bytes(row.mac).hex() for row in rows]
