"""Commitments to persons: the log says that an entry is about somebody, and only an opening says about whom."""

import base64
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from registry.audit import merkle, note

NONCE_BYTES = 32
INLINE = 500
"""Up to so many subjects stand in the entry itself; of more it holds the count and a Merkle root."""


class OpeningInvalid(ValueError):
    """The opening does not show that the entry is about this subject."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What shows that an entry is about `subject`: its place among the subjects, the nonce, and for a long
    list of subjects the audit path from the commitment to the root in the entry (sibling first).
    """

    subject: UUID
    position: int
    nonce: bytes
    path: tuple[bytes, ...] = ()


def commit(nonce: bytes, subject: UUID) -> bytes:
    """HMAC-SHA-256(nonce, the 16 bytes of the id); 32 bytes that tell nobody without the nonce anything."""
    return hmac.digest(nonce, subject.bytes, "sha256")


def stated(commitments: Sequence[bytes]) -> list[str] | dict[str, int | str]:
    """How an entry names its subjects: a list of base64 commitments, or count and root of a long one."""
    if len(commitments) <= INLINE:
        return [base64.b64encode(each).decode() for each in commitments]
    top = merkle.root([merkle.leaf_hash(each) for each in commitments])
    return {"count": len(commitments), "root": base64.b64encode(top).decode()}


def path_to(position: int, commitments: Sequence[bytes]) -> tuple[bytes, ...]:
    """The audit path of one commitment of a long list; empty for a list that stands in the entry itself."""
    if len(commitments) <= INLINE:
        return ()
    node = merkle.levels([merkle.leaf_hash(each) for each in commitments])
    return tuple(merkle.inclusion(position, len(commitments), node))


def verify(subjects: object, opening: Opening) -> None:
    """Check an opening against the `subjects` member of an entry. OpeningInvalid if it does not fit."""
    if len(opening.nonce) != NONCE_BYTES:
        raise OpeningInvalid("a nonce has 32 bytes")
    commitment = commit(opening.nonce, opening.subject)
    match subjects:
        case list():
            if opening.path or not 0 <= opening.position < len(subjects):
                raise OpeningInvalid("the entry has no subject at this position")
            if subjects[opening.position] != base64.b64encode(commitment).decode():
                raise OpeningInvalid("the entry is not about this subject")
        case {"count": int(count), "root": str(encoded)}:
            _verify_path(commitment, opening, count, encoded)
        case _:
            raise OpeningInvalid("the entry names no subjects")


def _verify_path(commitment: bytes, opening: Opening, count: int, encoded: str) -> None:
    try:
        top = note.decode_base64(encoded)
        leaf = merkle.leaf_hash(commitment)
        merkle.verify_inclusion(opening.position, count, leaf, opening.path, top)
    except ValueError as error:
        raise OpeningInvalid("the entry is not about this subject") from error


def opening_as_json(opening: Opening) -> dict[str, object]:
    return {
        "subject": str(opening.subject),
        "position": opening.position,
        "nonce": base64.b64encode(opening.nonce).decode(),
        "path": [base64.b64encode(each).decode() for each in opening.path],
    }


def opening_from_json(data: Mapping[str, object]) -> Opening:
    """OpeningInvalid: not what `opening_as_json` writes."""
    match data:
        case {"subject": str(subject), "position": int(position), "nonce": str(nonce), "path": list(path)}:
            try:
                steps = tuple(note.decode_base64(str(each)) for each in path)
                return Opening(UUID(subject), position, note.decode_base64(nonce), steps)
            except ValueError as error:
                raise OpeningInvalid("the opening is malformed") from error
    raise OpeningInvalid("the opening is malformed")
