"""Files as the bytes that were written into them: PostgreSQL's WAL without its page headers, the rest as it lies."""

import mmap
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

_WAL_NAME = re.compile(r"[0-9A-F]{24}(\.partial)?")
_WAL_PAGE = 8192
_SHORT, _LONG = 24, 40  # XLogPageHeaderData, XLogLongPageHeaderData
_LONG_HEADER = 0x0002
# What of a WAL segment is read together with the next: a record may run on there.
_CARRIED = 1 << 18

Buffer = memoryview


def files(places: Iterable[Path]) -> list[Path]:
    """Every file in these files and folders, WAL in the order in which it was written."""
    found: dict[Path, None] = {}
    for place in places:
        inside = sorted(place.rglob("*")) if place.is_dir() else [place]
        found.update((path, None) for path in inside if path.is_file() and not path.is_symlink())
    return sorted(found, key=_written)


def _written(path: Path) -> tuple[str, int, str]:
    # PostgreSQL gives a segment that it needs no more a later name, and leaves its content: its pages know better.
    address = 0
    if _WAL_NAME.fullmatch(path.name):
        with suppress(OSError), path.open("rb") as file:
            address = int.from_bytes(file.read(16)[8:], "little")
    return str(path.parent), address, path.name


def streams(paths: Iterable[Path]) -> Iterator[tuple[Path, Buffer]]:
    """Each file with its bytes. One that is gone since it was listed is left out; OSError when one cannot be read."""
    carried, folder = b"", None
    for path in paths:
        try:
            view = _mapped(path)
        except FileNotFoundError:
            continue
        if not _WAL_NAME.fullmatch(path.name) or len(view) % _WAL_PAGE:
            yield path, view
            continue
        content = _unpaged(view)
        if folder == path.parent:
            content = carried + content
        carried, folder = content[-_CARRIED:], path.parent
        yield path, memoryview(content)


def _mapped(path: Path) -> Buffer:
    with path.open("rb") as file:
        if not os.fstat(file.fileno()).st_size:
            return memoryview(b"")
        # Unmapped when nobody looks at it any more; a match keeps what it was found in.
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def _unpaged(view: Buffer) -> bytes:
    pages = []
    for start in range(0, len(view), _WAL_PAGE):
        page = view[start : start + _WAL_PAGE]
        long = int.from_bytes(page[2:4], "little") & _LONG_HEADER
        pages.append(bytes(page[_LONG if long else _SHORT :]))
    return b"".join(pages)
