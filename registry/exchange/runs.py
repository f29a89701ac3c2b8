"""Where an import stands, written with each batch, so that a killed one goes on at its next row."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from uuid import UUID

from registry.exchange.counts import Counts
from registry.kit.database import Session
from registry.kit.errors import Refused
from registry.kit.ids import new_id


class ImportOvertaken(Refused):
    """Another process is importing the same file under the same mapping."""

    def __init__(self) -> None:
        super().__init__(
            "import.running",
            "The same file is being imported by another process.",
            mend="let it finish; an import that was killed goes on by itself",
        )


@dataclass(slots=True)
class Run:
    """One import of one file. `next_row` is the ordinal of the first row not yet committed."""

    id: UUID
    next_row: int = 0
    reject_bytes: int = 0
    resumed: bool = False
    counts: Counts = field(default_factory=Counts)


async def begin(session: Session, file_hash: bytes, mapping_hash: bytes) -> Run:
    """The unfinished run of this file and mapping, or a new one."""
    row = await session.first(
        "SELECT id, next_row, counts FROM import_run"
        " WHERE file_hash = %s AND mapping_hash = %s AND state = 'running' FOR UPDATE",
        (file_hash, mapping_hash),
    )
    if row is not None:
        told = dict(row.counts)
        return Run(row.id, row.next_row, int(told.get("reject_bytes", 0)), True, Counts.from_told(told))
    run = Run(new_id())
    await session.execute(
        "INSERT INTO import_run (id, file_hash, mapping_hash, state) VALUES (%s, %s, %s, 'running')",
        (run.id, file_hash, mapping_hash),
    )
    return run


async def advance(session: Session, run: Run, next_row: int, counts: Counts, reject_bytes: int) -> None:
    """Note in the batch's transaction what it did; ImportOvertaken when somebody else did it."""
    done = await session.execute(
        "UPDATE import_run SET next_row = %s, counts = %s::jsonb, updated_at = clock_timestamp()"
        " WHERE id = %s AND next_row = %s AND state = 'running'",
        (next_row, json.dumps({**counts.told(), "reject_bytes": reject_bytes}), run.id, run.next_row),
    )
    if done.rowcount != 1:
        raise ImportOvertaken


async def finish(session: Session, run: Run) -> None:
    """The file is through; importing it again is a new run."""
    await session.execute(
        "UPDATE import_run SET state = 'finished', finished_at = clock_timestamp(), updated_at = clock_timestamp()"
        " WHERE id = %s",
        (run.id,),
    )
