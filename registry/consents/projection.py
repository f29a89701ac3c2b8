"""Keeps `gate_state` equal to the ledger: written in the transaction of every entry, and rebuilt from nothing alike."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter, itemgetter
from typing import Any
from uuid import UUID

from registry.consents import merged_rows, reading
from registry.consents.reading import load
from registry.consents.standing_lines import COLUMNS, lines
from registry.consents.standing_rows import Person
from registry.kit import clock
from registry.kit.caller import Caller
from registry.kit.database import Database, Session
from registry.kit.session import Asked
from registry.policy import in_force
from registry.policy.model import PolicySet
from registry.standing import merged

__all__ = ["load", "rebuild", "settle"]

# Of so few persons, and so few rows that differ, it is cheaper to look than to write everything anew.
FEW_PERSONS = 4
FEW_ROWS = 3
_KEY = ("contact_id", "purpose_id", "channel_id", "assignment_id")
_PRESENT = (
    # The subquery keeps the planner from counting the ids: with a plan for each number it would plan every time.
    f"SELECT {', '.join(COLUMNS)} FROM gate_state WHERE contact_id = ANY((SELECT %b::uuid[])::uuid[])"
)
_REPLACE = (
    f"INSERT INTO gate_state ({', '.join(COLUMNS)}) VALUES ({', '.join('%s' for _ in COLUMNS)})"
    f" ON CONFLICT ({', '.join(_KEY)}) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in COLUMNS if name not in _KEY)
)
# Last of all locks, after gate rows and addresses, in the order of ids.
_ALONE = f"SELECT id FROM contact WHERE id = {merged.RECORDS} ORDER BY id FOR NO KEY UPDATE"
_key = itemgetter(*map(COLUMNS.index, _KEY))
_values = attrgetter(*COLUMNS)


async def settle(session: Session, policies: PolicySet) -> None:
    """Write the gate's rows about every person locked in this transaction anew, where they differ."""
    ids = session.stale
    if not ids:
        return
    in_force.ask(session, policies)
    # Whose addresses are not all locked here, as they are of who only shares one with somebody: another transaction
    # may be held by another of them, and of two that write the rows at once the later does not know the other's "no".
    if others := ids - session.whole - session.fresh:
        session.ask(_ALONE, {"ids": sorted(others)})
    asked = reading.ask(session, ids)
    known = [contact_id for contact_id in ids if contact_id not in session.fresh]
    present: Asked | None = None
    if known and len(ids) <= FEW_PERSONS:
        present = session.ask(_PRESENT, (known,))
    people = reading.people(await asked.all())
    # Nothing is written that follows from policies which are in force no more.
    await in_force.require(session, policies)
    at = clock.now()
    if present is None or not _mended(session, policies, people, await present.all(), at):
        # Of a person of several records every row stands under the one that stands for them.
        written = {record.contact_id for person in people for record in (person, *person.merged)}
        known = [contact_id for contact_id in ids | written if contact_id not in session.fresh]
        if known:
            await session.execute(
                "DELETE FROM gate_state WHERE contact_id = ANY((SELECT %b::uuid[])::uuid[])", (known,)
            )
        await session.copy_lines("gate_state", COLUMNS, lines(policies, people, at))
    session.stale = set()


def _mended(
    session: Session, policies: PolicySet, people: Sequence[Person], present: Sequence[Any], at: datetime
) -> bool:
    """Replace the rows that differ; False, and nothing is done, where a row has to go or many differ."""
    if any(person.merged for person in people):
        return False
    stored = {_key(row): tuple(row) for row in present}
    differing: list[tuple[Any, ...]] = []
    for person in people:
        for made in map(_values, merged_rows.rows(policies, person, at)):
            if stored.pop(_key(made), None) != made:
                differing.append(made)
    if stored or len(differing) > FEW_ROWS:
        return False
    for made in differing:
        session.ask(_REPLACE, [int(value) if isinstance(value, int) else value for value in made])
    return True


async def rebuild(
    database: Database, caller: Caller, *, chunk: int = 500, progress: Any | None = None
) -> int:
    """Write every person's rows anew, some at a time: after a new purpose, or to show that nothing differs."""
    done, after = 0, UUID(int=0)
    while True:
        async with database.begin(caller) as session:
            found = await session.all(
                "SELECT subject_id FROM gate_row WHERE subject_id > %s"
                " ORDER BY subject_id LIMIT %s FOR NO KEY UPDATE",
                (after, chunk),
            )
            ids = [row.subject_id for row in found]
            session.stale.update(ids)
        if not ids:
            return done
        done += len(ids)
        after = ids[-1]
        if progress is not None:
            progress(done)
        await asyncio.sleep(0)
