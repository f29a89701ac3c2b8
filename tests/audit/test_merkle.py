"""RFC 6962 trees: known roots, every size up to 70, and no mutated proof passes."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.audit import merkle, tiles

SIZES = 70
LEAVES = [merkle.leaf_hash(bytes([n])) for n in range(SIZES + 1)]
ROOTS = [merkle.root(LEAVES[:n]) for n in range(SIZES + 1)]
NODE = merkle.levels(LEAVES)

# The reference vectors of RFC 6962's own implementation (certificate-transparency, transparency-dev/merkle).
KNOWN_LEAVES = [bytes.fromhex(text) for text in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
)]  # fmt: skip
KNOWN_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def defined_root(leaves: list[bytes]) -> bytes:
    """MTH exactly as RFC 6962 section 2.1 writes it."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return merkle.node_hash(defined_root(leaves[:k]), defined_root(leaves[k:]))


def mutations(data: bytes):
    for bit in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        yield bytes(flipped)


def test_known_roots():
    for size, expected in enumerate(KNOWN_ROOTS):
        hashes = [merkle.leaf_hash(leaf) for leaf in KNOWN_LEAVES[:size]]
        assert merkle.root(hashes).hex() == expected


def test_every_way_to_a_root_agrees_with_the_definition():
    for size in range(SIZES + 1):
        assert ROOTS[size] == defined_root(LEAVES[:size]) == merkle.root_at(size, NODE)


def test_every_inclusion_proof_verifies():
    for size in range(1, SIZES + 1):
        for index in range(size):
            path = merkle.inclusion(index, size, NODE)
            merkle.verify_inclusion(index, size, LEAVES[index], path, ROOTS[size])


def test_every_consistency_proof_verifies():
    for new in range(SIZES + 1):
        for old in range(new + 1):
            path = merkle.consistency(old, new, NODE)
            merkle.verify_consistency(old, new, ROOTS[old], ROOTS[new], path)


def refused_inclusion(index, size, leaf, path, root) -> None:
    with pytest.raises(merkle.ProofInvalid):
        merkle.verify_inclusion(index, size, leaf, path, root)


@settings(deadline=None)
@given(st.data())
def test_no_mutated_inclusion_proof_verifies(data):
    size = data.draw(st.integers(1, SIZES))
    index = data.draw(st.integers(0, size - 1))
    leaf, root, path = LEAVES[index], ROOTS[size], merkle.inclusion(index, size, NODE)
    for bad in mutations(leaf):
        refused_inclusion(index, size, bad, path, root)
    for bad in mutations(root):
        refused_inclusion(index, size, leaf, path, bad)
    for place in range(len(path)):
        for bad in mutations(path[place]):
            refused_inclusion(index, size, leaf, [*path[:place], bad, *path[place + 1 :]], root)
        refused_inclusion(index, size, leaf, path[:place] + path[place + 1 :], root)
    refused_inclusion(index, size, leaf, [*path, root], root)
    for other in range(-1, size + 2):
        if other != index:
            refused_inclusion(other, size, leaf, path, root)


@settings(deadline=None)
@given(st.data())
def test_no_mutated_consistency_proof_verifies(data):
    new = data.draw(st.integers(1, SIZES))
    old = data.draw(st.integers(1, new))
    path = merkle.consistency(old, new, NODE)

    def refused(old_root, new_root, steps) -> None:
        with pytest.raises(merkle.ProofInvalid):
            merkle.verify_consistency(old, new, old_root, new_root, steps)

    for bad in mutations(ROOTS[old]):
        refused(bad, ROOTS[new], path)
    for bad in mutations(ROOTS[new]):
        refused(ROOTS[old], bad, path)
    for place in range(len(path)):
        for bad in mutations(path[place]):
            refused(ROOTS[old], ROOTS[new], [*path[:place], bad, *path[place + 1 :]])
        refused(ROOTS[old], ROOTS[new], path[:place] + path[place + 1 :])
    refused(ROOTS[old], ROOTS[new], [*path, ROOTS[old]])


def test_a_proof_for_what_is_not_there_is_refused():
    for index, size in ((0, 0), (1, 1), (-1, 3), (5, 5)):
        with pytest.raises(ValueError, match="no leaf"):
            merkle.inclusion(index, size, NODE)
        refused_inclusion(index, size, LEAVES[0], [], ROOTS[1])
    with pytest.raises(ValueError, match="no tree"):
        merkle.consistency(3, 2, NODE)
    with pytest.raises(merkle.ProofInvalid):
        merkle.verify_consistency(3, 2, ROOTS[3], ROOTS[2], [])
    with pytest.raises(merkle.ProofInvalid):
        merkle.verify_consistency(0, 2, ROOTS[1], ROOTS[2], [])


@settings(deadline=None)
@given(st.lists(st.integers(1, 700), max_size=6), st.integers(0, 2000))
def test_tiles_that_grow_step_by_step_give_every_proof(steps, probe):
    hashes: list[bytes] = []
    held: dict[tuple[int, int], bytes] = {}
    for step in steps:
        fresh = [merkle.leaf_hash(b"%d" % n) for n in range(len(hashes), len(hashes) + step)]
        partials = {
            level: held[level, (len(hashes) >> 8 * level) // 256]
            for level in range(3)
            if (len(hashes) >> 8 * level) % 256
        }
        held.update(tiles.grow(len(hashes), partials, fresh))
        hashes += fresh
    size, node = len(hashes), tiles.reader(held)
    assert merkle.root_at(size, node) == merkle.root(hashes)
    for tile in tiles.at_size(size):
        assert len(held[tile.level or 0, tile.index]) == tile.width * 32
    if size:
        index = probe % size
        path = merkle.inclusion(index, size, node)
        merkle.verify_inclusion(index, size, hashes[index], path, merkle.root(hashes))
        old = merkle.root(hashes[:index])
        merkle.verify_consistency(
            index, size, old, merkle.root(hashes), merkle.consistency(index, size, node)
        )


def test_growing_from_a_tile_of_the_wrong_length_is_refused():
    with pytest.raises(ValueError, match="another number of hashes"):
        tiles.grow(3, {0: LEAVES[0]}, [LEAVES[1]])
    with pytest.raises(LookupError):
        tiles.reader({})(0, 0)
