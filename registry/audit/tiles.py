"""tlog-tiles: the paths and bytes in which C2SP logs are published, so that any tile client can read ours."""

import re
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from registry.audit import merkle

WIDTH = 256
HEIGHT = 8
FULL_BYTES = WIDTH * merkle.HASH_BYTES
MAX_LEVEL = 63
MAX_ENTRY_BYTES = 65_535
_PATH = re.compile(r"(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")
_MAX_INDEX_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile's address; `level` is None for a bundle of entries, `width` counts its hashes or entries (1 to 256)."""

    level: int | None
    index: int
    width: int = WIDTH

    def path(self) -> str:
        """As it is published, without a leading slash: `tile/0/x001/x234/067.p/8`."""
        groups = [f"{self.index % 1000:03}"]
        rest = self.index // 1000
        while rest:
            groups.append(f"x{rest % 1000:03}")
            rest //= 1000
        level = "entries" if self.level is None else str(self.level)
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{level}/{'/'.join(reversed(groups))}{partial}"


def parse_path(path: str) -> Tile:
    """Read what follows `tile/`. ValueError: anything that `Tile.path` would not have written."""
    match = _PATH.fullmatch(path)
    if match is None:
        raise ValueError("not the path of a tile")
    level, groups, width = match.groups()
    digits = groups.replace("x", "").replace("/", "")
    if len(digits) > _MAX_INDEX_DIGITS:
        raise ValueError("not the path of a tile")
    number = None if level == "entries" else int(level)
    tile = Tile(number, int(digits), int(width) if width else WIDTH)
    if tile.path() != f"tile/{path}" or (number is not None and number > MAX_LEVEL):
        raise ValueError("not the path of a tile")
    return tile


def width_at(size: int, level: int, index: int) -> int:
    """How many hashes (or entries, at level 0) the tile holds in a tree of `size`; 0 if there is no such tile."""
    return max(0, min(WIDTH, (size >> (HEIGHT * level)) - index * WIDTH))


def at_size(size: int) -> list[Tile]:
    """The last hash tile of each level of a tree of `size`, partial or full, lowest level first."""
    found = []
    for level in range(MAX_LEVEL + 1):
        count = size >> (HEIGHT * level)
        if not count:
            break
        index = (count - 1) // WIDTH
        found.append(Tile(level, index, width_at(size, level, index)))
    return found


def grow(size: int, partials: Mapping[int, bytes], leaves: Sequence[bytes]) -> dict[tuple[int, int], bytes]:
    """Append leaf hashes to a tree of `size`: the tiles that are new or longer, by (level, index).

    `partials` holds the bytes of the unfinished tile of each level; a finished or absent one may be left out.
    """
    changed: dict[tuple[int, int], bytes] = {}
    level, fresh = 0, list(leaves)
    while fresh:
        count = size >> (HEIGHT * level)
        index, held = count // WIDTH, count % WIDTH
        row = partials.get(level, b"") if held else b""
        if len(row) != held * merkle.HASH_BYTES:
            raise ValueError(f"tile {index} of level {level} holds another number of hashes than the tree")
        row += b"".join(fresh)
        fresh = []
        for start in range(0, len(row), FULL_BYTES):
            tile = row[start : start + FULL_BYTES]
            changed[level, index] = tile
            if len(tile) == FULL_BYTES:
                fresh.append(merkle.root(split(tile)))
            index += 1
        level += 1
    return changed


def split(tile: bytes) -> list[bytes]:
    """The hashes of a tile."""
    return [tile[i : i + merkle.HASH_BYTES] for i in range(0, len(tile), merkle.HASH_BYTES)]


def home(level: int, index: int) -> tuple[int, int, int, int]:
    """Where the subtree (level, index) is found: tile level, tile index, first hash, number of hashes under it."""
    within = level % HEIGHT
    first = index << within
    return level // HEIGHT, first // WIDTH, first % WIDTH, 1 << within


def reader(held: Mapping[tuple[int, int], bytes]) -> merkle.Node:
    """A `merkle.Node` over tiles by (level, index). LookupError: the tile is not held or too short."""

    def node(level: int, index: int) -> bytes:
        tile_level, tile_index, first, count = home(level, index)
        tile = held.get((tile_level, tile_index), b"")
        part = tile[first * merkle.HASH_BYTES : (first + count) * merkle.HASH_BYTES]
        if len(part) != count * merkle.HASH_BYTES:
            raise LookupError(f"tile {tile_index} of level {tile_level} is missing or too short")
        return merkle.root(split(part))

    return node


def pack(entries: Iterable[bytes]) -> bytes:
    """An entry bundle: each entry behind its length (uint16, big-endian). ValueError: an entry is too long."""
    parts = []
    for entry in entries:
        if len(entry) > MAX_ENTRY_BYTES:
            raise ValueError("an entry has at most 65,535 bytes")
        parts.append(struct.pack(">H", len(entry)) + entry)
    return b"".join(parts)


def unpack(bundle: bytes) -> list[bytes]:
    """The entries of a bundle. ValueError: it is cut off."""
    entries, position = [], 0
    while position < len(bundle):
        end = position + 2
        if end > len(bundle):
            raise ValueError("the bundle is cut off")
        (length,) = struct.unpack_from(">H", bundle, position)
        position, end = end, end + length
        if end > len(bundle):
            raise ValueError("the bundle is cut off")
        entries.append(bundle[position:end])
        position = end
    return entries
