"""C2SP tlog-proof: one small text that proves, with nothing else at hand, that an entry is in the log."""

import base64
import re
from dataclasses import dataclass

from registry.audit import checkpoint, merkle, note

HEADER = "c2sp.org/tlog-proof@v1"
MAX_PATH = 63
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})")


class ProofMalformed(ValueError):
    """The text is not a tlog-proof."""


@dataclass(frozen=True, slots=True)
class TlogProof:
    """Leaf index, audit path (sibling first, without the leaf hash), the signed checkpoint, optional extra bytes."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: str
    extra: bytes | None = None

    def encode(self) -> str:
        lines = [HEADER]
        if self.extra is not None:
            lines.append(f"extra {base64.b64encode(self.extra).decode()}")
        lines.append(f"index {self.index}")
        lines += [base64.b64encode(each).decode() for each in self.path]
        return "\n".join(lines) + "\n\n" + self.checkpoint


def parse(text: str) -> TlogProof:
    """ProofMalformed: anything that `encode` would not have written."""
    head, blank, signed = text.partition("\n\n")
    lines = head.split("\n")
    if not blank or lines.pop(0) != HEADER or not lines:
        raise ProofMalformed(f"a proof begins with {HEADER} and holds a checkpoint")
    extra = None
    try:
        if lines[0].startswith("extra "):
            extra = note.decode_base64(lines.pop(0).removeprefix("extra "))
        match = _INDEX.fullmatch(lines[0]) if lines else None
        path = tuple(note.decode_base64(line) for line in lines[1:])
    except ValueError as error:
        raise ProofMalformed("a line of the proof is not base64") from error
    if match is None:
        raise ProofMalformed("the proof names no leaf index")
    if len(path) > MAX_PATH or any(len(each) != merkle.HASH_BYTES for each in path):
        raise ProofMalformed("the proof has at most 63 hashes of 32 bytes")
    return TlogProof(int(match[1]), path, signed, extra)


def verify(proof: TlogProof, entry: bytes, verifier: note.Verifier) -> checkpoint.Checkpoint:
    """The checkpoint under which `entry` stands at the proof's index.

    NoteInvalid, CheckpointInvalid, ProofInvalid: the signature, the text of the checkpoint, or the path.
    """
    head = checkpoint.open_signed(proof.checkpoint.encode(), verifier)
    merkle.verify_inclusion(proof.index, head.size, merkle.leaf_hash(entry), proof.path, head.root)
    return head
