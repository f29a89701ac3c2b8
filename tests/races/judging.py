"""What a race showed: a verdict for each person's history, and the history itself where there is no order for it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.races.history import operations, overlaps
from tests.races.linearizability import Verdict, check
from tests.races.person_gate import Gate


@dataclass
class Findings:
    """What was seen so far: histories by their verdict, pairs that overlapped, and how each side came off."""

    persons: int = 0
    interleavings: int = 0
    operations: Counter[str] = field(default_factory=Counter)
    # Histories for which there is no order, explained.
    rejected: list[str] = field(default_factory=list)
    # Where the relay and the senders do not tell the same story.
    unwitnessed: list[str] = field(default_factory=list)
    tried: int = 0
    deadlocks: int = 0

    @classmethod
    def of(cls, told: dict[str, Any]) -> "Findings":
        """Findings that were written down."""
        return cls(**{**told, "operations": Counter(told["operations"])})

    def add(self, other: "Findings") -> None:
        self.persons += other.persons
        self.interleavings += other.interleavings
        self.operations.update(other.operations)
        self.rejected += other.rejected
        self.unwitnessed += other.unwitnessed
        self.tried += other.tried
        self.deadlocks += other.deadlocks


def judge(lines: Sequence[dict[str, Any]], mails: Sequence[dict[str, Any]]) -> Findings:
    """A verdict about the lines of one wave, all of them, and the mails that the relay took meanwhile."""
    findings = Findings()
    by_person: dict[str, list[dict[str, Any]]] = {}
    taken = _taken(mails)
    for line in sorted(lines, key=lambda line: line["invoked"]):
        by_person.setdefault(line["key"], []).append(line)
        if line["kind"] == "handoff" and line["begun"] is not None:
            # The relay is a witness of its own: whichever of the two saw it earlier, or later, is believed.
            seen = taken.get(line["recipient"])
            if not seen:
                findings.unwitnessed.append(f"{line['key']}: a mail that the relay never saw")
                continue
            begun, ended = seen.pop(0)
            line["begun"], line["ended"] = min(begun, line["begun"]), max(ended, line["ended"])
    findings.unwitnessed += [f"{who}: a mail that no sender sent" for who, left in taken.items() if left]
    for key, told in by_person.items():
        history = [operation for line in told for operation in operations(line)]
        verdict = check(Gate(), history)
        findings.persons += 1
        findings.tried += verdict.tried
        findings.interleavings += overlaps(told)
        findings.operations.update(_named(line) for line in told)
        if not verdict.linearizable:
            findings.rejected.append(explained(key, told, verdict))
    return findings


def _taken(mails: Sequence[dict[str, Any]]) -> dict[str, list[tuple[int, int]]]:
    """When the relay began and ended with each mail, by its address."""
    found: dict[str, list[tuple[int, int]]] = {}
    for mail in mails:
        found.setdefault(mail["to"][0], []).append((int(mail["begun"] * 1e9), int(mail["ended"] * 1e9)))
    return found


def _named(line: dict[str, Any]) -> str:
    """What an act came to, in a word or two."""
    match line["kind"]:
        case "handoff":
            return f"handoff.{line['state']}"
        case "issue" | "redeem":
            return f"{line['kind']}.{line['reason'].removeprefix('permit.')}"
        case kind:
            return str(kind)


def explained(key: str, lines: Sequence[dict[str, Any]], verdict: Verdict[Gate]) -> str:
    """A history without an order, for a reader: its acts in milliseconds, and what could not be placed."""
    since = min(line["invoked"] for line in lines)
    told = [f"person {key}:"]
    for line in sorted(lines, key=lambda line: line["invoked"]):
        span = f"{(line['invoked'] - since) / 1e6:8.2f} to {(line['responded'] - since) / 1e6:8.2f} ms"
        said = {
            name: value
            for name, value in line.items()
            if name not in ("key", "kind", "invoked", "responded", "begun", "ended", "recipient")
        }
        wire = ""
        if line.get("begun") is not None:
            wire = (
                f", on the wire {(line['begun'] - since) / 1e6:.2f} to {(line['ended'] - since) / 1e6:.2f} ms"
            )
        told.append(f"  {span}  {line['kind']} {said}{wire}")
    told.append("  in order: " + ", ".join(type(one.call).__name__ for one in verdict.order))
    told.append("  no place for: " + ", ".join(str(one.call) for one in verdict.unexplained))
    return "\n".join(told)
