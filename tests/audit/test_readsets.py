"""Persons of one entry: both ways to their commitments open for the same persons, and for nobody who is gone."""

from pathlib import Path

import pytest

from registry.audit import commitments, readsets
from registry.audit.commitments import Opening
from registry.keys.columns import OPENING_NONCE, KeyClass
from registry.keys.persons import PersonKeys
from registry.keys.ring import FileKeyRing
from registry.kit.ids import new_id


@pytest.mark.parametrize("size", [0, 1, 3, commitments.INLINE + 1])
def test_both_ways_make_commitments_that_open_for_whoever_has_a_key(tmp_path: Path, size: int) -> None:
    ring = FileKeyRing.create(tmp_path / "keys")
    people = [PersonKeys.generate(new_id()) for _ in range(size)]
    if people:
        people[-1] = people[-1].keeping({KeyClass.PROOF})
    held = {one.contact_id: (ring.current.number, one.wrap(ring.current)) for one in people}
    for read in (readsets.gather(people), readsets.gather_held(ring, held)):
        assert read.subjects == [one.contact_id for one in people[:-1]]
        assert read.positions == list(range(size))[:-1]
        hashes = [read.hashes[start : start + 32] for start in range(0, len(read.hashes), 32)]
        assert len(hashes) == (size if size > commitments.INLINE else 0)
        for keys, position, sealed in list(zip(people, read.positions, read.nonces, strict=False))[:5]:
            path = commitments.path_to(position, hashes)
            opening = Opening(keys.contact_id, position, keys.open(OPENING_NONCE, sealed), path)
            commitments.verify(read.stated, opening)
