"""tlog-tiles: the paths and bytes of the specification, and nothing that only looks like them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.audit import tiles
from registry.audit.tiles import Tile


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 1000), "tile/0/x001/000"),
        (Tile(0, 1234067), "tile/0/x001/x234/067"),
        (Tile(1, 0, 1), "tile/1/000.p/1"),
        (Tile(None, 5, 255), "tile/entries/005.p/255"),
        (Tile(63, 999_999), "tile/63/x999/999"),
    ],
)
def test_paths_are_those_of_the_specification(tile, path):
    assert tile.path() == path
    assert tiles.parse_path(path.removeprefix("tile/")) == tile


@settings(deadline=None)
@given(st.one_of(st.none(), st.integers(0, 63)), st.integers(0, 10**15), st.integers(1, 256))
def test_every_path_reads_back(level, index, width):
    tile = Tile(level, index, width)
    assert tiles.parse_path(tile.path().removeprefix("tile/")) == tile


@pytest.mark.parametrize(
    "path",
    [
        "", "0", "0/", "0/0", "0/00", "0/0000", "0/x000/000", "0/001/000", "0/x001/x000", "00/000", "64/000",
        "-1/000", "0/000.p/0", "0/000.p/256", "0/000.p/01", "0/000.p/", "0/000.p", "0/000/", "/0/000",
        "entry/000", "Entries/000", "0/x001/../000", "0/٠٠٠", "0/000\n", "0/" + "x001/" * 9 + "000",
    ],
)  # fmt: skip
def test_what_is_not_a_path_is_refused(path):
    with pytest.raises(ValueError, match="not the path"):
        tiles.parse_path(path)


def test_widths_follow_the_size_of_the_tree():
    assert tiles.at_size(0) == []
    assert tiles.at_size(256) == [Tile(0, 0), Tile(1, 0, 1)]
    assert tiles.at_size(257) == [Tile(0, 1, 1), Tile(1, 0, 1)]
    assert tiles.at_size(70_000) == [Tile(0, 273, 112), Tile(1, 1, 17), Tile(2, 0, 1)]
    assert tiles.width_at(300, 0, 0) == 256
    assert tiles.width_at(300, 0, 1) == 44
    assert tiles.width_at(300, 0, 2) == 0


@settings(deadline=None)
@given(st.lists(st.binary(max_size=70), max_size=256))
def test_bundles_read_back(entries):
    assert tiles.unpack(tiles.pack(entries)) == entries


def test_a_bundle_is_length_and_bytes_and_nothing_longer_than_it_can_say():
    assert tiles.pack([b"ab", b""]) == b"\x00\x02ab\x00\x00"
    assert tiles.unpack(tiles.pack([b"x" * 65_535])) == [b"x" * 65_535]
    with pytest.raises(ValueError, match="65,535"):
        tiles.pack([b"x" * 65_536])
    for broken in (b"\x00", b"\x00\x02a"):
        with pytest.raises(ValueError, match="cut off"):
            tiles.unpack(broken)
