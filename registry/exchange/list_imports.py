"""Imports a do-not-call or do-not-mail list: portion by portion, each one transaction, kept as keyed codes alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from registry.access.workspace import Workspace
from registry.contacts.identifiers import Identifier, Kind
from registry.contacts.service import ContactGone
from registry.exchange.list_files import ListFile, open_list
from registry.exchange.listings import TRIES, Moved, contended, enlist, kinds_of, known, region_of, strike
from registry.exchange.rejects import RejectFile
from registry.exchange.rows import Reject
from registry.keys import blind
from registry.kit.caller import Caller
from registry.kit.database import Database, Session
from registry.kit.errors import Misuse, Refused
from registry.policy.lists import AddressList, latest
from registry.standing import listings
from registry.standing.listings import LeftOut

PORTION = 2000

# (entries read so far, bytes read, bytes in all)
Progress = Callable[[int, int, int], None]


@dataclass(slots=True)
class Listed:
    """How an import of a list went. `listed` were not on it before; `unlisted` are on it no more."""

    name: str
    dated: date
    whole: bool
    dry_run: bool
    entries: int = 0
    listed: int = 0
    unlisted: int = 0
    affected: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    rejects: Path | None = None

    def told(self) -> dict[str, Any]:
        return {
            "list": self.name,
            "dated": self.dated.isoformat(),
            "whole": self.whole,
            "dry_run": self.dry_run,
            "entries": self.entries,
            "listed": self.listed,
            "known": self.entries - self.listed,
            "unlisted": self.unlisted,
            "persons": self.affected,
            "rejected": dict(sorted(self.rejected.items())),
            "rejects": str(self.rejects) if self.rejects else None,
        }


async def run(
    workspace: Workspace,
    caller: Caller,
    name: str,
    path: Path,
    *,
    column: str | None = None,
    dated: date | None = None,
    whole: bool = False,
    shrink: bool = False,
    dry_run: bool = False,
    with_values: bool = False,
    progress: Progress = lambda entries, done, total: None,
) -> Listed:
    """Import the list `name` from a file; with `whole` whoever is not in the file is taken off it.

    Safe to be killed and run again. Nobody is taken off by a file with rows that cannot be read, by an empty one,
    nor by one that would empty half of the list unless `shrink` says that it may; nor ever off a controller's own
    list, for a "no" is not taken back by a file; nor by a file older than the whole one before (`list.older`), or while
    another whole one is read (`list.busy`). Whom a file of a later day listed stays on it.
    """
    told = known(workspace.policies, name)
    if whole and told.kind == "own":
        raise Misuse(
            "list.own",
            "Nobody is taken off a controller's own list by a file.",
            field="--full",
            mend="import it without --full; the person may consent again at first hand",
        )
    file = await asyncio.to_thread(open_list, path, column)
    async with _alone(workspace.database, name) if whole and not dry_run else nullcontext():
        started, day = await _begun(workspace, caller, name, dated, whole)
        listed_at = min(started, datetime.combine(day, time(), UTC)) if dated else started
        done = Listed(name, day, whole, dry_run)
        rejects = None if dry_run else RejectFile(Path(f"{path}.rejects.csv"), with_values, 0)
        try:
            await _read(workspace, caller, told, file, listed_at, done, rejects, progress)
        finally:
            if rejects is not None:
                rejects.close()
        if whole:
            of_day = datetime.combine(day + timedelta(days=1), time(), UTC) if dated else started
            left_out = LeftOut(started, min(started, of_day))
            await _strike_off(workspace, caller, told, left_out, done, shrink)
        if not dry_run:
            async with workspace.database.begin(caller) as session:
                await listings.note_import(
                    session,
                    name,
                    dated=day,
                    whole=whole,
                    entries=done.entries,
                    listed=done.listed,
                    unlisted=done.unlisted,
                )
        return done


@asynccontextmanager
async def _alone(database: Database, name: str) -> AsyncIterator[None]:
    """Hold a whole import of the list against others, by a connection of its own; Refused `list.busy`.

    What one names and the other does not would be on the list or off it by who came last, not by the later day.
    """
    connection = await psycopg.AsyncConnection.connect(database.urls.app, autocommit=True, keepalives_idle=10)
    try:
        got = await connection.execute(
            "SELECT pg_try_advisory_lock(hashtextextended('list ' || %s, 7))", (name,)
        )
        if await got.fetchone() != (True,):
            raise Refused(
                "list.busy",
                "Another whole import of this list is running.",
                field="list",
                mend="import it again when that one has ended",
            )
        yield
    finally:
        await connection.close()


async def _begun(
    workspace: Workspace, caller: Caller, name: str, dated: date | None, whole: bool
) -> tuple[datetime, date]:
    """When the import begins, and of which day its file is; Misuse `list.in_future`, Refused `list.older`."""
    async with workspace.database.begin(caller) as session:
        started: datetime = await session.value("SELECT clock_timestamp()")
        before = latest((await listings.imports(session)).get(name, ()), started)
    day = dated or started.date()
    if day > started.date():
        raise Misuse("list.in_future", "The list is dated in the future.", field="--dated")
    if whole and before is not None and day < before:
        raise Refused(
            "list.older",
            f"The list was imported whole as of {before}; an older file takes nobody off it.",
            field="--dated",
            mend="import the newest file; without --full an older one only adds",
        )
    return started, day


async def _read(
    workspace: Workspace,
    caller: Caller,
    told: AddressList,
    file: ListFile,
    listed_at: datetime,
    done: Listed,
    rejects: RejectFile | None,
    progress: Progress,
) -> None:
    """Put everybody whom the file names on the list, or count them where nothing is to be written."""
    policies = workspace.policies
    for portion in _portions(file, kinds_of(policies, told), region_of(policies, told)):
        refused = [one for one in portion if isinstance(one, Reject)]
        good = [one for one in portion if isinstance(one, Identifier)]
        done.entries += len(good)
        for one in refused:
            done.rejected[one.reason] = done.rejected.get(one.reason, 0) + 1
        if rejects is None:
            await _rehearse(workspace, caller, told, good, done)
        else:
            rejects.append(refused)
            done.rejects = rejects.path if done.rejected else None
            await _write(workspace, caller, told, good, listed_at, done)
        progress(done.entries, file.position(), file.size)


def _portions(
    file: ListFile, kinds: frozenset[Kind], region: str | None
) -> Iterator[list[Identifier | Reject]]:
    entries = file.entries(kinds, region)
    while portion := list(islice(entries, PORTION)):
        yield portion


async def _write(
    workspace: Workspace,
    caller: Caller,
    told: AddressList,
    good: Sequence[Identifier],
    listed_at: datetime,
    done: Listed,
) -> None:
    if not good:
        return

    async def work(session: Session) -> tuple[int, int]:
        return await enlist(
            session,
            workspace.ring,
            workspace.policies,
            told,
            good,
            listed_at,
            # An own list is never imported whole, and a whole file takes nobody off that it names itself.
            renew=told.kind != "own" and not done.whole,
        )

    for _ in range(TRIES):
        try:
            listed, affected = await workspace.database.run(caller, work)
        except (Moved, ContactGone):
            continue
        done.listed += listed
        done.affected += affected
        return
    raise contended()


async def _rehearse(
    workspace: Workspace, caller: Caller, told: AddressList, good: Sequence[Identifier], done: Listed
) -> None:
    macs = {blind.suppression_mac(workspace.ring, one.kind, one.broad) for one in good}
    async with workspace.database.begin(caller) as session:
        done.listed += len(macs) - await listings.listed(session, told.id, macs)


async def _strike_off(
    workspace: Workspace, caller: Caller, told: AddressList, left_out: LeftOut, done: Listed, shrink: bool
) -> None:
    """Take off the list whom the whole file left out."""
    if done.dry_run:
        return
    async with workspace.database.begin(caller) as session:
        gone, all_of_it = (
            await listings.size(session, told.id, left_out),
            await listings.size(session, told.id),
        )
    if not gone:
        return
    if done.rejected or not done.entries:
        raise Refused(
            "list.incomplete",
            "The file has rows that cannot be read, or none at all, so nobody is taken off the list.",
            mend=f"mend the rows in {done.rejects.name if done.rejects else 'the file'} and import it again",
        )
    if gone * 2 > all_of_it and not shrink:
        raise Refused(
            "list.shrunk",
            f"{gone} of {all_of_it} entries are not in the file; nobody is taken off the list.",
            mend="if the list is that much smaller now, say --allow-shrink",
        )
    for _ in range(TRIES * (1 + gone // PORTION)):
        async with workspace.database.begin(caller) as session:
            found = await listings.unseen(session, told.id, left_out, PORTION)
        if not found:
            return

        async def work(session: Session, found: list[UUID] = found) -> int:
            return await strike(session, workspace.ring, told.id, found, left_out)

        try:
            done.unlisted += await workspace.database.run(caller, work)
        except (Moved, ContactGone):
            continue
    raise contended()
