"""Coalesced checks without HTTP: what one process and one database can answer, beside prepared look-ups by pgbench."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from itertools import cycle
from time import perf_counter

import psycopg

from registry.contacts.queries import Reference
from registry.gate import service
from registry.gate.checks import BATCH, Check, Checks
from registry.gate.model import Question
from registry.kit import postgres
from registry.kit.postgres_programs import binaries
from tests.benchmarks import installations, people
from tests.benchmarks.figures import Figure, Goal, against
from tests.benchmarks.installations import CALLER, Place
from tests.benchmarks.processes import BenchmarkBroken, environment
from tests.benchmarks.sizes import Sizes

_TPS = re.compile(r"tps = ([0-9.]+)")
_GOAL = Goal(1.5, of_ratio=True)
_CLIENTS = 8
# Persons who ask at once: as many as share a batch when many ask.
_ASKING = 256


async def measure(sizes: Sizes) -> list[Figure]:
    """Answers a second, kept and audited; and decisions alone, as a hand-off or a bulk question asks for them."""
    async with installations.place() as place:
        persons = await people.subscribers(place, sizes.checked_persons)
        await place.vacuum()
        workspace = place.workspace
        checks = Checks(workspace.database, workspace.ring, workspace.policies)

        async def asked() -> float:
            references = cycle(persons)
            until = perf_counter() + sizes.seconds
            answered = 0

            async def asker() -> None:
                nonlocal answered
                while perf_counter() < until:
                    question = Check(CALLER, Reference(next(references), None), "newsletter", "email")
                    await checks.ask(question)
                    answered += 1

            began = perf_counter()
            await asyncio.gather(*(asker() for _ in range(_ASKING)))
            return answered / (perf_counter() - began)

        async def decided() -> float:
            questions = cycle([Question(one, "newsletter", "email") for one in persons])
            answered, began = 0, perf_counter()
            async with workspace.database.held(CALLER) as session:
                while (seconds := perf_counter() - began) < sizes.seconds:
                    some = [next(questions) for _ in range(BATCH)]
                    answered += len(await service.decide(session, workspace.policies, some))
            return answered / seconds

        limit = _look_ups(place, sizes)
        kept = await against(
            "coalesced checks in process, kept and audited",
            "checks/s",
            asked,
            f"pgbench prepared look-ups/s, c={_CLIENTS}",
            limit,
            rounds=sizes.rounds,
            goal=_GOAL,
        )
        bare = await against(
            f"decisions in process, {BATCH} a statement",
            "decisions/s",
            decided,
            f"pgbench prepared look-ups/s, c={_CLIENTS}",
            limit,
            rounds=sizes.rounds,
        )
        return [kept.noted("both share the machine's cores with the server"), bare]


def _look_ups(place: Place, sizes: Sizes) -> Callable[[], Awaitable[float]]:
    """A row of the same table by its primary key, prepared, from pgbench's clients."""
    cluster = postgres.cluster_of(place.data)
    url = psycopg.conninfo.make_conninfo(cluster.superuser_url, dbname=postgres.DATABASE)
    purpose = place.workspace.policies.purpose_ids["newsletter"]
    script = place.folder / "look-up.sql"
    script.write_text(
        f"\\set n random(1, {sizes.checked_persons})\n"
        "SELECT g.* FROM look_up l JOIN gate_state g ON g.contact_id = l.contact_id"
        f" AND g.purpose_id = {purpose} AND g.channel_id = {place.workspace.policies.channel_ids['email']}"
        " WHERE l.n = :n;\n"
    )

    async def rate() -> float:
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            await connection.execute(
                "CREATE TABLE IF NOT EXISTS look_up AS"
                " SELECT row_number() OVER (ORDER BY subject_id)::int AS n, subject_id AS contact_id FROM gate_row"
            )
            await connection.execute("CREATE UNIQUE INDEX IF NOT EXISTS look_up_n ON look_up (n)")
            await connection.execute("ANALYZE look_up")
        seconds = max(1, round(sizes.seconds))
        process = await asyncio.create_subprocess_exec(
            binaries() / "pgbench", "-n", "-M", "prepared", "-c", str(_CLIENTS), "-j", "2", "-T", str(seconds),
            "-f", str(script), url,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=environment(),
        )  # fmt: skip
        out, errors = await process.communicate()
        found = _TPS.search(out.decode())
        if found is None:
            raise BenchmarkBroken(errors.decode()[-2000:])
        return float(found[1])

    return rate
