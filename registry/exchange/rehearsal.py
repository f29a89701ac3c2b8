"""The dry run: places every row as an import would, writes nothing, and remembers on disk whom it would have added."""

from __future__ import annotations

import hmac
import os
import sqlite3
import tempfile
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from registry.consents.ledger import EntryKind
from registry.exchange import survey
from registry.exchange.batch import count_entry
from registry.exchange.counts import Counts
from registry.exchange.matching import Known, address_key
from registry.exchange.rows import Reject, Row
from registry.exchange.survey import Plan, Survey
from registry.exchange.terms import Terms
from registry.keys.ring import KeyRing
from registry.kit.database import Session

_SCHEMA = """
CREATE TABLE person (id BLOB PRIMARY KEY, first BLOB, last BLOB, has_external INTEGER) WITHOUT ROWID;
CREATE TABLE held (value BLOB, person BLOB, is_external INTEGER, PRIMARY KEY (value, person)) WITHOUT ROWID;
CREATE TABLE said (person BLOB, origin BLOB, PRIMARY KEY (person, origin)) WITHOUT ROWID;
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
"""


class Rehearsal:
    """Would-be persons in a temporary file, as digests under a key that exists in this process alone."""

    def __init__(self) -> None:
        self._key = os.urandom(32)
        self._folder = tempfile.TemporaryDirectory(prefix="zgoda-dry-run-")
        self._store = sqlite3.connect(Path(self._folder.name) / "persons", isolation_level=None)
        self._store.executescript(_SCHEMA)

    def close(self) -> None:
        self._store.close()
        self._folder.cleanup()

    async def read(
        self, session: Session, ring: KeyRing, terms: Terms, rows: Sequence[Row]
    ) -> tuple[Counts, list[Reject]]:
        """What importing these rows would do, after all that was read before."""
        seen = await survey.look(session, ring, rows)
        seen.erased = await survey.closed(session, ring, rows)
        self._blur(seen)
        self._recall(seen, rows)
        plan = survey.plan(seen, rows)
        self._store.execute("BEGIN")
        self._remember(seen, plan)
        counts = Counts(created=len(plan.new), matched=len(plan.placed) - len(plan.new))
        told: list[tuple[Row, UUID, EntryKind, bytes]] = []
        for row, person in plan.placed:
            kind = terms.entry_kind(row)
            if kind is None:
                counts.dead += 1
            else:
                told.append((row, person, kind, terms.origin(ring, row, kind)))
        known = await session.all(
            "SELECT contact_id, origin FROM consent_entry"
            " WHERE contact_id = ANY(%b::uuid[]) AND origin = ANY(%b::bytea[])",
            ([person for _, person, _, _ in told], [origin for _, _, _, origin in told]),
        )
        stands = {(row.contact_id, bytes(row.origin)) for row in known}
        for row, person, kind, origin in told:
            if (person, origin) in stands or not self._says(person, origin):
                counts.repeated += 1
            else:
                count_entry(counts, kind, terms.grade(row))
        self._store.execute("COMMIT")
        return counts, plan.rejects

    def _digest(self, *parts: object) -> bytes:
        return hmac.digest(self._key, repr(parts).encode(), "sha256")[:16]

    def _spelt(self, names: tuple[str, str]) -> tuple[str, str]:
        first, last = (self._digest("name", name).hex() if name else "" for name in names)
        return first, last

    def _blur(self, seen: Survey) -> None:
        seen.directory.spelt = self._spelt
        everybody = [known for held in seen.directory.by_address.values() for known in held]
        for known in {id(one): one for one in everybody}.values():
            known.names = self._spelt(known.names)

    def _recall(self, seen: Survey, rows: Sequence[Row]) -> None:
        """Add to what the database knows whom earlier rows added or completed."""
        directory = seen.directory
        everybody = [
            *directory.by_external.values(),
            *(one for held in directory.by_address.values() for one in held),
        ]
        by_id = {known.person: known for known in everybody}
        for row in rows:
            key = address_key(row.address)
            held = directory.by_address.setdefault(key, [])
            for known in self._found(self._digest("address", *key), by_id):
                if known not in held:
                    held.append(known)
            if row.external is not None and row.external.value not in directory.by_external:
                for known in self._found(self._digest("external", row.external.value), by_id):
                    directory.by_external[row.external.value] = known

    def _found(self, value: bytes, by_id: dict[UUID, Known[UUID]]) -> list[Known[UUID]]:
        found = []
        for blob, first, last, has_external in self._store.execute(
            "SELECT p.id, p.first, p.last, p.has_external FROM held h JOIN person p ON p.id = h.person"
            " WHERE h.value = ? ORDER BY p.id",
            (value,),
        ):
            person = UUID(bytes=blob)
            known = by_id.setdefault(person, Known(person, (first, last), bool(has_external)))
            known.has_external = known.has_external or bool(has_external)
            found.append(known)
        return found

    def _remember(self, seen: Survey, plan: Plan) -> None:
        by_id = {known.person: known for held in seen.directory.by_address.values() for known in held}
        by_id |= {known.person: known for known in seen.directory.by_external.values()}
        for row, person in plan.placed:
            known, (first, last) = by_id[person], by_id[person].names
            self._store.execute(
                "INSERT OR REPLACE INTO person VALUES (?, ?, ?, ?)",
                (person.bytes, first, last, known.has_external),
            )
            values = [(self._digest("address", *address_key(row.address)), person.bytes, 0)]
            if row.external is not None:
                values.append((self._digest("external", row.external.value), person.bytes, 1))
            self._store.executemany("INSERT OR IGNORE INTO held VALUES (?, ?, ?)", values)

    def _says(self, person: UUID, origin: bytes) -> bool:
        """Whether this is the first row of the file that says so about the person."""
        done = self._store.execute("INSERT OR IGNORE INTO said VALUES (?, ?)", (person.bytes, origin))
        return done.rowcount == 1
