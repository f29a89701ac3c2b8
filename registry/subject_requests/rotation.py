"""Rotation: everybody who is left gets new wrapping, and the old epoch's key is destroyed, so that backups go dark.

Every step can be cut off: which is next is read from the ring and the database, and running it again ends it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from uuid import UUID

from registry.audit import entries as audit
from registry.consents import devices
from registry.contacts import reindexing
from registry.keys import exports, persons, rotation
from registry.keys.ring import Epoch, FileKeyRing
from registry.kit import postgres
from registry.kit.caller import Caller
from registry.kit.database import Database, Role, Session
from registry.kit.errors import Refused
from registry.kit.ids import NIL
from registry.policy.model import PolicySet
from registry.subject_requests import erasure

# Persons a transaction, so that it stays well under 500 ms.
BATCH = 500
INDEX_BATCH = 5_000
SAMPLE = 200

Advance = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Rotation:
    """What is needed all along a rotation."""

    database: Database
    ring: FileKeyRing
    policies: PolicySet
    caller: Caller


@dataclass(slots=True)
class Rotated:
    """What a rotation did. `moved` are earlier exports that were not found where they were written."""

    epoch: int
    destroyed: list[int]
    rewrapped: int
    certified: int
    export: Path
    moved: list[Path] = field(default_factory=list)
    resumed: bool = False


class RotationRunning(Refused):
    """Only one rotation at a time."""

    def __init__(self) -> None:
        super().__init__("keys.rotating", "Another rotation is under way.", mend="wait for it to end")


async def rotate(work: Rotation, export: Path, advance: Advance = lambda by: None) -> Rotated:
    """Rotate to a new epoch, or end a rotation that was cut off; afterwards no erasure is left uncertified.

    `advance` is told how many persons were done. Raises Refused `keys.rotating`, `export.exists`,
    `export.folder_missing`, `keys.export_unusable`, KeyEpochMissing.
    """
    exports.refuse_foreign(work.ring.folder, export)
    with _alone(work.ring.folder):
        async with work.database.begin(work.caller) as session:
            await rotation.require_keys(session, work.ring)
            unfinished = bool(await rotation.old_epochs(session, work.ring))
        ended = None
        if unfinished:
            ended = await _complete(work, work.ring.current, export, advance)
            ended.resumed = True
            async with work.database.begin(work.caller) as session:
                if not await erasure.uncertified(session):
                    return ended
        done = await _complete(work, await _open_epoch(work), export, advance)
        if ended is not None:
            done.resumed = True
            done.destroyed = ended.destroyed + done.destroyed
            done.certified += ended.certified
        return done


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    held = postgres.exclusive(folder.with_name(f"{folder.name}.lock"), wait=0)
    try:
        held.__enter__()
    except TimeoutError:
        raise RotationRunning from None
    try:
        yield
    finally:
        held.__exit__(None, None, None)


async def _open_epoch(work: Rotation) -> Epoch:
    async def announce(session: Session) -> None:
        await rotation.announce(session, work.ring.current.number + 1)

    await work.database.run(work.caller, announce, role=Role.RETENTION)
    return work.ring.add_epoch()


async def _complete(work: Rotation, target: Epoch, export: Path, advance: Advance) -> Rotated:
    """From a ring that has the new epoch to a world without the old ones."""
    database, ring = work.database, work.ring
    async with database.begin(work.caller) as session:
        old = await rotation.old_epochs(session, ring)
    # Whoever began before the new epoch was in the ring writes its indexes under the old one alone.
    await rotation.drained(database, work.caller)
    rewrapped = await _rewrap_all(work, target, advance)
    for step in (rotation.close, rotation.wait_for_writers):
        await database.run(work.caller, partial(step, numbers=old), role=Role.RETENTION)
    # Whoever was made under the old epoch since.
    rewrapped += await _rewrap_all(work, target, advance)
    await _index_the_rest(work, target)
    await _drop_indexes(work, target)
    async with database.begin(work.caller, Role.RETENTION) as session:
        if await rotation.named(session, old):
            raise Refused(
                "keys.epoch_named", "Rows still need the old epoch.", mend="run zgoda keys rotate again"
            )
        wrapped = await rotation.sample(session, SAMPLE)
    moved = exports.write(ring.folder, ring, export, old, wrapped)
    # Somebody may have read a wrapped key of the old epoch and be about to unwrap it.
    await rotation.drained(database, work.caller)
    for number in old:
        ring.destroy_epoch(number)
    certified = await _certify(work, target, old)
    return Rotated(target.number, old, rewrapped, certified, export.absolute(), moved)


async def _rewrap_all(work: Rotation, target: Epoch, advance: Advance) -> int:
    """Wrap and index everybody who is under an earlier epoch; returns when nobody is."""
    done, after = 0, NIL

    async def batch(session: Session) -> list[UUID]:
        people = await rotation.take(session, work.ring, target.number, after, BATCH)
        if people:
            await reindexing.reindex(session, target, people)
            await devices.reindex(session, target, people)
            await rotation.rewrap(session, target, people)
        return [one.contact_id for one in people]

    while True:
        ids = await work.database.run(work.caller, batch, role=Role.RETENTION)
        if ids:
            after = ids[-1]
            done += len(ids)
            advance(len(ids))
            continue
        async with work.database.begin(work.caller, Role.RETENTION) as session:
            if not await rotation.remaining(session, target.number):
                return done
        after = NIL  # those who were passed by, for somebody was erasing them


async def _index_the_rest(work: Rotation, target: Epoch) -> None:
    """Index what a rotation that was cut off left; there is nothing to do otherwise."""

    async def batch(session: Session) -> int:
        ids = await reindexing.unindexed(session, target, BATCH)
        ids += await devices.unindexed(session, target, BATCH)
        people = await persons.load(session, work.ring, ids)
        if not people:
            return 0
        keys = list(people.values())
        return await reindexing.reindex(session, target, keys) + await devices.reindex(session, target, keys)

    while await work.database.run(work.caller, batch, role=Role.RETENTION):
        pass


async def _drop_indexes(work: Rotation, target: Epoch) -> None:
    after: bytes | None = b""
    while after is not None:
        start = after

        async def batch(session: Session, start: bytes = start) -> bytes | None:
            _, last = await rotation.drop_indexes(session, target.number, start, INDEX_BATCH)
            return last

        after = await work.database.run(work.caller, batch, role=Role.RETENTION)


async def _certify(work: Rotation, target: Epoch, old: list[int]) -> int:
    """Sweep what was written of the erased meanwhile, and certify: nothing of theirs can be read any more."""

    async def last(session: Session) -> int:
        await erasure.sweep(session, work.policies, await erasure.uncertified(session))
        await rotation.forget(session, old)
        certified = await erasure.certify(session, target.number)
        await audit.append(
            session,
            work.ring,
            "keys.rotate",
            detail={"epoch": target.number, "destroyed": list(old), "certified": certified},
        )
        return certified

    return await work.database.run(work.caller, last, role=Role.RETENTION)
