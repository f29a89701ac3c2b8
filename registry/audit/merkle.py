"""RFC 6962 Merkle trees as pure functions, so that the log, its proofs and its verifier share one definition."""

import hashlib
from collections.abc import Callable, Iterator, Sequence

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()

Node = Callable[[int, int], bytes]
"""Gives the hash of the complete subtree over the leaves [index << level, (index + 1) << level)."""


class ProofInvalid(ValueError):
    """The proof does not connect what it claims to connect."""


def leaf_hash(entry: bytes) -> bytes:
    """RFC 6962 section 2.1: SHA-256(0x00 || entry)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """RFC 6962 section 2.1: SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(hashes: Sequence[bytes]) -> bytes:
    """The root over leaf hashes (32 bytes each, in leaf order)."""
    frontier = Frontier()
    for each in hashes:
        frontier.append(each)
    return frontier.root()


class Frontier:
    """The right edge of a growing tree: O(log n) memory, the root at every size."""

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []  # complete subtrees, largest first; one for each set bit of size

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash."""
        size, peaks = self.size, self._peaks
        while size & 1:
            leaf = node_hash(peaks.pop(), leaf)
            size >>= 1
        peaks.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """The root over everything appended so far."""
        return _fold(self._peaks) if self._peaks else EMPTY_ROOT


def levels(hashes: Sequence[bytes]) -> Node:
    """A `Node` over leaf hashes held in memory."""
    rows: list[list[bytes]] = [list(hashes)]
    while len(rows[-1]) > 1:
        row = rows[-1]
        rows.append([node_hash(row[i], row[i + 1]) for i in range(0, len(row) - 1, 2)])
    return lambda level, index: rows[level][index]


def root_at(size: int, node: Node) -> bytes:
    """The root over the first `size` leaves."""
    return _range_hash(0, size, node) if size else EMPTY_ROOT


def inclusion(index: int, size: int, node: Node) -> list[bytes]:
    """RFC 6962 section 2.1.1: the audit path of leaf `index` in the tree of `size`, its sibling first.

    ValueError: there is no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of size {size}")
    path: list[bytes] = []
    low, high = 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append(_range_hash(middle, high, node))
            high = middle
        else:
            path.append(_range_hash(low, middle, node))
            low = middle
    path.reverse()
    return path


def consistency(old: int, new: int, node: Node) -> list[bytes]:
    """RFC 6962 section 2.1.2: the proof that the tree of size `new` extends the one of size `old`.

    ValueError: `old` is larger than `new`.
    """
    if not 0 <= old <= new:
        raise ValueError(f"no tree of size {old} within one of size {new}")
    if old in (0, new):
        return []
    path: list[bytes] = []
    low, high, whole = 0, new, True
    while old != high:
        middle = low + _split(high - low)
        if old <= middle:
            path.append(_range_hash(middle, high, node))
            high = middle
        else:
            path.append(_range_hash(low, middle, node))
            low, whole = middle, False
    if not whole:
        path.append(_range_hash(low, high, node))
    path.reverse()
    return path


def verify_inclusion(index: int, size: int, leaf: bytes, path: Sequence[bytes], expected: bytes) -> None:
    """RFC 9162 section 2.1.3.2. `leaf` is the leaf hash, `expected` the root. ProofInvalid if it does not hold."""
    if not 0 <= index < size:
        raise ProofInvalid(f"no leaf {index} in a tree of size {size}")
    _check_hashes(leaf, expected, *path)
    position, last, current = index, size - 1, leaf
    for each in path:
        if last == 0:
            raise ProofInvalid("the inclusion proof is too long")
        if position & 1 or position == last:
            current = node_hash(each, current)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            current = node_hash(current, each)
        position >>= 1
        last >>= 1
    if last != 0:
        raise ProofInvalid("the inclusion proof is too short")
    if current != expected:
        raise ProofInvalid(f"leaf {index} is not in the tree of size {size} with this root")


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> None:
    """RFC 9162 section 2.1.4.2. ProofInvalid if the new tree does not extend the old one."""
    if not 0 <= old <= new:
        raise ProofInvalid(f"a tree of size {new} cannot extend one of size {old}")
    _check_hashes(old_root, new_root, *path)
    if old in (0, new):
        if path:
            raise ProofInvalid("the consistency proof is too long")
        if old_root != (EMPTY_ROOT if old == 0 else new_root):
            raise ProofInvalid(f"two different trees of size {old}")
        return
    if not path:
        raise ProofInvalid("the consistency proof is too short")
    steps = list(path)
    if old & (old - 1) == 0:
        steps.insert(0, old_root)
    position, last = old - 1, new - 1
    while position & 1:
        position >>= 1
        last >>= 1
    before = after = steps[0]
    for each in steps[1:]:
        if last == 0:
            raise ProofInvalid("the consistency proof is too long")
        if position & 1 or position == last:
            before, after = node_hash(each, before), node_hash(each, after)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            after = node_hash(after, each)
        position >>= 1
        last >>= 1
    if last != 0:
        raise ProofInvalid("the consistency proof is too short")
    if before != old_root or after != new_root:
        raise ProofInvalid(f"the tree of size {new} does not extend the one of size {old}")


def _split(count: int) -> int:
    """The largest power of two smaller than `count`."""
    return 1 << ((count - 1).bit_length() - 1)


def _cover(low: int, high: int) -> Iterator[tuple[int, int]]:
    """The complete subtrees (level, index) that make up [low, high), largest first, as RFC 6962 splits it."""
    while low < high:
        level = (high - low).bit_length() - 1
        yield level, low >> level
        low += 1 << level


def _range_hash(low: int, high: int, node: Node) -> bytes:
    return _fold([node(level, index) for level, index in _cover(low, high)])


def _fold(peaks: Sequence[bytes]) -> bytes:
    current = peaks[-1]
    for each in reversed(peaks[:-1]):
        current = node_hash(each, current)
    return current


def _check_hashes(*hashes: bytes) -> None:
    if any(len(each) != HASH_BYTES for each in hashes):
        raise ProofInvalid("a hash has 32 bytes")
