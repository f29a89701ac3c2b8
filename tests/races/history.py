"""What happened, as each process wrote it down, and as the operations that the model is asked to explain.

A process appends a line of JSON for each act with the instants, in nanoseconds of the machine's monotonic clock, at
which it was asked for and answered. All processes of a machine share that clock (clock_gettime, CLOCK_MONOTONIC).
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from tests.races import person_gate as gate
from tests.races.linearizability import Operation
from tests.races.person_gate import Gate, Told

# A "no", by the kind of its line.
NOES = frozenset({"no", "suppress", "restrict", "bury", "erase", "merge"})
# What may send.
SENDING = frozenset({"handoff", "issue", "redeem"})


def now() -> int:
    """Nanoseconds on the clock that all processes share."""
    return time.monotonic_ns()


class Pace:
    """How long things take here and now: so a race is as close on a slow machine as on a fast one."""

    def __init__(self, seconds: float = 0.012) -> None:
        self.seconds = seconds

    def took(self, invoked: int, responded: int) -> None:
        """Take another one into account; no single one stretches it beyond a second."""
        self.seconds = min(1.0, 0.9 * self.seconds + 0.1 * (responded - invoked) / 1e9)


class Diary:
    """One process's lines."""

    def __init__(self, path: Path) -> None:
        self._lines: IO[str] = path.open("a", encoding="ascii")

    def write(self, key: str, invoked: int, responded: int | None, told: dict[str, Any]) -> None:
        line = {"key": key, "invoked": invoked, "responded": responded, **told}
        self._lines.write(json.dumps(line) + "\n")

    def flush(self) -> None:
        self._lines.flush()


class Reader:
    """Reads what was added to a diary, or to a mailbox, since the last time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def new(self) -> Iterator[dict[str, Any]]:
        """The whole lines that are new."""
        if not self._path.exists():
            return
        with self._path.open("rb") as lines:
            lines.seek(self._offset)
            for line in lines:
                if not line.endswith(b"\n"):
                    return
                self._offset += len(line)
                yield json.loads(line)


def operations(line: dict[str, Any]) -> list[Operation[Gate]]:
    """The operations that a line stands for."""
    kind, invoked, responded = line["kind"], line["invoked"], line["responded"]
    if kind != "handoff":
        return [Operation(_call(kind, line), invoked, responded)]
    message = line["message"]
    if line["begun"] is not None:
        # An instant each: nothing may come between that was over before, or began after.
        return [
            Operation(gate.Begin(message), line["begun"], line["begun"]),
            Operation(gate.End(message), line["ended"], line["ended"]),
        ]
    if line["state"] == "blocked":
        return [Operation(gate.Blocked(message, line["reason"]), invoked, responded)]
    # Back in the queue, or gone with its person: nothing was claimed about the gate.
    return []


def _call(kind: str, line: dict[str, Any]) -> Any:
    match kind:
        case "no":
            return gate.No(line["at"], _told(line), line["of_address"])
        case "suppress":
            return gate.Suppress(line["at"], _told(line))
        case "restrict":
            return gate.Restrict(line["at"], _told(line))
        case "bury":
            return gate.Bury(_told(line))
        case "erase":
            return gate.Erase(_told(line), line["already"])
        case "merge":
            return gate.Merge(_told(line), line["other_no"], line["restricted_at"])
        case "gone":
            return gate.Gone(line["act"])
        case "grant":
            return gate.Grant(line["acted_at"])
        case "check":
            return gate.Check(line["permitted"], line["reason"])
        case "issue":
            return gate.Issue(line["permit"], line["reason"])
        case "redeem":
            return gate.Redeem(line["permit"], line["granted"], line["reason"])
    raise ValueError(f"nobody knows what {kind} is")


def _told(line: dict[str, Any]) -> Told:
    return Told(frozenset(line["voided"]), frozenset(line["in_flight"]))


def overlaps(lines: list[dict[str, Any]]) -> int:
    """How many pairs of a "no" and of something that may send had their times in common."""
    noes = [line for line in lines if line["kind"] in NOES]
    sending = [line for line in lines if line["kind"] in SENDING]
    return sum(
        no["invoked"] <= one["responded"] and one["invoked"] <= no["responded"]
        for no in noes
        for one in sending
    )
