"""Opens what an export comes in, a zip or one CSV file, without trusting its names or its sizes."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Literal

from registry.exchange.mapping import Format
from registry.kit.errors import Refused

Standing = Literal["subscribed", "unsubscribed", "complained", "cleaned", "nonsubscribed"]
# Standings of people who said no, or cannot be reached: their rows are taken even where something else is amiss.
GONE: frozenset[Standing] = frozenset({"unsubscribed", "complained", "cleaned"})

# The order of reading: whoever said no is known before anybody's yes is.
STANDINGS: tuple[Standing, ...] = ("cleaned", "complained", "unsubscribed", "nonsubscribed", "subscribed")
# Words that say of a file of subscribers that it is another one.
_OTHERWISE = re.compile(
    r"not|non|no|un|opt|optout|out|pending|waiting|unconfirmed|former|ex|removed|deleted|archived|inactive|blocked"
    r"|suppress\w*|suppression|bounce\w*|complain\w*|spam|abuse|clean\w*|unsub\w*|nonsub\w*"
)
TOTAL_LIMIT = 8 << 30
# Text of an export deflates to a tenth; a thousandth is a bomb. Small members may be of any ratio.
RATIO_LIMIT = 150
RATIO_EXEMPT = 4 << 20
_CHUNK = 1 << 18
_ENCRYPTED = 0x1
# What the standard library raises on an archive that cannot be read: damaged, cut off, encrypted (RuntimeError), or
# packed in a way that it does not know (RuntimeError too). Whoever sent the file is told so, and nothing is taken.
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, OSError)


@dataclass(frozen=True, slots=True)
class Part:
    """One CSV text of an export; `standing` None where each row tells its own."""

    name: str
    standing: Standing | None
    path: Path
    member: str | None

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """The bytes, from their beginning."""
        if self.member is None:
            with self.path.open("rb") as file:
                yield file
            return
        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(self.member) as file:
                yield file
        except zipfile.BadZipFile:
            raise _damaged(self.path) from None

    def chunks(self) -> Iterator[bytes]:
        """The bytes in pieces, as often as asked for; Refused `archive.damaged` or `archive.too_large`."""
        size = 0
        with self.open() as file:
            while True:
                try:
                    chunk = file.read(_CHUNK)
                except _DAMAGED:
                    raise _damaged(self.path) from None
                if not chunk:
                    return
                size += len(chunk)
                if self.member is not None and size > TOTAL_LIMIT:
                    raise _bomb(self.path)
                yield chunk


def parts_of(path: Path, form: Format) -> list[Part]:
    """The CSV texts of a file, those with a "no" first. Refused when it is not what `form` says, or not safe."""
    if path.stat().st_size == 0:
        raise Refused("file.empty", f"{path.name} is empty.")
    zipped = zipfile.is_zipfile(path)
    if form == "csv":
        if zipped:
            raise Refused("file.not_csv", f"{path.name} is a zip.", mend="unpack it, or --format mailchimp")
        return [Part(path.name, None, path, None)]
    if not zipped:
        raise Refused(
            "file.not_zip",
            f"{path.name} is not a zip, as Mailchimp exports are.",
            mend="give the whole zip, or --format csv for one file",
        )
    try:
        with zipfile.ZipFile(path) as archive:
            members = [info for info in archive.infolist() if not info.is_dir()]
    except _DAMAGED:
        raise _damaged(path) from None
    for info in members:
        _check_name(path, info)
    _check_sizes(path, members)
    parts = [
        Part(PurePosixPath(info.filename).name, standing, path, info.filename)
        for info in members
        if (standing := _standing(info.filename)) is not None
    ]
    _refuse_unknown(path, parts, [info.filename for info in members])
    if len({part.member for part in parts}) < len(parts):
        raise Refused("archive.unsafe_name", f"{path.name} has two files of one name.")
    if not parts:
        raise Refused(
            "archive.no_members",
            f"{path.name} has no subscribed, unsubscribed, complained or cleaned CSV in it.",
            mend="export the whole audience in Mailchimp",
        )
    return sorted(parts, key=lambda part: (STANDINGS.index(part.standing or "subscribed"), part.name))


def _standing(member: str) -> Standing | None:
    """What a member's name says of those in it, by its first word; None where it says nothing, or two things."""
    name = PurePosixPath(member)
    if "__macosx" in member.lower() or name.suffix.lower() != ".csv":
        return None
    first, *others = re.findall("[^\\W\\d_]+", name.stem.lower()) or [""]
    found = next((standing for standing in STANDINGS if standing == first), None)
    if found in GONE or not any(_OTHERWISE.fullmatch(word) for word in others):
        return found
    return None


def _refuse_unknown(path: Path, parts: list[Part], members: list[str]) -> None:
    """Refuse a list beside the others of which nobody knows what it says: it may be of people who said no."""
    places = {PurePosixPath(part.member or "").parent for part in parts}
    known = {part.member for part in parts}
    for member in members:
        name = PurePosixPath(member)
        if member in known or "__macosx" in member.lower() or name.name.startswith("."):
            continue
        beside = name.suffix.lower() == ".csv" and name.parent in places
        if beside or name.name.lower().startswith(STANDINGS):
            raise Refused(
                "archive.unknown_member",
                f"{path.name} has a list of which its name does not say whether those in it agreed or left.",
                mend=f"let its name begin with one of {', '.join(STANDINGS)}, and end with .csv, or take it out",
            )


def _check_name(path: Path, info: zipfile.ZipInfo) -> None:
    """Nothing is ever unpacked to disk; still, who writes such names did not export an audience."""
    name = info.orig_filename.replace("\\", "/")
    climbs = ".." in PurePosixPath(name).parts
    linked = (info.external_attr >> 16) & 0o170000 == 0o120000
    if climbs or linked or name.startswith("/") or "\0" in name or (len(name) > 1 and name[1] == ":"):
        raise Refused("archive.unsafe_name", f"{path.name} has a file whose name leads out of the zip.")
    if info.flag_bits & _ENCRYPTED:
        raise Refused(
            "archive.encrypted", f"{path.name} is encrypted.", mend="unpack and zip it without a password"
        )


def _check_sizes(path: Path, members: list[zipfile.ZipInfo]) -> None:
    """A reader never takes more from a member than its declared size, so checking what is declared is enough."""
    if sum(info.file_size for info in members) > TOTAL_LIMIT:
        raise _bomb(path)
    for info in members:
        if info.file_size > RATIO_EXEMPT and info.file_size > RATIO_LIMIT * max(info.compress_size, 1):
            raise _bomb(path)


def _bomb(path: Path) -> Refused:
    return Refused("archive.too_large", f"{path.name} unpacks to more than any export would.")


def _damaged(path: Path) -> Refused:
    return Refused("archive.damaged", f"{path.name} is a damaged zip.", mend="export it again")
