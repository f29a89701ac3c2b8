"""A whole audience, person by person with the reason, as lines of JSON: flat in memory, in the order of our ids.

The first line says what was asked, the last one that all of it was told. Before the lines about 10,000 persons leave,
an entry about them is in the log, on a connection of its own.
"""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import msgspec

from registry.audit.body import JSON
from registry.gate import audience, readings, rules, service
from registry.gate.model import PERMIT, Outcome
from registry.gate.readings import CHUNK
from registry.keys.ring import KeyRing
from registry.kit import arrays, clock
from registry.kit.caller import Caller
from registry.kit.database import Database
from registry.kit.errors import Misuse
from registry.kit.ids import NIL
from registry.policy.model import PolicySet, Purpose

_ENCODE = msgspec.json.Encoder().encode


class Head(msgspec.Struct, frozen=True):
    """The first line: what was asked."""

    purpose: str
    channel: str
    policy: str
    as_of: datetime
    outcome: str | None
    reason: str | None
    after: UUID | None


class Listed(msgspec.Struct, frozen=True):
    """A line about a person; `identifier` is the address that the answer is about."""

    contact: UUID
    outcome: str
    reason: str
    identifier: UUID | None


class Tail(msgspec.Struct, frozen=True):
    """The last line. A stream without it was cut off, and goes on behind the last person that it named."""

    complete: bool
    persons: int
    listed: int
    reasons: dict[str, int]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which audience: everybody for a purpose and channel, or those with one outcome or reason, behind one person.

    Misuse `reason.unknown` for a reason that nothing is answered with.
    """

    purpose: str
    channel: str
    outcome: Outcome | None = None
    reason: str | None = None
    after: UUID | None = None

    def __post_init__(self) -> None:
        if self.reason is not None and self.reason not in rules.CODES:
            raise Misuse(
                "reason.unknown",
                "There is no such reason.",
                field="reason",
                mend="a code as the check answers with, such as consent.missing; zgoda decision counts shows them",
            )

    def lists(self, reason: str) -> bool:
        """Whether persons with this reason are wanted."""
        return self.reason in (None, reason) and self.outcome in (None, outcome(reason))


@dataclass(slots=True)
class Export:
    """One export under way. `reasons` counts everybody who was looked at so far, listed or not."""

    database: Database
    ring: KeyRing
    policies: PolicySet
    caller: Caller
    wanted: Wanted
    purpose: Purpose
    reasons: Counter[str] = field(default_factory=Counter)
    listed: int = 0

    @classmethod
    def of(
        cls, database: Database, ring: KeyRing, policies: PolicySet, caller: Caller, wanted: Wanted
    ) -> "Export":
        """Misuse for a purpose or channel that does not exist."""
        purpose = service.require_scope(policies, wanted.purpose, wanted.channel)
        return cls(database, ring, policies, caller, wanted, purpose)

    async def size(self) -> int:
        """How many persons there are to look at, about."""
        statement = audience.counted(self.policies, self.purpose, self.wanted.channel, clock.now())
        async with self.database.held(self.caller) as session:
            return sum(row.persons for row in await session.all(statement.text, statement.params))

    async def pieces(self) -> AsyncIterator[bytes]:
        """The lines, in pieces of some thousand; each piece may leave when it comes."""
        at = clock.now()
        wanted = self.wanted
        version, outcome = self.purpose.version, wanted.outcome and wanted.outcome.value
        yield _line(Head(wanted.purpose, wanted.channel, version, at, outcome, wanted.reason, wanted.after))
        after = wanted.after or NIL
        while True:
            statement = audience.packed(self.policies, self.purpose, wanted.channel, at, after, CHUNK)
            async with self.database.held(self.caller) as session:
                (row,) = await session.all_binary(statement.text, statement.params)
            if row.contacts is None:
                break
            contacts, assignments = arrays.split(row.contacts, 16), arrays.split(row.assignments, 16)
            codes = arrays.smallints(row.codes)
            lines, read = self._lines(contacts, codes, assignments)
            if read:
                await self._note(read)
                yield lines
            after = UUID(bytes=contacts[-1])
            if len(contacts) < CHUNK:
                break
        await self._end()
        yield _line(Tail(True, self.reasons.total(), self.listed, dict(self.reasons.most_common())))

    def _lines(
        self, contacts: list[bytes], codes: Sequence[int], assignments: list[bytes]
    ) -> tuple[bytes, list[UUID]]:
        """The lines about those who are wanted, and who they are."""
        counted = Counter(codes)
        self.reasons.update({rules.REASONS[code]: number for code, number in counted.items()})
        middles = {
            code: f'","outcome":"{outcome(reason).value}","reason":"{reason}","identifier":'
            for code in counted
            if self.wanted.lists(reason := rules.REASONS[code])
        }
        lines: list[str] = []
        read: list[UUID] = []
        for contact, code, assignment in zip(contacts, codes, assignments, strict=True):
            middle = middles.get(code)
            if middle is None:
                continue
            person = UUID(bytes=contact)
            read.append(person)
            place = "null" if assignment == NIL.bytes else f'"{UUID(bytes=assignment)}"'
            lines.append(f'{{"contact":"{person}{middle}{place}}}\n')
        self.listed += len(lines)
        return "".join(lines).encode(), read

    async def _note(self, read: list[UUID], **told: JSON) -> None:
        """Commit one entry about those who were read."""
        scope: dict[str, JSON] = {"purpose": self.wanted.purpose, "channel": self.wanted.channel}
        detail = {"export": True, **scope, "persons": len(read), **told}
        await readings.note(self.database, self.ring, self.caller, "decision.bulk", read, detail)

    async def _end(self) -> None:
        await self._note([], persons=self.reasons.total(), listed=self.listed, complete=True)


def outcome(reason: str) -> Outcome:
    """What a reason comes to."""
    if reason == PERMIT:
        return Outcome.PERMIT
    return Outcome.DEFER if reason in rules.DEFERRING else Outcome.DENY


def _line(told: Head | Tail) -> bytes:
    return _ENCODE(told) + b"\n"
