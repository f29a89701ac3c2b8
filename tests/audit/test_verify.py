"""An exported log: whole, verifiable with nothing but the key, and every change in it found and located."""

import io
import json
import random

import pytest

from registry.audit import entries, export, note, queries, sealer, verify
from registry.audit.verify import ExportBroken
from registry.kit.caller import Caller
from registry.kit.errors import Refused, Unavailable

CALLER = Caller("operator", "operation", "test")
PARTS = (150, 80, 60, 7)  # leaves between checkpoints; with what the template holds, more than one tile


@pytest.fixture
async def log(workspace, tmp_path):
    """A log with several checkpoints and two tiles, ready to be exported."""
    return await Log.make(workspace, tmp_path)


class Log:
    def __init__(self, workspace, folder, verifier) -> None:
        self.workspace, self.folder, self.verifier = workspace, folder, verifier

    @classmethod
    async def make(cls, workspace, folder):
        for part in PARTS:
            async with workspace.database.begin(CALLER) as session:
                for n in range(part):
                    await entries.append(
                        session, workspace.ring, "contact.read", detail={"n": n, "name": "Żoã"}
                    )
            await export.sealed_through_now(workspace.database, workspace.ring, CALLER)
        async with workspace.database.begin(CALLER) as session:
            verifier = (await queries.signer(session, workspace.ring)).verifier
        return cls(workspace, folder, verifier)

    async def file(self) -> bytes:
        target = self.folder / "log.ndjson"
        await export.export(self.workspace.database, self.workspace.ring, CALLER, target)
        assert [path.name for path in self.folder.glob("log*")] == ["log.ndjson"]
        return target.read_bytes()

    async def written(self) -> bytes:
        """The file of the log as it stands, without sealing: a damaged log is not sealed any further."""
        async with self.workspace.database.begin(CALLER) as session:
            head = await queries.latest(session)
        return b"".join([line async for line in export.lines(self.workspace.database, CALLER, head)])

    async def sizes(self) -> list[int]:
        async with self.workspace.database.begin(CALLER) as session:
            return [each.size for each in await queries.checkpoints(session, 0, 1000)]

    def check(self, raw: bytes, since=None):
        return verify.verify(io.BytesIO(raw), self.verifier, since)


def places(report) -> set[int]:
    return {n for each in report.tampered for n in range(each.first, each.last + 1)}


async def test_an_export_verifies_and_holds_its_own_entry(log):
    raw = await log.file()
    report = log.check(raw)
    assert report.verified, report
    assert report.tampered == []
    assert report.entries == report.size
    last = [json.loads(line) for line in raw.splitlines()][-1]
    assert last["entry"]["action"] == "audit.export"
    assert raw.count(b'{"checkpoint"') >= len(PARTS) - 1
    assert raw.count(b'{"tile"') == (report.size + 255) // 256


async def test_an_export_holds_what_was_committed_before_it(log):
    async with log.workspace.database.begin(CALLER) as session:
        entry_id = await entries.append(session, log.workspace.ring, "contact.update")
    raw = await log.file()
    assert f'"id":{entry_id},'.encode() in raw


async def test_an_export_waits_for_a_writer_that_holds_up_the_log(log):
    async with log.workspace.database.begin(CALLER) as slow:
        await entries.append(slow, log.workspace.ring, "contact.update")
        with pytest.raises(Unavailable, match=r"log\.held"):
            await export.export(
                log.workspace.database, log.workspace.ring, CALLER, log.folder / "held", wait=0.2
            )
    assert list(log.folder.glob("held*")) == []
    assert log.check(await log.file()).verified


async def test_a_place_that_cannot_be_written_is_one_refusal(log):
    with pytest.raises(Refused, match=r"file\.unwritable"):
        await export.export(log.workspace.database, log.workspace.ring, CALLER, log.folder / "none" / "log")


TABLES = ("audit_entry", "audit_leaf", "audit_tile")
CHANGE_BODY = "UPDATE audit_entry SET body = overlay(body PLACING 'X'::bytea FROM 12) WHERE id = {id}"
GO = "DELETE FROM audit_entry WHERE id = {id}"
CHANGE_TILE = (
    "UPDATE audit_tile t SET hashes = set_byte(t.hashes, (l.leaf_index % 256)::int * 32, 7)"
    " FROM audit_leaf l WHERE t.level = 0 AND t.tile_index = l.leaf_index / 256 AND l.entry_id = {id}"
)
FIX_LEAF = (
    "UPDATE audit_leaf l SET hash = sha256('\\x00'::bytea || e.body)"
    " FROM audit_entry e WHERE e.id = l.entry_id AND e.id = {id}"
)
FIX_TILE = (
    "UPDATE audit_tile t SET hashes = overlay(t.hashes PLACING l.hash FROM (l.leaf_index % 256)::int * 32 + 1)"
    " FROM audit_leaf l WHERE t.level = 0 AND t.tile_index = l.leaf_index / 256 AND l.entry_id = {id}"
)


@pytest.mark.parametrize(
    ("statements", "reason"),
    [
        ([CHANGE_BODY], "the entry was changed"),
        ([CHANGE_BODY, FIX_LEAF], "the entry was changed"),
        ([CHANGE_BODY, FIX_TILE], "the entry was changed"),
        (["UPDATE audit_entry SET body = 'x' WHERE id = {id}"], "the entry was changed"),
        (["UPDATE audit_entry SET body = '\\xff0a' WHERE id = {id}"], "the entry was changed"),
        (["UPDATE audit_entry SET body = body || '}}{{'::bytea WHERE id = {id}"], "the entry was changed"),
        ([GO], "the entry is gone"),
        ([GO, "DELETE FROM audit_leaf WHERE entry_id = {id}"], "the entry is gone"),
        (["UPDATE audit_leaf SET hash = sha256('x') WHERE entry_id = {id}"], "the hash kept of the entry was changed"),
        ([CHANGE_TILE], "the hash kept of the entry was changed"),
    ],
)  # fmt: skip
async def test_what_a_superuser_changes_is_found_and_located(log, superuser, statements, reason):
    size = (await log.sizes())[-1]
    for table in TABLES:
        superuser(f"CREATE TABLE kept_{table} AS TABLE {table}")
    for leaf in (0, 149, 255, 256, size - 1):
        ((entry_id,),) = superuser("SELECT entry_id FROM audit_leaf WHERE leaf_index = %s", (leaf,))
        for statement in statements:
            superuser(statement.format(id=entry_id))
        report = log.check(await log.written())
        assert not report.verified
        assert places(report) == {leaf}, report
        assert report.tampered[0].reason == reason
        for table in TABLES:
            superuser(f"DELETE FROM {table}; INSERT INTO {table} OVERRIDING SYSTEM VALUE TABLE kept_{table}")
        assert log.check(await log.written()).verified


async def test_a_change_with_all_its_hashes_is_located_between_two_checkpoints(log, superuser):
    sizes = await log.sizes()
    ((entry_id,),) = superuser("SELECT entry_id FROM audit_leaf WHERE leaf_index = %s", (sizes[1] - 3,))
    for statement in (CHANGE_BODY, FIX_LEAF, FIX_TILE):
        superuser(statement.format(id=entry_id))
    report = log.check(await log.written())
    assert not report.verified
    assert places(report) == set(range(sizes[0], sizes[1]))


async def test_several_changes_are_all_located(log, superuser):
    leaves = {3, 140, 141, 200, 280}
    for leaf in leaves:
        ((entry_id,),) = superuser("SELECT entry_id FROM audit_leaf WHERE leaf_index = %s", (leaf,))
        superuser(CHANGE_BODY.format(id=entry_id))
    assert places(log.check(await log.written())) == leaves


async def test_two_entries_that_changed_places_are_located(log, superuser):
    superuser(
        "UPDATE audit_leaf SET entry_id = -entry_id WHERE leaf_index IN (5, 9);"
        "UPDATE audit_leaf a SET entry_id = -b.entry_id FROM audit_leaf b"
        " WHERE a.leaf_index IN (5, 9) AND b.leaf_index = 14 - a.leaf_index"
    )
    assert places(log.check(await log.written())) == {5, 9}


async def test_a_log_that_was_cut_back_is_found_by_an_earlier_checkpoint(log, superuser):
    async with log.workspace.database.begin(CALLER) as session:
        kept = await queries.latest(session)
    smaller = (await log.sizes())[-2]
    superuser("DELETE FROM audit_checkpoint WHERE size > %s", (smaller,))
    raw = await log.written()
    assert log.check(raw).verified
    report = log.check(raw, kept)
    assert not report.verified
    assert places(report) == set(range(smaller, kept.size))


async def test_a_log_that_only_grew_extends_every_earlier_checkpoint(log):
    async with log.workspace.database.begin(CALLER) as session:
        earlier = await queries.checkpoints(session, 0, 100)
    raw = await log.file()
    for each in earlier:
        report = log.check(raw, verify.earlier(each.note.encode(), log.verifier))
        assert report.verified
        assert report.since == each.size


async def test_a_rewritten_log_is_found_by_an_earlier_checkpoint(log, superuser):
    """Whoever has the signing key can sign anything; the kept checkpoint shows it all the same."""
    async with log.workspace.database.begin(CALLER) as session:
        kept = await queries.latest(session)
    ((entry_id,),) = superuser("SELECT entry_id FROM audit_leaf WHERE leaf_index = 2")
    superuser(CHANGE_BODY.format(id=entry_id))
    superuser("DELETE FROM audit_leaf; DELETE FROM audit_tile; DELETE FROM audit_checkpoint")
    superuser("UPDATE audit_state SET prev_xmin = '0'")
    await export.sealed_through_now(log.workspace.database, log.workspace.ring, CALLER)
    raw = await log.written()
    assert log.check(raw).verified
    report = log.check(raw, kept)
    assert not report.verified
    assert places(report) == set(range(kept.size))
    assert "earlier checkpoint" in report.tampered[0].reason


async def test_another_key_does_not_verify(log):
    raw = await log.file()
    other = note.Verifier(log.verifier.name, bytes(32))
    with pytest.raises(note.NoteInvalid, match="given key"):
        verify.verify(io.BytesIO(raw), other)


async def test_no_byte_of_the_file_can_be_changed_unnoticed(log):
    """Any flipped bit is a finding or a refusal, save in the database's ids, which only help to find a row."""
    raw = await log.file()
    assert log.check(raw).verified
    rng = random.Random(7)
    for _ in range(400):
        place = rng.randrange(len(raw))
        bad = bytearray(raw)
        bad[place] ^= 1 << rng.randrange(8)
        try:
            report = log.check(bytes(bad))
        except (ExportBroken, note.NoteInvalid, ValueError):
            continue
        if report.verified:
            start = raw.rfind(b"\n", 0, place) + 1
            line = raw[start : raw.find(b"\n", place)]
            assert line.startswith((b'{"index":', b'{"tile":')), line
            before = line[: place - start]
            assert b'"hash"' not in before and b'"hashes"' not in before, (place - start, line)


async def test_a_file_that_is_not_whole_is_one_clear_sentence(log):
    raw = await log.file()
    lines = raw.splitlines(keepends=True)
    broken = {
        b"": "line 1",
        b"hello\n": "line 1",
        b"{}\n": "line 1",
        raw[:-1]: "cut off",
        b"".join(lines[:-1]): "the file ends after leaf",
        b"".join([*lines[:9], b"nonsense\n", *lines[9:]]): "line 10",
        b"".join([*lines, lines[-1]]): "out of place",
        b"".join([*lines[:9], b"[]\n"]): "line 10",
        b"".join([*lines[:9], b'{"x":1}\n']): "line 10",
    }
    for content, said in broken.items():
        with pytest.raises(ExportBroken, match=said):
            log.check(content)
    without = log.check(b"".join(line for line in lines if not line.startswith(b'{"index":7,')))
    assert places(without) == {7}


async def test_an_old_checkpoint_that_was_changed_is_found(log):
    raw = await log.file()
    lines = raw.splitlines(keepends=True)
    place = next(n for n, line in enumerate(lines) if n and line.startswith(b'{"checkpoint"'))
    lines[place] = lines[place].replace(b"\\n\\n", b"\\n\\n\\n")
    report = log.check(b"".join(lines))
    assert not report.verified
    assert "the checkpoint signed here was changed" in report.tampered[0].reason


async def test_after_a_restore_old_checkpoints_and_a_new_name_verify_together(log, superuser):
    from registry.audit import reseating

    database, ring = log.workspace.database, log.workspace.ring
    async with database.begin(CALLER) as session:
        kept = await queries.latest(session)
    superuser("UPDATE audit_state SET system_identifier = '1'")
    head = await reseating.reseat(database, ring, CALLER)
    renamed = note.Ed25519Signer(head.origin, ring.signing).verifier
    raw = await log.file()
    report = verify.verify(io.BytesIO(raw), renamed, verify.earlier(kept.note.encode(), renamed))
    assert report.verified, report
    assert report.origin == f"{kept.origin}/2"
    await sealer.seal(database, ring)
