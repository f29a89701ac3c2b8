"""One entry with everything that proves it offline: that it stands in the log, and whom it is about."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from registry.audit import body, checkpoint, commitments, note, proof


class EvidenceInvalid(ValueError):
    """The evidence does not prove what it claims."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The entry's exact bytes, its tlog-proof, and the opening for one person if that is to be shown."""

    entry: bytes
    proof: str
    opening: commitments.Opening | None = None

    def as_json(self) -> dict[str, Any]:
        """A JSON object: `entry` (the canonical text), `proof` (a .tlog-proof file), `opening` or null."""
        opening = None if self.opening is None else commitments.opening_as_json(self.opening)
        return {"entry": self.entry.decode(), "proof": self.proof, "opening": opening}


@dataclass(frozen=True, slots=True)
class Proven:
    """What verified: the entry as an object, and the signed head under which it stands."""

    entry: dict[str, Any]
    index: int
    head: checkpoint.Checkpoint


def from_json(data: Mapping[str, Any]) -> Evidence:
    """EvidenceInvalid: not what `Evidence.as_json` writes."""
    match data:
        case {"entry": str(entry), "proof": str(text), "opening": opening}:
            if opening is None:
                return Evidence(entry.encode(), text)
            if isinstance(opening, Mapping):
                try:
                    return Evidence(entry.encode(), text, commitments.opening_from_json(opening))
                except commitments.OpeningInvalid as error:
                    raise EvidenceInvalid(str(error)) from error
    raise EvidenceInvalid("the evidence needs entry, proof and opening")


def verify(evidence: Evidence, verifier: note.Verifier) -> Proven:
    """Check everything with nothing but the log's key. EvidenceInvalid says what does not hold."""
    try:
        parsed = proof.parse(evidence.proof)
        head = proof.verify(parsed, evidence.entry, verifier)
        said = body.canonical(evidence.entry)
        if evidence.opening is not None:
            commitments.verify(said.get("subjects"), evidence.opening)
    except ValueError as error:
        raise EvidenceInvalid(str(error)) from error
    return Proven(said, parsed.index, head)


def loads(text: str | bytes) -> Evidence:
    """Evidence from the text of a JSON file. EvidenceInvalid when it is none."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise EvidenceInvalid("the evidence is not JSON") from error
    if not isinstance(data, dict):
        raise EvidenceInvalid("the evidence needs entry, proof and opening")
    return from_json(data)
