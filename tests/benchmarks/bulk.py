"""The gate over a whole base: counts by reason, everybody's answer, a part of them, and what a new policy would say."""

from datetime import datetime
from time import perf_counter
from typing import Any
from uuid import UUID

from registry.gate import facts, policy_diff, rules, service
from registry.gate.model import PERMIT
from registry.kit import arrays, clock
from registry.kit.ids import NIL
from registry.policy.model import PolicySet, Purpose
from tests.benchmarks import installations, people
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
    async with installations.place() as place:
        rows = await people.base(place, sizes.bulk_persons)
        base = _Base(place, sizes)
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
            base.listed,
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
        differing = await against(
            f"policy diff over {name}",
            "contacts/s",
            base.compared,
            "contacts/s by the bulk gate",
            base.counted,
            rounds=max(1, sizes.rounds // 2),
            goal=_DIFF,
        )
    permitted = base.told.pop(PERMIT)
    return [
        counts.noted(
            f"{rows:,} rows; {permitted:,} permitted, {len(base.told)} reasons to refuse;"
            " audited and committed each time"
        ),
        members.noted(
            f"each person's answer and address, read by one client {_CHUNK:,} at a time, in the order of ids"
        ),
        segment.noted(
            f"ids of the permitted ({base.members:,}) in three of sixty countries, by one statement over the same rows:"
            " what a segment costs where the field lies beside the facts, for there is no segment engine yet"
        ),
        differing.noted(
            f"newsletter with another term of validity: {base.changed:,} would be answered differently"
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

    async def listed(self) -> float:
        after, permitted, began = NIL, 0, perf_counter()
        at = clock.now()
        async with self._workspace.database.begin(CALLER) as session:
            while (found := await self._chunk(session, at, after)) is not None:
                after, some = found
                permitted += some
        assert permitted == self.told[PERMIT]
        return self._persons / (perf_counter() - began)

    async def _chunk(self, session: Any, at: datetime, after: Any) -> tuple[Any, int] | None:
        """The last person of the next chunk, and how many of it are permitted."""
        statement = facts.packed(self._policies, self._purpose, CHANNEL, at, after, _CHUNK)
        (row,) = await session.all_binary(statement.text, statement.params)
        if row.contacts is None:
            return None
        contacts, codes = arrays.elements(row.contacts, 16), arrays.elements(row.codes, 2)
        return UUID(bytes=contacts[-1]), codes.count(rules.CODES[PERMIT].to_bytes(2))

    async def segment(self) -> float:
        began = perf_counter()
        statement = facts.permitted(self._policies, self._purpose, CHANNEL, clock.now(), NIL, self._persons)
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
