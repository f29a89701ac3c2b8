"""Keys: what seals what, what cannot be opened any more, and a ring that misses nothing silently."""

import stat
from pathlib import Path
from typing import Any

import pytest

from registry.keys import persons
from registry.keys.columns import ASSIGNMENT_VALUE, COLUMNS, FIELD_VALUE, KeyClass
from registry.keys.persons import PersonKeys
from registry.keys.ring import FileKeyRing, KeyEpochMissing
from registry.kit.database import Role
from registry.kit.errors import Refused
from registry.kit.ids import new_id
from registry.kit.sealing import Unopenable, parse
from tests.persons import CALLER, make


def test_a_sealed_value_opens_in_its_own_place_only() -> None:
    anna, bob = PersonKeys.generate(new_id()), PersonKeys.generate(new_id())
    sealed = anna.seal(ASSIGNMENT_VALUE, b"anna@example.test")
    assert b"anna" not in sealed
    assert anna.open(ASSIGNMENT_VALUE, sealed) == b"anna@example.test"
    for keys, column in ((bob, ASSIGNMENT_VALUE), (anna, FIELD_VALUE)):
        with pytest.raises(Unopenable):
            keys.open(column, sealed)


def test_every_altered_byte_is_noticed() -> None:
    keys = PersonKeys.generate(new_id())
    sealed = keys.seal(FIELD_VALUE, b"Anna")
    for place in range(len(sealed)):
        altered = bytearray(sealed)
        altered[place] ^= 1
        with pytest.raises(Unopenable):
            keys.open(FIELD_VALUE, bytes(altered))


def test_a_destroyed_class_neither_opens_nor_seals() -> None:
    keys = PersonKeys.generate(new_id())
    sealed = keys.seal(FIELD_VALUE, b"Anna")
    proof_only = keys.keeping({KeyClass.PROOF})
    assert proof_only.has(KeyClass.PROOF)
    for attempt in (
        lambda: proof_only.open(FIELD_VALUE, sealed),
        lambda: proof_only.seal(FIELD_VALUE, b"x"),
    ):
        with pytest.raises(Unopenable):
            attempt()


def test_values_of_many_are_sealed_under_their_own_keys(tmp_path: Path) -> None:
    ring = FileKeyRing.create(tmp_path / "keys")
    people = [PersonKeys.generate(new_id()) for _ in range(3)]
    first = ring.current
    second = ring.add_epoch()
    held = [
        (epoch.number, one.wrap(epoch)) for one, epoch in zip(people, (first, second, first), strict=True)
    ]
    values = [b"", b"Anna", bytes(32)]
    sealed = persons.seal_each(ring, FIELD_VALUE, held, values)
    assert [one.open(FIELD_VALUE, blob) for one, blob in zip(people, sealed, strict=True)] == values
    with pytest.raises(Unopenable):
        people[0].open(ASSIGNMENT_VALUE, sealed[0])
    # No nonce is there twice, nor anything that a second sealing has in common with the first.
    again = persons.seal_each(ring, FIELD_VALUE, held, values)
    assert len({parse(blob).nonce for blob in sealed + again}) == 6


def test_of_many_one_whose_key_is_gone_gets_nothing_and_a_damaged_blob_stops_all(tmp_path: Path) -> None:
    ring = FileKeyRing.create(tmp_path / "keys")
    anna, bob = PersonKeys.generate(new_id()), PersonKeys.generate(new_id()).keeping({KeyClass.PROOF})
    number = ring.current.number
    held = [(number, anna.wrap(ring.current)), (number, bob.wrap(ring.current))]
    sealed = persons.seal_each(ring, FIELD_VALUE, held, [b"Anna", b"Bob"])
    assert anna.open(FIELD_VALUE, sealed[0]) == b"Anna"
    assert sealed[1] == b""
    blob = held[0][1]
    for place in (0, 4, 8, 23, 28, 40, len(blob) - 1):
        altered = bytearray(blob)
        altered[place] ^= 1
        with pytest.raises(Unopenable):
            persons.seal_each(ring, FIELD_VALUE, [(number, bytes(altered))], [b"x"])
    for wrong in (blob[:20], blob[:-1]):
        with pytest.raises(Unopenable):
            persons.seal_each(ring, FIELD_VALUE, [(number, wrong)], [b"x"])
    with pytest.raises(KeyEpochMissing):
        persons.seal_each(ring, FIELD_VALUE, [(9, blob)], [b"x"])


def test_a_wrapped_blob_opens_under_its_epoch_only(tmp_path: Path) -> None:
    ring = FileKeyRing.create(tmp_path / "keys")
    first = ring.current
    keys = PersonKeys.generate(new_id())
    blob = keys.wrap(first)
    second = ring.add_epoch()
    assert persons.unwrap(first, blob).seal
    with pytest.raises(Unopenable):
        persons.unwrap(second, blob)


def test_the_ring_lies_in_files_for_the_owner_alone(tmp_path: Path) -> None:
    ring = FileKeyRing.create(tmp_path / "keys")
    for path in ring.folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(ring.folder.stat().st_mode) == 0o700
    with pytest.raises(Refused, match=r"keys\.ring_exists"):
        FileKeyRing.create(tmp_path / "keys")


def test_a_ring_in_another_process_sees_a_rotation(tmp_path: Path) -> None:
    ours = FileKeyRing.create(tmp_path / "keys")
    theirs = FileKeyRing(tmp_path / "keys")
    theirs.add_epoch()
    assert ours.current.number == 2
    theirs.destroy_epoch(1)
    with pytest.raises(KeyEpochMissing):
        ours.epoch(1)


async def test_a_missing_epoch_is_told_and_nothing_is_guessed(workspace: Any) -> None:
    person = await make(workspace, "anna@example.test")
    workspace.ring.add_epoch()
    workspace.ring.destroy_epoch(1)
    with pytest.raises(KeyEpochMissing, match=r"keys\.epoch_missing"):
        async with workspace.database.begin(CALLER) as session:
            await persons.load(session, workspace.ring, [person])


async def test_nothing_is_written_under_a_closed_epoch(workspace: Any) -> None:
    async with workspace.database.begin(CALLER, Role.OWNER) as session:
        await session.execute("UPDATE key_epoch SET closed_at = now() WHERE epoch = 1")
    with pytest.raises(Exception, match="closed"):
        await make(workspace, "anna@example.test")


def test_codes_and_names_of_sealed_columns_are_unique() -> None:
    assert len({(c.table, c.column) for c in COLUMNS.values()}) == len(COLUMNS)
    assert all(code == column.code for code, column in COLUMNS.items())
