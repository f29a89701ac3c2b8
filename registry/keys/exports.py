"""Key exports: copies of the ring for a safe place, tried before they are relied on, and destroyed with their epoch."""

import base64
import json
from collections.abc import Container, Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from registry.keys import persons
from registry.keys.ring import EXPORT_FORMAT, Epoch, KeyRing, parse_epoch, shred, sync_folder, write_secret
from registry.kit.errors import Refused
from registry.kit.sealing import Unopenable

# Beside the keys, and never part of an export: where exports were written, so that rotation finds them again.
MANIFEST = "exports.manifest"


class ExportUnusable(Refused):
    """What was written does not open what it should; the old keys stay."""

    def __init__(self, detail: str) -> None:
        super().__init__(
            "keys.export_unusable", detail, mend="run zgoda keys rotate again with another --export"
        )


@dataclass(frozen=True, slots=True)
class Export:
    """A key export as read back: its epochs, and its other keys by file name."""

    epochs: Mapping[int, Epoch]
    others: Mapping[str, bytes]


def parse(document: bytes) -> Export:
    """Read an export; ExportUnusable when it is none."""
    try:
        read = json.loads(document)
        if read["format"] != EXPORT_FORMAT:
            raise ExportUnusable("The key export has a format that is not known here.")
        files = {name: base64.b64decode(text, validate=True) for name, text in read["files"].items()}
        epochs = [parse_epoch(content) for name, content in files.items() if name.startswith("epoch-")]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ExportUnusable("The key export cannot be read.") from error
    others = {name: content for name, content in files.items() if not name.startswith("epoch-")}
    return Export({epoch.number: epoch for epoch in epochs}, others)


def read(path: Path) -> Export:
    """Read an export from disk; ExportUnusable when there is none or it cannot be read."""
    try:
        return parse(path.read_bytes())
    except OSError as error:
        raise ExportUnusable(f"{path} cannot be read: {error.strerror}.") from None


def refuse_foreign(keys_folder: Path, path: Path) -> None:
    """Refuse to write over a file that is no earlier export of this ring, before anything is begun."""
    path = path.absolute()
    if not path.parent.is_dir():
        raise Refused("export.folder_missing", f"{path.parent} is not a folder.", field="--export")
    if path.exists() and path not in recorded(keys_folder):
        raise Refused(
            "export.exists", f"{path} exists and is not an earlier key export.", field="--export",
            mend="name a file that does not exist",
        )  # fmt: skip


def write(
    keys_folder: Path, ring: KeyRing, path: Path, leaving_out: Container[int], wrapped: Mapping[UUID, bytes]
) -> list[Path]:
    """Write an export, read it back and try it on `wrapped` person keys; then the earlier exports are destroyed.

    Returns earlier exports that are not where they were written: whoever moved them has to destroy them.
    ExportUnusable when the new one does not open what it should; then the earlier exports stay. Safe to do again
    after a crash.
    """
    path = path.absolute()
    fresh = path.with_name(f"{path.name}.new")
    # Remembered first: whatever happens next, no copy of a key is forgotten.
    _remember(keys_folder, {*recorded(keys_folder), path, fresh})
    write_secret(fresh, ring.export(leaving_out))
    try:
        verify(read(fresh), ring, leaving_out, wrapped)
    except ExportUnusable:
        shred(fresh)
        raise
    moved = sorted(earlier for earlier in recorded(keys_folder) - {path, fresh} if _is_moved(earlier))
    for earlier in recorded(keys_folder) - {fresh}:
        for copy in (earlier, earlier.with_name(f"{earlier.name}.partial")):
            if copy.exists():
                shred(copy)
    fresh.replace(path)
    sync_folder(path.parent)
    _remember(keys_folder, {path})
    return moved


def _is_moved(earlier: Path) -> bool:
    # One that a crash left under its first name is not missed.
    return not earlier.exists() and earlier.suffix != ".new"


def verify(export: Export, ring: KeyRing, leaving_out: Container[int], wrapped: Mapping[UUID, bytes]) -> None:
    """Whether an export alone opens what the ring opens; ExportUnusable otherwise."""
    expected = {epoch.number: epoch for epoch in ring.live() if epoch.number not in leaving_out}
    if dict(export.epochs) != expected:
        raise ExportUnusable("The key export has not the epochs that it should have.")
    held = {ring.suppression, ring.token, ring.signing.private_bytes_raw()}
    if not held <= set(export.others.values()):
        raise ExportUnusable("The key export lacks a key.")
    for contact_id, blob in wrapped.items():
        try:
            opened = persons.unwrap(export.epochs[max(export.epochs)], blob)
        except Unopenable:
            raise ExportUnusable("The key export does not open the persons' keys.") from None
        if opened.contact_id != contact_id:
            raise ExportUnusable("The key export opens other persons' keys.")


def recorded(keys_folder: Path) -> set[Path]:
    """Where exports of this ring were written."""
    try:
        return {Path(text) for text in json.loads((keys_folder / MANIFEST).read_bytes())}
    except FileNotFoundError:
        return set()


def _remember(keys_folder: Path, paths: set[Path]) -> None:
    write_secret(keys_folder / MANIFEST, json.dumps(sorted(map(str, paths))).encode())
