"""The published log over HTTP: what a tlog-tiles client needs is public, entries are for those who audit."""

import pytest

from registry.access import service as access
from registry.audit import checkpoint, entries, export, merkle, queries, tiles
from registry.kit.caller import Caller

CALLER = Caller("operator", "operation", "test")


@pytest.fixture
async def verifier(workspace):
    async with workspace.database.begin(CALLER) as session:
        for n in range(300):
            await entries.append(session, workspace.ring, "contact.read", detail={"n": n})
    await export.sealed_through_now(workspace.database, workspace.ring, CALLER)
    async with workspace.database.begin(CALLER) as session:
        return (await queries.signer(session, workspace.ring)).verifier


async def key_of(workspace, kind):
    async with workspace.database.begin(CALLER) as session:
        _, key = await access.create_key(session, workspace.ring, kind, "test")
    return {"Authorization": f"Bearer {key}"}


async def test_nothing_sealed_is_not_found(client, superuser):
    superuser("DELETE FROM audit_checkpoint")
    answer = await client.get("/log/checkpoint")
    assert answer.status_code == 404
    assert answer.json()["code"] == "checkpoint.missing"


async def test_a_client_without_a_key_follows_the_whole_tree(client, verifier):
    answer = await client.get("/log/checkpoint")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=1"
    head = checkpoint.open_signed(answer.content, verifier)
    held: dict[tuple[int, int], bytes] = {}
    for level, index in ((0, 0), (0, 1), (1, 0)):
        tile = tiles.Tile(level, index, tiles.width_at(head.size, level, index))
        answer = await client.get(f"/log/{tile.path()}")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/octet-stream"
        assert "immutable" in answer.headers["cache-control"]
        held[level, index] = answer.content
    assert len(held[0, 0]) == 8192
    assert merkle.root_at(head.size, tiles.reader(held)) == head.root


async def test_a_partial_tile_is_a_prefix_of_a_longer_one(client, verifier):
    full = (await client.get("/log/tile/0/000")).content
    assert (await client.get("/log/tile/0/000.p/7")).content == full[: 7 * 32]


NO_TILES = [
    "0/001", "0/001.p/255", "0/002", "0/002.p/1", "1/000", "1/000.p/2", "2/000.p/1", "0/000.p/256", "0/000.p/0",
    "0/0", "00/000", "64/000", "-1/000", "0/001.p/x", "0/x000/000", "x/000", "0/x001/x002/x003/000",
    "entries/001", "entries/002.p/1", "entries/0", "entries/000.p/256",
]  # fmt: skip


async def test_what_is_not_a_tile_of_the_log_is_not_found(admin, verifier):
    for path in NO_TILES:
        answer = await admin.get(f"/log/tile/{path}")
        assert answer.status_code == 404, path
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] in ("tile.missing", "route.unknown")


async def test_entries_are_read_by_those_who_audit(workspace, client, verifier):
    assert (await client.get("/log/tile/entries/000")).status_code == 401
    for kind in ("engine", "marketer", "write"):
        headers = await key_of(workspace, kind)
        assert (await client.get("/log/tile/entries/000", headers=headers)).status_code == 403, kind
    hashes = tiles.split((await client.get("/log/tile/0/000")).content)
    for kind in ("auditor", "dpo", "admin"):
        headers = await key_of(workspace, kind)
        answer = await client.get("/log/tile/entries/000", headers=headers)
        assert answer.headers["content-type"] == "application/octet-stream"
        assert [merkle.leaf_hash(entry) for entry in tiles.unpack(answer.content)] == hashes
        part = await client.get("/log/tile/entries/001.p/3", headers=headers)
        assert len(tiles.unpack(part.content)) == 3
