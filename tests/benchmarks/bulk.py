"""The gate over a whole base: counts by reason, everybody's answer, a part of them, and what a new policy would say."""

import asyncio
from bisect import bisect_right
from datetime import datetime
from time import perf_counter
from uuid import UUID

from registry.gate import audience, policy_diff, rules, service
from registry.gate.model import PERMIT
from registry.kit import arrays, clock
from registry.kit.ids import NIL
from registry.policy.model import PolicySet, Purpose
from tests.benchmarks import foretelling, installations, people
from tests.benchmarks.figures import Figure, Goal, against
from tests.benchmarks.installations import CALLER, Place
from tests.benchmarks.sizes import Sizes

_COUNTS = Goal(6_000_000)
_MEMBERS = Goal(3_000_000)
_SEGMENT = Goal(0.5, most=True)
_DIFF = Goal(0.5, of_ratio=True)
# As many as an export tells before it commits the entry about them.
_CHUNK = 10_000
# A purpose and a channel with nothing else in the base's rows: what is measured is this one.
PURPOSE, CHANNEL = "newsletter", "email"


async def measure(sizes: Sizes) -> list[Figure]:
    """Each against a plain count of the same rows, or the gate itself."""
    with installations.folder() as folder:
        async with installations.opened_in(folder) as place:
            rows = await people.base(place, sizes.bulk_persons)
        # A server is sized to its data when it starts, as it will have been where a base has grown.
        async with installations.opened_in(folder) as place:
            return await _measured(place, sizes, rows)


async def _measured(place: Place, sizes: Sizes, rows: int) -> list[Figure]:
    base = _Base(place, sizes)
    middle = await base.middle()
    name = f"{sizes.bulk_persons:,} contacts"
    counts = await against(
        f"bulk gate over {name}, counts by reason",
        "contacts/s",
        base.counted,
        "rows/s by SELECT count(*)",
        base.limit,
        rounds=sizes.rounds,
        goal=_COUNTS,
    )
    members = await against(
        f"bulk gate over {name}, with members",
        "contacts/s",
        lambda: base.listed(NIL, middle),
        "rows/s by SELECT count(*)",
        base.limit,
        rounds=max(1, sizes.rounds // 2),
        goal=_MEMBERS,
    )
    segment = await against(
        f"5 % of {name}, those permitted",
        "s",
        base.segment,
        "s by SELECT count(*)",
        base.limit_seconds,
        rounds=sizes.rounds,
        goal=_SEGMENT,
    )
    alone = await base.listed(NIL)
    differing = await against(
        f"policy diff over {name}",
        "contacts/s",
        base.compared,
        "contacts/s by the bulk gate",
        base.counted,
        rounds=max(1, sizes.rounds // 2),
        goal=_DIFF,
    )
    foretold = await foretelling.foretold(place)
    permitted = base.told.pop(PERMIT)
    return [
        counts.noted(
            f"{rows:,} rows; {permitted:,} permitted, {len(base.told)} reasons to refuse;"
            " audited and committed each time"
        ),
        members.noted(
            f"each person's answer and address, {_CHUNK:,} at a time, in the order of ids, by one client on two"
            f" connections that take half of the ids each; {alone:,.0f} contacts/s by one connection"
        ),
        segment.noted(
            f"ids of the permitted ({base.members:,}) in three of sixty countries, by one statement over the same rows:"
            " what a segment costs where the field lies beside the facts, for there is no segment engine yet"
        ),
        differing.noted(
            f"newsletter with another term of validity: {base.changed:,} would be answered differently; {foretold}"
        ),
    ]


class _Base:
    """The statements over a base that stands."""

    def __init__(self, place: Place, sizes: Sizes) -> None:
        self._workspace = place.workspace
        self._persons = sizes.bulk_persons
        self.told: dict[str, int] = {}
        self.members = 0
        self.changed = 0

    @property
    def _policies(self) -> PolicySet:
        return self._workspace.policies

    @property
    def _purpose(self) -> Purpose:
        return self._policies.purposes[PURPOSE]

    async def counted(self) -> float:
        began = perf_counter()
        async with self._workspace.database.begin(CALLER) as session:
            counts = await service.bulk(session, self._workspace.ring, self._policies, PURPOSE, CHANNEL)
        self.told.update(counts)
        return sum(counts.values()) / (perf_counter() - began)

    async def middle(self) -> UUID:
        """The person in the middle of the ids."""
        statement = audience.chunk(
            self._policies, self._purpose, CHANNEL, clock.now(), NIL, self._persons // 2
        )
        text = f"SELECT max(contact_id::text) FROM ({statement.text}) AS answers"
        async with self._workspace.database.begin(CALLER) as session:
            return UUID(await session.value(text, statement.params))

    async def listed(self, *begins: UUID) -> float:
        """Everybody's answer, by a connection for each of the ids behind which to begin."""
        at, began = clock.now(), perf_counter()
        ends = (*begins[1:], None)
        permitted = await asyncio.gather(
            *(self._part(at, begin, end) for begin, end in zip(begins, ends, strict=True))
        )
        seconds = perf_counter() - began
        assert sum(permitted) == self.told[PERMIT]
        return self._persons / seconds

    async def _part(self, at: datetime, after: UUID, end: UUID | None) -> int:
        """How many are permitted from one id to another, all of them read."""
        permitted = 0
        last = end.bytes if end else b"\xff" * 16
        async with self._workspace.database.begin(CALLER) as session:
            while after.bytes < last:
                statement = audience.packed(self._policies, self._purpose, CHANNEL, at, after, _CHUNK)
                (row,) = await session.all_binary(statement.text, statement.params)
                if row.contacts is None:
                    break
                contacts, codes = arrays.split(row.contacts, 16), arrays.smallints(row.codes)
                after = UUID(bytes=contacts[-1])
                permitted += codes[: bisect_right(contacts, last)].count(rules.CODES[PERMIT])
        return permitted

    async def segment(self) -> float:
        began = perf_counter()
        statement = audience.permitted(
            self._policies, self._purpose, CHANNEL, clock.now(), NIL, self._persons
        )
        # The field stands where a segment engine would have put it: in the scan.
        text = statement.text.replace(
            "WHERE gate_state", "WHERE gate_state.jurisdiction IN (7, 27, 47) AND gate_state", 1
        )
        assert text != statement.text
        async with self._workspace.database.begin(CALLER) as session:
            found = await session.all_binary(text, statement.params)
        self.members = len(found)
        return perf_counter() - began

    async def compared(self) -> float:
        purpose = self._purpose
        other = purpose.model_copy(update={"valid_for_days": (purpose.valid_for_days or 900) // 2})
        new = self._policies.model_copy(update={"purposes": {**self._policies.purposes, PURPOSE: other}})
        workspace = self._workspace
        began = perf_counter()
        found = await policy_diff.difference(
            workspace.database, workspace.ring, CALLER, self._policies, new, clock.now()
        )
        seconds = perf_counter() - began
        self.changed = sum(change.persons for change in found.changes if change.purpose == PURPOSE)
        assert self.changed
        return self._persons / seconds

    async def limit(self) -> float:
        began = perf_counter()
        async with self._workspace.database.begin(CALLER) as session:
            number = await session.value(
                "SELECT count(*) FROM gate_state WHERE purpose_id = %s",
                (self._policies.purpose_ids[PURPOSE],),
            )
        return int(number) / (perf_counter() - began)

    async def limit_seconds(self) -> float:
        return self._persons / await self.limit()
