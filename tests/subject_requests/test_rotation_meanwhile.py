"""Rotation of the epoch while others write, decide and erase: nothing is lost and nothing comes back."""

import asyncio
import itertools
from pathlib import Path
from typing import Any

import pytest

from registry.contacts import service as contacts
from registry.contacts.identifiers import Kind, normalise
from registry.contacts.service import NewContact, NewIdentifier
from registry.keys import epochs
from registry.keys import rotation as lower
from registry.keys.ring import FileKeyRing
from registry.kit.database import Role
from registry.kit.ids import new_id
from registry.subject_requests import rotation
from registry.subject_requests.rotation import rotate
from tests.persons import CALLER, make, reason
from tests.subject_requests.rotating import found, work
from tests.subject_requests.test_erasure import erase, lived


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
