"""Who one person is here: identifiers and fields, opened for them, and deleted."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from registry.contacts import queries
from registry.contacts.identifiers import Kind, Mode
from registry.keys.columns import ASSIGNMENT_VALUE, FIELD_VALUE, KeyClass
from registry.keys.persons import PersonKeys
from registry.keys.ring import KeyRing
from registry.kit.database import Session
from registry.policy.model import Subscriber

TABLES = (
    "contact",
    "assignment",
    "contact_field",
    "coming_of_age",
    "identifier",
    "identifier_index",
    "contact_past",
    "coming_of_age_past",
)


async def export(session: Session, ring: KeyRing, contact_id: UUID, keys: PersonKeys) -> dict[str, Any]:
    """The person's own row, identifiers (also those they gave up) and fields, each with its source."""
    row = await queries.contact(session, contact_id)
    if row is None:
        raise LookupError("a person was expected")
    return {
        "person": {**row._asdict(), "subscriber": Subscriber(row.subscriber).name.lower()},
        "identifiers": [
            {
                **one._asdict(),
                "kind": Kind(one.kind).name.lower(),
                "mode": Mode(one.mode).name.lower(),
                "value": keys.open(ASSIGNMENT_VALUE, bytes(one.value)).decode(),
            }
            for one in await queries.assignments(session, contact_id)
        ],
        "fields": [
            {
                "field": one.field,
                "value": one.plain
                if one.value is None
                else keys.open(FIELD_VALUE, bytes(one.value)).decode(),
                "source": one.source,
                "recorded_at": one.recorded_at,
            }
            for one in await queries.fields(session, [contact_id])
        ],
        "coming_of_age": [one._asdict() for one in await queries.coming_of_age(session, contact_id)],
        "earlier": [
            {**one._asdict(), "subscriber": Subscriber(one.subscriber).name.lower()}
            for one in await queries.earlier(session, contact_id)
        ],
        "coming_of_age_earlier": [
            one._asdict() for one in await queries.coming_of_age_earlier(session, contact_id)
        ],
    }


async def erase(session: Session, contact_id: UUID, kept: Collection[KeyClass] = ()) -> dict[str, int]:
    """Delete the person, what they are called and how they are reached, in a session of the retention role.

    An identifier that nobody else has or had goes with its index rows; one that is shared stays the others'.
    """
    rows = await session.all(
        "SELECT DISTINCT identifier_id FROM assignment WHERE contact_id = %s", (contact_id,)
    )
    counts = {}
    for table, column in (
        ("contact_field", "contact_id"),
        ("coming_of_age", "contact_id"),
        ("assignment", "contact_id"),
        ("contact", "id"),
        # Last: what goes above leaves its trace here.
        ("coming_of_age_past", "contact_id"),
        ("contact_past", "contact_id"),
    ):
        deleted = await session.execute(f"DELETE FROM {table} WHERE {column} = %s", (contact_id,))
        counts[table] = deleted.rowcount
    gone = await session.all(
        "DELETE FROM identifier i WHERE i.id = ANY(%s) AND NOT EXISTS"
        " (SELECT FROM assignment s WHERE s.identifier_id = i.id) RETURNING i.id",
        ([row.identifier_id for row in rows],),
    )
    index = await session.execute(
        "DELETE FROM identifier_index WHERE identifier_id = ANY(%s)", ([row.id for row in gone],)
    )
    return {**counts, "identifier": len(gone), "identifier_index": index.rowcount}


async def wait_for_writers(session: Session, contact_id: UUID) -> None:
    """Wait for whoever holds on to the person's row without their lock, such as a campaign that queues messages."""
    await session.execute("SELECT id FROM contact WHERE id = %s FOR UPDATE", (contact_id,))
