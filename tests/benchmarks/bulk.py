"""The gate over a whole base: everybody's answer in one statement, and everybody's answer told person by person."""

from time import perf_counter

from registry.gate import facts, rules, service
from registry.kit import clock
from registry.kit.ids import NIL
from tests.benchmarks import installations, people
from tests.benchmarks.figures import Figure, Goal, against
from tests.benchmarks.installations import CALLER
from tests.benchmarks.sizes import Sizes

_GOAL = Goal(1_000_000)
# As many as a campaign takes into one transaction.
_CHUNK = 10_000


async def measure(sizes: Sizes) -> list[Figure]:
    """Counts by reason through `gate.service.bulk`, and members in chunks, each against counting the rows."""
    async with installations.place() as place:
        rows = await people.base(place, sizes.bulk_persons)
        workspace = place.workspace
        policies = workspace.policies
        purpose = policies.purposes["newsletter"]
        told: dict[str, int] = {}

        async def counted() -> float:
            began = perf_counter()
            async with workspace.database.begin(CALLER) as session:
                counts = await service.bulk(session, workspace.ring, policies, "newsletter", "email")
            told.update(counts)
            return sum(counts.values()) / (perf_counter() - began)

        async def listed() -> float:
            after, members, began = NIL, 0, perf_counter()
            at = clock.now()
            async with workspace.database.begin(CALLER) as session:
                while True:
                    statement = facts.chunk(policies, purpose, "email", at, after, _CHUNK)
                    found = await session.all(statement.text, statement.params)
                    if not found:
                        break
                    after = found[-1].contact_id
                    members += sum(rules.REASONS[row.code] == "permit" for row in found)
            assert members == told["permit"]
            return sizes.bulk_persons / (perf_counter() - began)

        async def limit() -> float:
            began = perf_counter()
            async with workspace.database.begin(CALLER) as session:
                number = await session.value(
                    "SELECT count(*) FROM gate_state WHERE purpose_id = %s",
                    (policies.purpose_ids["newsletter"],),
                )
            return int(number) / (perf_counter() - began)

        counts = await against(
            f"bulk gate over {sizes.bulk_persons:,} contacts, counts by reason",
            "contacts/s",
            counted,
            "rows/s by SELECT count(*)",
            limit,
            rounds=sizes.rounds * 2,
            goal=_GOAL,
        )
        members = await against(
            f"bulk gate, members in chunks of {_CHUNK:,}",
            "contacts/s",
            listed,
            "rows/s by SELECT count(*)",
            limit,
            rounds=max(1, sizes.rounds // 2),
        )
    permitted = told.pop("permit")
    note = f"{rows:,} rows; {permitted:,} permitted, {len(told)} reasons to refuse; audited and committed each time"
    return [counts.noted(note), members.noted("each person's answer read by one client, in the order of ids")]
