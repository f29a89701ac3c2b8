"""Names whoever would be answered differently, person by person: the log has them before anybody is told."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from uuid import UUID

from registry.gate import audience, pair_statement, readings, rules
from registry.gate.facts import Statement
from registry.gate.pair_statement import Side
from registry.gate.policy_changes import Answered, Compared
from registry.keys.ring import KeyRing
from registry.kit.caller import Caller
from registry.kit.database import Database, Session
from registry.kit.ids import NIL

# More persons than there are: a statement that is read by a cursor needs no other end.
_EVERYBODY = 2**62

# Where the lines go: a file, standard output. What it is given may leave.
Write = Callable[[Sequence[Answered]], None]
# A bar: told a label and how many there are to do, gives whom to tell how many more are done.
Bar = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]


@dataclass(slots=True)
class Naming:
    """The naming of one comparison. `told` counts the answers that left so far."""

    database: Database
    ring: KeyRing
    caller: Caller
    write: Write
    bar: Bar
    told: int = 0
    _waiting: list[Answered] = field(default_factory=list)

    async def changed(self, session: Session, before: Side, after: Side, one: Compared) -> None:
        """Everybody whose answers the gate's rows tell apart, in the order of ids; in the snapshot of `session`."""
        numbers = before.policies
        statement = pair_statement.members(
            before, after, numbers.purpose_ids[one.pair.purpose], numbers.channel_ids[one.pair.channel]
        )
        await self._named(
            one,
            (
                Answered(row.contact_id, *one.pair, rules.REASONS[row.old], rules.REASONS[row.new])
                async for row in _rows(session, statement)
            ),
        )

    async def ended(self, session: Session, before: Side, after: str, one: Compared) -> None:
        """Everybody who had another answer than the one that all get now, in the order of ids."""
        at = before.moment.at
        statement = audience.chunk(before.policies, before.purpose, one.pair.channel, at, NIL, _EVERYBODY)
        await self._named(
            one,
            (
                Answered(row.contact_id, *one.pair, rules.REASONS[row.code], after)
                async for row in _rows(session, statement)
                if rules.REASONS[row.code] != after
            ),
        )

    async def _named(self, one: Compared, found: AsyncIterator[Answered]) -> None:
        total = sum(change.persons for change in one.changes)
        if not total:
            return
        with self.bar(f"{one.pair.purpose} on {one.pair.channel}", total) as advance:
            async for answered in found:
                self._waiting.append(answered)
                if len(self._waiting) >= readings.CHUNK:
                    advance(await self.flush())
            advance(await self.flush())

    async def add(self, some: Iterable[Answered]) -> None:
        """Answers that were worked out elsewhere; they leave when there are enough of them for an entry."""
        self._waiting += some
        if len(self._waiting) >= readings.CHUNK:
            await self.flush()

    async def flush(self) -> int:
        """Let what waits leave, in the log first; returns how many answers that were."""
        done = 0
        while some := self._waiting[: readings.CHUNK]:
            read: list[UUID] = list(dict.fromkeys(one.person for one in some))
            await readings.note(
                self.database,
                self.ring,
                self.caller,
                "policy.diff",
                read,
                {
                    "members": True,
                    "purposes": sorted({one.purpose for one in some}),
                    "channels": sorted({one.channel for one in some}),
                    "persons": len(read),
                    "answers": len(some),
                },
            )
            self.write(some)
            self.told += len(some)
            done += len(some)
            del self._waiting[: len(some)]
        return done


async def _rows(session: Session, statement: Statement) -> AsyncIterator:  # type: ignore[type-arg]  # rows are named tuples
    """The rows of a statement by a cursor of the server: one scan, in the snapshot of the transaction."""
    async with session.driver.cursor("answers", binary=True) as cursor:
        cursor.itersize = readings.CHUNK
        await cursor.execute(statement.text.encode(), statement.params)
        async for row in cursor:
            yield row
