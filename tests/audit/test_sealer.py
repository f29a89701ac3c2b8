"""The sealer: nothing is lost, doubled or moved, whatever writers do, and nothing false is signed."""

import asyncio
import random
from itertools import pairwise

import pytest

from registry.audit import (
    checkpoint,
    entries,
    export,
    merkle,
    note,
    queries,
    reseating,
    sealer,
    service,
    tiles,
)
from registry.kit.caller import Caller
from registry.kit.errors import Refused

CALLER = Caller("operator", "operation", "test")


async def append(workspace, how_many=1, *, wait=0.0) -> None:
    async with workspace.database.begin(CALLER) as session:
        for _ in range(how_many):
            await entries.append(session, workspace.ring, "contact.read")
        await asyncio.sleep(wait)


async def sealed(workspace):
    """Other tests on the same server may hold the horizon for a moment, so one `seal` may not be enough."""
    return await export.sealed_through_now(workspace.database, workspace.ring, CALLER)


async def log_of(workspace):
    async with workspace.database.begin(CALLER) as session:
        head = await queries.latest(session)
        rows = await queries.entries(session, 0, head.size)
        published = await queries.checkpoints(session, 0, 100_000)
        appended = await session.value("SELECT count(*) FROM audit_entry")
        verifier = note.Verifier.parse(await sealer.vkey(session, workspace.ring))
    return head, rows, published, appended, verifier


async def assert_whole(workspace, unsealed=0) -> None:
    """Every entry is one leaf, every checkpoint is signed and extends the one before, tiles give the same root."""
    head, rows, published, appended, verifier = await log_of(workspace)
    assert len(rows) == head.size == appended - unsealed
    assert len({row.entry_id for row in rows}) == head.size
    hashes = [merkle.leaf_hash(bytes(row.body)) for row in rows]
    assert hashes == [bytes(row.hash) for row in rows]
    for each in published:
        opened = checkpoint.open_signed(each.note.encode(), verifier)
        assert opened.root == each.root == merkle.root(hashes[: each.size])
    async with workspace.database.begin(CALLER) as session:
        for old, new in pairwise(published):
            path, _ = await service.consistency(session, old.size, new.size)
            merkle.verify_consistency(old.size, new.size, old.root, new.root, path)
        wanted = [(tile.level, tile.index) for tile in tiles.at_size(head.size)]
        held = await queries.hash_tiles(session, wanted)
    assert [len(held[tile.level, tile.index]) // 32 for tile in tiles.at_size(head.size)] == [
        tile.width for tile in tiles.at_size(head.size)
    ]


async def test_sealing_again_with_nothing_new_signs_nothing(workspace):
    await append(workspace)
    first = await sealed(workspace)
    assert await sealer.seal(workspace.database, workspace.ring) is None
    await append(workspace)
    second = await sealed(workspace)
    assert second.size == first.size + 1
    await assert_whole(workspace)


async def test_an_entry_of_a_slow_writer_is_not_passed_over(workspace):
    """The highest id is not a safe cut: the slow writer's id is lower than that of the fast one."""
    await append(workspace)
    await sealed(workspace)
    async with workspace.database.begin(CALLER) as slow:
        slow_id = await entries.append(slow, workspace.ring, "contact.read")
        await append(workspace)
        await sealer.seal(workspace.database, workspace.ring)
    await sealed(workspace)
    _, rows, *_ = await log_of(workspace)
    assert slow_id in {row.entry_id for row in rows}
    await assert_whole(workspace)


async def test_nothing_is_lost_under_concurrent_writers_savepoints_rollbacks_and_sealers(workspace):
    rng = random.Random(20260131)
    database, ring = workspace.database, workspace.ring
    committed: set[int] = set()
    stop = asyncio.Event()

    async def writer(seed: int) -> None:
        own = random.Random(seed)
        for _ in range(60):
            kind = own.random()
            ids: list[int] = []
            try:
                async with database.begin(CALLER) as session:
                    ids.append(await entries.append(session, ring, "contact.read"))
                    if kind < 0.2:
                        await asyncio.sleep(own.random() * 0.05)
                    if kind < 0.4:
                        try:
                            async with session.driver.transaction():
                                await entries.append(session, ring, "contact.update")
                                raise KeyError
                        except KeyError:
                            pass
                    if kind < 0.6:
                        async with session.driver.transaction():
                            ids.append(await entries.append(session, ring, "contact.update"))
                    if 0.6 <= kind < 0.7:
                        raise LookupError
            except LookupError:
                continue
            committed.update(ids)

    async def seals() -> None:
        while not stop.is_set():
            await sealer.seal(database, ring)
            await asyncio.sleep(rng.random() * 0.01)

    sealing = [asyncio.create_task(seals()) for _ in range(3)]
    async with database.begin(CALLER) as long_writer:
        committed.add(await entries.append(long_writer, ring, "contact.read"))
        await asyncio.gather(*(writer(seed) for seed in range(8)))
    stop.set()
    await asyncio.gather(*sealing)
    await sealed(workspace)
    _, rows, published, *_ = await log_of(workspace)
    assert committed <= {row.entry_id for row in rows}
    assert len(published) >= 2
    await assert_whole(workspace)


async def test_many_entries_are_sealed_in_batches_that_cut_no_transaction(workspace, monkeypatch):
    monkeypatch.setattr(sealer, "BATCH", 7)
    for size in (1, 3, 20, 7, 8, 1, 300):
        await append(workspace, size)
    await sealed(workspace)
    _, _, published, *_ = await log_of(workspace)
    assert len(published) >= 5
    await assert_whole(workspace)


async def test_the_lag_is_the_age_of_the_oldest_entry_that_waits(workspace):
    await append(workspace)
    async with workspace.database.begin(CALLER) as session:
        assert await queries.unsealed_age(session) > 0
    await sealed(workspace)
    async with workspace.database.begin(CALLER) as session:
        assert await queries.unsealed_age(session) == 0


async def test_the_loop_seals_and_seals_once_more_when_it_is_stopped(workspace, monkeypatch):
    monkeypatch.setattr(sealer, "PERIOD", 0.05)
    stop = asyncio.Event()
    running = asyncio.create_task(sealer.run(workspace.database, workspace.ring, stop))
    await append(workspace, 3)
    await asyncio.sleep(0.2)
    await append(workspace, 2)
    stop.set()
    await running
    await sealed(workspace)
    await assert_whole(workspace)


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE audit_tile SET hashes = set_byte(hashes, 0, get_byte(hashes, 0) # 1) WHERE level = 0",
        "UPDATE audit_tile SET hashes = hashes || hashes",
        "DELETE FROM audit_tile",
        "UPDATE audit_checkpoint SET note = replace(note, 'zgoda', 'zgodb')",
        "DELETE FROM audit_checkpoint",
    ],
)
async def test_nothing_is_signed_on_top_of_a_changed_tree(workspace, superuser, tampering):
    await append(workspace, 5)
    await sealed(workspace)
    superuser(tampering)
    await append(workspace)
    with pytest.raises(Refused, match=r"log\.damaged"):
        await sealed(workspace)


async def test_after_a_move_to_another_cluster_the_log_goes_on_under_a_new_name(workspace, superuser):
    database, ring = workspace.database, workspace.ring
    await append(workspace, 5)
    await sealed(workspace)
    _, _, (*_, before), *_ = await log_of(workspace)
    await append(workspace, 3)
    # What the dump says of the old cluster: its transaction ids are far ahead of those here.
    superuser("UPDATE audit_state SET system_identifier = '1', prev_xmin = '9000000000'")
    superuser("UPDATE audit_entry SET xid = '9000000001' WHERE id > %s", (before.size,))
    with pytest.raises(Refused, match=r"log\.unseated"):
        await append(workspace)
    head = await reseating.reseat(database, ring, CALLER)
    assert head.origin == f"{before.origin}/2"
    assert head.size == before.size + 4
    _, rows, *_ = await log_of(workspace)
    first = bytes(rows[before.size].body)
    assert b'"action":"log.continue"' in first
    assert f'"size":{before.size}'.encode() in first
    with pytest.raises(Refused, match=r"log\.seated"):
        await reseating.reseat(database, ring, CALLER)
    await append(workspace, 2)
    await sealed(workspace)
    newest, rows, *_ = await log_of(workspace)
    assert newest.origin == head.origin
    assert len({row.entry_id for row in rows}) == newest.size == head.size + 2


async def test_a_restored_log_that_is_not_the_published_one_is_refused(workspace, superuser):
    await append(workspace, 5)
    await sealed(workspace)
    head, *_ = await log_of(workspace)
    superuser("UPDATE audit_state SET system_identifier = '1'")
    signer = note.Ed25519Signer(head.origin, workspace.ring.signing)
    forged = checkpoint.Checkpoint(head.origin, head.size, bytes(32)).signed([signer])
    foreign = checkpoint.Checkpoint("zgoda/x/log", head.size, head.root).signed(
        [note.Ed25519Signer("zgoda/x/log", workspace.ring.signing)]
    )
    for published in (forged, foreign, checkpoint.Checkpoint(head.origin, 1, head.root, "nonsense")):
        with pytest.raises(Refused, match=r"log\.forked"):
            await reseating.reseat(workspace.database, workspace.ring, CALLER, published)
    lost = checkpoint.Checkpoint(head.origin, head.size + 9, bytes(32)).signed([signer])
    assert (await reseating.reseat(workspace.database, workspace.ring, CALLER, lost)).size == head.size + 1
