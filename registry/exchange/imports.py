"""Imports a file: batch after batch, each one transaction, so that a killed import goes on where it stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from registry.access.workspace import Workspace
from registry.contacts.service import AddressErased, ContactGone, IdentifierTaken
from registry.exchange import batch, runs
from registry.exchange.batch import Moved
from registry.exchange.counts import Counts
from registry.exchange.mapping import Format, Mapping
from registry.exchange.reading import Export, open_export
from registry.exchange.rehearsal import Rehearsal
from registry.exchange.rejects import RejectFile
from registry.exchange.rows import Reject, Row, RowReader
from registry.exchange.runs import Run
from registry.exchange.terms import Terms, agree
from registry.kit.caller import Caller
from registry.kit.database import Session
from registry.kit.errors import Refused
from registry.kit.ids import new_id

BATCH = 500
_TRIES = 5

# (counts so far, bytes read, bytes in all)
Progress = Callable[[Counts, int, int], None]


@dataclass(slots=True)
class Chunk:
    """Rows of one transaction; `next_row` is where the following one begins."""

    next_row: int
    position: int
    rows: list[Row] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    blank: int = 0


@dataclass(frozen=True, slots=True)
class Imported:
    """How an import ended."""

    counts: Counts
    dry_run: bool
    resumed: bool
    rejects: Path | None
    missing_attestation: tuple[str, ...]
    encodings: tuple[str, ...]

    def told(self) -> dict[str, Any]:
        return {
            **self.counts.told(),
            "grade": "unknown" if self.missing_attestation else "attested",
            "missing_for_attested": list(self.missing_attestation),
            "dry_run": self.dry_run,
            "resumed": self.resumed,
            "rejects": str(self.rejects) if self.rejects else None,
            "encodings": list(self.encodings),
        }


async def run(
    workspace: Workspace,
    caller: Caller,
    path: Path,
    form: Format,
    mapping: Mapping,
    *,
    dry_run: bool = False,
    with_values: bool = False,
    progress: Progress = lambda counts, done, total: None,
    size: int = BATCH,
) -> Imported:
    """Import `path`, or with `dry_run` say what would come of it.

    Safe to be killed at any moment and run again: rows are neither lost nor taken twice. Refused or Misuse, before
    anything is written, when file, mapping and policies do not fit together.
    """
    terms = agree(mapping, workspace.policies)
    export = await asyncio.to_thread(open_export, path, mapping, form)
    terms = replace(terms, file=export.digest.hex())
    async with workspace.database.begin(caller) as session:
        now = await session.value("SELECT clock_timestamp()")
        started = Run(new_id()) if dry_run else await runs.begin(session, export.digest, mapping.digest(form))
    reader = RowReader(mapping, terms.kind, terms.lengths, now)
    work = _Work(workspace, caller, terms, started, with_values, size, progress)
    rejects = (
        RejectFile(Path(f"{path}.rejects.csv"), with_values, started.reject_bytes) if not dry_run else None
    )
    rehearsal = Rehearsal() if dry_run else None
    try:
        chunks = _chunks(export, reader, started.next_row, size)
        await work.through(chunks, export, rejects, rehearsal)
    finally:
        if rejects is not None:
            rejects.close()
        if rehearsal is not None:
            rehearsal.close()
    if not dry_run:
        async with workspace.database.begin(caller) as session:
            await runs.finish(session, started)
    return Imported(
        started.counts,
        dry_run,
        started.resumed,
        rejects.path if rejects is not None else None,
        mapping.missing_attestation,
        tuple(sheet.encoding for sheet in export.sheets),
    )


def _chunks(export: Export, reader: RowReader, start: int, size: int) -> Iterator[Chunk]:
    """Records, read and checked, in the portions in which they are written."""
    records = export.records(start)
    next_row = start
    while portion := list(islice(records, size)):
        next_row = portion[-1][0] + 1
        chunk = Chunk(next_row, export.position())
        for _, sheet, record in portion:
            taken = reader.read(sheet, record)
            if taken is None:
                chunk.blank += 1
            elif isinstance(taken, Row):
                chunk.rows.append(taken)
            else:
                chunk.rejects.append(taken)
        yield chunk


def _dropped(chunk: Chunk, rejected: list[Reject], before: str = "") -> list[Reject]:
    """What was left out of rows that were taken all the same."""
    refused = {(reject.file, reject.row) for reject in rejected}
    return [
        Reject(row.file, row.number, before + reason, row.cells)
        for row in chunk.rows
        if row.dropped and (row.file, row.number) not in refused
        for reason in row.dropped
    ]


@dataclass(slots=True)
class _Work:
    workspace: Workspace
    caller: Caller
    terms: Terms
    run: Run
    with_values: bool
    size: int
    progress: Progress

    async def through(
        self, chunks: Iterator[Chunk], export: Export, rejects: RejectFile | None, rehearsal: Rehearsal | None
    ) -> None:
        """All chunks; the next is read while the database is busy with this one."""
        reading = asyncio.create_task(asyncio.to_thread(next, chunks, None))
        while (chunk := await reading) is not None:
            reading = asyncio.create_task(asyncio.to_thread(next, chunks, None))
            try:
                if rehearsal is not None:
                    counts = await self._rehearsed(chunk, rehearsal)
                else:
                    assert rejects is not None
                    counts = await self._written(chunk, rejects)
            except BaseException:
                await asyncio.wait({reading})
                raise
            self.run.counts = counts
            self.run.next_row = chunk.next_row
            self.progress(counts, chunk.position, export.size)

    def _summed(self, chunk: Chunk, done: Counts, rejected: list[Reject]) -> Counts:
        counts = Counts()
        counts.add(self.run.counts)
        counts.add(done)
        counts.rows += len(chunk.rows) + len(chunk.rejects)
        counts.rejected.update(reject.reason for reject in rejected)
        counts.dropped.update(part.reason for part in _dropped(chunk, rejected))
        return counts

    async def _rehearsed(self, chunk: Chunk, rehearsal: Rehearsal) -> Counts:
        async with self.workspace.database.begin(self.caller) as session:
            done, refused = await rehearsal.read(session, self.workspace.ring, self.terms, chunk.rows)
        return self._summed(chunk, done, [*chunk.rejects, *refused])

    async def _written(self, chunk: Chunk, rejects: RejectFile) -> Counts:
        """One transaction; done again where somebody else got in between, or the database chose it as a victim."""

        async def write(session: Session) -> tuple[Counts, int]:
            done, refused = await batch.write(
                session, self.workspace.ring, self.workspace.policies, self.terms, chunk.rows, self.run.id
            )
            rejected = [*chunk.rejects, *refused]
            counts = self._summed(chunk, done, rejected)
            listed = [*rejected, *_dropped(chunk, rejected, "taken without: ")]
            size = rejects.append(sorted(listed, key=lambda reject: reject.row), at=before)
            await runs.advance(session, self.run, chunk.next_row, counts, size)
            return counts, size

        before = rejects.size
        for _ in range(_TRIES):
            try:
                counts, self.run.reject_bytes = await self.workspace.database.run(self.caller, write)
                return counts
            except (Moved, AddressErased, ContactGone, IdentifierTaken):
                continue
        raise Refused(
            "import.contended",
            "Others keep changing the same persons.",
            mend="run the import again; it goes on where it stopped",
        )
