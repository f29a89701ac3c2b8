"""Rotation of the epoch: survivors are found and opened, exports follow, and cut off anywhere it is ended."""

import asyncio
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from registry.keys import exports, persons
from registry.keys import ring as rings
from registry.keys import rotation as lower
from registry.keys.ring import FileKeyRing, KeyEpochMissing
from registry.kit.errors import Refused
from registry.subject_requests import rotation
from registry.subject_requests.rotation import rotate
from tests.persons import CALLER, make, reason
from tests.subject_requests.rotating import found, work
from tests.subject_requests.test_erasure import erase, lived


async def test_the_survivors_are_found_and_opened_and_the_erasure_is_certified(
    workspace: Any, tmp_path: Path
) -> None:
    anna, bob = await lived(workspace), await lived(workspace, "bob@example.test", "C-2")
    await erase(workspace, anna)
    old = workspace.ring.current
    done = await rotate(work(workspace), tmp_path / "keys.json")
    assert (done.epoch, done.destroyed, done.rewrapped, done.certified, done.resumed) == (2, [1], 1, 1, False)
    assert [epoch.number for epoch in workspace.ring.live()] == [2]
    assert await found(workspace, "email:bob@example.test") == await found(workspace, "external:C-2") == [bob]
    assert await reason(workspace, "email:bob@example.test") == "permit"
    async with workspace.database.begin(CALLER) as session:
        keys = (await persons.load(session, workspace.ring, [bob]))[bob]
        assignment = await session.one(
            "SELECT value FROM assignment WHERE contact_id = %s AND kind = 1", (bob,)
        )
        assert keys.open(persons.COLUMNS[1], bytes(assignment.value)) == b"bob@example.test"
        assert await session.value("SELECT array_agg(DISTINCT epoch) FROM identifier_index") == [2]
        row = await session.one("SELECT closed_at, destroyed_at FROM key_epoch WHERE epoch = 1")
        assert row.closed_at and row.destroyed_at
        bodies = [json.loads(bytes(row.body)) for row in await session.all("SELECT body FROM audit_entry")]
    (entry,) = (body for body in bodies if body["action"] == "keys.rotate")
    assert entry["detail"] == {"epoch": 2, "destroyed": [1], "certified": 1}
    export = exports.read(tmp_path / "keys.json")
    assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600
    assert set(export.epochs) == {2}
    assert old.kek not in (tmp_path / "keys.json").read_bytes()
    assert not [path for path in workspace.ring.folder.iterdir() if "0001" in path.name]
    assert (await erase(workspace, anna)).certified_at is not None


async def test_an_export_is_destroyed_by_the_next_rotation(workspace: Any, tmp_path: Path) -> None:
    await make(workspace, "bob@example.test")
    await rotate(work(workspace), tmp_path / "first.json")
    await rotate(work(workspace), tmp_path / "second.json")
    assert sorted(path.name for path in tmp_path.glob("*.json*")) == ["second.json"]
    (tmp_path / "second.json").rename(tmp_path / "elsewhere.json")
    done = await rotate(work(workspace), tmp_path / "third.json")
    assert done.moved == [tmp_path / "second.json"]
    again = await rotate(work(workspace), tmp_path / "third.json")
    assert again.epoch == 5 and set(exports.read(tmp_path / "third.json").epochs) == {5}


async def test_a_file_that_is_no_export_is_not_written_over(workspace: Any, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(Refused, match=r"export\.exists"):
        await rotate(work(workspace), tmp_path / "thesis.txt")
    with pytest.raises(Refused, match=r"export\.folder_missing"):
        await rotate(work(workspace), tmp_path / "no" / "keys.json")
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
    assert workspace.ring.current.number == 1


async def test_an_export_that_opens_nothing_leaves_the_old_key_alone(
    workspace: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make(workspace, "bob@example.test")
    good = FileKeyRing.export

    def damaged(self: FileKeyRing, leaving_out: Any = ()) -> bytes:
        document = json.loads(good(self, leaving_out))
        name = next(name for name in document["files"] if name.startswith("epoch-"))
        record = json.loads(__import__("base64").b64decode(document["files"][name]))
        record["kek"] = record["index"]
        document["files"][name] = __import__("base64").b64encode(json.dumps(record).encode()).decode()
        return json.dumps(document).encode()

    monkeypatch.setattr(FileKeyRing, "export", damaged)
    with pytest.raises(exports.ExportUnusable):
        await rotate(work(workspace), tmp_path / "keys.json")
    assert [epoch.number for epoch in workspace.ring.live()] == [1, 2]
    assert not list(tmp_path.glob("keys.json*"))
    monkeypatch.undo()
    done = await rotate(work(workspace), tmp_path / "keys.json")
    assert done.resumed and done.destroyed == [1] and done.epoch == 2


STEPS = [
    (rotation, "_open_epoch", "after"),
    (lower, "announce", "after"),
    (lower, "take", "after"),
    (lower, "rewrap", "after"),
    (lower, "close", "before"),
    (lower, "wait_for_writers", "after"),
    (rotation, "_drop_indexes", "before"),
    (lower, "drop_indexes", "after"),
    (exports, "verify", "before"),
    (exports, "_remember", "after"),
    (FileKeyRing, "destroy_epoch", "before"),
    (FileKeyRing, "destroy_epoch", "after"),
    (rings, "shred", "before"),
    (lower, "forget", "after"),
    (rotation, "_certify", "before"),
]


class Killed(BaseException):
    """Stands for kill -9: nothing of ours catches it."""


@pytest.mark.parametrize(("place", "name", "when"), STEPS, ids=[f"{when}-{name}" for _, name, when in STEPS])
async def test_cut_off_anywhere_it_is_ended_by_running_it_again(
    workspace: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: Any, name: str, when: str
) -> None:
    anna = await lived(workspace)
    others = [await make(workspace, f"p{n}@example.test", external=f"P-{n}") for n in range(5)]
    await erase(workspace, anna)
    monkeypatch.setattr(rotation, "BATCH", 2)
    real = getattr(place, name)
    asynchronous = asyncio.iscoroutinefunction(real)

    async def cut(*args: Any, **more: Any) -> Any:
        if when == "after":
            await real(*args, **more)
        raise Killed

    def cut_now(*args: Any, **more: Any) -> Any:
        if when == "after":
            real(*args, **more)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(place, name, cut if asynchronous else cut_now)
        with pytest.raises(Killed):
            await rotate(work(workspace), tmp_path / "keys.json")
    # As a new process would find it.
    fresh = type(workspace)(
        workspace.settings, workspace.database, FileKeyRing(workspace.ring.folder), workspace.policies
    )
    for n, person in enumerate(others):
        assert await found(fresh, f"external:P-{n}") == [person]
    await make(fresh, "between@example.test")
    done = await rotate(work(fresh), tmp_path / "keys.json")
    assert [epoch.number for epoch in fresh.ring.live()] == [done.epoch]
    assert not list(fresh.ring.folder.glob("*.gone"))
    assert (await erase(fresh, anna)).certified_at is not None
    async with fresh.database.begin(CALLER) as session:
        assert len(await persons.load(session, fresh.ring, others)) == len(others)
        assert await session.value("SELECT count(*) FROM key_epoch WHERE destroyed_at IS NULL") == 1
    for n, person in enumerate(others):
        assert await found(fresh, f"email:p{n}@example.test") == [person]
        assert await found(fresh, f"external:P-{n}") == [person]
    assert await found(fresh, "email:between@example.test")
    assert set(exports.read(tmp_path / "keys.json").epochs) == {done.epoch}
    assert [path.name for path in tmp_path.glob("keys.json*")] == ["keys.json"]


async def test_two_rotations_do_not_run_at_once(workspace: Any, tmp_path: Path) -> None:
    await make(workspace, "bob@example.test")
    both = await asyncio.gather(
        rotate(work(workspace), tmp_path / "a.json"),
        rotate(work(workspace), tmp_path / "b.json"),
        return_exceptions=True,
    )
    assert sum(isinstance(one, rotation.RotationRunning) for one in both) == 1


async def test_a_ring_that_lost_an_epoch_gives_one_clear_line(workspace: Any, tmp_path: Path) -> None:
    await make(workspace, "bob@example.test")
    workspace.ring.add_epoch()
    workspace.ring.destroy_epoch(1)
    with pytest.raises(KeyEpochMissing) as told:
        await rotate(work(workspace), tmp_path / "keys.json")
    assert told.value.line().startswith("keys.epoch_missing: The key ring has no key of epoch 1. (restore")
