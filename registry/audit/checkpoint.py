"""The text of a C2SP checkpoint: what a log commits to when it signs."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from registry.audit import merkle
from registry.audit import note as notes

MAX_SIZE = (1 << 63) - 1


class CheckpointInvalid(ValueError):
    """The text is not a checkpoint of this log."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head: the log's origin, the number of leaves, the root over them, and the signed note if any."""

    origin: str
    size: int
    root: bytes
    note: str = ""

    def text(self) -> str:
        """Origin, size and root, one a line; no extension lines."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    def signed(self, signers: Sequence[notes.Signer]) -> "Checkpoint":
        return Checkpoint(self.origin, self.size, self.root, notes.sign(self.text(), signers).encode())


def parse(text: str) -> Checkpoint:
    """Read the text of a note as a checkpoint. CheckpointInvalid: anything but the three lines."""
    lines = text.split("\n")
    if len(lines) != 4 or lines[3]:
        raise CheckpointInvalid("a checkpoint has three lines: origin, size, root")
    origin, size, encoded, _ = lines
    try:
        root = notes.decode_base64(encoded)
    except ValueError as error:
        raise CheckpointInvalid("the root of the checkpoint is not base64") from error
    digits = size.isascii() and size.isdigit() and (size == "0" or size[0] != "0") and len(size) < 20
    if not origin or not digits or int(size) > MAX_SIZE or len(root) != merkle.HASH_BYTES:
        raise CheckpointInvalid("a checkpoint has three lines: origin, size, root")
    if size == "0" and root != merkle.EMPTY_ROOT:
        raise CheckpointInvalid("an empty log has the empty root")
    return Checkpoint(origin, int(size), root)


def open_signed(raw: bytes, verifier: notes.Verifier) -> Checkpoint:
    """The checkpoint in a note signed with the log's own key, whose name is the origin.

    NoteInvalid: the signature; CheckpointInvalid: the text, or a key that has another name than the log.
    """
    opened = notes.open_note(raw, [verifier])
    parsed = parse(opened.text)
    if parsed.origin != verifier.name:
        raise CheckpointInvalid(f"the checkpoint is of {parsed.origin}, the key of {verifier.name}")
    return Checkpoint(parsed.origin, parsed.size, parsed.root, raw.decode())
