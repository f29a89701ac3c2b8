"""Rotation: survivors stay whole while others write, the old key goes, and a cut-off run is ended by the next."""

import asyncio
import itertools
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from registry.contacts import queries
from registry.contacts import service as contacts
from registry.contacts.identifiers import Kind, normalise
from registry.contacts.queries import parse_reference
from registry.contacts.service import NewContact, NewIdentifier
from registry.keys import epochs, exports, persons
from registry.keys import ring as rings
from registry.keys import rotation as lower
from registry.keys.ring import FileKeyRing, KeyEpochMissing
from registry.kit.database import Role
from registry.kit.errors import Refused
from registry.kit.ids import new_id
from registry.subject_requests import rotation
from registry.subject_requests.rotation import Rotation, rotate
from tests.persons import CALLER, make, reason
from tests.subject_requests.test_erasure import erase, lived


def work(workspace: Any) -> Rotation:
    return Rotation(workspace.database, workspace.ring, workspace.policies, CALLER)


async def found(workspace: Any, reference: str) -> list[Any]:
    async with workspace.database.begin(CALLER) as session:
        return await queries.resolve(session, workspace.ring, parse_reference(reference))


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


async def test_whoever_writes_meanwhile_loses_nothing(
    workspace: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Writers with rings of their own, as other processes have, make persons all along two rotations."""
    monkeypatch.setattr(rotation, "BATCH", 20)
    for n in range(60):
        await make(workspace, f"before{n}@example.test", external=f"B-{n}")
    stop = asyncio.Event()
    made: dict[str, Any] = {}
    counter = itertools.count()

    async def write() -> None:
        ring = FileKeyRing(workspace.ring.folder)
        while not stop.is_set():
            n = next(counter)
            # Half of them meet: two writers make the same external id at the same moment.
            name = f"W-{n // 2}"

            async def one(session: Any, name: str = name, n: int = n) -> Any:
                new = NewContact(
                    [NewIdentifier(normalise(Kind.EMAIL, f"w{n}@example.test")),
                     NewIdentifier(normalise(Kind.EXTERNAL, name))], "test", country="LV", id=new_id(),
                )  # fmt: skip
                (person,) = await contacts.create(session, ring, workspace.policies, [new])
                return person

            try:
                person = await workspace.database.run(CALLER, one)
            except contacts.IdentifierTaken:
                continue
            assert name not in made
            made[name] = (person, n)

    writers = [asyncio.create_task(write()) for _ in range(4)]
    first = await rotate(work(workspace), tmp_path / "keys.json")
    second = await rotate(work(workspace), tmp_path / "keys.json")
    await asyncio.sleep(0.1)
    stop.set()
    await asyncio.gather(*writers)
    assert (first.epoch, second.epoch) == (2, 3)
    assert len(made) > 10
    for name, (person, n) in made.items():
        assert await found(workspace, f"external:{name}") == [person]
        assert await found(workspace, f"email:w{n}@example.test") == [person]
    for n in range(60):
        assert len(await found(workspace, f"external:B-{n}")) == 1
    async with workspace.database.begin(CALLER) as session:
        twice = await session.value(
            "SELECT count(*) FROM (SELECT value FROM identifier_index GROUP BY value HAVING count(*) > 1) t"
        )
        identifiers = await session.value("SELECT count(*) FROM identifier")
        assert (twice, identifiers) == (0, await session.value("SELECT count(*) FROM identifier_index"))
        unreachable = await session.value(
            "SELECT count(*) FROM identifier i WHERE NOT EXISTS"
            " (SELECT FROM identifier_index x WHERE x.identifier_id = i.id AND x.epoch = 3)"
        )
        assert unreachable == 0


async def test_a_writer_from_before_the_new_epoch_is_waited_for(workspace: Any, tmp_path: Path) -> None:
    async with workspace.database.begin(CALLER) as late:
        assert [epoch.number for epoch in await epochs.writable(late, workspace.ring)] == [1]
        await late.execute("SELECT 1")
        turning = asyncio.create_task(rotate(work(workspace), tmp_path / "keys.json"))
        await asyncio.sleep(0.3)
        assert not turning.done()
        assert workspace.ring.current.number == 2
        # It knows of no other epoch.
        value = b"\1" * 32
        await late.execute(
            "INSERT INTO identifier_index (epoch, value, identifier_id) VALUES (1, %s, %s)", (value, new_id())
        )
    await turning


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


async def test_a_person_erased_during_a_rotation_waits_for_the_next(workspace: Any, tmp_path: Path) -> None:
    anna = await lived(workspace)
    async with workspace.database.begin(CALLER, Role.RETENTION) as session:
        await lower.announce(session, 2)
    workspace.ring.add_epoch()
    await erase(workspace, anna)  # there may be rows of theirs under the new epoch
    done = await rotate(work(workspace), tmp_path / "keys.json")
    assert done.resumed and done.destroyed == [1, 2] and done.epoch == 3
    assert (await erase(workspace, anna)).certified_at is not None


async def test_what_was_decided_while_somebody_was_erased_is_swept(workspace: Any, tmp_path: Path) -> None:
    anna = await lived(workspace)
    await erase(workspace, anna)
    assert await reason(workspace, anna) == "contact.erased"
    async with workspace.database.begin(CALLER) as session:
        assert await session.value("SELECT count(*) FROM decision") == 1
    await rotate(work(workspace), tmp_path / "keys.json")
    async with workspace.database.begin(CALLER) as session:
        assert await session.value("SELECT count(*) FROM decision") == 0


async def half_way(workspace: Any) -> None:
    """The state in the midst of a rotation: two epochs live."""
    async with workspace.database.begin(CALLER, Role.RETENTION) as session:
        await lower.announce(session, 2)
    workspace.ring.add_epoch()


async def test_writers_go_on_after_the_old_epoch_is_closed(workspace: Any, tmp_path: Path) -> None:
    await half_way(workspace)
    before = await make(workspace, "before@example.test", external="B")
    async with workspace.database.begin(CALLER, Role.RETENTION) as session:
        await lower.close(session, [1])
    after = await make(workspace, "after@example.test", external="A")
    with pytest.raises(contacts.IdentifierTaken):
        await make(workspace, "else@example.test", external="B")
    await rotate(work(workspace), tmp_path / "keys.json")
    assert await found(workspace, "external:B") == [before]
    assert await found(workspace, "external:A") == [after]


async def test_two_writers_of_one_id_agree_whose_it_is_while_two_epochs_live(
    workspace: Any, tmp_path: Path
) -> None:
    """The first knows of the old epoch alone; the second, of both, comes before the first has committed."""

    def new(address: str) -> NewContact:
        known = [
            NewIdentifier(normalise(Kind.EMAIL, address)),
            NewIdentifier(normalise(Kind.EXTERNAL, "SAME")),
        ]
        return NewContact(known, "test", country="LV")

    async def second() -> None:
        async with workspace.database.begin(CALLER) as late:
            await contacts.create(late, workspace.ring, workspace.policies, [new("second@example.test")])

    async with workspace.database.begin(CALLER) as early:
        (first,) = await contacts.create(
            early, workspace.ring, workspace.policies, [new("first@example.test")]
        )
        await half_way(workspace)
        waiting = asyncio.create_task(second())
        await asyncio.sleep(0.3)
        assert not waiting.done()
    with pytest.raises(contacts.IdentifierTaken):
        await waiting
    await rotate(work(workspace), tmp_path / "keys.json")
    assert await found(workspace, "external:SAME") == [first]
    assert await found(workspace, "email:first@example.test") == [first]
